"""Whether images, 0 to 1 already, are divided by 255 once more."""

from typing import Any

import numpy as np

from bench.spec import Classifier
from bench.testing.model_case import ModelCase

__all__ = ["divides", "dividing_layer"]


def dividing_layer(classifier: Any) -> str:
    """Return the name of a Keras layer that divides by about 255; empty without one."""
    try:
        layers = classifier.network._flatten_layers()
    except Exception:  # noqa: BLE001  # any object may stand here
        return ""
    for layer in layers:
        scale: Any = getattr(layer, "scale", None)
        is_rescaling = type(layer).__name__ == "Rescaling" and np.ndim(scale) == 0
        if is_rescaling and 0 < abs(float(scale)) < 1 / 64:
            return str(layer.name)
    return ""


class _Watched(np.ndarray[Any, Any]):
    """Images that notice when they are divided by 255."""

    divided: list[bool] | None = None

    def __array_finalize__(self, origin: object) -> None:
        self.divided = getattr(origin, "divided", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **told: Any) -> Any:
        plain = [np.asarray(i) if isinstance(i, _Watched) else i for i in inputs]
        if told.get("out"):
            told["out"] = tuple(np.asarray(o) for o in told["out"])
        divided: Any = self.divided
        if method == "__call__" and divided is not None and _is_division(ufunc, plain):
            divided.append(True)
        result: Any = getattr(ufunc, method)(*plain, **told)
        if isinstance(result, np.ndarray) and result.dtype.kind == "f":
            result = result.view(_Watched)
            result.divided = divided
        return result


def _is_division(ufunc: Any, inputs: list[Any]) -> bool:
    by = {np.true_divide: 255.0, np.multiply: 1 / 255}.get(ufunc)
    others = inputs[1:] if ufunc is np.true_divide else inputs
    return by is not None and any(
        np.ndim(other) == 0 and np.isclose(float(other), by, rtol=0.005) for other in others
    )


def divides(case: ModelCase, classifier: Classifier) -> bool:
    """Whether predict_proba divides the images that it is given by 255, as far as numpy sees."""
    images = case.images[:3].copy().view(_Watched)
    divided: list[bool] = []
    images.divided = divided
    try:
        with case.step():
            classifier.predict_proba(images)
    # Not every library takes such an array.
    except Exception:  # noqa: BLE001
        return False
    return bool(divided)
