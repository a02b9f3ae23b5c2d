"""What models survive: accuracy under corruptions of the test images, from stored predictions."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from bench.errors import BenchError
from bench.images.corruptions import CORRUPTIONS
from bench.store.index import Score, read_index
from bench.store.layout import Store

__all__ = ["Robustness", "robustness_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """One row: accuracies are shares, means over the seeds that have all of them.

    ``curves`` gives for each corruption the accuracy at strength 1, 2, …
    """

    test_dataset: str
    train_dataset: str
    model: str
    variant: str
    seeds: int
    clean_accuracy: float
    curves: dict[str, tuple[float, ...]]

    @property
    def mean_accuracy(self) -> float:
        """Mean over corruptions of the mean over their strengths."""
        return fmean(fmean(curve) for curve in self.curves.values())

    @property
    def relative_accuracy(self) -> float:
        """Mean corruption accuracy as a share of the clean accuracy."""
        return self.mean_accuracy / self.clean_accuracy if self.clean_accuracy else 0.0


def robustness_rows(store: Store, datasets: Iterable[str] = ()) -> list[Robustness]:
    """Return a row for each model with corrupted evaluations, the most robust first.

    Corruptions that not every strength of is stored are left out.

    Raises
    ------
    BenchError
        If the store holds none.
    """
    wanted = set(datasets)
    rows: dict[tuple[str, str, str, str], list[Score]] = defaultdict(list)
    for score in read_index(store).scores.values():
        if score.test_dataset != score.train_dataset or not score.labelled:
            continue
        if "quantize" not in score.transform and (not wanted or score.test_dataset in wanted):
            key = (score.test_dataset, score.train_dataset, score.model, score.variant)
            rows[key].append(score)
    found = [row for scores in rows.values() if (row := _row(scores)) is not None]
    if not found:
        raise BenchError(
            "no evaluation on corrupted images", fix="make some: bench run … --corruptions all"
        )
    return sorted(found, key=lambda row: (row.test_dataset, -row.mean_accuracy, row.model))


def _row(scores: list[Score]) -> Robustness | None:
    """Return the row of the configuration trained last, if it was tested under corruptions."""
    corrupted = [score for score in scores if score.transform]
    if not corrupted:
        return None
    last = max(corrupted, key=lambda score: score.started_at)
    same = [s for s in scores if s.config_id == last.config_id and s.test_hash == last.test_hash]
    by_trial: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for score in same:
        name = str(score.transform.get("corruption", ""))
        strength = int(score.transform.get("strength", 0))
        by_trial[score.trial_id][name, strength] = score.metrics["accuracy"] or 0.0
    tables = [table for table in by_trial.values() if ("", 0) in table and len(table) > 1]
    names = [name for name in CORRUPTIONS if tables and _has_all(name, tables)]
    if not names:
        return None
    return Robustness(
        test_dataset=last.test_dataset,
        train_dataset=last.train_dataset,
        model=last.model,
        variant=last.variant,
        seeds=len(tables),
        clean_accuracy=fmean(table["", 0] for table in tables),
        curves={
            name: tuple(
                fmean(table[name, strength] for table in tables)
                for strength in CORRUPTIONS[name].strengths
            )
            for name in names
        },
    )


def _has_all(name: str, tables: list[dict[tuple[str, int], float]]) -> bool:
    strengths = CORRUPTIONS[name].strengths
    return all((name, strength) in table for table in tables for strength in strengths)
