"""Reading the photos of a layout: decoded at reduced size, preprocessed, one at a time."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.images.findings import FAULTS, Fault
from bench.images.preprocess import Preprocessed
from bench.images.preprocess_options import PreprocessOptions
from bench.images.read import read_file
from bench.images.sample_names import names_of_parts
from bench.images.strips import Strip
from bench.spec import Finding
from bench_datasets._folder.layout import Layout, Photo

__all__ = ["Samples", "further_looks", "of_one_shape", "read_samples"]

Looks: TypeAlias = tuple[npt.NDArray[np.uint8], ...]


@dataclass(slots=True, kw_only=True)
class Samples:
    """What was read: one entry a digit in each list; a label or person may be None.

    Where ``is_read`` is false no digit could be made of the photo: the image is blank.
    """

    images: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    persons: list[str | None] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    is_read: list[bool] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    truths: dict[str, str] = field(default_factory=dict)
    looks: list[Looks] = field(default_factory=list)

    def add(
        self,
        image: npt.NDArray[np.uint8],
        label: str | None,
        name: str,
        photo: Photo,
        looks: Looks = (),
    ) -> None:
        """Add one digit of a photo and further pictures of it; one without any ink is none."""
        self.images.append(image)
        self.looks.append(looks)
        self.labels.append(label)
        self.names.append(name)
        self.persons.append(photo.person)
        self.splits.append(photo.split)
        self.is_read.append(bool(image.any()))

    def find(
        self, name: str, faults: tuple[Fault, ...], lost: frozenset[str] = frozenset()
    ) -> None:
        """Add the findings on a sample; those with a code in `lost` cost it its score."""
        self.findings += [
            Finding(
                sample=name, code=f.code, fault=f.fault, remedy=f.remedy, is_lost=f.code in lost
            )
            for f in faults
        ]


def read_samples(root: Path, layout: Layout, options: PreprocessOptions) -> Samples:
    """Read every photo; one that cannot be read costs a finding, not the folder."""
    samples = Samples(truths=dict(layout.truths))
    for photo in layout.photos:
        try:
            _read_photo(samples, root, photo, layout, options)
        except DataError as error:
            remedy = error.fix or FAULTS["unreadable"][1]
            fault = Fault(code="unreadable", fault=error.why or str(error), remedy=remedy)
            samples.find(photo.path.as_posix(), (fault,), frozenset({fault.code}))
            if photo.person in samples.truths and photo.digits is None:
                _mark_missing(samples, photo, options)
    return samples


def _mark_missing(samples: Samples, photo: Photo, options: PreprocessOptions) -> None:
    """Keep the place of an unreadable digit in its person's ID: blank, it counts as wrong."""
    blank = np.zeros((options.side_px, options.side_px), dtype=np.uint8)
    samples.add(blank, photo.label, photo.path.as_posix(), photo)


def _read_photo(
    samples: Samples, root: Path, photo: Photo, layout: Layout, options: PreprocessOptions
) -> None:
    name, path = photo.path.as_posix(), root / photo.path
    if photo.digits is not None:
        _add_strip(samples, name, photo, read_file(path, options, digits="several"), options)
        return
    if layout.is_labelled:
        seen = read_file(path, options, digits="one").digits[0]
    else:  # it may be a photo of a whole ID
        strip = read_file(path, options)
        if len(strip.digits) > 1:
            _add_strip(samples, name, photo, strip, options)
            return
        blank = Preprocessed(image=np.zeros((options.side_px, options.side_px), dtype=np.uint8))
        seen = replace(next(iter(strip.digits), blank), faults=strip.faults)
    is_blank = seen.box is None and any(fault.code == "blank" for fault in seen.faults)
    image = np.zeros_like(seen.image) if is_blank else seen.image
    samples.add(image, photo.label, name, photo, () if is_blank else seen.looks)
    samples.find(name, seen.faults, frozenset({"blank"} if is_blank else ()))


def _add_strip(
    samples: Samples, name: str, photo: Photo, strip: Strip, options: PreprocessOptions
) -> None:
    """Add the digits of a strip; found in another number than the truth, all of it is blank."""
    truth = (photo.digits or "").replace("/", "")
    pictures = [(digit.image, digit.looks) for digit in strip.digits]
    lengths = [len(line) for line in strip.lines]
    faults = strip.faults
    if truth and len(truth) != len(pictures):
        found = "/".join(map(str, lengths)) or "none"
        lengths = [len(line) for line in (photo.digits or "").split("/")]
        says = "/".join(map(str, lengths))
        wrong = Fault(
            code="wrong-count",
            fault=f"{found} digits were found, the label has {says}; all count as wrong",
            remedy=FAULTS["wrong-count"][1],
        )
        faults = (wrong, *faults)
        blank = np.zeros((options.side_px, options.side_px), dtype=np.uint8)
        pictures = [(blank, ())] * len(truth)
    parts = names_of_parts(name, lengths)
    labels = truth or [None] * len(pictures)
    for (image, looks), label, part in zip(pictures, labels, parts, strict=True):
        samples.add(image, label, part, photo, looks)
    samples.find(name, faults, frozenset({"wrong-count"}))
    if truth:
        samples.truths[name] = truth
        if photo.person is not None and photo.person != name:
            samples.truths.pop(photo.person, None)


def further_looks(
    images: list[npt.NDArray[np.uint8]], looks: list[Looks]
) -> npt.NDArray[np.uint8] | None:
    """Stack the further looks to (n, k, height, width, 1), None without any.

    A digit with fewer than others has its own picture instead, which pools to the same answer.
    """
    most = max(map(len, looks), default=0)
    if not most:
        return None
    filled = [
        (*own, *[image] * (most - len(own))) for image, own in zip(images, looks, strict=True)
    ]
    return np.array(filled, dtype=np.uint8)[..., np.newaxis]


def of_one_shape(
    images: list[npt.NDArray[np.uint8]], side_px: int
) -> tuple[npt.NDArray[np.uint8], bool]:
    """Stack images to (n, height, width, 1); say whether they had to be resized for that."""
    if len({image.shape for image in images}) == 1:
        return np.stack(images)[..., np.newaxis], False
    from PIL import Image

    size = side_px, side_px
    resized = [
        np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
        for image in images
    ]
    return np.stack(resized)[..., np.newaxis], True
