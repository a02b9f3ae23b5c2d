"""The ladder for arrays: files, raw arrays, pairs, layout, values, classes, in words at each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS, split_indices
from bench_datasets._ladder import in_place
from bench_datasets._ladder.asked import Asked, with_named
from bench_datasets._ladder.files import read_files
from bench_datasets._ladder.labels import Named, as_classes, flattened
from bench_datasets._ladder.options import Known
from bench_datasets._ladder.pairing import Part, pair
from bench_datasets._ladder.polarity import paper_of
from bench_datasets._ladder.raw import Raw, Submission, as_text
from bench_datasets._ladder.shapes import as_stack
from bench_datasets._ladder.splits import by_column, chosen_splits, two_files
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
    asked = Asked.of(context, known)
    paths = with_named(context)
    raws, submission = read_files(paths, labels=asked.labels, skip=skip)
    if asked.test_file:
        raws, parts = [], two_files(context, asked, skip)
    else:
        is_key = asked.labels in {raw.key for raw in raws} | {"none"}
        if asked.labels == "none":
            raws = [raw for raw in raws if raw.role != "labels"]
        parts = pair(raws, images=asked.images, labels=asked.labels if is_key else "")
        parts = by_column(parts, raws)
    notes: list[str] = []
    val = parts.get("val") if keep_val and "train" in parts else None
    parts = chosen_splits(
        {s: p for s, p in parts.items() if p is not val}, asked, context.paths[0], notes
    )
    parts |= {"val": val} if val is not None else {}
    return _Built(parts=parts, asked=asked, known=known, notes=notes, submission=submission)


@dataclass(slots=True, kw_only=True)
class _Built:
    """State: a dataset on its way from paired arrays to image sets."""

    parts: dict[str, Part]
    asked: Asked
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
            if stack.dtype == np.bool_:
                stack = stack.view(np.uint8)
            stacks[split] = replace(part.images, values=stack)
            what = part.images.words or f"images {part.images.key or part.images.file} {layout}"
            if part.images.words and part.images.values.ndim > 2:
                what += f" {layout}"
            label = part.labels
            if label is not None and label.file != part.images.file and label.words:
                what = f"{what.replace(', no label', '')}, labels {label.file}"
            elif label is not None and not part.images.words:
                what += f", labels {label.key or label.file}"
            words.append(what)
        shapes = {raw.values.shape[1:] for raw in stacks.values()}
        if len(shapes) > 1:
            first = next(iter(stacks.values()))
            raise DataError(
                first.file, why="its splits hold images of different shapes,"
                f" {' and '.join(map(str, shapes))}",
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
                    why=f"it holds {n:,} images but {len(named.values):,} labels"
                    f" ({part.labels.name})",
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
            unlabelled = sets["unlabelled"]
            if self.submission is not None:
                columns = self.submission.columns
                if len(self.submission.ids) == len(unlabelled):
                    unlabelled = replace(unlabelled, names=self.submission.ids)
            return Dataset(
                classes=self.classes,
                test=unlabelled,
                notes=(self.words, *self._said()),
                submission=columns,
            )
        train: ImageSet | None = sets.get("train")
        test: ImageSet | None = sets.get("test")
        if "" in sets or (train is not None and test is None):
            train, test = self._split(sets[""] if "" in sets else sets["train"])
            self.notes.append(
                f"split here: {len(train):,} to train, {len(test):,} to test"
                f" (train_fraction {self.asked.train_fraction:g}, split_seed"
                f" {self.asked.split_seed})"
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
                f"{part.images.file} has {len(whole)}"
                " rows", why="too few for a training and a test split",
                fix="add images, or read them with bench predict",
            )  # fmt: skip
        rows = split_indices(
            whole.labels,
            self.asked.train_fraction,
            self.asked.split_seed,
            stratify=self.asked.stratify,
        )
        if whole.pixels.nbytes > in_place.COPIED_MAX and whole.pixels.flags.writeable:
            return _parted(whole, *rows)
        train, test = (whole.take(own) for own in rows)
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


def _parted(
    whole: ImageSet, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]
) -> tuple[ImageSet, ImageSet]:
    """Return the two splits within the whole's own memory, which is put in their order."""
    order = np.concatenate([train, test])
    rows, labels = whole.pixels, whole.labels
    in_place.permute_rows(rows, order.tolist())
    assert labels is not None
    groups = None if whole.groups is None else tuple(whole.groups[i] for i in order)
    n = len(train)
    return (
        ImageSet(pixels=rows[:n], labels=labels[train], groups=groups and groups[:n]),
        ImageSet(pixels=rows[n:], labels=labels[test], groups=groups and groups[n:]),
    )


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
