"""What the harness asks of a source file, kept in the data cache by the file's content.

Parsing a dozen plugins takes longer than all else of a run with nothing to do.
"""

import os
import sys
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from bench.config import user_cache_folder
from bench.errors import DataError
from bench.plugins import definitions
from bench.plugins.definitions import definitions_hash, imports_of, parse

__all__ = ["Parsed", "parsed"]

_BYTES_MAX: Final = 1 << 20


class Parsed(msgspec.Struct, frozen=True, array_like=True):
    """What one file computes, as a hash, and what it imports: level, module, names.

    The hash is that of its bytes, where it cannot be read as Python.
    """

    definitions: str
    imports: tuple[tuple[int, str, tuple[str, ...]], ...]


@lru_cache(maxsize=512)
def parsed(source: bytes) -> Parsed:
    """Return what is asked of a source; from the data cache where it was seen before."""
    kept = _place(source)
    if kept is not None and (found := _read(kept)) is not None:
        return found
    tree = parse(source)
    found = Parsed(
        definitions=definitions_hash(source),
        imports=tuple(imports_of(tree)) if tree else (),
    )
    if kept is not None:
        _write(kept, found)
    return found


def _place(source: bytes) -> Path | None:
    """Return where this content's facts are kept; None where there is no place for them."""
    try:
        folder = user_cache_folder()
    except DataError:  # this user has no home
        return None
    return folder / "sources" / blake2b(source, digest_size=16, key=_version()).hexdigest()


@cache
def _version() -> bytes:
    """Return what tells facts found by this code and this Python from those of others."""
    own = [Path(str(file)).read_bytes() for file in (definitions.__file__, __file__)]
    python = repr(sys.version_info[:2]).encode()
    return blake2b(b"".join([python, *own]), digest_size=32).digest()


def _read(path: Path) -> Parsed | None:
    with suppress(OSError, ValueError):  # it was torn, or another program's
        if path.stat().st_size <= _BYTES_MAX:
            return msgspec.msgpack.decode(path.read_bytes(), type=Parsed)
    return None


def _write(path: Path, found: Parsed) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):  # found again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(msgspec.msgpack.encode(found))
        beside.replace(path)
