"""Running checks one by one, each to a row."""

import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar
from unittest import SkipTest

__all__ = ["CheckResult", "CheckState", "CouldNotRunError", "name_of", "result_of", "run_checks"]

_Case = TypeVar("_Case")


class CheckState(StrEnum):
    """How a check ended; the plugin is sound where all are of the first three kinds."""

    PASSED = "passed"
    DECLARED = "failed as declared"
    NOT_APPLICABLE = "not applicable"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_fault(self) -> bool:
        """Whether the plugin is not sound; a check that could not run is no better."""
        return self in (CheckState.FAILED, CheckState.SKIPPED)


class CouldNotRunError(Exception):
    """What a check needs is broken, and another check says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One row: the check, its claim, how it ended, and up to two lines of reason or advice."""

    name: str
    """As ``ModelSpec.declares`` takes it."""
    claim: str
    state: CheckState
    lines: tuple[str, ...] = ()
    trace: str = ""
    """The traceback where the plugin itself raised."""


def run_checks(
    checks: Iterable[Callable[[_Case], str | None]], case: _Case
) -> Iterator[CheckResult]:
    """Run each check on `case` and yield its result."""
    declared: Mapping[str, str] = getattr(getattr(case, "spec", None), "declares", {})
    for check in checks:
        result = _located(_run(check, case), case)
        yield _as_declared(result, declared[result.name]) if result.name in declared else result


def _located(result: CheckResult, case: object) -> CheckResult:
    """Return a finding with its place in the plugin, where the case can tell."""
    where = getattr(case, "where", None)
    if result.state is not CheckState.FAILED or result.trace or where is None:
        return result
    first, *others = result.lines or ("",)
    place = where(result.name)
    return replace(result, lines=(f"{first} ({place})" if place else first, *others))


def _as_declared(result: CheckResult, reason: str) -> CheckResult:
    """Return the row of a check that the plugin says it fails."""
    if result.state is CheckState.SKIPPED:
        return result
    if result.state is CheckState.FAILED:
        lines = _two_lines(f"{' '.join(result.lines[:1])}\ndeclared: {' '.join(reason.split())}")
        return replace(result, state=CheckState.DECLARED, lines=lines)
    how = "it passes" if result.state is CheckState.PASSED else "it does not apply"
    lines = (f"{result.name} is declared to fail, and {how}", "take it out of declares")
    return replace(result, state=CheckState.FAILED, lines=lines)


def _run(check: Callable[[_Case], str | None], case: _Case) -> CheckResult:
    state, trace = CheckState.PASSED, ""
    lines: tuple[str, ...] = ()
    try:
        with warnings.catch_warnings():
            # A warning is no fault, also where the process makes errors of them.
            warnings.simplefilter("ignore")
            lines = _two_lines(check(case) or "")
    except SkipTest as reason:
        state, lines = CheckState.NOT_APPLICABLE, _two_lines(str(reason))
    except CouldNotRunError as reason:
        state, lines = CheckState.SKIPPED, _two_lines(f"could not run: {reason}")
    except AssertionError as error:
        state, lines = CheckState.FAILED, _two_lines(str(error))
    # The plugin is foreign code: whatever it raises, even an exit, fails this check only.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        said = " ".join(str(error).split())
        lines = (_plain(f"raised {type(error).__name__}: {said}"), _plain(f"at {_place(error)}"))
        state, trace = CheckState.FAILED, traceback.format_exc()
    return result_of(check, state, *lines, trace=trace)


def name_of(check: Callable[[Any], str | None]) -> str:
    """Return the name by which a plugin declares a check."""
    return check.__name__.removeprefix("check_").replace("_", "-")


def result_of(
    check: Callable[[Any], str | None], state: CheckState, *lines: str, trace: str = ""
) -> CheckResult:
    """Return a check's row."""
    claim = (check.__doc__ or name_of(check)).strip().splitlines()[0]
    return CheckResult(
        name=name_of(check), claim=claim, state=state, lines=lines, trace=_plain(trace)
    )


def _two_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _plain(text).splitlines() if line.strip())[:2]


def _plain(text: str) -> str:
    """Return text that any stream takes: a plugin's message may hold half a character."""
    return text.encode("utf-8", "backslashreplace").decode()


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.replace(chr(92), '/').rpartition('/')[2]}:{frame.lineno}: {frame.line}"
