"""Write ``results/reference`` from a store: the records of a real run without models or images.

Run the trials first, with three seeds, for example::

    BENCH_DATA_DIR=… bench run --all --repeats 3 --store results/full
    python script/make_reference.py results/full results/reference

Probabilities are rounded to 1e-4, so that the whole stays small; the models are left out.
"""

import shutil
import sys
from pathlib import Path

import msgspec
import numpy as np

from bench.store.layout import HISTORY, LOG, PREDICTIONS, Store
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_trial,
    trial_folders,
)
from bench.store.record import State
from bench.store.write import file_hash, write_predictions, write_record

DIGITS = 4
LIMIT_BYTES = 10_000_000


def main(source: Store, target: Store) -> int:
    """Copy every successful trial and its evaluations; return the bytes written."""
    for part in (target.trials, target.evaluations, target.splits):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    for name in trial_folders(source):
        if "--" not in name:
            copy_trial(source, target, name)
    for name in evaluation_folders(source):
        copy_evaluation(source, target, name)
    return sum(path.stat().st_size for path in target.root.rglob("*") if path.is_file())


def copy_trial(source: Store, target: Store, name: str) -> None:
    """Copy a trial's record, history and log."""
    record = read_trial(source.trials / name)
    if record.state is not State.OK:
        return
    folder = target.trials / name
    folder.mkdir()
    for part in (HISTORY, LOG):
        if (source.trials / name / part).exists():
            shutil.copyfile(source.trials / name / part, folder / part)
    files = {part: file_hash(folder / part) for part in (HISTORY, LOG) if (folder / part).exists()}
    extra = {key: value for key, value in record.extra.items() if key != "layers"}
    write_record(folder, msgspec.structs.replace(record, files=files, extra=extra))


def copy_evaluation(source: Store, target: Store, name: str) -> None:
    """Copy an evaluation, its probabilities rounded, and the names of its samples."""
    record = read_evaluation(source.evaluations / name)
    if not (target.trials / record.trial_id).is_dir():
        return
    stored = read_predictions(source.evaluations / name)
    rounded = np.round(stored.probabilities, DIGITS).astype(np.float32)
    folder = target.evaluations / name
    digest = write_predictions(
        folder, labels=stored.labels, predicted=stored.predicted, probabilities=rounded
    )
    write_record(folder, msgspec.structs.replace(record, predictions_sha256=digest))
    assert (folder / PREDICTIONS).exists()
    names = source.splits / f"{record.split_hash}.npz"
    if names.exists():
        shutil.copyfile(names, target.splits / names.name)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python script/make_reference.py STORE TARGET")
    written = main(Store(Path(sys.argv[1])), Store(Path(sys.argv[2])))
    sys.stdout.write(f"{written / 1e6:.1f} MB\n")
    sys.exit(written > LIMIT_BYTES)
