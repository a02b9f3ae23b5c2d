"""How ``bench run`` carries a request out and what it prints around it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.board.leaderboard import Board, Row, row_as_dict
from bench.board.views import abstaining, row_report
from bench.cli.plan_lines import is_long, machine_words, plan_as_dict, plan_lines, plan_table
from bench.cli.view_command import print_lines
from bench.execution.events import TrialStarted
from bench.loading.cache import cache_in_use
from bench.planning.grid import Plan
from bench.render.abstention import abstention_line
from bench.render.console import make_console
from bench.render.hints import prog
from bench.render.live import make_view
from bench.session import Request, RunResult, execute, plan
from bench.store.layout import Store
from bench.store.record import State
from bench.store.variant import Variant
from bench.views import Screen
from bench.views.leaderboard import Leaderboards, draw_boards
from bench.views.leaderboard.drawing import closing_lines
from bench.views.report import Report, draw_misread
from bench.views.report.classes import report_lines

__all__ = ["Shown", "carry_out"]

_MISREAD_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is printed after a run."""

    reports: str = "best"
    all_rows: bool = False
    abstain_below: float = 0.0
    html: Path | None = None


@cache_in_use()
def carry_out(asked: dict[str, Any], shown: Shown, *, dry_run: bool, is_json: bool) -> int:
    """Plan, run and show; return the exit code."""
    request = Request(**asked)
    if shown.html is not None:
        from bench.report.files import refuse_others

        refuse_others(shown.html)
    planned = plan(request)
    console = make_console()
    if dry_run:
        _show_plan(console, planned, request, is_json)
        return 0
    if not is_json:
        _head(console, planned, request)
    view = make_view(
        console,
        is_json=is_json,
        several_seeds=len(request.seeds) > 1,
        unsaid=_shared_budget(planned, request),
        trials=_to_come(planned),
    )
    with view:
        result = execute(request, view, planned)
    if is_json:
        rows = [row_as_dict(row) for board in result.boards for row in board.rows]
        print(_one_line_json({"event": "leaderboard", "rows": rows}))
    else:
        _show_result(console, result, shown)
    if shown.html is not None and not result.interrupted:
        _write_page(result.plan.store, shown.html)
        if not is_json:
            console.print(Text(f"The whole store as a page: {shown.html}"))
    return result.exit_code


def _write_page(store: Path, path: Path) -> None:
    """Write the report of the whole store, which may hold more than this run added."""
    from bench.board.boards import Boards
    from bench.report.content import collect
    from bench.report.files import write_text
    from bench.report.page import render_page

    write_text(path, render_page(collect(Boards(store=Store(store)))))


def _shared_budget(planned: Plan, request: Request) -> str:
    """Return the budget if it is the whole variant of every trial; the head line says it once."""
    variants = [cell.variant for cell in planned.cells if cell.task is not None]
    is_all = variants and all(each == Variant(budget=request.budget) for each in variants)
    return request.budget if is_all and request.budget != "full" else ""


def _to_come(planned: Plan) -> list[TrialStarted]:
    return [
        TrialStarted(
            trial_id=cell.task.trial_id,
            model=cell.model,
            train_dataset=cell.train_dataset,
            seed=cell.seed or 0,
            variant=cell.variant.words,
        )
        for cell in planned.cells
        if cell.task is not None
    ]


def _one_line_json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _head(console: Console, planned: Plan, request: Request) -> None:
    from bench import __version__
    from bench.execution.machine import machine_facts

    facts = machine_facts()
    machine = machine_words(facts)
    budget = "" if request.budget == "full" else f" · budget {request.budget}"
    console.print(Text(f"digitbench {__version__} · {machine}{budget} · store {planned.store}"))
    quick = plan(replace(request, budget="quick")).estimated_seconds if is_long(planned) else None
    for line in plan_lines(planned, facts.cores, quick):
        console.print(line)
    console.print()


def _show_plan(console: Console, planned: Plan, request: Request, is_json: bool) -> None:
    if is_json:
        print(_one_line_json(plan_as_dict(planned)))
        return
    _head(console, planned, request)
    for line in plan_table(planned, console.width):
        console.print(line)


def _show_result(console: Console, result: RunResult, shown: Shown) -> None:
    if result.interrupted:
        done = result.counts.get(State.OK, 0)
        line = f"Stopped. {done} finished and kept; the same command goes on. See {prog()} show"
        console.print(Text(line))
        return
    store = Store(result.plan.store)
    boards = [board for board in result.boards if board.rows]
    screen = Screen(width=console.width, has_colour=console.color_system is not None)
    for board in boards:
        found = Leaderboards(store=store, boards=(board,))
        is_brief = shown.reports == "best" and not shown.all_rows
        print_lines(console, draw_boards(found, screen, all_rows=shown.all_rows, brief=is_brief))
        for row in _reported(board, shown.reports):
            if is_brief and board.evaluation_only and board.test_embedded:
                continue  # the few images that ship are no place to look closer
            _show_report(console, store, row, shown)
            report = Report(store=store, board=board, row=row)
            print_lines(console, draw_misread(report, screen, limit=_MISREAD_SHOWN))
    print_lines(console, map(Text, closing_lines(boards)))


def _reported(board: Board, reports: str) -> list[Row]:
    """Return the rows whose per-class tables follow the board: the leader, or all."""
    rows = [row for row in board.rows if row.state is State.OK and row.labelled]
    return {"none": [], "best": rows[:1], "all": rows}[reports]


def _show_report(console: Console, store: Store, row: Row, shown: Shown) -> None:
    found = row_report(store, row)
    is_brief = shown.reports == "best"
    lines = report_lines(row, found.report, found.confusions, console.width, brief=is_brief)
    if shown.abstain_below:
        left = abstaining(store, row, shown.abstain_below)
        lines.append(abstention_line(left, shown.abstain_below))
    for line in lines:
        console.print(line)
    console.print()
