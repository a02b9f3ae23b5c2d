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
from bench.render.progress import Names, Progress, Running
from bench.render.standings import Standings
from bench.store.formats import about, duration, share
from bench.store.record import State

__all__ = ["JsonLines", "LiveView", "PlainLines", "View", "make_view"]

_REFRESH_PER_SECOND: Final = 4
_PLAIN_EVERY_SECONDS: Final = 30.0
_LINES_RUNNING: Final = 16
_BAR_WIDTH: Final = 40
_ANY_WIDTH: Final = 1_000  # a log is not cut
_MARKS: Final = {State.OK: ("✓", "good"), State.INTERRUPTED: ("–", "warn")}
_STATE_WORDS: Final = {State.OUT_OF_MEMORY: "out of memory"}


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
    """Ended trials scroll up; the best so far, the running ones and the overall bar stay below."""

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
        self._standings = Standings()
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
        if isinstance(event, TrialFinished) and event.accuracy is not None:
            row = self._names.row(event)
            self._standings.add(event.train_dataset, row, event.accuracy)
        self._progress.apply(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines that are redrawn."""
        progress, now = self._progress, self._progress.clock()
        yield from self._standings.lines(options.max_width)
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
