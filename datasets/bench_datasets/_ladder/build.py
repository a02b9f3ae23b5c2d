"""The ladder for arrays: files, raw arrays, pairs, layout, values, classes; each rung says what it took."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS, split_indices
from bench_datasets._ladder.files import read_files
from bench_datasets._ladder.labels import Named, as_classes, flattened
from bench_datasets._ladder.options import Known
from bench_datasets._ladder.pairing import Part, pair, split_by_column
from bench_datasets._ladder.polarity import Paper, paper_of
from bench_datasets._ladder.raw import Raw, Submission, as_text
from bench_datasets._ladder.shapes import Wish, as_stack
from bench_datasets._ladder.values import Scale, as_images, range_of, scale_of

__all__ = ["load_arrays", "load_splits"]

_SPLIT_WORDS: Final = {"train": "training", "test": "test", "val": "validation", "": "all"}
_ANY: Final = Known()


def load_arrays(context: LoadContext, known: Known = _ANY, skip: tuple[str, ...] = ()) -> Dataset:
    """Return the dataset that the named files hold.

    Parameters
    ----------
    context : LoadContext
    known : Known
        What is known of a dataset with a name of its own.
    skip : tuple of str
        Keys that are left unread.

    Raises
    ------
    DataError
        If a file cannot be read, or two readings fit it equally: the message asks one question and
        names the option that answers it.
    """
    dataset, _ = load_splits(context, known, skip=skip)
    return dataset


def load_splits(
    context: LoadContext, known: Known = _ANY, *, skip: tuple[str, ...] = (), keep_val: bool = False
) -> tuple[Dataset, dict[str, ImageSet]]:
    """Return a dataset as `load_arrays` does, and every split by name, ``val`` where it is kept."""
    try:
        built = _read(context, known, skip, keep_val)
        sets = built.sets()
        dataset = built.finished(sets)
    except BenchError as error:
        # Readers do not know by which name a person sets options.
        if "{name}" not in error.fix:
            raise
        fix = error.fix.replace("{name}", context.name or "arrays")
        raise type(error)(error.what, why=error.why, fix=fix) from error
    notes = tuple(note.replace("{name}", context.name or "arrays") for note in dataset.notes)
    return replace(dataset, notes=notes), sets


def _read(context: LoadContext, known: Known, skip: tuple[str, ...], keep_val: bool) -> "_Built":
    asked = _Asked.of(context, known)
    paths = _with_named(context)
    raws, submission = read_files(paths, labels=asked.labels, skip=skip)
    if asked.test_file:
        raws, parts = [], _two_files(context, asked, skip)
    else:
        is_key = asked.labels in {raw.key for raw in raws} | {"none"}
        if asked.labels == "none":
            raws = [raw for raw in raws if raw.role != "labels"]
        parts = pair(raws, images=asked.images, labels=asked.labels if is_key else "")
        parts = _by_column(parts, raws)
    notes: list[str] = []
    val = parts.get("val") if keep_val and "train" in parts else None
    parts = _chosen({s: p for s, p in parts.items() if p is not val}, asked, notes)
    parts |= {"val": val} if val is not None else {}
    return _Built(parts=parts, asked=asked, known=known, notes=notes, submission=submission)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options, typed."""

    labels: str = ""
    images: str = ""
    values: str = ""
    ink: str = ""
    wish: Wish
    ten: str = ""
    classes: tuple[str, ...] = ()
    unlabelled: bool = False
    train_fraction: float = 0.8
    split_seed: int = 42
    stratify: bool = False
    test_file: str = ""

    @classmethod
    def of(cls, context: LoadContext, known: Known) -> "_Asked":
        """Read them; a dataset may not offer all."""
        given = {**known.settings, **context.options}

        def text(name: str) -> str:
            return str(given.get(name, ""))

        return cls(
            labels=text("labels"), images=text("images"), values=text("values"), ink=text("ink"),
            wish=Wish(shape=text("shape"), samples=text("samples"), order=text("order") or known.order),
            ten=text("ten"),
            classes=tuple(name.strip() for name in text("classes").split(",") if name.strip()),
            unlabelled=bool(given.get("unlabelled", False)),
            train_fraction=float(given.get("train_fraction", 0.8)),
            split_seed=int(given.get("split_seed", 42)),
            stratify=bool(given.get("stratify", False)),
            test_file=text("test_file"),
        )  # fmt: skip


def _with_named(context: LoadContext) -> tuple[Path, ...]:
    """Return the paths, and the file of labels that an option names."""
    named = str(context.options.get("labels", ""))
    if not named or not context.paths:
        return context.paths
    path = _beside(context, named)
    return (*context.paths, path) if path is not None else context.paths


def _beside(context: LoadContext, named: str) -> Path | None:
    first = context.paths[0]
    folder = first if first.is_dir() else first.parent
    places = (Path(named).expanduser(), folder / named)
    return next((place for place in places if place.is_file()), None)


def _two_files(context: LoadContext, asked: _Asked, skip: tuple[str, ...]) -> dict[str, Part]:
    """Return the first file as the training split, the one of ``test_file`` as the test split."""
    path = _beside(context, asked.test_file)
    if path is None:
        raise DataError(f"{context.name or 'arrays'}: test_file {asked.test_file} does not exist")
    found = {}
    for split, own in (("train", context.paths[:1]), ("test", (path,))):
        raws, _ = read_files(own, labels=asked.labels, skip=skip)
        parts = pair(raws)
        if len(parts) > 1:
            raise DataError(f"{own[0].name} holds more than one split", fix="leave test_file out")
        found[split] = next(iter(parts.values()))
    if found["test"].labels is None:
        raise DataError(
            f"{path.name} has no labels",
            why="a test file needs them",
            fix=f"to read it, use bench predict {path.name}",
        )
    return found


def _by_column(parts: dict[str, Part], raws: list[Raw]) -> dict[str, Part]:
    column = next((raw for raw in raws if raw.role == "splits"), None)
    if column is None or len(parts) != 1:
        return parts
    whole = next(iter(parts.values()))
    found = {}
    for split, rows in split_by_column(whole, column).items():
        found[split] = Part(
            **{
                name: None if raw is None else replace(raw, values=raw.values[rows], row_name=None)
                for name, raw in (
                    ("images", whole.images), ("labels", whole.labels),
                    ("groups", whole.groups), ("ids", whole.ids),
                )
            }  # type: ignore[arg-type]
        )  # fmt: skip
    return found


def _chosen(parts: dict[str, Part], asked: _Asked, notes: list[str]) -> dict[str, Part]:
    """Return the splits to use under ``train``, ``test`` or empty, saying what is left out."""
    unlabelled = {split: part for split, part in parts.items() if part.labels is None}
    labelled = {split: part for split, part in parts.items() if part.labels is not None}
    if asked.unlabelled or not labelled:
        if not unlabelled:
            part = next(iter(parts.values()))
            raise DataError(
                f"{part.images.file} is labelled", why="no images without labels are in it",
                fix="leave unlabelled out",
            )  # fmt: skip
        if len(unlabelled) > 1 and "test" not in unlabelled:
            names = " and ".join(part.images.name for part in list(unlabelled.values())[:2])
            raise DataError(f"{names} have no labels", why="which one is to be read?", fix="name one file")
        split = "test" if "test" in unlabelled else next(iter(unlabelled))
        if split == "train" and not asked.unlabelled:
            raise _without_labels(unlabelled[split])
        if len(unlabelled) > 1:
            notes.append(f"of {len(unlabelled)} unlabelled splits the test split is read")
        return {"unlabelled": unlabelled[split]}
    for split, part in unlabelled.items():
        if split == "train" or (split == "" and len(parts) > 1):
            raise _without_labels(part)
        notes.append(f"{part.images.name} has no labels: left for bench predict")
    return _two_splits(labelled, notes)


def _without_labels(part: Part) -> DataError:
    return DataError(
        f"{part.images.name} has no labels",
        why="training images need them",
        fix="put the labels beside it and name the folder that holds both",
    )


def _two_splits(labelled: dict[str, Part], notes: list[str]) -> dict[str, Part]:
    found = dict(labelled)
    extra = found.pop("extra", None) if len(found) > 1 else None
    if "" in found and len(found) > 1:
        if "train" not in found:
            found["train"] = found.pop("")
        else:
            part = found.pop("")
            raise DataError(
                f"{part.images.name} belongs to no split", why="others are named train or test",
                fix="name the file that is meant",
            )  # fmt: skip
    val = found.pop("val", None) if "train" in found else None
    if val is not None and "test" not in found:
        found["test"] = val
        notes.append(f"{val.images.name} is the test split: there is no other")
    elif val is not None:
        extra = extra or val
    if extra is not None:
        notes.append(f"{extra.images.name} left out: neither the training nor the test split")
    if len(found) == 1 and "train" not in found and "test" not in found:
        found = {"": next(iter(found.values()))}
    return found


@dataclass(slots=True, kw_only=True)
class _Built:
    """State: a dataset on its way from paired arrays to image sets."""

    parts: dict[str, Part]
    asked: _Asked
    known: Known
    notes: list[str]
    submission: Submission | None = None

    words: str = ""
    classes: tuple[str, ...] = DIGITS

    def sets(self) -> dict[str, ImageSet]:
        """Return the image set of each split."""
        stacks, layouts = self._stacks()
        named = self._labels(stacks)
        ranges = {_word(split): (raw, range_of(raw)) for split, raw in stacks.items()}
        scale = scale_of(ranges, self.asked.values)
        paper, invert = self._polarity(stacks, scale)
        pixels = {s: as_images(raw.values, scale, invert=invert) for s, raw in stacks.items()}
        self.classes, numbers, said = self._classes(named)
        words = [*layouts, *said, f"{scale.words}, {paper}"]
        self.words = f"read as: {'; '.join(dict.fromkeys(words))}"
        return {
            split: self._image_set(split, pixels[split], numbers.get(split), named.get(split))
            for split in pixels
        }

    def _stacks(self) -> tuple[dict[str, Raw], list[str]]:
        stacks, words = {}, []
        for split, part in self.parts.items():
            n_labels = None if part.labels is None else _count(part.labels, part.images)
            wish = self.asked.wish
            if not wish.order and "dataset/" in part.images.key and part.images.is_matlab:
                wish = replace(wish, order="columns")  # EMNIST's own .mat files
            stack, layout = as_stack(part.images, n_labels, wish)
            if self.known.shape is not None and stack.shape[1:] != self.known.shape:
                self._refuse_shape(part.images, stack.shape[1:])
            stacks[split] = replace(part.images, values=stack)
            what = part.images.words or f"images {part.images.key or part.images.file} {layout}"
            if part.images.words and part.images.values.ndim > 2:
                what += f" {layout}"
            label = part.labels
            if label is not None and not part.images.words:
                what += f", labels {label.key or label.file}"
            words.append(what)
        shapes = {raw.values.shape[1:] for raw in stacks.values()}
        if len(shapes) > 1:
            first = next(iter(stacks.values()))
            raise DataError(
                first.file, why=f"its splits hold images of different shapes, {' and '.join(map(str, shapes))}",
                fix="save them in one shape",
            )  # fmt: skip
        return stacks, words

    def _refuse_shape(self, raw: Raw, shape: tuple[int, ...]) -> None:
        height, width, channels = self.known.shape or (0, 0, 0)
        shown = shape[:2] if shape[2] == 1 else shape
        wanted = f"{height}×{width}" + (f"×{channels}" if channels != 1 else "")
        raise DataError(
            raw.name, why=f"images of shape {shown} are not {wanted}",
            fix="read it under a name of its own: -d NAME=FILE",
        )  # fmt: skip

    def _labels(self, stacks: Mapping[str, Raw]) -> dict[str, Named]:
        found = {}
        for split, part in self.parts.items():
            if part.labels is None or split == "unlabelled":
                continue
            named = flattened(part.labels)
            n = len(stacks[split].values)
            if len(named.values) != n:
                raise DataError(
                    part.images.name,
                    why=f"it holds {n:,} images but {len(named.values):,} labels ({part.labels.name})",
                    fix="save as many labels as images",
                )
            found[split] = named
        return found

    def _classes(
        self, named: Mapping[str, Named]
    ) -> tuple[tuple[str, ...], dict[str, npt.NDArray[np.int64]], list[str]]:
        if not named:
            return self.asked.classes or self.known.classes or DIGITS, {}, []
        raws = {split: (self.parts[split].labels, each) for split, each in named.items()}
        classes, numbers, said = as_classes(
            raws,  # type: ignore[arg-type]
            expected=self.asked.classes or self.known.classes,
            ten=self.asked.ten,
            first=self.known.first_label,
            is_matlab=all(raw is not None and raw.is_matlab for raw, _ in raws.values()),
        )
        return classes, numbers, [*(each.words for each in named.values() if each.words), *said]

    def _polarity(self, stacks: Mapping[str, Raw], scale: Scale) -> tuple[str, bool]:
        if self.asked.ink:
            is_dark = self.asked.ink == "dark"
            return ("dark ink, inverted" if is_dark else "light ink"), is_dark
        if self.known.is_natural:
            return "photos of scenes: ink light or dark", False
        papers = [paper_of(raw.values, scale.low, scale.high) for raw in stacks.values()]
        paper = sum(papers[1:], papers[0])
        if paper.is_mixed:
            self.notes.append(
                f"warning: a mix of polarity: of {paper.light + paper.dark:,} plain images"
                f" {paper.light:,} are dark on white and {paper.dark:,} white on black;"
                " turn one kind round, or read them as they are: --set "
                "{name}.ink=light"
            )
        if paper.is_light:
            return "black on white: inverted", True
        plain = paper.light + paper.dark
        if 2 * plain < plain + paper.unclear:
            return "no plain paper: taken as white on black", False
        return "white on black", False

    def _image_set(
        self, split: str, pixels: Any, labels: npt.NDArray[np.int64] | None, named: Named | None
    ) -> ImageSet:
        part = self.parts[split]
        groups = named.groups if named is not None else None
        if part.groups is not None:
            groups = as_text(part.groups.values)
        names = as_text(part.ids.values) if split == "unlabelled" and part.ids is not None else ()
        return ImageSet(pixels=pixels, labels=labels, groups=groups, names=names)

    def finished(self, sets: Mapping[str, ImageSet]) -> Dataset:
        """Return the dataset, split here where the files do not say how."""
        columns: tuple[str, ...] = ()
        if "unlabelled" in sets:
            test = sets["unlabelled"]
            if self.submission is not None:
                columns = self.submission.columns
                if len(self.submission.ids) == len(test):
                    test = replace(test, names=self.submission.ids)
            return Dataset(
                classes=self.classes, test=test, notes=(self.words, *self._said()), submission=columns
            )
        train, test = sets.get("train"), sets.get("test")
        if "" in sets or (train is not None and test is None):
            train, test = self._split(sets.get("") or sets["train"])
            self.notes.append(
                f"split here: {len(train):,} to train, {len(test):,} to test"
                f" (train_fraction {self.asked.train_fraction:g}, split_seed {self.asked.split_seed})"
            )
        self._check_known(train, test)
        return Dataset(
            classes=self.classes, train=train, test=test, notes=(self.words, *self._said())
        )

    def _said(self) -> list[str]:
        return list(dict.fromkeys(self.notes))

    def _split(self, whole: ImageSet) -> tuple[ImageSet, ImageSet]:
        part = self.parts.get("") or self.parts["train"]
        assert whole.labels is not None
        if len(whole) < 10:
            raise DataError(
                f"{part.images.file} has {len(whole)} rows", why="too few for a training and a test split",
                fix="add images, or read them with bench predict",
            )  # fmt: skip
        rows = split_indices(
            whole.labels, self.asked.train_fraction, self.asked.split_seed, stratify=self.asked.stratify
        )
        train, test = (whole.take(part) for part in rows)
        return train, test

    def _check_known(self, train: ImageSet | None, test: ImageSet | None) -> None:
        if train is None or test is None:
            return
        if self.known.counts is not None and (len(train), len(test)) != self.known.counts:
            a, b = self.known.counts
            self.notes.append(f"not the standard {a:,} + {b:,} split")
        first = self.known.first_labels
        if first and train.labels is not None and len(train) == 60_000:
            seen = tuple(train.labels[: len(first)].tolist())
            other = _OTHERS.get(seen)
            if other is not None and seen != first:
                file = next(iter(self.parts.values())).images.file
                raise DataError(
                    f"{file} holds {other}, not this dataset",
                    why=f"its first labels are {', '.join(map(str, seen))}",
                    fix=f"-d {other}={{path}}".replace("{path}", "FOLDER"),
                )


# Files of one name: their training splits begin with these labels, as published.
_OTHERS: Final = {
    (5, 0, 4, 1, 9, 2, 1, 3, 1, 4): "mnist",
    (9, 0, 0, 3, 0, 2, 7, 2, 5, 5): "fashion-mnist",
}


def _word(split: str) -> str:
    return _SPLIT_WORDS.get(split, split)


def _count(labels: Raw, images: Raw) -> int:
    """Return how many labels there are, whichever way they lie."""
    shape = labels.values.shape
    if len(shape) == 2 and 1 in shape:
        return int(labels.values.size)
    if len(shape) == 2 and shape[0] != shape[1] and images.values.ndim:
        ends = {images.values.shape[0], images.values.shape[-1]}
        if shape[0] not in ends and shape[1] in ends:
            return int(shape[1])
    return int(shape[0]) if shape else 1
