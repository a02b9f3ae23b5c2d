"""Threads and seeds of the libraries that compute, set before a model is built."""

import os
import random
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

import numpy as np

from bench.execution.machine import available_cores

__all__ = [
    "device_used",
    "forkable_variables",
    "limit_threads",
    "preload",
    "seed_everything",
    "thread_variables",
    "threads_of_trial",
]

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_ASKED = "BENCH_THREADS_ASKED"
"""Keeps what a person set through the processes that set these variables themselves."""
_PRELOADED = {
    "scikit-learn": ("sklearn.ensemble", "sklearn.svm", "sklearn.neural_network"),
    "scikit-learn-intelex": ("sklearnex",),
    "torch": ("torch",),
}
_THREADS_MAX = 4096
_limited: tuple[int, int, int] | None = None


def threads_of_trial(jobs: int) -> int:
    """Return the threads of each of so many trials: ``OMP_NUM_THREADS``, else a share of cores."""
    return _asked_threads().get("OMP_NUM_THREADS") or max(1, available_cores() // jobs)


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment that limits every library loaded from now on.

    What a person has set of it stays; a number that is none is as good as not set.
    """
    # Threads that wait busily take the cores that other trials compute with.
    waiting = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "GOMP_SPINCOUNT": "0"}
    said = {name: os.environ.get(name, value) for name, value in waiting.items()}
    asked = _asked_threads()
    counts = {name: str(asked.get(name, threads)) for name in _THREAD_VARIABLES}
    kept = " ".join(f"{name}={number}" for name, number in asked.items())
    return counts | said | {_ASKED: kept}


def forkable_variables() -> dict[str, str]:
    """Return the same for a process that forks: no library may start threads of its own there."""
    return thread_variables(1) | dict.fromkeys(_THREAD_VARIABLES, "1")


def _asked_threads() -> dict[str, int]:
    kept = os.environ.get(_ASKED)
    if kept is None:
        said = {name: os.environ.get(name, "") for name in _THREAD_VARIABLES}
    else:
        said = dict(each.split("=", 1) for each in kept.split() if "=" in each)
    # OpenMP takes a list, one number a level; the libraries here nest no levels.
    first = {name: value.partition(",")[0].strip() for name, value in said.items()}
    return {n: int(v) for n, v in first.items() if v.isdecimal() and 0 < int(v) <= _THREADS_MAX}


def preload(distributions: Iterable[str]) -> None:
    """Import the engines of forked workers, once; initialise nothing and start no thread."""
    import threadpoolctl  # noqa: F401

    wanted = set(distributions)
    for distribution, modules in _PRELOADED.items():
        for module in modules if distribution in wanted else ():
            # A library that is broken here fails the trials that need it, with its reason.
            with suppress(Exception):
                import_module(module)
    if "tensorflow" in wanted:
        from bench.adapters import keras_runtime

        with suppress(Exception):
            keras_runtime.preload()


def limit_threads(threads: int, *, heavy: bool) -> None:
    """Limit BLAS, OpenMP, oneDAL and TensorFlow, loaded already or not, to `threads`."""
    global _limited
    # Looking through the loaded libraries takes milliseconds: only where something has changed.
    now = (os.getpid(), threads, len(sys.modules))
    if _limited == now:
        return
    os.environ.update(thread_variables(threads))
    from threadpoolctl import ThreadpoolController

    asked = _asked_threads()
    openmp = asked.get("OMP_NUM_THREADS", threads)
    blas = asked.get("OPENBLAS_NUM_THREADS", asked.get("MKL_NUM_THREADS", openmp))
    # Without a `with`: the limit holds until the process ends or the next trial sets its own.
    ThreadpoolController().limit(limits={"openmp": openmp, "blas": blas})
    if "daal4py" in sys.modules:
        sys.modules["daal4py"].daalinit(threads)
    if heavy or "tensorflow" in sys.modules:
        from bench.adapters import keras_runtime

        within = asked.get("TF_NUM_INTRAOP_THREADS", threads)
        keras_runtime.use_threads(within, asked.get("TF_NUM_INTEROP_THREADS", threads))
    _limited = (os.getpid(), threads, len(sys.modules))


def device_used(*, heavy: bool) -> str:
    """Return what a trial trained on: ``cpu``, or the name of a GPU."""
    if not heavy:
        return "cpu"
    from bench.adapters import keras_runtime

    return keras_runtime.device_name()


def seed_everything(seed: int, *, heavy: bool) -> None:
    """Seed Python, numpy and, where it computes, TensorFlow."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # plugins and scikit-learn may use the global one
    if heavy or "tensorflow" in sys.modules:
        import tensorflow as tf

        tf.random.set_seed(seed)
