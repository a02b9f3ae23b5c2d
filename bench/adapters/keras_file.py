"""Looking into a ``.keras`` file before Keras opens it."""

import re
import zipfile
from pathlib import Path
from typing import Final

from bench.errors import DataError

__all__ = ["refuse_code"]

_CONFIG_BYTES_MAX: Final = 32 << 20


def refuse_code(file: Path) -> None:
    """Refuse a ``.keras`` file with a Lambda layer, which is Python's bytecode, by its name.

    Raises
    ------
    DataError
        If there is one, or the file cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open("config.json") as member:
            config = member.read(_CONFIG_BYTES_MAX)
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{file.name} cannot be read", why=said) from error
    if re.search(rb'"class_name"\s*:\s*"(Lambda|__lambda__)"', config):
        raise DataError(
            f"{file.name} holds a Lambda layer",
            why="it is code, which is not run from a file",
            fix="write it as a layer of Keras, or register the network as a model",
        )
