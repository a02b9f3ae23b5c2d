"""The seam between a run and the machines that compute for it.

A back end takes jobs and says what their trials say and how they ended. It knows no store, no lock
and no terminal: those are the client's (`bench.execution.client`). What it promises is a list of
tests that run over every back end (``tests/execution/test_backends.py``).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from bench.execution.interrupts import Interrupts
from bench.execution.job import Job, Message
from bench.planning.task import Limits, TrialTask

__all__ = ["Backend", "Tell"]

Tell: TypeAlias = Callable[[str, Message], None]
"""Takes the id of a trial (empty: it concerns none) and what was said of it."""


class Backend(Protocol):
    """Runs trials: each job that is submitted ends with one `Outcome`, whatever becomes of it."""

    @property
    def slots(self) -> int:
        """How many trials run at once; may change while it runs."""

    @property
    def stop_seconds(self) -> float:
        """How long the outcomes of trials that are asked to stop may take."""

    def start(
        self, tasks: Sequence[TrialTask], limits: Limits, interrupts: Interrupts, tell: Tell
    ) -> None:
        """Make ready for these tasks; called once, before all else.

        Raises
        ------
        BenchError
            If it cannot run them at all.
        """

    def choose(self, waiting: Iterable[TrialTask]) -> int | None:
        """Return the place of the task to be submitted next; None while none can be."""

    def submit(self, job: Job, held: int = -1) -> None:
        """Begin a trial, and return at once.

        When its outcome is told, ``job.work`` holds its finished parts and, where it is to go on
        later, ``job.checkpoint`` what it goes on from. Threads and cards are the back end's choice.

        Parameters
        ----------
        held : int
            A descriptor that is to stay open until the trial's last process on this machine has
            ended; -1 for none.
        """

    def wait(self, seconds: float, tell: Tell) -> None:
        """Tell what has come, in this thread; return after `seconds`, a message or an interrupt."""

    def stop(self, trial_id: str) -> None:
        """Ask a trial to end; its outcome still comes."""

    def close(self) -> None:
        """Let go of everything; trials that still run are stopped without an outcome."""
