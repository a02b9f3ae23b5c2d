"""What ``bench predict`` prints."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.cli.show_views import print_lines
from bench.errors import BenchError, OptionError
from bench.render.console import make_console
from bench.render.export import as_csv, as_json
from bench.render.predict import reading_as_dict, reading_lines
from bench.session import open_session
from bench.studies.predict import Reading, read_path
from bench.studies.trained import find_trained

__all__ = ["predict_and_print"]


def predict_and_print(
    paths: Sequence[Path],
    model: str,
    settings: Sequence[str],
    is_json: bool,
    is_csv: bool,
    plugins: Sequence[str],
    store: Path | None,
) -> None:
    """Read every path and print what it says; a path that cannot be read costs only itself.

    Raises
    ------
    BenchError
        If none could be read, or one could not: at the end, once the others are printed.
    """
    session = open_session(store=store, plugins=plugins)
    trained = find_trained(session.plugins, session.store, model)
    options = dict(map(_setting, settings))
    console = make_console()
    readings: list[Reading] = []
    errors: list[BenchError] = []
    for path in paths:
        began = time.perf_counter()
        try:
            found = list(
                read_path(
                    path.expanduser(),
                    session.plugins,
                    trained,
                    options=options,
                    threads=os.cpu_count() or 1,
                )
            )
        except BenchError as error:
            errors.append(error)
            continue
        seconds = time.perf_counter() - began
        readings += found
        if not (is_json or is_csv):
            for reading in found:
                print_lines(
                    console,
                    reading_lines(
                        reading,
                        trained.label,
                        seconds,
                        console.width,
                        colour=console.color_system is not None,
                    ),
                )
    if is_json:
        print(as_json([reading_as_dict(reading, trained.label) for reading in readings]))
    if is_csv:
        print(_submission(readings), end="")
    if errors:
        raise errors[0] if len(errors) == 1 else _several(errors)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.removeprefix("image-folder.").partition("=")
    if not equals:
        raise OptionError(f"--set {text}", why="it is not of the form OPTION=VALUE")
    return name, value


def _submission(readings: Sequence[Reading]) -> str:
    digits = [digit for reading in readings for digit in reading.digits]
    rows = [{"ImageId": i, "Label": digit.digit} for i, digit in enumerate(digits, start=1)]
    return as_csv(rows, ("ImageId", "Label"))


def _several(errors: Sequence[BenchError]) -> BenchError:
    return BenchError(f"{len(errors)} could not be read", why="; ".join(map(str, errors)))
