"""What no log, record or bug report may say: folders, user, host and secrets of whoever ran it."""

import getpass
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["is_secret", "private_words", "scrub", "scrub_paths"]

_SECRET_NAMES: Final = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH", re.IGNORECASE
)
_SECRET_LENGTH_MIN: Final = 6
_NAME_LENGTH_MIN: Final = 3
_NOBODY: Final = frozenset({"root", "localhost"})
# A name is a word of many languages: it is one only where a path or a value stands.
_BEFORE_NAME: Final = r"(?<=[/\\='\"@])"
_AFTER_NAME: Final = r"(?![\w-])"
_PATH: Final = re.compile(r"(?<![\w.~<>/])/(?:[^\s/,;:'\"()]+/)+([^\s/,;:'\"()]*)")


def private_words(*data_folders: str) -> dict[str, str]:
    """Return folders, names and secrets that no log may hold, with what is written instead."""
    named = dict.fromkeys(data_folders, "<data>")
    for variable in ("BENCH_DATA_DIR", "BENCH_CACHE_DIR"):
        if folder := os.environ.get(variable, ""):
            named[str(Path(folder).expanduser().absolute())] = "<data>"
    named |= _installations()
    named |= _folder("~", Path.home) | _folder(".", Path.cwd)
    named = {folder: word for folder, word in named.items() if len(Path(folder).parts) > 1}
    for variable, value in os.environ.items():
        if is_secret(variable) and len(value) >= _SECRET_LENGTH_MIN:
            named[value] = "<secret>"
    return named | _names()


def is_secret(variable: str) -> bool:
    """Whether an environment variable's name says that its value is nobody's business."""
    return bool(_SECRET_NAMES.search(variable))


def _installations() -> dict[str, str]:
    """Return where Python and this program lie, unless the system itself put them there."""
    found = {str(Path(prefix)): "<python>" for prefix in (sys.prefix, sys.base_prefix)}
    found[str(Path(__file__).parents[2])] = "<digitbench>"
    return {place: word for place, word in found.items() if place not in ("/usr", "/usr/local")}


def _folder(word: str, find: Callable[[], Path]) -> dict[str, str]:
    try:
        return {str(find()): word}
    except (OSError, RuntimeError):  # there is none, or it is gone
        return {}


def _names() -> dict[str, str]:
    found = {platform.node(): "<host>"}
    with suppress(OSError, KeyError):  # a number without a name
        found[getpass.getuser()] = "<user>"
    return {
        name: word
        for name, word in found.items()
        if len(name) >= _NAME_LENGTH_MIN and name not in _NOBODY
    }


def scrub(text: str, words: Mapping[str, str]) -> str:
    """Replace each private word by what stands for it, the longest first."""
    for word in sorted(words, key=len, reverse=True):
        if words[word] in ("<user>", "<host>"):
            text = re.sub(f"{_BEFORE_NAME}{re.escape(word)}{_AFTER_NAME}", words[word], text)
        else:
            text = text.replace(word, words[word])
    return text


def scrub_paths(text: str, words: Mapping[str, str]) -> str:
    """Do the same, and leave only the last part of any other path from the root."""
    return _PATH.sub(r"…/\1", scrub(text, words))
