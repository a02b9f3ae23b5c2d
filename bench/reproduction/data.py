"""The published figures and claims, read from the data file beside this module."""

from importlib.resources import files
from typing import Any, Final

import msgspec

__all__ = ["Claim", "Experiment", "Figure", "Ids", "Log", "Published", "Table", "read_published"]

_FILE: Final = "published.toml"
_NOT_QUANTITIES: Final = {"experiment", "where", "n", "digits"}


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Immutable, by keyword; a misspelt key is an error."""


class Source(_Struct, frozen=True, kw_only=True):
    """A document."""

    title: str


class Experiment(_Struct, frozen=True, kw_only=True):
    """The trial that figures belong to, with the published settings and the data's fingerprint."""

    source: str
    model: str
    dataset: str
    n_train: int
    n_test: int
    image_shape: tuple[int, int, int] | None = None  # of a network whose parameters are counted
    settings: tuple[str, ...] = ()
    first_labels: tuple[int, ...] = ()  # of the training images, where they are published
    track_test: bool = False  # the source watched its test images during training
    swapped: bool = False  # its report has truth and prediction swapped
    raw_pixels: bool = False  # it predicted pixels of 0 to 255 with a network trained on 0 to 1
    corruptions: str = ""
    other_split: bool = False  # another split than the dataset's default: kept off the boards
    note: str = ""


class Figure(_Struct, frozen=True, kw_only=True):
    """One published number; ``n`` images are behind a share, 0 where it is none."""

    experiment: str
    where: str
    quantity: str
    published: float
    n: int = 0
    digits: int = 4  # decimals that are printed


class Table(_Struct, frozen=True, kw_only=True):
    """A classification report as printed: class, precision, recall, F1, support."""

    experiment: str
    where: str
    rows: tuple[tuple[int, float, float, float, int], ...]


class Ids(_Struct, frozen=True, kw_only=True):
    """The digits of own IDs, truth and prediction, and the report printed of them."""

    source: str
    where: str
    truth: str
    predicted: str
    digits_per_id: int
    rows: tuple[tuple[int, float, float, float, int], ...]
    accuracy: float
    macro: tuple[float, float, float]
    weighted: tuple[float, float, float]


class Log(_Struct, frozen=True, kw_only=True):
    """A published course of training, a value an epoch."""

    loss: tuple[float, ...]
    accuracy: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()


class Claim(_Struct, frozen=True, kw_only=True):
    """A published sentence; ``check`` names the rule that judges it."""

    name: str
    source: str
    text: str
    where: str
    check: str
    experiments: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    published: float | None = None


class Published(_Struct, frozen=True, kw_only=True):
    """Everything that the sources say."""

    sources: dict[str, Source]
    experiments: dict[str, Experiment]
    figures: tuple[Figure, ...]
    tables: dict[str, Table]
    ids: Ids
    logs: dict[str, Log]
    claims: tuple[Claim, ...]

    def figure(self, experiment: str, quantity: str) -> float | None:
        """Return a published number, None where there is none."""
        for each in self.figures:
            if (each.experiment, each.quantity) == (experiment, quantity):
                return each.published
        return None


def read_published() -> Published:
    """Return the published figures and claims."""
    text = files("bench.reproduction").joinpath(_FILE).read_text(encoding="utf-8")
    raw: dict[str, Any] = msgspec.toml.decode(text)
    raw["figures"] = [figure for block in raw["figures"] for figure in _figures(block)]
    return msgspec.convert(raw, Published)


def _figures(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one record for each number of a block of the file."""
    shared = {name: block[name] for name in _NOT_QUANTITIES & block.keys()}
    return [
        shared | {"quantity": name, "published": value}
        for name, value in block.items()
        if name not in _NOT_QUANTITIES
    ]
