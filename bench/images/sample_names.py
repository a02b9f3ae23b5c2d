"""Names of samples: a file's, and for a digit cut from a photo of several its place there.

``photo.jpg`` shows one digit; ``strip.jpg#3`` is the third digit of a photo, ``strip.jpg#2.3`` the
third on its second line. ``scan.tif#page2`` is the second page of a file, ``scan.tif#page2#3`` the
third digit on it.
"""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["file_of", "ids_of", "line_of", "names_of_parts", "page_name", "split_page"]

_PAGE: Final = re.compile(r"#page([0-9]{1,5})$")
_PART: Final = re.compile(r"#(?:([0-9]+)\.)?[0-9]+$")


def names_of_parts(file: str, line_lengths: Sequence[int]) -> list[str]:
    """Return the name of each digit of a photo, whose lines hold that many, in reading order."""
    return [
        f"{file}#{f'{line}.' * (len(line_lengths) > 1)}{place}"
        for line, length in enumerate(line_lengths, start=1)
        for place in range(1, length + 1)
    ]


def page_name(file: str, page: int) -> str:
    """Return the name of a page, from 1, of a file that holds several pictures."""
    return f"{file}#page{page}"


def split_page(name: str) -> tuple[str, int]:
    """Return a picture's file and its page there; 1 where the file is all of it."""
    found = _PAGE.search(name)
    return (name[: found.start()], int(found[1])) if found else (name, 1)


def file_of(name: str) -> str:
    """Return the name of the picture, a file or a page of one, that a sample was read from."""
    return _PART.sub("", name)


def line_of(name: str) -> int:
    """Return the line of its photo a digit stands on, from 1."""
    part = _PART.search(name)
    return int(part[1] or 1) if part else 1


def ids_of(names: Sequence[str], groups: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return for each sample the key of its whole ID in `truths`; None where there is none at all.

    It is the photo that a digit was cut from, whoever wrote it, else its writer; empty for a photo
    of one digit whose writer is not known.
    """
    if not names:
        return None if groups is None else tuple(groups)
    writers = groups or ("",) * len(names)
    ids = tuple(
        writer if file_of(name) == name else file_of(name)
        for name, writer in zip(names, writers, strict=True)
    )
    return ids if any(ids) else None
