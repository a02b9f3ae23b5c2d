"""The contract of a model, as checks."""

import random
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

import numpy as np
import numpy.typing as npt

from bench.adapters import load_trained
from bench.execution.contract import ContractError, check_predicted, check_probabilities
from bench.spec import Classifier, Description
from bench.testing.cases import N_CLASSES, N_TRAIN, ModelCase, draw_images
from bench.testing.claims import require_cheap_import, require_sound_options

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
    built = case.build()
    missing = [name for name in ("fit", "predict_proba") if not callable(getattr(built, name, 0))]
    if missing:
        raise AssertionError(
            f"build returned {type(built).__name__}, which has no {' and no '.join(missing)}\n"
            "return sklearn_classifier(…), keras_classifier(…) or an object with both methods"
        )


def check_probabilities_are_shares(case: ModelCase) -> None:
    """Return probabilities (n, n_classes), finite, within 0 and 1, in rows that sum to 1."""
    _probabilities(case.fitted.predict_proba(case.images), len(case.images), N_CLASSES)


def check_predicted_are_classes(case: ModelCase) -> None:
    """Return n whole numbers below n_classes from predict, where there is one."""
    predicted = _own_predict(case.fitted)(case.images)
    try:
        check_predicted(predicted, len(case.images), N_CLASSES)
    except ContractError as error:
        raise AssertionError(f"{error.what}\n{error.why}") from error


def check_shape_and_classes_are_followed(case: ModelCase) -> None:
    """Build for the images and classes at hand: in colour, not square, three classes."""
    height, width, _ = case.shape
    shape = (height, width + 4, 3)
    told: dict[str, Any] = {"image_shape": shape, "classes": ("a", "b", "c")}
    classifier = case.fit(draw_images(60, shape, 3), **told)
    _probabilities(classifier.predict_proba(draw_images(9, shape, 3).images), 9, 3)


def check_same_seed_gives_the_same_model(case: ModelCase) -> None:
    """Predict the same after two fits with one seed, whatever else drew random numbers."""
    first = case.fitted.predict_proba(case.images)
    random.seed(2)
    np.random.seed(2)  # what a plugin may use by mistake
    second = case.fit().predict_proba(case.images)
    if not np.array_equal(first, second):
        raise AssertionError(
            f"two fits with seed 42 differ by up to {np.abs(first - second).max():.2g}\n"
            "take all randomness from context.seed: random_state=context.seed, "
            "np.random.default_rng(context.seed)"
        )


def check_fit_leaves_its_images_alone(case: ModelCase) -> None:
    """Leave the training images and their labels unchanged when fitting."""
    train = draw_images(N_TRAIN, case.shape, N_CLASSES)
    case.fit_once()
    if not np.array_equal(case.train.pixels, train.pixels):
        raise AssertionError(
            "fit changed the training images\nwork on a copy: images = train.images"
        )
    if not np.array_equal(np.asarray(case.train.labels), np.asarray(train.labels)):
        raise AssertionError("fit changed the labels\nwork on a copy: labels = train.labels.copy()")


def check_predict_changes_nothing(case: ModelCase) -> None:
    """Leave the images and the classifier unchanged when predicting."""
    images = case.images.copy()
    first = case.fitted.predict_proba(images)
    if not np.array_equal(images, case.images):
        raise AssertionError(
            "predict_proba changed the images it was given\nwork on a copy: images = images.copy()"
        )
    again = case.fitted.predict_proba(images)
    if not np.array_equal(first, again):
        raise AssertionError(
            "predicting the same images twice gives two answers\n"
            "switch off dropout and other randomness when predicting"
        )


def check_batches_do_not_matter(case: ModelCase) -> None:
    """Judge each image by itself, whatever else is in the batch."""
    together = np.asarray(case.fitted.predict_proba(case.images))
    backwards = np.asarray(case.fitted.predict_proba(case.images[::-1]))[::-1]
    alone = np.concatenate([case.fitted.predict_proba(case.images[i : i + 1]) for i in range(5)])
    for other, how in ((backwards, "in reverse order"), (alone, "one at a time")):
        off = np.abs(together[: len(other)] - other).max()
        if not off <= BATCH_TOLERANCE:
            raise AssertionError(
                f"images given {how} get probabilities that differ by up to {off:.2g}\n"
                "scale by constants or by the training images, never by the batch at hand"
            )


def check_a_class_may_have_no_image(case: ModelCase) -> None:
    """Keep the column of a class without a training image."""
    rest = np.flatnonzero(np.asarray(case.train.labels) != 1)
    classifier = case.fit(case.train.take(rest))
    _probabilities(classifier.predict_proba(case.images), len(case.images), N_CLASSES)


def check_saved_model_predicts_the_same(case: ModelCase) -> None:
    """Bring back with load what save wrote: the same probabilities and predictions."""
    save = getattr(case.fitted, "save", None)
    if not callable(save):
        raise SkipTest("its classifier has no save\nsuch a model is trained again for new data")
    with TemporaryDirectory() as folder:
        save(Path(folder))
        loaded = load_trained(case.spec, Path(folder), case.build_context())
        before, after = case.fitted.predict_proba(case.images), loaded.predict_proba(case.images)
    if not np.allclose(before, after, atol=1e-6):
        raise AssertionError(
            f"a loaded model's probabilities differ by up to {np.abs(before - after).max():.2g}\n"
            "save all that predict_proba reads"
        )
    if not np.array_equal(_predicted(case.fitted, case.images), _predicted(loaded, case.images)):
        raise AssertionError("a loaded model predicts other classes\nsave all that predict reads")


def check_every_option_is_read(case: ModelCase) -> None:
    """Read every declared option in build or fit."""
    case.options.read.clear()
    case.fit(draw_images(50, case.shape, N_CLASSES))
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
    case.fit_once()
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
        raise SkipTest("its classifier has no describe\nits size is shown as –")
    said = describe()
    if type(said) is not Description:
        raise AssertionError(f"describe returned {type(said).__name__}\nreturn a bench.Description")
    for name, value in ((each.name, getattr(said, each.name)) for each in fields(said)):
        if name in ("layers", "engine"):
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


MODEL_CHECKS: tuple[Callable[[ModelCase], str | None], ...] = (
    check_import_is_cheap,
    check_options_are_sound,
    check_build_returns_a_classifier,
    check_probabilities_are_shares,
    check_predicted_are_classes,
    check_shape_and_classes_are_followed,
    check_same_seed_gives_the_same_model,
    check_fit_leaves_its_images_alone,
    check_predict_changes_nothing,
    check_batches_do_not_matter,
    check_a_class_may_have_no_image,
    check_saved_model_predicts_the_same,
    check_every_option_is_read,
    check_epochs_are_reported,
    check_description_is_sound,
)


def _probabilities(returned: Any, n: int, n_classes: int) -> None:
    try:
        check_probabilities(returned, n, n_classes)
    except ContractError as error:
        raise AssertionError(f"{error.what}\n{error.why}") from error


def _own_predict(classifier: Classifier) -> Callable[[npt.NDArray[np.float32]], Any]:
    predict = getattr(classifier, "predict", None)
    if not callable(predict):
        raise SkipTest("its classifier has no predict\nthe class with the highest share is taken")
    own: Callable[[npt.NDArray[np.float32]], Any] = predict
    return own


def _predicted(classifier: Classifier, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    predict = getattr(classifier, "predict", None)
    if not callable(predict):
        predict = partial(_most_probable, classifier)
    return np.asarray(predict(images))


def _most_probable(classifier: Classifier, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    return np.asarray(np.argmax(classifier.predict_proba(images), axis=1))
