"""What ``bench predict`` prints."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cli.view_command import print_lines
from bench.errors import BenchError, OptionError
from bench.render.console import make_console
from bench.render.export import as_csv, as_json
from bench.render.predict import (
    Shown,
    readings_as_dicts,
    readings_lines,
    submission_columns,
    submission_rows,
)
from bench.session import open_session
from bench.studies.predict import Readings, read_path
from bench.studies.trained import Trained, find_trained

__all__ = ["Asked", "predict_and_print"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for besides the paths."""

    model: str = ""
    settings: tuple[str, ...] = ()
    abstain_below: float
    is_json: bool = False
    is_csv: bool = False
    plugins: tuple[str, ...] = ()
    store: Path | None = None


def predict_and_print(paths: Sequence[Path], asked: Asked) -> None:
    """Read every path and print what it says; a path that cannot be read costs only itself.

    Raises
    ------
    BenchError
        If none could be read, or one could not: at the end, once the others are printed.
    """
    session = open_session(store=asked.store, plugins=asked.plugins)
    trained = find_trained(session.plugins, session.store, asked.model)
    options = dict(map(_setting, asked.settings))
    found: list[Readings] = []
    errors: list[BenchError] = []
    for path in paths:
        began = time.perf_counter()
        try:
            one = read_path(
                path.expanduser(),
                session.plugins,
                trained,
                options=options,
                threads=os.cpu_count() or 1,
            )
        except BenchError as error:
            errors.append(error)
            continue
        found.append(one)
        if not (asked.is_json or asked.is_csv):
            _print(one, trained, asked, time.perf_counter() - began)
    if asked.is_json:
        label, below = trained.label, asked.abstain_below
        print(as_json([each for one in found for each in readings_as_dicts(one, label, below)]))
    if asked.is_csv and found:
        print(as_csv(submission_rows(found), submission_columns(found)), end="")
    if errors:
        raise errors[0] if len(errors) == 1 else _several(errors)


def _print(one: Readings, trained: Trained, asked: Asked, seconds: float) -> None:
    console = make_console()
    shown = Shown(
        model=trained.label,
        seconds=seconds,
        width=console.width,
        colour=console.color_system is not None,
        below=asked.abstain_below,
    )
    print_lines(console, readings_lines(one, shown))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.removeprefix("image-folder.").removeprefix("arrays.").partition("=")
    if not equals:
        raise OptionError(f"--set {text}", why="it is not of the form OPTION=VALUE")
    return name, value


def _several(errors: Sequence[BenchError]) -> BenchError:
    return BenchError(f"{len(errors)} could not be read", why="; ".join(map(str, errors)))
