import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import hookimpl
from bench.execution.events import EpochEnded, Event, TrialFinished, TrialStarted, Warned
from bench.execution.observers import observed
from bench.store.record import State

STARTED = TrialStarted(trial_id="t", model="m", train_dataset="d", seed=1)
EPOCH = EpochEnded(trial_id="t", epoch=1, epochs=2)
FINISHED = TrialFinished(trial_id="t", model="m", train_dataset="d", seed=1, state=State.OK)
HOOKS: dict[str, Event] = {
    "bench_trial_started": STARTED,
    "bench_epoch_ended": EPOCH,
    "bench_trial_finished": FINISHED,
}


def plugin(name: str, **hooks: Any) -> ModuleType:
    module = ModuleType(name)
    for hook, function in hooks.items():
        function.__name__ = hook
        setattr(module, hook, hookimpl(function))
    return module


@pytest.mark.parametrize("hook", list(HOOKS))
def test_each_observer_is_told_its_event_alone(hook: str) -> None:
    told: list[Any] = []

    def watch(event: Any) -> None:
        told.append(event)

    tell = observed(lambda event: None, [plugin("p", **{hook: watch})])
    for event in (*HOOKS.values(), Warned(message="w")):
        tell(event)
    assert told == [HOOKS[hook]]


def test_an_observer_that_raises_is_reported_once_and_the_others_are_told() -> None:
    shown: list[Any] = []
    told: list[Any] = []

    def broken(event: Any) -> None:
        raise KeyError("oops")

    def watch(event: Any) -> None:
        told.append(event)

    plugins = [plugin("bad", bench_epoch_ended=broken), plugin("good", bench_epoch_ended=watch)]
    tell = observed(shown.append, plugins)
    tell(EPOCH)
    tell(EPOCH)
    assert told == [EPOCH, EPOCH]
    warned = Warned(message="plugin bad, bench_epoch_ended: KeyError: 'oops'")
    assert shown == [EPOCH, warned, EPOCH]


def test_a_function_that_only_has_a_hooks_name_is_not_called() -> None:
    module = ModuleType("p")
    module.bench_trial_started = pytest.fail  # type: ignore[attr-defined]  # not marked as a hook
    observed(lambda event: None, [module])(STARTED)


def test_plugins_observe_a_real_run(tiny: Any) -> None:
    told: list[Any] = []

    def watch(event: Any) -> None:
        told.append(event)

    tell = observed(tiny.events.append, [plugin("p", bench_trial_finished=watch)])
    tiny.run(tiny.task(), tiny.task("debug-raise"), isolate=False, emit=tell)
    assert told == tiny.of(TrialFinished)
    assert [event.state for event in told] == [State.OK, State.FAILED]


def test_what_an_observer_prints_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    def loud(event: Any) -> None:
        sys.stdout.write("by print\n")
        os.write(1, b"by its number\n")
        os.chdir("/")

    before = Path.cwd()
    observed(lambda event: None, [plugin("p", bench_epoch_ended=loud)])(EPOCH)

    out, err = capfd.readouterr()
    assert (out, sorted(err.split("\n"))) == ("", ["", "by its number", "by print"])
    assert Path.cwd() == before


def test_an_observer_that_leaves_python_is_reported() -> None:
    shown: list[Any] = []

    def leaves(event: Any) -> None:
        sys.exit(3)

    observed(shown.append, [plugin("p", bench_epoch_ended=leaves)])(EPOCH)

    words = "plugin p, bench_epoch_ended: RuntimeError: it left Python with code 3"
    assert shown == [EPOCH, Warned(message=words)]
