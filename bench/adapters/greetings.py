"""Keeping from the terminal what native libraries say when they are first used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_greeting"]


@contextmanager
def without_greeting() -> Iterator[None]:
    """Put aside what is written to standard error in here, unless an exception shows it is needed.

    Native code writes these lines before any level can be set, so the stream itself is changed.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no standard error: nothing to keep clean
        yield
        return
    import tempfile  # every command imports this module, few need it

    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
