"""What Python and a notebook call: `run` and `load_results`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from bench.board.leaderboard import leaderboards, row_as_dict
from bench.config import find_config, read_config
from bench.errors import OptionError, StoreError, did_you_mean
from bench.execution.events import Event
from bench.loading.cache import cache_folder, cache_in_use
from bench.planning.request import Request
from bench.session.executed import execute
from bench.spec import DatasetSpec, ModelSpec
from bench.store.record import State
from bench.store.remote import readable_store

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_results", "run"]


def run(
    models: str | ModelSpec | Sequence[str | ModelSpec] = (),
    datasets: str | Path | DatasetSpec | Sequence[str | Path | DatasetSpec] = (),
    *,
    on_event: Callable[[Event], None] | None = None,
    **options: Any,
) -> "pd.DataFrame":
    """Train and evaluate what is missing; return the leaderboards as a DataFrame.

    Parameters
    ----------
    models, datasets : str, spec, or a sequence of them
        Names and globs, of datasets paths as well; none means all that are there. A `ModelSpec`
        or `DatasetSpec`, as a notebook makes it, travels to the workers as the source of its
        functions; the estimators and Keras networks that these name as ``.skops`` and ``.keras``
        files.
    on_event : callable
        Told every event while it runs; left out, progress is written to standard error.
    **options
        The other fields of `Request`, for example ``seeds=(1, 2, 3)`` or ``store="results/mine"``.

    Returns
    -------
    DataFrame
        The machine-readable leaderboard, a line a row.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once what is finished is stored: the same call goes on.
    OptionError
        If there is no such option, or its value is of another type.
    """
    given = _as_tuple(models), _as_tuple(datasets)
    names = _names("models", given[0], ModelSpec), _names("datasets", given[1], DatasetSpec)
    asked = _checked(options)
    written = _written([*given[0], *given[1]], asked.get("cache_dir"))
    asked["plugins"] = (*asked.get("plugins", ()), *written)
    request = Request(models=names[0], datasets=names[1], **asked)
    with cache_in_use(request.cache_dir), _progress(request, on_event) as tell:
        result = execute(request, tell)
    if result.interrupted:
        done = result.counts.get(State.OK, 0)
        raise KeyboardInterrupt(f"{done} trials are finished and kept; the same call goes on")
    return _frame(row_as_dict(row) for board in result.boards for row in board.rows)


@contextmanager
def _progress(
    request: Request, on_event: Callable[[Event], None] | None
) -> Iterator[Callable[[Event], None]]:
    """Give what is told the events: the caller's own, or a display beside the output."""
    if on_event is not None:
        yield on_event
        return
    from bench.render.console import make_console
    from bench.render.live import make_view

    console = make_console(stderr=True)
    with make_view(console, several_seeds=len(request.seeds) > 1) as view:
        yield view


def _as_tuple(value: Any) -> tuple[Any, ...]:
    is_one = isinstance(value, str | Path) or not isinstance(value, Iterable)
    return (value,) if is_one else tuple(value)


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Request` that a caller sets, each of its type."""
    kinds, found = get_type_hints(Request), {}
    for name, value in options.items():
        if name not in kinds:
            raise OptionError(f"bench.run takes no {name}", why=did_you_mean(name, kinds))
        if hasattr(value, "tolist"):  # numpy's and pandas' own
            value = value.tolist()
        if name in ("store", "data_dir", "cache_dir") and isinstance(value, str):
            value = Path(value)
        if name in ("seeds", "folders", "settings", "plugins"):
            value = tuple(str(x) if isinstance(x, Path) else x for x in _as_tuple(value))
        try:
            found[name] = msgspec.convert(value, kinds[name])
        except msgspec.ValidationError as error:
            raise OptionError(f"bench.run, {name}={value!r}", why=str(error)) from None
    return found


def _names(
    which: str, given: tuple[Any, ...], kind: type[ModelSpec | DatasetSpec]
) -> tuple[str, ...]:
    for each in given:
        if not isinstance(each, str | Path | kind):
            raise OptionError(
                f"bench.run, {which}: {type(each).__name__}",
                why=f"it is neither a name nor a {kind.__name__}",
                fix=f"put it in one: {kind.__name__}(name=…, summary=…, …)",
            )
    return tuple(each.name if isinstance(each, kind) else str(each) for each in given)


def _written(given: Iterable[Any], cache_dir: Path | None) -> list[str]:
    """Write a plugin file for each spec among what was given, and return their names."""
    specs = [each for each in given if isinstance(each, ModelSpec | DatasetSpec)]
    if not specs:
        return []
    from bench.adapters.given import given_object
    from bench.plugins.written import write_plugin

    folder = cache_folder(cache_dir) / "plugins"
    return [str(write_plugin(spec, folder, given_object)) for spec in specs]


def load_results(
    store: str | Path | None = None, *, each_seed: bool = False, exclude_duplicates: bool = False
) -> "pd.DataFrame":
    """Return a store's leaderboards as a DataFrame with the documented columns.

    Parameters
    ----------
    store : str, Path or None
        Its folder (default: ``BENCH_STORE``, ``bench.toml``, ``./results/local``).
    each_seed : bool
        A line for each evaluation instead of one over the seeds; of all its images.
    exclude_duplicates : bool
        Score without the test images that are, or nearly are, training images of a row.
    """
    place, named = readable_store(Path(store) if store else None, read_config(find_config()))
    if not place.root.is_dir():
        raise StoreError(f"store {named}", why="there is no such folder")
    if each_seed:
        from bench.board.building import per_seed

        return _frame(map(row_as_dict, per_seed(place)))
    boards = leaderboards(place, exclude_duplicates=exclude_duplicates)
    return _frame(row_as_dict(row) for board in boards for row in board.rows)


def _frame(rows: Iterable[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    from bench.board.leaderboard import COLUMNS

    return pd.DataFrame(list(rows), columns=list(COLUMNS))
