"""The live view: what is drawn from events, with a clock of the test's own."""

import io
import json

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from bench.execution.events import (
    EpochEnded,
    EvaluationFinished,
    Event,
    RunFinished,
    RunStarted,
    TrialFinished,
    TrialRetried,
    TrialStarted,
    Warned,
    decode_event,
)
from bench.render.live import JsonLines, LiveView, PlainLines, make_view
from bench.render.progress import Names, Progress
from bench.render.standings import Standings
from bench.store.record import State


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def started(trial: str, model: str, **facts: object) -> TrialStarted:
    """Return a start on digits-uci."""
    values = {"train_dataset": "digits-uci", "seed": 42, "estimated_seconds": 10.0}
    return TrialStarted(trial_id=trial, model=model, **(values | facts))  # type: ignore[arg-type]  # by name


def finished(trial: str, model: str, **facts: object) -> TrialFinished:
    """Return a good end on digits-uci."""
    values = {
        "train_dataset": "digits-uci",
        "seed": 42,
        "state": State.OK,
        "accuracy": 0.9722,
        "seconds": 1.4,
    }
    return TrialFinished(trial_id=trial, model=model, **(values | facts))  # type: ignore[arg-type]  # by name


def story(clock: Clock) -> list[tuple[float, Event]]:
    """Return a run of five trials with the time of each event."""
    return [
        (0.0, RunStarted(trials=5, cached=0, estimated_seconds=50.0)),
        (0.0, started("t1", "random-forest")),
        (1.4, finished("t1", "random-forest")),
        (1.4, started("t2", "cnn-svhn-deep")),
        (4.0, TrialRetried(trial_id="t2", state=State.CRASHED, reason="signal 11", attempt=1)),
        (
            5.0,
            finished(
                "t2",
                "cnn-svhn-deep",
                state=State.OUT_OF_MEMORY,
                reason="conv2d_3 [red]needs\x1b[2J more",
                accuracy=None,
            ),
        ),
        (5.0, Warned(message="a hook of plugin x failed")),
        (5.0, started("t3", "cnn-mnist-compact")),
        (
            8.0,
            EpochEnded(trial_id="t3", epoch=6, epochs=10, loss=0.081, accuracy=0.976, seconds=0.5),
        ),
        (8.0, started("t4", "a-model-with-a-very-long-name", variant="epochs=3", fits=False)),
    ]


def told(view: LiveView | PlainLines, clock: Clock, events: list[tuple[float, Event]]) -> None:
    """Tell a view the events at their times."""
    for seconds, event in events:
        clock.now = 100.0 + seconds
        view(event)


@pytest.mark.parametrize("width", [pytest.param(80, id="80"), pytest.param(120, id="120")])
def test_the_screen_while_trials_run(snapshot: SnapshotAssertion, width: int) -> None:
    clock = Clock()
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=False, markup=False, highlight=False)
    view = LiveView(console, clock=clock)
    told(view, clock, story(clock))
    above = file.getvalue()
    with console.capture() as capture:
        console.print(view)
    screen = above + capture.get()
    assert max(map(len, screen.splitlines())) <= width
    assert screen == snapshot


def test_names_to_come_have_room_from_the_first_line_on() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, markup=False, highlight=False)
    trials = [
        started("t1", "a", variant="smoke"),
        started("t2", "cnn-mnist-wide-augmented", variant="smoke", train_dataset="digits-uci-2"),
    ]
    view = make_view(console, unsaid="smoke", trials=trials)
    for trial in trials:
        view(trial)
        view(finished(trial.trial_id, trial.model, variant="smoke"))
    first, second = file.getvalue().splitlines()
    assert first.index("digits-uci") == second.index("digits-uci")
    assert "smoke" not in first + second


def test_plain_lines_are_one_a_trial(snapshot: SnapshotAssertion) -> None:
    clock = Clock()
    file = io.StringIO()
    console = Console(file=file, width=80, markup=False, highlight=False)
    view = PlainLines(console, progress=Progress(clock))
    told(view, clock, story(clock))
    assert file.getvalue() == snapshot


def test_a_long_trial_gives_a_sign_of_life_every_half_minute() -> None:
    clock = Clock()
    file = io.StringIO()
    view = PlainLines(Console(file=file, width=80), progress=Progress(clock))
    events: list[tuple[float, Event]] = [
        (0.0, RunStarted(trials=1, cached=0)),
        (0.0, started("t1", "slow")),
        *(
            (10.0 * epoch, EpochEnded(trial_id="t1", epoch=epoch, epochs=10, loss=1.0 / epoch))
            for epoch in range(1, 8)
        ),
    ]
    told(view, clock, events)
    lines = file.getvalue().splitlines()
    assert len(lines) == 2
    assert "epoch 3/10  loss .333  30.0 s  ·  1 min 10 s left" in lines[0]


def test_json_lines_are_the_events_themselves() -> None:
    file = io.StringIO()
    events = [event for _, event in story(Clock())]
    with JsonLines(file) as view:
        for event in events:
            view(event)
    assert [decode_event(line) for line in file.getvalue().splitlines()] == events
    assert json.loads(file.getvalue().splitlines()[0])["event"] == "run_started"


def test_what_remains_is_estimated_by_the_plan_and_then_by_pace() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.apply(RunStarted(trials=2, cached=0, estimated_seconds=20.0))
    assert progress.seconds_left() == 20.0
    progress.apply(started("t1", "a"))
    clock.now += 5.0
    progress.apply(finished("t1", "a"))
    assert progress.share_done == 0.5
    assert progress.seconds_left() == 5.0  # twice as fast as planned
    assert (progress.finished, progress.waiting) == (1, 1)


def test_a_run_without_estimates_counts_trials() -> None:
    progress = Progress(Clock())
    progress.apply(RunStarted(trials=4, cached=0))
    assert progress.seconds_left() is None
    progress.apply(started("t1", "a", estimated_seconds=None))
    progress.apply(finished("t1", "a"))
    assert progress.share_done == 0.25


def test_events_of_unknown_trials_do_no_harm() -> None:
    progress = Progress(Clock())
    progress.apply(EpochEnded(trial_id="x", epoch=1, epochs=2))
    progress.apply(EvaluationFinished(trial_id="x", test_dataset="d", accuracy=None, n_test=3))
    progress.apply(RunFinished(counts={}, seconds=0.0))
    assert progress.running == {}


def test_more_running_trials_than_lines_are_counted() -> None:
    clock = Clock()
    console = Console(file=io.StringIO(), width=80)
    view = LiveView(console, clock=clock)
    view(RunStarted(trials=30, cached=0))
    for index in range(20):
        view(started(f"t{index}", f"model-{index}"))
    with console.capture() as capture:
        console.print(view)
    assert "● 4 more running" in capture.get()
    assert "⋯ 10 waiting" in capture.get()


@pytest.mark.parametrize(
    ("is_json", "is_terminal", "kind"),
    [
        pytest.param(True, True, JsonLines, id="json"),
        pytest.param(False, True, LiveView, id="terminal"),
        pytest.param(False, False, PlainLines, id="pipe"),
    ],
)
def test_the_view_fits_where_it_is_shown(
    is_json: bool, is_terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = Console(file=io.StringIO(), force_terminal=is_terminal)
    assert isinstance(make_view(console, is_json=is_json), kind)


def test_the_live_region_is_gone_when_the_run_ends() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None)
    with LiveView(console) as view:
        view(RunStarted(trials=1, cached=0))
        view(started("t1", "a"))
        view(finished("t1", "a"))
    assert file.getvalue().rstrip().endswith("\x1b[2K") or "\x1b[?25h" in file.getvalue()
    assert "✓ a" in file.getvalue()


def test_the_board_stands_and_grows_below_the_trials_that_ended() -> None:
    console = Console(file=io.StringIO(), width=80, markup=False, highlight=False)
    view = LiveView(console, names=Names(several_seeds=True))

    def standing() -> list[str]:
        with console.capture() as capture:
            console.print(view)
        return [line.rstrip() for line in capture.get().splitlines()]

    assert standing() == []
    view(finished("t1", "random-forest", accuracy=0.95))
    assert standing() == ["  digits-uci  random-forest .950"]
    for seed, accuracy in ((42, 0.98), (43, 0.96)):
        view(finished(f"t{seed}", "svm-ovo", seed=seed, accuracy=accuracy))
    view(finished("t4", "mlp", accuracy=None, state=State.CRASHED))
    view(finished("t5", "mlp", train_dataset="mnist-csv", accuracy=1.0))
    assert standing() == [
        "  digits-uci  svm-ovo .970  ·  random-forest .950",
        "  mnist-csv   mlp 1.000",
    ]
    for model in ("cnn-mnist-wide-augmented", "cnn-mnist-compact"):
        view(finished(model, model, accuracy=0.99))
    assert standing()[0] == ("  digits-uci  cnn-mnist-compact .990  ·  3 more")


@pytest.mark.parametrize("width", [1, 12, 40, 79, 80, 200])
def test_the_standing_board_is_never_wider_than_the_screen(width: int) -> None:
    standings = Standings()
    for number in range(30):
        standings.add("a-dataset\x1b[2J", f"model-{number} (epochs={number})", number / 30)

    lines = [line.plain for line in standings.lines(width)]

    assert max(map(len, lines)) <= width
    assert not any("\x1b" in line for line in lines)
