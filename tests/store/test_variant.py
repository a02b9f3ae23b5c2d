"""A variant is a value; its words are made of it, and an earlier record's are explained by it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.store.layout import Store
from bench.store.read import read_evaluation, read_trial
from bench.store.record import TrialRecord, variant_of
from bench.store.variant import Variant

HERE = Path(__file__).parent
STORES = [HERE.parents[1] / "results" / "reference", HERE / "format_1" / "store"]

WORDED: list[tuple[Variant, str]] = [
    (Variant(), ""),
    (Variant(budget="quick"), "quick"),
    (
        Variant(budget="smoke", options={"epochs": 2, "augment": "rotation-and-zoom"}),
        "smoke, epochs=2, augment=rotation-and",
    ),
    (Variant(options={"train_images": 400}, precision="bfloat16"), "train_images=400, bfloat16"),
    (Variant(options={"c": 0.5, "flag": True}), "c=0.5, flag=1"),
    (Variant(is_shipped=True, quantize="int8"), "shipped, int8"),
    (Variant(is_fine_tuned=True, fold=2, n_folds=3), "fine-tuned, fold 2 of 3"),
]


@pytest.mark.parametrize(
    ("variant", "words"), [pytest.param(*each, id=each[1] or "defaults") for each in WORDED]
)
def test_one_function_words_a_variant(variant: Variant, words: str) -> None:
    assert variant.words == words
    assert msgspec.json.decode(msgspec.json.encode(variant), type=Variant) == variant


def record(**facts: Any) -> TrialRecord:
    folder = next(iter(sorted(Store(STORES[0]).trials.iterdir())))
    read = read_trial(folder)
    options = facts.pop("options", {})
    identity = msgspec.structs.replace(read.identity, options=options)
    return msgspec.structs.replace(read, identity=identity, **facts)


def test_the_words_of_an_earlier_record_are_explained_by_its_fields() -> None:
    told = record(
        variant="quick, epochs=2, c=0.5", options={"epochs": 2, "c": 0.5, "k": 5}, budget="quick"
    )
    expected = Variant(budget="quick", options={"epochs": 2, "c": 0.5})
    assert variant_of(told) == expected
    assert variant_of(told).words == told.variant


def test_words_that_no_field_explains_are_kept() -> None:
    told = record(variant="k=7, strange", options={"k": 5})
    assert variant_of(told) == Variant(other=("k=7", "strange"))
    assert variant_of(told).words == told.variant


def test_a_record_with_the_value_is_not_read_by_its_words() -> None:
    told = record(variant="shipped", differs=Variant(options={"k": 9}))
    assert variant_of(told, {"quantize": "int8"}).words == "k=9, int8"


@pytest.mark.parametrize("root", [pytest.param(each, id=each.parent.name) for each in STORES])
def test_every_stored_record_has_the_words_that_it_had(root: Path) -> None:
    store = Store(root)
    trials = {folder.name: read_trial(folder) for folder in store.trials.iterdir()}
    assert trials
    for trial in trials.values():
        assert variant_of(trial).words == trial.variant
    for folder in store.evaluations.iterdir():
        evaluation = read_evaluation(folder)
        trial = trials[evaluation.trial_id]
        had = ", ".join(words for words in (trial.variant, evaluation.variant) if words)
        if "corruption" not in evaluation.transform:
            assert variant_of(trial, evaluation.transform).words == had


def test_a_row_without_its_number_of_training_images_is_the_same_row() -> None:
    some = Variant(options={"train_images": 400, "epochs": 3})
    assert some.is_partial
    assert some.of_any_size() == Variant(options={"epochs": 3})
