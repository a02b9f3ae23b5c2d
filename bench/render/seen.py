"""What a model saw of a photo, beside the photo: in a terminal, and as a PNG."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from rich.text import Text

from bench.images.read import read_file
from bench.render.console import clean, plain
from bench.render.pictures import half_blocks, side_by_side
from bench.spec import as_float

if TYPE_CHECKING:
    from bench.images.preprocess_options import PreprocessOptions

__all__ = ["Seen", "framed", "look_again", "seen_as_png", "seen_lines"]

_FRAME: Final = (190, 60, 20)
_PHOTO_COLUMNS: Final = 26
_PICTURE_COLUMNS: Final = 14
_MOST_CELLS: Final = 24  # of a strip in a terminal
_CELL: Final = 112
_PHOTO_CELL: Final = 224
_ROW_GAP: Final = 10
_TEXT_HEIGHT: Final = 16

Picture = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A photo with a frame around each digit, and each digit's pictures with what was read.

    Parameters
    ----------
    name : str
        The file; any text.
    photo : ndarray of shape (height, width, 3), uint8
    digits : tuple of (str, tuple of ndarray of shape (height, width), uint8)
        What was read, and the pictures that a model's answer is pooled over.
    """

    name: str
    photo: Picture
    digits: tuple[tuple[str, tuple[Picture, ...]], ...]


def look_again(
    file: Path, name: str, captions: Sequence[str], options: "PreprocessOptions"
) -> Seen:
    """Return what a model saw of a photo that was read as so many digits.

    Raises
    ------
    DataError
        If the photo cannot be read.
    """
    read = read_file(file, options, digits="several" if len(captions) > 1 else "one")
    found = read.digits
    # The digits of a photo that has no label, or the wrong number of them.
    said = captions if len(captions) == len(found) else ["–"] * len(found)
    return Seen(
        name=name,
        photo=framed(read.photo, [digit.box for digit in found]),
        digits=tuple(
            (caption, (digit.image, *digit.looks))
            for caption, digit in zip(said, found, strict=True)
        ),
    )


def framed(photo: Picture, boxes: "Sequence[Box | None]") -> Picture:
    """Return a photo in colour with a frame around each box, given in shares of its sides."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(photo).convert("RGB")
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    # Wide enough to be seen once the photo is a thumbnail.
    wide = 1 + max(width, height) // 150
    for box in boxes:
        if box is not None:
            top, left, bottom, right = box
            corners = (
                max(left * width - wide, 0),
                max(top * height - wide, 0),
                min(right * width + wide, width - 1),
                min(bottom * height + wide, height - 1),
            )
            pen.rectangle(corners, outline=_FRAME, width=wide)
    return np.asarray(picture)


def seen_lines(seen: Seen, width: int, *, colour: bool) -> Iterator[Text]:
    """Yield a photo and, beside or below it, its digits as a model saw them."""
    yield plain(seen.name, "heading")
    photo = as_float(seen.photo)
    # Without shades the ink is drawn, which is darker than the paper.
    is_light_page = not colour and float(np.median(photo)) > 0.5
    columns = min(_PHOTO_COLUMNS, max(_PICTURE_COLUMNS, width - _PICTURE_COLUMNS - 6))
    thumbnail = half_blocks(
        np.float32(1) - photo if is_light_page else photo, columns, colour=colour
    )
    cells = [
        (f"{caption} {'' if n == 0 else 'again'}".rstrip(), picture)
        for caption, pictures in seen.digits
        for n, picture in enumerate(pictures)
    ]
    pictures = [
        half_blocks(as_float(picture)[..., None], _PICTURE_COLUMNS, colour=colour)
        for _, picture in cells[:_MOST_CELLS]
    ]
    captions = [clean(caption) for caption, _ in cells[:_MOST_CELLS]]
    room = max(_PICTURE_COLUMNS, width - columns - 6)
    beside = list(side_by_side(pictures, captions, _PICTURE_COLUMNS, room))
    for row in range(max(len(thumbnail), len(beside))):
        left = thumbnail[row] if row < len(thumbnail) else Text(" " * columns)
        line = Text("    ").append_text(left)
        if row < len(beside):
            line.append("  ").append_text(beside[row])
        line.rstrip()
        yield line


def seen_as_png(all_seen: Sequence[Seen]) -> bytes:
    """Return a PNG, a row a photo: the photo, then its digits as a model saw them."""
    from PIL import Image, ImageDraw

    rows = [_row(seen) for seen in all_seen]
    width = max((row.shape[1] for row in rows), default=1)
    height = sum(row.shape[0] + _ROW_GAP + _TEXT_HEIGHT for row in rows) + _ROW_GAP
    sheet = Image.new("RGB", (width + 2 * _ROW_GAP, height), "white")
    pen, top = ImageDraw.Draw(sheet), _ROW_GAP
    for seen, row in zip(all_seen, rows, strict=True):
        said = " ".join(caption for caption, _ in seen.digits)
        pen.text((_ROW_GAP, top), _ascii(f"{seen.name}   {said}"), fill="black")
        sheet.paste(Image.fromarray(row), (_ROW_GAP, top + _TEXT_HEIGHT))
        top += row.shape[0] + _ROW_GAP + _TEXT_HEIGHT
    held = io.BytesIO()
    sheet.save(held, "PNG")
    return held.getvalue()


def _ascii(text: str) -> str:
    """Return what Pillow's own font can draw."""
    return clean(text).replace("–", "-").encode("ascii", "replace").decode()


def _row(seen: Seen) -> Picture:
    from PIL import Image

    photo = Image.fromarray(seen.photo)
    photo.thumbnail((_PHOTO_CELL, _PHOTO_CELL))
    columns = [_cell(pictures) for _, pictures in seen.digits]
    height = max([photo.height, *(column.shape[0] for column in columns)])
    parts = [np.asarray(photo), *columns]
    padded = [
        np.pad(part, ((0, height - part.shape[0]), (0, 6), (0, 0)), constant_values=255)
        for part in parts
    ]
    return np.concatenate(padded, axis=1)


def _cell(pictures: Sequence[Picture]) -> Picture:
    """Return the pictures of one digit above one another, in colour."""
    from PIL import Image

    large = []
    for picture in pictures:
        image = Image.fromarray(picture)
        image.thumbnail((_CELL, _CELL))
        scale = max(1, _CELL // max(image.size))
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
        square = Image.new("L", (_CELL, _CELL + 2))
        square.paste(image)
        large.append(np.asarray(square))
    return np.repeat(np.concatenate(large)[..., np.newaxis], 3, axis=2)
