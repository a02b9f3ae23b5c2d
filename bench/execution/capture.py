"""A trial's log: bounded in size, and free of what is private."""

import traceback
from collections import deque
from collections.abc import Mapping

from bench.execution.privacy import scrub

__all__ = ["BoundedLog", "encodable", "one_line", "trace"]

LOG_BYTES_MAX = 2 * 1024 * 1024
_REASON_LENGTH_MAX = 300


class BoundedLog:
    """State: the beginning and the end of what a process printed; the middle is counted only."""

    def __init__(self, limit_bytes: int = LOG_BYTES_MAX) -> None:
        self.half = limit_bytes // 2
        self.head = bytearray()
        self.tail: deque[bytes] = deque()
        self.tail_bytes = 0
        self.dropped_bytes = 0

    def write(self, data: bytes) -> None:
        """Take more output."""
        room = self.half - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        if data:
            self.tail.append(data)
            self.tail_bytes += len(data)
        while self.tail and self.tail_bytes - len(self.tail[0]) >= self.half:
            self.tail_bytes -= len(self.tail[0])
            self.dropped_bytes += len(self.tail.popleft())

    def text(self, words: Mapping[str, str]) -> str:
        """Return what was kept, scrubbed of private `words`."""
        parts = [self.head.decode(errors="replace")]
        if self.dropped_bytes:
            parts.append(f"\n… {self.dropped_bytes:,} bytes left out …\n")
        parts.append(b"".join(self.tail).decode(errors="replace"))
        return scrub("".join(parts), words)


def one_line(error: BaseException, words: Mapping[str, str]) -> str:
    """Return ``ValueError: …`` on one line of limited length."""
    text = " ".join(encodable(str(error)).split())
    name = type(error).__name__
    line = scrub(f"{name}: {text}" if text else name, words)
    return line if len(line) <= _REASON_LENGTH_MAX else f"{line[:_REASON_LENGTH_MAX]}…"


def trace(error: BaseException, words: Mapping[str, str]) -> str:
    """Return the traceback as text."""
    return scrub(encodable("".join(traceback.format_exception(error))), words)


def encodable(text: str) -> str:
    """Write out halves of characters, as names of files may hold them."""
    return text.encode("utf-8", "backslashreplace").decode()
