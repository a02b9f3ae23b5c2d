"""What a Dask worker is sent before a trial: each parcel once, many files a message."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError
from bench.execution import dask_worker
from bench.execution.dask_cluster import Worker
from bench.execution.dask_worker import Order, Piece
from bench.execution.job import Job
from bench.execution.parcels import PLUGIN, Parcel, n_bytes_of, parcels_of, search_within
from bench.planning.task import PluginRef, TrialTask

__all__ = ["Sender"]

_MESSAGE_BYTES = 16 << 20
_UNASKED_BYTES = 1 << 20
"""So much is sent without asking first whether it is there."""


@dataclass(slots=True, kw_only=True)
class Sender:
    """State: what is sent for whom, found once for the whole run."""

    requires: tuple[str, ...]
    topic: str
    known: dict[str, Parcel | None] = field(default_factory=dict)
    searches: dict[PluginRef, str] = field(default_factory=dict)

    def order(self, job: Job, name: str, checkpoint: bytes) -> tuple[bytes, tuple[Parcel, ...]]:
        """Return what a worker is told of a job, and the parcels that it needs for it.

        Raises
        ------
        BenchError
            If something of them is gone.
        """
        parcels = parcels_of(job.task, self.known)
        order = Order(
            job=job,
            keys=_keys(job.task, parcels),
            requires=self.requires,
            topic=self.topic,
            name=name,
            search=self._searched(job.task.plugin, parcels),
            checkpoint=checkpoint,
        )
        return msgspec.msgpack.encode(order), tuple(parcels.values())

    def _searched(self, plugin: PluginRef, parcels: Mapping[str, Parcel]) -> str:
        """Return the folder of a plugin's parcel that Python looks for modules in, or nothing."""
        if plugin not in self.searches:
            parcel = parcels.get(plugin.file or plugin.module)
            folder = None if parcel is None else search_within(plugin, parcel, sys.path)
            found = "" if parcel is None or folder is None else f"{parcel.key}/{folder}"
            self.searches[plugin] = found
        return self.searches[plugin]

    async def ship(self, client: Any, worker: Worker, parcels: Iterable[Parcel]) -> None:
        """Send a worker what it lacks; in the client's loop.

        Raises
        ------
        BenchError
            If a file cannot be read here.
        Exception
            Whatever becomes of a worker that goes, or cannot write, meanwhile.
        """
        lacking = {each.key: each for each in parcels if each.key not in worker.has}
        there = [worker.address]
        keys = sorted(lacking)
        if sum(map(_n_bytes, lacking.values())) > _UNASKED_BYTES:
            asked = await client.run(dask_worker.missing, keys, workers=there)
            keys = asked[worker.address]
        for pieces, whole in _messages(lacking[key] for key in keys):
            await client.run(dask_worker.put, self.topic, pieces, whole, workers=there)
        worker.has.update(lacking)


def _n_bytes(parcel: Parcel) -> int:
    return sum(n_bytes_of(Path(parcel.root) / name) for name in parcel.names)


def _messages(parcels: Iterable[Parcel]) -> Iterator[tuple[list[Piece], list[str]]]:
    """Yield pieces of files, so many that a message is worth sending, and which parcels end."""
    pieces: list[Piece] = []
    whole: list[str] = []
    room = _MESSAGE_BYTES
    for parcel in parcels:
        for name in parcel.names:
            offset, is_whole = 0, False
            while not is_whole:
                data = _read(Path(parcel.root) / name, offset, room)
                if data is None:
                    if parcel.key.startswith(PLUGIN):  # it lay beside the plugin, and is gone
                        break
                    raise BenchError(f"{parcel.root}", why=f"is to be sent to a worker; no {name}")
                is_whole = len(data) < room
                pieces.append((parcel.key, name, offset, data))
                offset, room = offset + len(data), room - len(data)
                if not room:
                    yield pieces, whole
                    pieces, whole, room = [], [], _MESSAGE_BYTES
        whole.append(parcel.key)
    if pieces or whole:
        yield pieces, whole


def _read(path: Path, offset: int, n_bytes: int) -> bytes | None:
    """Return a part of a file; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(n_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        words = error.strerror or str(error)
        raise BenchError(f"{path}", why=f"is to be sent to a worker, but: {words}") from error


def _keys(task: TrialTask, parcels: Mapping[str, Parcel]) -> dict[str, tuple[str, str]]:
    """Return the parcel of each path that a task names, and the path's name within it."""
    found = {path: (each.key, "") for path, each in parcels.items()}
    file = task.plugin.file
    if file in parcels:
        within = Path(file).resolve().relative_to(parcels[file].root)
        found[file] = parcels[file].key, within.as_posix()
    return found
