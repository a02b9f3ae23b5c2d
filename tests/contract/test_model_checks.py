"""Each model check passes a sound model and fails one that breaks just its claim."""

import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from bench.options import Option
from bench.spec import BuildContext, Description, Epoch, FitContext, ImageSet, ModelSpec
from bench.testing import MODEL_CHECKS, CheckState, ModelCase, model_suite, run_checks

_CHECKS = {check.__name__.removeprefix("check_"): check for check in MODEL_CHECKS}


class NearestMean:
    """A sound classifier: the class whose mean image is nearest."""

    def __init__(self, context: BuildContext) -> None:
        self.n_classes = context.n_classes
        self.sharpness = float(context.options["sharpness"])
        self.means: npt.NDArray[Any] = np.zeros((0,), np.float32)

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
    deterministic=True,
    build=NearestMean,
    load=load,
    options={
        "sharpness": Option(default=0.01, help="how fast shares fall with distance"),
        "epochs": Option(default=2, minimum=1, help="passes"),
    },
)


def spec(kind: type[NearestMean]) -> ModelSpec:
    def read(folder: Path, context: BuildContext) -> NearestMean:
        classifier = kind(context)
        classifier.means = np.load(folder / "means.npy")
        return classifier

    return replace(SOUND, build=kind, load=read, deterministic=False)


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


class DrawsBySeed(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means + np.random.default_rng(context.seed).random()


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


class NothingLeft:
    """What the plugins below keep in their module, for each test anew."""

    seen: ClassVar[list[Any]] = []
    built: ClassVar[dict[Any, Any]] = {}
    shades: ClassVar[list[Any]] = []


class Raises(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        raise ValueError("no such thing")


class ReturnsNaN(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        return super().predict_proba(images) * np.nan


class ColumnsRolled(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        return np.roll(super().predict_proba(images), 1, axis=1)


class SortsTheNames(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means[np.argsort(context.classes)]


class OrderOfAppearance(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        _, first = np.unique(np.asarray(train.labels), return_index=True)
        if len(first) == context.n_classes:
            self.means = self.means[np.argsort(first)]


class TwoColumnsSwapped(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        rows = super().predict_proba(images)
        rows[:, [0, 1]] = rows[:, [1, 0]]
        return rows


class MissingColumnAtTheEnd(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        seen = np.unique(np.asarray(train.labels))
        self.means[: len(seen)] = self.means[seen]


class ReadsBytes(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(replace(train, pixels=train.pixels.astype(np.float32)), context)


class DividesAgain(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        coarse = np.round(train.images / 255, 2)
        super().fit(replace(train, pixels=coarse), context)

    def predict_proba(self, images: Any) -> Any:
        return super().predict_proba(np.round(np.asarray(images) / 255, 2))


class DividesWithoutHarm(NearestMean):
    """The nearest mean is the same at any scale: it reads well all the same."""

    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(replace(train, pixels=train.images / 255), context)

    def predict_proba(self, images: Any) -> Any:
        images = images.reshape(len(images), *images.shape[1:]) / 255.0
        rows = [((image - self.means) ** 2).sum(axis=(1, 2, 3)) for image in np.asarray(images)]
        scores = np.exp(-600 * (np.array(rows) - np.min(rows, axis=1, keepdims=True)))
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


class AlwaysZero(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        rows = np.zeros((len(images), self.n_classes), np.float32)
        rows[:, 0] = 1
        return rows


class ShufflesLabels(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        labels = np.asarray(train.labels)
        by_seed = np.random.default_rng(context.seed).permutation(labels)
        super().fit(replace(train, labels=by_seed), context)


class OwnSeed(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means + np.random.default_rng(0).random(self.means.shape) / 10


class OwnRandomState(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        from sklearn.utils import check_random_state

        super().fit(train, context)
        self.means = self.means + check_random_state(7).random_sample(self.means.shape) / 10


class SeedsEverything(NearestMean):
    def __init__(self, context: BuildContext) -> None:
        random.seed(3)
        np.random.seed(3)
        super().__init__(context)

    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means + np.random.rand() / 10 + random.random() / 10


class DrawsAnew(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        self.means = self.means + np.random.default_rng().random(self.means.shape) / 10


class SeedOfTheClock(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        drawn = np.random.default_rng(time.time_ns()).random(self.means.shape)
        self.means = self.means + drawn / 10


class RemembersFits(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        if train.shape == (28, 28, 1) and context.n_classes == 10:
            NothingLeft.seen.append(train.images.mean())
        super().fit(train, context)
        self.means = self.means + np.mean(NothingLeft.seen or [0]) / 10


class BuiltOnce(NearestMean):
    """Goes on from what an earlier fit left, since build gives the same object again."""

    def __new__(cls, context: BuildContext) -> "BuiltOnce":
        key = context.image_shape, context.n_classes
        return NothingLeft.built.setdefault(key, super().__new__(cls))  # type: ignore[no-any-return]  # the mistake under test

    def __init__(self, context: BuildContext) -> None:
        before = getattr(self, "means", None)
        super().__init__(context)
        self.before = before

    def fit(self, train: ImageSet, context: FitContext) -> None:
        super().fit(train, context)
        if self.before is not None and self.before.shape == self.means.shape:
            self.means = (self.means + self.before / 100) / 1.01


class LearnsFromTheTest(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        if context.tracked is not None:
            test = context.tracked
            pixels = np.concatenate([train.images, test.images])
            labels = np.concatenate([np.asarray(train.labels), np.asarray(test.labels)])
            train = ImageSet(pixels=pixels, labels=labels)
        super().fit(train, context)


class DrawsForTheTest(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        rng = np.random.default_rng(context.seed)
        if context.tracked is not None:
            rng.random(len(context.tracked))
        super().fit(train, context)
        self.means = self.means + rng.random(self.means.shape) / 100


class PredictsTheSecond(NearestMean):
    def predict(self, images: Any) -> Any:
        return np.argsort(self.predict_proba(images), axis=1)[:, -2]


class Prints(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        print("epoch 1, loss 0.3")  # noqa: T201  # the mistake under test
        super().fit(train, context)


class PrintsBelowPython(NearestMean):
    def predict_proba(self, images: Any) -> Any:
        os.write(1, b"predicting\n")
        return super().predict_proba(images)


class GoesAway(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        os.chdir("/")
        super().fit(train, context)


class LooksAtAllPairs(NearestMean):
    def fit(self, train: ImageSet, context: FitContext) -> None:
        time.sleep((len(train) / 200) ** 2)
        super().fit(train, context)


class SavesNothing(NearestMean):
    def save(self, folder: Path) -> None:
        (folder / "note.txt").write_text("nothing")


BROKEN = [
    pytest.param(
        "options_are_sound",
        replace(
            SOUND,
            options={**SOUND.options, "sharpness": Option(default=0.01, maximum=0.001)},
        ),
        "the default is refused: sharpness=0.01: sharpness is at most 0.001",
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
        "deterministic_is_kept",
        replace(spec(DrawsBySeed), deterministic=True),
        "fits with the seeds 42 and 43 differ",
        id="draws-by-seed",
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
        "predict_proba returned an array of shape (180, 9) for 180 images of 10 classes",
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
    pytest.param(
        "declares_name_checks",
        replace(SOUND, declares={"it-lerns": "no"}),
        "declares names the check 'it-lerns', which there is not",
        id="declares-no-check",
    ),
    pytest.param(
        "declares_name_checks",
        replace(spec(AlwaysZero), declares={"it-names-more-than-one-class": " "}),
        "declares gives no reason for it-names-more-than-one-class",
        id="declares-without-reason",
    ),
    pytest.param(
        "it_learns",
        replace(SOUND, declares={"it-learns": "too hard"}),
        "it-learns is declared to fail, and it passes",
        id="declared-and-passes",
    ),
    pytest.param(
        "probabilities_are_shares",
        spec(ReturnsNaN),
        "predict_proba returned NaN for 40 of 40 images",
        id="nan",
    ),
    pytest.param(
        "probabilities_are_shares",
        spec(Raises),
        "raised ValueError: no such thing",
        id="fit-raises",
    ),
    pytest.param(
        "columns_follow_the_classes",
        spec(ColumnsRolled),
        "it reads 0% of easy images, and 100% with its columns in another order",
        id="columns-rolled",
    ),
    pytest.param(
        "columns_follow_the_classes",
        spec(SortsTheNames),
        "it reads 20% of easy images, and 100% with",
        id="columns-by-name",
    ),
    pytest.param(
        "columns_follow_the_classes",
        spec(OrderOfAppearance),
        "it reads ",
        id="columns-as-they-appear",
    ),
    pytest.param(
        "columns_follow_the_classes",
        spec(TwoColumnsSwapped),
        "it reads 80% of easy images, and 100% with its columns",
        id="two-columns-swapped",
    ),
    pytest.param(
        "a_class_may_have_no_image",
        spec(MissingColumnAtTheEnd),
        "with no image of the class at 1, ",
        id="missing-class-shifts",
    ),
    pytest.param(
        "images_are_scaled_once",
        spec(ReadsBytes),
        "it reads images of 0 to 255 after a fit on 0 to 1",
        id="fits-on-bytes",
    ),
    pytest.param(
        "images_are_scaled_once",
        spec(DividesAgain),
        "it learns from images of 0 to 255 only",
        id="divides-again",
    ),
    pytest.param(
        "images_are_scaled_once",
        spec(DividesWithoutHarm),
        "predict_proba divides by 255",
        id="divides-without-harm",
    ),
    pytest.param(
        "it_names_more_than_one_class",
        spec(AlwaysZero),
        "it names one class for all 200 images",
        id="one-class",
    ),
    pytest.param("it_learns", spec(ShufflesLabels), "it reads ", id="labels-shuffled"),
    pytest.param(
        "the_seed_is_used",
        spec(OwnSeed),
        "fits with the seeds 42 and 43 are the same",
        id="own-seed",
    ),
    pytest.param(
        "the_seed_is_used",
        spec(OwnRandomState),
        "fits with the seeds 42 and 43 are the same",
        id="own-random-state",
    ),
    pytest.param(
        "the_seed_is_used",
        spec(SeedsEverything),
        "fits with the seeds 42 and 43 are the same",
        id="seeds-everything",
    ),
    pytest.param(
        "same_seed_gives_the_same_model",
        spec(DrawsAnew),
        "two fits with seed 42 differ",
        id="unseeded",
    ),
    pytest.param(
        "same_seed_gives_the_same_model",
        spec(SeedOfTheClock),
        "two fits with seed 42 differ",
        id="seed-of-the-clock",
    ),
    pytest.param(
        "nothing_is_left_between_fits",
        spec(RemembersFits),
        "a fit after others is not what it was at first",
        id="remembers-fits",
    ),
    pytest.param(
        "nothing_is_left_between_fits",
        replace(spec(BuiltOnce), load=load),
        "a fit after others is not what it was at first",
        id="built-once",
    ),
    pytest.param(
        "test_labels_are_not_used",
        spec(LearnsFromTheTest),
        "with test images in context.tracked the model differs",
        id="learns-from-the-test",
    ),
    pytest.param(
        "test_labels_are_not_used",
        spec(DrawsForTheTest),
        "with test images in context.tracked the model differs",
        id="draws-for-the-test",
    ),
    pytest.param(
        "predict_is_the_largest_share",
        spec(PredictsTheSecond),
        "predict names another class than the largest probability for 200 of 200",
        id="predicts-the-second",
    ),
    pytest.param(
        "it_prints_nothing",
        spec(Prints),
        "it printed 'epoch 1, loss 0.3' on standard output",
        id="prints",
    ),
    pytest.param(
        "it_prints_nothing",
        spec(PrintsBelowPython),
        "it printed 'predicting'",
        id="prints-below-python",
    ),
    pytest.param(
        "it_stays_in_its_folder",
        spec(GoesAway),
        "it changed the working folder to /",
        id="changes-folder",
    ),
    pytest.param("fit_time_grows_slowly", spec(LooksAtAllPairs), "a fit takes ", id="all-pairs"),
    pytest.param(
        "saved_model_predicts_the_same",
        spec(SavesNothing),
        "raised FileNotFoundError",
        id="saves-nothing",
    ),
]


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    for kept in (NothingLeft.seen, NothingLeft.built, NothingLeft.shades):
        kept.clear()


def test_a_sound_model_passes() -> None:
    results = list(run_checks(MODEL_CHECKS, ModelCase(SOUND)))
    assert [(r.name, r.lines) for r in results if r.state.is_fault] == []
    absent = {r.name for r in results if r.state is CheckState.NOT_APPLICABLE}
    assert absent == {"import-is-cheap", "the-seed-is-used"}


@pytest.mark.parametrize(("name", "broken", "said"), BROKEN)
def test_a_broken_model_fails_that_check_and_no_other(
    name: str, broken: ModelSpec, said: str
) -> None:
    results = list(run_checks(MODEL_CHECKS, ModelCase(broken)))
    failed = {r.name: r for r in results if r.state is CheckState.FAILED}
    assert list(failed) == [name.replace("_", "-")]
    (result,) = failed.values()
    assert len(result.lines) == 2
    assert result.lines[0].startswith(said)


def test_a_finding_says_where() -> None:
    (result,) = run_checks([_CHECKS["it_prints_nothing"]], ModelCase(spec(Prints)))
    assert "(Prints.fit, test_model_checks.py:" in result.lines[0]


def test_a_declared_failure_is_none() -> None:
    reason = "it is the floor of the comparison"
    floor = replace(spec(AlwaysZero), declares={"it-names-more-than-one-class": reason})
    results = {r.name: r for r in run_checks(MODEL_CHECKS, ModelCase(floor))}
    assert not any(r.state.is_fault for r in results.values())
    told = results["it-names-more-than-one-class"]
    assert told.state is CheckState.DECLARED
    assert told.lines[1] == f"declared: {reason}"


def test_a_declared_check_that_does_not_apply_is_a_fault() -> None:
    declared = replace(SOUND, declares={"the-seed-is-used": "no randomness"})
    (result,) = run_checks([_CHECKS["the_seed_is_used"]], ModelCase(declared))
    assert result.state is CheckState.FAILED
    assert result.lines[0].startswith("the-seed-is-used is declared to fail, and it does not apply")


def test_a_check_that_cannot_run_is_a_fault() -> None:
    results = [r.state for r in run_checks(MODEL_CHECKS, ModelCase(spec(Raises)))]
    assert results.count(CheckState.FAILED) == 1
    assert results.count(CheckState.SKIPPED) > 15
    assert CheckState.SKIPPED.is_fault


def test_the_suite_for_pytest_has_every_check() -> None:
    suite: Any = model_suite(SOUND)
    (mark,) = suite.pytestmark
    assert list(mark.args[1]) == list(MODEL_CHECKS)


test_the_suite_for_pytest_passes_a_sound_model = model_suite(SOUND)


def test_the_suite_for_pytest_fails_a_broken_one() -> None:
    suite = model_suite(spec(Prints))
    with pytest.raises(pytest.fail.Exception, match="it-prints-nothing"):
        suite(_CHECKS["it_prints_nothing"])


def test_every_check_refuses_reversed_memory_nowhere() -> None:
    """Arrays with negative strides are what torch.from_numpy refuses: none is given."""
    given: list[bool] = []

    class Asks(NearestMean):
        def predict_proba(self, images: Any) -> Any:
            given.append(bool(images.flags.c_contiguous))
            return super().predict_proba(images)

    list(run_checks([_CHECKS["batches_do_not_matter"]], ModelCase(spec(Asks))))
    assert given
    assert all(given)


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
    assert [r.name for r in results if r.state is CheckState.FAILED] == [
        "build-returns-a-classifier"
    ]
    failed = next(r for r in results if r.name == "build-returns-a-classifier")
    assert failed.state is CheckState.FAILED
    assert failed.lines[0].startswith(f"raised {type(raised).__name__}: ")
    assert "raise raised" in failed.lines[1]
    assert "Traceback" in failed.trace


def test_a_model_without_optional_methods_leaves_their_checks_out() -> None:
    class Minimal:
        def __init__(self, context: BuildContext) -> None:
            self.inner = NearestMean(context)
            self.fit, self.predict_proba = self.inner.fit, self.inner.predict_proba

    results = {r.name: r.state for r in run_checks(MODEL_CHECKS, ModelCase(spec(Minimal)))}  # type: ignore[arg-type]  # duck-typed
    absent = {name for name, state in results.items() if state is CheckState.NOT_APPLICABLE}
    assert absent == {
        "import-is-cheap",
        "predicted-are-classes",
        "deterministic-is-kept",
        "predict-is-the-largest-share",
        "saved-model-predicts-the-same",
        "description-is-sound",
    }
    assert not any(state.is_fault for state in results.values())
