"""Reading a photo from a file that nobody vouches for: size checked first, upright, 8-bit."""

import io
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.images.kinds import HEAD_BYTES, Kind, kind_of, why_no_picture
from bench.images.sample_names import split_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image as Picture

__all__ = [
    "MOST_PIXELS",
    "PHOTO_SIDE",
    "SUFFIXES",
    "check_photo",
    "count_pages",
    "is_image_name",
    "open_picture",
    "read_photo",
]

SUFFIXES: Final = frozenset(
    f".{ending}"
    for endings in (
        ("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "dib", "tif", "tiff", "webp"),
        ("ppm", "pgm", "pnm", "pbm", "heic", "heif", "hif"),
    )
    for ending in endings
)
# More than any phone camera gives, and less than Pillow's own limit.
MOST_PIXELS: Final = 150_000_000
PHOTO_SIDE: Final = 1000
# Never all that Pillow knows: some of its decoders start other programs.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_MOST_PAGES: Final = 10_000
_DEPTHS: Final = (8, 10, 12, 14, 16)
_STRIP_PIXELS: Final = 4_000_000


def is_image_name(name: str) -> bool:
    """Return whether a file's name ends like a picture's, in any case."""
    return Path(name).suffix.lower() in SUFFIXES


def read_photo(
    path: Path,
    *,
    side_px: int = PHOTO_SIDE,
    region: tuple[float, float, float, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Return a photo upright, on white where it is transparent, reduced to about `side_px`.

    Parameters
    ----------
    path : Path
        JPEG, PNG, GIF, BMP, TIFF, WebP, PPM; HEIC where pillow-heif is installed; told by the first
        bytes, whatever the name says. A page of several has a name of its own
        (`bench.sample_names.page_name`).
    side_px : int
        A photo with a longer side above this is reduced to at most twice, at least once this.
    region : (float, float, float, float)
        Top, left, bottom, right of the part to return, as shares of the upright photo.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3), uint8

    Raises
    ------
    DataError
        If it is not a picture, is cut off or damaged, cannot be read, or has too many pixels.
    """
    with open_picture(path) as picture:
        return _upright_pixels(picture, side_px, region)


def check_photo(path: Path) -> None:
    """Raise what `read_photo` would, for a small part of its time.

    The size is checked, and that the file is whole: a PNG by its checksums, a JPEG by its end mark.
    Where these leave a doubt, and in other formats, the pixels are decoded.

    Raises
    ------
    DataError
        As `read_photo`.
    """
    with open_picture(path) as picture:
        is_whole = _is_whole(picture, path)
    if not is_whole:
        read_photo(path)


def _is_whole(picture: "Picture", path: Path) -> bool:
    """Whether a file is surely all there; false where that cannot be told without its pixels."""
    if picture.format == "PNG":
        try:
            picture.verify()
        except Exception:  # noqa: BLE001 - decoders of damaged files raise nearly anything
            return False
        return True
    if picture.format != "JPEG":
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2))
        return file.read() == b"\xff\xd9"


@contextmanager
def open_picture(source: Path | bytes, name: str = "") -> "Iterator[Picture]":
    """Yield a picture of a file, or of its bytes by a name, its size checked.

    Raises
    ------
    DataError
        Whatever goes wrong, also in what is done with the picture.
    """
    from PIL import Image, UnidentifiedImageError

    page, head = 1, b""
    if isinstance(source, Path):
        name, page = split_page(source.name)
        source = source.with_name(name)
    try:
        with _stream(source) as file, warnings.catch_warnings():
            # The size is checked here, and against another limit; the rest is said by an error.
            warnings.simplefilter("ignore")
            head = file.read(HEAD_BYTES)
            file.seek(0)
            with Image.open(file, formats=_formats_for(head, name)) as picture:
                if page > 1:
                    picture.seek(page - 1)
                _check_size(picture, name)
                yield picture
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise _unreadable(name, *why_no_picture(head)) from None
    except DataError:
        raise
    except FileNotFoundError:
        raise _unreadable(name, "the file is missing") from None
    except PermissionError:
        raise _unreadable(name, "no permission to read it", "change its permissions") from None
    except Exception as error:  # noqa: BLE001 - decoders of damaged files raise nearly anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _unreadable(name, f"the picture is damaged or cut off ({reason})") from None


def _stream(source: Path | bytes) -> IO[bytes]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if source.exists() and not source.is_file():  # reading from a pipe would wait for ever
        raise _unreadable(source.name, "it is no ordinary file", "take it away")
    return source.open("rb")


def _check_size(picture: "Picture", name: str) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise _too_large(name)
    if width < 2 or height < 2:
        raise DataError(name, why=f"a picture of {width}×{height} pixels shows no digit")


def _too_large(name: str) -> DataError:
    why = f"it has more than {MOST_PIXELS // 10**6} million pixels, as no photo of a digit does"
    return DataError(name, why=why, fix="save it smaller")


def _unreadable(name: str, why: str, fix: str = "") -> DataError:
    fix = fix or "save it again as JPEG or PNG, or take it away"
    return DataError(name, why=why, fix=fix)


def _formats_for(head: bytes, name: str) -> tuple[str, ...]:
    """Return the decoders to offer a file: a fixed list, and HEIF's where its bytes ask for it."""
    if kind_of(head) is not Kind.HEIF:
        return _FORMATS
    try:
        from pillow_heif import register_heif_opener  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        suffix = Path(name).suffix
        is_called_so = suffix.lower().startswith(".h") or not is_image_name(name)
        called = "" if is_called_so else f", whatever {suffix} says"
        raise DataError(
            name,
            why=f"it is a HEIC photo{called}: reading it needs the pillow-heif package",
            fix="pip install pillow-heif, or save it as JPEG",
        ) from None
    register_heif_opener()
    return (*_FORMATS, "HEIF")


def count_pages(path: Path) -> int:
    """Return how many pictures a TIFF holds; 1 where that cannot be told.

    Only the directory of pages is read, and no more of it than any document has.
    """
    from PIL import Image

    try:
        with _stream(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=("TIFF",)) as picture:
                pages = 1
                while pages < _MOST_PAGES:
                    picture.seek(pages)
                    pages += 1
                return pages
    except EOFError:
        return pages
    except Exception:  # noqa: BLE001 - decoders of damaged files raise nearly anything
        return 1


def _upright_pixels(
    picture: "Picture", side_px: int, region: tuple[float, float, float, float] | None
) -> npt.NDArray[np.uint8]:
    from PIL import ImageOps

    longer = max(picture.size)
    if region is not None:
        top, left, bottom, right = region
        side_px = round(side_px / max(bottom - top, right - left, 0.01))
    if longer >= 2 * side_px:
        # JPEG decodes to a half, quarter or eighth at a fraction of the cost.
        picture.draft(None, (picture.width * side_px // longer, picture.height * side_px // longer))
    picture.load()
    reduction = max(picture.size) // side_px
    if reduction > 1 and picture.mode in ("L", "RGB"):
        picture = _keeping_orientation(picture, picture.reduce(reduction))
    upright = ImageOps.exif_transpose(picture)
    if region is not None:
        top, left, bottom, right = region
        width, height = upright.size
        upright = upright.crop(
            (int(left * width), int(top * height), round(right * width), round(bottom * height))
        )
    return _eight_bit(upright, max(1, max(upright.size) // side_px))


def _keeping_orientation(source: "Picture", reduced: "Picture") -> "Picture":
    orientation = source.getexif().get(0x0112)
    if orientation:
        reduced.getexif()[0x0112] = orientation
    return reduced


def _eight_bit(picture: "Picture", reduction: int) -> npt.NDArray[np.uint8]:
    """Return a picture's pixels, reduced; what lies between takes the memory of a strip."""
    from PIL import Image

    def strips() -> "Iterator[Picture]":
        width, height = picture.size
        rows = max(1, _STRIP_PIXELS // (width * reduction)) * reduction
        for top in range(0, height, rows):
            yield picture.crop((0, top, width, min(height, top + rows)))

    convert = _way_to_eight_bit(picture, strips)
    found = []
    for strip in strips():
        pixels = convert(strip)
        if reduction > 1:
            pixels = np.asarray(Image.fromarray(pixels).reduce(reduction))
        found.append(pixels)
    return np.concatenate(found)


def _way_to_eight_bit(
    picture: "Picture", strips: "Callable[[], Iterator[Picture]]"
) -> "Callable[[Picture], npt.NDArray[np.uint8]]":
    """Return what makes 8-bit pixels of a strip, by what the whole picture holds."""
    from PIL import Image

    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        low, high = _range_of(map(_numbers, strips()))
        return lambda strip: np.asarray(
            np.round((_numbers(strip) - low) / max(high - low, 1e-9) * 255), dtype=np.uint8
        )
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        colour = _paper_colour(np.asarray(strip.convert("RGBA")) for strip in strips())

        def on_paper(strip: "Picture") -> npt.NDArray[np.uint8]:
            paper = Image.new("RGBA", strip.size, colour)
            return np.asarray(Image.alpha_composite(paper, strip.convert("RGBA")).convert("RGB"))

        return on_paper
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    return lambda strip: np.asarray(strip.convert(mode))


def _paper_colour(strips: "Iterator[npt.NDArray[np.uint8]]") -> tuple[int, int, int, int]:
    """Return white to put behind transparent pixels, or black behind light ink."""
    n_all = n_opaque = total = 0
    for pixels in strips:
        is_opaque = pixels[..., 3] > 127
        n_all += is_opaque.size
        n_opaque += int(np.count_nonzero(is_opaque))
        total += sum(int(pixels[..., k].sum(where=is_opaque, dtype=np.int64)) for k in range(3))
    is_minority = 0 < n_opaque < 0.5 * n_all
    is_light = is_minority and total / (3 * n_opaque) > 160
    return (0, 0, 0, 255) if is_light else (255, 255, 255, 255)


def _numbers(picture: "Picture") -> npt.NDArray[np.float64]:
    return np.asarray(np.nan_to_num(np.asarray(picture).astype(np.float64)))


def _range_of(strips: "Iterator[npt.NDArray[np.float64]]") -> tuple[float, float]:
    """Return the black and the white of 16-bit or floating-point pixels, by the range they use."""
    ends = [(float(values.min()), float(values.max())) for values in strips]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and high < 2 ** _DEPTHS[-1]:
        # A scanner writes 10 or 12 bits into 16: the least depth that holds all values is its own.
        return 0.0, next(2.0**bits - 1 for bits in _DEPTHS if high < 2**bits)
    return low, high
