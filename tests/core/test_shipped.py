import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.planning.grid import CellState
from bench.session import Request, execute, plan
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.variant import Variant
from bench.store.write import write_record

PLUGIN = """
from dataclasses import replace
from pathlib import Path

from bench import hookimpl
from bench_plugins import baseline_majority

specs = []
baseline_majority.bench_register_models(specs.append)


@hookimpl
def bench_register_models(register):
    register(replace(specs[0], name="ready", shipped=Path(__file__).parent / "shipped"))
"""


@pytest.fixture
def request_with_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))
    source = tmp_path / "source"
    execute(
        Request(
            models=("baseline-majority",), datasets=("digits-uci",), store=source, isolate=False
        ),
        lambda event: None,
    )
    (folder,) = Store(source).trials.iterdir()
    shutil.copytree(folder, tmp_path / "shipped")
    record = msgspec.structs.replace(
        read_trial(folder),
        trial_id="0123456789abcdef",
        model="ready",
        differs=Variant(is_shipped=True),
    )
    write_record(tmp_path / "shipped", record)
    plugin = tmp_path / "ready.py"
    plugin.write_text(PLUGIN)
    return Request(
        models=("ready",),
        datasets=("digits-uci",),
        plugins=(str(plugin),),
        store=tmp_path / "store",
        isolate=False,
    )


def test_a_shipped_model_reads_evaluation_only_data_without_training(
    request_with_shipped: Request,
) -> None:
    result = execute(request_with_shipped, lambda event: None)
    assert result.exit_code == 0
    rows = {board.test_dataset: board.rows for board in result.boards}
    assert sorted(row.variant for row in rows["sample-ids"]) == ["", "shipped"]
    assert [row.variant for row in rows["digits-uci"]] == [""]


def test_a_shipped_models_evaluation_is_done_once(request_with_shipped: Request) -> None:
    execute(request_with_shipped, lambda event: None)
    planned = plan(request_with_shipped)
    assert [cell.state for cell in planned.cells] == [CellState.CACHED, CellState.CACHED]


def test_fresh_leaves_the_shipped_training_alone(request_with_shipped: Request) -> None:
    execute(request_with_shipped, lambda event: None)
    result = execute(replace(request_with_shipped, fresh=True), lambda event: None)
    assert result.exit_code == 0
    assert read_trial(Store(Path("store")).trial("0123456789abcdef")).differs == Variant(
        is_shipped=True
    )
