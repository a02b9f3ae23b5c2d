"""``bench run --model-file``: ready-trained models as rows."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.board.leaderboard import leaderboards
from bench.board.verify import verify_store
from bench.execution import inspecting
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.session import open_session
from bench.store.layout import Store
from bench.store.read import read_trial

SAID = ("--input-scale", "0..1", "--output-classes", "0,1,2,3,4,5,6,7,8,9")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small skops file, which every machine reads."""
    import skops.io
    from sklearn.naive_bayes import GaussianNB

    loaded = load_dataset(open_session().plugins.datasets["digits-uci"])
    assert loaded.train is not None
    train = open_split(loaded.train)
    file = tmp_path_factory.mktemp("model") / "bayes.skops"
    rows = train.images.reshape(len(train), -1)
    skops.io.dump(GaussianNB(var_smoothing=0.1).fit(rows, train.labels), file)
    return file


@pytest.fixture
def run(run_bench: Callable[..., Any], tmp_path: Path, model_file: Path) -> Callable[..., Any]:
    shutil.copy(model_file, tmp_path)

    def call(*words: str | Path) -> Any:
        return run_bench(
            "run", "--store", tmp_path / "store", "--reports", "none", *words, columns=200
        )

    return call


def test_a_model_file_becomes_a_row_that_is_marked(run: Callable[..., Any], tmp_path: Path) -> None:
    ended = run("--model-file", "bayes.skops", "-d", "digits-uci", "--input-scale", "0..1")

    assert ended.code == 0, ended.err
    store = Store(tmp_path / "store")
    (board,) = leaderboards(store)
    (row,) = board.rows
    assert (row.label, row.train_dataset) == ("bayes (model file)", "elsewhere")
    assert row.accuracy is not None
    assert row.accuracy > 0.7
    (folder,) = store.trials.iterdir()
    record = read_trial(folder)
    assert record.differs is not None
    assert (record.differs.origin, record.engine[:12]) == ("model file", "scikit-learn")
    assert not verify_store(store).problems


def test_the_same_file_again_runs_nothing(run: Callable[..., Any]) -> None:
    words = ("--model-file", "bayes.skops", "-d", "digits-uci", "--input-scale", "0..1")
    run(*words)

    assert "nothing to run: 1 trial cached" in run(*words).out


def test_own_photos_are_read_and_nothing_is_trained(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    samples = Path(__file__).parents[2] / "datasets/bench_datasets/samples/ids"

    ended = run(
        *("--model-file", "mine=bayes.skops", "--input-scale", "0..1"), "--folder", f"ids={samples}"
    )

    assert ended.code == 0, ended.err
    boards = leaderboards(Store(tmp_path / "store"))
    assert [(board.test_dataset, len(board.rows)) for board in boards] == [("ids", 1)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("-d", "digits-uci"), "; --input-scale, one of 0..1,", id="not-said"),
        pytest.param(SAID, "there is nothing to read; add -d DATASET or --folder", id="no-data"),
        pytest.param(
            ("-d", "digits-uci", "--input-scale", "0..9"),
            "--input-scale 0..9: it is one of 0..1, 0..255, -1..1",
            id="a-scale-that-is-none",
        ),
        pytest.param(
            (*SAID, "-d", "digits-uci", "--quantize", "int8"),
            "--quantize: model files are read as they are; leave it out",
            id="what-is-of-training",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    ended = run("--model-file", "bayes.skops", *words)

    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err


@pytest.mark.parametrize(
    ("file", "said"),
    [
        pytest.param(
            "notes.txt",
            "notes.txt is no model file: these are .keras, .tflite, .onnx, .skops",
            id="of-no-kind",
        ),
        pytest.param("gone.onnx", "gone.onnx cannot be read: No such file", id="missing"),
    ],
)
def test_what_is_no_model_file_is_one_line(run: Callable[..., Any], file: str, said: str) -> None:
    ended = run("--model-file", file, "-d", "digits-uci")

    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err


def test_the_name_of_an_installed_model_is_not_taken(run: Callable[..., Any]) -> None:
    ended = run("--model-file", "mlp=bayes.skops", "-d", "digits-uci", *SAID)

    assert (
        ended.err
        == "bench: --model-file mlp=bayes.skops: 'mlp' is a model already; use NAME=FILE\n"
    )


def test_a_file_that_kills_what_opens_it_costs_one_line(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inspecting, "_PROGRAM", "import os; os.abort()")
    (tmp_path / "other.skops").write_bytes(b"PK")

    ended = run("--model-file", "other.skops", "-d", "digits-uci", *SAID)

    assert ended.code == 2
    assert "other.skops cannot be opened: the process that opens it ended with code" in ended.err
