"""A store of format 1, made at the commit before format 2, is read, shown and verified."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.board.leaderboard import leaderboards, row_as_dict
from bench.board.verify import verify_store
from bench.store.layout import Store

SAMPLE = Path(__file__).parent / "format_1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(SAMPLE / "store", tmp_path / "store")
    return Store(tmp_path / "store")


def test_it_is_as_it_was_written_and_named_an_earlier_version(store: Store) -> None:
    verified = verify_store(store)
    assert (verified.problems, verified.trials, verified.earlier) == ((), 7, 7)


def test_its_rows_are_those_that_were_shown_when_it_was_made(store: Store) -> None:
    (board,) = leaderboards(store)
    with (SAMPLE / "board.csv").open(newline="", encoding="utf-8") as file:
        before = list(csv.DictReader(file))
    names = ("model", "variant", "state", "seeds", "n_test", "accuracy", "macro_f1")
    now = [row_as_dict(row) for row in board.rows]
    shown = [{name: "" if row[name] is None else str(row[name]) for name in names} for row in now]
    assert shown == [{name: row[name] for name in names} for row in before]


def test_a_run_says_once_that_its_trials_are_trained_anew(
    store: Store, run_bench: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "bench.toml").write_text('disable = ["sample_ids"]\n')
    arguments = ("run", "-m", "stump", "-d", "digits-uci", "--seeds", "1,2", "--dry-run")
    plugin = ("--plugin", str(SAMPLE / "stump.py"), "--store", str(store.root))
    result = run_bench(*arguments, *plugin, columns=200)
    said = "2 run again: digitbench itself (the stored one is of format 1) changed since"
    assert result.out.count(said) == 1, result
