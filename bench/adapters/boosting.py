"""LightGBM, XGBoost and CatBoost, through their estimators and in their own file formats."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.sklearn_classifier import Samples, Scores, SklearnClassifier
from bench.adapters.sklearn_model import BOOSTING_FILE
from bench.errors import BenchError, DataError
from bench.spec import BuildContext, Description, FitContext, Images, Labels

__all__ = ["BoostingClassifier", "read_boosting"]

_SUM_TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Library:
    """How one of the libraries names what all of them have."""

    file: str
    seed: str
    seed_aliases: tuple[str, ...]
    threads: str
    thread_aliases: tuple[str, ...]
    quiet: MappingProxyType[str, Any]
    """Set unless the author set it: nothing is printed or written beside the model."""
    write: Callable[[Any, str], Any]
    read: Callable[[str], Any]
    shares: Callable[[Any, Samples, int], Any]


def _lightgbm_shares(model: Any, samples: Samples, threads: int) -> Any:
    rows = np.asarray(_booster(model).predict(samples, num_threads=threads))
    return np.stack([1 - rows, rows], axis=1) if rows.ndim == 1 else rows


def _booster(model: Any) -> Any:
    """Return LightGBM's trees, of an estimator or as they were read."""
    return model.booster_ if hasattr(model, "booster_") else model


def _read_lightgbm(path: str) -> Any:
    return import_module("lightgbm").Booster(model_file=path)


def _read_xgboost(path: str) -> Any:
    model = import_module("xgboost").XGBClassifier()
    model.load_model(path)
    return model


def _xgboost_shares(model: Any, samples: Samples, threads: int) -> Any:
    model.set_params(n_jobs=threads)
    return model.predict_proba(samples)


def _read_catboost(path: str) -> Any:
    return import_module("catboost").CatBoostClassifier().load_model(path)


_LIBRARIES: Final = MappingProxyType(
    {
        "lightgbm": _Library(
            file="model.lightgbm.txt",
            seed="random_state",
            seed_aliases=("seed", "random_seed"),
            threads="n_jobs",
            thread_aliases=("num_threads", "nthread", "nthreads", "num_thread"),
            quiet=MappingProxyType({"verbosity": -1}),
            write=lambda model, path: _booster(model).save_model(path),
            read=_read_lightgbm,
            shares=_lightgbm_shares,
        ),
        "xgboost": _Library(
            file="model.xgboost.ubj",
            seed="random_state",
            seed_aliases=("seed",),
            threads="n_jobs",
            thread_aliases=("nthread",),
            quiet=MappingProxyType({"verbosity": 0}),
            write=lambda model, path: model.save_model(path),
            read=_read_xgboost,
            shares=_xgboost_shares,
        ),
        "catboost": _Library(
            file="model.catboost.cbm",
            seed="random_seed",
            seed_aliases=("random_state",),
            threads="thread_count",
            thread_aliases=(),
            quiet=MappingProxyType({"logging_level": "Silent", "allow_writing_files": False}),
            write=lambda model, path: model.save_model(path),
            read=_read_catboost,
            shares=lambda model, samples, threads: model.predict_proba(
                samples, thread_count=threads
            ),
        ),
    }
)
_LOUDNESS: Final = frozenset({"verbose", "verbosity", "silent", "logging_level", "verbose_eval"})


class BoostingClassifier(SklearnClassifier):
    """State: the fitted trees, and which class each of their columns is."""

    def __init__(self, estimator: Any, library: str, **told: Any) -> None:
        for name in ("scores", "calibration_fraction", "epochs", "trusted"):
            if told.get(name):
                raise BenchError(
                    f"sklearn_classifier({name}=…)",
                    why=f"{library} gives probabilities, from one call of fit",
                    fix="leave it out",
                )
        super().__init__(estimator)
        self.library = library
        self.classes: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def _fit(self, samples: Samples, labels: Labels, context: FitContext) -> None:
        library = _LIBRARIES[self.library]
        self.classes, columns = np.unique(labels, return_inverse=True)
        if len(self.classes) < 2:
            raise DataError("training images", why=f"are of one class, {self.library} needs two")
        given = dict(self.template.get_params())
        for alias in (*library.seed_aliases, *library.thread_aliases):
            given.pop(alias, None)
        is_told = _LOUDNESS & {name for name, value in given.items() if value is not None}
        quiet = {
            name: value
            for name, value in library.quiet.items()
            if not (name in _LOUDNESS and is_told) and given.get(name) is None
        }
        own = {library.seed: context.seed, library.threads: context.threads}
        estimator = type(self.template)(**given | quiet | own)
        # XGBoost takes no gaps between the classes: each is the number of its column.
        estimator.fit(samples, columns.astype(np.int64))
        self.estimator, self.engine = estimator, _version(self.library)

    def _rows(self, samples: Samples) -> tuple[Scores, npt.NDArray[np.int64]]:
        library = _LIBRARIES[self.library]
        rows = np.asarray(library.shares(self.estimator, samples, self.threads), dtype=np.float64)
        is_right = rows.shape == (len(samples), len(self.classes))
        if not is_right or rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
            raise BenchError(
                f"{self.library} gave no probabilities",
                why="its objective is none of several classes",
                fix="leave objective out, or name a softmax",
            )
        return rows, self.classes

    def predict(self, images: Images) -> Labels:
        """Return the most probable classes, (n,)."""
        return np.asarray(self.predict_proba(images).argmax(axis=1), dtype=np.int64)

    def save(self, folder: Path) -> None:
        """Write the trees in the library's own format, and which class each column is."""
        library = _LIBRARIES[self.library]
        folder.mkdir(parents=True, exist_ok=True)
        library.write(self.estimator, str(folder / library.file))
        said = {
            "library": self.library,
            "engine": self.engine,
            "classes": self.classes.tolist(),
            "sha256": _digest(folder / library.file),
        }
        (folder / BOOSTING_FILE).write_text(json.dumps(said), encoding="utf-8")

    def describe(self) -> Description:
        """Return the size of the trees in the library's own format, and its version."""
        if self.estimator is None:
            return Description()
        with TemporaryDirectory() as folder:
            self.save(Path(folder))
            size = (Path(folder) / _LIBRARIES[self.library].file).stat().st_size
        return Description(model_bytes=size, engine=self.engine)


def _version(library: str) -> str:
    version = str(import_module(library).__version__)
    return f"{library} {'.'.join(version.split('.')[:2])}"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def read_boosting(folder: Path, context: BuildContext) -> BoostingClassifier:
    """Return what ``save`` wrote to `folder`.

    Raises
    ------
    DataError
        If a file is missing, damaged or of another library.
    BenchError
        If the library is not installed.
    """
    try:
        said = json.loads((folder / BOOSTING_FILE).read_text(encoding="utf-8"))
        name, classes = str(said["library"]), np.asarray(said["classes"], dtype=np.int64)
        library, engine = _LIBRARIES[name], str(said["engine"])
        is_whole = _digest(folder / library.file) == said["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{BOOSTING_FILE} cannot be read", why=type(error).__name__) from error
    if classes.ndim != 1 or not ((classes >= 0) & (classes < context.n_classes)).all():
        raise DataError(f"{BOOSTING_FILE} cannot be read", why="it names classes that are none")
    # The libraries' own readers end the process where a file is cut off.
    if not is_whole:
        raise DataError(f"{library.file} cannot be read", why="it is not the file that was written")
    classifier = BoostingClassifier(None, name)
    try:
        classifier.estimator = library.read(str(folder / library.file))
    except ModuleNotFoundError as error:
        raise BenchError(
            f"{name} is not installed", fix="pip install 'digitbench[boosting]'"
        ) from error
    # A damaged file may raise anything that the library knows.
    except Exception as error:
        raise DataError(f"{library.file} cannot be read", why=type(error).__name__) from error
    classifier.classes, classifier.engine = classes, engine
    classifier.n_classes, classifier.threads = context.n_classes, context.threads
    return classifier
