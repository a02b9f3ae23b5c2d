"""The board as it stands while a run goes on: one line a dataset, the best so far first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

from rich.text import Text

from bench.render.console import clean
from bench.store.formats import share

__all__ = ["Standings"]


@dataclass(slots=True)
class Standings:
    """Accuracies of this run, each on the test split of the dataset that was trained on."""

    accuracies: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, dataset: str, row: str, accuracy: float) -> None:
        """Take in one trial; those of a row are its seeds."""
        self.accuracies.setdefault(dataset, {}).setdefault(row, []).append(accuracy)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield the lines, none wider than `width`; rows without room are counted."""
        names = max((len(clean(dataset)) for dataset in self.accuracies), default=0)
        for dataset, rows in self.accuracies.items():
            line = Text("  ").append(clean(dataset).ljust(names), style="heading")
            means = {row: fmean(values) for row, values in rows.items()}
            best_first = sorted(means, key=lambda row: (-means[row], row))
            for shown, row in enumerate(best_first):
                cell = f"{'  ·  ' if shown else '  '}{clean(row)} {share(means[row])}"
                left = len(best_first) - shown - 1
                more = f"  ·  {left} more" if left else ""
                if line.cell_len + len(cell + more) > width:
                    line.append(f"  ·  {left + 1} more")
                    break
                line.append(cell)
            line.truncate(width, overflow="ellipsis")
            yield line
