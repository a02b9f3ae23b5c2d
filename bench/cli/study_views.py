"""What the views of ``bench show`` print that are built on studies."""

from collections.abc import Sequence
from pathlib import Path

from bench.cli.show_views import open_store, print_lines, print_table
from bench.render.console import make_console
from bench.render.export import as_json

__all__ = ["show_cost", "show_errors", "show_learning_curve", "show_metrics"]


def show_cost(explicit: Path | None, datasets: Sequence[str], is_json: bool, is_csv: bool) -> None:
    """Print what each model costs to train, to keep and to predict with."""
    from bench.render.cost import COST_COLUMNS, cost_lines, cost_records
    from bench.studies.cost import cost_boards, float_agreement

    store = open_store(explicit)
    boards = cost_boards(store, datasets)
    agreements = float_agreement(store, [row for board in boards for row in board.rows])
    if is_json or is_csv:
        print_table(cost_records(boards, agreements), COST_COLUMNS, is_csv)
        return
    console = make_console()
    print_lines(console, cost_lines(boards, agreements, console.width))


def show_errors(
    explicit: Path | None, datasets: Sequence[str], is_json: bool, is_csv: bool
) -> None:
    """Print what models get wrong together, board by board."""
    from bench.render.errors import ERROR_COLUMNS, error_lines, error_records, errors_as_dict
    from bench.studies.errors import analyse_errors
    from bench.studies.sides import test_pixels

    found = analyse_errors(open_store(explicit), datasets)
    if is_json:
        print(as_json([errors_as_dict(each) for each in found]))
        return
    if is_csv:
        print_table(error_records(found), ERROR_COLUMNS, is_csv)
        return
    console = make_console()
    for each in found:
        pixels = test_pixels(each.test_hash)
        is_colour = console.color_system is not None
        print_lines(console, error_lines(each, console.width, pixels=pixels, colour=is_colour))
        console.print()


def show_learning_curve(
    explicit: Path | None,
    datasets: Sequence[str],
    models: Sequence[str],
    is_json: bool,
    is_csv: bool,
) -> None:
    """Print accuracy and cost against training size."""
    from bench.render.learning_curve import LEARNING_COLUMNS, learning_lines, learning_records
    from bench.studies.learning import learning_curves

    curves = learning_curves(open_store(explicit), datasets, models)
    if is_json or is_csv:
        print_table(learning_records(curves), LEARNING_COLUMNS, is_csv)
        return
    console = make_console()
    print_lines(console, learning_lines(curves, console.width))


def show_metrics(
    explicit: Path | None, datasets: Sequence[str], is_json: bool, is_csv: bool
) -> None:
    """Print every metric of every row."""
    from bench.board.leaderboard import leaderboards
    from bench.render.metrics import metric_columns, metric_lines, metric_records

    boards = leaderboards(open_store(explicit), test_datasets=datasets or None)
    if is_json or is_csv:
        print_table(metric_records(boards), metric_columns(boards), is_csv)
        return
    console = make_console()
    print_lines(console, metric_lines(boards, console.width))
