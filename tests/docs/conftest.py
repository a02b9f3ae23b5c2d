"""What the documentation shows, as the tests read it."""

import re
import shlex
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands_of(page: Path, *, with_files: bool = False) -> list[list[str]]:
    """Return the arguments of every ``$ bench …`` in the page's console blocks, in order.

    `with_files`: with the file that the output goes to, as ``> FILE``.
    """
    blocks = CONSOLE.findall(page.read_text(encoding="utf-8"))
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    typed = [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]
    ends = ("|",) if with_files else (">", "|")
    return [
        list(takewhile(lambda word: word not in ends, words[1:]))
        for words in typed
        if words[0] in ("bench", "script/bench")
    ]


@pytest.fixture(scope="session")
def shown_commands() -> Callable[[Path], list[list[str]]]:
    """The function that reads the commands of a page."""
    return commands_of


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY
