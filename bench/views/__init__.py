"""Views: one file each, with what it computes, its columns, and how a terminal draws it.

A module of this package whose name begins with no underscore holds `VIEW`; ``bench show`` makes a
command of each, but of those of `VERBS`, which are verbs. What a view computes is a frozen value
that any other drawing may use: a page, a notebook, a plugin's reporter. Views do not import one
another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, Generic, TypeVar

from rich.console import RenderableType

from bench.render.field_table import record_of
from bench.store.fields import FIELDS, Field
from bench.store.layout import Store

__all__ = [
    "VERBS",
    "NoOptions",
    "Parameter",
    "Screen",
    "View",
    "argument",
    "flag",
    "get_view",
    "option",
    "view_names",
]

VERBS: Final = ("compare", "doctor", "inspect", "list", "predict", "verify")

V = TypeVar("V")
O = TypeVar("O")  # noqa: E741  # the options, beside V for the value


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a view is drawn on: `width` in characters, and whether it shows colours."""

    width: int
    has_colour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One option of a view's own, as a command line takes it.

    ``flags`` is empty for an argument, which is given by its place.
    """

    flags: tuple[str, ...] = ()
    metavar: str = ""
    meaning: str
    minimum: float | None = None
    maximum: float | None = None


def argument(metavar: str, meaning: str, *, default: Any = MISSING) -> Any:
    """Return a field of a view's options that is given by its place."""
    return _field(Parameter(metavar=metavar, meaning=meaning), default)


def option(*flags: str, metavar: str, meaning: str, default: Any, **limits: float) -> Any:
    """Return a field of a view's options that takes a value; `limits` are minimum and maximum."""
    return _field(Parameter(flags=flags, metavar=metavar, meaning=meaning, **limits), default)


def flag(*flags: str, meaning: str) -> Any:
    """Return a field of a view's options that is true where it is given."""
    return _field(Parameter(flags=flags, meaning=meaning), False)


def _field(parameter: Parameter, default: Any) -> Any:
    return field(default=default, metadata={"parameter": parameter})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """The options of a view that has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[V, O]):
    """One way of looking at the records of a store.

    Parameters
    ----------
    name : str
        What is typed after ``bench show``; of one of `VERBS`, after ``bench``.
    summary : str
        What it shows, in one sentence.
    about : str
        What else its help says; "For example:" begins the lines of commands.
    compute : callable
        From its source and the view's own options to a frozen value, without any text. The
        source is what the verb has: the boards of a store for ``bench show`` and ``compare``.
    columns : sequence of str
        The stable columns of its table, each of them in the registry of fields.
    fields : mapping
        That registry, where it is another than the one of rows and records.
    draw : callable
        From the value, the options and a screen to the lines a person reads.
    takes : sequence of str
        Which of the shared options it takes: ``dataset``, ``model``, ``exclude_duplicates``.
    options : type
        A frozen dataclass of the view's own options: `argument`, `option`, `flag`.
    columns_of : callable
        From the value to its columns, where these are not always the same.
    rows : callable
        From the value to the rows of the table; left out, the columns are read as attributes of
        its items, and of their rows.
    document : callable
        From the value to what ``--json`` prints; left out, the rows.
    table : str
        What the rows of ``--csv`` are, where they are not the whole view.
    notes : callable
        From the value to sentences that stand on standard error beside JSON and CSV.
    exit_code : callable
        From the value to the code that the command ends with.
    own_store : callable
        From the options to the store that they name themselves, if they do.
    """

    name: str
    summary: str
    about: str = ""
    compute: Callable[[Any, O], V]
    columns: Sequence[str]
    fields: Mapping[str, Field] = field(default_factory=lambda: FIELDS)
    draw: Callable[[V, O, Screen], Iterable[RenderableType]]
    takes: Sequence[str] = ()
    options: type[O] = NoOptions  # type: ignore[assignment]  # the default of a view without any
    columns_of: Callable[[V], Sequence[str]] | None = None
    rows: Callable[[V], Iterable[Mapping[str, Any]]] | None = None
    document: Callable[[V], Any] | None = None
    table: str = ""
    notes: Callable[[V], Iterable[str]] | None = None
    exit_code: Callable[[V], int] | None = None
    own_store: Callable[[O], Store | None] | None = None

    def table_columns(self, value: V) -> Sequence[str]:
        """Return the columns of the table of a value."""
        return self.columns if self.columns_of is None else self.columns_of(value)

    def records(self, value: V) -> list[Mapping[str, Any]]:
        """Return the rows of the table, plain data under the names of its columns, in order."""
        columns = self.table_columns(value)
        items: Any = value
        if self.rows is None:
            return [record_of(item, columns=columns) for item in items]
        return [{name: row.get(name) for name in columns} for row in self.rows(value)]

    def as_data(self, value: V) -> Any:
        """Return the value as plain data: what ``--json`` prints."""
        return self.records(value) if self.document is None else self.document(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What a view computed, for a reporter: the value, and its table under stable names."""

    view: View[Any, Any]
    value: Any

    @property
    def columns(self) -> Sequence[str]:
        """The columns of its table."""
        return self.view.table_columns(self.value)

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """The rows of its table: plain data by column."""
        return self.view.records(self.value)


def view_names() -> list[str]:
    """Return the names of the views of ``bench show``: this package's modules but the verbs."""
    modules = [module.name for module in iter_modules(__path__)]
    names = [name.replace("_", "-") for name in modules if not name.startswith("_")]
    return [name for name in names if name not in VERBS]


def get_view(name: str) -> View[Any, Any]:
    """Return the view of this name; only its own module is loaded."""
    view: View[Any, Any] = import_module(f"{__name__}.{name.replace('-', '_')}").VIEW
    return view
