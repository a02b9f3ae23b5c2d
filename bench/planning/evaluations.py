"""The evaluations of a trial: a task for each test split, told apart where content is the same."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from bench.errors import BenchError, StoreError
from bench.loading.refs import LoadedDataset
from bench.planning.shelf import Shelf
from bench.planning.task import EvaluationTask
from bench.store.ids import evaluation_id
from bench.store.read import read_evaluation
from bench.store.variant import Variant

__all__ = ["evaluation_of", "told_apart"]


def evaluation_of(
    trial: str,
    train_dataset: str,
    classes: Sequence[str],
    test: LoadedDataset,
    transform: Mapping[str, str | int | float] = MappingProxyType({}),
) -> EvaluationTask:
    """Return the task of evaluating a trial, whose columns are `classes`, on one test split."""
    if test.test is None:  # the caller has left those out
        raise BenchError(f"{test.name} has no test split")
    return EvaluationTask(
        evaluation_id=evaluation_id(trial, test.test.content_hash, transform),
        test_dataset=test.name,
        test_embedded=test.embedded,
        split=test.test,
        class_columns=tuple(classes.index(name) for name in test.classes),
        evaluation_only=test.is_evaluation_only,
        own=test.name == train_dataset,
        variant=Variant(quantize=str(transform.get("quantize", ""))).words,
        transform=dict(transform),
        truths=dict(test.truths),
        label_errors=test.label_errors,
        label_errors_source=test.label_errors_source,
    )


def told_apart(
    evaluations: Iterable[EvaluationTask], trial: str, shelf: Shelf
) -> tuple[EvaluationTask, ...]:
    """Give datasets of one content evaluations of their own, so that each has its row.

    An evaluation is known by the content of its images. Where another dataset's evaluation has
    that identity already, in the store or before it, the dataset's name enters as well.
    """
    names: dict[str, str] = {}
    apart = []
    for each in evaluations:
        held = _stored_name(shelf, trial, each) if each.evaluation_id not in names else ""
        holder = names.setdefault(each.evaluation_id, held or each.test_dataset)
        if holder != each.test_dataset:
            extra = {**each.transform, "test_dataset": each.test_dataset}
            key = evaluation_id(trial, each.split.content_hash, extra)
            each = msgspec.structs.replace(each, evaluation_id=key)
        apart.append(each)
    return tuple(apart)


def _stored_name(shelf: Shelf, trial: str, evaluation: EvaluationTask) -> str:
    if not shelf.has_evaluation(trial, evaluation.evaluation_id):
        return ""
    try:
        return read_evaluation(shelf.store.evaluation(trial, evaluation.evaluation_id)).test_dataset
    except StoreError:  # damaged: it is set aside and made again
        return ""
