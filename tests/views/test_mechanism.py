"""Views as commands: shared options, refusals, one format; what every view file promises."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.views import get_view, view_names

Run = Callable[..., Any]
SHARED = {"dataset", "model", "exclude_duplicates"}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in view_names()])
def test_a_view_says_what_it_shows_and_takes_only_shared_options(name: str) -> None:
    view = get_view(name)
    assert view.name == name
    assert view.summary.startswith("Show ")
    assert view.summary.endswith(".")
    assert "For example:" in view.about
    assert set(view.takes) <= SHARED


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(
            ("matrix", "-d", "home"),
            "bench: bench show matrix takes no -d: cost, errors, leaderboard, "
            "learning-curve, metrics, robustness take it; see bench show matrix --help",
            id="an option of other views",
        ),
        pytest.param(
            ("cost", "--abstain-below", "0.5"),
            "bench: bench show cost takes no --abstain-below: report takes it; see bench "
            "show cost --help",
            id="an option of one view",
        ),
        pytest.param(
            ("cost", "--no-such"),
            "bench: no such option --no-such; see bench show cost --help",
            id="an option of none",
        ),
        pytest.param(
            ("matrx",),
            "bench: no such command 'matrx': did you mean matrix? see bench show --help",
            id="an unknown view",
        ),
        pytest.param(
            ("cost", "--json", "--csv"),
            "bench: --json and --csv: one table has one format; leave one out",
            id="two formats",
        ),
        pytest.param(
            ("cost", "-d", "hom"),
            "bench: no results on 'hom': did you mean home?",
            id="an unknown dataset",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_close_names(
    run_bench: Run, sample_store: Path, arguments: tuple[str, ...], says: str
) -> None:
    ended = run_bench("show", *arguments, "--store", sample_store)
    assert (ended.code, ended.out, ended.err.rstrip()) == (2, "", says)


def test_every_view_of_boards_can_be_asked_for_some_models(
    run_bench: Run, sample_store: Path
) -> None:
    for name in view_names():
        if "model" in get_view(name).takes and name not in ("robustness", "learning-curve"):
            out = run_bench("show", name, "-m", "al*", "--csv", "--store", sample_store).out
            assert "beta" not in out


def test_a_row_of_each_seed_has_a_line(run_bench: Run, sample_store: Path) -> None:
    out = run_bench("show", "--per-seed", "-m", "alpha", "--store", sample_store).out
    assert out.count("\n alpha ") == 6


def test_a_store_of_a_newer_format_is_one_line_in_every_view_of_boards(
    run_bench: Run, sample_store: Path, tmp_path: Path
) -> None:
    root = tmp_path / "newer"
    shutil.copytree(sample_store, root)
    shutil.rmtree(root / ".index", ignore_errors=True)
    for record in (*root.glob("trials/*/record.json"), *root.glob("evaluations/*/record.json")):
        told = json.loads(record.read_text())
        record.write_text(json.dumps(told | {"schema_version": 9999}))
    for name in ("leaderboard", "matrix", "cost", "metrics", "errors"):
        ended = run_bench("show", name, "--store", root)
        assert (ended.code, ended.out) == (2, "")
        assert "a newer digitbench wrote its records; install a newer digitbench" in ended.err
        assert len(ended.err.splitlines()) == 1
