"""What a check of a model is given: the model with small data, fitted as seldom as can be."""

import inspect
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bench.execution.contract import ContractError, check_predicted, check_probabilities
from bench.options import Option, Options, OptionValue, as_options, resolve_options
from bench.spec import BuildContext, Classifier, Epoch, FitContext, ImageSet, ModelSpec, Shape
from bench.testing.cases import RecordingOptions, draw_images
from bench.testing.running import CouldNotRunError

__all__ = ["ModelCase"]

_T = TypeVar("_T")
N_TRAIN, N_TEST, SIDE_PX, N_CLASSES = 200, 40, 28, 10
_N_UNCLEAR = 10
# What a plugin may draw from by mistake starts alike where two fits are compared.
_GLOBAL_SEED = 1
_METHODS = MappingProxyType(
    {
        "batches-do-not-matter": "predict_proba",
        "build-returns-a-classifier": "__init__",
        "columns-follow-the-classes": "predict_proba",
        "description-is-sound": "describe",
        "predict-changes-nothing": "predict_proba",
        "predict-is-the-largest-share": "predict",
        "predicted-are-classes": "predict",
        "probabilities-are-shares": "predict_proba",
        "saved-model-predicts-the-same": "save",
    }
)
"""Check -> the method that breaks it; of the others it is fit."""


class ModelCase:
    """State: a model, its small data, and what was already tried.

    Parameters
    ----------
    spec : ModelSpec
    module, file : str
        Where the plugin is, for the checks of its imports and of what it keeps.
    settings : mapping
        Option values to check with; the others are the defaults, with one epoch.
    threads : int
        What the classifier may use.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        module: str = "",
        file: str = "",
        settings: Options | None = None,
        threads: int = 1,
    ) -> None:
        self.spec, self.module, self.file, self.threads = spec, module, file, threads
        self.settings = dict(settings or {})
        self.epochs: list[Epoch] = []
        self.on_step: Callable[[], object] = lambda: None
        self.printed: str | None = None
        """The first line that went to standard output, if any did."""
        self.moved_to: str | None = None
        """The folder that the plugin changed to."""
        self.n_fits = 0
        self.fit_seconds: dict[int, float] = {}
        """Of fits on the case's own kind of images: number of them -> the fastest."""
        self.memory: dict[str, Any] = {}

    @property
    def declared(self) -> dict[str, Option]:
        """Every option of the model."""
        return as_options(self.spec.options)

    @cached_property
    def options(self) -> RecordingOptions:
        """Return small options, as the harness gives them: with one of its own among them."""
        return self.small_options()

    def small_options(self, **more: OptionValue) -> RecordingOptions:
        """Return the options with one epoch, and with `more` where they are not set."""
        small: dict[str, OptionValue] = {}
        if "epochs" in self.declared:
            small["epochs"] = int(self.declared["epochs"].minimum or 1)
        asked = {**small, **more, **self.settings}
        resolved = resolve_options(self.spec.name, self.declared, asked)
        return RecordingOptions({**resolved, "train_images": 0})

    @property
    def shape(self) -> Shape:
        """The shape of the case's images: MNIST's, or what the model needs at least."""
        side_px = max(SIDE_PX, self.spec.min_side)
        return side_px, side_px, 1

    def train(self, n: int = N_TRAIN) -> ImageSet:
        """Return new training images that cannot be written to, as memory-mapped ones cannot."""
        drawn = draw_images(n, self.shape, N_CLASSES)
        drawn.pixels.flags.writeable = False
        return drawn

    @cached_property
    def fitted_on(self) -> ImageSet:
        """What `fitted` was given."""
        return self.train()

    @cached_property
    def images(self) -> npt.NDArray[np.float32]:
        """Forty test images, the last ten of them of no class."""
        images = draw_images(N_TEST, self.shape, N_CLASSES, seed=1).images
        noise = np.random.default_rng(5).random((_N_UNCLEAR, *self.shape), dtype=np.float32)
        return np.concatenate([images[:-_N_UNCLEAR], noise])

    def context(self, **changes: Any) -> FitContext:
        """Return what ``fit`` is told."""
        values: dict[str, Any] = {
            "image_shape": self.shape,
            "classes": tuple(map(str, range(N_CLASSES))),
            "options": self.options,
            "seed": 42,
            "threads": self.threads,
        }
        return FitContext(**{**values, **changes})

    def build(self, **changes: Any) -> Classifier:
        """Return an untrained classifier."""
        with self.step():
            return self.spec.build(self.build_context(**changes))

    def build_context(self, **changes: Any) -> BuildContext:
        """Return what ``build`` and ``load`` are told."""
        told = self.context(**changes)
        return BuildContext(
            image_shape=told.image_shape,
            classes=told.classes,
            options=told.options,
            seed=told.seed,
            threads=told.threads,
        )

    def fit(
        self, train: ImageSet | None = None, *, spec: ModelSpec | None = None, **changes: Any
    ) -> Classifier:
        """Return a new classifier, fitted."""
        train = self.train() if train is None else train
        building = {n: v for n, v in changes.items() if n not in ("report_epoch", "tracked")}
        context = self.build_context(**building)
        with self.step():
            classifier = (spec or self.spec).build(context)
        began = time.perf_counter()
        with self.step():
            classifier.fit(train, self.context(**changes))
        seconds, n = time.perf_counter() - began, len(train)
        self.n_fits += 1
        if self.n_fits > 1 and "options" not in changes and train.shape == self.shape:
            self.fit_seconds[n] = min(seconds, self.fit_seconds.get(n, seconds))
        return classifier

    def fit_as_first(self, **changes: Any) -> Classifier:
        """Return a new classifier, fitted with all as it was for `fitted`."""
        random.seed(_GLOBAL_SEED)
        np.random.seed(_GLOBAL_SEED)
        return self.fit(**changes)

    def where(self, check: str) -> str:
        """Say in which method of the plugin a check finds what it finds: "Mine.fit, mine.py:12"."""
        classifier = self.memory.get("fitted")
        method = getattr(type(classifier), _METHODS.get(check, "fit"), None)
        places = [self.spec.build, method]
        if getattr(method, "__module__", "").startswith("bench."):
            places.pop()
        while places:
            function: Any = places.pop()
            while isinstance(function, partial):
                function = next((a for a in function.args if callable(a)), function.func)
            function = inspect.unwrap(function) if callable(function) else None
            code = getattr(function, "__code__", None)
            if code is not None:
                file = code.co_filename.replace("\\", "/").rpartition("/")[2]
                return f"{function.__qualname__}, {file}:{code.co_firstlineno}"
        return ""

    def once(self, key: str, make: Callable[[], _T]) -> _T:
        """Return what `make` gives, made at the first call.

        Where it raises, that is the fault of the check that asked first: the later ones could not
        run.
        """
        if key not in self.memory:
            self.memory[key] = CouldNotRunError("what it needs is broken, see the first failure")
            self.memory[key] = make()
        found: _T | CouldNotRunError = self.memory[key]
        if isinstance(found, CouldNotRunError):
            raise found
        return found

    @property
    def untrained(self) -> Classifier:
        """A classifier, built once, that has the methods of one."""

        def make() -> Classifier:
            built = self.build()
            missing = [n for n in ("fit", "predict_proba") if not callable(getattr(built, n, 0))]
            if missing:
                raise AssertionError(
                    f"build returned {type(built).__name__}, which has no "
                    f"{' and no '.join(missing)}\nreturn sklearn_classifier(…), "
                    "keras_classifier(…) or an object with both methods"
                )
            return built

        return self.once("untrained", make)

    @property
    def fitted(self) -> Classifier:
        """A classifier fitted once on the training images, for all checks that only read it."""

        def make() -> Classifier:
            _ = self.untrained
            return self.fit_as_first(train=self.fitted_on, report_epoch=self.epochs.append)

        return self.once("fitted", make)

    @property
    def rows(self) -> npt.NDArray[np.float32]:
        """The probabilities that `fitted` gives for `images`."""
        return self.once("rows", lambda: self.rows_of(self.fitted))

    @property
    def is_repeatable(self) -> bool:
        """Whether `fitted` gives the same rows again."""
        rows = self.rows
        return self.once(
            "repeatable", lambda: bool(np.array_equal(rows, self.rows_of(self.fitted)))
        )

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The classes that `fitted` names for `images`."""
        return self.once("predicted", lambda: self.predicted_of(self.fitted, self.images))

    def rows_of(
        self,
        classifier: Classifier,
        images: npt.NDArray[np.float32] | None = None,
        n_classes: int = N_CLASSES,
    ) -> npt.NDArray[np.float32]:
        """Return probabilities, of `images` unless others are given.

        Raises
        ------
        AssertionError
            If they are none.
        """
        given = self.images if images is None else images
        returned = self.returned(classifier.predict_proba, given)
        try:
            return check_probabilities(returned, len(given), n_classes)
        except ContractError as error:
            raise AssertionError(f"{error.what}\n{error.why or 'return shares'}") from error

    def returned(self, predict: Callable[..., Any], images: npt.NDArray[np.float32]) -> Any:
        """Return what a method gives for a copy of some images, in the order of memory."""
        with self.step():
            return predict(np.array(images, order="C"))

    def predicted_of(
        self,
        classifier: Classifier,
        images: npt.NDArray[np.float32],
        n_classes: int = N_CLASSES,
    ) -> npt.NDArray[np.int64]:
        """Return the classes that ``predict`` gives, or the most probable ones without it.

        Raises
        ------
        AssertionError
            If they are none.
        """
        predict = getattr(classifier, "predict", None)
        if not callable(predict):
            return np.asarray(self.rows_of(classifier, images, n_classes).argmax(axis=1))
        returned = self.returned(predict, images)
        try:
            return check_predicted(returned, len(images), n_classes)
        except ContractError as error:
            raise AssertionError(f"{error.what}\n{error.why}") from error

    @contextmanager
    def step(self) -> Iterator[None]:
        """Let the plugin do a step: what it prints and where it goes is noted, and put back."""
        self.on_step()
        folder = os.getcwd()  # noqa: PTH109  # a plugin may have deleted it: Path would resolve
        sys.stdout.flush()
        with (
            tempfile.TemporaryFile("w+", errors="replace") as caught,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # small data makes libraries warn
            kept = os.dup(1)
            os.dup2(caught.fileno(), 1)
            try:
                with redirect_stdout(caught):
                    yield
            finally:
                with suppress(OSError, ValueError):  # the plugin may have closed it
                    sys.stdout.flush()
                os.dup2(kept, 1)
                os.close(kept)
                self._note(caught, folder)

    def _note(self, caught: Any, folder: str) -> None:
        with suppress(OSError, ValueError):
            caught.flush()
            caught.seek(0)
            text = caught.read(4096).strip()
            if text and self.printed is None:
                self.printed = text.splitlines()[0][:80]
        now = None
        with suppress(OSError):
            now = os.getcwd()  # noqa: PTH109  # as above
        if now != folder:
            self.moved_to = self.moved_to or now or "a folder that is gone"
            with suppress(OSError):
                os.chdir(folder)
