"""Which images an epoch trains on, in which order, and how the learning rate falls."""

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bench.adapters.keras_options import TrainingOptions

__all__ = ["cosine_share", "epoch_order"]

_LAST_SHARE: Final = 0.01


def epoch_order(n: int, seed: int, index: int, options: "TrainingOptions") -> npt.NDArray[np.intp]:
    """Return the images of an epoch in their order: a function of seed and epoch alone."""
    order = np.random.default_rng([seed, index, 0]).permutation(n)
    batch = options.batch_size
    if options.drop_last and n > batch:
        order = order[: n - n % batch]
    return order[: options.steps_per_epoch * batch] if options.steps_per_epoch else order


def cosine_share(done: float) -> float:
    """Return the share of the first learning rate after so much of the training, from 0 to 1.

    Half a cosine from 1 to .01, without restarts (Loshchilov and Hutter 2017, SGDR, equation 5).
    """
    return float(_LAST_SHARE + (1 - _LAST_SHARE) * (1 + np.cos(np.pi * done)) / 2)
