"""What ``bench predict`` prints."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bench.cli.view_command import print_lines, print_value
from bench.errors import BenchError, DataError, OptionError
from bench.images.sample_names import file_of
from bench.render.console import make_console
from bench.render.seen import Seen, look_again, seen_as_png, seen_lines
from bench.session import open_session
from bench.views.predict import VIEW, Options, Predicted, Source
from bench.views.predict.drawing import caption_of
from bench.views.predict.reading import Readings
from bench.views.predict.trained import find_trained

__all__ = ["Asked", "predict_and_print"]

_MOST_DRAWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for besides the paths."""

    model: str = ""
    settings: tuple[str, ...] = ()
    abstain_below: float
    show: bool = False
    png: Path | None = None
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
    options = Options(
        settings=dict(map(_setting, asked.settings)), abstain_below=asked.abstain_below
    )
    is_text = not (asked.is_json or asked.is_csv)
    found: list[Readings] = []
    drawn: list[Seen] = []
    errors: list[BenchError] = []
    for path in paths:
        try:
            source = Source(paths=(path,), plugins=session.plugins, trained=trained)
            value = VIEW.compute(source, options)
        except BenchError as error:
            errors.append(error)
            continue
        (one,) = value.read
        found.append(one)
        if is_text:
            print_value(VIEW, value, options)
        if asked.png is not None or (asked.show and is_text):
            seen = list(islice(_seen(path.expanduser(), one), _MOST_DRAWN))
            drawn += seen
            if asked.show and is_text:
                _draw(seen, len(one.readings))
    if asked.png is not None:
        _write_png(asked.png, drawn[:_MOST_DRAWN], is_said=is_text)
    if asked.is_json or (asked.is_csv and found):
        whole = Predicted(model=trained.label, read=tuple(found), abstain_below=asked.abstain_below)
        print_value(VIEW, whole, options, is_json=asked.is_json, is_csv=asked.is_csv)
    if errors:
        raise errors[0] if len(errors) == 1 else _several(errors)


def _seen(path: Path, one: Readings) -> Iterator[Seen]:
    """Yield what was seen of each photo; a table has none, and one that is damaged is left out."""
    if one.steps is None:
        return
    for reading in one.readings:
        by_file: dict[str, list[str]] = {}
        for digit in reading.digits:
            by_file.setdefault(file_of(digit.name), []).append(caption_of(digit))
        for name, captions in (by_file or {reading.source: []}).items():
            file = path if one.kind == "photo" else path / name
            with suppress(DataError):  # a finding says so already
                yield look_again(file, name or reading.source, captions, one.steps)


def _draw(seen: Sequence[Seen], n: int) -> None:
    console = make_console()
    colour = console.color_system is not None
    for each in seen:
        print_lines(console, seen_lines(each, console.width, colour=colour))
    if n > len(seen):
        print(f"  … {n - len(seen)} more; --png FILE takes up to {_MOST_DRAWN}")


def _write_png(path: Path, seen: Sequence[Seen], *, is_said: bool) -> None:
    try:
        path.expanduser().write_bytes(seen_as_png(seen))
    except OSError as error:
        raise BenchError(f"cannot write {path}", why=error.strerror or str(error)) from error
    if is_said:
        print(f"wrote {path}: {len(seen):,} photo{'s' * (len(seen) != 1)}")


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.removeprefix("image-folder.").removeprefix("arrays.").partition("=")
    if not equals:
        raise OptionError(f"--set {text}", why="it is not of the form OPTION=VALUE")
    return name, value


def _several(errors: Sequence[BenchError]) -> BenchError:
    return BenchError(f"{len(errors)} could not be read", why="; ".join(map(str, errors)))
