"""A trial on its way through the workers of a cluster, as its client holds it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.job import Job
from bench.execution.parcels import unpack

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Running"]


@dataclass(slots=True, kw_only=True)
class Running:
    """State: a job, the worker that has it, and what another one would go on from."""

    job: Job
    name: str = ""
    """Of the present attempt; empty while it has no worker."""
    worker: str = ""
    way: "Future[None] | None" = None
    fetched: "Future[None] | None" = None
    mark: str = ""
    checkpoint: bytes = b""
    losses: int = 0
    lost_by: str = ""
    is_sent: bool = False
    is_stopped: bool = False

    def go_on_from(self, mark: str, checkpoint: bytes) -> None:
        """Take a checkpoint that came from the worker, for another worker and another run."""
        self.mark, self.checkpoint = mark, checkpoint
        beside = Path(self.job.work) / "checkpoint"
        shutil.rmtree(beside, ignore_errors=True)
        unpack(checkpoint, beside)
        self.keep_checkpoint(beside)

    def keep_checkpoint(self, found: Path) -> None:
        """Put a checkpoint in its place in the store."""
        if self.job.checkpoint and found.is_dir():
            place = Path(self.job.checkpoint)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            found.rename(place)
