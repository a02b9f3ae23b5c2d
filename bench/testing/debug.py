"""A plugin whose models fail in every way, for tests and doctors: ``--plugin bench.testing.debug``.

`debug-good` and `debug-sleep` are the healthy ones among them: nearest class mean, no engine.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import hookimpl
from bench.options import Option, OptionValue
from bench.spec import (
    BuildContext,
    Classifier,
    Description,
    Epoch,
    FitContext,
    Images,
    ImageSet,
    ModelSpec,
    Probabilities,
)

__all__ = ["bench_register_models"]

_FOREVER_SECONDS = 3600.0
_MEAN_FILE = "means.npy"


@dataclass(slots=True)
class _NearestMean:
    """State: the mean image of each class; `before` is what makes a model ill."""

    before: Callable[[FitContext], None]
    means: npt.NDArray[np.float32] | None = None
    is_nan: bool = False

    def fit(self, train: ImageSet, context: FitContext) -> None:
        """Take the mean image of each class; a class without one keeps zeros."""
        self.before(context)
        assert train.labels is not None
        images = train.images.reshape(len(train), -1)
        self.means = np.zeros((context.n_classes, images.shape[1]), dtype=np.float32)
        for label in np.unique(train.labels):
            self.means[label] = images[train.labels == label].mean(axis=0)

    def predict_proba(self, images: Images) -> Probabilities:
        """Return softmax of the negative distances, (n, n_classes) float32."""
        assert self.means is not None
        flat = images.reshape(len(images), -1)
        distances = np.stack([((flat - mean) ** 2).mean(axis=1) for mean in self.means], axis=1)
        weights = np.exp(-10.0 * (distances - distances.min(axis=1, keepdims=True)))
        probabilities = weights / weights.sum(axis=1, keepdims=True)
        if self.is_nan:
            probabilities[::2] = np.nan
        return np.asarray(probabilities, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the means."""
        assert self.means is not None
        np.save(folder / _MEAN_FILE, self.means, allow_pickle=False)

    def describe(self) -> Description:
        """Return how many numbers it keeps."""
        assert self.means is not None
        return Description(
            parameters=self.means.size,
            trainable_parameters=self.means.size,
            model_bytes=self.means.nbytes,
            engine="numpy",
        )


def _load(folder: Path, context: BuildContext) -> Classifier:
    return _NearestMean(_healthy, np.load(folder / _MEAN_FILE, allow_pickle=False))


def _healthy(context: FitContext) -> None:
    return


def _sleep(context: FitContext) -> None:
    """Sleep in as many epochs as asked for, going on from a checkpoint."""
    epochs, seconds = int(context.options["epochs"]), float(context.options["seconds"])
    folder = context.checkpoint_folder
    done = folder / "epochs" if folder is not None else None
    first = int(done.read_text()) if done is not None and done.exists() else 0
    for epoch in range(first + 1, epochs + 1):
        time.sleep(seconds / epochs)
        if done is not None:
            done.with_name("new").write_text(str(epoch))
            done.with_name("new").replace(done)
        context.report_epoch(
            Epoch(epoch=epoch, epochs=epochs, loss=1 / epoch, seconds=seconds / epochs)
        )


def _raise(context: FitContext) -> None:
    raise ValueError("this model always raises\nand says so on two lines")


def _hang(context: FitContext) -> None:
    time.sleep(_FOREVER_SECONDS)


def _segfault(context: FitContext) -> None:
    # A native crash that no exception handler sees; the real signal, without a core file's delay.
    import ctypes

    ctypes.string_at(0)


def _eat_memory(context: FitContext) -> None:
    """Take memory for good, a piece at a time, up to the amount asked for."""
    pieces = []
    for _ in range(int(context.options["megabytes"]) // 16):
        pieces.append(np.ones(16 << 17))  # written to, hence resident
        time.sleep(0.005)
    time.sleep(_FOREVER_SECONDS)


def _fork(context: FitContext) -> None:
    """Start children that hang: one plain, one in a session of its own, one orphaned."""
    for kind in ("plain", "own session", "orphan"):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if kind != "plain":
                os.setsid()
            if kind == "orphan" and os.fork():
                os._exit(0)
            time.sleep(_FOREVER_SECONDS)
    if context.options["hang"]:
        time.sleep(_FOREVER_SECONDS)


def _print(context: FitContext) -> None:
    line = "x" * 1023 + "\n"
    for _ in range(int(context.options["megabytes"])):
        sys.stdout.write(line * 1024)
    sys.stdout.flush()


def _exit(context: FitContext) -> None:
    os._exit(int(context.options["code"]))


def _leave_python(context: FitContext) -> None:
    sys.exit(0)


def _ignore_sigterm(context: FitContext) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(_FOREVER_SECONDS)


_MEGABYTES = Option(default=20_000, minimum=0, help="how many")
_MODELS: dict[str, tuple[str, Callable[[FitContext], None], dict[str, Option | OptionValue]]] = {
    "debug-good": ("nothing is wrong with it", _healthy, {}),
    "debug-sleep": (
        "sleeps while it fits, an epoch at a time, and resumes",
        _sleep,
        {"seconds": 0.01, "epochs": Option(default=1, minimum=1)},
    ),
    "debug-raise": ("raises", _raise, {}),
    "debug-hang": ("never ends", _hang, {}),
    "debug-segfault": ("reads where nothing may be read", _segfault, {}),
    "debug-memory": ("takes more and more memory", _eat_memory, {"megabytes": _MEGABYTES}),
    "debug-fork": ("leaves children that hang", _fork, {"hang": True}),
    "debug-print": ("prints megabytes", _print, {"megabytes": Option(default=8, minimum=0)}),
    "debug-nan": ("returns NaN", _healthy, {}),
    "debug-exit": ("ends its process without a result", _exit, {"code": 0}),
    "debug-sys-exit": ("calls sys.exit(0)", _leave_python, {}),
    "debug-ignore-sigterm": ("never ends and ignores SIGTERM", _ignore_sigterm, {}),
}


@hookimpl
def bench_register_models(register: Callable[[ModelSpec], None]) -> None:
    """Register every model of this file."""
    for name, (summary, before, options) in _MODELS.items():
        register(
            ModelSpec(
                name=name,
                summary=summary,
                build=_builder(before, is_nan=name == "debug-nan"),
                load=_load,
                options=options,
                requires=(),
                resumes=name == "debug-sleep",
            )
        )


def _builder(
    before: Callable[[FitContext], None], *, is_nan: bool
) -> Callable[[BuildContext], Classifier]:
    def build(context: BuildContext) -> Any:
        return _NearestMean(before, is_nan=is_nan)

    return build
