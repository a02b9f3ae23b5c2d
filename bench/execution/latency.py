"""How long one image takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.spec import Images, Probabilities

__all__ = ["Latency", "measure_latency"]

_LATENCY_SECONDS = 0.5
_LATENCY_CALLS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from an image to its probabilities, one image at a time."""

    p50_ms: float
    p95_ms: float


def measure_latency(
    predict_proba: Callable[[Images], Probabilities], images: npt.NDArray[np.float32]
) -> Latency | None:
    """Time calls with one image each, for at most half a second and 30 calls.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), float32 in [0, 1]
    """
    if not len(images):
        return None
    calls_ms: list[float] = []
    began = time.perf_counter()
    for call in range(_LATENCY_CALLS + 1):
        one = images[call % len(images)][np.newaxis]
        started = time.perf_counter()
        predict_proba(one)
        ended = time.perf_counter()
        # The first is the warm-up, unless it alone takes all the time there is.
        if call or ended - began > _LATENCY_SECONDS:
            calls_ms.append(1e3 * (ended - started))
        if ended - began > _LATENCY_SECONDS:
            break
    p50, p95 = np.percentile(calls_ms, [50, 95])
    return Latency(p50_ms=float(p50), p95_ms=float(p95))
