"""Labels in doubt of test splits that were evaluated before records said so themselves.

A record that says nothing of its split's doubtful labels is left as it is: what people found of a
public test split is known here by the content of all its images.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["KNOWN", "Doubts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Where in a test split a label is in doubt, and who says so."""

    places: tuple[int, ...]
    source: str


KNOWN: Final = {
    # MNIST's 10,000 test images
    "26db9607faf2c7efaf6c3eda480bd19ab717df0e": Doubts(
        places=(
            947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
        ),
        source="Northcutt, Athalye and Mueller 2021, cleanlab/label-errors, Apache-2.0",
    ),
}  # fmt: skip
"""Content hash of a test split -> its doubtful labels."""
