"""One answer from several pictures of the same sample."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["pooled"]

# No single picture, spoilt as it may be, rules a class out.
_LEAST_SHARE = 1e-4


def pooled(answers: Sequence[npt.ArrayLike]) -> npt.NDArray[np.float32]:
    """Return the geometric mean of a model's answers, a row's shares summing to 1.

    It is the logarithmic opinion pool with equal weights (Genest and Zidek 1986, Combining
    Probability Distributions, Statistical Science 1:114-135).

    Parameters
    ----------
    answers : sequence of ndarray of shape (n, n_classes)
        Shares in [0, 1], one array for each picture; a single one is returned as it is.
    """
    first = np.asarray(answers[0], dtype=np.float32)
    if len(answers) == 1:
        return first
    shares = np.maximum(np.asarray(answers, dtype=np.float64), _LEAST_SHARE)
    product = np.exp(np.log(shares).mean(axis=0))
    return np.asarray(product / product.sum(axis=1, keepdims=True), dtype=np.float32)
