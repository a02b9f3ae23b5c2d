"""Whether a store is what was written, and whether its trials give the same again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from bench.board.verify import Verified
from bench.render.console import clean, plain
from bench.render.field_table import record_of
from bench.render.hints import prog
from bench.store.formats import count
from bench.views import NoOptions, Screen, View

if TYPE_CHECKING:
    from bench.execution.rerun import Rerun

__all__ = ["VIEW", "Checked"]

_LISTED: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A store, what was found in it, and the trials that were trained again."""

    root: Path
    verified: Verified
    reruns: "tuple[Rerun, ...]" = ()

    @property
    def is_fine(self) -> bool:
        """Whether nothing is wrong."""
        return not self.verified.problems and all(each.is_fine for each in self.reruns)


def compute(source: Checked, options: NoOptions) -> Checked:
    """Return what the verb found: training again is no view's work."""
    return source


def document(value: Checked) -> dict[str, Any]:
    """Return everything that was looked at and found."""
    told = record_of(
        value.verified, columns=("trials", "evaluations", "files", "scores", "unsealed")
    )
    return told | {
        "earlier_version": value.verified.earlier,
        "problems": list(rows_of(value)),
        "reruns": [asdict(each) | {"is_fine": each.is_fine} for each in value.reruns],
    }


def rows_of(value: Checked) -> Iterator[dict[str, Any]]:
    """Yield what is not as it was written."""
    yield from ({"folder": each.folder, "what": each.what} for each in value.verified.problems)


def draw(value: Checked, options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield what is wrong, how much was looked at, and the trials trained again."""
    yield from _verified_lines(value)
    for each in value.reruns:
        difference = each.largest_difference
        figures = f" · largest difference {difference:.2g}" if difference else ""
        reason = f": {each.reason}" if each.reason else ""
        line = f"  trained again  {each.model}  {each.verdict}{reason}{figures}"
        yield Text(line, style="" if each.is_fine else "bad")


def _verified_lines(value: Checked) -> Iterator[Text]:
    found = value.verified
    for problem in found.problems[:_LISTED]:
        yield Text(f"  {problem.folder}: {clean(problem.what)}", style="bad")
    if len(found.problems) > _LISTED:
        yield Text(f"  … and {len(found.problems) - _LISTED} more (--json lists all)")
    if found.unsealed:
        n = found.unsealed
        records = "1 record has" if n == 1 else f"{count(n)} records have"
        yield Text(f"{records} no self-hash (an earlier version): the rest was checked")
    if found.earlier:
        yield Text(
            f"{count(found.earlier)} trials are an earlier version's: they are read and shown as "
            f"they are, and {prog()} run would train them anew"
        )
    looked = (
        f"{count(found.trials)} trials, {count(found.evaluations)} evaluations, "
        f"{count(found.files)} file hashes, {count(found.scores)} scores"
    )
    if not found.problems:
        yield plain(f"{value.root}: as it was written ({looked})")
        return
    folders = len({problem.folder for problem in found.problems})
    yield plain(f"{value.root}: {folders} folders are not as written ({looked})")
    yield Text(f"Remove such a folder and {prog()} run makes it again.")


VIEW = View(
    name="verify",
    summary="Say whether a store is what was written.",
    compute=compute,
    columns=("folder", "what"),
    rows=rows_of,
    document=document,
    table="what is wrong",
    exit_code=lambda value: int(not value.is_fine),
    draw=draw,
)
