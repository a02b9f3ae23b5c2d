"""Write a trained model into the package, so that it reads photos without any training.

Train it first on a quiet machine, then copy its trial::

    bench run -m cnn-robust -d mnist --store results/shipped
    python script/make_shipped.py results/shipped cnn-robust

The record says how it was trained and with which command.
"""

import shutil
import sys
from hashlib import blake2b
from pathlib import Path

import msgspec

from bench.store.layout import HISTORY, LOG, MODEL, Store
from bench.store.read import read_trial, trial_folders
from bench.store.record import State, TrialRecord
from bench.store.write import file_hash, write_record

TARGET = Path(__file__).parents[1] / "plugins" / "bench_plugins" / "shipped"
LIMIT_BYTES = 1_500_000


def main(source: Store, model: str) -> Path:
    """Copy the one successful trial of a model; return its folder in the package."""
    records = [read_trial(source.trials / name) for name in trial_folders(source)]
    wanted = (model, State.OK, "")  # a store holds the shipped trial itself too, as a variant
    (record,) = [each for each in records if (each.model, each.state, each.variant) == wanted]
    folder = source.trials / record.trial_id
    target = TARGET / model
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copytree(folder / MODEL, target / MODEL)
    for part in (HISTORY, LOG):
        shutil.copyfile(folder / part, target / part)
    write_record(target, shipped_record(record, target))
    return target


def shipped_record(record: TrialRecord, folder: Path) -> TrialRecord:
    """Return the record under an id of its own: a training of the same settings is another row."""
    files = {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return msgspec.structs.replace(
        record,
        trial_id=blake2b(f"shipped {record.trial_id}".encode(), digest_size=8).hexdigest(),
        variant="shipped",
        files=files,
        notes=(*record.notes, f"make it again: {command(record)}"),
    )


def command(record: TrialRecord) -> str:
    """Return the command that trains the model of a record with default options again."""
    return f"bench run -m {record.model} -d {record.train_dataset} --seeds {record.seed}"


if __name__ == "__main__":
    made = main(Store(Path(sys.argv[1])), sys.argv[2])
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    sys.stdout.write(f"{made}: {size:,} bytes of at most {LIMIT_BYTES:,}\n")
    sys.exit(size > LIMIT_BYTES)
