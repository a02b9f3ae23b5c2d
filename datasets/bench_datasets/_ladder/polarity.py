"""Light ink on dark, or dark ink on light paper: told from the borders, where there is no ink."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Paper", "paper_of"]

_LOOKED_AT: Final = 4000
_CALM: Final = 0.15
_MIXED: Final = 0.02
_SURE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """How many of the images looked at have light, dark, and no plain paper."""

    light: int
    dark: int
    unclear: int

    @property
    def is_light(self) -> bool:
        """Whether it is paper with dark ink: most images are plain, and those are light."""
        plain = self.light + self.dark
        return 2 * plain >= plain + self.unclear and self.light >= _SURE * plain and self.light > 0

    @property
    def is_mixed(self) -> bool:
        """Whether some are one way and some the other."""
        few = min(self.light, self.dark)
        return few >= max(1, _MIXED * (self.light + self.dark))

    def __add__(self, other: "Paper") -> "Paper":
        return Paper(
            light=self.light + other.light,
            dark=self.dark + other.dark,
            unclear=self.unclear + other.unclear,
        )


def paper_of(pixels: npt.NDArray[Any], low: float, high: float) -> Paper:
    """Look at the borders of up to 4,000 images, spread over all of them.

    Parameters
    ----------
    pixels : ndarray of shape (n, height, width, channels)
    low, high : float
        The ends of its range.
    """
    n = len(pixels)
    rows = np.unique(np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.intp))
    some = pixels[rows]
    ring = np.concatenate(
        [some[:, 0].reshape(len(rows), -1), some[:, -1].reshape(len(rows), -1),
         some[:, :, 0].reshape(len(rows), -1), some[:, :, -1].reshape(len(rows), -1)], axis=1
    )  # fmt: skip
    levels = (np.quantile(ring, (0.25, 0.5, 0.75), axis=1) - low) / (high - low)
    inner = (some.reshape(len(rows), -1).astype(np.float32).mean(axis=1) - low) / (high - low)
    is_calm = levels[2] - levels[0] < _CALM
    # Paper is the greater part of a picture: ink that fills the border is no paper.
    light = is_calm & (levels[1] > 0.6) & (inner > 0.5)
    dark = is_calm & (levels[1] < 0.4) & (inner < 0.5)
    unclear = len(rows) - int(light.sum()) - int(dark.sum())
    return Paper(light=int(light.sum()), dark=int(dark.sum()), unclear=unclear)
