"""What the harness itself opens and lists while a plugin is watched: none of it is the plugin's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["busy", "is_unheard", "unheard"]

busy = threading.local()
"""Of each thread: ``is_set`` while what it does is not the plugin's."""


def is_unheard() -> bool:
    """Whether what this thread does now is the harness's own."""
    return getattr(busy, "is_set", False)


@contextmanager
def unheard() -> Iterator[None]:
    """Do something of the harness's own in here, in this thread."""
    earlier, busy.is_set = is_unheard(), True
    try:
        yield
    finally:
        busy.is_set = earlier
