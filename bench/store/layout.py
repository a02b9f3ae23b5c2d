"""Where everything lies in a store."""

from dataclasses import dataclass
from os import environ
from pathlib import Path
from uuid import uuid4

from bench.config import Config
from bench.store.atomic import readable_failure
from bench.store.inside import make_folder, refuse_link, refuse_links_below

__all__ = ["DEFAULT_STORE", "Store", "store_of"]

DEFAULT_STORE = Path("results/local")
RECORD = "record.json"
PREDICTIONS = "predictions.npz"
HISTORY = "history.csv"
LOG = "log.txt"
MODEL = "model"


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
    """Return the store: named, else ``BENCH_STORE``, ``bench.toml``, ``./results/local``."""
    from_environment = environ.get("BENCH_STORE")
    chosen = explicit or (Path(from_environment) if from_environment else None) or config.store
    return Store((chosen or DEFAULT_STORE).expanduser())
