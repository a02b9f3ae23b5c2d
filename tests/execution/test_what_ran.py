"""A stored result is what ran: files noted, code that changes, models that reload wrong."""

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import bench
from bench.execution.events import Event, TrialFinished, TrialStarted, Warned
from bench.session import Request, RunResult, execute
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State, TrialRecord

# A model that always says one class, and keeps it in a file.
PLUGIN = """
import sys
from pathlib import Path

import numpy as np
from bench import ModelSpec, hookimpl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from shades import CLASS


class Constant:
    def fit(self, train, context):
        self.n, self.c = context.n_classes, CLASS

    def predict_proba(self, images):
        return np.eye(self.n, dtype=np.float32)[np.full(len(images), self.c)]

    def save(self, folder):
        (folder / "class.txt").write_text(str(self.c))


def build(context):
    return Constant()


def load(folder, context):
    model = Constant()
    model.n, model.c = len(context.classes), int((folder / "class.txt").read_text())
    return model


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="constant", summary="one class", build=build, load=load))
"""
RELOADS_WRONG = PLUGIN.replace("read_text())", "read_text()) + 1")
RELOADS_SLOWLY = PLUGIN.replace(
    "    model = Constant()\n",
    "    import time\n    (HERE / 'loading').touch()\n    time.sleep(60)\n    model = Constant()\n",
)

READS = (
    "from shades import CLASS\n",
    "from multiprocessing import get_context\n\n\n"
    "def read(_):\n    return int((HERE / 'class.txt').read_text())\n",
)
IMPORTS_LATE = PLUGIN.replace("from shades import CLASS", "from importlib import import_module")
IMPORTS_LATE = IMPORTS_LATE.replace("s, CLASS", "s, import_module('sha' + 'des').CLASS")
IN_A_POOL = (
    "        self.n, self.c = context.n_classes, CLASS",
    "        with get_context('spawn').Pool(1) as pool:\n"
    "            self.n, self.c = context.n_classes, pool.map(read, [0])[0]",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with the plugin and its helper module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_STORE", raising=False)
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "shades.py").write_text("CLASS = 3\n")
    forget_helper()
    yield tmp_path
    forget_helper()


def forget_helper() -> None:
    """Let the helper be imported anew: those of other tests have its name too."""
    sys.modules.pop("shades", None)


def edit(path: Path, text: str) -> None:
    """Write a file whose times tell nothing: the length and the second may be the same."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 2_000_000))


def run(folder: Path, on_event: Callable[[Event], None] = lambda event: None) -> RunResult:
    request = Request(
        models=("constant",),
        datasets=("digits-uci",),
        plugins=("mine.py",),
        store=folder / "st",
        settings=("constant.train_images=100",),
    )
    return execute(request, on_event)


def recorded(folder: Path) -> TrialRecord:
    (trial,) = Store(folder / "st").trials.iterdir()
    return read_trial(trial)


def trained_in(folder: Path) -> tuple[int, list[str]]:
    """Run, and return how many trials were trained, with the warnings."""
    events: list[Event] = []
    run(folder, events.append)
    return (
        sum(isinstance(event, TrialStarted) and event.fits for event in events),
        [event.message for event in events if isinstance(event, Warned)],
    )


def class_said(folder: Path) -> int:
    """Return the class that the predictions stored last name."""
    stored = [each / "predictions.npz" for each in Store(folder / "st").evaluations.iterdir()]
    newest = max(stored, key=lambda path: path.stat().st_mtime_ns)
    (only,) = np.unique(np.load(newest)["probabilities"].argmax(axis=1))
    return int(only)


def test_a_file_put_beside_the_plugin_makes_nothing_stale(folder: Path) -> None:
    assert trained_in(folder) == (1, [])
    (folder / "notes.txt").write_text("seen\n")
    assert trained_in(folder) == (0, [])
    assert "./" not in recorded(folder).loaded


def test_what_a_plugin_loaded_is_in_its_record(folder: Path) -> None:
    run(folder)

    assert {"mine.py", "shades.py"} <= set(recorded(folder).loaded)


def test_a_helper_that_changed_makes_its_result_stale_and_is_named(folder: Path) -> None:
    assert trained_in(folder)[0] == 1
    edit(folder / "shades.py", "CLASS = 7\n")

    result = run(folder)

    assert (class_said(folder), result.counts) == (7, {State.OK: 1})
    assert [cell.changed for cell in result.plan.cells] == [("the model's code",)]


def test_a_helper_that_only_running_shows_makes_its_result_stale_and_is_named(
    folder: Path,
) -> None:
    hidden = "import importlib\n\nCLASS = importlib.import_module('sha' + 'des').CLASS"
    (folder / "mine.py").write_text(PLUGIN.replace("from shades import CLASS", hidden))
    assert trained_in(folder)[0] == 1
    edit(folder / "shades.py", "CLASS = 7\n")

    result = run(folder)

    assert (class_said(folder), result.counts) == (7, {State.OK: 1})
    assert [cell.changed for cell in result.plan.cells] == [("shades.py",)]


@pytest.mark.parametrize("name", ["mine.py", "shades.py"])
def test_a_comment_makes_nothing_stale(folder: Path, name: str) -> None:
    trained_in(folder)
    path = folder / name
    edit(path, "# a comment\n\n" + path.read_text() + "# another\n")

    assert trained_in(folder) == (0, [])


def test_a_data_file_that_the_model_reads_is_noted(folder: Path) -> None:
    (folder / "class.txt").write_text("3")
    text = PLUGIN.replace(
        "context.n_classes, CLASS", "context.n_classes, int((HERE / 'class.txt').read_text())"
    )
    (folder / "mine.py").write_text(text)
    trained_in(folder)
    edit(folder / "class.txt", "7")

    assert trained_in(folder)[0] == 1
    assert class_said(folder) == 7


def test_code_that_changes_after_the_plan_is_planned_again_and_stored_as_itself(
    folder: Path,
) -> None:
    events: list[Event] = []

    def hear(event: Event) -> None:
        # The plan is made, no worker has started.
        if not any(isinstance(each, TrialStarted) for each in events) and isinstance(
            event, TrialStarted
        ):
            edit(
                folder / "mine.py",
                PLUGIN.replace("context.n_classes, CLASS", "context.n_classes, 7"),
            )
        events.append(event)

    result = run(folder, hear)

    ended = [event.state for event in events if isinstance(event, TrialFinished)]
    assert ended == [State.CODE_CHANGED, State.OK]
    assert result.counts == {State.OK: 1}
    assert class_said(folder) == 7
    assert trained_in(folder) == (0, [])


def test_a_model_that_does_not_reload_keeps_its_result_and_is_not_used(folder: Path) -> None:
    (folder / "mine.py").write_text(RELOADS_WRONG)

    n_trained, warnings = trained_in(folder)

    record = recorded(folder)
    assert (n_trained, record.state) == (1, State.OK)
    assert record.does_not_reload.startswith("loaded, it predicts another class for 64 of 64")
    assert "its model does not reload" in warnings[0]
    # A new evaluation would need the stored model.
    for evaluation in Store(folder / "st").evaluations.iterdir():
        evaluation.rename(folder / evaluation.name)
    n_trained, warnings = trained_in(folder)
    assert n_trained == 0  # planned as an evaluation
    assert any("its stored model is not used, so it is trained again" in each for each in warnings)


def test_a_model_that_reloads_is_evaluated_later_without_training(folder: Path) -> None:
    trained_in(folder)
    assert recorded(folder).does_not_reload == ""
    for evaluation in Store(folder / "st").evaluations.iterdir():
        evaluation.rename(folder / evaluation.name)

    assert trained_in(folder) == (0, [])
    assert class_said(folder) == 3


def test_a_signal_while_a_model_is_read_back_does_not_mark_it(folder: Path) -> None:
    (folder / "mine.py").write_text(RELOADS_SLOWLY)

    def end_all() -> None:
        while not (folder / "loading").exists():
            time.sleep(0.02)
        time.sleep(0.2)
        for process in reversed(psutil.Process().children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # another's end was its own
                process.send_signal(signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=end_all)
    thread.start()
    result = run(folder)
    thread.join()

    assert result.interrupted
    assert recorded(folder).does_not_reload == ""


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize(
    ("plugin", "name", "before", "after"),
    [
        (PLUGIN, "shades.py", "CLASS = 3", "CLASS = 7"),
        (PLUGIN, "mine.py", "n_classes, CLASS", "n_classes, 7"),
        (IMPORTS_LATE, "shades.py", "CLASS = 3", "CLASS = 7"),
    ],
    ids=["helper", "plugin", "helper that only running shows"],
)
def test_a_long_lived_process_runs_a_plugin_as_it_is_now(
    folder: Path, isolate: bool, plugin: str, name: str, before: str, after: str
) -> None:
    (folder / "mine.py").write_text(plugin)
    told: dict[str, Any] = {"store": folder / "st", "plugins": ["mine.py"], "isolate": isolate}
    bench.run("constant", "digits-uci", on_event=lambda event: None, **told)
    assert class_said(folder) == 3
    edit(folder / name, (folder / name).read_text().replace(before, after))

    bench.run("constant", "digits-uci", on_event=lambda event: None, **told)

    assert class_said(folder) == 7


def test_a_trial_in_this_process_is_read_back_in_another(folder: Path) -> None:
    (folder / "mine.py").write_text(RELOADS_WRONG)
    request = Request(
        models=("constant",),
        datasets=("digits-uci",),
        plugins=("mine.py",),
        store=folder / "st",
        settings=("constant.train_images=100",),
        isolate=False,
    )

    execute(request, lambda event: None)

    assert recorded(folder).does_not_reload.startswith("loaded, it predicts another class")


def test_files_that_a_plugins_processes_read_make_its_result_stale(folder: Path) -> None:
    (folder / "class.txt").write_text("3")
    (folder / "mine.py").write_text(
        PLUGIN.replace("from shades import CLASS", "from multiprocessing import get_context")
        .replace(
            "class Constant",
            "def read(_):\n    return int((HERE / 'class.txt').read_text())\n\n\nclass Constant",
        )
        .replace(
            "        self.n, self.c = context.n_classes, CLASS",
            "        with get_context('spawn').Pool(1) as pool:\n"
            "            self.n, self.c = context.n_classes, pool.map(read, [0])[0]",
        )
    )
    assert trained_in(folder)[0] == 1
    edit(folder / "class.txt", "7")

    assert trained_in(folder)[0] == 1
    assert class_said(folder) == 7


def test_a_helper_that_was_imported_by_hand_and_edited_is_loaded_afresh(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder))
    importlib.import_module("shades")
    now = time.time() + 1
    (folder / "shades.py").write_text("CLASS = 7\n")
    os.utime(folder / "shades.py", (now, now))

    bench.run(
        "constant",
        "digits-uci",
        on_event=lambda event: None,
        store=folder / "st",
        plugins=["mine.py"],
        isolate=False,
    )

    assert class_said(folder) == 7
