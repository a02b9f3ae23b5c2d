"""One bad record, split or evaluation costs that one, in every view."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.store.layout import Store

Run = Callable[..., Any]
Spoil = Callable[[Path], None]


def rewrite(path: Path, **changes: Any) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{k: v for k, v in {**arrays, **changes}.items() if v is not None})


def predictions(**changes: Any) -> Spoil:
    return lambda folder: rewrite(folder / "predictions.npz", **changes)


def record(content: str | bytes) -> Spoil:
    def write(folder: Path) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "record.json").write_bytes(data)

    return write


def edited(old: str, new: str) -> Spoil:
    def edit(folder: Path) -> None:
        path = folder / "record.json"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


def pipe(name: str) -> Spoil:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return make


def link(name: str, target: str) -> Spoil:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return make


NESTED = '{"schema_version": 1, "unknown": ' + "[" * 100_000 + "]" * 100_000 + "}"
EVALUATIONS = [
    pytest.param(predictions(predicted=np.array(3)), id="predicted of no dimension"),
    pytest.param(predictions(predicted=np.array(["x"] * 100)), id="predicted text"),
    pytest.param(predictions(predicted=np.full(100, 99)), id="predicted beyond the classes"),
    pytest.param(predictions(predicted=np.zeros(7, np.int64)), id="predicted too short"),
    pytest.param(predictions(predicted=None), id="no predicted"),
    pytest.param(predictions(probabilities=np.array(["x"] * 100)), id="probabilities text"),
    pytest.param(predictions(probabilities=np.zeros((100, 0), np.float32)), id="no columns"),
    pytest.param(predictions(probabilities=np.zeros(100, np.float32)), id="one column"),
    pytest.param(predictions(labels=np.full(100, -5)), id="labels below the classes"),
    pytest.param(predictions(labels=np.zeros((100, 2), np.int64)), id="labels of two dimensions"),
    pytest.param(record(NESTED), id="nested record"),
    pytest.param(record("{}"), id="empty record"),
    pytest.param(record(b"\xff\xfe"), id="no text"),
    pytest.param(record('{"schema_version": ' + "9" * 5000 + "}"), id="endless number"),
    pytest.param(edited('"trial_id": "', '"trial_id": "../../'), id="a path for an id"),
    pytest.param(edited('"n_test": ', '"n_test": -'), id="a negative number of images"),
    pytest.param(edited('"threads": 1', f'"threads": {1 << 70}'), id="a number beyond 64 bits"),
    pytest.param(pipe("record.json"), id="a pipe for a record"),
    pytest.param(pipe("predictions.npz"), id="a pipe for predictions"),
    pytest.param(link("predictions.npz", "/dev/zero"), id="a device for predictions"),
    pytest.param(link("record.json", "/dev/zero"), id="a device for a record"),
]
VIEWS = [
    ("show",),
    ("show", "--json"),
    ("show", "errors", "-d", "home"),
    ("show", "cost", "-d", "home"),
    ("show", "report", "beta", "home"),
    ("compare", "beta", "constant", "-d", "home"),
]


@pytest.fixture
def store(tmp_path: Path, sample_store: Path) -> Store:
    index = shutil.ignore_patterns(".index")  # other tests of the session may have left one
    shutil.copytree(sample_store, tmp_path / "store", ignore=index)
    return Store(tmp_path / "store")


def evaluation_of(store: Store, model: str) -> Path:
    """Return the folder of a model's evaluation at home."""
    for folder in sorted(store.evaluations.iterdir()):
        trial = store.trials / folder.name.partition("--")[0]
        if f'"model": "{model}"' in (trial / "record.json").read_text() and (
            '"test_dataset": "home"' in (folder / "record.json").read_text()
        ):
            return folder
    raise AssertionError(model)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "with an index"])
@pytest.mark.parametrize("spoil", EVALUATIONS)
def test_a_bad_evaluation_costs_itself_and_is_named(
    store: Store, run_bench: Run, spoil: Spoil, warm: bool
) -> None:
    if warm:
        run_bench("show", "--store", store.root)
    bad = evaluation_of(store, "leaky")
    spoil(bad)
    for view in VIEWS if warm else VIEWS[:1]:
        ended = run_bench(*view, "--store", store.root)
        assert ended.code == 0, (view, ended)
        # An index that was made before holds the scores of what was sound.
        assert warm or f"{bad.name} is left out: " in ended.err
    shown = run_bench("show", "leaderboard", "--store", store.root, "--csv")
    assert "beta" in shown.out
    verified = run_bench("results", "verify", "--store", store.root, columns=200)
    assert verified.code == 1
    assert bad.name in verified.out


def test_what_is_left_out_is_named_beside_any_view(store: Store, run_bench: Run) -> None:
    run_bench("show", "--store", store.root)
    bad = evaluation_of(store, "constant")
    predictions(predicted=np.array(3))(bad)
    ended = run_bench("show", "errors", "-d", "home", "--store", store.root)
    assert ended.code == 0
    assert f"evaluations/{bad.name} is left out: predictions.npz is damaged" in ended.err


def test_a_bad_trial_costs_its_rows(store: Store, run_bench: Run) -> None:
    run_bench("show", "--store", store.root)
    bad = store.trials / evaluation_of(store, "leaky").name.partition("--")[0]
    record(NESTED)(bad)
    for view in VIEWS:
        ended = run_bench(*view, "--store", store.root)
        assert ended.code == 0, (view, ended)
    ended = run_bench("show", "trial", bad.name, "--store", store.root)
    assert ended.code == 2
    assert "is damaged (RecursionError)" in ended.err


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: rewrite(path, names=np.array("x")), id="names of no dimension"),
        pytest.param(lambda path: path.write_bytes(b"PK"), id="torn"),
        pytest.param(lambda path: rewrite(path, groups=np.arange(3)), id="groups are numbers"),
        pytest.param(lambda path: pipe(path.name)(path.parent), id="pipe"),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "with an index"])
def test_a_bad_split_costs_its_names_alone(
    store: Store, run_bench: Run, spoil: Callable[[Path], Any], warm: bool
) -> None:
    before = run_bench("show", "--store", store.root, "--json")
    if not warm:
        shutil.rmtree(store.index)
    for path in store.splits.iterdir():
        spoil(path)
    for view in VIEWS:
        ended = run_bench(*view, "--store", store.root)
        assert ended.code == 0, (view, ended)
    shown = run_bench("show", "--store", store.root, "--json")
    assert shown.out.count('"model"') == before.out.count('"model"')
