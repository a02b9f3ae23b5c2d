"""What the processes that a plugin starts load: one file in which each of them notes it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["SharedNotes"]

_BLOCK: Final = 1 << 16
_END: Final = b"\0"


class SharedNotes:
    """State: an open file to append to; forked processes have it too."""

    def __init__(self, path: Path | None = None) -> None:
        """Open it; without a path, one that no other program can open."""
        self.mine = os.getpid()
        self.path = path
        if path is None and hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("bench-noted")
        elif path is None:
            self.descriptor, name = tempfile.mkstemp(prefix="bench-noted-")
            os.unlink(name)  # noqa: PTH108
        else:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def is_elsewhere(self) -> bool:
        """Whether this process is not the one that reads."""
        return os.getpid() != self.mine

    def add(self, kind: str, path: str) -> None:
        """Append a path; ``kind`` is one letter."""
        os.write(self.descriptor, kind.encode() + os.fsencode(path) + _END)

    def read(self) -> Iterator[tuple[str, str]]:
        """Yield what was appended, as kind and path."""
        data, place = b"", 0
        while block := os.pread(self.descriptor, _BLOCK, place):
            data, place = data + block, place + len(block)
        for line in data.split(_END)[:-1]:
            text = os.fsdecode(line)
            yield text[:1], text[1:]

    def close(self) -> None:
        """Close it here; processes that still live keep theirs."""
        os.close(self.descriptor)
