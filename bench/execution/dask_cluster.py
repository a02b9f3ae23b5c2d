"""A Dask cluster as its client sees it: the connection, its workers, and what each was sent."""

import asyncio
import logging
import re
import socket
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from bench.errors import BenchError
from bench.execution import dask_worker
from bench.execution.backend import Tell
from bench.execution.events import Warned
from bench.planning.task import TrialTask

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Cluster", "Connection", "Worker", "facts_of_workers"]

_T = TypeVar("_T")
_CONNECT_SECONDS = 15.0
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
            if not self.cluster.address:
                why = f"no cluster could be started here ({words})"
                raise BenchError("--backend dask", why=why) from error
            raise BenchError(
                f"--scheduler {self.cluster.address}",
                why=f"cannot be reached ({words})",
                fix="is `dask scheduler` running there, and may this machine reach it?",
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

    def look(self, tell: Tell) -> None:
        """See which workers there are at the start.

        Raises
        ------
        BenchError
            If the scheduler is gone, or a worker cannot be used.
        """
        try:
            there, found = self.soon(self.survey()).result()
        except (OSError, TimeoutError) as error:
            raise self.gone() from error
        self.take(there, found, tell, is_start=True)

    async def survey(self) -> tuple[set[str], dict[str, Any]]:
        """Return which workers there are, and what new ones say of themselves; in Dask's loop."""
        there = set((await self.client.scheduler.identity(n_workers=-1))["workers"])
        new = there - self.workers.keys() - self.refused
        if not new:
            return there, {}
        asked = {"workers": sorted(new), "on_error": "return"}
        return there, await self.client.run(dask_worker.facts, self._compared, **asked)

    def take(
        self, there: set[str], found: dict[str, Any], tell: Tell, *, is_start: bool = False
    ) -> None:
        """Forget workers that are gone, and compare versions of new ones with ours.

        Raises
        ------
        BenchError
            At the start, if a worker cannot be used.
        """
        for address in self.workers.keys() - there:
            del self.workers[address]
        ours = dask_worker.facts(self._compared) if found else {}
        for address, facts in found.items():
            self._greet(address, facts, ours, tell, is_start=is_start)

    @property
    def _compared(self) -> tuple[str, ...]:
        return (*self.requires, *_COMPARED)

    def gone(self) -> BenchError:
        """Return what is said where the scheduler is no longer there."""
        return BenchError(
            f"the scheduler {self.place}",
            why="is gone",
            fix="what is finished is stored: the same command goes on with the rest",
        )

    def _greet(
        self, address: str, facts: Any, ours: dict[str, Any], tell: Tell, *, is_start: bool
    ) -> None:
        cannot_run = isinstance(facts, BaseException)
        if cannot_run:
            differs = [f"digitbench cannot be used there ({type(facts).__name__}: {facts})"]
        else:
            differs = _differences(facts, ours)
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
            return
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

    def soon(self, work: Coroutine[Any, Any, _T]) -> "Future[_T]":
        """Run something in Dask's loop, where the client waits for nothing."""
        return asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)

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
