"""Labels found in the path of each picture by a regular expression that a person gave."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.errors import OptionError
from bench_datasets._folder.folder_reading import split_of_path, writer_of
from bench_datasets._folder.layout import Draft, Photo, Reading, Strength

__all__ = ["read_pattern"]

_DIGITS: Final = frozenset("0123456789")


def read_pattern(images: Sequence[Path], pattern: str) -> Reading:
    """Return the reading by ``--label-pattern``.

    Raises
    ------
    OptionError
        If it is no regular expression with a group, or fits no file.
    """
    compiled = _compiled(pattern)
    writers = writer_of(images)
    draft, rest = Draft(), []
    for path in images:
        found = compiled.search(path.as_posix())
        groups = {} if found is None else found.groupdict()
        label = "" if found is None else groups.get("label") or found.group(1)
        if not label:
            rest.append(path)
            continue
        is_several = len(label) > 1 and set(label) <= _DIGITS
        draft.photos.append(
            Photo(
                path=path,
                label=None if is_several else label,
                digits=label if is_several else None,
                person=groups.get("person") or writers[path],
                split=split_of_path(path),
            )
        )
    if not draft.photos:
        raise OptionError(
            f"label pattern {pattern}", why=f"it fits no file, for example {images[0]}"
        )
    draft.unlabelled(rest, "its name does not fit the label pattern")
    return draft.finish("name", "labels in file names, by the given pattern", Strength.GIVEN)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        why = f"no regular expression: {error}"
        raise OptionError(f"label pattern {pattern}", why=why) from None
    if not compiled.groups:
        raise OptionError(
            f"label pattern {pattern}",
            why="it has no group",
            fix="put the part that is the label in parentheses: 'x([0-9])'",
        )
    return compiled
