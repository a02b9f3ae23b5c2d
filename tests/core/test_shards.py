from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import BenchError
from bench.planning.grid import Cell, CellState
from bench.planning.shards import Shard, in_shard, parse_shard
from bench.session import Request, plan


def cell(model: str, seed: int, state: CellState = CellState.TO_RUN) -> Cell:
    name = f"{model}-{seed}"
    return Cell(model=model, train_dataset="tiny", seed=seed, state=state, trial_id=name)


@given(st.integers(0, 40), st.integers(1, 12))
def test_shares_are_the_whole_plan_once_and_differ_by_one_trial_at_most(n: int, of: int) -> None:
    cells = [cell("ab"[i % 2], i) for i in range(n)]
    shares = [in_shard(cells, Shard(number=k, of=of)) for k in range(1, of + 1)]
    ids = [each.trial_id for share in shares for each in share]
    assert sorted(ids) == sorted(each.trial_id for each in cells)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_share_depends_on_neither_order_nor_what_is_done_nor_code() -> None:
    cells = [cell("ab"[i % 2], i) for i in range(9)]
    third = Shard(number=3, of=4)
    before = {(each.model, each.seed) for each in in_shard(cells, third)}
    done = [
        Cell(
            model=each.model,
            train_dataset="tiny",
            seed=each.seed,
            state=CellState.CACHED,
            trial_id=f"other code {each.trial_id}",
        )
        for each in reversed(cells)
    ]
    assert {(each.model, each.seed) for each in in_shard(done, third)} == before


def test_what_is_no_trial_is_in_every_share() -> None:
    lost = Cell(model="a", train_dataset="tiny", state=CellState.IMPOSSIBLE, reason="no class 9")
    assert in_shard([lost, cell("a", 1)], Shard(number=2, of=2)) == [lost]


@pytest.mark.parametrize(
    "text",
    ["", "3", "/", "0/4", "5/4", "1/0", "-1/4", "1.5/4", "a/b", "1/1000000", "²/4", "1/2/3"],
    ids=repr,
)
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="--shard"):
        parse_shard(text)


def test_runs_of_all_shares_are_the_run(run_bench: Callable[..., Any], tmp_path: Path) -> None:
    chosen = ("-m", "baseline-*", "-m", "svm-ovo", "-d", "digits-uci", "--seeds", "1,2,3")
    place = ("--store", tmp_path / "store", "--reports", "none")
    said = [run_bench("run", *chosen, *place, "--shard", f"{k}/4") for k in range(1, 5)]
    assert {each.code for each in said} == {0}
    asked = Request(
        models=("baseline-*", "svm-ovo"),
        datasets=("digits-uci",),
        seeds=(1, 2, 3),
        store=tmp_path / "store",
    )
    assert plan(asked).tasks == ()
    assert len(list((tmp_path / "store" / "trials").iterdir())) == 6


def test_a_share_that_is_none_is_one_line(run_bench: Callable[..., Any]) -> None:
    said = run_bench("run", "--all", "--shard", "9/4")
    assert (said.code, said.out) == (2, "")
    assert said.err == "bench: --shard 9/4: shares are numbered from 1 to 4\n"
