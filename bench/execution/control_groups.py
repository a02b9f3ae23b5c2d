"""What a container or a batch system lets this process have: the limits of its control groups."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

__all__ = ["allowed_cores", "allowed_memory_bytes", "free_memory_bytes"]

_ROOT: Final = Path("/")
_V2_PLACES: Final = ("", "unified")
# By kind: the file of the limit, of what is used, and the line of its statistics that can be freed.
_MEMORY_V1: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_MEMORY_V2: Final = ("memory.max", "memory.current", "inactive_file")


def allowed_cores(root: Path = _ROOT) -> int | None:
    """Return how many processors' time may be used, rounded up; None where no group limits it.

    Parameters
    ----------
    root : Path
        Where ``proc/self/cgroup`` and ``sys/fs/cgroup`` are.
    """
    shares = [
        (_number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us"))
        for folder in _folders(root, "cpu")
    ]
    for folder in _folders(root, ""):
        words = (*_words(folder / "cpu.max"), "", "")
        shares.append((_whole(words[0]), _whole(words[1])))
    cores = [math.ceil(quota / period) for quota, period in shares if quota and period]
    return min(cores, default=None)


def allowed_memory_bytes(root: Path = _ROOT) -> int | None:
    """Return the smallest limit of memory above this process; None where there is none."""
    return min((limit for limit, _ in _memory(root)), default=None)


def free_memory_bytes(root: Path = _ROOT) -> int | None:
    """Return what the groups leave to be taken, file caches that can be dropped included."""
    return min((max(0, limit - used) for limit, used in _memory(root)), default=None)


def _memory(root: Path) -> Iterator[tuple[int, int]]:
    """Yield each limit, and how much of it is held."""
    for part, (limit, used, can_go) in (("memory", _MEMORY_V1), ("", _MEMORY_V2)):
        for folder in _folders(root, part):
            most = _number(folder / limit)
            if most:
                cached = _statistic(folder / "memory.stat", can_go)
                yield most, max(0, _number(folder / used) - cached)


def _folders(root: Path, part: str) -> Iterator[Path]:
    """Yield the folder of this process's group and those above it; `part` "" is version 2."""
    tree = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        parts, _, name = rest.partition(":")
        if part not in parts.split(","):
            continue
        group = PurePosixPath("/", name.lstrip("/"))
        if ".." in group.parts:  # it lies outside of what this container sees
            group = PurePosixPath("/")
        # Within a container a group's path may be the host's: then only the top one is there.
        for place in (part, parts) if part else _V2_PLACES:
            for each in (group, *group.parents):
                yield tree / place / each.relative_to("/")


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _number(path: Path) -> int:
    return _whole(" ".join(_words(path)))


def _whole(text: str) -> int:
    """Return the number; 0 for "max", -1 and a file that is not there."""
    return int(text) if text.isdecimal() else 0


def _statistic(path: Path, name: str) -> int:
    lines = (line.partition(" ") for line in _lines(path))
    return next((_whole(value) for key, _, value in lines if key == name), 0)
