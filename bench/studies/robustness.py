"""What models survive: accuracy under corruptions of the test images, from stored predictions."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean

from bench.board.index import Score, read_index
from bench.errors import BenchError
from bench.images.corruptions import CORRUPTIONS
from bench.loading.mnist_c import is_of_mnist_c
from bench.store.layout import Store

__all__ = ["Robustness", "robustness_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """One row: accuracies are shares, means over the seeds that have all of them.

    ``curves`` gives for each corruption the accuracy at strength 1, 2, …; ``mnist_c`` the accuracy
    on each of MNIST-C's own files, where they were read.
    """

    test_dataset: str
    train_dataset: str
    model: str
    variant: str
    seeds: int
    clean_accuracy: float
    curves: dict[str, tuple[float, ...]]
    mnist_c: dict[str, float] = field(default_factory=dict)

    @property
    def mean_accuracy(self) -> float | None:
        """Mean over corruptions of the mean over their strengths; None without a curve."""
        return fmean(fmean(curve) for curve in self.curves.values()) if self.curves else None

    @property
    def mnist_c_accuracy(self) -> float | None:
        """Mean over MNIST-C's corruptions; None where its files were not read."""
        return fmean(self.mnist_c.values()) if self.mnist_c else None

    def of_clean(self, accuracy: float | None) -> float | None:
        """Return an accuracy as a share of the clean one."""
        if accuracy is None:
            return None
        return accuracy / self.clean_accuracy if self.clean_accuracy else 0.0


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
        is_of_images = not score.transform or "corruption" in score.transform
        if is_of_images and (not wanted or score.test_dataset in wanted):
            key = (score.test_dataset, score.train_dataset, score.model, score.variant)
            rows[key].append(score)
    found = [row for scores in rows.values() if (row := _row(scores)) is not None]
    if not found:
        raise BenchError(
            "no evaluation on corrupted images", fix="make some: bench run … --corruptions all"
        )
    return sorted(found, key=_place)


def _place(row: Robustness) -> tuple[str, float, str]:
    mean = row.mnist_c_accuracy if row.mean_accuracy is None else row.mean_accuracy
    return row.test_dataset, -(mean or 0.0), row.model


def _row(scores: list[Score]) -> Robustness | None:
    """Return the row of the configuration trained last, if it was tested under corruptions."""
    corrupted = [score for score in scores if score.transform]
    if not corrupted:
        return None
    last = max(corrupted, key=lambda score: score.started_at)
    same = [s for s in scores if s.config_id == last.config_id and s.split_hash == last.split_hash]
    by_trial: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for score in _on_the_same_images(same):
        name = str(score.transform.get("corruption", ""))
        strength = int(score.transform.get("strength", 0))
        by_trial[score.trial_id][name, strength] = score.metrics["accuracy"] or 0.0
    tables = [table for table in by_trial.values() if ("", 0) in table and len(table) > 1]
    names = [name for name in CORRUPTIONS if tables and _has_all(name, tables)]
    files = sorted({name for table in tables for name, _ in table if is_of_mnist_c(name)})
    files = [name for name in files if all((name, 1) in table for table in tables)]
    if not names and not files:
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
        mnist_c={name: fmean(table[name, 1] for table in tables) for name in files},
    )


def _on_the_same_images(scores: list[Score]) -> list[Score]:
    """Leave out what was made of other clean images than the last; MNIST-C's images are its own."""
    ours = [score for score in scores if not _is_of_file(score)]
    made = [score for score in ours if score.transform] or ours
    if not made:
        return []
    last = max(made, key=lambda score: score.started_at).test_hash
    return [score for score in scores if score.test_hash == last or _is_of_file(score)]


def _is_of_file(score: Score) -> bool:
    return is_of_mnist_c(score.transform.get("corruption", ""))


def _has_all(name: str, tables: list[dict[tuple[str, int], float]]) -> bool:
    strengths = CORRUPTIONS[name].strengths
    return all((name, strength) in table for table in tables for strength in strengths)
