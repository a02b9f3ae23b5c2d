"""``bench run``: plan, run, resume, fail, in text and in JSON, on a tiny model and table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.board.rows import COLUMNS
from bench.execution.events import RunFinished, TrialFinished, decode_event

Run = Callable[..., Any]

PLUGIN = """
import numpy as np

from bench import ModelSpec, hookimpl


class NearestMean:
    def __init__(self, n_classes, fails):
        self.n_classes, self.fails = n_classes, fails

    def fit(self, train, context):
        if self.fails:
            raise ValueError("the data is not to my taste")
        flat = train.images.reshape(len(train), -1)
        self.means = np.stack([flat[train.labels == c].mean(0) for c in range(self.n_classes)])

    def predict_proba(self, images):
        flat = images.reshape(len(images), 1, -1)
        distance = ((flat - self.means) ** 2).sum(-1)
        scores = np.exp(-(distance - distance.min(1, keepdims=True)))
        return (scores / scores.sum(1, keepdims=True)).astype(np.float32)


def model(name, fails):
    return ModelSpec(
        name=name,
        summary="the class whose mean image is nearest",
        build=lambda context: NearestMean(context.n_classes, fails),
        options={"unused": 1},
        requires=("numpy",),
    )


@hookimpl
def bench_register_models(register):
    register(model("nearest-mean", False))
    register(model("picky", True))
"""


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[str, ...]:
    """The arguments of a run on 60 images whose class is a bright column."""
    (tmp_path / "nearest.py").write_text(PLUGIN)
    images = np.zeros((60, 28, 28), np.uint8)
    for index in range(60):
        images[index, 4:24, 2 * (index % 10) + 4] = 255
        images[index, 0, 0] = index  # no two are equal
    rows = np.column_stack([np.arange(60) % 10, images.reshape(60, -1)])
    header = "label," + ",".join(f"pixel{i}" for i in range(784))
    text = "\n".join([header, *(",".join(map(str, row)) for row in rows.tolist())])
    (tmp_path / "digits.csv").write_text(text)
    plugin, table = str(tmp_path / "nearest.py"), f"mnist-csv={tmp_path / 'digits.csv'}"
    return ("run", "--plugin", plugin, "-d", table, "--no-isolation")


def test_a_run_ends_with_the_leaderboard_and_the_leaders_report(
    run_bench: Run, tiny: tuple[str, ...]
) -> None:
    ended = run_bench(*tiny, "-m", "nearest-mean", columns=120)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].startswith("digitbench 0.1.0 · ")
    assert lines[0].endswith(" · store results/local")
    assert lines[1].startswith("1 trial to run, 0 cached · about ")
    assert any(line.startswith("1/1  ✓ nearest-mean") for line in lines)
    assert any(line.startswith("mnist-csv · test split, 12 images") for line in lines)
    assert any(line.startswith("nearest-mean on mnist-csv") for line in lines)
    assert lines[-1].startswith("Look closer: bench show report nearest-mean mnist-csv")


def test_a_second_run_has_nothing_to_do_and_shows_the_same_board(
    run_bench: Run, tiny: tuple[str, ...]
) -> None:
    first = run_bench(*tiny, "-m", "nearest-mean", "--reports", "none").out
    second = run_bench(*tiny, "-m", "nearest-mean", "--reports", "none").out
    assert "nothing to run: 1 trial cached" in second
    board = "mnist-csv · test split"
    assert first[first.index(board) :] == second[second.index(board) :]


def test_a_full_run_is_ranked_where_a_smaller_budget_had_nothing_to_cut(
    run_bench: Run, tiny: tuple[str, ...]
) -> None:
    ask = (*tiny, "-m", "nearest-mean", "--reports", "none")
    assert " nearest-mean (smoke) " in run_bench(*ask, "--budget", "smoke").out
    full = run_bench(*ask).out
    assert "1 trial to run, 0 cached" in full
    assert "(smoke)" not in full[full.index("mnist-csv · test split") :]
    assert "nothing to run: 1 trial cached" in run_bench(*ask).out
    assert "nothing to run: 1 trial cached" in run_bench(*ask, "--budget", "smoke").out


def test_a_dry_run_runs_nothing_and_says_what_would(
    run_bench: Run, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    ended = run_bench(*tiny, "-m", "nearest-mean", "--repeats", "2", "--dry-run", columns=120)
    assert ended.code == 0
    assert "1 model × 1 dataset × 2 seeds = 2 trials to run, 0 cached" in ended.out
    assert " to run  nearest-mean  mnist-csv   42, 43" in ended.out
    assert not (tmp_path / "results").exists()


def test_a_dry_run_says_what_changed_since_the_last_record(
    run_bench: Run, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    run_bench(*tiny, "-m", "nearest-mean")
    table = tmp_path / "digits.csv"
    table.write_text(table.read_text().replace(",255,", ",254,"))
    out = run_bench(*tiny, "-m", "nearest-mean", "--dry-run", columns=150).out
    assert "changed since the last record: the training images" in out
    again = run_bench(*tiny, "-m", "nearest-mean", columns=150).out.splitlines()
    assert again[2] == "1 run again: the training images changed since the last record"


def test_a_failed_trial_is_a_row_and_exit_code_1(run_bench: Run, tiny: tuple[str, ...]) -> None:
    ended = run_bench(*tiny, "-m", "nearest-mean", "-m", "picky", columns=150)
    assert ended.code == 1
    assert "✗ picky" in ended.out
    assert "failed: ValueError: the data is not to my taste (bench show trial " in ended.out


def test_json_lines_are_events_and_then_the_leaderboard(
    run_bench: Run, tiny: tuple[str, ...]
) -> None:
    out = run_bench(*tiny, "-m", "nearest-mean", "--log-format", "json").out
    *events, last = out.splitlines()
    decoded = [decode_event(line) for line in events]
    assert any(isinstance(event, TrialFinished) for event in decoded)
    assert isinstance(decoded[-1], RunFinished)
    board = json.loads(last)
    assert board["event"] == "leaderboard"
    assert tuple(board["rows"][0]) == COLUMNS


def test_a_dry_run_in_json_is_one_object(run_bench: Run, tiny: tuple[str, ...]) -> None:
    out = run_bench(*tiny, "-m", "nearest-mean", "--dry-run", "--log-format", "json").out
    plan = json.loads(out)
    assert plan["event"] == "plan"
    assert [cell["state"] for cell in plan["cells"]] == ["to run"]


def test_all_reports_show_each_model(run_bench: Run, tiny: tuple[str, ...]) -> None:
    models = ("-m", "nearest-mean", "-m", "baseline-majority")
    out = run_bench(*tiny, *models, "--reports", "all").out
    assert "nearest-mean on mnist-csv" in out
    assert "baseline-majority on mnist-csv" in out
    assert "weighted avg" in out


def test_several_seeds_are_named_line_by_line(run_bench: Run, tiny: tuple[str, ...]) -> None:
    out = run_bench(*tiny, "-m", "nearest-mean", "--seeds", "7,9").out
    assert "✓ nearest-mean seed 7" in out
    assert "✓ nearest-mean seed 9" in out


def test_a_budget_that_all_trials_share_is_said_once(run_bench: Run, tiny: tuple[str, ...]) -> None:
    lines = run_bench(*tiny, "-m", "nearest-mean", "--budget", "smoke").out.splitlines()
    assert " · budget smoke · store " in " ".join(lines[:2])
    assert "smoke" not in next(line for line in lines if line.startswith("1/1"))


def test_abstention_is_told_under_the_report(run_bench: Run, tiny: tuple[str, ...]) -> None:
    out = run_bench(*tiny, "-m", "nearest-mean", "--abstain-below", ".5").out
    assert "Abstaining below .50: " in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ("run", "-d", "image-folder"),
            "-d image-folder: an own folder is named by its path; use --folder DIR",
            id="own-folder",
        ),
        pytest.param(
            ("run",),
            "nothing selected; try bench run --all, or name some with -m, -d",
            id="nothing",
        ),
        pytest.param(
            ("run", "--all", "--timeout", "0"),
            "--timeout 0: a trial needs some time; leave it out",
            id="no-time",
        ),
        pytest.param(
            ("run", "--all", "--seeds", "x"),
            "--seeds x: write whole numbers: --seeds 1,2,3",
            id="seeds",
        ),
        pytest.param(
            ("run", "--all", "--max-memory", "much"),
            "--max-memory much: is not a size; write 4GB or 512MB",
            id="memory",
        ),
    ],
)
def test_a_wrong_request_is_one_line_and_code_2(
    run_bench: Run, arguments: tuple[str, ...], line: str
) -> None:
    assert run_bench(*arguments) == (2, "", f"bench: {line}\n")


@pytest.mark.parametrize("text", ["my_ids/", "mine=my_ids", "image-folder=my_ids"])
def test_a_folder_named_as_a_dataset_is_trained_on(
    run_bench: Run, tmp_path: Path, text: str
) -> None:
    for digit in "17":
        (tmp_path / "my_ids" / digit).mkdir(parents=True)
        for number in range(10):
            photo = Image.new("L", (60, 60), 200)
            ImageDraw.Draw(photo).line([(20 + number, 10), (30, 50)], fill=20, width=5)
            photo.save(tmp_path / "my_ids" / digit / f"{number}.png")
    planned = run_bench("run", "-m", "baseline-majority", "-d", text, "--dry-run")
    name = "mine" if text.startswith("mine") else "my_ids"
    assert (planned.code, planned.err) == (0, "")
    assert f"{name}: split by image" in planned.out
    (tmp_path / "my_ids" / "1" / "0.png").unlink()
    refused = run_bench("run", "-m", "baseline-majority", "-d", text, "--dry-run")
    assert refused.code == 2
    assert "class 1 has 9 images of 10 needed" in refused.err


def test_an_unknown_model_names_the_close_ones(run_bench: Run) -> None:
    ended = run_bench("run", "-m", "cnn-mnst", "-d", "digits-uci")
    assert ended.code == 2
    assert ended.err.startswith("bench: unknown model 'cnn-mnst': did you mean ")
    assert "bench list models" in ended.err


def test_a_path_that_no_file_system_takes_is_one_line(run_bench: Run, tmp_path: Path) -> None:
    ended = run_bench("show", "--store", "s" * 3000)
    assert (ended.code, ended.out) == (2, "")
    assert "File name too long" in ended.err
    assert ended.err.count("\n") == 1
