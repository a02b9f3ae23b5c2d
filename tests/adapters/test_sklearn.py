"""The scikit-learn adapter on small real estimators."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    VotingClassifier,
)
from sklearn.ensemble import RandomForestClassifier as StockForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC as StockSVC  # noqa: N811  # its name is an acronym
from sklearn.svm import LinearSVC

from bench.adapters import load_trained
from bench.adapters.sklearn import load_sklearn_classifier, sklearn_classifier
from bench.errors import BenchError, DataError
from bench.spec import (
    BuildContext,
    Classifier,
    Epoch,
    FitContext,
    ImageSet,
    ModelSpec,
    as_float,
)

CLASSES = tuple("0123456789")
N_TRAIN = 600
SMOOTH = "scipy.ndimage._filters.gaussian_filter1d"


@pytest.fixture(scope="module")
def digits() -> tuple[ImageSet, ImageSet]:
    flat, labels = load_digits(return_X_y=True)
    pixels = (flat.reshape(-1, 8, 8, 1) * 15).astype(np.uint8)
    pairs = ImageSet(pixels=pixels, labels=labels.astype(np.int64))
    return pairs.take(np.arange(N_TRAIN)), pairs.take(np.arange(N_TRAIN, 1000))


def context(**changes: Any) -> FitContext:
    values: dict[str, Any] = {
        "image_shape": (8, 8, 1),
        "classes": CLASSES,
        "options": {},
        "seed": 42,
        "threads": 1,
    }
    return FitContext(**{**values, **changes})


def flat(images: ImageSet) -> Any:
    return as_float(images.pixels).reshape(len(images), -1)


def accelerated(family: str, name: str) -> Any:
    module = pytest.importorskip(
        f"sklearnex.{family}", reason="scikit-learn-intelex is x86-64 only"
    )
    return getattr(module, name)


def intelex_svc() -> Any:
    return accelerated("svm", "SVC")(decision_function_shape="ovo")


def intelex_forest() -> Any:
    return accelerated("ensemble", "RandomForestClassifier")(20, max_samples=0.5)


ESTIMATORS = [
    pytest.param(lambda: StockForest(20), id="forest"),
    pytest.param(lambda: ExtraTreesClassifier(10), id="extra-trees"),
    pytest.param(lambda: StockSVC(decision_function_shape="ovo"), id="svc-ovo"),
    pytest.param(lambda: StockSVC(kernel="poly"), id="svc-poly"),
    pytest.param(LinearSVC, id="linear-svc"),
    pytest.param(lambda: LogisticRegression(max_iter=1000), id="logistic"),
    pytest.param(RidgeClassifier, id="ridge"),
    pytest.param(GaussianNB, id="naive-bayes"),
    pytest.param(
        lambda: make_pipeline(StandardScaler(), StockSVC(decision_function_shape="ovo")),
        id="pipeline",
    ),
    pytest.param(lambda: CalibratedClassifierCV(LinearSVC(), cv=2), id="calibrated"),
    pytest.param(lambda: GradientBoostingClassifier(n_estimators=5), id="gradient-boosting"),
    pytest.param(
        lambda: VotingClassifier([("bayes", GaussianNB()), ("forest", StockForest(5))]),
        id="voting",
    ),
    pytest.param(
        lambda: VotingClassifier([("bayes", GaussianNB()), ("forest", intelex_forest())]),
        id="intelex-voting",
    ),
    pytest.param(intelex_svc, id="intelex-svc"),
    pytest.param(intelex_forest, id="intelex-forest"),
    pytest.param(lambda: make_pipeline(StandardScaler(), intelex_svc()), id="intelex-pipeline"),
    pytest.param(
        lambda: accelerated("linear_model", "LogisticRegression")(max_iter=1000),
        id="intelex-logistic",
    ),
]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_any_estimator_gives_rows_that_sum_to_one_and_beats_chance(
    estimator: Callable[[], Any], digits: tuple[ImageSet, ImageSet]
) -> None:
    train, test = digits
    classifier = sklearn_classifier(estimator())
    classifier.fit(train, context())
    rows = classifier.predict_proba(test.images)
    assert rows.shape == (len(test), 10)
    assert rows.dtype == np.float32
    assert rows.min() >= 0
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    assert (rows.argmax(axis=1) == test.labels).mean() > 0.7


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_loaded_model_predicts_exactly_what_the_saved_one_did(
    estimator: Callable[[], Any], digits: tuple[ImageSet, ImageSet], tmp_path: Path
) -> None:
    train, test = digits
    classifier: Any = sklearn_classifier(estimator())
    classifier.fit(train, context())
    classifier.save(tmp_path)
    loaded: Any = load_sklearn_classifier(tmp_path, context())
    np.testing.assert_array_equal(
        loaded.predict_proba(test.images), classifier.predict_proba(test.images)
    )
    np.testing.assert_array_equal(loaded.predict(test.images), classifier.predict(test.images))
    assert loaded.describe() == classifier.describe()
    assert loaded.probabilities == classifier.probabilities


@pytest.mark.parametrize(
    ("family", "name", "settings"),
    [
        pytest.param("svm", "SVC", {"decision_function_shape": "ovo"}, id="svc"),
        pytest.param(
            "ensemble",
            "RandomForestClassifier",
            {"n_estimators": 20, "random_state": 42},
            id="forest",
        ),
    ],
)
def test_making_an_accelerated_model_portable_leaves_its_predictions(
    family: str, name: str, settings: dict[str, Any], digits: tuple[ImageSet, ImageSet]
) -> None:
    train, test = digits
    kind = accelerated(family, name)
    classifier: Any = sklearn_classifier(kind(**settings))
    classifier.fit(train, context())
    plain = kind(**settings, n_jobs=1).fit(flat(train), train.labels)
    np.testing.assert_array_equal(classifier.predict(test.images), plain.predict(flat(test)))
    assert classifier.describe().engine.startswith("scikit-learn-intelex 20")


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_svm_votes_are_those_of_scikit_learn(
    n_classes: int, digits: tuple[ImageSet, ImageSet]
) -> None:
    train, test = digits
    assert train.labels is not None
    some = train.take(np.flatnonzero(train.labels < n_classes))
    classifier: Any = sklearn_classifier(StockSVC(decision_function_shape="ovo"))
    classifier.fit(some, context(classes=CLASSES[:n_classes]))
    plain = StockSVC(decision_function_shape="ovo").fit(flat(some), some.labels)
    np.testing.assert_array_equal(classifier.predict(test.images), plain.predict(flat(test)))
    rows = classifier.predict_proba(test.images)
    assert (rows.argmax(axis=1) == plain.predict(flat(test))).mean() > 0.98


def test_a_class_without_a_training_image_keeps_its_column_at_zero(
    digits: tuple[ImageSet, ImageSet],
) -> None:
    train, test = digits
    assert train.labels is not None
    without = train.take(np.flatnonzero(train.labels != 3))
    for estimator in (StockForest(5), StockSVC(), LinearSVC(), MLPClassifier(max_iter=1)):
        classifier = sklearn_classifier(estimator, epochs=int(hasattr(estimator, "partial_fit")))
        classifier.fit(without, context())
        rows = classifier.predict_proba(test.images)
        assert rows.shape == (len(test), 10)
        assert (rows[:, 3] == 0).all()


def test_the_seed_reaches_nested_steps(digits: tuple[ImageSet, ImageSet]) -> None:
    train, test = digits

    def rows(seed: int) -> Any:
        classifier = sklearn_classifier(make_pipeline(StandardScaler(), StockForest(5)))
        classifier.fit(train, context(seed=seed))
        return classifier.predict_proba(test.images)

    np.testing.assert_array_equal(rows(1), rows(1))
    assert (rows(1) != rows(2)).any()


def test_the_given_estimator_stays_unfitted(digits: tuple[ImageSet, ImageSet]) -> None:
    estimator = StockForest(5)
    sklearn_classifier(estimator).fit(digits[0], context())
    assert not hasattr(estimator, "estimators_")
    assert estimator.random_state is None


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_reach_the_estimator(threads: int, digits: tuple[ImageSet, ImageSet]) -> None:
    classifier: Any = sklearn_classifier(StockForest(5))
    classifier.fit(digits[0], context(threads=threads))
    assert classifier.estimator.n_jobs == threads


def test_epochs_are_reported_with_falling_loss(digits: tuple[ImageSet, ImageSet]) -> None:
    reported: list[Epoch] = []
    classifier = sklearn_classifier(MLPClassifier((32,)), epochs=5)
    classifier.fit(digits[0], context(report_epoch=reported.append))
    assert [epoch.epoch for epoch in reported] == [1, 2, 3, 4, 5]
    assert {epoch.epochs for epoch in reported} == {5}
    losses = [epoch.loss for epoch in reported if epoch.loss is not None]
    assert len(losses) == 5
    assert losses[-1] < losses[0]


def test_every_epoch_has_an_order_of_its_own(digits: tuple[ImageSet, ImageSet]) -> None:
    orders: list[Any] = []

    class Spy(SGDClassifier):  # type: ignore[misc]  # scikit-learn is untyped
        def partial_fit(self, x: Any, y: Any, classes: Any = None) -> Any:
            orders.append(self.random_state.get_state()[2])
            return super().partial_fit(x, y, classes=classes)

    sklearn_classifier(Spy(), epochs=3).fit(digits[0], context())
    assert len(set(orders)) == 3


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        pytest.param(StockForest(5), "calibrated", id="predict_proba"),
        pytest.param(StockSVC(), "scores", id="svc"),
        pytest.param(RidgeClassifier(), "scores", id="decision-function"),
    ],
)
def test_probabilities_are_declared_before_and_after_the_fit(
    estimator: Any, said: str, digits: tuple[ImageSet, ImageSet]
) -> None:
    classifier: Any = sklearn_classifier(estimator)
    assert classifier.probabilities == said
    classifier.fit(digits[0], context())
    assert classifier.probabilities == said


def test_calibration_lowers_the_log_loss_and_keeps_the_predictions(
    digits: tuple[ImageSet, ImageSet],
) -> None:
    train, test = digits

    def fitted(fraction: float) -> Any:
        classifier: Any = sklearn_classifier(
            StockSVC(decision_function_shape="ovo"), calibration_fraction=fraction
        )
        classifier.fit(train, context())
        return classifier

    def log_loss(classifier: Classifier) -> float:
        rows = classifier.predict_proba(test.images)
        return -float(np.log(rows[np.arange(len(test)), test.labels]).mean())

    plain, calibrated = fitted(0.0), fitted(0.2)
    assert calibrated.probabilities == "calibrated"
    assert log_loss(calibrated) < log_loss(plain)
    np.testing.assert_array_equal(calibrated.predict(test.images), plain.predict(test.images))


def test_own_scores_replace_the_softmax(digits: tuple[ImageSet, ImageSet]) -> None:
    train, test = digits
    classifier = sklearn_classifier(LinearSVC(), scores=lambda values: np.ones_like(values))
    classifier.fit(train, context())
    np.testing.assert_allclose(classifier.predict_proba(test.images), 0.1, rtol=1e-6)


def test_model_bytes_count_every_array_once(digits: tuple[ImageSet, ImageSet]) -> None:
    classifier: Any = sklearn_classifier(MLPClassifier((7,)), epochs=1)
    classifier.fit(digits[0], context())
    parameters = 64 * 7 + 7 + 7 * 10 + 10
    labels = classifier.estimator.classes_.nbytes
    # The label table is held twice, by the network and by its label binarizer.
    assert parameters * 4 <= classifier.describe().model_bytes <= parameters * 4 + 2 * labels
    assert classifier.describe().parameters is None


def test_an_empty_batch_gives_no_rows(digits: tuple[ImageSet, ImageSet]) -> None:
    classifier: Any = sklearn_classifier(GaussianNB())
    classifier.fit(digits[0], context())
    nothing = np.zeros((0, 8, 8, 1), dtype=np.float32)
    assert classifier.predict_proba(nothing).shape == (0, 10)
    assert classifier.predict(nothing).shape == (0,)


def test_images_without_labels_are_refused(digits: tuple[ImageSet, ImageSet]) -> None:
    with pytest.raises(DataError, match="training images: have no labels"):
        sklearn_classifier(GaussianNB()).fit(ImageSet(pixels=digits[0].pixels), context())


def test_a_model_that_needs_an_unreviewed_type_is_not_saved(
    digits: tuple[ImageSet, ImageSet], tmp_path: Path
) -> None:
    classifier: Any = sklearn_classifier(HistGradientBoostingClassifier(max_iter=1))
    classifier.fit(digits[0], context())
    with pytest.raises(BenchError, match="HistGradientBoostingClassifier cannot be saved"):
        classifier.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_damaged_model_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is no readable model \(FileNotFoundError\)"):
        load_sklearn_classifier(tmp_path, context())
    (tmp_path / "model.skops").write_bytes(b"no zip file")
    with pytest.raises(DataError, match=r"is no readable model \(BadZipFile\)"):
        load_sklearn_classifier(tmp_path, context())


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import os

    import skops.io

    skops.io.dump(
        {"estimator": os.system, "temperature": 0.0, "engine": ""}, tmp_path / "model.skops"
    )
    with pytest.raises(DataError, match=r"untrusted type posix\.system|untrusted type nt\.system"):
        load_sklearn_classifier(tmp_path, context())


def test_a_skops_file_of_another_program_is_refused(tmp_path: Path) -> None:
    import skops.io

    skops.io.dump([1, 2], tmp_path / "model.skops")
    with pytest.raises(DataError, match="is a skops file of another program"):
        load_sklearn_classifier(tmp_path, context())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("left_child", 10**6, id="child-beyond-the-end"),
        pytest.param("right_child", 0, id="child-before-its-parent"),
        pytest.param("feature", 10**6, id="pixel-beyond-the-image"),
        pytest.param("feature", -7, id="negative-pixel"),
    ],
)
def test_a_tree_that_points_outside_its_arrays_is_refused(
    field: str, value: int, digits: tuple[ImageSet, ImageSet], tmp_path: Path
) -> None:
    classifier: Any = sklearn_classifier(StockForest(2))
    classifier.fit(digits[0], context())
    tree = classifier.estimator.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    classifier.save(tmp_path)
    with pytest.raises(DataError, match="holds a damaged decision tree"):
        load_sklearn_classifier(tmp_path, context())


def test_trees_inside_other_models_are_checked(
    digits: tuple[ImageSet, ImageSet], tmp_path: Path
) -> None:
    classifier: Any = sklearn_classifier(GradientBoostingClassifier(n_estimators=1))
    classifier.fit(digits[0], context())
    tree = classifier.estimator.estimators_[0, 9].tree_
    state = tree.__getstate__()
    state["nodes"]["feature"][0] = 10**6
    tree.__setstate__(state)
    classifier.save(tmp_path)
    with pytest.raises(DataError, match="holds a damaged decision tree"):
        load_sklearn_classifier(tmp_path, context())


@pytest.mark.parametrize("name", ["support_vectors_", "_n_support", "_intercept_", "_dual_coef_"])
def test_an_svm_whose_arrays_do_not_fit_is_refused(
    name: str, digits: tuple[ImageSet, ImageSet], tmp_path: Path
) -> None:
    classifier: Any = sklearn_classifier(StockSVC())
    classifier.fit(digits[0], context())
    estimator = classifier.estimator
    setattr(estimator, name, getattr(estimator, name)[:-1])
    classifier.save(tmp_path)
    with pytest.raises(DataError, match="holds damaged support vectors"):
        load_sklearn_classifier(tmp_path, context())


def test_the_model_file_holds_no_pickle(digits: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    classifier: Any = sklearn_classifier(StockForest(2))
    classifier.fit(digits[0], context())
    classifier.save(tmp_path)
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        suffixes = {Path(name).suffix for name in archive.namelist()}
    assert suffixes <= {".npy", ".json"}


def test_a_type_that_skops_does_not_know_is_kept_where_it_is_declared(
    tmp_path: Path, digits: tuple[ImageSet, ImageSet]
) -> None:
    from scipy.ndimage import gaussian_filter1d
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer

    def build(told: BuildContext, trusted: tuple[str, ...] = (SMOOTH,)) -> Any:
        step = FunctionTransformer(gaussian_filter1d, kw_args={"sigma": 1.0, "axis": 1})
        return sklearn_classifier(make_pipeline(step, KNeighborsClassifier(3)), trusted=trusted)

    train, test = digits
    undeclared = build(context(), ())
    undeclared.fit(train, context())
    with pytest.raises(BenchError, match=SMOOTH) as refused:
        undeclared.save(tmp_path)
    assert "sklearn_classifier(…, trusted=[…])" in str(refused.value)
    classifier = build(context())
    classifier.fit(train, context())
    classifier.save(tmp_path)
    # The file alone cannot make itself trusted.
    with pytest.raises(DataError, match=f"holds the untrusted type {SMOOTH}"):
        load_sklearn_classifier(tmp_path, context())
    spec = ModelSpec(name="smoothed", summary="for tests", build=build)
    read = load_trained(spec, tmp_path, context())
    rows = classifier.predict_proba(test.images)
    np.testing.assert_array_equal(read.predict_proba(test.images), rows)
