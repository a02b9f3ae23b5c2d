"""LightGBM, XGBoost and CatBoost by their estimators; each is skipped where it is not installed."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import sklearn_classifier
from bench.adapters.sklearn import load_sklearn_classifier
from bench.adapters.sklearn_model import BOOSTING_FILE
from bench.errors import BenchError, DataError
from bench.spec import FitContext, ImageSet

pytestmark = pytest.mark.heavy
LIBRARIES: dict[str, tuple[str, dict[str, Any]]] = {
    "lightgbm": ("LGBMClassifier", {"n_estimators": 10, "subsample": 0.7, "subsample_freq": 1}),
    "xgboost": ("XGBClassifier", {"n_estimators": 10, "subsample": 0.7}),
    "catboost": ("CatBoostClassifier", {"iterations": 10, "depth": 4}),
}
EACH = [
    pytest.param(
        name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed")
    )
    for name in LIBRARIES
]


def estimator(library: str, **more: Any) -> Any:
    name, told = LIBRARIES[library]
    return getattr(import_module(library), name)(**told, **more)


def digits(first: int, last: int, without: int = -1) -> ImageSet:
    flat, labels = load_digits(return_X_y=True)
    pixels = (flat.reshape(-1, 8, 8, 1) * 15).astype(np.uint8)
    chosen = np.flatnonzero(labels[first:last] != without) + first
    return ImageSet(pixels=pixels[chosen], labels=labels[chosen].astype(np.int64))


TRAIN, TEST = digits(0, 600), digits(600, 1000)


def context(**changes: Any) -> FitContext:
    values: dict[str, Any] = {"image_shape": (8, 8, 1), "classes": tuple("0123456789")}
    return FitContext(**{**values, "options": {}, "seed": 42, "threads": 1, **changes})


def fitted(library: str, train: ImageSet = TRAIN, **changes: Any) -> Any:
    classifier = sklearn_classifier(estimator(library))
    classifier.fit(train, context(**changes))
    return classifier


@pytest.mark.parametrize("library", EACH)
def test_it_learns_is_seeded_and_leaves_nothing_behind(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = fitted(library).predict_proba(TEST.images)
    assert (rows.argmax(axis=1) == TEST.labels).mean() > 0.6
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(fitted(library).predict_proba(TEST.images), rows)
    assert not np.array_equal(fitted(library, seed=43).predict_proba(TEST.images), rows)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("library", EACH)
def test_it_is_kept_in_its_own_format_with_its_size_and_engine(
    library: str, tmp_path: Path
) -> None:
    classifier = fitted(library, digits(0, 600, without=3))
    classifier.save(tmp_path)
    (native,) = (each for each in tmp_path.iterdir() if each.name != BOOSTING_FILE)
    assert native.name.startswith(f"model.{library}.")
    described = classifier.describe()
    assert described.model_bytes == native.stat().st_size > 10_000
    version = ".".join(import_module(library).__version__.split(".")[:2])
    assert described.engine == f"{library} {version}"
    read = load_sklearn_classifier(tmp_path, context())
    rows = classifier.predict_proba(TEST.images)
    np.testing.assert_array_equal(read.predict_proba(TEST.images), rows)
    # The class without an image keeps its column.
    assert rows.shape == (len(TEST), 10)
    assert (rows[:, 3] == 0).all()
    np.testing.assert_array_equal(read.predict(TEST.images), rows.argmax(axis=1))  # type: ignore[attr-defined]  # it has one


@pytest.mark.parametrize("library", EACH)
def test_a_damaged_file_is_one_line(library: str, tmp_path: Path) -> None:
    fitted(library).save(tmp_path)
    (native,) = (each for each in tmp_path.iterdir() if each.name != BOOSTING_FILE)
    whole = native.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole + b"x"):
        native.write_bytes(content)
        with pytest.raises(DataError, match="it is not the file that was written"):
            load_sklearn_classifier(tmp_path, context())
    native.write_bytes(whole)
    (tmp_path / BOOSTING_FILE).write_text("{}")
    with pytest.raises(DataError, match=rf"{BOOSTING_FILE} cannot be read"):
        load_sklearn_classifier(tmp_path, context())


@pytest.mark.parametrize("library", EACH)
@pytest.mark.parametrize(
    "told", [{"epochs": 2}, {"calibration_fraction": 0.1}, {"scores": abs}], ids=str
)
def test_what_it_cannot_obey_is_refused(library: str, told: dict[str, Any]) -> None:
    (name,) = told
    with pytest.raises(BenchError, match=rf"sklearn_classifier\({name}=…\)"):
        sklearn_classifier(estimator(library), **told)


@pytest.mark.parametrize("library", EACH)
def test_two_classes_and_one(library: str) -> None:
    flat = TRAIN.labels is not None and np.isin(TRAIN.labels, (1, 7))
    two = TRAIN.take(np.flatnonzero(flat))
    rows = fitted(library, two).predict_proba(two.images)
    assert (rows.argmax(axis=1) == two.labels).mean() > 0.9
    assert TRAIN.labels is not None
    one = TRAIN.take(np.flatnonzero(TRAIN.labels == 1))
    with pytest.raises(DataError, match="are of one class"):
        fitted(library, one)


@pytest.mark.skipif(find_spec("lightgbm") is None, reason="lightgbm is not installed")
def test_a_pipeline_says_its_engine_and_no_false_size(tmp_path: Path) -> None:
    classifier: Any = sklearn_classifier(
        make_pipeline(StandardScaler(), estimator("lightgbm", verbose=-1))
    )
    classifier.fit(TRAIN, context())
    described = classifier.describe()
    assert described.engine.startswith("lightgbm ")
    assert described.model_bytes is None
    with pytest.raises(BenchError, match="cannot be saved"):
        classifier.save(tmp_path)
