"""``image-folder``: a folder of photos of digits, its layout recognised, its photos read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import DatasetSpec, Option, Style, hookimpl
from bench.errors import DataError
from bench.images.preprocess_options import PREPROCESS_OPTIONS, PreprocessOptions
from bench.images.sample_names import ids_of
from bench.spec import Dataset, Finding, ImageSet, LoadContext

if TYPE_CHECKING:
    from bench.options import OptionValue
    from bench_datasets._folder.layout import Layout
    from bench_datasets._folder.samples import Samples
    from bench_datasets._folder.scan import Unread

__all__ = ["OPTIONS", "load_folder"]

_DIGITS: Final = tuple("0123456789")

OPTIONS: Final[dict[str, "Option | OptionValue"]] = {
    **PREPROCESS_OPTIONS,
    "labels": Option(
        default="",
        choices=("", "folder", "table", "name", "none"),
        help="what the labels are taken from; empty: what explains every picture",
    ),
    "levels": Option(
        default="",
        help="what the levels of folders are, from the top: class, writer, split, other, as in "
        "class/writer",
    ),
    "table": Option(default="", help="the table of labels, FILE or FILE:COLUMN; several: commas"),
    "classes": Option(
        default="",
        help="names of the classes, with commas, each NAME or CLASS=NAME; empty: digits in any "
        "spelling",
    ),
    "label_pattern": Option(
        default="",
        help="regular expression that finds the label in a file's path; none: not from names",
    ),
    "train": Option(default=False, help="split the folder, by person where known, to train on it"),
    "split_seed": Option(default=42, minimum=0, help="decides which persons are tested on"),
}


def load(context: LoadContext) -> Dataset:
    """Read the one folder that was named."""
    if len(context.paths) != 1:
        raise DataError("image-folder", why="no folder was named", fix="use --folder [NAME=]DIR")
    from bench.images.kinds import Kind, kind_of_file

    path = context.paths[0]
    if path.is_dir() or kind_of_file(path) is not Kind.ZIP:
        return load_folder(path, context.options, look_at_most=context.look_at)
    from bench_datasets._folder.archive import unpacked

    with unpacked(path, context.work_dir) as (folder, unread):
        return load_folder(folder, context.options, look_at_most=context.look_at, not_there=unread)


def load_folder(
    folder: Path,
    options: Any,
    *,
    look_at_most: int | None = None,
    not_there: "tuple[Unread, ...]" = (),
) -> Dataset:
    """Return a folder of photos as a dataset: a test split, and a training split if asked for.

    Parameters
    ----------
    folder : Path
        Holds photos in a layout that `bench_datasets._folder.recognise` can tell.
    options : mapping
        Values of `OPTIONS`.
    look_at_most : int or None
        Of a folder with more than twice as many pictures an even sample is read; None: all are.
    not_there : tuple of Unread
        Files that should lie in the folder and could not be put there.

    Raises
    ------
    UndecidedError
        If it is not clear how the pictures are labelled.
    DataError
        If there is no picture, none can be read, or it is to be trained on and has too few.
    """
    import numpy as np

    from bench_datasets._folder.class_names import given_classes
    from bench_datasets._folder.copies import copies_between_writers, copies_note
    from bench_datasets._folder.layout import LayoutOptions
    from bench_datasets._folder.look import look_at
    from bench_datasets._folder.recognise import recognise
    from bench_datasets._folder.samples import of_one_shape, read_samples

    steps = PreprocessOptions.of(options)
    named = tuple(name.strip() for name in str(options["classes"]).split(",") if name.strip())
    given = {name: str(options[name]) for name in ("label_pattern", "labels", "levels", "table")}
    layout = recognise(folder, LayoutOptions(classes=named, **given), not_there)
    look = None if options["train"] else look_at(folder, layout, look_at_most)
    samples = read_samples(folder, look.layout if look else layout, steps)
    if not samples.images:
        raise DataError(
            folder.name, why="none of its pictures can be read", fix="save them as JPEG or PNG"
        )
    notes = [*_notes(layout), *([look.note] if look else [])]
    kept = _kept(samples)
    images, were_resized = of_one_shape([samples.images[i] for i in kept], steps.side_px)
    if were_resized:
        notes.append(f"pictures of different sizes: resized to {steps.side_px}×{steps.side_px}")
    if len(kept) < len(samples.images):
        left_out = len(samples.images) - len(kept)
        notes.append(f"{left_out} image{'s' * (left_out != 1)} without a label: not scored")
    labels = (look.whole.class_counts if look else None) or samples.labels
    classes = _classes(
        {each for each in labels if each is not None},
        tuple(dict.fromkeys(given_classes(named).values())),
    )
    labelled = _image_set(images, samples, kept, classes)
    shown = labelled if labelled.unread is None else labelled.take(np.flatnonzero(~labelled.unread))
    copies = copies_between_writers(shown.steadiest, shown.names, shown.groups)
    dataset = Dataset(
        classes=classes,
        test=labelled,
        notes=(*notes, *copies_note(copies)),
        findings=(
            *_layout_findings(layout),
            *(look.findings if look else ()),
            *samples.findings,
            *copies,
        ),
        truths=samples.truths,
        details=tuple(f"not taken: {each.words}: {each.why}" for each in layout.rejected),
        doubt=_doubt(layout),
        whole=look.whole if look else None,
        folder=folder,
    )
    if options["train"]:
        return _to_train(
            dataset, folder.name, options["split_seed"], [samples.splits[i] for i in kept]
        )
    return dataset


def _notes(layout: "Layout") -> Iterator[str]:
    """Yield what a person should know of the whole folder: first how it was read."""
    examples = f"; for example {', '.join(layout.examples)}" if layout.examples else ""
    yield f"layout: {layout.rule}{examples}"
    if layout.doubt:
        yield f"warning: {_doubt(layout)}"
    yield from layout.notes
    splits = Counter(photo.split for photo in layout.photos if photo.split)
    if splits:
        parts = ", ".join(f"{name} ({n:,})" for name, n in splits.items())
        yield f"splits: {parts}; trained on with -d, each part is used as what it is"


def _doubt(layout: "Layout") -> str:
    if not layout.doubt:
        return ""
    return f"{layout.doubt}; say --labels name if the digits are meant, --labels none if not"


def _to_train(dataset: Dataset, name: str, seed: int, splits: Sequence[str]) -> Dataset:
    """Split what is all for testing: as the folder is split, else by person where known."""
    from bench_datasets._folder.split import own_split, split_samples

    whole = dataset.test
    if whole is None or whole.labels is None:
        raise DataError(f"{name} cannot be trained on", why="its images have no labels")
    split = own_split(whole.labels, splits, dataset.classes)
    if split is None:
        split = split_samples(whole.labels, whole.groups, dataset.classes, seed)
    learnt = split.train if whole.unread is None else split.train[~whole.unread[split.train]]
    test = whole.take(split.test)
    ids = ids_of(whole.names, whole.groups) or ()
    tested = {ids[i] for i in split.test} - {ids[i] for i in split.train} if ids else set()
    return replace(
        dataset,
        train=whole.take(learnt),
        test=test,
        notes=(*dataset.notes, split.note),
        truths={person: truth for person, truth in dataset.truths.items() if person in tested},
    )


def _kept(samples: "Samples") -> list[int]:
    """Return the samples of the test split: those with a label, or all where none has one."""
    labelled = [i for i, label in enumerate(samples.labels) if label is not None]
    return labelled or list(range(len(samples.labels)))


def _classes(found: set[str], named: tuple[str, ...]) -> tuple[str, ...]:
    from bench_datasets._folder.scan import natural_key

    if found <= set(_DIGITS):
        return _DIGITS
    if found <= set(named):
        return named
    return tuple(sorted(found, key=lambda name: natural_key(Path(name))))


def _image_set(
    images: Any, samples: "Samples", kept: list[int], classes: tuple[str, ...]
) -> ImageSet:
    import numpy as np

    from bench_datasets._folder.samples import further_looks

    labels = [samples.labels[i] for i in kept]
    persons = [samples.persons[i] for i in kept]
    is_known = all(label is not None for label in labels)
    is_read = np.array([samples.is_read[i] for i in kept], dtype=np.bool_)
    return ImageSet(
        pixels=images,
        labels=np.array([classes.index(str(label)) for label in labels], dtype=np.int64)
        if is_known
        else None,
        names=tuple(samples.names[i] for i in kept),
        groups=tuple(map(str, persons)) if all(p is not None for p in persons) else None,
        unread=None if is_read.all() else ~is_read,
        looks=further_looks([samples.images[i] for i in kept], [samples.looks[i] for i in kept]),
    )


def _layout_findings(layout: "Layout") -> tuple[Finding, ...]:
    return tuple(
        Finding(sample=p.sample, code=p.code, fault=p.fault, remedy=p.remedy, is_lost=p.is_lost)
        for p in layout.problems
    )


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``image-folder``."""
    register(
        DatasetSpec(
            name="image-folder",
            summary="your own photos: class folders, persons' folders, tables or file names",
            load=load,
            options=OPTIONS,
            provides=("test",),
            style=Style.HANDWRITTEN,
            views={Style.NATURAL: {"preprocess": "natural", "side_px": 32}},
            source="your own folder",
            licence="yours",
            how_to_get="bench run --folder DIR_OR_ZIP: photos of digits, one each, or of whole IDs",
        )
    )
