from pathlib import Path

import pytest

from bench.execution.events import Event, Warned
from bench.session import Request, execute
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State

UNSAVABLE = """
import numpy as np

from bench import BenchError, ModelSpec, hookimpl


class Flat:
    probabilities = "scores"

    def fit(self, train, context):
        self.n_classes = context.n_classes

    def predict_proba(self, images):
        return np.full((len(images), self.n_classes), 1 / self.n_classes, np.float32)

    def save(self, folder):
        (folder / "half").write_text("half")
        raise BenchError("this model cannot be kept", why="it holds a live connection")


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="flat", summary="a test", build=lambda context: Flat()))
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))
    (tmp_path / "flat.py").write_text(UNSAVABLE)
    return Request(
        models=("flat",),
        datasets=("digits-uci",),
        plugins=(str(tmp_path / "flat.py"),),
        store=tmp_path / "store",
        isolate=False,
    )


def test_a_model_that_cannot_be_saved_costs_a_note_not_its_training(asked: Request) -> None:
    events: list[Event] = []
    result = execute(asked, events.append)
    assert result.exit_code == 0
    (folder,) = Store(Path("store")).trials.iterdir()
    stored = read_trial(folder)
    assert stored.state is State.OK
    assert stored.notes == (
        "its model is not kept: this model cannot be kept: it holds a live connection",
    )
    assert not (folder / "model").exists()
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert warned == [f"flat: {stored.notes[0]}"]


def test_a_classifier_may_say_itself_what_its_rows_are(asked: Request) -> None:
    execute(asked, lambda event: None)
    (folder,) = Store(Path("store")).trials.iterdir()
    assert read_trial(folder).probabilities == "scores"
