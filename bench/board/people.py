"""How the persons of an own folder, or the photos of whole IDs, were read."""

import numpy as np

from bench.board.rows import PersonReading, Row
from bench.images.sample_names import ids_of
from bench.scoring.report import NOT_READ
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions, read_split

__all__ = ["people_of"]


def people_of(store: Store, row: Row, *, or_all: bool = False) -> list[PersonReading]:
    """Return how each person's digits were read by the row's first seed, in order of names.

    A photo of a whole ID stands for itself, whoever wrote it.

    Parameters
    ----------
    or_all : bool
        Where no person is known, all digits stand under the dataset's name, as one's; otherwise
        nothing is returned then.
    """
    if not row.evaluations:
        return []
    folder = store.evaluations / row.evaluations[0]
    record, predictions = read_evaluation(folder), read_predictions(folder)
    split = read_split(store, record.split_hash)
    ids = ids_of(split.names, split.groups)
    if ids is None and or_all:
        ids = (record.test_dataset,) * len(predictions.predicted)
    if ids is None or len(ids) != len(predictions.predicted):
        return []
    # The last: what was not read stands at -1.
    classes, truths = np.array([*record.classes, NOT_READ]), record.truths
    readings = []
    for person in sorted({*ids} - {""}):
        chosen = np.flatnonzero(np.array(ids) == person)
        read = tuple(classes[predictions.predicted[chosen]].tolist())
        truth = ("?",) * len(read)
        if predictions.labels is not None:
            truth = tuple(classes[predictions.labels[chosen]].tolist())
        readings.append(
            PersonReading(
                person=person,
                writer=split.groups[chosen[0]] if split.groups else "",
                truth=truth,
                read=read,
                whole_id=truths.get(person, ""),
                images=chosen.tolist(),
                names=[split.names[image] for image in chosen] if split.names else (),
            )
        )
    return readings
