import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.board import metrics_in_use
from bench.board.index import read_index
from bench.board.leaderboard import leaderboards
from bench.board.metrics_in_use import plugin_metrics, use_metrics
from bench.spec import MetricSpec
from bench.store.layout import Store

Add = Callable[..., str]
Run = Callable[..., Any]

PLUGIN = """
from bench import MetricSpec, hookimpl


def error_count(given):
    return float((~given.correct).sum()) {more}


@hookimpl
def bench_register_metrics(register):
    register(MetricSpec(name="errors", summary="images read wrong", function=error_count))
"""


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(metrics_in_use, "_named", [])
    yield
    use_metrics([])


def errors(name: str = "errors", factor: float = 1.0) -> MetricSpec:
    return MetricSpec(
        name=name, summary="", function=lambda given: float((~given.correct).sum() * factor)
    )


def metrics_of(store: Store) -> dict[str, float | None]:
    (score,) = read_index(store).scores.values()
    return score.metrics


def test_a_new_metric_is_computed_for_records_scored_before(store: Store, add: Add) -> None:
    use_metrics([])
    add(store, "m", 7)
    assert "errors" not in metrics_of(store)
    use_metrics([errors()])
    assert metrics_of(store)["errors"] == 7
    assert metrics_of(store)["accuracy"] == pytest.approx(393 / 400)


def test_the_boards_know_a_new_metric_too(store: Store, add: Add) -> None:
    use_metrics([])
    add(store, "m", 7)
    assert "errors" not in leaderboards(store)[0].rows[0].metrics
    use_metrics([errors()])
    assert leaderboards(store)[0].rows[0].metrics["errors"] == 7


def test_a_metric_that_is_gone_is_dropped(store: Store, add: Add) -> None:
    use_metrics([errors()])
    add(store, "m", 7)
    assert "errors" in metrics_of(store)
    use_metrics([])
    assert "errors" not in metrics_of(store)


def test_a_metric_that_raises_is_not_scored_with_the_reason(store: Store, add: Add) -> None:
    def broken(given: object) -> float:
        raise ValueError("no such thing\nsecond line")

    use_metrics([MetricSpec(name="broken", summary="", function=broken), errors()])
    add(store, "m", 7)
    (score,) = read_index(store).scores.values()
    assert score.metrics["broken"] is None
    assert score.not_scored["broken"] == "the metric failed: ValueError: no such thing"
    assert score.metrics["errors"] == 7


def test_a_metric_with_a_built_in_name_is_refused_and_said(store: Store, add: Add) -> None:
    use_metrics([errors("accuracy")])
    add(store, "m", 7)
    assert metrics_of(store)["accuracy"] == pytest.approx(393 / 400)
    assert plugin_metrics().refused == ("accuracy",)
    (board,) = leaderboards(store)
    assert board.notes == ("a plugin's metric 'accuracy' is not used: a built-in one has its name",)


def test_a_view_finds_the_metrics_of_the_plugins_in_bench_toml(
    store: Store, add: Add, run_bench: Run, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(more=""))
    (tmp_path / "bench.toml").write_text('plugins = ["mine.py"]\n')
    add(store, "m", 7)
    shown = run_bench("show", "metrics", "--json", "--store", store.root)
    (row,) = json.loads(shown.out)
    assert row["errors"] == 7
    assert row["accuracy"] == pytest.approx(393 / 400)
    assert "errors" in run_bench("list", "metrics").out


def test_a_changed_metric_is_computed_anew(store: Store, add: Add, tmp_path: Path) -> None:
    file = tmp_path / "changing.py"
    add(store, "m", 7)
    for more, wanted in (("", 7), ("* 10", 70)):
        file.write_text(PLUGIN.format(more=more))
        namespace: dict[str, Any] = {}
        exec(compile(file.read_text(), str(file), "exec"), namespace)
        spec = MetricSpec(name="errors", summary="", function=namespace["error_count"])
        use_metrics([spec])
        assert metrics_of(store)["errors"] == wanted


def test_id_accuracy_counts_whole_ids(store: Store, add: Add) -> None:
    use_metrics([])
    groups = tuple(f"writer-{i // 100}" for i in range(400))
    names = tuple(map(str, range(400)))
    add(store, "m", [0, 1, 150], groups=groups, names=names, split_hash="ids")
    assert metrics_of(store)["id_accuracy"] == 0.5


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy(
    store: Store, add: Add
) -> None:
    use_metrics([])
    add(store, "m", 7, confidence=0.91)
    assert metrics_of(store)["ece"] == pytest.approx(393 / 400 - 0.91, abs=1e-6)


def test_metrics_without_room_are_named(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 10)
    narrow = run_bench("show", "metrics", "--store", store.root, columns=60).out
    assert "no room for" in narrow
    assert "no room for" not in run_bench("show", "metrics", "--store", store.root, columns=120).out
