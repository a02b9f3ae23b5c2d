"""What a person types to name rows: a model, its row as shown, a glob, a trial's id, datasets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol, TypeVar

from bench.board.rows import Row
from bench.errors import BenchError, StoreError, did_you_mean
from bench.store.layout import Store
from bench.store.read import each_trial, find_trial
from bench.store.variant import label_of

__all__ = [
    "Named",
    "chosen",
    "find_row",
    "find_rows",
    "named",
    "names_a_model",
    "on_datasets",
    "trial_folder",
    "trials_of",
]

_NAMED: Final = 10  # candidates in a message


class Named(Protocol):
    """A row, or a score of one: what can be named."""

    @property
    def model(self) -> str:
        """The model's name."""

    @property
    def variant(self) -> str:
        """What differs from the defaults, in words."""

    @property
    def label(self) -> str:
        """The model's name, with its variant in brackets."""

    @property
    def train_dataset(self) -> str:
        """Where it was trained."""

    @property
    def test_dataset(self) -> str:
        """Where it was tested."""

    @property
    def trials(self) -> tuple[str, ...]:
        """Ids of its trials."""


_Row = TypeVar("_Row", bound=Named)


def chosen(
    rows: Iterable[_Row], *, models: Sequence[str] = (), datasets: Sequence[str] = ()
) -> list[_Row]:
    """Return the rows that any of the models and any of the datasets names; all without any.

    Raises
    ------
    BenchError
        If one of them names nothing; with the close names.
    """
    found = list(rows)
    for texts, find in ((datasets, on_datasets), (models, named)):
        if texts:
            kept = {id(row) for text in texts for row in find(found, text)}
            found = [row for row in found if id(row) in kept]
    return found


def named(rows: Sequence[_Row], text: str) -> list[_Row]:
    """Return the rows of a model, of a row's name as shown, of a glob, or of a trial.

    Raises
    ------
    BenchError
        If there are none, or the text begins the ids of several trials.
    """
    found = _of_model(rows, text)
    if found:
        return found
    ids = sorted({trial for row in rows for trial in row.trials if text and trial.startswith(text)})
    if len(ids) > 1:
        raise StoreError(f"'{text}' is ambiguous", why=f"it begins {_listed(ids)}")
    if not ids:
        known = sorted({name for row in rows for name in (row.model, row.label)})
        raise _nothing(f"of '{text}'", text, known)
    return [row for row in rows if ids[0] in row.trials]


def names_a_model(rows: Sequence[Named], text: str) -> bool:
    """Whether a text names rows by their model, not by a trial."""
    return bool(_of_model(rows, text))


def _of_model(rows: Sequence[_Row], text: str) -> list[_Row]:
    exact = [row for row in rows if text in (row.model, row.label)]
    return exact or [r for r in rows if any(fnmatchcase(n, text) for n in (r.model, r.label))]


def on_datasets(rows: Sequence[_Row], text: str) -> list[_Row]:
    """Return the rows on a test dataset, a glob of them, or ``TRAIN:TEST``, either side open.

    Raises
    ------
    BenchError
        If there are none.
    """
    exact = [row for row in rows if row.test_dataset == text]
    train, colon, test = text.partition(":")
    if not colon:
        train, test = "", text
    found = exact or [
        row
        for row in rows
        if _fits(row.train_dataset, train if colon else "") and _fits(row.test_dataset, test)
    ]
    if not found:
        raise _nothing(f"on '{text}'", test, sorted({row.test_dataset for row in rows}))
    return found


def _fits(name: str, pattern: str) -> bool:
    return not pattern or name == pattern or fnmatchcase(name, pattern)


def find_rows(
    rows: Sequence[_Row], text: str, *, pairing: str = "", variant: str = ""
) -> list[_Row]:
    """Return the rows of one model and variant: the default's, where nothing says which.

    Parameters
    ----------
    pairing : str
        As `on_datasets` takes it; one name alone is first a dataset's own test split.
    variant : str
        What the row's variant contains.

    Raises
    ------
    BenchError
        If none fits, or several variants do, with how to name each.
    """
    found = named(rows, text)
    if pairing:
        try:
            on = on_datasets(found, pairing)
        except StoreError as error:
            has = _listed(_pairing(row) for row in found)
            raise BenchError(f"no results of {text} on '{pairing}'", why=f"it has {has}") from error
        found = [row for row in on if row.train_dataset == pairing] or on
    fitting = [row for row in found if variant in row.variant]
    if not fitting:
        has = _listed(repr(row.variant) for row in found)
        raise BenchError(f"no results of {text} with '{variant}'", why=f"its variants are {has}")
    plain = [row for row in fitting if not row.variant and not variant]
    fitting = plain or fitting
    labels = sorted({row.label for row in fitting})
    if len(labels) > 1:
        kinds = "variants" if len({row.model for row in fitting}) == 1 else "models"
        which = _listed(f"'{label}'" for label in labels)
        raise BenchError(f"'{text}' has several {kinds}", why=f"name one of {which}")
    return fitting


def find_row(rows: Sequence[Row], text: str, pairing: str = "", variant: str = "") -> Row:
    """Return the one row that fits: as `find_rows`, on one test split.

    Raises
    ------
    BenchError
        If none fits, or several do, with how to name each.
    """
    fitting = find_rows(rows, text, pairing=pairing, variant=variant)
    if len(fitting) > 1:
        pairings = list(dict.fromkeys(map(_pairing, fitting)))
        raise BenchError(
            f"{text} has several rows",
            why=f"name one of {_listed(pairings)}",
            fix=f"for example: bench show report {text} {pairings[0]}",
        )
    return fitting[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A trial by itself, on whatever board, and on none where it failed."""

    model: str
    variant: str
    train_dataset: str
    trials: tuple[str, ...]
    test_dataset: str = ""

    @property
    def label(self) -> str:
        """The model's name, with its variant in brackets."""
        return label_of(self.model, self.variant)


def trials_of(store: Store, texts: Sequence[str]) -> frozenset[str]:
    """Return the ids of a store's trials, failed ones too, that any of the texts names.

    Raises
    ------
    BenchError
        If one of them names nothing; with the close names.
    """
    found = [
        _Trial(
            model=record.model,
            variant=record.variant,
            train_dataset=record.train_dataset,
            trials=(record.trial_id,),
        )
        for record in each_trial(store)
    ]
    return frozenset(trial for each in chosen(found, models=texts) for trial in each.trials)


def trial_folder(store: Store, text: str, rows: Callable[[], Sequence[Named]]) -> Path:
    """Return the folder of a trial: by how its id begins, or as a row's only one.

    Raises
    ------
    BenchError
        If there is none, or several; the message lists them.
    """
    try:
        return find_trial(store, text)
    except StoreError as error:
        known = rows()
        if not names_a_model(known, text):
            raise
        ids = sorted({trial for row in named(known, text) for trial in row.trials})
        if len(ids) > 1:
            raise BenchError(
                f"'{text}' has several trials", why=f"name one of {_listed(ids)}"
            ) from error
        return find_trial(store, ids[0])


def _nothing(what: str, name: str, known: Sequence[str]) -> StoreError:
    holds = f"the store holds {_listed(known)}" if known else "none are stored"
    return StoreError(f"no results {what}", why=did_you_mean(name, known) or holds)


def _pairing(row: Named) -> str:
    return f"{row.train_dataset}:{row.test_dataset}"


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _NAMED
    return ", ".join(unique[:_NAMED]) + (f" and {more} more" if more > 0 else "")
