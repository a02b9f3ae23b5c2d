import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.board.boards import Boards
from bench.errors import StoreError
from bench.store.layout import Store
from bench.views.errors.analysis import analyse_errors

Add = Callable[..., str]
Run = Callable[..., Any]


def test_an_image_that_every_model_misreads_is_the_hardest(store: Store, add: Add) -> None:
    for model, wrong in (("a", [3, 5]), ("b", [3, 6]), ("c", [3, 5])):
        add(store, model, wrong)
    (found,) = analyse_errors(Boards(store=store))
    assert [(h.image, h.n_wrong) for h in found.hardest] == [(3, 3), (5, 2)]


def test_images_that_only_one_model_reads_right_are_named(store: Store, add: Add) -> None:
    add(store, "a", [1, 2])
    add(store, "b", [1])
    (found,) = analyse_errors(Boards(store=store))
    alone = dict(zip(found.models, found.alone, strict=True))
    assert alone == {"a": (), "b": (2,)}


def test_a_model_far_below_the_best_is_not_counted(
    store: Store, add: Add, labels: npt.NDArray[np.int64], run_bench: Run
) -> None:
    for model, wrong in (("a", [1, 7]), ("b", [7, 9]), ("c", [7])):
        add(store, model, wrong)
    add(store, "always-7", predicted=np.full_like(labels, 7))
    (found,) = analyse_errors(Boards(store=store))
    assert dict(zip(found.models, found.is_counted, strict=True))["always-7"] is False
    assert found.alone[found.models.index("always-7")] == ()
    assert [(h.image, h.n_models) for h in found.hardest] == [(7, 3)]
    assert {(c.true, c.predicted) for c in found.confusions} == {("1", "2"), ("7", "8"), ("9", "0")}
    assert found.oracle_accuracy == pytest.approx(399 / 400)
    assert len(found.agreement) == 4
    out = run_bench("show", "errors", "--store", store.root).out
    assert "not counted: reads less than half of what the best does" in out


def test_the_oracle_errs_only_where_all_do(store: Store, add: Add) -> None:
    add(store, "a", [1, 2, 3, 4])
    add(store, "b", [1, 5, 6, 7])
    add(store, "c", [1, 8, 9])
    (found,) = analyse_errors(Boards(store=store))
    assert found.oracle_accuracy == pytest.approx(399 / 400)
    assert found.vote_accuracy == pytest.approx(399 / 400)


def test_a_label_that_good_models_confidently_contradict_is_suspect(
    store: Store, add: Add, labels: npt.NDArray[np.int64]
) -> None:
    for model in ("a", "b", "c"):
        add(store, model, [12])
    add(store, "always-7", predicted=np.full_like(labels, 7))
    (found,) = analyse_errors(Boards(store=store))
    assert [(s.image, s.label, s.suggested) for s in found.suspects] == [(12, 2, 3)]


def test_an_unsure_contradiction_is_no_evidence(store: Store, add: Add) -> None:
    for model in ("a", "b", "c"):
        add(store, model, [12], confidence=0.6)
    (found,) = analyse_errors(Boards(store=store))
    assert found.suspects == ()


def test_two_models_are_no_evidence_against_a_label(store: Store, add: Add, run_bench: Run) -> None:
    for model in ("a", "b"):
        add(store, model, [12])
    out = run_bench("show", "errors", "--store", store.root).out
    assert "it takes 3 good models that know their confidence, here are 2" in out


def test_agreement_is_the_share_of_images_read_the_same(store: Store, add: Add) -> None:
    add(store, "a", range(40))
    add(store, "b", range(80))
    (found,) = analyse_errors(Boards(store=store))
    assert found.agreement == pytest.approx(np.array([[1, 0.9], [0.9, 1]]))
    assert found.overlap[0, 1] == pytest.approx(0.5)


def test_models_without_an_error_have_no_overlap(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a")
    add(store, "b")
    out = run_bench("show", "errors", "--json", "--store", store.root).out
    (found,) = json.loads(out)
    assert found["error_overlap"] == [[None, None], [None, None]]
    text = run_bench("show", "errors", "--store", store.root).out
    assert "none: every model reads every image right" in text


def test_rows_on_other_images_and_unranked_ones_are_left_out_and_said(
    store: Store, add: Add
) -> None:
    add(store, "old", 3, split_hash="before", started_at="2025-01-01")
    add(store, "leaky", 0, evaluation={"leaked": 4})
    add(store, "a", 3)
    (found,) = analyse_errors(Boards(store=store))
    assert found.models == ("a",)
    assert found.notes == (
        "1 rows left out: tested on other images, or in another order",
        "1 rows left out: not ranked (a leak, or trained on less)",
    )


def test_a_class_absent_from_the_truth_is_no_trouble(store: Store, add: Add) -> None:
    add(store, "a", 30, labels=np.arange(90) % 9)
    (found,) = analyse_errors(Boards(store=store))
    assert {c.true for c in found.confusions} <= set("012345678")


def test_a_single_image_can_be_analysed(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "a", 1, labels=np.array([4]))
    ended = run_bench("show", "errors", "--store", store.root)
    assert ended.code == 0
    assert "4 read as 5: 1 time (1 of 1 models)" in ended.out


def test_probabilities_that_are_not_numbers_give_no_suspects(store: Store, add: Add) -> None:
    nothing = np.full((400, 10), np.nan, np.float32)
    for model in ("a", "b", "c"):
        add(store, model, [12], probabilities=nothing)
    (found,) = analyse_errors(Boards(store=store))
    assert (found.suspects, found.n_witnesses) == ((), 0)


def test_a_label_that_people_doubt_is_marked_on_screen_and_in_the_columns(
    store: Store, add: Add, labels: npt.NDArray[np.int64], run_bench: Run
) -> None:
    doubts = {"doubtful": (12,), "doubtful_source": "some people 2021"}
    for model in ("a", "b", "c"):
        add(store, model, [12, 30], evaluation=doubts)
    add(store, "always-7", predicted=np.full_like(labels, 7), evaluation=doubts)

    text = " ".join(run_bench("show", "errors", "--store", store.root, columns=200).out.split())
    lines = run_bench("show", "errors", "--csv", "--store", store.root).out.splitlines()

    # Once among the hard images, once among the likely label errors.
    assert text.count("label doubted by people") == 2
    assert re.search(r"3 models, ≥ \.\d\d, label doubted by people", text)
    place = lines[0].split(",").index("is_doubtful")
    marked = {line.split(",")[1]: line.split(",")[place] for line in lines[1:]}
    assert (marked["12"], marked["30"]) == ("True", "False")


def test_models_trained_elsewhere_are_named_with_where(store: Store, add: Add) -> None:
    add(store, "a", 3, train="mnist", test="digits")
    (found,) = analyse_errors(Boards(store=store))
    assert found.models == ("a ← mnist",)


def test_an_unknown_dataset_lists_the_known_ones(store: Store, add: Add) -> None:
    add(store, "a")
    with pytest.raises(StoreError, match="no results on 'nowhere': the store holds digits"):
        analyse_errors(Boards(store=store, datasets=["nowhere"]))


def test_the_csv_has_a_line_for_each_hard_image(store: Store, add: Add, run_bench: Run) -> None:
    names = tuple(f"{i}.png" for i in range(400))
    for model in ("a", "b", "c"):
        add(store, model, [12], names=names, split_hash="named")
    out = run_bench("show", "errors", "--csv", "--store", store.root).out
    header, line = out.splitlines()
    assert header.startswith("test_dataset,image,name,truth")
    assert line.startswith("digits,12,12.png,2,3,3,3,3,False,3,0.9")


def test_what_was_not_read_is_called_so(
    store: Store, add: Add, labels: npt.NDArray[np.int64], run_bench: Run
) -> None:
    unread = labels.copy()
    unread[[9, 19]] = -1
    for model in ("a", "b", "c"):
        add(store, model, predicted=unread)
    (found,) = analyse_errors(Boards(store=store))
    assert [(c.true, c.predicted, c.count) for c in found.confusions] == [("9", "nothing", 6)]
    assert found.suspects == ()
    out = run_bench("show", "errors", "--store", store.root).out
    assert "9 read as nothing: 6 times" in out


def test_models_of_several_seeds_are_said_to_stand_by_their_first(
    store: Store, add: Add, run_bench: Run
) -> None:
    words = "models of several seeds stand here by their first"
    add(store, "a", 5, seed=1)
    assert words not in run_bench("show", "errors", "--store", store.root).out
    add(store, "a", 9, seed=2)
    assert words in run_bench("show", "errors", "--store", store.root).out
