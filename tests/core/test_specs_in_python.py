"""Specs that a notebook's cell makes: they travel to workers as their source, or are refused."""

import functools
import linecache
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import BenchError, DatasetSpec, ModelSpec, Option
from bench.adapters.given import given_object, read_given
from bench.plugins.discovery import load_model
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


OBJECTS = """
import functools
from bench import keras_model, sklearn_classifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

forest = RandomForestClassifier(20)

class Own(ClassifierMixin, BaseEstimator):
    pass

own = Own()

def build(context):
    return sklearn_classifier(forest)

def build_own(context):
    return sklearn_classifier(own)

def build_sized(size, context):
    return sklearn_classifier(RandomForestClassifier(size))

def network(context):
    return keras.models.clone_model(net)

def make_net():
    global keras, net
    import keras
    net = keras.Sequential([
        keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")
    ])
"""


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The same of a cell that makes estimators and networks."""
    monkeypatch.chdir(tmp_path)
    lines = OBJECTS.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, "<objects>", (len(OBJECTS), None, lines, ""))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(OBJECTS, "<objects>", "exec"), names)
    return names


def test_an_estimator_travels_as_a_skops_file_and_says_once_what_it_is(
    objects: dict[str, Any], tmp_path: Path
) -> None:
    spec = model(build=objects["build"], name="forest")
    frame = bench.run(spec, "digits-uci", on_event=lambda event: None)
    assert frame.accuracy[0] > 0.8
    again: list[Any] = []
    bench.run(spec, "digits-uci", on_event=again.append)
    assert again[0].trials == 0
    objects["forest"].n_estimators = 21
    file = write_plugin(spec, tmp_path / "plugins", given_object)
    (kept,) = file.parent.glob("*.skops")
    assert read_given(str(file), kept.name).n_estimators == 21
    assert list(file.parent.glob(".*")) == []
    kept.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(BenchError, match="is no readable estimator"):
        read_given(str(file), kept.name)


def test_an_estimator_whose_class_the_cell_made_is_refused(
    objects: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as raised:
        write_plugin(model(build=objects["build_own"]), tmp_path, given_object)
    assert str(raised.value).startswith("own of means: Own cannot be written down: ")
    assert list(tmp_path.glob("**/*.skops")) == []


def test_arguments_given_beforehand_travel_with_their_function(
    objects: dict[str, Any], tmp_path: Path
) -> None:
    build = functools.partial(objects["build_sized"], 7)
    file = write_plugin(model(build=build, name="sized"), tmp_path, given_object)
    spec = load_model("", str(file), "sized")
    assert spec.build.args == (7,)  # type: ignore[attr-defined]


@pytest.mark.heavy
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # keras.Model.save
def test_a_keras_network_travels_as_a_keras_file(objects: dict[str, Any], tmp_path: Path) -> None:
    objects["make_net"]()
    spec = bench.keras_model(
        name="net", summary="", network=objects["network"], epochs=3, batch_size=32
    )
    frame = bench.run(spec, "digits-uci", on_event=lambda event: None)
    assert frame.accuracy[0] > 0.6
    again: list[Any] = []
    bench.run(spec, "digits-uci", on_event=again.append)
    assert again[0].trials == 0


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
