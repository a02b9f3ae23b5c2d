"""Ctrl-C, SIGTERM and SIGHUP as something to look at between two steps, not an exception."""

import signal
import socket
import threading
from types import FrameType
from typing import Any, Self

from bench.execution.processes import STOP_SIGNALS

__all__ = ["Interrupts"]


class Interrupts:
    """State: whether the run was asked to stop.

    While it is entered in the main thread the signals set `is_set` and make `fileno` readable;
    with `raises` they raise `KeyboardInterrupt` at once, to get a model's own code to stop. Other
    threads are never interrupted.
    """

    def __init__(self) -> None:
        self.is_set = False
        self.raises = False
        self._before: dict[int, Any] = {}
        self._ours, self._theirs = socket.socketpair()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                if number != signal.SIGINT and signal.getsignal(number) is signal.SIG_IGN:
                    continue  # as nohup asks for
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._ours.close()
        self._theirs.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable from the first signal on."""
        return self._theirs.fileno()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first, self.is_set = not self.is_set, True
        if is_first:
            self._ours.send(b"!")
        if self.raises:
            self.raises = False
            raise KeyboardInterrupt
