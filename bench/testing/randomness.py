"""Where a model's randomness comes from, told by trying: seeds, and what earlier fits left."""

import functools
import inspect
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from unittest import SkipTest
from unittest.mock import patch

import numpy as np

from bench.spec import ModelSpec
from bench.testing.cases import draw_images
from bench.testing.model_case import N_CLASSES, ModelCase
from bench.testing.running import CouldNotRunError

__all__ = [
    "check_nothing_is_left_between_fits",
    "check_same_seed_gives_the_same_model",
    "check_test_labels_are_not_used",
    "check_the_seed_is_used",
]

# State may show only after a few fits; each takes a moment.
_FITS_BEFORE = 8
_N_OTHER = 100


def check_same_seed_gives_the_same_model(case: ModelCase) -> None:
    """Predict the same after two fits with one seed, whatever else drew random numbers."""
    first = case.rows
    random.seed(2)
    np.random.seed(2)  # what a plugin may use by mistake
    second = case.rows_of(case.fit())
    if np.array_equal(first, second):
        return
    if not _is_repeatable_when_frozen(case):
        raise CouldNotRunError("fits leave something behind, see nothing-is-left-between-fits")
    raise AssertionError(
        f"two fits with seed 42 differ by up to {np.abs(first - second).max():.2g}\n"
        "take all randomness from context.seed: random_state=context.seed, "
        "np.random.default_rng(context.seed)"
    )


def check_the_seed_is_used(case: ModelCase) -> None:
    """Take randomness from context.seed, never from a seed of its own."""
    if case.spec.deterministic:
        raise SkipTest("it says that it is deterministic")
    if not np.array_equal(case.rows, case.rows_of(case.fit(seed=43))):
        return
    # No difference: either nothing is random, or a fixed seed is behind it. Others tell.
    frozen = [_rows_when_frozen(case, seed) for seed in (1, 2)]
    if not np.array_equal(*frozen):
        raise AssertionError(
            "fits with the seeds 42 and 43 are the same, for its random numbers have a fixed seed\n"
            "take them from context.seed: random_state=context.seed"
        )


def check_nothing_is_left_between_fits(case: ModelCase) -> None:
    """Fit the same whatever was fitted before: no module or class keeps what it saw."""
    first = case.rows
    while case.n_fits < _FITS_BEFORE:
        case.fit(_other_images(case, seed=case.n_fits))
    other = case.rows_of(case.fit_as_first(train=_other_images(case)))
    if not np.array_equal(first, case.rows_of(case.fit_as_first())):
        if _is_repeatable_when_frozen(case):
            raise CouldNotRunError("two fits differ anyway, see same-seed-gives-the-same-model")
        _blame("a fit after others is not what it was at first")
    fresh = _imported_again(case)
    if fresh is not None:
        with suppress(Exception):  # a second copy of a module may fail where the first does not
            again = case.fit_as_first(train=_other_images(case), spec=fresh)
            anew = case.rows_of(again)
            if not np.array_equal(other, anew):
                _blame("a fit on other images is not what it is in a module imported anew")


def _blame(what: str) -> None:
    error = AssertionError(
        f"{what}: state is left between fits\n"
        "keep nothing in modules, classes or caches: build returns a new object each time"
    )
    raise error


def check_test_labels_are_not_used(case: ModelCase) -> None:
    """Fit the same with and without context.tracked: test images are measured, never learned."""
    first = case.rows
    tracked = draw_images(60, case.shape, N_CLASSES, seed=7)
    labels = (np.asarray(tracked.labels) + 3) % N_CLASSES
    with_test = case.rows_of(case.fit_as_first(tracked=replace(tracked, labels=labels)))
    if np.array_equal(first, with_test):
        return
    if not np.array_equal(first, case.rows_of(case.fit_as_first())):
        raise CouldNotRunError("two fits differ anyway, see same-seed-gives-the-same-model")
    off = np.abs(first - with_test).max()
    raise AssertionError(
        f"with test images in context.tracked the model differs by up to {off:.2g}\n"
        "learn from train alone; measure context.tracked, and draw no random numbers for it"
    )


def _other_images(case: ModelCase, seed: int = 11) -> Any:
    drawn = draw_images(_N_OTHER, case.shape, N_CLASSES, seed=seed)
    return replace(drawn, labels=(np.asarray(drawn.labels) + 1) % N_CLASSES)


def _is_repeatable_when_frozen(case: ModelCase) -> bool:
    """Whether two fits are the same, others between them, where every random number is given."""
    rows = []
    for _ in range(2):
        rows.append(_rows_when_frozen(case, 1))
        with suppress(Exception):  # only what it leaves behind is of interest
            case.fit(_other_images(case))
    return np.array_equal(*rows)


def _rows_when_frozen(case: ModelCase, seed: int) -> Any:
    train, _ = case.train(), case.images  # drawn before, for they are drawn as well
    with _frozen(case, seed):
        return case.rows_of(case.fit(train))


@contextmanager
def _frozen(case: ModelCase, seed: int) -> Iterator[None]:
    """Give every generator that is made or seeded here this seed, whatever it is asked for."""

    def given(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*_: Any, **__: Any) -> Any:
            return function(seed)

        return call

    real = {"default_rng": np.random.default_rng, "RandomState": np.random.RandomState}
    frozen = {"default_rng": given(np.random.default_rng), "RandomState": _frozen_state(seed)}
    with ExitStack() as stack:
        for name, value in frozen.items():
            stack.enter_context(patch.object(np.random, name, value))
            for module in _own_modules(case):
                for known, held in list(vars(module).items()):
                    if held is real[name]:
                        stack.enter_context(patch.object(module, known, value))
        random.seed(seed)
        np.random.seed(seed)
        stack.enter_context(patch.object(random, "Random", given(random.Random)))
        for home, name in _seeders():
            function = getattr(home, name)
            function(seed)
            stack.enter_context(patch.object(home, name, given(function)))
        yield


def _frozen_state(seed: int) -> type:
    real: Any = np.random.RandomState

    class Kind(type):
        def __instancecheck__(cls, other: object) -> bool:
            return isinstance(other, real)

    def begin(self: Any, _: Any = None) -> None:
        real.__init__(self, seed)

    return Kind("RandomState", (real,), {"__init__": begin})


def _seeders() -> Iterator[tuple[Any, str]]:
    """Yield the functions that seed a whole library, of those that are imported."""
    yield random, "seed"
    yield np.random, "seed"
    for library, name in (("torch", "manual_seed"), ("tensorflow", "random.set_seed")):
        home: Any = sys.modules.get(library)
        *parts, last = name.split(".")
        for part in parts:
            home = getattr(home, part, None)
        if hasattr(home, last):
            yield home, last


def _own_modules(case: ModelCase) -> list[Any]:
    """Return the module of the model's functions."""
    build = case.spec.build
    while isinstance(build, functools.partial):
        build = build.args[0] if build.args and callable(build.args[0]) else build.func
    found = sys.modules.get(getattr(inspect.unwrap(build), "__module__", ""))
    return [] if found is None else [found]


def _imported_again(case: ModelCase) -> ModelSpec | None:
    """Return the model of a second copy of its module; None where there is no such thing."""
    origin = case.file
    if not origin and case.module:
        found = find_spec(case.module)
        origin = (found.origin or "") if found else ""
    if not origin.endswith(".py") or not Path(origin).is_file():
        return None
    spec = spec_from_file_location("bench_plugin_again", origin)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    models: list[ModelSpec] = []
    with suppress(Exception), patch.dict(sys.modules, {"bench_plugin_again": module}), case.step():
        spec.loader.exec_module(module)
        module.bench_register_models(models.append)
    return next((each for each in models if each.name == case.spec.name), None)
