import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from bench.board.leaderboard import leaderboards
from bench.board.sides import read_side, resolve_side
from bench.errors import BenchError, StoreError
from bench.scoring.comparisons import parse_gate
from bench.store.layout import Store
from bench.views.compare.pairs import compare_sides

Add = Callable[..., str]
Run = Callable[..., Any]


def test_the_exact_p_value_is_statsmodels(store: Store, add: Add) -> None:
    add(store, "a", range(12))
    add(store, "b", range(8, 40))
    (pair,) = compare_sides("a", "b", store, exact=True).pairs
    assert (pair.comparison.only_a, pair.comparison.only_b) == (28, 8)
    table = [[356, 28], [8, 8]]
    assert pair.comparison.p_value == pytest.approx(mcnemar(table, exact=True).pvalue, abs=1e-9)


def test_two_models_with_the_same_errors_are_not_different(store: Store, add: Add) -> None:
    add(store, "a", 20)
    add(store, "b", 20)
    (pair,) = compare_sides("a", "b", store).pairs
    assert pair.comparison.difference == 0
    assert pair.comparison.p_value == 1
    assert all(each.adjusted == 1 for each in pair.classes)


def test_two_models_without_an_error_are_not_different(store: Store, add: Add) -> None:
    add(store, "a", 0)
    add(store, "b", 0)
    (pair,) = compare_sides("a", "b", store).pairs
    assert pair.comparison.p_value == 1
    assert pair.comparison.interval.low < 0 < pair.comparison.interval.high


def test_one_image_can_be_compared(store: Store, add: Add) -> None:
    one = np.array([3])
    add(store, "a", 0, labels=one)
    add(store, "b", 1, labels=one)
    (pair,) = compare_sides("a", "b", store).pairs
    assert pair.comparison.n_images == 1
    assert not pair.comparison.is_real()


def test_a_class_without_a_test_image_is_not_compared(store: Store, add: Add) -> None:
    labels = np.arange(300) % 9
    add(store, "a", 20, labels=labels)
    add(store, "b", 60, labels=labels)
    (pair,) = compare_sides("a", "b", store).pairs
    nine = pair.classes[9]
    assert (nine.n_test, nine.comparison) == (0, None)


def test_several_seeds_enter_with_their_variance(store: Store, add: Add) -> None:
    rng = np.random.default_rng(0)
    for seed in (1, 2, 3):
        add(store, "a", rng.choice(400, 20, replace=False), seed=seed)
        add(store, "b", rng.choice(400, 60, replace=False), seed=seed)
    (pair,) = compare_sides("a", "b", store).pairs
    assert (pair.comparison.seeds_a, pair.comparison.seeds_b) == (3, 3)
    assert pair.comparison.difference == pytest.approx(0.1)
    assert pair.comparison.is_real()


def test_rows_on_different_test_splits_are_refused_with_the_reason(store: Store, add: Add) -> None:
    add(store, "a", 5)
    add(store, "b", 5, labels=np.arange(100) % 10, split_hash="other")
    with pytest.raises(BenchError, match="A was tested on 400 images, B on 100"):
        compare_sides("a", "b", store)


def test_rows_in_another_image_order_are_refused(store: Store, add: Add) -> None:
    add(store, "a", 5)
    add(store, "b", 5, labels=np.arange(400)[::-1] % 10, split_hash="reversed")
    with pytest.raises(BenchError, match="on different images, or in another order"):
        compare_sides("a", "b", store)


def test_models_that_share_no_test_split_say_what_each_has(store: Store, add: Add) -> None:
    add(store, "a", test="here")
    add(store, "b", test="there")
    with pytest.raises(BenchError, match="share no test split: A was tested on here; B on there"):
        compare_sides("a", "b", store)


def test_an_unknown_side_lists_the_models_with_results(store: Store, add: Add) -> None:
    add(store, "a")
    with pytest.raises(BenchError, match=r"no results of 'nobody': the store holds a$"):
        compare_sides("a", "nobody", store)


def test_a_trial_is_named_by_the_beginning_of_its_id(store: Store, add: Add) -> None:
    add(store, "a", 5, seed=1)
    add(store, "a", 9, seed=2)
    compared = compare_sides("a-digits-1", "a-digits-2", store)
    assert compared.pairs[0].comparison.difference == pytest.approx(0.01)


def test_a_model_with_several_variants_must_be_named_with_one(store: Store, add: Add) -> None:
    add(store, "a", config="1", variant="epochs=1")
    add(store, "a", config="2", variant="epochs=2")
    with pytest.raises(BenchError, match="'a' has several variants"):
        resolve_side("a", store)
    assert len(resolve_side("a (epochs=2)", store).rows) == 1


def test_two_stores_are_compared_model_by_model(store: Store, add: Add, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for place, wrong in ((store, 5), (other, 8)):
        add(place, "a", wrong)
        add(place, "b", wrong + 1)
    compared = compare_sides(str(store.root), str(other.root), store)
    assert [pair.a.row.model for pair in compared.pairs] == ["a", "b"]
    assert compared.verdict is not None
    assert compared.verdict.ties == ("a on digits", "b on digits")


def test_over_datasets_each_is_decided_by_its_own_test(store: Store, add: Add) -> None:
    for test, wrong in (("easy", 90), ("hard", 6)):
        add(store, "a", 5, test=test)
        add(store, "b", wrong, test=test)
    verdict = compare_sides("a", "b", store).verdict
    assert verdict is not None
    assert (verdict.wins, verdict.ties, verdict.losses) == (("easy",), ("hard",), ())


def test_seeds_that_saw_different_images_are_refused(store: Store, add: Add) -> None:
    add(store, "a", seed=1)
    add(store, "a", seed=2, labels=np.arange(400)[::-1] % 10)
    (row,) = resolve_side("a", store).rows
    with pytest.raises(StoreError, match="its seeds saw different images"):
        read_side(store, row)


@pytest.mark.parametrize(
    ("wrong", "on", "passes"),
    [
        pytest.param(10, "interval", True, id="as good"),
        pytest.param(13, "interval", True, id="worse by chance"),
        pytest.param(13, "point", False, id="the estimate lies below"),
        pytest.param(90, "interval", False, id="much worse"),
    ],
)
def test_a_gate_fails_when_the_interval_lies_below_the_margin(
    store: Store, add: Add, wrong: int, on: Any, passes: bool
) -> None:
    add(store, "a", 10)
    add(store, "b", wrong)
    compared = compare_sides("a", "b", store, gate=parse_gate("accuracy >= -0.5pp"), gate_on=on)
    assert compared.is_passed is passes


def test_a_gate_on_another_metric_takes_one_seed(store: Store, add: Add) -> None:
    add(store, "a", 10)
    add(store, "b", 90)
    gate = parse_gate("macro_f1 >= -1pp")
    assert not compare_sides("a", "b", store, gate=gate).is_passed
    add(store, "b", 90, seed=43)
    with pytest.raises(BenchError, match="takes one seed a side"):
        compare_sides("a", "b", store, gate=gate)


def test_the_command_exits_with_3_when_the_gate_fails(
    store: Store, add: Add, run_bench: Run
) -> None:
    add(store, "a", 10)
    add(store, "b", 90)
    ended = run_bench("compare", "a", "b", "--gate", "accuracy >= -1pp", "--store", store.root)
    assert ended.code == 3
    assert "gate          FAILED" in ended.out
    assert "A reads 80 more of 400; more than luck" in ended.out


def test_json_has_the_difference_with_its_interval(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a", 10)
    add(store, "b", 14)
    ended = run_bench("compare", "a", "b", "--json", "--store", store.root)
    (record,) = json.loads(ended.out)
    assert record["difference"] == pytest.approx(0.01)
    assert record["difference_low"] < 0.01 < record["difference_high"]
    assert record["only_a"] == 4


def test_predictions_without_probabilities_that_are_numbers_are_compared_all_the_same(
    store: Store, add: Add, run_bench: Run
) -> None:
    add(store, "a", 10, probabilities=np.full((400, 10), np.nan, np.float32))
    add(store, "b", 14)
    assert run_bench("compare", "a", "b", "--store", store.root).code == 0
    shown = run_bench("show", "metrics", "--store", store.root, columns=120)
    assert "not scored for a: 400 of 400 rows of probabilities are not finite" in shown.out


def test_a_damaged_side_is_an_error_not_a_number(store: Store, add: Add, run_bench: Run) -> None:
    trial = add(store, "a", 10)
    add(store, "b", 14)
    run_bench("show", "--store", store.root)
    (folder,) = store.evaluations.glob(f"{trial}--*")
    (folder / "predictions.npz").write_bytes(b"torn")
    ended = run_bench("compare", "a", "b", "--store", store.root)
    assert ended.code == 2
    assert "predictions.npz" in ended.err
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"wrong_a": 5, "wrong_b": 9}, "one seed a side", id="one-seed"),
        pytest.param({}, "A and B read equally many of 400 right", id="no-error"),
        pytest.param({}, "classes       none differs", id="no-error-in-any-class"),
        pytest.param(
            {"wrong_a": 1, "labels": np.array([4])}, "B reads 1 more of 1; could be luck", id="n=1"
        ),
        pytest.param(
            {"wrong_a": 1, "labels": np.array([4])},
            "no test image of 0, 1, 2, 3, 5, 6, 7, 8, 9",
            id="absent-classes",
        ),
    ],
)
def test_what_limits_a_comparison_is_said_on_the_screen(
    store: Store, add: Add, run_bench: Run, facts: dict[str, Any], said: str
) -> None:
    same = {"labels": facts["labels"]} if "labels" in facts else {}
    add(store, "a", facts.get("wrong_a", 0), **same)
    add(store, "b", facts.get("wrong_b", 0), **same)
    ended = run_bench("compare", "a", "b", "--store", store.root, columns=120)
    assert ended.code == 0
    assert said in " ".join(ended.out.split("\n                ")), ended.out


def test_the_same_trials_are_called_the_same(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a", 5)
    out = run_bench("compare", "a", "a", "--store", store.root, columns=120).out
    assert "A and B are the same trials" in out


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_what_only_one_of_two_stores_has_is_said(
    store: Store, add: Add, run_bench: Run, tmp_path: Path, how: list[str]
) -> None:
    other = Store(tmp_path / "other")
    add(store, "a", 5)
    add(store, "lost", 5, variant="epochs=3")
    add(other, "a", 5)
    ended = run_bench(
        "compare", store.root, other.root, "--gate", "accuracy >= 0", *how, columns=100
    )
    assert ended.code == 0
    assert "not compared: digits: lost (epochs=3) is only in A" in (ended.err if how else ended.out)


def test_two_stores_without_a_row_in_common_say_so(store: Store, add: Add, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    add(store, "a", 5)
    add(other, "b", 5)
    with pytest.raises(BenchError, match="hold no row in common"):
        compare_sides(str(store.root), str(other.root), store)


def test_a_store_is_compared_with_a_model_by_what_it_has_of_it(
    store: Store, add: Add, tmp_path: Path
) -> None:
    other = Store(tmp_path / "other")
    add(store, "a", 5)
    for model in ("a", "b"):
        add(other, model, 9)
    (pair,) = compare_sides(str(other.root), "a", store).pairs
    assert (pair.a.row.model, pair.b.row.model) == ("a", "a")
    assert pair.comparison.accuracy_a < pair.comparison.accuracy_b


def test_every_pair_counts_in_the_verdict(store: Store, add: Add, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for place in (store, other):
        add(place, "a", 5)
        add(place, "a", 6, config="v", variant="epochs=3")
    compared = compare_sides(str(store.root), str(other.root), store)
    assert compared.verdict is not None
    assert compared.verdict.ties == ("a on digits", "a (epochs=3) on digits")


def test_pairs_that_differ_in_what_b_was_trained_on_are_told_apart(
    store: Store, add: Add, run_bench: Run
) -> None:
    add(store, "a", 5, train="one", test="away")
    for train in ("two", "three"):
        add(store, "b", 9, train=train, test="away")
    ended = run_bench("compare", "a", "b", "--json", "--store", store.root)
    records = json.loads(ended.out)
    assert len(records) == 2
    assert all(record["p_value_over_comparisons"] > record["p_value"] for record in records)
    out = run_bench("compare", "a", "b", "--store", store.root, columns=120).out
    assert "(B trained on two)" in out
    assert "(B trained on three)" in out


def test_json_has_every_class_with_its_corrected_p_value(
    store: Store, add: Add, run_bench: Run
) -> None:
    add(store, "a", 0)
    add(store, "b", range(3, 400, 10))
    (record,) = json.loads(run_bench("compare", "a", "b", "--json", "--store", store.root).out)
    three = next(each for each in record["classes"] if each["class"] == "3")
    assert three["difference"] == 1
    assert three["p_value"] < three["p_value_over_classes"] < 0.001
    csv = run_bench("compare", "a", "b", "--csv", "--store", store.root).out
    assert "classes" not in csv.splitlines()[0]


def add_seeds(
    store: Store, add: Add, model: str, counts: "tuple[int, ...]", first: int = 0
) -> None:
    """Add a row whose seeds misread so many images from `first` on."""
    for seed, n_wrong in enumerate(counts):
        add(store, model, range(first, first + n_wrong), seed=seed)


def test_the_verdict_is_that_of_the_board(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a", 10)
    add(store, "b", 16)
    for i in range(4):
        add(store, f"other-{i}", range(i, 300 + i))
    board = next(each for each in leaderboards(store) if each.test_dataset == "digits")
    (pair,) = compare_sides("a", "b", store).pairs
    assert pair.board is not None
    assert pair.board.p_value == board.p_value(pair.a.row, pair.b.row)
    assert pair.board.n_rows == 6
    assert not pair.is_real
    said = " ".join(run_bench("compare", "a", "b", "--store", store.root).out.split())
    assert "verdict could be luck (p = .11 over all pairs of the board's 6 rows)" in said
    assert (
        "pair alone more than luck (p = .016): among many pairs some differ by chance, so the "
        "board asks for more"
    ) in said


def test_what_the_board_knows_of_the_spread_over_seeds_is_the_reason_it_decides_more(
    store: Store, add: Add, run_bench: Run
) -> None:
    for i in range(9):
        add_seeds(store, add, f"other-{i}", (300, 304), first=i)
    add_seeds(store, add, "a", (10, 44))
    add_seeds(store, add, "b", (100, 134))
    (pair,) = compare_sides("a", "b", store).pairs
    said = " ".join(run_bench("compare", "a", "b", "--store", store.root).out.split())
    assert (pair.is_real, pair.comparison.is_real()) == (True, False), said
    assert "a few seeds say little about their spread" in said


def test_another_model_on_the_board_never_flips_a_gate(store: Store, add: Add) -> None:
    add(store, "a", 10)
    add(store, "b", 22)
    gate = parse_gate("accuracy >= -1pp")
    (before,) = compare_sides("a", "b", store, gate=gate).pairs
    for i in range(6):
        add(store, f"other-{i}", range(i, 30 + i))
    (after,) = compare_sides("a", "b", store, gate=gate).pairs
    assert (after.board, after.gate, after.p_value) == (None, before.gate, before.p_value)
    assert after.alone == "a gate holds the pair alone, so that no other row can flip it"


def test_two_stores_are_decided_by_the_pair_alone(store: Store, add: Add, tmp_path: Path) -> None:
    add(store, "a", 10)
    other = tmp_path / "other"
    shutil.copytree(store.root, other)
    (pair,) = compare_sides(str(store.root), str(other), store).pairs
    assert pair.board is None
    assert pair.alone == "rows of two stores stand on no common board"


def test_a_row_without_a_rank_is_decided_by_the_pair_alone(store: Store, add: Add) -> None:
    add(store, "a", 10)
    add(store, "b", 30, evaluation={"leaked": 3})
    (pair,) = compare_sides("a", "b", store).pairs
    assert pair.board is None
    assert pair.alone == "not both are rows with a rank on one board"


def test_json_says_what_decided(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a", 10)
    add(store, "b", 60)
    (record,) = json.loads(run_bench("compare", "a", "b", "--json", "--store", store.root).out)
    assert (record["decided_by"], record["board_rows"]) == ("board", 2)
    assert record["p_value_on_board"] == pytest.approx(record["p_value"])
    assert record["is_real"] is record["is_real_alone"] is True
