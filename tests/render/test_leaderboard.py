"""The leaderboard of boards made by hand: what is said, marked, cut and hinted."""

from typing import Any

import pytest
from rich.console import Console

from bench.board.rows import Board, Row
from bench.store.record import State
from bench.views.leaderboard.drawing import ROWS_SHOWN, board_view, closing_lines


def row(model: str, **facts: Any) -> Row:
    """Return a ranked row on digits."""
    values: dict[str, Any] = {
        "test_dataset": "digits",
        "train_dataset": "digits",
        "rank": "1",
        "accuracy": 0.9,
        "seeds": 1,
        "n_test": 100,
        "trials": ("abcdef0123456789",),
    }
    return Row(model=model, **(values | facts))


def screen(board: Board, width: int = 120, **options: Any) -> list[str]:
    """Return the lines of a board."""
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(board_view(board, width, **options))
    return capture.get().splitlines()


def board(*rows: Row, **facts: Any) -> Board:
    """Return a board of 100 images."""
    values: dict[str, Any] = {"test_dataset": "digits", "n_test": 100}
    return Board(rows=rows, **(values | facts))


def test_the_best_thirty_are_shown_and_the_rest_counted() -> None:
    rows = [row(f"model-{index:02}", rank=str(index + 1)) for index in range(35)]
    lines = screen(board(*rows))
    assert sum("model-" in line for line in lines) == ROWS_SHOWN
    assert " … 5 more rows: --all-rows" in lines
    assert sum("model-" in line for line in screen(board(*rows), all_rows=True)) == 35


def test_evaluation_only_data_has_a_row_a_model_its_best_and_the_rest_counted() -> None:
    rows = [
        row(model, train_dataset=trained, accuracy=accuracy)
        for model, trained, accuracy in (
            ("a", "mnist", 0.9),
            ("b", "usps", 0.8),
            ("a", "usps", 0.7),
            ("b", "mnist", 0.6),
        )
    ]
    shown = board(*rows, evaluation_only=True)
    lines = screen(shown)
    assert [line.split()[1:3] for line in lines[2:4]] == [["a", "mnist"], ["b", "usps"]]
    assert " … 2 more rows (other training data): --all-rows" in lines
    assert len(screen(shown, all_rows=True)) == len(lines) + 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"balanced_accuracy": 0.1, "train_accuracy": 0.11}, True, id="one class"),
        pytest.param({"balanced_accuracy": 0.1, "train_accuracy": 0.2}, True, id="most"),
        pytest.param({"balanced_accuracy": 0.1, "train_accuracy": 0.99}, False, id="overfitted"),
        pytest.param({"balanced_accuracy": 0.3, "train_accuracy": 0.4}, False, id="weak"),
        pytest.param(
            {"balanced_accuracy": 0.1, "train_accuracy": 0.1, "parameters": None},
            False,
            id="the floor",
        ),
    ],
)
def test_a_row_at_chance_on_its_own_training_images_did_not_learn(
    facts: dict[str, Any], said: bool
) -> None:
    values = {"parameters": 1_000, "n_classes": 10, "accuracy": 0.1} | facts
    text = "\n".join(screen(board(row("net", **values)), width=200))
    assert ("did not learn" in text) is said
    assert ("--set net.epochs=30" in text) is said


def test_a_board_says_once_that_networks_trained_for_a_first_look() -> None:
    rows = [row(name, train_embedded="small", parameters=10) for name in ("a", "b")]
    text = " ".join(screen(board(*rows)))
    assert text.count("for a first look") == 1
    assert "for a first look" not in " ".join(screen(board(row("a", parameters=10))))


def test_several_training_datasets_have_a_column() -> None:
    lines = screen(board(row("a"), row("b", train_dataset="mnist")))
    assert lines[1].split()[:4] == ["rank", "model", "trained", "on"]
    assert lines[3].split()[:3] == ["1", "b", "mnist"]


def test_a_large_test_split_has_a_fourth_decimal() -> None:
    lines = screen(board(row("a", accuracy=0.99163), n_test=10_000))
    assert ".9916" in lines[2]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({"leaked": 1, "rank": ""}, "leak: 1 image", id="leak"),
        pytest.param({"near_duplicates": 3}, "near-duplicates: 3", id="near"),
        pytest.param({"labelled": False, "rank": ""}, "no labels", id="unlabelled"),
        pytest.param({"retries": 2}, "retried 2 ×", id="retried"),
        pytest.param({"budget": "smoke", "rank": ""}, "budget smoke", id="budget"),
    ],
)
def test_what_is_special_about_a_row_is_said(facts: dict[str, Any], text: str) -> None:
    assert text in screen(board(row("a", **facts)))[2]


def test_the_way_to_score_without_duplicates_is_named_until_it_is_taken() -> None:
    leaky = row("a", leaked=2, rank="")
    for excludes, is_named in ((False, True), (True, False)):
        words = " ".join(" ".join(screen(board(leaky, excludes_duplicates=excludes))).split())
        assert ("bench show --exclude-duplicates scores without them." in words) is is_named


@pytest.mark.parametrize(
    ("state", "reason", "text"),
    [
        pytest.param(
            State.OUT_OF_MEMORY,
            "4.1 GB used",
            "out of memory: 4.1 GB used (bench show trial abcdef01)",
            id="memory",
        ),
        pytest.param(
            State.INTERRUPTED,
            "interrupted",
            "interrupted (bench show trial abcdef01)",
            id="stopped",
        ),
        pytest.param(State.TIMEOUT, "", "timeout (bench show trial abcdef01)", id="no-reason"),
    ],
)
def test_a_trial_that_failed_is_a_row_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, state: State, reason: str, text: str
) -> None:
    monkeypatch.setenv("BENCH_PROG", "bench")
    failed = row("a", state=state, reason=reason, rank="", accuracy=None)
    assert screen(board(failed))[2] == f" –     a      {text}"


def test_ranks_are_explained_with_what_would_separate_the_first_two() -> None:
    facts = {"more_images": 2_893, "more_seeds": 4, "more_seconds": 730.0}
    text = " ".join(screen(two(method="paired tests of all pairs, 5 %", **facts), width=400))
    assert (
        "rank: the places a row may hold on these 100 images (paired tests of all pairs, 5 %)."
    ) in text
    assert (
        "To separate the first two takes at least about 4 more seeds of each (12 min of training) "
        "or 2,900 more images."
    ) in text


def two(**facts: Any) -> Board:
    """Return a board of two rows that share their places."""
    places: dict[str, Any] = {"rank": "1–2", "rank_low": 1, "rank_high": 2}
    return board(row("a", **places, first_in_halves=31), row("b", **places), **facts)


def test_one_image_is_one_image() -> None:
    text = " ".join(screen(two(n_test=1)))
    assert "test split, 1 image ·" in text
    assert "on this image." in text


def test_leaders_that_nothing_separates_are_told_why() -> None:
    why = "they read equally many right"
    text = " ".join(screen(two(inseparable=why), width=400))
    assert f"Neither more seeds nor more images would separate the first two: {why}." in text


def test_seeds_where_images_alone_would_not_do_are_asked_for() -> None:
    text = " ".join(screen(two(more_seeds=1), width=400))
    assert (
        "To separate the first two takes at least about 1 more seed of each; more images alone "
        "would not."
    ) in text


def test_how_steadily_the_leader_leads_is_one_number() -> None:
    text = " ".join(screen(two(), width=200))
    assert "The leader stays first in 31 of 50 halves of the test set." in text


def test_one_seed_ranks_these_trained_models_only() -> None:
    assert "; one seed: these trained models, not the recipe." in " ".join(
        screen(two(is_of_recipes=False), width=200)
    )
    assert "one seed" not in " ".join(screen(two(), width=200))


def test_a_row_of_one_seed_among_others_takes_their_spread() -> None:
    text = " ".join(screen(two(borrowed=("a",)), width=200))
    assert "One seed of a: the spread of the other rows is taken." in text


def test_a_spread_far_from_the_others_is_named() -> None:
    wild = board(row("a"), row("b", spreads_far=True))
    text = " ".join(screen(wild, width=200))
    assert "The seeds of b differ far more than those of the other rows" in text


def test_the_best_of_several_variants_says_so() -> None:
    assert "best of 3" in screen(board(row("a", best_of=3), row("b")))[2]


def test_a_board_of_one_row_speaks_of_no_ranks() -> None:
    assert "rank:" not in " ".join(screen(board(row("a"))))


def test_methods_of_intervals_are_named_once() -> None:
    rows = [
        row("a", interval_method="Wilson", interval_note="these images only"),
        row("b", interval_method="Wilson, Poisson limit as few are wrong"),
    ]
    text = " ".join(screen(board(*rows), width=400))
    assert (
        "[ ] is the 95 % interval (Wilson; Poisson limit as few are wrong), of these images only."
    ) in text


def test_embedded_data_is_named_and_how_to_get_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PROG", "script/bench")
    lines = closing_lines([board(row("a", train_embedded="tiny scans"))])
    assert lines == [
        "These models saw only small embedded data (tiny scans). For photos of your own digits get "
        "MNIST first: script/bench data fetch mnist",
        "Look closer: script/bench show report a digits · script/bench show matrix",
    ]


def test_real_data_needs_no_such_line() -> None:
    boards = [board(row("a", train_embedded="tiny scans"), row("b"))]
    assert not any("embedded" in line for line in closing_lines(boards))


def test_a_board_of_failures_has_no_report_to_look_at() -> None:
    failed = row("a", state=State.FAILED, reason="x", rank="", accuracy=None)
    assert closing_lines([board(failed)]) == []


def test_a_variant_stands_behind_the_model() -> None:
    assert row("a", variant="epochs=3").label == "a (epochs=3)"


@pytest.mark.parametrize(
    ("rank", "is_said"), [pytest.param("", True, id="unranked"), pytest.param("2", False, id="all")]
)
def test_a_smaller_budget_is_called_unranked_only_where_it_is(rank: str, is_said: bool) -> None:
    smoke = row("b", budget="smoke", variant="smoke", rank=rank)
    text = " ".join(screen(board(row("a"), smoke)))
    assert ("Rows of a smaller budget (smoke) are not ranked." in text) is is_said


def test_a_board_of_failures_counts_no_images_and_ends_with_them() -> None:
    failed = row("a", state=State.FAILED, reason="x", rank="", accuracy=None)
    lines = screen(board(failed, n_test=0))
    assert lines[0] == "digits · test split · trained on digits"
    assert lines[-1].strip().startswith("–     a")


def test_how_far_training_is_ahead_outlives_size_and_time() -> None:
    facts: dict[str, Any] = {
        "accuracy_low": 0.88,
        "accuracy_high": 0.92,
        "macro_f1": 0.9,
        "train_accuracy": 1.0,
        "parameters": 887_530,
        "model_bytes": 3_550_120,
        "fit_seconds": 18.2,
        "predict_us_per_image": 130.0,
    }
    rows = [
        row("cnn-mnist-wide-augmented", variant="smoke", train_dataset=name, **facts)
        for name in ("mnist", "digits-uci")
    ]
    narrow = screen(board(*rows), width=80)
    assert "gap" in narrow[1]
    assert "size" not in narrow[1]
    assert "cnn-mnist-wide-augmented" in narrow[2]
    wide = screen(board(*rows), width=120)[1]
    assert "gap" in wide
    assert "fit" in wide
