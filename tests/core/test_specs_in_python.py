"""Specs that a notebook's cell makes: they travel to workers as their source, or are refused."""

import linecache
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import BenchError, DatasetSpec, ModelSpec, Option
from bench.plugins.written import write_plugin

CELL = """
import numpy as np
from bench import Dataset, ImageSet

SHARP = 10.0
TABLE = {"a": (1, 2.5)}
UNUSED = object()

def softmax(distances):
    weights = np.exp(-SHARP * (distances - distances.min(axis=1, keepdims=True)))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

class Means:
    def fit(self, train, context):
        flat = train.images.reshape(len(train), -1)
        self.means = np.stack(
            [flat[train.labels == k].mean(axis=0) for k in range(context.n_classes)]
        )

    def predict_proba(self, images):
        flat = images.reshape(len(images), -1)
        return softmax(np.stack([((flat - m) ** 2).mean(axis=1) for m in self.means], axis=1))

def build(context):
    return Means()

def closed(n):
    def inner(context):
        return n
    return inner

def names_an_object(context):
    return UNUSED

def load(context):
    images = np.zeros((20, 8, 8, 1), dtype=np.uint8)
    images[np.arange(20), np.arange(20) % 2] = 255
    split = ImageSet(pixels=images, labels=np.arange(20) % 2)
    return Dataset(classes=("even", "odd"), train=split, test=split)
"""


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a cell, run as a notebook runs it: in ``__main__``, its lines in `linecache`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(linecache.cache, "<cell>", (len(CELL), None, CELL.splitlines(True), ""))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(CELL, "<cell>", "exec"), names)
    return names


def model(**facts: Any) -> ModelSpec:
    return ModelSpec(**({"name": "means", "summary": "nearest mean"} | facts))


def test_a_model_and_a_dataset_of_a_cell_are_run_in_workers(cell: dict[str, Any]) -> None:
    spec = model(build=cell["build"], options={"k": Option(default=3)})
    halves = DatasetSpec(name="halves", summary="rows", load=cell["load"])
    frame = bench.run(spec, [halves, "digits-uci"], on_event=lambda event: None)
    accuracy: dict[str, float] = dict(zip(frame.test_dataset, frame.accuracy, strict=True))
    assert accuracy["halves"] == 1
    assert accuracy["digits-uci"] > 0.8
    again: list[Any] = []
    bench.run(spec, halves, on_event=again.append)
    assert again[0].trials == 0


def test_the_same_cell_is_the_same_file_and_another_is_another(
    cell: dict[str, Any], tmp_path: Path
) -> None:
    file = write_plugin(model(build=cell["build"]), tmp_path)
    assert write_plugin(model(build=cell["build"]), tmp_path) == file
    other = write_plugin(model(build=cell["build"], options={"k": 4}), tmp_path)
    assert (other != file, other.name) == (True, file.name)
    assert "UNUSED" not in file.read_text()


@pytest.mark.parametrize(
    ("of", "says"),
    [
        pytest.param(
            lambda cell: cell["closed"](3), "inner of means: it is a closure over n", id="a closure"
        ),
        pytest.param(
            lambda cell: lambda context: None,
            "<lambda> of means: it has no definition of its own",
            id="a lambda",
        ),
        pytest.param(
            lambda cell: cell["names_an_object"],
            "UNUSED of means: a object cannot be written down",
            id="an object",
        ),
        pytest.param(
            lambda cell: cell["Means"](),
            "build of means: a Means cannot be written down",
            id="not a def",
        ),
    ],
)
def test_what_has_no_source_of_its_own_is_refused(
    cell: dict[str, Any], tmp_path: Path, of: Any, says: str
) -> None:
    with pytest.raises(BenchError) as raised:
        write_plugin(model(build=of(cell)), tmp_path)
    assert str(raised.value).startswith(says)
    assert "put it in a file and name that" in str(raised.value)
    assert list(tmp_path.glob("**/*.py")) == []
