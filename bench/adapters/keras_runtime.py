"""Keras on TensorFlow, set up for one fit: threads, seeds, precision, and nothing left behind."""

import os
import platform
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.adapters.greetings import without_greeting
from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy.typing as npt

    from bench.spec import BuildContext, Precision

__all__ = [
    "device_name",
    "engine_name",
    "import_keras",
    "preload",
    "read_values",
    "repeat_exactly",
    "use_threads",
    "weights_scope",
    "without_copy_warning",
]

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def import_keras() -> Any:
    """Import Keras on its TensorFlow backend.

    Raises
    ------
    BenchError
        If this process has already imported Keras on another backend.
    """
    # TensorFlow logs as errors what is none: no CUDA on this machine, a graph rewrite given up
    # after LeakyReLU. What goes wrong for real is raised as an exception.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # By itself TensorFlow takes oneDNN's convolutions only on processors with AVX512_VNNI or later;
    # on one with AVX2 they take two thirds of the time of its own, or less.
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Its lines on oneDNN and CUDA come with the first import.
    with nullcontext() if "tensorflow" in sys.modules else without_greeting():
        import keras

    if keras.backend.backend() != "tensorflow":
        raise BenchError(
            f"Keras runs on {keras.backend.backend()} in this process",
            why="digitbench trains on its TensorFlow backend",
            fix="import bench before keras, or set KERAS_BACKEND=tensorflow",
        )
    _use_known_settings(keras)
    return keras


@cache
def _use_known_settings(keras: Any) -> None:
    """Set what a user's ``keras.json`` may say otherwise, and would change figures by."""
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def preload() -> None:
    """Import what a fit needs and start nothing, so that a process can fork afterwards."""
    import_keras()
    import tensorflow as tf

    # TensorFlow loads its parts at first use; naming them here saves each fork that time.
    _ = tf.data, tf.raw_ops, tf.config.threading


def use_threads(within: int, between: int | None = None) -> None:
    """Let TensorFlow use so many threads in an operation, and so many operations at once.

    `between` is the same number where it is not given. Nothing happens where it has started some.
    """
    between = within if between is None else between
    import tensorflow as tf

    _take_memory_as_needed()
    if (
        tf.config.threading.get_intra_op_parallelism_threads() == within
        and tf.config.threading.get_inter_op_parallelism_threads() == between
    ):
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(within)
        tf.config.threading.set_inter_op_parallelism_threads(between)
    except RuntimeError:
        return  # TensorFlow has run in this process: its threads are what they are


def _take_memory_as_needed() -> None:
    """Keep TensorFlow from taking all of a card's memory at once: others may use it too."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        # It has started in this process, with what was set then.
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)


def device_name() -> str:
    """Return what this process trains on: a GPU's name, or ``cpu``."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name))


def repeat_exactly() -> None:
    """Make an accelerator's operations repeatable; a processor's are, and would become slower."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


@contextmanager
def weights_scope(context: "BuildContext", precision: "Precision") -> Iterator[None]:
    """Build a network in here: its weights come from the seed, its layers compute in `precision`.

    The process-wide settings of Keras, Python and numpy are put back afterwards.
    """
    import numpy as np

    keras = import_keras()
    policy, layout = keras.config.dtype_policy(), keras.config.image_data_format()
    python_state, numpy_state = random.getstate(), np.random.get_state()  # Keras draws from it
    keras.utils.set_random_seed(context.seed)
    keras.config.set_dtype_policy(_POLICIES[precision])
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(layout)
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def read_values(variables: Sequence[Any]) -> "list[npt.NDArray[Any]]":
    """Return the values of Keras variables."""
    import numpy as np

    return [np.asarray(variable.value.numpy()) for variable in variables]


@contextmanager
def without_copy_warning() -> Iterator[None]:
    """Let Keras convert TensorFlow's variables, which do not know numpy 2's ``copy`` yet."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning
        )
        yield


def engine_name(precision: "Precision") -> str:
    """Return the engine with its version and the precision it trained in."""
    import tensorflow as tf

    return f"tensorflow {'.'.join(tf.__version__.split('.')[:2])} ({precision})"
