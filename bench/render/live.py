"""What a person sees while trials run; it reads events and nothing else.

`LiveView` redraws a terminal, `PlainLines` writes one line a trial where there is none, `JsonLines`
writes each event as a line of JSON. Each is a context manager and is called with every event.
"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.execution.events import (
    EpochEnded,
    Event,
    RunStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
    Warned,
    encode_event,
)
from bench.render.console import clean
from bench.store.fields import about, duration, share
from bench.store.record import State

__all__ = ["JsonLines", "LiveView", "PlainLines", "Progress", "View", "make_view"]

_REFRESH_PER_SECOND: Final = 4
_PLAIN_EVERY_SECONDS: Final = 30.0
_LINES_RUNNING: Final = 16
_BAR_WIDTH: Final = 40
_DATASET_WIDTH: Final = 23
_OUTCOME_WIDTH: Final = 46  # the mark, the gaps, what is said of a trial under way
_ANY_WIDTH: Final = 1_000  # a log is not cut
_MARKS: Final = {State.OK: ("✓", "good"), State.INTERRUPTED: ("–", "warn")}
_STATE_WORDS: Final = {State.OUT_OF_MEMORY: "out of memory"}


@dataclass(slots=True)
class Running:
    """A trial that has started and not ended."""

    event: TrialStarted
    since: float
    epoch: EpochEnded | None = None

    def seconds_left(self, now: float) -> float | None:
        """Return the estimate: from its epochs, else from what the plan expected."""
        elapsed = now - self.since
        if self.epoch is not None and self.epoch.epoch:
            whole = elapsed_at_epoch(self.epoch, elapsed)
            return max(0.0, whole - elapsed)
        expected = self.event.estimated_seconds
        return None if expected is None or expected <= elapsed else expected - elapsed


def elapsed_at_epoch(epoch: EpochEnded, elapsed: float) -> float:
    """Return how long the whole trial will take if its epochs go on as they did."""
    return elapsed / epoch.epoch * max(epoch.epochs, epoch.epoch)


@dataclass(slots=True)
class Progress:
    """The state of a run, built from its events alone."""

    clock: Callable[[], float] = time.monotonic
    trials: int = 0
    cached: int = 0
    finished: int = 0
    expected_seconds: float | None = None
    started_at: float = 0.0
    expected_done: float = 0.0
    running: dict[str, Running] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self.trials, self.cached = event.trials, event.cached
                self.expected_seconds = event.estimated_seconds
                self.started_at = self.clock()
            case TrialStarted():
                self.running[event.trial_id] = Running(event, self.clock())
                # Folds of fine-tuning are made once there is a trial to go on from.
                self.trials = max(self.trials, self.finished + len(self.running))
            case EpochEnded() if event.trial_id in self.running:
                self.running[event.trial_id].epoch = event
            case TrialFinished():
                ended = self.running.pop(event.trial_id, None)
                self.finished += 1
                if ended is not None:
                    self.expected_done += ended.event.estimated_seconds or 0.0
            case _:
                pass

    @property
    def waiting(self) -> int:
        """How many trials have not started."""
        return max(0, self.trials - self.finished - len(self.running))

    @property
    def share_done(self) -> float:
        """Share of the expected work that is done, else of the trials."""
        if not self.trials:
            return 1.0
        if not self.expected_seconds:
            return self.finished / self.trials
        now = self.clock()
        under_way = sum(
            min(now - each.since, each.event.estimated_seconds or 0.0)
            for each in self.running.values()
        )
        return min(1.0, (self.expected_done + under_way) / self.expected_seconds)

    def seconds_left(self) -> float | None:
        """Return the estimate for the run: the plan's at first, then by its own pace."""
        done, elapsed = self.share_done, self.clock() - self.started_at
        if done > 0.99:  # it takes longer than expected: nobody knows
            return None
        if self.finished and done > 0.02:
            return elapsed * (1 - done) / done
        if self.expected_seconds is None:
            return None
        return max(0.0, self.expected_seconds - elapsed)


@dataclass(slots=True)
class Names:
    """How trials are named, and the widths of the two columns of names.

    The columns grow to the longest seen so far; a variant that all trials share is left out.
    """

    several_seeds: bool = False
    unsaid: str = ""
    model: int = 18
    dataset: int = 12

    def label(self, trial: TrialStarted | TrialFinished) -> str:
        """Return the model with its variant and, where there are several, its seed."""
        variant = f" ({trial.variant})" if trial.variant not in ("", self.unsaid) else ""
        seed = f" seed {trial.seed}" if self.several_seeds else ""
        return clean(f"{trial.model}{variant}{seed}")

    def widen(self, event: Event, width: int) -> None:
        """Make room for a trial's names, within a share of the screen."""
        if isinstance(event, TrialStarted):
            self.dataset = min(_DATASET_WIDTH, max(self.dataset, len(event.train_dataset)))
            room = max(18, width - self.dataset - _OUTCOME_WIDTH)
            self.model = min(room, max(self.model, len(self.label(event))))


class View(Protocol):
    """A display of a run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show one event."""


def make_view(
    console: Console,
    *,
    is_json: bool = False,
    several_seeds: bool = False,
    unsaid: str = "",
    trials: Iterable[TrialStarted] = (),
) -> View:
    """Return the view that fits the console, or the one for ``--log-format json``.

    Names leave out the variant `unsaid`; for those of `trials` there is room from the first line.
    """
    if is_json:
        return JsonLines(sys.stdout)
    is_live = console.is_terminal and not console.is_dumb_terminal
    names = Names(several_seeds=several_seeds, unsaid=unsaid)
    for trial in trials:
        names.widen(trial, console.width if is_live else _ANY_WIDTH)
    return LiveView(console, names=names) if is_live else PlainLines(console, names=names)


@dataclass(slots=True)
class _Plain:
    """What the views that need no screen share."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


@dataclass(slots=True)
class JsonLines(_Plain):
    """One line of JSON an event, as `bench.execution.events` defines them."""

    file: TextIO

    def __call__(self, event: Event) -> None:
        """Write the event at once, so that a reader can follow."""
        self.file.write(encode_event(event).decode() + "\n")
        self.file.flush()


@dataclass(slots=True)
class PlainLines(_Plain):
    """One line for each trial that ends, and a sign of life of a long one every half minute."""

    console: Console
    progress: Progress = field(default_factory=Progress)
    names: Names = field(default_factory=Names)
    last_sign: float = 0.0

    def __call__(self, event: Event) -> None:
        """Write what a log should hold of the event."""
        self.names.widen(event, _ANY_WIDTH)
        self.progress.apply(event)
        now = self.progress.clock()
        total = str(self.progress.trials)
        place = f"{self.progress.finished:>{len(total)}}/{total}"
        match event:
            case RunStarted():
                self.last_sign = now
                return
            case TrialFinished() | TrialRetried() | Warned():
                line = _outcome(event, self.progress, self.names)
                self.last_sign = now
            case EpochEnded() if now - self.last_sign >= _PLAIN_EVERY_SECONDS:
                running = self.progress.running.get(event.trial_id)
                if running is None:
                    return
                line = _running_line(running, now, self.names)
                self.last_sign = now
            case _:
                return
        self.console.print(Text(place) + line, soft_wrap=True)


class LiveView:
    """Ended trials scroll up; the running ones and the overall bar stay below them."""

    def __init__(
        self,
        console: Console,
        *,
        names: Names | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._progress = Progress(clock)
        self._names = names or Names()
        self._live = Live(
            self,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the running lines off the screen; the ended ones stay."""
        self._live.__exit__(kind, error, trace)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._names.widen(event, self._console.width)
        if isinstance(event, TrialFinished | TrialRetried | Warned):
            line = _outcome(event, self._progress, self._names)
            self._live.console.print(line, soft_wrap=False)
        self._progress.apply(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines that are redrawn."""
        progress, now = self._progress, self._progress.clock()
        running = list(progress.running.values())
        for each in running[:_LINES_RUNNING]:
            width = options.max_width
            line = _running_line(each, now, self._names, width)
            line.truncate(width, overflow="ellipsis")
            yield line
        hidden = len(running) - _LINES_RUNNING
        if hidden > 0:
            yield Text(f"  ● {hidden} more running")
        if progress.waiting:
            yield Text(f"  ⋯ {progress.waiting} waiting")
        if progress.trials:
            yield Group(_bar(progress, options.max_width))


def _bar(progress: Progress, width: int) -> Table:
    left = progress.seconds_left()
    words = f"{progress.finished}/{progress.trials}"
    if left is not None and progress.finished < progress.trials:
        words += f"  ·  {about(left)} left"
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=min(_BAR_WIDTH, max(10, width - 30)))
    grid.add_column()
    bar = ProgressBar(total=1.0, completed=progress.share_done)
    grid.add_row(bar, Text(words))
    outer = Table.grid(padding=(0, 0))
    outer.add_row(Text("  "), grid)
    return outer


def _columns(mark: tuple[str, str], first: str, second: str, names: Names) -> Text:
    text = Text("  ")
    text.append(mark[0], style=mark[1])
    text.append(f" {_cut(first, names.model)}  {_cut(clean(second), names.dataset)}  ")
    return text


def _cut(text: str, width: int) -> str:
    """Pad or shorten to `width`."""
    if len(text) > width:
        return text[: width - 1] + "…"
    return text.ljust(width)


def _running_line(running: Running, now: float, names: Names, width: int = _ANY_WIDTH) -> Text:
    """Return the line of a trial under way; what matters least is left out where it is short."""
    event = running.event
    label = names.label(event)
    text = _columns(("●", "default"), label, event.train_dataset, names)
    parts = _figures(running, now)
    for name in ("loss", "elapsed", "epoch"):
        if text.cell_len + len("  ".join(parts.values())) > width:
            parts.pop(name, None)
    return text.append("  ".join(parts.values()))


def _figures(running: Running, now: float) -> dict[str, str]:
    epoch, left = running.epoch, running.seconds_left(now)
    parts = {} if running.event.fits else {"evaluating": "evaluating"}
    if epoch is not None:
        parts["epoch"] = f"epoch {epoch.epoch}/{epoch.epochs}"
        if epoch.loss is not None:
            parts["loss"] = f"loss {f'{epoch.loss:.3f}'.removeprefix('0')}"
        accuracy = epoch.accuracy if epoch.val_accuracy is None else epoch.val_accuracy
        if accuracy is not None:
            parts["accuracy"] = f"accuracy {share(accuracy)}"
    parts["elapsed"] = duration(now - running.since)
    if left is not None:
        parts["left"] = f"·  {about(left)} left"
    return parts


def _outcome(
    event: TrialFinished | TrialRetried | Warned,
    progress: Progress,
    names: Names,
) -> Text:
    """Return the line that stays of a trial's end, a retry or a warning."""
    if isinstance(event, Warned):
        return Text("  ").append("!", style="warn").append(f" {clean(event.message)}")
    word = _STATE_WORDS.get(event.state, str(event.state))
    reason = f"{word}: {clean(event.reason)}" if event.reason not in ("", word) else word
    if isinstance(event, TrialRetried):
        running = progress.running.get(event.trial_id)
        name = names.label(running.event) if running else event.trial_id[:8]
        dataset = running.event.train_dataset if running else ""
        text = _columns(("↻", "warn"), name, dataset, names)
        return text.append(f"{reason}; tried again ({event.attempt})")
    mark = _MARKS.get(event.state, ("✗", "bad"))
    text = _columns(mark, names.label(event), event.train_dataset, names)
    if event.state is not State.OK:
        return text.append(reason, style=mark[1])
    accuracy = "" if event.accuracy is None else f"accuracy {share(event.accuracy)}"
    retried = f"  retried {event.retries} ×" if event.retries else ""
    return text.append(f"{accuracy:<14}{duration(event.seconds):>13}{retried}".rstrip())
