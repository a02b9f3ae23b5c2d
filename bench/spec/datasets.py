"""What a dataset plugin registers, is told and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bench.errors import BenchError
from bench.options import Option, Options, OptionValue
from bench.spec.images import ImageSet
from bench.spec.versions import API_VERSION

__all__ = ["Dataset", "DatasetSpec", "Finding", "LabelError", "LoadContext", "Style", "Whole"]


class Style(StrEnum):
    """What kind of picture a dataset holds; preprocessing of photos depends on it."""

    HANDWRITTEN = "handwritten"
    NATURAL = "natural"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know about one sample, and what to do about it.

    Where ``is_lost`` the sample is not scored, or counts as wrong: a run says so.
    """

    sample: str
    code: str
    fault: str
    remedy: str
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What was counted over all images of a test split that is only a sample of them.

    Parameters
    ----------
    n : int
        Images.
    class_counts : mapping of str to int, or None
        How many there are of each class; None without labels.
    n_groups : int or None
        Writers, where they are known.
    """

    n: int
    class_counts: Mapping[str, int] | None = None
    n_groups: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a dataset plugin's ``load`` returns.

    Parameters
    ----------
    classes : tuple of str
        Class names; a label is an index into them.
    train, test : ImageSet or None
        The splits; a dataset without ``train`` is evaluation-only. One with neither label nor
        ``train`` is for prediction only.
    notes : tuple of str
        What a person should know (how a folder was read, a leading zero put back).
    findings : tuple of Finding
        Findings on single samples.
    truths : mapping of str to str
        For each writer, or each photo of a whole ID, the ID as a text, where known.
    submission : tuple of str
        The two columns in which a competition wants the predictions of the test split, whose
        ``names`` are then its rows' ids; empty: it is none.
    details : tuple of str
        What ``bench data inspect`` adds to the notes (the readings that were rejected, and why).
    doubt : str
        Why the labels may be none, and the option that says they are: until then nothing is trained
        on them or scored. Empty where they are known.
    whole : Whole or None
        What was counted over all images, where ``test`` is a sample of them; see
        ``LoadContext.look_at``.
    folder : Path or None
        Where the samples' names are files: reports and contact sheets show these photos.
    """

    classes: tuple[str, ...]
    train: ImageSet | None = None
    test: ImageSet | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    truths: Mapping[str, str] = field(default_factory=dict)
    submission: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    doubt: str = ""
    whole: Whole | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadContext:
    """What a dataset plugin's ``load`` is told."""

    paths: tuple[Path, ...]
    """The files found, in the order of the alternative of ``DatasetSpec.files`` that fitted; or the
    one file or folder named on the command line."""
    options: Options
    work_dir: Path
    """A private folder for generated files; it may be deleted at any time."""
    name: str = ""
    """The name the dataset goes by, for messages that say which option to set."""
    look_at: int | None = None
    """Where only a look is wanted, how many images it takes: a dataset with many more may return an
    even sample of so many, with ``Dataset.whole``. None: all are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelError:
    """A test image whose label people doubt.

    Parameters
    ----------
    image : str
        The hash of its content, 16 hexadecimal digits, as `bench.loading.cache.image_hashes` gives
        it as a number: wherever the image stands in a test split, it is found.
    label : str
        The class its label says; with another label it is not doubted.
    source : str
        Who found it, in a few words.
    """

    image: str
    label: str
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no hash of an image."""
        if len(self.image) != 16 or set(self.image) - set("0123456789abcdef"):
            raise BenchError(
                f"a label error of the image {self.image!r}",
                why="an image is named by the 16 hexadecimal digits of its hash",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset plugin's registration.

    Parameters
    ----------
    name, summary : str
        Kebab-case name; one line.
    load : callable
        ``load(LoadContext) -> Dataset``; raises `bench.errors.DataError` on bad input.
    options : mapping
        Typed options, or bare defaults.
    provides : tuple
        ``("train", "test")``, or ``("test",)`` for an evaluation-only dataset.
    files : tuple of tuple of str
        Alternatives; each is the set of file names that together hold the dataset, perhaps with the
        folder they lie in; ``{option}`` stands for the value of an option. Empty for embedded data.
    not_in : tuple of str
        Parts of the names of folders that are not searched: they hold another dataset's files
        under the same names.
    reads_folders : bool
        Whether ``load`` finds its files in a named folder itself, whatever they are called.
    style : Style
        Handwriting, or digits in natural scenes.
    source, licence, how_to_get : str
        Where it comes from, under which terms, and what a person does to have it.
    embedded : str
        For data that ships with digitbench: what it is, in words shown beside every result
        ("synthetic digits, not SVHN"); empty otherwise.
    fetch : mapping of str to str
        For ``bench data fetch``: URL to ``"sha256:…"``, or ``"md5:…"`` where nothing better is
        known.
    label_errors : tuple of LabelError
        Test images whose label is in doubt: boards say how far they reach, ``bench show errors``
        marks them.
    images_may_be_published : bool
        Whether its licence lets ``bench publish`` show some of its images on a public page.
    views : mapping of Style to mapping
        Option values that a model trained on data of that style needs this dataset read with.
    """

    name: str
    summary: str
    load: Callable[[LoadContext], Dataset]
    options: Mapping[str, Option | OptionValue] = field(default_factory=dict)
    provides: tuple[str, ...] = ("train", "test")
    files: tuple[tuple[str, ...], ...] = ()
    not_in: tuple[str, ...] = ()
    reads_folders: bool = False
    style: Style = Style.HANDWRITTEN
    source: str = ""
    licence: str = ""
    how_to_get: str = ""
    embedded: str = ""
    fetch: Mapping[str, str] = field(default_factory=dict)
    label_errors: tuple[LabelError, ...] = ()
    images_may_be_published: bool = False
    views: Mapping[Style, Options] = field(default_factory=dict)
    api: int = API_VERSION
