"""The 15 test images of MNIST whose label at most 2 of 5 people confirmed."""

from typing import Final

from bench.spec import LabelError

__all__ = ["MNIST_LABEL_ERRORS"]

_SOURCE: Final = "Northcutt, Athalye and Mueller 2021, cleanlab/label-errors, Apache-2.0"
# The hash of the image, as `bench.spec.LabelError` says, and the label it has.
_DOUBTED: Final = (
    ("e338d5555499f419", "8"),
    ("9070ce92c6500442", "0"),
    ("64d3fd7775b49f87", "9"),
    ("59669e3891261e44", "4"),
    ("5f538e3d9c3e7160", "2"),
    ("8916734698b0b7f1", "5"),
    ("e93e243f13a307c1", "6"),
    ("7884c5daba39bc93", "6"),
    ("aa27b98a9e6e015f", "5"),
    ("a3e3d09bb6aed0fd", "5"),
    ("8c3f0b533e4a6798", "0"),
    ("26288ef947999e05", "1"),
    ("ad15be8e55cfaea1", "4"),
    ("88fe2125a40c6e4b", "6"),
    ("e6ee840f68f07153", "5"),
)

MNIST_LABEL_ERRORS: Final = tuple(
    LabelError(image=image, label=label, source=_SOURCE) for image, label in _DOUBTED
)
