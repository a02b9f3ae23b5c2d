"""Is a folder of a store what was written: its record's hash of itself, and those of its files."""

from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from bench.errors import StoreError
from bench.store.ids import config_id, other_training_id, trial_id
from bench.store.inside import parts_below, read_file
from bench.store.layout import PREDICTIONS, RECORD
from bench.store.record import COPY_OF, SEALED_SINCE, EvaluationRecord, State, TrialRecord
from bench.store.write import file_hash, record_hash

__all__ = ["check_evaluation_files", "check_trial_files", "name_of"]


def name_of(record: TrialRecord | EvaluationRecord) -> str:
    """Return the name of the folder that a record belongs into."""
    if isinstance(record, EvaluationRecord):
        return f"{record.trial_id}--{record.evaluation_id}"
    return record.trial_id if record.state is State.OK else f"{record.trial_id}--{record.attempt}"


def check_trial_files(folder: Path, record: TrialRecord, name: str) -> tuple[list[str], int]:
    """Return what is not as it was written, and how many files were hashed."""
    found = list(_check_seal(folder, record))
    if name != name_of(record):
        found.append(f"its record belongs to {name_of(record)}")
    identity = record.identity
    own = trial_id(identity)
    if record.extra.get(COPY_OF) == own:
        own = other_training_id(own, record.attempt)
    if own != record.trial_id or config_id(identity) != record.config_id:
        found.append("its record was changed: the identity in it is another trial's")
    said = (record.model, record.seed, record.precision)
    if (identity.model, identity.seed, identity.precision) != said:
        found.append("its record was changed: model, seed or precision are not its identity's")
    different, n_hashed = _check_files(folder, record.files, {RECORD})
    return found + different, n_hashed


def check_evaluation_files(
    folder: Path, record: EvaluationRecord, name: str
) -> tuple[list[str], int]:
    """Return what is not as it was written, and how many files were hashed.

    Raises
    ------
    StoreError, OSError
        If the predictions cannot be read.
    """
    found, n_files = list(_check_seal(folder, record)), 0
    if name != name_of(record):
        found.append(f"its record belongs to {name_of(record)}")
    if record.record_sha256:
        different, n_files = _check_files(folder, record.files, {RECORD, PREDICTIONS})
        found += different
    if file_hash(folder / PREDICTIONS) != record.predictions_sha256:
        found.append(f"{PREDICTIONS} was changed")
    return found, n_files + 1


def _check_seal(folder: Path, record: TrialRecord | EvaluationRecord) -> Iterator[str]:
    """Compare a record with the hash that it carries of itself."""
    if not record.record_sha256:
        if record.schema_version >= SEALED_SINCE:
            yield f"{RECORD} was changed: it has lost the hash of itself"
    elif record_hash(read_file(folder / RECORD)) != record.record_sha256:
        yield f"{RECORD} was changed"


def _check_files(folder: Path, files: Mapping[str, str], others: Set[str]) -> tuple[list[str], int]:
    """Compare what lies in a folder with the hashes of its record."""
    there = {path.relative_to(folder).as_posix(): path for path in parts_below(folder)}
    found = [f"{name} is missing" for name in sorted(files.keys() - there.keys())]
    extra = there.keys() - files.keys() - others
    found += [f"{name} is not of this {folder.parent.name[:-1]}" for name in sorted(extra)]
    present = sorted(there.keys() & files.keys())
    for name in present:
        try:
            if file_hash(there[name]) != files[name]:
                found.append(f"{name} was changed")
        except StoreError as error:
            found.append(f"{name} {error.why}")
    return found, len(present)
