"""Where everything lies in a store."""

import re
from dataclasses import dataclass
from os import environ
from pathlib import Path
from uuid import uuid4

from bench.config import Config
from bench.errors import StoreError
from bench.store.atomic import readable_failure
from bench.store.inside import make_folder, refuse_link, refuse_links_below

__all__ = ["DEFAULT_STORE", "Store", "chosen_store", "is_address", "is_member", "store_of"]

DEFAULT_STORE = Path("results/local")
RECORD = "record.json"
PREDICTIONS = "predictions.npz"
HISTORY = "history.csv"
LOG = "log.txt"
MODEL = "model"
_MEMBER = re.compile(
    r"(?:splits/[0-9A-Za-z_-]{1,64}\.npz|(?:trials|evaluations)/[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,200}"
    r"(?:/[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,200}){1,6})"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")  # two letters at least: one is a drive


@dataclass(frozen=True, slots=True)
class Store:
    """The folders of one store; nothing is created before it is needed.

    A folder of a trial or an evaluation is renamed into place and never changed. ``.work``,
    ``.locks`` and ``.index`` can be deleted at any time when nothing runs. A place that is a link
    is not given out: asking for it raises `StoreError`.
    """

    root: Path

    @property
    def trials(self) -> Path:
        """``<trial-id>/``, or ``<trial-id>--<attempt>/`` for one that did not succeed."""
        return refuse_link(self.root / "trials")

    @property
    def evaluations(self) -> Path:
        """``<trial-id>--<evaluation-id>/``."""
        return refuse_link(self.root / "evaluations")

    @property
    def splits(self) -> Path:
        """``<split-hash>.npz``: sample names and groups, once for all evaluations."""
        return refuse_link(self.root / "splits")

    @property
    def superseded(self) -> Path:
        """What ``--fresh`` replaced; kept until ``bench results clean``."""
        return refuse_link(self.root / "superseded")

    @property
    def work(self) -> Path:
        """Unfinished folders and checkpoints."""
        return refuse_link(self.root / ".work")

    @property
    def locks(self) -> Path:
        """One lock file a running trial."""
        return refuse_link(self.root / ".locks")

    @property
    def index(self) -> Path:
        """Derived scores; made again when missing."""
        return refuse_link(self.root / ".index")

    def trial(self, trial_id: str, attempt: str = "") -> Path:
        """Return the folder of a successful trial, or of an attempt that was not."""
        return refuse_link(self.trials / (f"{trial_id}--{attempt}" if attempt else trial_id))

    def evaluation(self, trial_id: str, evaluation_id: str) -> Path:
        """Return the folder of an evaluation."""
        return refuse_link(self.evaluations / f"{trial_id}--{evaluation_id}")

    def checkpoint(self, trial_id: str) -> Path:
        """Return where an unfinished trial keeps its checkpoint between runs."""
        return refuse_links_below(refuse_link(self.work / "checkpoints") / trial_id)

    def new_work_folder(self) -> Path:
        """Create a folder on the store's own file system, to be renamed into place.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        folder = self.work / uuid4().hex
        with readable_failure(self.root):
            make_folder(folder.parent)
            make_folder(folder)
        return folder


def store_of(explicit: Path | None, config: Config) -> Store:
    """Return the store to work in, a folder: named, or as `chosen_store` says.

    Raises
    ------
    StoreError
        If it is one at an address, which can only be read, merged, exported and imported.
    """
    path = chosen_store(explicit, config)
    if is_address(path):
        raise StoreError(
            "a store at an address",
            why="this needs a folder",
            fix="name one with --store, then bench results merge FOLDER --store ADDRESS",
        )
    return Store(path)


def chosen_store(explicit: Path | None, config: Config) -> Path:
    """Return where the store is: named, ``BENCH_STORE``, ``bench.toml``, ``./results/local``."""
    from_environment = environ.get("BENCH_STORE")
    chosen = explicit or (Path(from_environment) if from_environment else None) or config.store
    return (chosen or DEFAULT_STORE).expanduser()


def is_address(path: Path) -> bool:
    """Whether a path was made from an address such as ``s3://bucket/results``."""
    return _ADDRESS.match(path.as_posix()) is not None


def is_member(name: str) -> bool:
    """Whether a store can hold a file of this name, however it came: no place outside, no "."."""
    return _MEMBER.fullmatch(name) is not None
