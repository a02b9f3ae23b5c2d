"""How much an untrusted file may make this process hold, and the words for more."""

from typing import Final

from bench.errors import DataError

__all__ = ["BYTES_MAX", "LINE_MAX", "check_size", "one_line", "too_large"]

BYTES_MAX: Final = 4 << 30
LINE_MAX: Final = 4 << 20
_SHARE_OF_FREE: Final = 0.5


def limit_bytes() -> int:
    """Return what one file's arrays, or its unpacked text, may come to on this machine now."""
    import psutil

    return min(BYTES_MAX, int(psutil.virtual_memory().available * _SHARE_OF_FREE))


def check_size(name: str, size_bytes: int, held: int | None = None) -> None:
    """Refuse arrays above the limit, or that claim what a file of `held` bytes cannot hold.

    Raises
    ------
    DataError
        With the size that was claimed and the limit.
    """
    if size_bytes > limit_bytes():
        raise too_large(name, size_bytes)
    # Deflate packs at most 1,032 to 1.
    if held is not None and size_bytes > 1100 * max(held, 1024):
        raise DataError(
            f"{name} claims {size_bytes:,} bytes and stores {held:,}",
            why="that cannot be images of digits",
            fix="is it complete? compare its size with the source's",
        )


def too_large(name: str, size_bytes: int | None = None) -> DataError:
    """Say that a file is refused for what it unpacks to."""
    limit = limit_bytes()
    shown = f"{limit / (1 << 30):.3g} GiB"
    claim = f"it comes to {size_bytes:,} bytes, and" if size_bytes else "it unpacks to more than"
    tail = f" at most {shown} are read" if size_bytes else f" {shown}"
    return DataError(
        f"{name} is refused",
        why=f"{claim}{tail} (4 GiB, and half of the free memory)",
        fix="keep fewer images in it, or save them as whole numbers of one byte",
    )


def one_line(error: object) -> str:
    """Return what a library said, on one line and cut."""
    return " ".join(str(error).split())[:160] or type(error).__name__
