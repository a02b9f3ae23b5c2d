"""A Dask cluster as its client sees it: the connection, its workers, and what each was sent."""

import logging
import re
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.errors import BenchError
from bench.execution import dask_worker
from bench.execution.backend import Tell
from bench.execution.events import Warned
from bench.execution.parcels import Parcel
from bench.planning.task import TrialTask

__all__ = ["Cluster", "Connection", "Worker", "facts_of_workers"]

_CONNECT_SECONDS = 15.0
_PIECE_BYTES = 16 << 20
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|ws|wss)://)?[^/\s:]+(?::[^/\s:]+)*:[0-9]{1,5}/?")
# A Ctrl-C in the terminal reaches every process of it, and is for the client alone.
_NO_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
_NOT_PLAIN = ("ucx", "ws", "wss")
_COMPARED = ("digitbench", "keras", "tensorflow", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Which cluster: an address, or none for one of `workers` processes on this machine."""

    address: str = ""
    workers: int = 1
    allow_versions: bool = False
    worker_walltime_seconds: float | None = None
    tls: tuple[str, str, str] | None = None
    """Files of the authority, the certificate and the key."""
    processes: bool = True


@dataclass(slots=True, kw_only=True)
class Worker:
    """State: a worker that may run trials."""

    address: str
    ends: float
    """When its walltime is over, on this machine's clock."""
    has: set[str] = field(default_factory=set)
    trial: str = ""


@dataclass(slots=True, kw_only=True)
class Connection:
    """State: a connection to a cluster, and its workers that may be used."""

    cluster: Cluster
    requires: tuple[str, ...] = ()
    topic: str = field(default_factory=lambda: f"digitbench-{uuid4().hex}")
    """Under which workers say what their trials say."""
    client: Any = None
    own: Any = None
    import_folders: set[str] = field(default_factory=set)
    workers: dict[str, Worker] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def connect(self) -> None:
        """Connect to the cluster, or make one.

        Raises
        ------
        BenchError
            If it cannot be reached.
        """
        try:
            import distributed
        except ImportError as error:
            raise BenchError(
                "--backend dask",
                why="dask.distributed is not installed",
                fix="pip install 'digitbench[dask]'",
            ) from error
        dask: Any = distributed
        _silence()
        try:
            security = _checked(dask, self.cluster)
            if not self.cluster.address:
                self._make_own(dask)
            self.client = dask.Client(
                self.own or self.cluster.address,
                timeout=_CONNECT_SECONDS,
                security=security,
                set_as_default=False,
            )
        # Whatever an address that leads nowhere makes of it.
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
            words = " ".join(str(error).split())[:160] or type(error).__name__
            raise BenchError(
                f"--scheduler {self.cluster.address}",
                why=f"cannot be reached ({words})",
                fix="it looks like tcp://HOST:8786",
            ) from error

    def _make_own(self, dask: Any) -> None:
        before = set(sys.path)
        self.own = dask.LocalCluster(
            n_workers=self.cluster.workers,
            threads_per_worker=1,
            processes=self.cluster.processes,
            dashboard_address=":0",  # any port: another cluster may have the usual one
            silence_logs=logging.CRITICAL,
            preload=[_NO_CTRL_C] if self.cluster.processes else [],
        )
        self.import_folders = set(sys.path) - before

    @property
    def place(self) -> str:
        """Where the cluster is, for messages."""
        return self.cluster.address or "of this machine"

    def look(self, tell: Tell, *, is_start: bool = False) -> None:
        """See which workers there are, and compare versions of new ones.

        Raises
        ------
        BenchError
            If the scheduler is gone; at the start, if a worker cannot be used.
        """
        if self.client.status != "running":
            raise self._gone()
        try:
            there = set(self.client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, TimeoutError) as error:
            raise self._gone() from error
        for address in self.workers.keys() - there:
            del self.workers[address]
        new = there - self.workers.keys() - self.refused
        if new:
            self._greet(sorted(new), tell, is_start=is_start)

    def _gone(self) -> BenchError:
        return BenchError(
            f"the scheduler {self.place}",
            why="is gone",
            fix="what is finished is stored: the same command goes on with the rest",
        )

    def _greet(self, new: list[str], tell: Tell, *, is_start: bool) -> None:
        """Compare versions of new workers with ours."""
        wanted = (*self.requires, *_COMPARED)
        found = self.client.run(dask_worker.facts, wanted, workers=new, on_error="return")
        ours = dask_worker.facts(wanted)
        for address, facts in found.items():
            if isinstance(facts, BaseException):
                differs = [f"digitbench cannot be used there ({type(facts).__name__}: {facts})"]
            else:
                differs = _differences(facts, ours)
            cannot_run = isinstance(facts, BaseException)
            if differs and (cannot_run or not self.cluster.allow_versions):
                error = BenchError(
                    f"worker {address}",
                    why="; ".join(differs),
                    fix="" if cannot_run else "--allow-versions takes it as it is",
                )
                if is_start:
                    raise error
                self.refused.add(address)
                tell("", Warned(message=f"not used: {error}"))
                continue
            if differs:
                tell("", Warned(message=f"worker {address}: {'; '.join(differs)}"))
            ends = float("inf")
            if self.cluster.worker_walltime_seconds is not None:
                age = facts["now"] - facts["since"]
                ends = time.monotonic() - age + self.cluster.worker_walltime_seconds
            self.workers[address] = Worker(address=address, ends=ends)

    def free(self, task: TrialTask) -> Worker | None:
        """Return a worker without a trial on which this one can end, or leave a checkpoint."""
        now = time.monotonic()
        needs = task.estimated_seconds or 0.0
        for worker in self.workers.values():
            if not worker.trial and (
                worker.ends - now > needs or (task.resumes and worker.ends > now)
            ):
                return worker
        return None

    def ship(self, worker: Worker, parcels: Iterable[Parcel]) -> None:
        """Send a worker what it lacks."""
        lacking = {each.key: each for each in parcels if each.key not in worker.has}
        if not lacking:
            return
        there = [worker.address]
        asked = self.client.run(dask_worker.missing, sorted(lacking), workers=there)
        for key in asked[worker.address]:
            for name in lacking[key].names:
                self._ship_file(Path(lacking[key].root) / name, key, name, there)
            self.client.run(dask_worker.finish, key, workers=there)
        worker.has.update(lacking)

    def _ship_file(self, path: Path, key: str, name: str, there: list[str]) -> None:
        offset = 0
        with path.open("rb") as file:
            while True:
                data = file.read(_PIECE_BYTES)
                if data or not offset:
                    self.client.run(dask_worker.put, key, name, offset, data, workers=there)
                offset += len(data)
                if len(data) < _PIECE_BYTES:
                    return

    def close(self) -> None:
        """Stop what runs, and leave the cluster; one of our own is ended."""
        if self.client is not None:
            with suppress(Exception):  # there may be nobody left to be told
                if self.client.status == "running":
                    self.client.run(dask_worker.end_all, self.topic, on_error="ignore")
            with suppress(Exception):
                self.client.close(timeout=2)
        if self.own is not None:
            with suppress(Exception):
                self.own.close(timeout=5)
        # A cluster that could not be closed in time leaves its folders in this process's path.
        sys.path[:] = [each for each in sys.path if each not in self.import_folders]
        self.client = self.own = None


def _silence() -> None:
    """Let no logger of Dask's speak: what concerns a person is told as an event, or an error."""
    known = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    for name in ("distributed", "tornado", *known):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _checked(dask: Any, cluster: Cluster) -> Any:
    """Return how the scheduler is spoken to, once somebody has answered at its address.

    Asked before there is a client: half a client is never closed in time.
    """
    address, security = cluster.address, None
    if address and not _ADDRESS.fullmatch(address):
        raise BenchError(
            f"--scheduler {address}", why="is no address", fix="it looks like tcp://HOST:8786"
        )
    kind = address.partition("://")[0]
    if (kind == "tls") != (cluster.tls is not None):
        why = "is encrypted" if kind == "tls" else "is not encrypted: it begins tls://"
        raise BenchError(f"--scheduler {address}", why=why, fix="give --tls CA CERT KEY with it")
    if cluster.tls is not None:
        for file in cluster.tls:
            if not Path(file).is_file():
                raise BenchError(f"--tls {file}", why="there is no such file")
        ca, certificate, key = cluster.tls
        security = dask.Security(
            tls_ca_file=ca,
            tls_client_cert=certificate,
            tls_client_key=key,
            require_encryption=True,
        )
    if address and kind not in _NOT_PLAIN:
        host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS) as answer:
            if security is not None:
                context = security.get_connection_args("client")["ssl_context"]
                context.wrap_socket(answer).close()
    return security


def facts_of_workers(cluster: Cluster) -> list[dict[str, Any]]:
    """Return what each worker there is says of itself; raises as `Connection.connect`."""
    link = Connection(cluster=cluster)
    link.connect()
    try:
        found = link.client.run(dask_worker.facts, (), on_error="return")
        return [facts for facts in found.values() if not isinstance(facts, BaseException)]
    finally:
        link.close()


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Say which major.minor versions are not the same."""
    pairs = [("Python", theirs["python"], ours["python"])]
    names = sorted(theirs["versions"].keys() | ours["versions"].keys())
    pairs += [
        (name, *(each["versions"].get(name, "") for each in (theirs, ours))) for name in names
    ]
    return [
        f"it has {f'{name} {there}' if there else f'no {name}'}, this machine {here or 'none'}"
        for name, there, here in pairs
        if there.split(".")[:2] != here.split(".")[:2]
    ]
