"""What readers give: named arrays as stored, and where a person finds each of their rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Raw", "Submission"]

Values: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One array of a file.

    Parameters
    ----------
    file : str
        The file's name, with the archive it lies in.
    key : str
        Its name there; empty where a file is a single array.
    values : ndarray
        As stored: numbers, or text (labels).
    rows_first : bool
        Whether the format says that the first axis counts the samples (tables, IDX).
    role : str
        ``images``, ``labels``, ``groups``, ``ids`` or empty where its name must tell.
    words : str
        What was taken for what, for a person.
    classes : tuple of str
        Class names the file itself states, in the order of its numbers.
    keys : ndarray or None
        Of labels in a table of their own: what names the image of each.
    row_name : callable
        Names the row of a sample: ``train.csv, line 9``.
    """

    file: str
    key: str = ""
    values: Values
    rows_first: bool = False
    is_matlab: bool = False
    role: str = ""
    words: str = ""
    classes: tuple[str, ...] = ()
    keys: Values | None = None
    row_name: Callable[[int], str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"{self.file}, {self.key}" if self.key else self.file

    def row(self, index: int) -> str:
        """Name one of its samples."""
        if self.row_name is not None:
            return self.row_name(index)
        return f"{self.name}, image {index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A competition's sample: the two columns of its header, and the first column."""

    columns: tuple[str, str]
    ids: tuple[str, ...] = field(default_factory=tuple)


def as_text(values: Values) -> tuple[str, ...]:
    """Return values as texts: whole floats without their point, bytes decoded."""
    values = values.reshape(-1)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    return tuple(str(value).strip() for value in values.tolist())
