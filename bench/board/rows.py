"""What a leaderboard holds: rows over seeds, and boards of them."""

from typing import Any

import msgspec

from bench.store.fields import LEADERBOARD_FIELDS
from bench.store.record import Key, KeyOrNone, State

__all__ = ["COLUMNS", "Board", "Row", "row_as_dict"]


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
    machine: str = ""
    instruction_sets: tuple[str, ...] = ()
    summary: str = ""
    deterministic: bool = False
    spreads_far: bool = False  # its seeds differ far more than other rows'
    best_of: int = 0  # rows of its model, trained alike, of which it is the best; 0 for one alone
    n_classes: int = 0  # of its own dataset's board; 0 on another's

    @property
    def label(self) -> str:
        """The model's name, with its variant in brackets."""
        return f"{self.model} ({self.variant})" if self.variant else self.model

    @property
    def is_partial(self) -> bool:
        """Whether its variant says that it was trained on a part of the training images."""
        return "train_images=" in self.variant

    @property
    def is_at_chance(self) -> bool:
        """Whether it was trained and reads even its own training images no better than by chance.

        One that gives every image one class has a balanced accuracy of 1 / classes exactly,
        whatever the share of that class is.
        """
        balanced, trained, n_classes = self.balanced_accuracy, self.train_accuracy, self.n_classes
        if not self.parameters or balanced is None or trained is None or n_classes < 2:
            return False
        return balanced <= 1.3 / n_classes and trained <= max(1.5 / n_classes, 0.25)

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
