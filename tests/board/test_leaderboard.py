import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from bench.board.building import per_seed
from bench.board.index import read_index
from bench.board.label_errors import KNOWN
from bench.board.leaderboard import leaderboards
from bench.board.rows import COLUMNS, Board, row_as_dict
from bench.errors import StoreError
from bench.store.layout import Store
from bench.store.record import SCHEMA_VERSION, EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import (
    publish_evaluation,
    publish_trial,
    write_predictions,
    write_split,
)

LABELS = np.arange(200) % 10


def predictions_with(n_wrong: int, *, offset: int = 0) -> np.ndarray[Any, Any]:
    predicted = LABELS.copy()
    wrong = (np.arange(n_wrong) + offset) % len(LABELS)
    predicted[wrong] = (predicted[wrong] + 1) % 10
    return predicted


def add(
    store: Store,
    model: str,
    n_wrong: int = 10,
    *,
    seed: int = 42,
    offset: int = 0,
    config: str = "c",
    train: str = "digits",
    test: str = "digits",
    started_at: str = "2026-01-01",
    evaluation: dict[str, Any] | None = None,
    share: float = 0.91,
    **trial: Any,
) -> str:
    trial_id = f"{model}-{train}-{seed}-{config}"
    if not store.trial(trial_id).exists():
        publish_trial(
            store,
            store.new_work_folder(),
            record(trial_id, model, seed, config, train, started_at, trial),
        )
    folder = store.new_work_folder()
    predicted = predictions_with(n_wrong, offset=offset)
    probabilities = np.full((len(LABELS), 10), 0.01, np.float32)
    probabilities[np.arange(len(LABELS)), predicted] = share
    write_predictions(folder, labels=LABELS, predicted=predicted, probabilities=probabilities)
    fields: dict[str, Any] = {"split_hash": "same", "test_hash": "t"} | (evaluation or {})
    publish_evaluation(
        store,
        folder,
        EvaluationRecord(
            evaluation_id=f"on-{test}-{fields.get('variant', '')}",
            trial_id=trial_id,
            attempt="1",
            test_dataset=test,
            classes=tuple("0123456789"),
            n_test=len(LABELS),
            predict_us_per_image=5.0,
            **fields,
        ),
    )
    return trial_id


def record(
    trial_id: str,
    model: str,
    seed: int,
    config: str,
    train: str,
    started_at: str,
    fields: dict[str, Any],
) -> TrialRecord:
    identity = Identity(
        model=model,
        options={},
        model_source="",
        harness_source="",
        train_hash="",
        seed=seed,
        precision="float32",
        requires={},
    )
    values: dict[str, Any] = {
        "state": State.OK,
        "train_accuracy": 1.0,
        "fit_seconds": 2.0,
        "model_bytes": 1000,
        "parameters": 250,
    } | fields
    return TrialRecord(
        trial_id=trial_id,
        attempt="1",
        config_id=f"{model}-{config}",
        identity=identity,
        model=model,
        train_dataset=train,
        classes=tuple("0123456789"),
        image_shape=(8, 8, 1),
        seed=seed,
        started_at=started_at,
        **values,
    )


def fail(store: Store, model: str, **fields: Any) -> None:
    values = {"state": State.CRASHED, "reason": "segmentation fault (SIGSEGV)"} | fields
    seed = int(values.pop("seed", 42))
    started_at = str(values.pop("started_at", "2026-01-02"))
    attempt = str(values.pop("attempt", "9"))
    failed = record(f"{model}-digits-{seed}-c", model, seed, "c", "digits", started_at, values)
    failed = msgspec.structs.replace(failed, attempt=attempt)
    publish_trial(store, store.new_work_folder(), failed)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def only(boards: Sequence[Board]) -> Board:
    (board,) = boards
    return board


def ranks(board: Board) -> list[tuple[str, str]]:
    return [(row.rank, row.model) for row in board.rows]


def test_an_empty_store_has_no_board(store: Store) -> None:
    assert leaderboards(store) == []


def test_scores_agree_with_scikit_learn(store: Store) -> None:
    add(store, "m", 37)
    (row,) = only(leaderboards(store)).rows
    predicted = predictions_with(37)
    assert row.accuracy == pytest.approx(np.mean(predicted == LABELS))
    assert row.macro_f1 == pytest.approx(f1_score(LABELS, predicted, average="macro"))
    assert row.balanced_accuracy == pytest.approx(balanced_accuracy_score(LABELS, predicted))
    assert row.gap == pytest.approx(1.0 - np.mean(predicted == LABELS))


def test_rows_that_no_test_separates_may_hold_each_others_places(store: Store) -> None:
    add(store, "good", 3)
    add(store, "as-good", 4, offset=100)
    add(store, "bad", 120)
    board = only(leaderboards(store))
    assert ranks(board) == [("1–2", "good"), ("1–2", "as-good"), ("3", "bad")]
    assert [(row.rank_low, row.rank_high) for row in board.rows] == [(1, 2), (1, 2), (3, 3)]
    assert sum(row.first_in_halves or 0 for row in board.rows) == 50
    assert not board.is_of_recipes
    assert board.more_images is not None
    assert board.more_seeds is None


def test_seeds_that_would_separate_the_first_two_come_with_their_time(store: Store) -> None:
    for seed, (a, b) in enumerate(((10, 40), (38, 44), (13, 52))):
        add(store, "good", a, seed=seed)
        add(store, "as-good", b, seed=seed)
    board = only(leaderboards(store))
    assert [row.rank for row in board.rows] == ["1–2", "1–2"]
    assert board.is_of_recipes
    assert board.more_seeds
    seconds = sum(row.fit_seconds or 0 for row in board.rows)
    assert board.more_seconds == pytest.approx(board.more_seeds * seconds)


def test_the_best_of_a_models_variants_says_of_how_many(store: Store) -> None:
    add(store, "m", 10, config="k1", variant="k=1")
    add(store, "m", 5, config="k2", variant="k=2")
    add(store, "m", 7)
    add(store, "other", 60)
    board = only(leaderboards(store))
    assert [(row.variant, row.best_of) for row in board.rows] == [
        ("k=2", 3),
        ("", 0),
        ("k=1", 0),
        ("", 0),
    ]


def test_the_order_is_by_accuracy_though_less_is_known_of_one_row(store: Store) -> None:
    for seed, n_wrong in enumerate((5, 60, 130)):
        add(store, "scattered", n_wrong, seed=seed)
    add(store, "steady", 40, offset=100)
    add(store, "steadier", 50, offset=50)
    rows = only(leaderboards(store)).rows
    assert [row.model for row in rows] == ["steady", "steadier", "scattered"]


def test_a_row_holds_the_mean_over_its_seeds_and_their_spread(store: Store) -> None:
    for seed, n_wrong in ((1, 10), (2, 20), (3, 30)):
        add(store, "m", n_wrong, seed=seed)
    (row,) = only(leaderboards(store)).rows
    assert row.seeds == 3
    assert row.accuracy == pytest.approx(0.9)
    assert row.accuracy_sd_seeds == pytest.approx(0.05)
    assert row.trials == ("m-digits-1-c", "m-digits-2-c", "m-digits-3-c")
    assert "seeds" in row.interval_method


def test_nothing_is_averaged_over_a_missing_value(store: Store) -> None:
    add(store, "m", seed=1, fit_seconds=2.0)
    add(store, "m", seed=2, fit_seconds=None)
    (row,) = only(leaderboards(store)).rows
    assert row.fit_seconds is None


def test_a_failed_seed_is_a_row_of_its_own(store: Store) -> None:
    add(store, "m", seed=1)
    fail(store, "m", seed=2)
    rows = only(leaderboards(store)).rows
    assert [(row.state, row.seeds, row.reason) for row in rows] == [
        (State.OK, 1, ""),
        (State.CRASHED, 1, "segmentation fault (SIGSEGV)"),
    ]
    assert rows[1].accuracy is None


def test_only_the_last_of_several_failures_is_shown(store: Store) -> None:
    add(store, "other")
    fail(store, "m", attempt="1", started_at="2026-01-02", reason="first")
    fail(store, "m", attempt="2", started_at="2026-01-03", reason="second")
    rows = only(leaderboards(store)).rows
    assert [row.reason for row in rows if row.model == "m"] == ["second"]


def test_a_success_clears_an_earlier_failure(store: Store) -> None:
    fail(store, "m", started_at="2026-01-01")
    add(store, "m", started_at="2026-01-02")
    assert [row.state for row in only(leaderboards(store)).rows] == [State.OK]


def test_a_board_where_everything_failed_is_still_shown(store: Store) -> None:
    fail(store, "m")
    assert [(row.model, row.state) for row in only(leaderboards(store)).rows] == [
        ("m", State.CRASHED)
    ]


def test_a_leak_is_marked_and_not_ranked(store: Store) -> None:
    add(store, "honest", 50)
    add(store, "leaky", 0, evaluation={"leaked": 12})
    board = only(leaderboards(store))
    assert ranks(board) == [("1", "honest"), ("", "leaky")]
    assert board.rows[1].leaked == 12


def test_smaller_budgets_stand_under_the_ranked_rows(store: Store) -> None:
    add(store, "a", 50)
    add(store, "b", 0, budget="smoke", variant="smoke")
    add(store, "c", 0, budget="quick", variant="quick")
    assert ranks(only(leaderboards(store))) == [("1", "a"), ("", "c"), ("", "b")]


def test_a_newer_configuration_replaces_the_older_one(store: Store) -> None:
    add(store, "m", 50, config="old", started_at="2026-01-01")
    add(store, "m", 5, config="new", started_at="2026-01-02")
    (row,) = only(leaderboards(store)).rows
    assert row.accuracy == pytest.approx(0.975)


def test_a_row_tested_on_an_older_version_of_the_data_is_not_ranked(store: Store) -> None:
    add(store, "old", 1, started_at="2026-01-01", evaluation={"split_hash": "before"})
    add(store, "new", 5, started_at="2026-01-02")
    board = only(leaderboards(store))
    assert ranks(board) == [("1", "new"), ("", "old")]
    assert board.notes == ("1 not ranked: tested on an older version of digits",)


def test_models_that_give_scores_have_no_log_loss_and_say_why(store: Store) -> None:
    add(store, "m", probabilities="scores")
    (row,) = only(leaderboards(store)).rows
    assert row.metrics["log_loss"] is None
    assert row.not_scored["log_loss"] == "the model gives scores, not probabilities"


def test_five_writers_give_an_interval_between_writers(store: Store) -> None:
    writers = tuple(f"w{i % 5}" for i in range(len(LABELS)))
    write_split(store, "same", tuple(map(str, range(len(LABELS)))), writers)
    add(store, "m")
    (row,) = only(leaderboards(store)).rows
    assert "writers" in row.interval_method


def test_three_writers_speak_of_these_images_only(store: Store) -> None:
    write_split(store, "same", (), tuple(f"w{i % 3}" for i in range(len(LABELS))))
    add(store, "m")
    (row,) = only(leaderboards(store)).rows
    assert row.interval_note == "these images only"


def test_a_damaged_record_is_left_out_and_said(store: Store) -> None:
    add(store, "good")
    trial_id = add(store, "torn")
    (folder,) = store.evaluations.glob(f"{trial_id}--*")
    (folder / "predictions.npz").write_bytes(b"torn")
    board = only(leaderboards(store))
    assert [row.model for row in board.rows] == ["good"]
    assert board.notes == (f"damaged and left out: {folder.name} (why: bench results verify)",)


def test_predictions_of_corrupted_images_stay_off_the_leaderboard(store: Store) -> None:
    add(store, "m", evaluation={"transform": {"corruption": "blur", "strength": 3}})
    assert leaderboards(store) == []


def test_the_second_view_reads_the_index_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, "m")
    first = leaderboards(store)
    monkeypatch.setattr("bench.board.index.read_index", None)
    assert leaderboards(store) == first


def test_the_index_forgets_what_is_gone(store: Store) -> None:
    add(store, "m")
    trial_id = add(store, "gone")
    leaderboards(store)
    for folder in store.evaluations.glob(f"{trial_id}--*"):
        shutil.rmtree(folder)
    shutil.rmtree(store.trial(trial_id))
    assert [row.model for row in only(leaderboards(store)).rows] == ["m"]
    assert len(read_index(store).scores) == 1


def test_a_torn_index_is_made_again(store: Store) -> None:
    add(store, "m")
    first = leaderboards(store)
    for path in store.index.iterdir():
        path.write_bytes(path.read_bytes()[:20])
    assert leaderboards(store) == first


def test_stores_merge_by_copying(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    add(store, "here")
    add(other, "there")
    leaderboards(store)
    for part in ("trials", "evaluations"):
        shutil.copytree(other.root / part, store.root / part, dirs_exist_ok=True)
    assert {row.model for row in only(leaderboards(store)).rows} == {"here", "there"}


def test_the_stable_columns_come_in_the_documented_order(store: Store) -> None:
    add(store, "m")
    (row,) = only(leaderboards(store)).rows
    assert tuple(row_as_dict(row)) == COLUMNS
    assert COLUMNS[:5] == ("test_dataset", "train_dataset", "model", "variant", "rank")
    assert COLUMNS[-3:] == ("trials", "interval_method", "interval_note")


def test_a_line_for_each_evaluation_on_request(store: Store) -> None:
    for seed in (1, 2):
        add(store, "m", seed=seed)
    rows = per_seed(store, test_datasets=["digits"])
    assert [(row.seeds, row.rank) for row in rows] == [(1, ""), (1, "")]
    assert per_seed(store, test_datasets=["other"]) == []


def test_one_board_for_each_test_dataset(store: Store) -> None:
    add(store, "m", test="digits")
    add(store, "m", test="other")
    assert [board.test_dataset for board in leaderboards(store)] == ["digits", "other"]
    assert [b.test_dataset for b in leaderboards(store, test_datasets=["other"])] == ["other"]


def test_where_all_rows_have_a_smaller_budget_they_are_ranked(store: Store) -> None:
    add(store, "a", 5, budget="quick", variant="quick")
    add(store, "b", 100, budget="quick", variant="quick")
    assert ranks(only(leaderboards(store))) == [("1", "a"), ("2", "b")]


def test_rows_on_older_data_do_not_keep_smaller_budgets_from_a_rank(store: Store) -> None:
    add(store, "old", 1, started_at="2026-01-01", evaluation={"split_hash": "before"})
    add(store, "new", 5, started_at="2026-01-02", budget="quick", variant="quick")
    assert ranks(only(leaderboards(store))) == [("", "old"), ("1", "new")]


def set_version(store: Store, trial_id: str, version: int) -> None:
    path = store.trial(trial_id) / "record.json"
    path.write_text(
        path.read_text().replace(
            f'"schema_version": {SCHEMA_VERSION}', f'"schema_version": {version}'
        )
    )


def test_records_of_a_newer_format_are_left_out_and_said(store: Store) -> None:
    add(store, "ours")
    set_version(store, add(store, "newer"), 99)
    board = only(leaderboards(store))
    assert [row.model for row in board.rows] == ["ours"]
    assert board.notes == ("1 records of a newer format are left out: install a newer digitbench",)


def test_a_store_of_a_newer_digitbench_says_what_to_install(store: Store) -> None:
    set_version(store, add(store, "newer"), 99)
    with pytest.raises(StoreError, match="a newer digitbench wrote its records; install a newer"):
        leaderboards(store)


def test_a_store_of_damaged_records_says_how_to_look(store: Store) -> None:
    trial_id = add(store, "torn")
    (store.trial(trial_id) / "record.json").write_bytes(b"{")
    with pytest.raises(StoreError, match="all its records are damaged; see bench results verify"):
        leaderboards(store)


def test_doubtful_labels_say_how_far_they_reach(store: Store) -> None:
    doubts = {"doubtful": (3, 90), "doubtful_source": "some people 2021"}
    add(store, "m", evaluation=doubts)
    board = only(leaderboards(store))
    assert board.doubtful == (3, 90)
    assert (
        "2 of the labels are in doubt (some people 2021): above .9900 ranks are label noise"
    ) in board.notes


def test_doubtful_labels_of_a_known_split_are_said_of_records_that_name_none(store: Store) -> None:
    (known,) = KNOWN
    add(store, "m", evaluation={"test_hash": known, "doubtful": (3,), "doubtful_source": "us"})
    add(store, "n", evaluation={"test_hash": known})
    said = {score.model: score.doubtful for score in read_index(store).scores.values()}
    assert said == {"m": (3,), "n": KNOWN[known].places}


def test_a_single_row_is_first_and_nothing_would_separate_it(store: Store) -> None:
    add(store, "m")
    board = only(leaderboards(store))
    (row,) = board.rows
    assert (row.rank, row.rank_low, row.rank_high) == ("1", 1, 1)
    assert (board.more_seeds, board.more_images, board.inseparable) == (None, None, "")


def test_probabilities_that_are_not_numbers_are_ranked_by_what_was_predicted(store: Store) -> None:
    add(store, "a", 2, share=np.nan)
    add(store, "b", 90)
    board = only(leaderboards(store))
    assert [(row.model, row.rank) for row in board.rows] == [("a", "1"), ("b", "2")]


def test_50_seeds_beside_1_make_a_board(store: Store) -> None:
    for seed in range(50):
        add(store, "many", 5 + seed % 4, seed=seed)
    add(store, "once", 60)
    board = only(leaderboards(store))
    assert [(row.model, row.seeds, row.rank) for row in board.rows] == [
        ("many", 50, "1"),
        ("once", 1, "2"),
    ]
