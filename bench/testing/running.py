"""Running checks one by one, each to a row."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from unittest import SkipTest

__all__ = ["CheckResult", "CheckState", "result_of", "run_checks"]

_Case = TypeVar("_Case")


class CheckState(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One row: the check, its claim, how it ended, and up to two lines of reason or advice."""

    name: str
    claim: str
    state: CheckState
    lines: tuple[str, ...] = ()
    trace: str = ""
    """The traceback where the plugin itself raised."""


def run_checks(
    checks: Iterable[Callable[[_Case], str | None]], case: _Case
) -> Iterator[CheckResult]:
    """Run each check on `case` and yield its result."""
    for check in checks:
        yield _run(check, case)


def _run(check: Callable[[_Case], str | None], case: _Case) -> CheckResult:
    state, trace = CheckState.PASSED, ""
    lines: tuple[str, ...] = ()
    try:
        lines = _two_lines(check(case) or "")
    except SkipTest as reason:
        state, lines = CheckState.SKIPPED, _two_lines(str(reason))
    except AssertionError as error:
        state, lines = CheckState.FAILED, _two_lines(str(error))
    # The plugin is foreign code: whatever it raises, even an exit, fails this check only.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        said = " ".join(str(error).split())
        lines = (_plain(f"raised {type(error).__name__}: {said}"), _plain(f"at {_place(error)}"))
        state, trace = CheckState.FAILED, traceback.format_exc()
    return result_of(check, state, *lines, trace=trace)


def result_of(
    check: Callable[[Any], str | None], state: CheckState, *lines: str, trace: str = ""
) -> CheckResult:
    """Return a check's row."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    claim = (check.__doc__ or name).strip().splitlines()[0]
    return CheckResult(name=name, claim=claim, state=state, lines=lines, trace=_plain(trace))


def _two_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _plain(text).splitlines() if line.strip())[:2]


def _plain(text: str) -> str:
    """Return text that any stream takes: a plugin's message may hold half a character."""
    return text.encode("utf-8", "backslashreplace").decode()


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.replace(chr(92), '/').rpartition('/')[2]}:{frame.lineno}: {frame.line}"
