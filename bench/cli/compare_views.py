"""What ``bench compare`` prints."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.board.boards import open_store
from bench.board.sides import SideData, is_store
from bench.cli.view_command import print_lines, print_table
from bench.loading.pixels import cached_pixels
from bench.render.compare import compared_as_dict, compared_lines, images_only_one_right
from bench.render.console import make_console, plain
from bench.render.notices import tell_once
from bench.render.pictures import half_blocks, side_by_side
from bench.scoring.comparisons import parse_gate
from bench.spec import UNREAD, as_float
from bench.store.damage import damage_words, without_damaged
from bench.store.layout import Store
from bench.studies.compare import Pair, compare_sides

__all__ = ["compare_and_print"]

_PICTURES = 8
_PICTURE_COLUMNS = 16


def compare_and_print(
    store: Path | None,
    a: str,
    b: str,
    *,
    datasets: Sequence[str],
    exact: bool,
    show: bool,
    gate: str,
    on_point: bool,
    is_json: bool,
    is_csv: bool,
) -> bool:
    """Print the comparison; return whether the gate held."""
    # Two stores need no third, and where they are compared there may be none.
    place = Store(Path(a).expanduser()) if is_store(a) and is_store(b) else open_store(store)
    compare = partial(
        compare_sides,
        a,
        b,
        place,
        datasets=datasets,
        exact=exact,
        gate=parse_gate(gate) if gate else None,
        gate_on="point" if on_point else "interval",
    )
    compared = without_damaged(compare)
    tell_once(damage_words())
    if is_json or is_csv:
        for text in compared.skipped:
            make_console(stderr=True).print(plain(f"not compared: {text}", "warn"))
        records = compared_as_dict(compared, has_classes=is_json)
        print_table(records, list(records[0]), is_csv)
        return compared.is_passed
    console = make_console()
    print_lines(console, compared_lines(compared, console.width))
    if show:
        for pair in compared.pairs:
            print_lines(console, _pictures(pair, console))
    return compared.is_passed


def _pictures(pair: Pair, console: Console) -> Iterator[Text]:
    pixels = cached_pixels(pair.a.test_hash)
    if pixels is None:
        yield plain(f"{pair.test_dataset}: its images are not in the data cache of this machine")
        return
    for words, images in images_only_one_right(pair, _PICTURES):
        yield plain(f"{pair.test_dataset}: {words}", "heading")
        if not images:
            yield Text("  none")
            continue
        colour = console.color_system is not None
        pictures = [
            half_blocks(as_float(pixels[i]), _PICTURE_COLUMNS, colour=colour) for i in images
        ]
        captions = [_caption(pair, i) for i in images]
        yield from side_by_side(pictures, captions, _PICTURE_COLUMNS, console.width)


def _caption(pair: Pair, image: int) -> str:
    truth = pair.a.classes[pair.a.labels[image]]
    return f"{truth}: A {_said(pair.a, image)}, B {_said(pair.b, image)}"


def _said(side: SideData, image: int) -> str:
    """Return what most seeds of a side read; of a side that is mostly wrong, what in error."""
    said = Counter(side.predicted[:, image].tolist())
    truth = int(side.labels[image])
    if 2 * said[truth] <= said.total():
        del said[truth]
    read = said.most_common(1)[0][0]
    return "nothing" if read == UNREAD else side.classes[read]
