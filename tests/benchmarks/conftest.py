"""Side by side: our way and the plain way, taking turns in one process, kept as a ratio.

Nothing here fails because a machine is slow. ``script/benchmarks`` runs it all and prints the
ratios beside what they must be. ``BENCH_BENCHMARKS=quick`` takes a tenth of the images, once;
``short`` takes a quarter.
"""

import gzip
import itertools
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

IS_QUICK = os.environ.get("BENCH_BENCHMARKS") == "quick"
_SHARE = {"quick": 10, "short": 4}.get(os.environ.get("BENCH_BENCHMARKS", ""), 1)


@dataclass(slots=True)
class SideBySide:
    """State: the benchmark fixture of one test."""

    benchmark: Any

    def __call__(
        self,
        what: str,
        against: str,
        *,
        ours: Callable[[], float | None],
        plain: Callable[[], float | None],
        limit: float,
        rounds: int = 3,
        note: str = "",
    ) -> float:
        """Time both, in turns, and keep the ratio of their medians.

        Parameters
        ----------
        what, against : str
            What is measured, and what it is compared with.
        ours, plain : callable
            Either returns the seconds that count, or None for all the seconds it took.
        limit : float
            What ours / plain must not exceed.
        """
        seconds: dict[str, list[float]] = {"ours": [], "plain": []}

        def timed(name: str, work: Callable[[], float | None]) -> None:
            started = time.perf_counter()
            counted = work()
            seconds[name].append(time.perf_counter() - started if counted is None else counted)

        self.benchmark.pedantic(
            lambda: timed("ours", ours),
            setup=lambda: timed("plain", plain),
            rounds=1 if IS_QUICK else rounds,
        )
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        ratio = medians["ours"] / medians["plain"]
        self.keep(what, against, value=ratio, limit=limit, unit="ratio", note=note)
        self.benchmark.extra_info["seconds"] = seconds
        return ratio

    def keep(
        self, what: str, against: str, *, value: float, limit: float, unit: str, note: str = ""
    ) -> None:
        """Keep one row of the table: a value that must not exceed a limit."""
        row = {"what": what, "against": against, "value": value, "limit": limit, "unit": unit}
        rows = self.benchmark.extra_info.setdefault("rows", [])
        rows.append({**row, "note": note, "quick": IS_QUICK})


@pytest.fixture
def side_by_side(benchmark: Any) -> SideBySide:
    """Compare two ways in turns."""
    return SideBySide(benchmark)


@pytest.fixture(scope="session")
def scale() -> Callable[[int], int]:
    """Return a number of images as it is, or a part of it in a quick or short run."""
    return lambda n: n if _SHARE == 1 else max(200, n // _SHARE)


@pytest.fixture(scope="session")
def train_csv(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory, scale: Callable[[int], int]
) -> Path:
    """Kaggle's ``train.csv``, or its first tenth in a quick run."""
    path = tmp_path_factory.mktemp("csv") / "train.csv"
    rows = scale(42_000)
    with gzip.open(real_data / "mnist" / "train.csv.gz", "rt") as source, path.open("w") as target:
        target.writelines(itertools.islice(source, rows + 1))
    return path
