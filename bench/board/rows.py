"""What a leaderboard holds: rows over seeds, and boards of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.store.fields import LEADERBOARD_FIELDS
from bench.store.record import Key, KeyOrNone, State
from bench.store.variant import Variant, label_of

__all__ = ["COLUMNS", "Board", "PersonReading", "Row", "row_as_dict"]

_MANY_IMAGES: Final = 5_000  # from here on the fourth decimal means something
_CHANCE: Final = 1.3  # times 1 / classes


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReading:
    """One person's digits, or a photo's of a whole ID, as a model read them.

    ``truth`` and ``read`` are of equal length. Each holds the name of a class for each image. An
    unknown digit of the truth is ``?``; where no digit could be made of the photo, what was read is
    ``–``. ``writer`` is empty where not known. ``images`` are their places in the test split,
    ``names`` their names there, where they have any.
    """

    person: str
    writer: str = ""
    truth: Sequence[str]
    read: Sequence[str]
    whole_id: str = ""
    images: Sequence[int] = ()
    names: Sequence[str] = ()

    @property
    def right(self) -> int:
        """How many digits were read right."""
        return sum(a == b for a, b in zip(self.truth, self.read, strict=True))

    @property
    def has_id(self) -> bool:
        """Whether the digits are an ID: class folders of a person are not."""
        return bool(self.whole_id) and "?" not in self.truth

    @property
    def is_right(self) -> bool:
        """Whether the whole ID was read right."""
        return "".join(self.read) == (self.whole_id or "".join(self.truth))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The evaluations of one model, variant, training and test dataset, over its seeds.

    The first fields, to ``interval_note``, are the machine-readable leaderboard; shares are 0 to 1.
    """

    test_dataset: str
    train_dataset: str
    model: str
    variant: str = ""
    rank: str = ""
    rank_low: int | None = None
    rank_high: int | None = None
    first_in_halves: int | None = None  # of 50
    state: State = State.OK
    reason: str = ""
    seeds: int = 0
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    accuracy_sd_seeds: float | None = None
    balanced_accuracy: float | None = None
    macro_f1: float | None = None
    train_accuracy: float | None = None
    n_test: int | None = None
    parameters: int | None = None
    model_bytes: int | None = None
    fit_seconds: float | None = None
    predict_us_per_image: float | None = None
    precision: str = ""
    threads: int | None = None
    trials: tuple[Key, ...] = ()
    interval_method: str = ""
    interval_note: str = ""
    # Not part of the stable columns:
    differs: Variant = Variant()  # the variant as a value
    budget: str = "full"
    train_embedded: str = ""
    test_embedded: str = ""
    evaluation_only: bool = False
    labelled: bool = True
    leaked: int = 0
    near_duplicates: int = 0
    left_out: tuple[int, ...] = ()  # places of test images not scored: duplicates
    metrics: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float, str]] = {}  # of one seed's metrics: low, high, method
    not_scored: dict[str, str] = {}  # metric -> why it has no value
    file_bytes: int | None = None
    multiply_adds: int | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    best_batch: int | None = None
    latency_ms_best_batch: float | None = None
    predict_images_per_second: float | None = None
    fit_cpu_seconds: float | None = None
    fit_images_per_second: float | None = None
    peak_memory_bytes: int | None = None
    retries: int = 0
    evaluations: tuple[Key, ...] = ()
    split_hash: KeyOrNone = ""
    machines: tuple[str, ...] = ()  # those of its seeds, in words
    instruction_sets: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()  # "keras 3.15", of any seed
    summary: str = ""
    deterministic: bool = False
    spreads_far: bool = False  # its seeds differ far more than other rows'
    best_of: int = 0  # rows of its model, trained alike, of which it is the best; 0 for one alone
    n_classes: int = 0  # of its own dataset's board; 0 on another's

    @property
    def label(self) -> str:
        """The model's name, with its variant in brackets."""
        return label_of(self.model, self.variant)

    @property
    def is_partial(self) -> bool:
        """Whether it was trained on a part of the training images."""
        return self.differs.is_partial

    @property
    def is_at_chance(self) -> bool:
        """Whether it was trained and reads even its own training images no better than by chance.

        One that gives every image one class has a balanced accuracy of 1 / classes exactly,
        whatever the share of that class is.
        """
        balanced, trained, n_classes = self.balanced_accuracy, self.train_accuracy, self.n_classes
        if not self.parameters or balanced is None or trained is None or n_classes < 2:
            return False
        return self.is_floor(n_classes) and trained <= max(1.5 / n_classes, 0.25)

    def is_floor(self, n_classes: int) -> bool:
        """Whether it reads no better than by chance, as one does that knows one class alone."""
        return (self.balanced_accuracy or 0.0) <= _CHANCE / max(n_classes, 1)

    @property
    def gap(self) -> float | None:
        """Training accuracy less test accuracy: how far the model overfits."""
        if self.train_accuracy is None or self.accuracy is None:
            return None
        return self.train_accuracy - self.accuracy


COLUMNS = LEADERBOARD_FIELDS


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """One leaderboard: the rows of one test split, best first, then unranked ones."""

    test_dataset: str
    test_embedded: str = ""
    n_test: int = 0
    evaluation_only: bool = False
    classes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    more_images: int | None = None  # test images that would tell the first two apart
    more_seeds: int | None = None  # seeds of each that would
    more_seconds: float | None = None  # of training, for those seeds
    inseparable: str = ""  # why neither would
    is_of_recipes: bool = True  # the ranks speak of training again, not of these models only
    borrowed: tuple[str, ...] = ()  # rows of one seed, their spread taken from the others
    method: str = ""  # how ranks were decided
    doubtful: tuple[int, ...] = ()  # places of test images whose label people doubt
    ranked: tuple[str, ...] = ()  # first evaluation of each ranked row, best first
    p_values: tuple[float, ...] = ()  # of their pairs, over all: (0, 1), (0, 2), …, (1, 2), …
    excludes_duplicates: bool = False  # rows are scored without training images among the test's
    # Of own folders: for the first evaluation of each row, how it read each person.
    people: dict[str, tuple[PersonReading, ...]] = {}

    @property
    def digits(self) -> int:
        """How many decimals of a share mean something on so many images."""
        return 4 if self.n_test >= _MANY_IMAGES else 3

    @property
    def is_mixed(self) -> bool:
        """Whether its rows were trained on several datasets."""
        return len({row.train_dataset for row in self.rows}) > 1

    @property
    def best_of_each(self) -> tuple[Row, ...]:
        """The rows; of evaluation-only data each model's best, whatever it was trained on."""
        if not self.evaluation_only:
            return self.rows
        best: dict[str, Row] = {}
        for row in self.rows:
            best.setdefault(row.model, row)
        return tuple(best.values())

    def p_value(self, a: Row, b: Row) -> float | None:
        """Return the p-value of two rows over all pairs of the board; None unless both rank."""
        places = {key: place for place, key in enumerate(self.ranked)}
        found = [places.get(key) for row in (a, b) for key in row.evaluations[:1]]
        if len(found) < 2 or found[0] is None or found[1] is None or found[0] == found[1]:
            return None
        low, high = sorted((found[0], found[1]))
        return self.p_values[low * (2 * len(places) - low - 1) // 2 + high - low - 1]


def row_as_dict(row: Row) -> dict[str, Any]:
    """Return the stable columns of a row; trial ids as a list."""
    values = {name: getattr(row, name) for name in COLUMNS}
    return values | {"trials": list(row.trials), "state": str(row.state)}
