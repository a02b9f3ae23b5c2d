"""What every training loop does alike: order of images, learning rate, watch on the loss."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bench.spec import Epoch, ImageSet

if TYPE_CHECKING:
    from bench.adapters.keras_options import TrainingOptions

__all__ = ["Watch", "cosine_share", "epoch_order", "hold_back"]

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


def hold_back(train: ImageSet, fraction: float) -> tuple[ImageSet, ImageSet | None]:
    """Hold the last share back, without shuffling, as Keras' ``validation_split`` does."""
    first_held_back = max(int(len(train) * (1.0 - fraction)), 1)
    if first_held_back >= len(train):
        return train, None
    assert train.labels is not None
    return (
        ImageSet(pixels=train.pixels[:first_held_back], labels=train.labels[:first_held_back]),
        ImageSet(pixels=train.pixels[first_held_back:], labels=train.labels[first_held_back:]),
    )


@dataclass(slots=True, kw_only=True)
class Watch:
    """State: the best loss so far, and how many epochs ago it was, for each use of it."""

    best: float = float("inf")
    since_best: int = 0
    since_lower: int = 0

    def is_better(self, epoch: Epoch) -> bool:
        """Take the loss of one more epoch, that of the images held back where there are any."""
        loss = epoch.loss if epoch.val_loss is None else epoch.val_loss
        if loss is not None and loss < self.best:
            self.best, self.since_best, self.since_lower = loss, 0, 0
            return True
        self.since_best += 1
        self.since_lower += 1
        return False

    def is_time_to_lower(self, patience: int) -> bool:
        """Say whether the learning rate is lowered now; then the count begins anew."""
        if not patience or self.since_lower < patience:
            return False
        self.since_lower = 0
        return True
