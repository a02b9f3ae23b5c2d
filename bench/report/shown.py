"""What a page shows of a report's content: each answer is a view's value, worded or drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import fmean
from typing import Final

from markupsafe import Markup

from bench.board.rows import Row
from bench.errors import StoreError
from bench.report import charts, drawing
from bench.report.columns import BOARD, COST, DRAWN_COSTS, names_of
from bench.report.commands import command_of
from bench.report.content import BoardPart, Content, Mistake
from bench.report.people import Person, persons_of
from bench.report.photos import PhotoSheet
from bench.report.pictures import Sprite
from bench.scoring.halves import HALVES
from bench.scoring.report import NOT_READ, ClassLine
from bench.store.fields import FIELDS
from bench.store.read import read_trial
from bench.views.leaderboard.drawing import ROWS_SHOWN
from bench.views.matrix import Away
from bench.views.report.calibration import RowCalibration
from bench.views.robustness import Robustness

__all__ = ["Hard", "Settings", "Shown"]

_HEAT: Final = (0.012, 0.03, 0.07, 0.15, 0.35, 0.70)  # shares of errors, about logarithmic
_GALLERY: Final = 24
_SAMPLES: Final = 3
_WORST: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a page is made."""

    is_anonymous: bool = False
    has_date: bool = True
    pictured: frozenset[str] | None = None
    """The datasets whose images are shown; None: all of them."""
    is_site: bool = False
    """It is a page of a site: the way back to the first page stands on it."""

    def shows(self, part: BoardPart) -> bool:
        """Whether images of a board may be shown."""
        if part.is_private and self.is_anonymous:
            return False
        return self.pictured is None or part.board.test_dataset in self.pictured


@dataclass(frozen=True, slots=True, kw_only=True)
class Hard:
    """A misread image: its picture where there is one, and what each model said."""

    name: str
    truth: str
    picture: Markup
    read_as: str
    said: str
    n_wrong: int
    n_models: int


class Shown:
    """What the template asks for; each answer is a view's value, worded or drawn."""

    def __init__(self, *, content: Content, settings: Settings) -> None:
        self.content = content
        self.settings = settings
        self.sprite = Sprite()
        self.photos = PhotoSheet()
        self._commands: dict[tuple[str, ...], str] = {}

    @property
    def meta(self) -> str:
        """The store, how much is in it, and when and on what it was trained."""
        content = self.content
        models = {row.model for part in content.parts for row in part.rows}
        days = sorted(
            {record.started_at[:10] for part in content.parts for _, record in part.records} - {""}
        )
        when = ""
        if days:
            when = f"trained {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "")
        n = len(content.parts)
        parts = [
            content.store.root.name,
            f"{len(models)} models" if len(models) != 1 else "1 model",
            f"{n} boards" if n != 1 else "1 board",
            when,
        ]
        return " · ".join(filter(None, parts))

    @property
    def made(self) -> str:
        """When the page was made."""
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC") if self.settings.has_date else ""

    def heat(self, row: Row | None) -> str:
        """Return the class of a row's cell: the stronger, the more errors; of a floor none."""
        if row is None or row.accuracy is None or self._is_floor(row):
            return "no"
        return self.heat_of(row.accuracy)

    def _is_floor(self, row: Row) -> bool:
        return row.is_floor(self._n_classes[row.test_dataset])

    @cached_property
    def _n_classes(self) -> dict[str, int]:
        return {p.board.test_dataset: len(p.board.classes) for p in self.content.parts}

    def heat_of(self, accuracy: float | None) -> str:
        """Return the class of a cell."""
        if accuracy is None:
            return "no"
        step = sum(1 - accuracy > limit for limit in _HEAT)
        return f"h{step}" if step else ""

    @property
    def rows_shown(self) -> int:
        """How many rows of a board stand on the page without script."""
        return ROWS_SHOWN

    @property
    def halves(self) -> int:
        """In how many halves of the test set it is counted who is first."""
        return HALVES

    def command(self, row: Row) -> str:
        """Return what makes a row again; nothing where its record cannot be read."""
        key = (row.test_dataset, row.variant, *row.trials)
        if key not in self._commands:
            self._commands[key] = self._command(row)
        return self._commands[key]

    def _command(self, row: Row) -> str:
        store = self.content.store
        try:
            records = [read_trial(store.trial(trial)) for trial in row.trials]
        except StoreError:
            return ""
        return command_of(row, records) if records else ""

    def borders(self, part: BoardPart) -> set[str]:
        """Return the rows below which none of the rows above can rank: a firmer rule is drawn."""
        rows = part.ranked
        return {
            row.evaluations[0]
            for place, row in enumerate(rows[:-1])
            if max(each.rank_high or 0 for each in rows[: place + 1]) <= place + 1
        }

    def remark(self, part: BoardPart) -> str:
        """Return who may be first, in half a line."""
        first = [row.label for row in part.ranked if row.rank_low == 1]
        if len(part.ranked) < 2 or not first:
            return ""
        if len(first) == 1:
            return f"Only {first[0]} can hold first place on these images."
        return f"{len(first)} models may hold first place: these images do not separate them."

    def calibrated(self, part: BoardPart) -> tuple[Row, RowCalibration, Markup] | None:
        """Return the best row whose probabilities are meant as such, drawn."""
        for report in part.reports.values():
            found = report.calibration
            if not isinstance(found, str):
                return report.row, found, charts.reliability_of(found)
        return None

    def hard(self, part: BoardPart) -> Iterator[Hard]:
        """Yield the images that most models misread, with what each said."""
        found = part.errors
        if found is None:
            return
        wrong = self._said(part)
        for each in found.hardest[:_GALLERY]:
            said: dict[str, list[str]] = {}
            for label, mistakes in wrong.items():
                if each.image in mistakes:
                    read = mistakes[each.image].read
                    word = found.classes[read] if read >= 0 else NOT_READ
                    said.setdefault(word, []).append(label)
            yield Hard(
                name=self.image_name(part, each.image),
                truth=found.classes[each.label],
                picture=self.picture(part, each.image),
                read_as=found.classes[each.read_as],
                said="; ".join(f"{word}: {', '.join(labels)}" for word, labels in said.items()),
                n_wrong=each.n_wrong,
                n_models=each.n_models,
            )

    def _said(self, part: BoardPart) -> dict[str, dict[int, Mistake]]:
        counted = (
            {
                row.evaluations[0]
                for row, is_counted in zip(part.errors.rows, part.errors.is_counted, strict=True)
                if is_counted
            }
            if part.errors
            else set()
        )
        return {
            report.row.label: {each.image: each for each in part.mistakes(key) or ()}
            for key, report in part.reports.items()
            if key in counted
        }

    def image_name(self, part: BoardPart, image: int) -> str:
        """Return an image's name; of an own folder's nothing, where the page is anonymous."""
        names = part.errors.names if part.errors else ()
        if not names or (part.is_private and self.settings.is_anonymous):
            return f"image {image}"
        return names[image]

    def picture(self, part: BoardPart, image: int, words: str = "") -> Markup:
        """Return a picture; empty where its pixels are gone or are not to be shown."""
        place = self.picture_place(part, image)
        return Markup("") if place < 0 else self.sprite.draw(place, words or f"image {image}")

    def picture_place(self, part: BoardPart, image: int) -> int:
        """Return where a picture stands in the sprite; −1 where it is not shown."""
        if part.pixels is None or not self.settings.shows(part):
            return -1
        place = self.sprite.add(part.pixels[image], is_natural=self._is_natural(part))
        return -1 if place is None else place

    def _is_natural(self, part: BoardPart) -> bool:
        name = part.board.test_dataset
        styles = {rec.train_style for row, rec in part.records if row.train_dataset == name}
        return styles == {"natural"}

    def worst_classes(self, lines: Sequence[ClassLine]) -> list[ClassLine]:
        """Return the classes shown at once: all, or the worst read of many."""
        listed = list(lines)
        if len(listed) <= _WORST + 5:
            return listed
        return sorted(listed, key=lambda line: line.recall)[:_WORST]

    def about(self, part: BoardPart) -> str:
        """Return what a board's images are, in one line."""
        board = part.board
        told = [f"{board.n_test:,} test images" if board.n_test != 1 else "1 test image"]
        told[0] += f", {part.n_train:,} to train on" if part.n_train else ""
        seeds = {row.seeds for row in part.rows}
        if len(seeds) == 1:
            n = seeds.pop()
            told.append("one seed" if n == 1 else f"{n} seeds each")
        if not board.is_of_recipes:
            told.append("ranks are of these trained models, not of training again")
        return " · ".join(filter(None, [board.test_embedded, *told]))

    @cached_property
    def aways(self) -> list[Away]:
        """What was tested away from home, in the order of the models at a glance."""
        order = {label: place for place, label in enumerate(self.content.models)}
        found = [
            each
            for each in self.content.away
            if each.row.accuracy is not None
            and each.row.train_dataset != each.row.test_dataset
            and not self._is_floor(each.row)
        ]
        return sorted(found, key=lambda each: order.get(each.row.label, len(order)))

    def most_misread(self, lines: Sequence[ClassLine]) -> float:
        """Return the largest share misread: the longest bar."""
        return max((1 - line.recall for line in lines if line.support), default=0.0)

    def learned(self, part: BoardPart) -> tuple[Row, Markup] | None:
        """Return the first row of a board that kept a history, with its curve."""
        if part.board.evaluation_only:
            return None
        for report in part.reports.values():
            for epochs in report.classes.histories:
                figure = charts.epochs_curve(epochs)
                if figure:
                    return report.row, figure
        return None

    @property
    def size_figures(self) -> Iterator[tuple[str, Markup]]:
        """Yield, for each dataset that models were trained on in several sizes, their curves."""
        for dataset in dict.fromkeys(curve.dataset for curve in self.content.curves):
            found = [curve for curve in self.content.curves if curve.dataset == dataset]
            yield dataset, charts.sizes_curve(found)

    @property
    def corruptions(self) -> list[str]:
        """The corruptions that any row was tested under."""
        return list(dict.fromkeys(name for row in self.content.robustness for name in row.curves))

    def corrupted(self, row: Robustness, name: str) -> float | None:
        """Return a row's mean accuracy over the strengths of a corruption."""
        return fmean(row.curves[name]) if name in row.curves else None

    def why_no_pictures(self, part: BoardPart) -> str:
        """Return why names stand where pictures would."""
        if part.is_private and self.settings.is_anonymous:
            return "own photos are left out"
        if not self.settings.shows(part):
            return "no pictures: the licence of these images does not allow it"
        return "no pictures: the images are not in the data cache of this machine"

    def persons(self, part: BoardPart) -> list[Person]:
        """Return the persons of an own folder, as its first models read them."""
        is_anonymous = self.settings.is_anonymous and not part.board.test_embedded
        return persons_of(
            part,
            self.photos,
            lambda image: self.picture(part, image, "what the models saw"),
            is_anonymous=is_anonymous,
        )

    def class_histogram(self, part: BoardPart) -> Markup:
        """Return how many test images each class has."""
        if part.leader is None:
            return Markup("")
        return drawing.histogram([line.support for line in part.leader.classes.report.classes])

    def samples(self, part: BoardPart) -> list[Markup]:
        """Return some test images, spread evenly; none where they are gone or private."""
        n = part.board.n_test
        step = max(1, n // _SAMPLES)
        found = [self.picture(part, i) for i in range(0, min(n, step * _SAMPLES), step)]
        return [picture for picture in found if picture]

    @property
    def board_columns(self) -> tuple[str, ...]:
        """The figures of a leaderboard."""
        return names_of(BOARD)

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """The figures of the table of costs."""
        return names_of(COST)

    def cost_figures(self, part: BoardPart) -> list[Markup]:
        """Return accuracy against each cost that is drawn."""
        figures = [charts.costs(part, name) for name in names_of(DRAWN_COSTS)]
        return [figure for figure in figures if figure]

    def first_way(self, name: str) -> str:
        """Return how a column is sorted first: what is more is better, or what is less."""
        return "asc" if name in names_of(COST)[1:-1] or FIELDS[name].type == "text" else "desc"
