import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from bench.testing import CheckLimits, CheckResult, CheckState, run_checks_apart

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in this process there")
Check = Callable[[Any], str | None]


@pytest.fixture
def living() -> Callable[[], list[int]]:
    """Return the processes of this group's descendants that live: children, and orphans of them."""
    before = {process.pid for process in psutil.process_iter()}

    def find() -> list[int]:
        mine = psutil.Process().cmdline()
        found = []
        for process in psutil.process_iter():
            if process.pid in before:
                continue
            try:
                is_fork = process.cmdline() == mine
                if is_fork and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found

    return find


LIMITS = CheckLimits(seconds=1.5, memory_bytes=3 << 30)


def check_fine(case: Any) -> str | None:
    """Be fine."""
    case.seen.append("fine")
    return None


def check_wrong(case: Any) -> str | None:
    """Be wrong."""
    raise AssertionError("it is wrong \udcff")


def check_hangs(case: Any) -> str | None:
    """Never end."""
    while True:
        time.sleep(1)


def check_leaves(case: Any) -> str | None:
    """Leave Python."""
    os._exit(0)


def check_killed(case: Any) -> str | None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def check_swells(case: Any) -> str | None:
    """Fill the memory."""
    heap = []
    while True:
        heap.append(np.ones(25_000_000))


def check_prints(case: Any) -> str | None:
    """Print, and close what is printed to."""
    sys.stdout.write('{"name": "false"}\n')
    os.close(1)
    sys.stdout.close()
    return "printed"


def check_slow_in_steps(case: Any) -> str | None:
    """Take longer than the limit, in steps that each keep to it."""
    for _ in range(4):
        case.on_step()
        time.sleep(0.7)
    return None


def check_leaves_a_child(case: Any) -> str | None:
    """Leave a process that never ends."""
    if os.fork() == 0:
        time.sleep(600)
    return None


def results(*checks: Check, limits: CheckLimits = LIMITS) -> Sequence[CheckResult]:
    return list(run_checks_apart(checks, SimpleNamespace(seen=[], on_step=None), limits))


def states(*checks: Check) -> list[str]:
    return [str(result.state) for result in results(*checks)]


def test_each_check_has_its_row() -> None:
    assert states(check_fine, check_wrong, check_fine) == ["passed", "failed", "passed"]


@pytest.mark.parametrize(
    ("check", "line"),
    [
        pytest.param(check_leaves, "the plugin left Python with exit code 0", id="exit"),
        pytest.param(check_killed, "SIGKILL", id="kill"),
    ],
)
def test_a_plugin_that_ends_its_process_fails_that_check_and_the_next_ones_run(
    check: Check, line: str
) -> None:
    first, lost, last = results(check_fine, check, check_fine)
    assert (first.state, lost.state, last.state) == (
        CheckState.PASSED,
        CheckState.FAILED,
        CheckState.PASSED,
    )
    assert line in lost.lines[0]


def test_a_plugin_that_hangs_is_stopped_and_the_rest_is_not_tried() -> None:
    first, hung, rest = results(check_fine, check_hangs, check_fine)
    assert first.state is CheckState.PASSED
    assert hung.state is CheckState.FAILED
    assert hung.lines[0] == "did not end within 1.5 s"
    assert rest.state is CheckState.SKIPPED


def test_a_plugin_that_swells_is_stopped() -> None:
    limits = CheckLimits(seconds=60, memory_bytes=1500 << 20)
    (swollen,) = results(check_swells, limits=limits)
    assert swollen.state is CheckState.FAILED
    assert swollen.lines[0] == "took more than 1,500 MiB of memory"


def test_what_a_plugin_prints_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    printed, fine = results(check_prints, check_fine)
    assert (printed.lines, fine.state) == (("printed",), CheckState.PASSED)
    assert capfd.readouterr().out == ""


def test_a_limit_is_of_a_step() -> None:
    assert states(check_slow_in_steps) == ["passed"]


def test_no_process_is_left(living: Callable[[], list[int]]) -> None:
    states(check_leaves_a_child, check_hangs)
    time.sleep(0.3)
    assert living() == []
