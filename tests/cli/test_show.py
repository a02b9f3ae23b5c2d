"""``bench show``: every view in every form, and what it says where there is nothing to show."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import classification_report
from syrupy.assertion import SnapshotAssertion

from bench.board.leaderboard import leaderboards
from bench.board.rows import COLUMNS, row_as_dict
from bench.render.export import as_csv
from bench.store.layout import Store
from bench.store.read import read_predictions

Run = Callable[..., Any]


def trial_id(store: Path, model: str) -> str:
    """Return the id of a trial of `model` in the sample store."""
    rows = [row for board in leaderboards(Store(store)) for row in board.rows]
    return next(row.trials[0] for row in rows if row.model == model)


@pytest.mark.parametrize(
    "columns",
    [pytest.param(80, id="80"), pytest.param(120, id="120"), pytest.param(200, id="200")],
)
def test_the_leaderboard_fits_the_screen(
    run_bench: Run, sample_store: Path, snapshot: SnapshotAssertion, columns: int
) -> None:
    ended = run_bench("show", "--store", sample_store, columns=columns)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= columns
    assert ended.out == snapshot


@pytest.mark.parametrize("columns", [pytest.param(80, id="80"), pytest.param(120, id="120")])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("report", "alpha", "home", "--abstain-below", ".5"), id="report"),
        pytest.param(("report", "constant", "home:people"), id="never-predicted"),
        pytest.param(("matrix",), id="matrix"),
        pytest.param(("history", "beta", "home"), id="history"),
        pytest.param(("cost",), id="cost"),
    ],
)
def test_each_view_fits_the_screen(
    run_bench: Run,
    sample_store: Path,
    snapshot: SnapshotAssertion,
    arguments: tuple[str, ...],
    columns: int,
) -> None:
    ended = run_bench("show", *arguments, "--store", sample_store, columns=columns)
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= columns
    assert ended.out == snapshot


def test_rank_model_accuracy_and_state_are_never_dropped(
    run_bench: Run, sample_store: Path
) -> None:
    out = run_bench("show", "-d", "home", "--store", sample_store, columns=50).out
    heading = out.splitlines()[1]
    assert heading.split() == ["rank", "model", "accuracy"]
    words = " ".join(out.split())
    assert "failed: ResourceExhaustedError: out of memory in" in words
    assert "leak: 12 images" in words


def test_without_duplicates_the_leak_is_ranked_with_the_others_on_the_rest(
    run_bench: Run, sample_store: Path, snapshot: SnapshotAssertion
) -> None:
    asked = ("-d", "home", "--exclude-duplicates", "--store", sample_store)
    ended = run_bench("show", *asked, columns=120)
    assert ended.code == 0
    assert ended.out == snapshot
    rows = json.loads(run_bench("show", *asked, "--json").out)
    assert {row["n_test"] for row in rows if row["state"] == "ok"} == {88}
    assert {row["model"]: bool(row["rank"]) for row in rows}["leaky"]


def test_reports_and_the_matrix_leave_duplicates_out_too(
    run_bench: Run, sample_store: Path
) -> None:
    asked = ("--exclude-duplicates", "--json", "--store", sample_store)
    report = json.loads(run_bench("show", "report", "alpha", "home", *asked).out)
    assert report["report"]["weighted avg"]["support"] == 2 * 88
    matrix = json.loads(run_bench("show", "matrix", "-m", "leaky", *asked).out)
    assert [(row["n_test"], row["leaked"]) for row in matrix] == [(88, 0)]


def test_a_row_a_seed_has_all_its_images(run_bench: Run, sample_store: Path) -> None:
    ended = run_bench("show", "--per-seed", "--exclude-duplicates", "--store", sample_store)
    assert (ended.code, ended.err) == (
        2,
        "bench: --per-seed and --exclude-duplicates: images are left out for all rows of a board; "
        "leave one out\n",
    )


def test_bare_show_takes_the_options_of_the_leaderboard(run_bench: Run, sample_store: Path) -> None:
    bare = run_bench("show", "--csv", "--store", sample_store)
    named = run_bench("show", "leaderboard", "--csv", "--store", sample_store)
    assert bare.out == named.out != ""


def test_the_csv_has_the_documented_columns_in_order(run_bench: Run, sample_store: Path) -> None:
    out = run_bench("show", "leaderboard", "--csv", "--store", sample_store).out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 14
    assert {row["state"] for row in rows} == {"ok", "failed", "timeout"}


def test_json_and_csv_agree(run_bench: Run, sample_store: Path) -> None:
    from_json = json.loads(run_bench("show", "--json", "--store", sample_store).out)
    from_csv = run_bench("show", "--csv", "--store", sample_store).out
    assert as_csv(from_json, COLUMNS) == from_csv
    boards = leaderboards(Store(sample_store))
    assert from_json == [row_as_dict(row) for board in boards for row in board.rows]


def test_per_seed_gives_a_row_an_evaluation(run_bench: Run, sample_store: Path) -> None:
    out = run_bench("show", "-d", "home", "--per-seed", "--json", "--store", sample_store).out
    alpha = [row for row in json.loads(out) if row["model"] == "alpha"]
    assert sorted(row["accuracy"] for row in alpha) == [0.97, 0.98]
    assert {row["seeds"] for row in alpha} == {1}


def test_the_report_in_json_is_scikit_learns(run_bench: Run, sample_store: Path) -> None:
    out = run_bench("show", "report", "beta", "home", "--json", "--store", sample_store).out
    board = leaderboards(Store(sample_store), test_datasets=["home"])[0]
    row = next(row for row in board.rows if row.model == "beta")
    stored = read_predictions(Store(sample_store).evaluations / row.evaluations[0])
    assert stored.labels is not None
    wanted = classification_report(
        stored.labels.astype(str), stored.predicted.astype(str), output_dict=True
    )
    assert json.loads(out)["report"] == json.loads(json.dumps(wanted, default=float))


def test_the_report_in_json_holds_all_that_the_screen_shows(
    run_bench: Run, sample_store: Path
) -> None:
    asked = ("show", "report", "alpha", "home:people", "--store", sample_store)
    told = json.loads(run_bench(*asked, "--json", "--abstain-below", "0.5").out)
    counts = told["confusion"]["counts"]
    assert sum(map(sum, counts)) == 2 * 24
    assert told["confusion"]["truth"] == list("0123456789")
    assert [each["person"] for each in told["people"]] == ["writer-a", "writer-b", "writer-c"]
    assert told["calibration"]["brier"] > 0
    assert {each["metric"] for each in told["intervals"]} == {"accuracy", "macro F1"}
    assert (len(told["misread"]), told["abstention"]["threshold"]) == (1, 0.5)


def test_the_whole_confusion_matrix_is_a_table(run_bench: Run, sample_store: Path) -> None:
    asked = ("show", "report", "beta", "home", "--confusions", "--store", sample_store)
    rows = list(csv.DictReader(io.StringIO(run_bench(*asked, "--csv").out)))
    assert tuple(rows[0]) == ("truth", "predicted", "count")
    assert sum(int(row["count"]) for row in rows) == 100
    wrong = [row for row in rows if row["truth"] != row["predicted"]]
    assert len(wrong) == len(run_bench(*asked).out.splitlines()) - 2


def test_the_report_in_csv_ends_with_the_averages(run_bench: Run, sample_store: Path) -> None:
    out = run_bench("show", "report", "beta", "home", "--csv", "--store", sample_store).out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["class"] for row in rows[-3:]] == ["accuracy", "macro avg", "weighted avg"]
    assert float(rows[-3]["f1-score"]) == pytest.approx(0.96)


def test_an_ambiguous_report_lists_its_candidates(run_bench: Run, sample_store: Path) -> None:
    ended = run_bench("show", "report", "alpha", "--store", sample_store, prog="script/bench")
    assert ended.code == 2
    assert ended.err == (
        "bench: alpha has several rows: name one of home:away, home:home, home:people; "
        "for example: script/bench show report alpha home:away\n"
    )


def test_a_report_is_named_as_the_leaderboard_shows_its_row(
    run_bench: Run, sample_store: Path
) -> None:
    ended = run_bench("show", "report", "beta (epochs=3)", "home", "--store", sample_store)
    assert ended.out.startswith("beta (epochs=3) on home")


def test_a_mistyped_model_is_told_the_close_ones(run_bench: Run, sample_store: Path) -> None:
    ended = run_bench("show", "report", "alhpa", "--store", sample_store)
    assert (ended.code, ended.err) == (
        2,
        "bench: no results of 'alhpa': did you mean alpha?\n",
    )


def test_a_trial_is_found_by_the_beginning_of_its_id(run_bench: Run, sample_store: Path) -> None:
    prefix = trial_id(sample_store, "beta")[:6]
    out = run_bench("show", "trial", prefix, "--store", sample_store).out
    assert "beta on home · trial" in out
    assert "option epochs" in out
    assert ".825" in out  # the last validation accuracy
    assert "epoch 3" in out  # the log


def test_a_failed_trial_shows_its_traceback(run_bench: Run, sample_store: Path) -> None:
    prefix = trial_id(sample_store, "broken")[:8]
    out = run_bench("show", "trial", prefix, "--store", sample_store).out
    assert "failed" in out.splitlines()[0]
    assert "Traceback (most recent call last):" in out


def test_a_trial_in_json_holds_record_history_evaluations_and_log(
    run_bench: Run, sample_store: Path
) -> None:
    prefix = trial_id(sample_store, "beta")[:8]
    value = json.loads(run_bench("show", "trial", prefix, "--json", "--store", sample_store).out)
    assert value["model"] == "beta"
    assert [epoch["epoch"] for epoch in value["history"]] == [1, 2, 3]
    assert {each["test_dataset"]: each["accuracy"] for each in value["evaluations"]} == {
        "home": 0.96,
        "away": 0.85,
        "people": 0.875,
    }
    assert value["log"].endswith("epoch 3\n")


def test_the_history_in_csv_is_that_of_the_file(run_bench: Run, sample_store: Path) -> None:
    prefix = trial_id(sample_store, "beta")[:8]
    out = run_bench("show", "trial", prefix, "--csv", "--store", sample_store).out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["val_accuracy"]) for row in rows] == pytest.approx([0.575, 0.7, 0.825])


def test_the_matrix_in_json_has_the_drop_from_home(run_bench: Run, sample_store: Path) -> None:
    rows = json.loads(run_bench("show", "matrix", "--json", "--store", sample_store).out)
    away = next(r for r in rows if r["model"] == "beta" and r["test_dataset"] == "away")
    assert away["drop"] == pytest.approx(0.85 - 0.96)


def test_the_matrix_takes_globs(run_bench: Run, sample_store: Path) -> None:
    rows = json.loads(
        run_bench("show", "matrix", "-m", "al*", "--json", "--store", sample_store).out
    )
    assert {row["model"] for row in rows} == {"alpha"}


def test_names_are_neither_markup_nor_control_characters(
    run_bench: Run, sample_store: Path
) -> None:
    out = run_bench("show", "-d", "home", "--store", sample_store, columns=120).out
    assert "[red]odd" in out
    assert "\x1b" not in out


def test_a_missing_store_says_how_to_make_one(run_bench: Run, tmp_path: Path) -> None:
    ended = run_bench("show", prog="script/bench")
    assert ended.code == 2
    assert ended.err == (
        "bench: store results/local: there is no such folder; try script/bench run --all\n"
    )


def test_an_unknown_dataset_names_the_stored_ones(run_bench: Run, sample_store: Path) -> None:
    ended = run_bench("show", "-d", "mnist", "--store", sample_store)
    assert (ended.code, ended.err) == (
        2,
        "bench: no results on 'mnist': the store holds away, home, people\n",
    )


def test_abstention_needs_probabilities(run_bench: Run, sample_store: Path) -> None:
    out = run_bench(
        "show", "report", "alpha", "home", "--abstain-below", ".9", "--store", sample_store
    ).out
    assert "Abstaining below .90: nothing is answered" in out


def test_a_store_that_is_a_file_is_said_so(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no store")
    ended = run_bench("show", "--store", "file")
    assert ended == (2, "", "bench: --store file: it is a file, not a folder\n")
