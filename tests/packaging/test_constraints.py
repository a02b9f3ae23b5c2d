"""constraints.txt pins what the project asks for, and nothing but names and versions."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
LINES = [
    line
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
# Engines of one's own choice: which build of them is the right one depends on the machine.
UNPINNED = ("boosting", "torch")
PINS = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in LINES}


def asked_for() -> list[Requirement]:
    """Return what pyproject.toml names: to run, the extras but for a few, to develop."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    texts: list[Any] = list(project["project"]["dependencies"])
    for name, group in project["project"]["optional-dependencies"].items():
        texts += [] if name in UNPINNED else group
    for group in project["dependency-groups"].values():
        texts += [entry for entry in group if isinstance(entry, str)]
    return [Requirement(text) for text in texts]


def test_every_line_is_a_name_and_a_version_without_marker_or_address() -> None:
    assert [x for x in LINES if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*", x)] == []


def test_no_name_is_pinned_twice() -> None:
    assert len(PINS) == len(LINES)


def test_everything_pyproject_names_is_pinned_within_its_bounds() -> None:
    wrong = [
        str(requirement)
        for requirement in asked_for()
        if PINS.get(canonicalize_name(requirement.name), "none") not in requirement.specifier
    ]

    assert wrong == []


def test_everything_needed_in_turn_is_pinned() -> None:
    seen: set[str] = set()
    waiting = [requirement.name for requirement in asked_for()]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        waiting += [r.name for r in needs if r.marker is None or r.marker.evaluate({"extra": ""})]

    assert sorted(seen - PINS.keys()) == []


def test_no_lock_file_with_addresses_is_kept() -> None:
    assert [
        n for n in ("uv.lock", "poetry.lock", "Pipfile.lock") if (REPOSITORY / n).exists()
    ] == []
