"""A command for each view: its options, the shared ones, and how a value is printed."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any, Final, get_type_hints

import typer
from rich.console import Console, RenderableType
from typer.core import TyperCommand
from typer.main import get_command

from bench.cli.arguments import (
    ExcludeOption,
    JsonOption,
    ModelsOption,
    StoreOption,
    TestDatasetsOption,
    one_format,
)
from bench.errors import OptionError
from bench.render.hints import as_help
from bench.views import VERBS, Screen, get_view, view_names

__all__ = ["app_of", "command_of", "print_lines", "print_value"]

SHARED: Final[dict[str, Any]] = {
    "dataset": TestDatasetsOption,
    "model": ModelsOption,
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
            path = f"bench {self.name}" if self.name in VERBS else f"bench show {self.name}"
            raise OptionError(
                f"{path} takes no {wrong}",
                why=f"{', '.join(takers)} {'takes' if len(takers) == 1 else 'take'} it",
                fix=f"see {path} --help",
            ) from None


def _takers(flag: str) -> list[str]:
    """Return the views with an option of this name, the shared ones included."""
    return [
        name for name in view_names() if any(flag in each.opts for each in command_of(name).params)
    ]


def command_of(name: str) -> Any:
    """Return the command of the view of this name."""
    command = get_command(app_of(name))
    command.name = name
    return command


def app_of(name: str) -> typer.Typer:
    """Return the view of this name as a typer app of one command."""
    view = get_view(name)
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=_Command, help=as_help(f"{view.summary}\n\n{view.about}"))(
        _function(view)
    )
    return app


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
            show_default=bool(default),
        ),
    ], default


def _show(view: Any, options: Any, given: dict[str, Any]) -> None:
    from bench.board.boards import Boards, open_store
    from bench.render.notices import tell_once
    from bench.store.damage import damage_words, without_damaged

    shared = {name: given[name] for name in view.takes}
    own = None if view.own_store is None else view.own_store(options)
    store = own or open_store(given["store"])

    def compute() -> tuple[Any, _Written]:
        boards = Boards(
            store=store,
            datasets=shared.get("dataset") or (),
            models=shared.get("model") or (),
            exclude_duplicates=shared.get("exclude_duplicates", False),
        )
        value = view.compute(boards, options)
        how = {"is_json": given["as_json"], "is_csv": given["as_csv"]}
        return value, _written(view, value, options, **how)

    # What is drawn may read the store as well: nothing is printed before all of it is there.
    value, written = without_damaged(compute)
    tell_once(damage_words())
    _print(written)
    _end(view, value)


def print_value(
    view: Any, value: Any, options: Any, *, is_json: bool = False, is_csv: bool = False
) -> None:
    """Print what a view computed: as JSON, as CSV, or for a person; end with its exit code.

    Raises
    ------
    typer.Exit
        With the view's exit code, where that is not 0.
    """
    _print(_written(view, value, options, is_json=is_json, is_csv=is_csv))
    _end(view, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """JSON or CSV and what is said beside it, or what a console prints."""

    text: str = ""
    lines: Sequence[RenderableType] = ()
    notes: Sequence[str] = ()


def _written(view: Any, value: Any, options: Any, *, is_json: bool, is_csv: bool) -> _Written:
    from bench.render.console import make_console
    from bench.render.export import as_csv, as_json

    if is_json or is_csv:
        table = as_csv(view.records(value), view.table_columns(value)) if is_csv else ""
        return _Written(
            text=table or as_json(view.as_data(value)) + "\n",
            notes=() if view.notes is None else list(view.notes(value)),
        )
    console = make_console()
    screen = Screen(width=console.width, has_colour=console.color_system is not None)
    return _Written(lines=list(view.draw(value, options, screen)))


def _print(written: _Written) -> None:
    from bench.render.console import make_console, plain

    if written.notes:
        print_lines(make_console(stderr=True), [plain(note, "warn") for note in written.notes])
    if written.text:
        print(written.text, end="")
    else:
        print_lines(make_console(), written.lines)


def _end(view: Any, value: Any) -> None:
    code = 0 if view.exit_code is None else view.exit_code(value)
    if code:
        raise typer.Exit(code)


def print_lines(console: Console, lines: Iterable[RenderableType]) -> None:
    """Print texts that are laid out already, and longer sentences wrapped at blanks.

    A text that says so (`no_wrap`) stays whole: a path or an address is there to be copied.
    """
    for line in lines:
        console.print(line, soft_wrap=bool(getattr(line, "no_wrap", False)))
