"""The built-in classical models: what they are, and what they reach on the published split."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.adapters.sklearn_svc import stock_svc
from bench.errors import DataError, OptionError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.options import resolve_options
from bench.plugins.discovery import load_plugins
from bench.spec import BuildContext, FitContext, ImageSet
from bench.testing.cases import draw_images

_PLUGINS = load_plugins()
_MODELS = _PLUGINS.models


def fitted(name: str, train: ImageSet, *, threads: int = 1, seed: int = 42, **settings: Any) -> Any:
    spec = _MODELS[name]
    told: dict[str, Any] = {
        "image_shape": train.shape,
        "classes": tuple("0123456789"),
        "options": {**resolve_options(name, spec.options, settings), "train_images": 0},
        "seed": seed,
        "threads": threads,
    }
    classifier = spec.build(BuildContext(**told))
    classifier.fit(train, FitContext(**told))
    return classifier


def test_the_forest_is_the_published_one() -> None:
    forest = fitted("random-forest", draw_images(60, (8, 8, 1), 10)).estimator
    assert forest.n_estimators == len(forest.estimators_) == 200
    assert forest.max_samples == 0.5
    assert forest.max_depth is None


@pytest.mark.parametrize(
    ("option", "value", "attribute", "expected"),
    [
        pytest.param("n_estimators", 3, "n_estimators", 3, id="trees"),
        pytest.param("max_samples", 0.25, "max_samples", 0.25, id="samples"),
        pytest.param("max_depth", 2, "max_depth", 2, id="depth"),
        pytest.param("min_samples_leaf", 4, "min_samples_leaf", 4, id="leaf"),
        pytest.param("max_features", "log2", "max_features", "log2", id="features"),
    ],
)
def test_options_of_the_forest_reach_it(
    option: str, value: Any, attribute: str, expected: Any
) -> None:
    settings = {"n_estimators": 2, option: value}
    forest = fitted("random-forest", draw_images(60, (8, 8, 1), 10), **settings).estimator
    assert getattr(forest, attribute) == expected


def test_a_deep_limit_makes_shallow_trees() -> None:
    images = draw_images(200, (8, 8, 1), 10)
    forest = fitted("random-forest", images, n_estimators=5, max_depth=2).estimator
    assert max(tree.tree_.max_depth for tree in forest.estimators_) == 2


def test_the_svm_is_the_published_one() -> None:
    svm = fitted("svm-ovo", draw_images(60, (8, 8, 1), 10)).estimator
    assert (svm.kernel, svm.C, svm.gamma) == ("rbf", 1.0, "scale")
    assert svm.decision_function_shape == "ovo"
    assert _MODELS["svm-ovo"].probabilities == "scores"


def test_calibrating_the_svm_declares_probabilities() -> None:
    images = draw_images(200, (8, 8, 1), 10)
    assert fitted("svm-ovo", images).probabilities == "scores"
    assert fitted("svm-ovo", images, calibrate=True).probabilities == "calibrated"


@pytest.mark.parametrize("gamma", ["auto", "0.25"])
def test_gamma_is_a_rule_or_a_number(gamma: str) -> None:
    svm = fitted("svm-ovo", draw_images(60, (8, 8, 1), 10), gamma=gamma).estimator
    assert svm._gamma == pytest.approx(1 / 64 if gamma == "auto" else 0.25)


@pytest.mark.parametrize("gamma", ["wide", "0", "-1", "nan", "inf"])
def test_a_gamma_that_is_neither_is_one_line(gamma: str) -> None:
    with pytest.raises(OptionError) as caught:
        fitted("svm-ovo", draw_images(60, (8, 8, 1), 10), gamma=gamma)
    assert str(caught.value) == (
        f"svm-ovo.gamma={gamma}: svm-ovo.gamma is scale, auto or a number above 0"
    )


@pytest.mark.parametrize("name", ["random-forest", "svm-ovo"])
def test_without_scikit_learn_intelex_scikit_learn_computes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sklearnex", "sklearnex.svm", "sklearnex.ensemble"):
        monkeypatch.setitem(sys.modules, module, None)  # an import raises ImportError
    classifier = fitted(name, draw_images(60, (8, 8, 1), 10))
    assert classifier.describe().engine.startswith("scikit-learn 1.")


@pytest.mark.parametrize("name", ["random-forest", "svm-ovo"])
def test_with_scikit_learn_intelex_the_engine_says_so(name: str) -> None:
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is for x86-64 only")
    classifier = fitted(name, draw_images(60, (8, 8, 1), 10))
    assert classifier.describe().engine.startswith("scikit-learn-intelex 20")


def test_the_perceptron_has_the_layers_asked_for() -> None:
    images = draw_images(60, (8, 8, 1), 10)
    network = fitted("mlp", images, hidden_units=7, hidden_layers=2, epochs=1).estimator
    assert [weights.shape for weights in network.coefs_] == [(64, 7), (7, 7), (7, 10)]


def test_the_perceptron_learns_in_single_precision() -> None:
    network = fitted("mlp", draw_images(60, (8, 8, 1), 10), epochs=1).estimator
    assert {weights.dtype for weights in network.coefs_} == {np.dtype(np.float32)}


def test_the_baseline_gives_the_training_shares() -> None:
    labels = np.array([3, 3, 3, 7])
    train = ImageSet(pixels=np.zeros((4, 8, 8, 1), np.uint8), labels=labels)
    rows = fitted("baseline-majority", train).predict_proba(np.zeros((2, 8, 8, 1), np.float32))
    expected = np.zeros((2, 10), np.float32)
    expected[:, 3], expected[:, 7] = 0.75, 0.25
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        pytest.param(None, r"is no readable model \(FileNotFoundError\)", id="missing"),
        pytest.param(b"", r"is no readable model \(EOFError\)", id="empty"),
        pytest.param(np.zeros(3, np.float32), "does not hold 10 frequencies", id="three-classes"),
        pytest.param(np.array([{}], object), r"is no readable model \(ValueError\)", id="pickle"),
    ],
)
def test_a_damaged_baseline_is_one_line(saved: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "frequencies.npy"
    if isinstance(saved, bytes):
        path.write_bytes(saved)
    elif saved is not None:
        np.save(path, saved, allow_pickle=True)
    spec = _MODELS["baseline-majority"]
    assert spec.load is not None
    told = BuildContext(image_shape=(8, 8, 1), classes=tuple("0123456789"), options={})
    with pytest.raises(DataError, match=said):
        spec.load(tmp_path, told)


@pytest.mark.realdata
@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        pytest.param("random-forest", 0.958, id="random-forest"),
        pytest.param("svm-ovo", 0.976, id="svm-ovo"),
    ],
)
def test_the_published_split_is_read_at_least_as_well(
    name: str, at_least: float, real_data: Path
) -> None:
    loaded = load_dataset(
        _PLUGINS.datasets["mnist-csv"],
        settings={"train_fraction": 0.7},
        path=real_data / "mnist" / "train.csv.gz",
    )
    assert loaded.train is not None
    assert loaded.test is not None
    train, test = open_split(loaded.train), open_split(loaded.test)
    assert (len(train), len(test)) == (29_399, 12_601)
    classifier = fitted(name, train, threads=2)
    accuracy = float((classifier.predict(test.images) == test.labels).mean())
    assert accuracy >= at_least


@pytest.mark.realdata
@pytest.mark.heavy
def test_svm_votes_on_real_digits_are_those_of_libsvm(real_data: Path) -> None:
    svc = pytest.importorskip("sklearnex.svm", reason="scikit-learn-intelex is for x86-64 only").SVC
    with np.load(real_data / "mnist" / "mnist.npz") as file:
        pixels, labels = file["x_train"][:6000, :, :, None], file["y_train"][:6000]
        test = file["x_test"][:, :, :, None]
    train = ImageSet(pixels=pixels, labels=labels.astype(np.int64))
    images = ImageSet(pixels=test).images
    classifier = fitted("svm-ovo", train)
    engine = svc(decision_function_shape="ovo", n_jobs=1)
    engine.fit(train.images.reshape(6000, -1), train.labels)
    rows = images.reshape(len(images), -1)
    votes = classifier.predict(images)
    libsvm = stock_svc(engine, keep_dtype=False).predict(rows.astype(np.float64))
    np.testing.assert_array_equal(votes, libsvm)
    # The engine's own float32 signs depend on the processor: 0 of 10,000 differ, or 14 with AMX.
    assert (votes != engine.predict(rows)).mean() <= 0.003
