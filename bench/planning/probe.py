"""How fast this machine computes a network, beside the one that the shipped costs were taken on.

The probe reads images with a network that ships, through LiteRT, for a third of a second of one
core: no engine is imported, and what other processes do hardly disturbs it. It is measured once for
a processor, its instruction set and a version of LiteRT, and kept beside the data cache.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.adapters.litert import FLOAT_FILE, is_installed, load_tflite
from bench.errors import BenchError
from bench.spec import ModelSpec
from bench.store.layout import MODEL

__all__ = ["machine_speed"]

_BATCH: Final = 64
_SECONDS: Final = 0.3
# Images a second of one core (AMD Zen 3, AVX2) by the network that ships.
_REFERENCE: Final = 2_670.0


def machine_speed(models: Iterable[ModelSpec], processor: str, cache: Path) -> float:
    """Return the speed of one core as a multiple of the reference's; 1 where none can be measured.

    Parameters
    ----------
    processor : str
        Its name and instruction set: a figure of another one is not taken.
    cache : Path
        The folder that keeps the figure.
    """
    shipped = (spec.shipped for spec in models if spec.shipped is not None)
    file = next((folder / MODEL / FLOAT_FILE for folder in shipped), None)
    if file is None or not file.is_file() or not is_installed():
        return 1.0
    key = blake2b(
        f"{processor} {version('ai-edge-litert')} {file.stat().st_size}".encode(), digest_size=8
    ).hexdigest()
    kept = cache / f"speed-{key}.json"
    with suppress(OSError, msgspec.MsgspecError):
        known = msgspec.json.decode(kept.read_bytes(), type=float)
        if 0 < known < float("inf"):
            return known
    try:
        speed = _images_per_second(file) / _REFERENCE
    except BenchError:
        return 1.0
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.encode(speed))
    return speed


def _images_per_second(file: Path) -> float:
    """Return the rate of the fastest of a few batches, in seconds of the processor."""
    reader = load_tflite(file, threads=1)
    images = np.full((_BATCH, *reader.image_shape), 0.5, np.float32)
    reader.predict_proba(images)
    fastest, spent = float("inf"), 0.0
    while spent < _SECONDS:
        began = time.process_time()
        reader.predict_proba(images)
        took = max(time.process_time() - began, 1e-6)
        fastest, spent = min(fastest, took), spent + took
    return _BATCH / fastest
