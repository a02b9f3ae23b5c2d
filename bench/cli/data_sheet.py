"""``bench data inspect --html``: from a loaded dataset to its contact sheet."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench.images.sample_names import file_of
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.planning.request import Session
from bench.render.contact_sheet import Card, contact_sheet
from bench.render.seen import framed
from bench.spec import DatasetSpec, Finding, ImageSet

if TYPE_CHECKING:
    from bench.images.audit import Measure
    from bench.images.preprocess_options import PreprocessOptions
    from bench.images.read import PhotoDigits

__all__ = ["write_contact_sheet"]

Picture = npt.NDArray[np.uint8]

_CARDS_MAX = 2000
# What the pictures are compared with: what most models are trained on, else what is always there.
_REFERENCES = ("mnist", "digits-uci")


def write_contact_sheet(
    spec: DatasetSpec, loaded: LoadedDataset, session: Session, path: Path
) -> int:
    """Write one HTML file: each image beside what the models see, with the findings.

    Returns
    -------
    int
        The number of images shown.

    Raises
    ------
    BenchError
        If the file cannot be written.
    """
    ref = loaded.test or loaded.train
    if ref is None:  # a dataset without any split is refused when it is loaded
        raise BenchError(f"{spec.name} holds no images")
    split = open_split(ref)
    shown = min(len(split), _CARDS_MAX)
    names = {file_of(name) for name in split.names} | set(split.names)
    page = contact_sheet(
        loaded.name,
        _cards(loaded, split, shown),
        notes=(*loaded.notes, *_limits(loaded, split, shown)),
        audit=_audit(split, session) if not spec.files else (),
        folder_findings=[finding for finding in loaded.findings if finding.sample not in names],
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot write {path}", why=error.strerror or str(error)) from error
    return shown


def _limits(loaded: LoadedDataset, split: ImageSet, shown: int) -> Iterator[str]:
    if shown < len(split):
        which = "test" if loaded.test is not None else "training"
        yield f"the first {shown:,} of {len(split):,} {which} images"


def _cards(loaded: LoadedDataset, split: ImageSet, shown: int) -> Iterator[Card]:
    # Findings on a photo of several digits carry its name, each digit's its place there after it.
    found: dict[str, list[Finding]] = {}
    for finding in loaded.findings:
        found.setdefault(finding.sample, []).append(finding)
    for i in range(shown):
        one = split.take(np.array([i]))
        name = one.names[0] if one.names else f"image {i}"
        seen = np.rint(one.images[0] * 255).astype(np.uint8)
        original, steps = _original(loaded, name)
        yield Card(
            name=name,
            seen=seen[..., 0] if seen.shape[2] == 1 else seen[..., :3],
            original=original,
            label="" if one.labels is None else loaded.classes[one.labels[0]],
            person=one.groups[0] if one.groups else "",
            steps=steps,
            findings=tuple(found.get(name, found.get(file_of(name), ()))),
        )


def _original(loaded: LoadedDataset, name: str) -> tuple[Picture | None, dict[str, Picture]]:
    """Return the photo and the pictures in between, where the sample is a file of a folder."""
    folder, file_name = Path(loaded.folder), file_of(name)
    if not loaded.folder or not (folder / file_name).is_file():
        return None, {}
    from bench.images.preprocess_options import PreprocessOptions

    options = PreprocessOptions.of(loaded.options)
    is_alone = file_name == name
    try:
        seen = _seen(folder / file_name, options, is_alone=is_alone)
    except DataError:  # it has a finding that says so
        return None, {}
    original = framed(seen.photo, [digit.box for digit in seen.digits])
    return original, dict(seen.digits[0].steps) if is_alone else {}


@lru_cache(maxsize=1)  # the digits of one photo follow one another
def _seen(path: Path, options: "PreprocessOptions", *, is_alone: bool) -> "PhotoDigits":
    from bench.images.read import read_file

    return read_file(path, options, digits="one" if is_alone else "several", keep_steps=True)


def _audit(split: ImageSet, session: Session) -> "tuple[Measure, ...]":
    """Compare with the training images of the first reference that is on this machine."""
    from bench.images.audit import audit

    for name in _REFERENCES:
        spec = session.plugins.datasets.get(name)
        try:
            loaded = None if spec is None else load_dataset(spec, search=session.search)
        except DataError:
            continue
        if loaded is not None and loaded.train is not None:
            return audit(split.pixels, open_split(loaded.train).pixels)
    return ()
