"""Facts of the machine and of the running process; no host and no user name."""

import os
import platform
from collections import Counter
from functools import cache
from importlib import metadata
from pathlib import Path

from bench.execution.control_groups import (
    allowed_cores,
    allowed_memory_bytes,
    free_memory_bytes,
)
from bench.planning.processor import instruction_set, visible_gpus
from bench.store.record import Machine

__all__ = [
    "available_cores",
    "available_memory_bytes",
    "full_versions",
    "machine_facts",
    "peak_memory_bytes",
    "reset_peak_memory",
]


def available_cores() -> int:
    """Return how many cores this process may use; a container's share of time counts."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores, allowed_cores() or cores)


def available_memory_bytes() -> int:
    """Return how much memory can be taken now, of the machine's and within a container's limit."""
    import psutil  # of 50 modules: a run with nothing to do needs none of it

    free, ours = int(psutil.virtual_memory().available), free_memory_bytes()
    return free if ours is None else min(free, ours)


@cache
def machine_facts() -> Machine:
    """Return cores, memory, processor, accelerator, system and Python of this machine."""
    memory_bytes = _memory_bytes()
    return Machine(
        cores=available_cores(),
        memory_bytes=min(memory_bytes, allowed_memory_bytes() or memory_bytes),
        processor=_processor(),
        instruction_set=instruction_set(),
        accelerator=_accelerator(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such question is answered here
        import psutil

        return int(psutil.virtual_memory().total)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _accelerator() -> str:
    """Name the cards that may be used, without an engine; empty for none."""
    names = Counter(gpu.name or "NVIDIA GPU" for gpu in visible_gpus())
    return ", ".join(f"{n} × {name}" if n > 1 else name for name, n in names.items())


@cache
def full_versions(distributions: frozenset[str]) -> dict[str, str]:
    """Return the whole version of each distribution that is installed, and of digitbench."""
    found = {}
    for name in sorted(distributions | {"digitbench", "numpy"}):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def reset_peak_memory() -> None:
    """Forget the process's peak so far, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_bytes() -> int | None:
    """Return the process's largest resident size since the last reset."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import psutil

    info = psutil.Process().memory_info()
    return int(getattr(info, "peak_wset", info.rss))
