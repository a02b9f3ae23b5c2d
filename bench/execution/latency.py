"""How long a trained model takes for one image, and for how many at once it is quickest."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.spec import Images, Probabilities

__all__ = ["Latency", "measure_latency"]

_SINGLE_SECONDS, _SINGLE_CALLS, _WARM_UP_CALLS = 0.5, 60, 5
_BATCHES = (8, 64, 512)
_BATCH_SECONDS, _BATCH_CALLS = 0.05, 3
_MOST_SECONDS, _MOST_BYTES = 0.5, 64 << 20  # what one larger batch may cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from images to their probabilities, after warm-up.

    ``p50_ms`` and ``p95_ms`` are those of one image at a time. Of the batch sizes tried,
    ``best_batch`` gives the most images a second, ``images_per_second``; one such batch takes
    ``best_batch_ms`` in the median.
    """

    p50_ms: float
    p95_ms: float
    best_batch: int
    best_batch_ms: float

    @property
    def images_per_second(self) -> float:
        """Images a second in batches of the best size."""
        return 1e3 * self.best_batch / self.best_batch_ms


def measure_latency(
    predict_proba: Callable[[Images], Probabilities], images: npt.NDArray[np.float32]
) -> Latency | None:
    """Time calls with one image each, then with 8, 64 and 512, for about a second at most.

    A larger batch is tried while it should take half a second at most. Images are repeated
    where there are too few.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), float32 in [0, 1]
    """
    if not len(images):
        return None
    single = _seconds_of_calls(
        lambda call: predict_proba(images[call % len(images)][np.newaxis]),
        calls=_SINGLE_CALLS,
        warm_up=_WARM_UP_CALLS,
        limit=_SINGLE_SECONDS,
    )
    best, best_seconds = 1, float(np.median(single))
    for size in _BATCHES:
        # The rate so far is pessimistic: a larger batch is rarely slower an image.
        if size * best_seconds / best > _MOST_SECONDS or size * images[0].nbytes > _MOST_BYTES:
            break
        batch = images[np.arange(size) % len(images)]
        seconds = _median_of_batch(predict_proba, batch)
        if size / seconds > best / best_seconds:
            best, best_seconds = size, seconds
    p50, p95 = 1e3 * np.percentile(single, [50, 95])
    return Latency(
        p50_ms=float(p50), p95_ms=float(p95), best_batch=best, best_batch_ms=1e3 * best_seconds
    )


def _median_of_batch(
    predict_proba: Callable[[Images], Probabilities], batch: npt.NDArray[np.float32]
) -> float:
    seconds = _seconds_of_calls(
        lambda call: predict_proba(batch), calls=_BATCH_CALLS, warm_up=1, limit=_BATCH_SECONDS
    )
    return float(np.median(seconds))


def _seconds_of_calls(
    call: Callable[[int], object], *, calls: int, warm_up: int, limit: float
) -> list[float]:
    """Return the seconds of at most `calls` calls after warm-up; none begins after `limit`.

    Where the time is short the warm-up is half of the calls at most; a single call counts.
    """
    seconds: list[float] = []
    began = time.perf_counter()
    for number in range(calls + warm_up):
        started = time.perf_counter()
        call(number)
        ended = time.perf_counter()
        seconds.append(ended - started)
        if ended - began > limit:
            break
    return seconds[min(warm_up, len(seconds) // 2) :]
