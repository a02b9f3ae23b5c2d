"""Each model check passes a sound model and fails one that breaks just its claim."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import numpy.typing as npt
import pytest

from bench.options import Option
from bench.spec import BuildContext, Description, Epoch, FitContext, ImageSet, ModelSpec
from bench.testing import MODEL_CHECKS, CheckState, ModelCase, run_checks

_CHECKS = {check.__name__.removeprefix("check_"): check for check in MODEL_CHECKS}


class NearestMean:
    """A sound classifier: the class whose mean image is nearest."""

    def __init__(self, context: BuildContext) -> None:
        self.n_classes = context.n_classes
        self.sharpness = float(context.options["sharpness"])
        self.means: npt.NDArray[np.float32] = np.zeros((0,), np.float32)

    def fit(self, train: ImageSet, context: FitContext) -> None:
        labels, images = np.asarray(train.labels), train.images
        nothing = np.zeros(train.shape, np.float32)
        self.means = np.stack(
            [
                images[labels == k].mean(axis=0) if (labels == k).any() else nothing
                for k in range(self.n_classes)
            ]
        )
        epochs = int(context.options["epochs"])
        for epoch in range(1, epochs + 1):
            context.report_epoch(Epoch(epoch=epoch, epochs=epochs, loss=1.0))

    def predict_proba(self, images: Any) -> Any:
        # One image at a time, so that not even the last digit depends on the batch.
        rows = [((image - self.means) ** 2).sum(axis=(1, 2, 3)) for image in images]
        scores = np.exp(-self.sharpness * (np.array(rows) - np.min(rows, axis=1, keepdims=True)))
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    def predict(self, images: Any) -> Any:
        return self.predict_proba(images).argmax(axis=1)

    def save(self, folder: Path) -> None:
        np.save(folder / "means.npy", self.means)

    def describe(self) -> Any:
        return Description(parameters=self.means.size, model_bytes=self.means.nbytes)


def load(folder: Path, context: BuildContext) -> NearestMean:
    classifier = NearestMean(context)
    classifier.means = np.load(folder / "means.npy")
    return classifier


SOUND = ModelSpec(
    name="nearest-mean",
    summary="the class whose mean image is nearest",
    build=NearestMean,
    load=load,
    options={
        "sharpness": Option(default=0.01, help="how fast shares fall with distance"),
        "epochs": Option(default=2, minimum=1, help="passes"),
    },
)


def spec(kind: type[NearestMean]) -> ModelSpec:
    return replace(SOUND, build=kind)


class NoPredictProba:
    def __init__(self, context: BuildContext) -> None:
        self.fit = lambda train, told: None


class SumsToTwo(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        return 2 * super().predict_proba(images)


class PredictsNames(NearestMean):
    def predict(self, images: Any) -> Any:
        return np.array(["0"] * len(images))


class OnlyGrey(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        if train.shape[2] != 1:
            raise ValueError("cannot reshape array")
        super().fit(train, context)


class GlobalRandomness(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means + np.random.rand()  # the mistake under test


class WritesToTraining(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        train.pixels.flags.writeable = True
        train.pixels[0] = 0
        super().fit(train, context)


class SortsLabels(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        np.asarray(train.labels).sort()


class WritesToImages(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        images -= 0.5
        return super().predict_proba(images)


class KeepsCount(NearestMean):
    calls = 0

    def predict_proba(self, images: Any) -> Any:
        self.calls += 1
        return super().predict_proba(images * (1 + self.calls / 100))


class ScalesByTheBatch(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        return super().predict_proba(images / (1e-6 + images.mean()))


class DropsMissingClasses(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means[np.unique(np.asarray(train.labels))]


class SavesHalf(NearestMean):
    def save(self, folder: Path) -> None:
        np.save(folder / "means.npy", self.means / 2)


class IgnoresAnOption(NearestMean):
    def __init__(self, context: BuildContext) -> None:
        super().__init__(
            replace(context, options={"sharpness": 0.01, "epochs": context.options["epochs"]})
        )


class ReportsOnce(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, replace(context, report_epoch=lambda epoch: None))


class CountsInFloats(NearestMean):
    def describe(self) -> Any:
        return Description(parameters=1.5)  # type: ignore[arg-type]  # the mistake under test


BROKEN = [
    pytest.param(
        "options_are_sound",
        replace(SOUND, options={"k": Option(default=5, maximum=3, help="neighbours")}),
        "the default is refused: k=5: k is at most 3",
        id="default-outside-limits",
    ),
    pytest.param(
        "build_returns_a_classifier",
        replace(SOUND, build=NoPredictProba),  # type: ignore[arg-type]  # the mistake under test
        "build returned NoPredictProba, which has no predict_proba",
        id="no-predict-proba",
    ),
    pytest.param(
        "probabilities_are_shares",
        spec(SumsToTwo),
        "predict_proba returned rows that do not sum to 1",
        id="sums-to-two",
    ),
    pytest.param(
        "predicted_are_classes",
        spec(PredictsNames),
        "predict returned ndarray of <U1",
        id="names-for-classes",
    ),
    pytest.param(
        "shape_and_classes_are_followed",
        spec(OnlyGrey),
        "raised ValueError: cannot reshape array",
        id="only-grey",
    ),
    pytest.param(
        "same_seed_gives_the_same_model",
        spec(GlobalRandomness),
        "two fits with seed 42 differ",
        id="global-randomness",
    ),
    pytest.param(
        "fit_leaves_its_images_alone",
        spec(WritesToTraining),
        "fit changed the training images",
        id="writes-to-training",
    ),
    pytest.param(
        "fit_leaves_its_images_alone",
        spec(SortsLabels),
        "fit changed the labels",
        id="sorts-labels",
    ),
    pytest.param(
        "predict_changes_nothing",
        spec(WritesToImages),
        "predict_proba changed the images it was given",
        id="writes-to-images",
    ),
    pytest.param(
        "predict_changes_nothing",
        spec(KeepsCount),
        "predicting the same images twice gives two answers",
        id="keeps-count",
    ),
    pytest.param(
        "batches_do_not_matter",
        spec(ScalesByTheBatch),
        "images given one at a time get probabilities that differ",
        id="scales-by-the-batch",
    ),
    pytest.param(
        "a_class_may_have_no_image",
        spec(DropsMissingClasses),
        "predict_proba returned an array of shape (40, 9) for 40 images of 10 classes",
        id="drops-missing-classes",
    ),
    pytest.param(
        "saved_model_predicts_the_same",
        spec(SavesHalf),
        "a loaded model's probabilities differ",
        id="saves-half",
    ),
    pytest.param(
        "every_option_is_read",
        spec(IgnoresAnOption),
        "option 'sharpness' is declared, and neither build nor fit reads it",
        id="ignores-an-option",
    ),
    pytest.param(
        "epochs_are_reported",
        spec(ReportsOnce),
        "fit reported the epochs [], not [1]",
        id="reports-no-epoch",
    ),
    pytest.param(
        "description_is_sound",
        spec(CountsInFloats),
        "describe says parameters=1.5",
        id="counts-in-floats",
    ),
]


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_a_sound_model_passes(check: Callable[[ModelCase], None]) -> None:
    case = ModelCase(SOUND)
    if check.__name__ == "check_import_is_cheap":
        with pytest.raises(SkipTest):
            check(case)
    else:
        check(case)


@pytest.mark.parametrize(("name", "broken", "said"), BROKEN)
def test_a_broken_model_fails_with_two_lines(name: str, broken: ModelSpec, said: str) -> None:
    (result,) = run_checks([_CHECKS[name]], ModelCase(broken))
    assert result.state is CheckState.FAILED
    assert len(result.lines) == 2
    assert result.lines[0].startswith(said)


def test_bare_defaults_pass_with_advice() -> None:
    bare = replace(SOUND, options={**SOUND.options, "k": 5, "metric": "l2"})
    (result,) = run_checks([_CHECKS["options_are_sound"]], ModelCase(bare))
    assert result.state is CheckState.PASSED
    assert result.lines == (
        "advice: bench list models shows no help for 'k', 'metric'",
        'Option(default=5, help="…") in place of the bare default would give it',
    )


def test_every_check_has_a_model_that_fails_it() -> None:
    failed = {str(param.values[0]) for param in BROKEN} | {"import_is_cheap"}
    assert failed == set(_CHECKS)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("import sklearn.svm\n", "imports sklearn", id="engine"),
        pytest.param(
            "import no_such_module_anywhere\n", "failed: ModuleNotFoundError", id="broken"
        ),
    ],
)
def test_an_expensive_import_fails(source: str, said: str, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(source)
    (result,) = run_checks([_CHECKS["import_is_cheap"]], ModelCase(SOUND, file=str(plugin)))
    assert result.state is CheckState.FAILED
    assert said in result.lines[0]


def test_a_cheap_import_passes_though_the_plugin_prints(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("import json\nprint('hello')\n")
    (result,) = run_checks([_CHECKS["import_is_cheap"]], ModelCase(SOUND, file=str(plugin)))
    assert result.state is CheckState.PASSED


@pytest.mark.parametrize("raised", [SystemExit(3), RuntimeError("two\nlines"), KeyError("k")])
def test_whatever_a_plugin_raises_fails_one_check_only(raised: BaseException) -> None:
    def build(context: BuildContext) -> Any:
        raise raised

    results = list(run_checks(MODEL_CHECKS, ModelCase(replace(SOUND, build=build))))
    assert len(results) == len(MODEL_CHECKS)
    failed = next(r for r in results if r.name == "build returns a classifier")
    assert failed.state is CheckState.FAILED
    assert failed.lines[0].startswith(f"raised {type(raised).__name__}: ")
    assert "raise raised" in failed.lines[1]
    assert "Traceback" in failed.trace


def test_a_model_without_optional_methods_skips_their_checks() -> None:
    class Minimal:
        def __init__(self, context: BuildContext) -> None:
            self.inner = NearestMean(context)
            self.fit, self.predict_proba = self.inner.fit, self.inner.predict_proba

    results = {r.name: r.state for r in run_checks(MODEL_CHECKS, ModelCase(spec(Minimal)))}  # type: ignore[arg-type]  # duck-typed
    assert results["predicted are classes"] is CheckState.SKIPPED
    assert results["saved model predicts the same"] is CheckState.SKIPPED
    assert results["description is sound"] is CheckState.SKIPPED
    assert CheckState.FAILED not in results.values()
