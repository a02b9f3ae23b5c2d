"""How a model behaves as a guest: what it prints, where it goes, how long it takes."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from bench.testing.model_case import ModelCase

__all__ = ["check_fit_time_grows_slowly", "check_it_prints_nothing", "check_it_stays_in_its_folder"]

_N_REAL: Final = 60_000
_HOUR_SECONDS: Final = 3600.0
_SIZES: Final = (100, 200, 400, 800, 1600)
_LONG_ENOUGH_SECONDS: Final = 0.5
_EXPONENT_MAX: Final = 4.0


def check_it_prints_nothing(case: ModelCase) -> None:
    """Print nothing while it is built, fitted, asked or saved."""
    _do_all(case)
    if case.printed is not None:
        raise AssertionError(
            f"it printed '{case.printed}' on standard output\n"
            "use verbose=0 or logging; progress is told by context.report_epoch"
        )


def check_it_stays_in_its_folder(case: ModelCase) -> None:
    """Leave the working folder what it was."""
    _do_all(case)
    if case.moved_to is not None:
        raise AssertionError(
            f"it changed the working folder to {case.moved_to}\n"
            "name files by full paths, such as context.checkpoint_folder"
        )


def _do_all(case: ModelCase) -> None:
    """Make sure that every method was called."""
    _ = case.rows
    save = getattr(case.fitted, "save", None)
    if callable(save):
        with TemporaryDirectory() as folder:
            try:
                with case.step():
                    save(Path(folder))
            # Another check says it.
            except Exception:  # noqa: BLE001
                return


def check_fit_time_grows_slowly(case: ModelCase) -> None:
    """Fit 60,000 images within an hour, as far as three smaller sizes tell."""
    _ = case.rows
    sizes = _measured(case)
    seconds = _extrapolated(case, sizes)
    if seconds <= _HOUR_SECONDS:
        return
    # Something else on the machine may have taken the time.
    for n in sizes:
        case.fit(case.train(n))
    seconds = _extrapolated(case, sizes)
    if seconds > _HOUR_SECONDS:
        told = ", ".join(f"{case.fit_seconds[n]:.2g} s for {n}" for n in sizes)
        raise AssertionError(
            f"a fit takes {told}: for {_N_REAL:,} images about {_words(seconds)}\n"
            "work in batches, or fit on a part: no step may look at all pairs of images"
        )


def _measured(case: ModelCase) -> tuple[int, int, int]:
    """Fit more and more images until that takes long enough to be told from noise."""
    began = time.perf_counter()
    done: list[int] = []
    for n in _SIZES:
        if n not in case.fit_seconds:
            case.fit(case.train(n))
        done.append(n)
        is_long = case.fit_seconds[n] >= _LONG_ENOUGH_SECONDS
        if len(done) >= 3 and (is_long or time.perf_counter() - began > 10):
            break
    first, second, third = done[-3:]
    return first, second, third


def _extrapolated(case: ModelCase, sizes: tuple[int, int, int]) -> float:
    """Return the seconds of 60,000 images, by the power of the number that the sizes show."""
    seconds = [max(case.fit_seconds[n], 1e-4) for n in sizes]
    exponent = np.log(seconds[-1] / seconds[0]) / np.log(sizes[-1] / sizes[0])
    exponent = float(np.clip(exponent, 0.0, _EXPONENT_MAX))
    return float(seconds[-1] * (_N_REAL / sizes[-1]) ** exponent)


def _words(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f} hours" if hours < 48 else f"{hours / 24:,.0f} days"
