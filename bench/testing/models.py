"""The contract of a model, as checks."""

from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

import numpy as np

from bench.adapters import load_trained
from bench.errors import BenchError
from bench.spec import Description
from bench.testing.cases import draw_images
from bench.testing.claims import require_cheap_import, require_sound_options
from bench.testing.conduct import (
    check_fit_time_grows_slowly,
    check_it_prints_nothing,
    check_it_stays_in_its_folder,
)
from bench.testing.learning import (
    check_a_class_may_have_no_image,
    check_columns_follow_the_classes,
    check_images_are_scaled_once,
    check_it_learns,
    check_it_names_more_than_one_class,
    check_predict_is_the_largest_share,
)
from bench.testing.model_case import ModelCase
from bench.testing.randomness import (
    check_nothing_is_left_between_fits,
    check_same_seed_gives_the_same_model,
    check_test_labels_are_not_used,
    check_the_seed_is_used,
)
from bench.testing.running import CouldNotRunError, name_of

__all__ = ["MODEL_CHECKS"]

# What a classifier's last float32 digits may do when the same images come in other batches.
BATCH_TOLERANCE = 1e-3
# Options that the harness answers itself before a model is built.
_READ_BY_THE_HARNESS = frozenset({"initial_weights"})


def check_import_is_cheap(case: ModelCase) -> None:
    """Import no engine together with the plugin."""
    if not (case.module or case.file):
        raise SkipTest("the case names neither a module nor a file")
    require_cheap_import(case.module, case.file)


def check_options_are_sound(case: ModelCase) -> str | None:
    """Give every option a default within its own limits; a line of help is advised."""
    return require_sound_options(case.declared)


def check_build_returns_a_classifier(case: ModelCase) -> None:
    """Return an object with fit and predict_proba from build."""
    _ = case.untrained


def check_probabilities_are_shares(case: ModelCase) -> None:
    """Return probabilities (n, n_classes), finite, within 0 and 1, in rows that sum to 1."""
    _ = case.rows


def check_predicted_are_classes(case: ModelCase) -> None:
    """Return n whole numbers below n_classes from predict, where there is one."""
    if not callable(getattr(case.fitted, "predict", None)):
        raise SkipTest("its classifier has no predict")
    _ = case.predicted


def check_shape_and_classes_are_followed(case: ModelCase) -> None:
    """Build for the images and classes at hand: in colour, not square, three classes."""
    _ = case.rows
    height, width, _ = case.shape
    shape = (height, width + 4, 3)
    told: dict[str, Any] = {"image_shape": shape, "classes": ("a", "b", "c")}
    classifier = case.fit(draw_images(60, shape, 3), **told)
    case.rows_of(classifier, draw_images(9, shape, 3).images, n_classes=3)


def check_deterministic_is_kept(case: ModelCase) -> None:
    """Predict the same whatever the seed, where the spec says so: ranks rely on it."""
    if not case.spec.deterministic:
        raise SkipTest("it does not say that it is deterministic")
    first = case.rows
    second = case.rows_of(case.fit(seed=43))
    if not np.array_equal(first, second):
        raise AssertionError(
            f"fits with the seeds 42 and 43 differ by up to {np.abs(first - second).max():.2g}\n"
            "leave out deterministic=True: seeds of such a model are counted as spread"
        )


def check_fit_leaves_its_images_alone(case: ModelCase) -> None:
    """Leave the training images and their labels unchanged when fitting."""
    _ = case.fitted
    before, after = case.train(), case.fitted_on
    if not np.array_equal(after.pixels, before.pixels):
        raise AssertionError(
            "fit changed the training images\nwork on a copy: images = train.images"
        )
    if not np.array_equal(np.asarray(after.labels), np.asarray(before.labels)):
        raise AssertionError("fit changed the labels\nwork on a copy: labels = train.labels.copy()")


def check_predict_changes_nothing(case: ModelCase) -> None:
    """Leave the images and the classifier unchanged when predicting."""
    _ = case.rows
    images = case.images.copy()
    with case.step():
        case.fitted.predict_proba(images)
    if not np.array_equal(images, case.images):
        raise AssertionError(
            "predict_proba changed the images it was given\nwork on a copy: images = images.copy()"
        )
    if not case.is_repeatable:
        raise AssertionError(
            "predicting the same images twice gives two answers\n"
            "switch off dropout and other randomness when predicting"
        )


def check_batches_do_not_matter(case: ModelCase) -> None:
    """Judge each image by itself, whatever else is in the batch."""
    _need_repeatable(case)
    together = case.rows
    backwards = case.rows_of(case.fitted, case.images[::-1])[::-1]
    alone = np.concatenate([case.rows_of(case.fitted, case.images[i : i + 1]) for i in range(5)])
    for other, how in ((backwards, "in reverse order"), (alone, "one at a time")):
        off = np.abs(together[: len(other)] - other).max()
        if not off <= BATCH_TOLERANCE:
            raise AssertionError(
                f"images given {how} get probabilities that differ by up to {off:.2g}\n"
                "scale by constants or by the training images, never by the batch at hand"
            )


def check_saved_model_predicts_the_same(case: ModelCase) -> None:
    """Bring back with load what save wrote: the same probabilities and predictions."""
    _need_repeatable(case)
    save = getattr(case.fitted, "save", None)
    if not callable(save):
        raise SkipTest("its classifier has no save")
    with TemporaryDirectory() as folder:
        with case.step():
            try:
                save(Path(folder))
            except BenchError as error:  # as in a run, where it costs a note
                why = str(error).partition(": ")
                raise SkipTest(f"it is not kept: {why[0]}\n{why[2]}") from error
        _ = case.predicted
        loaded = load_trained(case.spec, Path(folder), case.build_context())
        before, after = case.rows_of(case.fitted), case.rows_of(loaded)
        said = [case.predicted_of(each, case.images) for each in (case.fitted, loaded)]
    if not np.allclose(before, after, atol=1e-6):
        raise AssertionError(
            f"a loaded model's probabilities differ by up to {np.abs(before - after).max():.2g}\n"
            "save all that predict_proba reads"
        )
    if not np.array_equal(said[0], said[1]):
        raise AssertionError("a loaded model predicts other classes\nsave all that predict reads")


def check_every_option_is_read(case: ModelCase) -> None:
    """Read every declared option in build or fit."""
    _ = case.fitted
    unread = set(case.declared) - case.options.read - _READ_BY_THE_HARNESS
    if unread:
        raise AssertionError(
            f"option '{min(unread)}' is declared, and neither build nor fit reads it\n"
            f'use context.options["{min(unread)}"] or take it out of options'
        )


def check_epochs_are_reported(case: ModelCase) -> None:
    """Report each epoch once, in order, if there is an option epochs."""
    if "epochs" not in case.declared:
        raise SkipTest("it has no option epochs")
    _ = case.fitted
    wanted = list(range(1, int(case.options.options["epochs"]) + 1))
    reported = [epoch.epoch for epoch in case.epochs]
    if reported != wanted:
        raise AssertionError(
            f"fit reported the epochs {reported}, not {wanted}\n"
            "call context.report_epoch(Epoch(epoch=1, epochs=…, loss=…)) after each"
        )


def check_description_is_sound(case: ModelCase) -> None:
    """Describe the size in whole numbers that fit together."""
    describe = getattr(case.fitted, "describe", None)
    if not callable(describe):
        raise SkipTest("its classifier has no describe")
    with case.step():
        said = describe()
    if type(said) is not Description:
        raise AssertionError(f"describe returned {type(said).__name__}\nreturn a bench.Description")
    for name, value in ((each.name, getattr(said, each.name)) for each in fields(said)):
        if name in ("layers", "engine", "device"):
            continue
        if value is not None and not (isinstance(value, int) and value >= 0):
            raise AssertionError(
                f"describe says {name}={value!r}\n"
                "give a whole number, or None where it does not apply"
            )
    if said.parameters is not None and (said.trainable_parameters or 0) > said.parameters:
        raise AssertionError(
            f"describe says {said.trainable_parameters} of {said.parameters} parameters are "
            "trainable\nparameters counts all of them"
        )


def check_declares_name_checks(case: ModelCase) -> None:
    """Declare only checks that there are, each with its reason."""
    names = [name_of(check) for check in MODEL_CHECKS]
    for name, reason in case.spec.declares.items():
        if name not in names:
            close = get_close_matches(name.replace("_", "-"), names, n=1, cutoff=0.5)
            meant = f"did you mean '{close[0]}'?" if close else f"the checks: {', '.join(names)}"
            raise AssertionError(f"declares names the check '{name}', which there is not\n{meant}")
        if name == name_of(check_declares_name_checks):
            raise AssertionError(f"{name} is declared to fail\nname the checks that do")
        if not reason.strip():
            raise AssertionError(f"declares gives no reason for {name}\nsay why it cannot hold")


MODEL_CHECKS: tuple[Callable[[ModelCase], str | None], ...] = (
    check_import_is_cheap,
    check_declares_name_checks,
    check_options_are_sound,
    check_build_returns_a_classifier,
    check_probabilities_are_shares,
    check_predicted_are_classes,
    check_shape_and_classes_are_followed,
    check_fit_leaves_its_images_alone,
    check_predict_changes_nothing,
    check_batches_do_not_matter,
    check_same_seed_gives_the_same_model,
    check_deterministic_is_kept,
    check_the_seed_is_used,
    check_test_labels_are_not_used,
    check_it_learns,
    check_columns_follow_the_classes,
    check_images_are_scaled_once,
    check_it_names_more_than_one_class,
    check_predict_is_the_largest_share,
    check_a_class_may_have_no_image,
    check_fit_time_grows_slowly,
    check_nothing_is_left_between_fits,
    check_saved_model_predicts_the_same,
    check_every_option_is_read,
    check_epochs_are_reported,
    check_description_is_sound,
    check_it_prints_nothing,
    check_it_stays_in_its_folder,
)


def _need_repeatable(case: ModelCase) -> None:
    if not case.is_repeatable:
        raise CouldNotRunError("its answers change, see predict-changes-nothing")
