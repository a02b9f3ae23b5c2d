"""What each model costs: the rows of a store, and how far an 8-bit model agrees with its float."""

from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from bench.board.leaderboard import Board, Row, leaderboards
from bench.errors import BenchError, StoreError
from bench.planning.identity import evaluation_id
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions
from bench.store.record import State

__all__ = ["cost_boards", "float_agreement"]


def cost_boards(store: Store, datasets: Sequence[str] = ()) -> list[Board]:
    """Return the boards of a store, or those of `datasets`, with the rows that have a cost.

    Raises
    ------
    BenchError
        If nothing fits.
    """
    wanted = leaderboards(store, test_datasets=datasets or None)
    if not any(row.state is State.OK for board in wanted for row in board.rows):
        raise BenchError("nothing to show", why="no trial that succeeded fits")
    return wanted


def float_agreement(store: Store, rows: Iterable[Row]) -> dict[str, float]:
    """Return the share of images that 8-bit models read as the float models they were made from.

    Returns
    -------
    dict of str to float
        By the name of a row's first evaluation, the mean over its seeds; rows without an 8-bit
        model, and those whose float model was not tested on the same images, are left out.
    """
    found = {}
    for row in rows:
        if "int8" not in row.variant:
            continue
        shares = [_agreement(store, name) for name in row.evaluations]
        known = [each for each in shares if each is not None]
        if known and len(known) == len(shares):
            found[row.evaluations[0]] = fmean(known)
    return found


def _agreement(store: Store, name: str) -> float | None:
    folder = store.evaluations / name
    try:
        record = read_evaluation(folder)
        if "quantize" not in record.transform:
            return None
        rest = {key: value for key, value in record.transform.items() if key != "quantize"}
        plain = evaluation_id(record.trial_id, record.test_hash, rest)
        float_model = read_predictions(store.evaluation(record.trial_id, plain))
        int8_model = read_predictions(folder)
    except StoreError:  # not there, or damaged: bench results verify says so
        return None
    return float(np.mean(float_model.predicted == int8_model.predicted))
