import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bench
from bench import BenchError
from bench.board.rows import COLUMNS
from bench.execution.events import (
    EvaluationFinished,
    Event,
    RunFinished,
    RunStarted,
    TrialFinished,
    TrialStarted,
    Warned,
)
from bench.session import Request, execute
from bench.store.layout import Store, store_of
from bench.store.read import read_trial
from bench.store.record import State

FAILING = """
from bench import ModelSpec, hookimpl


def build(context):
    raise ValueError("this model cannot be built")


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="failing", summary="a test", build=build))
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_STORE", raising=False)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))


def small(**options: Any) -> Request:
    asked = {"models": ("baseline-majority",), "datasets": ("digits-uci",)} | options
    return Request(isolate=False, **asked)


def test_a_run_stores_a_record_and_a_board_for_each_split(tmp_path: Path) -> None:
    result = execute(small(), lambda event: None)
    assert result.exit_code == 0
    assert [board.test_dataset for board in result.boards] == ["digits-uci", "sample-ids"]
    (folder,) = (tmp_path / "results" / "local" / "trials").iterdir()
    stored = read_trial(folder)
    assert stored.state is State.OK
    assert stored.train_dataset == "digits-uci"
    assert stored.train_embedded


def test_a_run_tells_its_events_in_order() -> None:
    events: list[Event] = []
    execute(small(), events.append)
    kinds = [type(event) for event in events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert kinds.index(TrialStarted) < kinds.index(EvaluationFinished) < kinds.index(TrialFinished)


def test_a_second_run_has_nothing_to_do() -> None:
    execute(small(), lambda event: None)
    events: list[Event] = []
    execute(small(), events.append)
    assert [type(event) for event in events] == [RunStarted, RunFinished]
    assert events[0] == RunStarted(trials=0, cached=1, estimated_seconds=None)


def test_fresh_replaces_the_record_and_keeps_the_old_one(tmp_path: Path) -> None:
    execute(small(), lambda event: None)
    store = Store(tmp_path / "results" / "local")
    (before,) = store.trials.iterdir()
    attempt = read_trial(before).attempt
    board = execute(small(fresh=True), lambda event: None).boards[0]
    assert read_trial(before).attempt != attempt
    # The new record's own figures, not those that the index had under the same name.
    assert board.rows[0].fit_seconds == read_trial(before).fit_seconds
    (kept,) = store.superseded.iterdir()
    assert read_trial(kept / "trial").attempt == attempt


def test_a_failing_trial_is_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    plugin = tmp_path / "failing.py"
    plugin.write_text(FAILING)
    result = execute(
        small(models=("failing", "baseline-majority"), plugins=(str(plugin),)), lambda event: None
    )
    assert result.exit_code == 1
    rows = {row.model: row for row in result.boards[0].rows}
    assert rows["baseline-majority"].state is State.OK
    assert rows["failing"].state is State.FAILED
    assert rows["failing"].reason == "ValueError: this model cannot be built"


def test_the_python_api_gives_the_leaderboard_as_a_frame() -> None:
    frame = bench.run("baseline-majority", "digits-uci", isolate=False)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(COLUMNS)
    pd.testing.assert_frame_equal(bench.load_results(), frame)
    assert len(bench.load_results(each_seed=True)) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param(
            {"models": object()}, "models: object: it is neither a name nor a Mod", id="a model"
        ),
        pytest.param({"datasets": ["mnist", 5]}, "datasets: int: it is neither", id="a dataset"),
        pytest.param({"seed": 1}, "bench.run takes no seed: did you mean seeds?", id="a name"),
        pytest.param({"seeds": "1"}, "seeds=('1',): Expected `int`, got `str`", id="a text"),
        pytest.param({"jobs": "many"}, "jobs='many': Invalid", id="neither number nor auto"),
    ],
)
def test_python_is_told_what_cannot_be_run_before_anything_is(
    asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(BenchError, match=re.escape(said)):
        bench.run(**{"models": "baseline-majority", "datasets": "digits-uci"} | asked)


def test_python_hands_over_paths_and_numbers_of_numpy(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=re.escape(str(tmp_path / "train.csv"))):
        bench.run("baseline-majority", tmp_path / "train.csv", seeds=np.arange(2))


def test_progress_stands_beside_the_output_unless_events_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench.run("baseline-majority", "digits-uci", isolate=False)
    shown = capsys.readouterr()
    assert "baseline-majority" in shown.err
    assert shown.out == ""
    events: list[Event] = []
    bench.run("baseline-majority", "digits-uci", isolate=False, seeds=7, on_event=events.append)
    assert capsys.readouterr() == ("", "")
    assert any(isinstance(event, TrialFinished) for event in events)


def test_ctrl_c_in_python_is_raised_once_what_is_finished_is_kept() -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, TrialFinished):
            os.kill(os.getpid(), signal.SIGINT)

    asked: dict[str, Any] = {"isolate": False, "seeds": (1, 2, 3)}
    with pytest.raises(KeyboardInterrupt, match="1 trials are finished and kept"):
        bench.run("baseline-majority", "digits-uci", on_event=interrupt, **asked)
    frame = bench.run("baseline-majority", "digits-uci", **asked)
    assert frame.seeds.tolist() == [3, 3]


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import bench\n"
        "print('begins')\n"
        "frame = bench.run(models='baseline-majority', datasets='digits-uci', seeds=(1, 2))\n"
        "print(frame.to_json(orient='records'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Warning" not in done.stderr
    begins, table = done.stdout.splitlines()
    assert begins == "begins"
    assert [row["seeds"] for row in json.loads(table)] == [2, 2]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param("", "results/local", id="default"),
        pytest.param("elsewhere", "elsewhere", id="environment"),
    ],
)
def test_where_the_store_is(
    monkeypatch: pytest.MonkeyPatch, environment: str, expected: str
) -> None:
    monkeypatch.setenv("BENCH_STORE", environment)
    assert store_of(None, bench.config.Config()).root == Path(expected)
    assert store_of(Path("named"), bench.config.Config()).root == Path("named")


def test_a_plugins_observers_are_told_and_one_that_raises_does_not_hurt(tmp_path: Path) -> None:
    plugin = tmp_path / "observer.py"
    plugin.write_text(
        "from pathlib import Path\n"
        "from bench import hookimpl\n\n"
        "@hookimpl\ndef bench_trial_started(event):\n    raise RuntimeError('no')\n\n"
        "@hookimpl\ndef bench_trial_finished(event):\n"
        "    Path(__file__).with_name('seen').write_text(event.model)\n"
    )
    warned: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, Warned):
            warned.append(event.message)

    assert execute(small(plugins=(str(plugin),)), watch).exit_code == 0
    assert (tmp_path / "seen").read_text() == "baseline-majority"
    assert len(warned) == 1
    assert "bench_trial_started" in warned[0]


def test_a_half_written_record_is_made_again_and_kept(tmp_path: Path) -> None:
    execute(small(), lambda event: None)
    store = Store(tmp_path / "results" / "local")
    (folder,) = store.trials.iterdir()
    (folder / "record.json").write_bytes(b"{")
    result = execute(small(), lambda event: None)
    assert result.exit_code == 0
    assert read_trial(folder).state is State.OK
    assert any((kept / "record.json").read_bytes() == b"{" for kept in store.superseded.iterdir())


def test_a_store_that_is_not_there_is_an_error() -> None:
    with pytest.raises(bench.BenchError, match="store nowhere: there is no such folder"):
        bench.load_results("nowhere")
