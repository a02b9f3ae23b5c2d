"""Fitted scikit-learn objects as data: made portable, measured, and checked after loading."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.sklearn_svc import stock_svc
from bench.errors import DataError

__all__ = [
    "BOOSTERS",
    "BOOSTING_FILE",
    "booster_within",
    "check_loaded",
    "is_accelerated",
    "measured_bytes",
    "nested",
    "portable",
]

BOOSTERS: Final = ("lightgbm", "xgboost", "catboost")
"""Libraries whose estimators are like scikit-learn's, and whose trees no array shows."""
BOOSTING_FILE: Final = "model.boosting.json"
"""What stands beside a file of theirs: the classes, and which library wrote it."""

# Needed to go on training only; dropping it also keeps private types out of the model file.
_TRAINING_STATE = ("_optimizer", "_random_state", "_best_coefs", "_best_intercepts")


def is_accelerated(estimator: Any) -> bool:
    """Say whether scikit-learn-intelex fitted any part, rather than fell back to scikit-learn."""
    return any("_onedal_estimator" in vars(part) for part in nested(estimator))


def nested(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and every estimator it holds, in steps, lists and dictionaries."""
    yield estimator
    for value in vars(estimator).values():
        yield from _estimators(value)


def _estimators(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from _estimators(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _estimators(item)
    elif isinstance(value, np.ndarray):
        if value.dtype == object:  # gradient boosting keeps its trees so
            yield from _estimators(value.ravel().tolist())
    elif _is_estimator(value):
        yield from nested(value)


def _is_estimator(value: Any) -> bool:
    """Say whether this is an estimator, or what scikit-learn wraps around one."""
    is_theirs = type(value).__module__.partition(".")[0] in ("sklearn", "sklearnex")
    has_state = hasattr(value, "__dict__") and not isinstance(value, type)
    return has_state and (is_theirs or hasattr(value, "get_params"))


def portable(estimator: Any, *, is_top: bool = False) -> Any:
    """Return the fitted estimator with every accelerated part turned into scikit-learn's own.

    Parameters
    ----------
    estimator : object
        Fitted; it is changed.
    is_top : bool
        The adapter itself predicts with it, so an SVM may keep its float32 support vectors.
    """
    if type(estimator).__module__.partition(".")[0] == "sklearnex":
        return _stock(estimator, is_top=is_top)
    for name in _TRAINING_STATE:
        vars(estimator).pop(name, None)
    for name, value in vars(estimator).items():
        vars(estimator)[name] = _portable_value(value)
    return estimator


def _portable_value(value: Any) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _portable_value(item)
        return value
    if _is_estimator(value):
        return portable(value)
    if isinstance(value, list):
        return [_portable_value(item) for item in value]
    # Only plain tuples: a named tuple takes its fields one by one.
    return tuple(_portable_value(item) for item in value) if type(value) is tuple else value


def _stock(estimator: Any, *, is_top: bool) -> Any:
    from scipy.sparse import issparse
    from sklearn.svm import SVC

    if isinstance(estimator, SVC) and hasattr(estimator, "support_vectors_"):
        if issparse(estimator.support_vectors_):
            return estimator
        return stock_svc(estimator, keep_dtype=is_top and estimator.kernel == "rbf")
    # sklearnex.ensemble._forest.RandomForestClassifier -> sklearn.ensemble's.
    family = type(estimator).__module__.split(".")[1]
    kind = getattr(import_module(f"sklearn.{family}"), type(estimator).__name__)
    names = kind._get_param_names()
    stock = kind(**{k: v for k, v in estimator.get_params(deep=False).items() if k in names})
    for name, value in vars(estimator).items():
        if "onedal" not in name and "_cached_" not in name and name not in vars(stock):
            setattr(stock, name, value)
    # A forest's trees are made from oneDAL's on demand.
    if hasattr(estimator, "estimators_"):
        stock.estimators_ = estimator.estimators_
    return stock


def booster_within(estimator: Any) -> str:
    """Return the boosting library that an estimator, or a part of it, is of; empty: none."""
    tops = (type(part).__module__.partition(".")[0] for part in nested(estimator))
    return next((top for top in tops if top in BOOSTERS), "")


def measured_bytes(estimator: Any) -> int | None:
    """Return the size of all fitted arrays; None where a part keeps its state out of sight."""
    if booster_within(estimator):
        return None
    found = [array for part in nested(estimator) for array in _fitted_arrays(part)]
    once = {id(array): array.nbytes for array in found}
    return sum(once.values())


def _fitted_arrays(estimator: Any) -> Iterator[npt.NDArray[Any]]:
    """Yield the fitted arrays of one estimator, without those of the estimators it holds."""
    for value in vars(estimator).values():
        yield from _arrays(value)


def _arrays(value: Any) -> Iterator[npt.NDArray[Any]]:
    if isinstance(value, np.ndarray):
        if value.dtype != object:
            yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item)
    elif type(value).__name__ == "Tree":
        state = value.__getstate__()
        yield state["nodes"]
        yield state["values"]


def check_loaded(estimator: Any) -> None:
    """Raise unless the arrays of a loaded model stay within one another's bounds.

    scikit-learn's compiled code follows them without checks of its own.

    Raises
    ------
    DataError
        If a tree's node or a support vector's coefficient points outside.
    """
    for part in nested(estimator):
        tree = getattr(part, "tree_", None)
        if tree is not None and not _is_sound_tree(tree, part):
            raise DataError("model.skops", why="holds a damaged decision tree")
        if hasattr(part, "support_vectors_") and not _is_sound_svm(part):
            raise DataError("model.skops", why="holds damaged support vectors")


def _is_sound_tree(tree: Any, owner: Any) -> bool:
    nodes = tree.__getstate__()["nodes"]
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    index = np.arange(len(nodes))
    leaf = left == -1
    # A child always comes after its parent, so following children ends.
    inner = (left > index) & (left < len(nodes)) & (right > index) & (right < len(nodes))
    known = (feature >= 0) & (feature < tree.n_features) & (tree.n_features == owner.n_features_in_)
    return len(nodes) > 0 and bool(np.all(leaf | (inner & known)))


def _is_sound_svm(svm: Any) -> bool:
    vectors, coefficients = svm.support_vectors_, svm._dual_coef_
    n_classes, counts = len(svm.classes_), np.asarray(svm._n_support)
    if not isinstance(vectors, np.ndarray) or not isinstance(coefficients, np.ndarray):
        return False
    return bool(
        vectors.shape == (len(svm.support_), svm.n_features_in_)
        and coefficients.shape == (n_classes - 1, len(vectors))
        and len(counts) == n_classes
        and (counts >= 0).all()
        and counts.sum() == len(vectors)
        and np.size(svm._intercept_) == n_classes * (n_classes - 1) // 2
    )
