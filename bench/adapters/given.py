"""Objects of an engine that a spec handed over in Python names: kept as files without pickle."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.errors import BenchError

__all__ = ["Given", "given_object", "read_given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An object as a file: what its bytes are named after, and how to write and to read it."""

    digest: str
    """Of what the object says, not of the file: that holds times and addresses."""
    suffix: str
    write: Callable[[Path], None]


def given_object(value: object) -> Given | None:
    """Return how an estimator or a Keras network is kept; None for anything else.

    Raises
    ------
    BenchError
        If it holds what no file can.
    """
    base = sys.modules.get("sklearn.base")
    if base is not None and isinstance(value, base.BaseEstimator):
        return Given(
            digest=_digest(value), suffix=".skops", write=lambda path: _write_skops(value, path)
        )
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(value, keras.Model):
        found = sha256(value.to_json().encode())
        for weights in value.get_weights():
            found.update(weights.tobytes())
        return Given(digest=found.hexdigest(), suffix=".keras", write=value.save)
    return None


def _digest(estimator: object) -> str:
    from joblib import hash as content_hash

    try:
        return sha256(content_hash(estimator).encode()).hexdigest()
    # Whatever foreign objects raise when they are taken apart.
    except Exception as error:
        name = type(estimator).__name__
        raise BenchError(
            f"{name} cannot be written down", why="it holds objects of its own"
        ) from error


def read_given(plugin: str, name: str) -> Any:
    """Return what was kept beside a plugin file.

    Raises
    ------
    BenchError
        If it is damaged, or holds a type that is not trusted. Nothing in it runs.
    """
    path = Path(plugin).with_name(name)
    if path.suffix == ".skops":
        return _read_skops(path)
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    # A damaged file may raise anything at all inside zipfile, json, h5py or keras.
    except Exception as error:
        raise BenchError(name, why=f"is no readable network ({type(error).__name__})") from error


def _write_skops(estimator: object, path: Path) -> None:
    import skops.io

    skops.io.dump(estimator, path)
    if unknown := _untrusted(path):
        raise BenchError(
            f"{type(estimator).__name__} cannot be written down",
            why=f"{unknown} is not on the list of types that are safe to load",
        )


def _untrusted(path: Path) -> str:
    import skops.io

    from bench.adapters.sklearn_classifier import TRUSTED_TYPES

    return min(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES), default="")


def _read_skops(path: Path) -> Any:
    import skops.io

    from bench.adapters.sklearn_classifier import TRUSTED_TYPES
    from bench.adapters.sklearn_model import check_loaded

    try:
        unknown = _untrusted(path)
        content = None if unknown else skops.io.load(path, trusted=list(TRUSTED_TYPES))
    # As above, inside zipfile, json, numpy or skops.
    except Exception as error:
        raise BenchError(
            path.name, why=f"is no readable estimator ({type(error).__name__})"
        ) from error
    if unknown:
        raise BenchError(path.name, why=f"holds the untrusted type {unknown}")
    check_loaded(content)
    return content
