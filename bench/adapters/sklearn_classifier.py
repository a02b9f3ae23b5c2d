"""Any scikit-learn classifier or pipeline as a `Classifier`.

Images are flattened to (n, height * width * channels) float32. What has been fitted by
scikit-learn-intelex is turned into scikit-learn's own objects, so that a model is saved without
pickle and a loaded one computes exactly what the fitted one did.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.adapters.sklearn_fitting import fit_in_epochs, fitted_temperature, prepared
from bench.adapters.sklearn_model import (
    booster_within,
    check_loaded,
    is_accelerated,
    measured_bytes,
    portable,
)
from bench.adapters.sklearn_svc import (
    Boundaries,
    boundaries_of,
    count_votes,
    pairwise_decisions,
    rank_classes,
    reads_arrays,
)
from bench.errors import BenchError, DataError
from bench.spec import (
    BuildContext,
    Description,
    FitContext,
    Images,
    ImageSet,
    Labels,
    Probabilities,
    as_float,
)

__all__ = ["TRUSTED_TYPES", "SklearnClassifier", "read_classifier", "read_estimator"]

Samples: TypeAlias = npt.NDArray[np.float32]
Scores: TypeAlias = npt.NDArray[np.floating[Any]]

MODEL_FILE = "model.skops"
# Types beyond skops' own list that a model file may hold. Reviewed: a dictionary, two plain holders
# of arrays and estimators, and a tree's node arrays, whose indices are checked after loading.
TRUSTED_TYPES = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


def read_classifier(
    folder: Path, context: BuildContext, declared: Callable[[], tuple[str, ...]] = tuple
) -> "SklearnClassifier":
    """Return what ``save`` wrote; `declared` gives the types that the plugin says it trusts."""
    parts = _read(folder / MODEL_FILE, declared)
    classifier = SklearnClassifier(None)
    classifier.estimator = parts["estimator"]
    classifier.temperature = float(parts["temperature"])
    classifier.engine = str(parts["engine"])
    classifier.n_classes = context.n_classes
    classifier.threads = context.threads
    return classifier


def read_estimator(path: Path, threads: int) -> "SklearnClassifier":
    """Return the classifier of any skops file: one that `save` wrote, or an estimator alone.

    Raises
    ------
    DataError
        As `read_classifier`, or if it holds no classifier.
    """
    content = _load_trusted(path)
    is_ours = isinstance(content, dict) and "estimator" in content
    parts = content if is_ours else {"estimator": content}
    estimator = parts["estimator"]
    if not hasattr(estimator, "classes_") or not hasattr(estimator, "n_features_in_"):
        raise DataError(path.name, why="holds no fitted classifier of scikit-learn")
    check_loaded(estimator)
    classifier = SklearnClassifier(None)
    classifier.estimator = estimator
    classifier.temperature = float(parts.get("temperature", 0.0))
    classifier.engine = str(parts.get("engine", "")) or _engine(estimator)
    classifier.n_classes, classifier.threads = len(estimator.classes_), threads
    return classifier


def _read(path: Path, declared: Callable[[], tuple[str, ...]]) -> dict[str, Any]:
    parts = _load_trusted(path, declared)
    if not isinstance(parts, dict) or set(parts) != {"estimator", "temperature", "engine"}:
        raise DataError(path.name, why="is a skops file of another program")
    check_loaded(parts["estimator"])
    return parts


def _load_trusted(path: Path, declared: Callable[[], tuple[str, ...]] = tuple) -> Any:
    import skops.io

    try:
        unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        own = declared() if unknown else ()
        unknown -= set(own)
        parts = {} if unknown else skops.io.load(path, trusted=[*TRUSTED_TYPES, *own])
    except BenchError:
        raise
    # A damaged file may raise anything at all inside zipfile, json, numpy or skops.
    except Exception as error:
        raise DataError(
            path.name,
            why=f"is no readable model ({type(error).__name__})",
            fix="train it again with bench run --fresh",
        ) from error
    if unknown:
        raise DataError(path.name, why=f"holds the untrusted type {min(unknown)}")
    return parts


class SklearnClassifier:
    """State: the fitted estimator, and how its outputs become columns."""

    def __init__(
        self,
        estimator: Any,
        *,
        scores: Callable[[Scores], Scores] | None = None,
        calibration_fraction: float = 0.0,
        epochs: int = 0,
        trusted: Sequence[str] = (),
    ) -> None:
        self.template, self.trusted = estimator, tuple(trusted)
        self.estimator: Any = None
        self.scores = scores or _softmax
        self.calibration_fraction = calibration_fraction
        self.epochs = epochs
        self.temperature = 0.0
        self.engine = ""
        self.n_classes = 0
        self.threads = 1
        self.thread_pools: Any = None
        self.last_decisions: tuple[bytes, Scores] = (b"", np.empty((0, 0)))
        self.boundaries: Boundaries | None = None

    @property
    def probabilities(self) -> Literal["calibrated", "scores"]:
        """Whether rows of ``predict_proba`` are meant as probabilities."""
        calibrates = self.temperature > 0 or self.calibration_fraction > 0
        estimator = self.template if self.estimator is None else self.estimator
        is_calibrated = calibrates or hasattr(estimator, "predict_proba")
        return "calibrated" if is_calibrated else "scores"

    def fit(self, train: ImageSet, context: FitContext) -> None:
        """Train a copy of the estimator on all of `train`."""
        if train.labels is None:
            raise DataError("training images", why="have no labels")
        self.n_classes, self.threads = context.n_classes, context.threads
        samples, labels = _flatten(train.pixels), np.asarray(train.labels)
        self.thread_pools = _find_thread_pools()
        with self._limited():
            if self.calibration_fraction > 0:
                self.temperature = self._calibrate(samples, labels, context)
            self._fit(samples, labels, context)

    def _fit(self, samples: Samples, labels: Labels, context: FitContext) -> None:
        estimator = prepared(self.template, context)
        if self.epochs > 0:
            fit_in_epochs(estimator, samples, labels, self.epochs, context)
        else:
            estimator.fit(samples, labels)
        self.engine = _engine(estimator)
        self.estimator = portable(estimator, is_top=True)
        self.boundaries, self.last_decisions = None, (b"", np.empty((0, 0)))

    def _calibrate(self, samples: Samples, labels: Labels, context: FitContext) -> float:
        """Return the temperature that a fit on some images needs on those held back."""
        from sklearn.model_selection import train_test_split

        fewest = np.unique(labels, return_counts=True)[1].min()
        fitted_on, held_back = train_test_split(
            np.arange(len(labels)),
            test_size=self.calibration_fraction,
            stratify=labels if fewest > 1 else None,
            random_state=context.seed,
        )
        self._fit(samples[fitted_on], labels[fitted_on], context)
        classes = self.estimator.classes_
        seen = held_back[np.isin(labels[held_back], classes)]
        columns = np.searchsorted(classes, labels[seen])
        return fitted_temperature(self._decision(samples[seen]), columns)

    def predict_proba(self, images: Images) -> Probabilities:
        """Return (n, n_classes) float32, rows that sum to 1; a class never seen is at 0."""
        if len(images) == 0:
            return np.zeros((0, self.n_classes), dtype=np.float32)
        with self._limited():
            rows, classes = self._rows(_flatten(images))
        columns = _class_columns(rows, classes, self.n_classes)
        columns /= columns.sum(axis=1, keepdims=True)
        return columns.astype(np.float32)

    def _rows(self, samples: Samples) -> tuple[Scores, npt.NDArray[np.int64]]:
        """Return non-negative rows and the class of each of their columns."""
        if self.temperature > 0:
            sharpened = self._decision(samples) / self.temperature
            return _softmax(sharpened), self.estimator.classes_
        if hasattr(self.estimator, "predict_proba"):
            return self.estimator.predict_proba(samples), self.estimator.classes_
        return self.scores(self._decision(samples)), self.estimator.classes_

    def rows(self, samples: Samples) -> Probabilities:
        """Return probabilities of flat samples, (n, classes seen), in the estimator's order."""
        with self._limited():
            found = np.asarray(self._rows(np.asarray(samples, dtype=np.float32))[0])
        return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float32)

    def predict(self, images: Images) -> Labels:
        """Return the estimator's own predictions, (n,): for an SVM its votes."""
        if len(images) == 0:
            return np.zeros(0, dtype=np.int64)
        samples = _flatten(images)
        with self._limited():
            if not reads_arrays(self.estimator):
                return np.asarray(self.estimator.predict(samples), dtype=np.int64)
            classes = np.asarray(self.estimator.classes_)
            return np.asarray(classes[self._votes(samples).argmax(axis=1)], dtype=np.int64)

    def _limited(self) -> AbstractContextManager[Any]:
        """Return a context in which BLAS and OpenMP use the classifier's threads."""
        if self.thread_pools is None:
            self.thread_pools = _find_thread_pools()
        limits: AbstractContextManager[Any] = self.thread_pools.limit(limits=self.threads)
        return limits

    def _decision(self, samples: Samples) -> Scores:
        """Return one score for each class seen, (n, n_classes seen)."""
        if not reads_arrays(self.estimator):
            return _decision(self.estimator, samples)
        # Predictions for the same images are asked for next.
        self.last_decisions = (_key(samples), self._pairwise(samples))
        return rank_classes(self.last_decisions[1], len(self.estimator.classes_))

    def _votes(self, samples: Samples) -> npt.NDArray[np.int64]:
        key, decisions = self.last_decisions
        if key != _key(samples):
            decisions = self._pairwise(samples)
        return count_votes(decisions, len(self.estimator.classes_))

    def _pairwise(self, samples: Samples) -> Scores:
        if self.boundaries is None:
            self.boundaries = boundaries_of(self.estimator)
        return pairwise_decisions(self.boundaries, samples)

    def save(self, folder: Path) -> None:
        """Write the fitted model to `folder` without pickle.

        Raises
        ------
        BenchError
            If it holds a type that `load_sklearn_classifier` would refuse.
        """
        from zipfile import ZIP_DEFLATED

        import skops.io

        parts = {
            "estimator": self.estimator,
            "temperature": self.temperature,
            "engine": self.engine,
        }
        path = folder / MODEL_FILE
        skops.io.dump(parts, path, compression=ZIP_DEFLATED, compresslevel=1)
        unknown = set(skops.io.get_untrusted_types(file=path)) - {*TRUSTED_TYPES, *self.trusted}
        if unknown:
            path.unlink()
            raise BenchError(
                f"{type(self.estimator).__name__} cannot be saved",
                why=f"{min(unknown)} is not on the list of types that are safe to load",
                fix="what you know to be safe is named in sklearn_classifier(…, trusted=[…])",
            )

    def describe(self) -> Description:
        """Return the size of the fitted arrays and the library that fitted them."""
        return Description(model_bytes=measured_bytes(self.estimator), engine=self.engine)


def _key(samples: Samples) -> bytes:
    return blake2b(np.ascontiguousarray(samples).data, digest_size=16).digest()


def _find_thread_pools() -> Any:
    """Return threadpoolctl's controller of the libraries loaded by now: milliseconds."""
    threadpoolctl: Any = import_module("threadpoolctl")  # it has no type information
    return threadpoolctl.ThreadpoolController()


def _flatten(images: Images) -> Samples:
    return as_float(images).reshape(len(images), -1)


def _engine(estimator: Any) -> str:
    from importlib.metadata import version

    if library := booster_within(estimator):
        return f"{library} {'.'.join(import_module(library).__version__.split('.')[:2])}"
    name = "scikit-learn-intelex" if is_accelerated(estimator) else "scikit-learn"
    return f"{name} {'.'.join(version(name).split('.')[:2])}"


def _decision(estimator: Any, samples: Samples) -> Scores:
    n_seen = len(estimator.classes_)
    if not hasattr(estimator, "decision_function"):
        votes = np.asarray(estimator.predict(samples))[:, None]
        return np.asarray(votes == estimator.classes_, dtype=np.float64)
    decision = np.asarray(estimator.decision_function(samples), dtype=np.float64)
    if decision.ndim == 1:
        return np.stack([-decision, decision], axis=1) / 2
    if getattr(_last_step(estimator), "decision_function_shape", "") == "ovo":
        return rank_classes(decision, n_seen)
    return decision


def _last_step(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _softmax(decision: Scores) -> Scores:
    from scipy.special import softmax

    return np.asarray(softmax(decision, axis=1))


def _class_columns(
    rows: Scores, classes: npt.NDArray[np.int64], n_classes: int
) -> npt.NDArray[np.float64]:
    """Put each column at its class's index; a class that was not seen stays at 0."""
    columns = np.zeros((len(rows), n_classes))
    columns[:, np.asarray(classes, dtype=np.int64)] = rows
    return columns
