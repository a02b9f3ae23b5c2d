"""The ids of trials and evaluations: hashes of what decides their results."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from bench.store.record import Identity

__all__ = ["config_id", "evaluation_id", "other_training_id", "trial_id"]

_ID_LENGTH = 16


def trial_id(identity: Identity) -> str:
    """Return the id of the trial with this identity."""
    return _hash(msgspec.json.encode(identity, order="sorted"))


def other_training_id(trial: str, attempt: str) -> str:
    """Return the id of a second training of a trial, kept beside the first by a merge."""
    return _hash(f"{trial}{attempt}".encode())


def config_id(identity: Identity) -> str:
    """Return the id that trials of the same configuration share, whatever their seed."""
    return _hash(msgspec.json.encode(msgspec.structs.replace(identity, seed=0), order="sorted"))


def evaluation_id(trial: str, test_hash: str, transform: Mapping[str, object]) -> str:
    """Return the id of an evaluation: the trial, the images as fed, what was done to either."""
    extra = msgspec.json.encode(dict(transform), order="sorted") if transform else b""
    return _hash(trial.encode() + test_hash.encode() + extra)


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:_ID_LENGTH]
