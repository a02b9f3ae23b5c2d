"""Examples of what is read: declared beside each reader, shown in the docs, read by a test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

__all__ = ["Example", "Writer"]

Array: TypeAlias = npt.NDArray[Any]
Writer: TypeAlias = Callable[[Path, Array, Array], Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A file that people have.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    looks : str
        Its first lines, its keys or its files, as a person sees them.
    write : callable
        ``write(folder, images, labels)`` writes it, from images (n, height, width) uint8 and labels
        (n,), and returns what a person names.
    """

    title: str
    looks: str
    write: Writer
