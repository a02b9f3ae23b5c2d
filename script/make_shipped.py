"""Write a trained model into the package, so that it reads photos without any training.

Train it first on a quiet machine, then copy its trial::

    bench run -m cnn-robust -d mnist --store results/shipped
    python script/make_shipped.py results/shipped cnn-robust

The record says how it was trained and with which command. The weights of its layers are rounded to
float16, which halves what is handed round and changes no reading, and a LiteRT file is put beside
them. Both are made again from what is there already by::

    python script/make_shipped.py --again cnn-robust
"""

import shutil
import sys
import zipfile
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from bench.adapters.keras_network import MODEL_FILE, load_network, save_network
from bench.adapters.keras_runtime import import_keras, read_values
from bench.adapters.litert import FLOAT_FILE
from bench.adapters.litert_writing import convert_float32
from bench.store.layout import HISTORY, LOG, MODEL, Store
from bench.store.read import read_trial, trial_folders
from bench.store.record import State, TrialRecord
from bench.store.variant import Variant
from bench.store.write import file_hash, write_record

TARGET = Path(__file__).parents[1] / "plugins" / "bench_plugins" / "shipped"
LIMIT_BYTES = 1_500_000
Weights: TypeAlias = npt.NDArray[np.float32]


def main(source: Store, model: str) -> Path:
    """Ship the one successful trial of a model; return its folder in the package."""
    records = [read_trial(source.trials / name) for name in trial_folders(source)]
    wanted = (model, State.OK, "")  # a store holds the shipped trial itself too, as a variant
    (record,) = [each for each in records if (each.model, each.state, each.variant) == wanted]
    record = msgspec.structs.replace(
        record, notes=(*record.notes, f"make it again: {command(record)}")
    )
    return ship(source.trials / record.trial_id, record)


def again(model: str) -> Path:
    """Write what is shipped already anew."""
    return ship(TARGET / model, read_trial(TARGET / model))


def ship(folder: Path, record: TrialRecord) -> Path:
    """Write the model of a trial's folder, and the trial's record, into the package."""
    network = in_float32(load_network(folder / MODEL))
    weights = [rounded(each) for each in read_values(network.weights)]
    network.set_weights(weights)
    with TemporaryDirectory() as made:
        target = Path(made)
        save_network(network, target / MODEL)
        deflate(target / MODEL / MODEL_FILE)
        convert_float32(target / MODEL, target / MODEL / FLOAT_FILE, half_weights=True)
        for part in (HISTORY, LOG):
            shutil.copyfile(folder / part, target / part)
        write_record(target, shipped_record(record, target, weights))
        final = TARGET / record.model
        shutil.rmtree(final, ignore_errors=True)
        shutil.copytree(target, final)
    return final


def in_float32(network: Any) -> Any:
    """Return the network with layers that compute in float32, as the converter needs."""

    def copied(layer: Any) -> Any:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copy = import_keras().models.clone_model(network, clone_function=copied)
    copy.set_weights(read_values(network.weights))
    return copy


def rounded(weights: Weights) -> Weights:
    """Round the weights of a layer to float16; means, variances and offsets stay as they are."""
    return weights.astype(np.float16).astype(np.float32) if weights.ndim > 1 else weights


def deflate(file: Path) -> None:
    """Compress the parts of a ``.keras`` file, in place: the same file on every day."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def shipped_record(record: TrialRecord, folder: Path, weights: list[Weights]) -> TrialRecord:
    """Return the record under an id of its own: a training of the same settings is another row."""
    files = {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    known_by = blake2b(b"shipped", digest_size=8)
    for each in weights:
        known_by.update(each.tobytes())
    return msgspec.structs.replace(
        record,
        trial_id=known_by.hexdigest(),
        variant=Variant(is_shipped=True).words,
        differs=Variant(is_shipped=True),
        files=files,
        file_bytes=(folder / MODEL / MODEL_FILE).stat().st_size,
    )


def command(record: TrialRecord) -> str:
    """Return the command that trains the model of a record with default options again."""
    return f"bench run -m {record.model} -d {record.train_dataset} --seeds {record.seed}"


if __name__ == "__main__":
    is_again = sys.argv[1] == "--again"
    made = again(sys.argv[2]) if is_again else main(Store(Path(sys.argv[1])), sys.argv[2])
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    sys.stdout.write(f"{made}: {size:,} bytes of at most {LIMIT_BYTES:,}\n")
    sys.exit(size > LIMIT_BYTES)
