"""A command for each view: its options, the shared ones, and how a value is printed."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, Final, get_type_hints

import typer
from rich.console import Console, RenderableType
from typer.core import TyperCommand
from typer.main import get_command

from bench.cli.arguments import ExcludeOption, JsonOption, StoreOption, one_format
from bench.errors import OptionError
from bench.render.hints import as_help

__all__ = ["command_of", "print_lines", "print_table", "print_value"]

SHARED: Final[dict[str, Any]] = {
    "dataset": Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ],
    "model": Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only these, names and globs."),
    ],
    "exclude_duplicates": ExcludeOption,
}


class _Command(TyperCommand):
    """A view's command: an option of another view is refused by name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, or say which views take the option that this one does not."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            wrong = getattr(error, "option_name", "")
            takers = _takers(wrong) if type(error).__name__ == "NoSuchOption" else []
            if not takers:
                raise
            raise OptionError(
                f"bench show {self.name} takes no {wrong}",
                why=f"{', '.join(takers)} {'takes' if len(takers) == 1 else 'take'} it",
                fix=f"see bench show {self.name} --help",
            ) from None


def _takers(flag: str) -> list[str]:
    """Return the views with an option of this name, the shared ones included."""
    from bench.views import view_names

    return [
        name for name in view_names() if any(flag in each.opts for each in command_of(name).params)
    ]


def command_of(name: str) -> Any:
    """Return the command of the view of this name."""
    from bench.views import get_view

    view = get_view(name)
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=_Command, help=as_help(f"{view.summary}\n\n{view.about}"))(
        _function(view)
    )
    command = get_command(app)
    command.name = name
    return command


def _function(view: Any) -> Callable[..., None]:
    """Return a function whose parameters are the options of a view, for typer to read."""
    own = {each.name: _own(each, hint) for each, hint in _typed(view.options)}
    shared = {name: (SHARED[name], None) for name in view.takes}
    table = f"Print {view.table} as CSV." if view.table else "Print CSV."
    always = {
        "as_json": (JsonOption, False),
        "as_csv": (Annotated[bool, typer.Option("--csv", help=table, callback=one_format)], False),
        "store": (StoreOption, None),
    }

    def show(**given: Any) -> None:
        _show(view, view.options(**{name: given[name] for name in own}), given)

    parameters = own | shared | always
    show.__annotations__ = {name: hint for name, (hint, _) in parameters.items()}
    show.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads
        [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default
            )
            for name, (hint, default) in parameters.items()
        ]
    )
    return show


def _typed(options: type) -> Iterable[tuple[Field[Any], Any]]:
    hints = get_type_hints(options)
    return [(each, hints[each.name]) for each in fields(options)]


def _own(each: Field[Any], hint: Any) -> tuple[Any, Any]:
    """Return the annotation and the default of a view's own option."""
    parameter = each.metadata["parameter"]
    default = inspect.Parameter.empty if each.default is MISSING else each.default
    if not parameter.flags:
        return Annotated[
            hint, typer.Argument(metavar=parameter.metavar, help=parameter.meaning)
        ], default
    return Annotated[
        hint,
        typer.Option(
            *parameter.flags,
            metavar=parameter.metavar or None,
            help=parameter.meaning,
            min=parameter.minimum,
            max=parameter.maximum,
            show_default=False,
        ),
    ], default


def _show(view: Any, options: Any, given: dict[str, Any]) -> None:
    from bench.board.boards import Boards, open_store
    from bench.render.notices import tell_once
    from bench.store.damage import damage_words, without_damaged

    shared = {name: given[name] for name in view.takes}
    store = open_store(given["store"])

    def compute() -> str | list[RenderableType]:
        boards = Boards(
            store=store,
            datasets=shared.get("dataset") or (),
            models=shared.get("model") or (),
            exclude_duplicates=shared.get("exclude_duplicates", False),
        )
        value = view.compute(boards, options)
        return _written(view, value, options, is_json=given["as_json"], is_csv=given["as_csv"])

    # What is drawn may read the store as well: nothing is printed before all of it is there.
    written = without_damaged(compute)
    tell_once(damage_words())
    _print(written)


def print_value(view: Any, value: Any, options: Any, *, is_json: bool, is_csv: bool) -> None:
    """Print what a view computed: as JSON, as CSV, or for a person."""
    _print(_written(view, value, options, is_json=is_json, is_csv=is_csv))


def _written(
    view: Any, value: Any, options: Any, *, is_json: bool, is_csv: bool
) -> str | list[RenderableType]:
    """Return JSON or CSV as text, or what a console prints."""
    from bench.render.console import make_console
    from bench.render.export import as_csv, as_json
    from bench.views import Screen

    if is_json:
        return as_json(view.as_data(value)) + "\n"
    if is_csv:
        return as_csv(view.records(value), view.table_columns(value))
    console = make_console()
    screen = Screen(width=console.width, has_colour=console.color_system is not None)
    return list(view.draw(value, options, screen))


def _print(written: str | list[RenderableType]) -> None:
    if isinstance(written, str):
        print(written, end="")
        return
    from bench.render.console import make_console

    print_lines(make_console(), written)


def print_lines(console: Console, lines: Iterable[RenderableType]) -> None:
    """Print texts that are laid out already, and longer sentences wrapped at blanks."""
    for line in lines:
        console.print(line)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], is_csv: bool) -> None:
    """Print rows as CSV, else as JSON."""
    from bench.render.export import as_csv, as_json

    print(as_csv(rows, columns) if is_csv else as_json(list(rows)), end="" if is_csv else "\n")
