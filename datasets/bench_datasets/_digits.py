"""The ten digits as classes, and how this package splits a single table of them."""

from typing import TYPE_CHECKING, Final, TypeAlias

from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["DIGITS", "split_indices"]

DIGITS: Final = tuple("0123456789")

Indices: TypeAlias = "npt.NDArray[np.intp]"


def split_indices(
    labels: "npt.NDArray[np.int64]", train_fraction: float, seed: int, *, stratify: bool = False
) -> "tuple[Indices, Indices]":
    """Return the rows of the training and of the test split, in the published order.

    Equal to ``sklearn.model_selection.train_test_split(train_size=train_fraction,
    random_state=seed)``: the first rows of a Mersenne-Twister permutation are the test split, the
    next ones the training split. Without `stratify` no engine is imported.

    Raises
    ------
    DataError
        If a split would be empty, or a class is too rare to be stratified.
    """
    n = len(labels)
    n_train = int(train_fraction * n)
    if not 0 < n_train < n:
        raise DataError(
            f"{n} rows cannot be split with train_fraction={train_fraction:g}",
            why="one of the two splits would be empty",
        )
    if stratify:
        return _stratified(labels, n_train, seed)
    import numpy as np

    permutation = np.random.RandomState(seed).permutation(n)
    n_test = n - n_train
    return permutation[n_test:], permutation[:n_test]


def _stratified(
    labels: "npt.NDArray[np.int64]", n_train: int, seed: int
) -> "tuple[Indices, Indices]":
    import numpy as np
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    try:
        train, test = train_test_split(
            rows,
            train_size=n_train,
            test_size=len(rows) - n_train,
            random_state=seed,
            stratify=labels,
        )
    except ValueError as error:
        raise DataError("the rows cannot be split by class", why=str(error)) from error
    return train, test
