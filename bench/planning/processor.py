"""What this machine can compute with, asked without an engine."""

import os
import platform
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Gpu", "has_bfloat16", "instruction_set", "processor_flags", "visible_gpus"]

# oneDNN's names, the best first, each with the flags that Linux shows for it.
_LEVELS: Final = (
    ("AVX512_CORE_AMX", {"amx_bf16", "amx_tile"}),
    ("AVX512_CORE_FP16", {"avx512_fp16"}),
    ("AVX512_CORE_BF16", {"avx512_bf16"}),
    ("AVX512_CORE_VNNI", {"avx512_vnni"}),
    ("AVX512_CORE", {"avx512f", "avx512bw", "avx512dq", "avx512vl"}),
    ("AVX2_VNNI", {"avx_vnni", "avx2"}),
    ("AVX2", {"avx2"}),
    ("AVX", {"avx"}),
    ("SSE41", {"sse4_1"}),
)
# The NVIDIA driver's own files: a folder a card.
_GPU_FILES: Final = Path("/proc/driver/nvidia/gpus")
_WITH_BFLOAT16: Final = frozenset({"AVX512_CORE_AMX", "AVX512_CORE_FP16", "AVX512_CORE_BF16"})


def instruction_set() -> str:
    """Return the best instructions that the engines use here, by oneDNN's name for them.

    oneDNN's own ``ONEDNN_MAX_CPU_ISA`` is heeded. ``NEON`` or ``SVE`` on ARM; empty where the
    system does not tell.
    """
    flags = processor_flags()
    if platform.machine().lower() in ("arm64", "aarch64"):
        return "SVE" if "sve" in flags else "NEON"
    names = [name for name, _ in _LEVELS]
    most = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    allowed = _LEVELS[names.index(most) :] if most in names else _LEVELS
    return next((name for name, needed in allowed if needed <= flags), "")


def has_bfloat16() -> bool:
    """Tell whether the processor multiplies bfloat16 numbers faster than float32 ones."""
    return instruction_set() in _WITH_BFLOAT16


@cache
def processor_flags() -> frozenset[str]:
    """Return the processor's feature flags; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    shown = (line for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next((line.partition(":")[2].split() for line in shown), []))


class Gpu(NamedTuple):
    """A card: what ``CUDA_VISIBLE_DEVICES`` calls it, and the driver's name for its model."""

    device: str
    name: str


def visible_gpus() -> tuple[Gpu, ...]:
    """Return the NVIDIA cards that this process may use, by the driver and CUDA_VISIBLE_DEVICES.

    As CUDA does, the variable's list is read up to the first entry that is no card.
    """
    cards = [_facts_of_card(path) for path in sorted(_GPU_FILES.glob("*/information"))]
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    if asked is None:
        return tuple(Gpu(str(index), name) for index, (name, _) in enumerate(cards))
    found: list[Gpu] = []
    for device in (each.strip() for each in asked.split(",")):
        number = int(device) if device.isdecimal() and device.isascii() else None
        matching = [
            name
            for index, (name, uuid) in enumerate(cards)
            if index == number or (number is None and device and uuid.startswith(device))
        ]
        if len(matching) != 1:
            break
        found.append(Gpu(device, matching[0]))
    return tuple(found)


def _facts_of_card(path: Path) -> tuple[str, str]:
    """Return a card's model and its UUID."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # a driver that is half installed
        return "", ""
    parts = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in parts}
    return facts.get("Model", ""), facts.get("GPU UUID", "")
