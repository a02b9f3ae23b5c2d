"""Reading a photo from a file that nobody vouches for: size checked first, upright, 8-bit."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["MOST_PIXELS", "PHOTO_SIDE", "SUFFIXES", "is_image_name", "read_photo"]

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif"}
)
# More than any phone camera gives, and less than Pillow's own limit.
MOST_PIXELS: Final = 150_000_000
PHOTO_SIDE: Final = 1000
_FORMATS: Final = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_HEIF: Final = (".heic", ".heif")


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
        JPEG, PNG, BMP, TIFF, WebP; HEIC where pillow-heif is installed.
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
    from PIL import Image, UnidentifiedImageError

    _offer_heif(path)
    formats = None if path.suffix.lower() in _HEIF else _FORMATS
    try:
        with warnings.catch_warnings():
            # The size is checked here, and against another limit; the rest is said by an error.
            warnings.simplefilter("ignore")
            with path.open("rb") as file, Image.open(file, formats=formats) as picture:
                _check_size(picture, path)
                return _upright_pixels(picture, side_px, region)
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except UnidentifiedImageError:
        raise _unreadable(path, _why_unknown(path)) from None
    except DataError:
        raise
    except FileNotFoundError:
        raise _unreadable(path, "the file is missing") from None
    except PermissionError:
        raise _unreadable(path, "no permission to read it") from None
    except Exception as error:  # noqa: BLE001 - decoders of damaged files raise nearly anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _unreadable(path, f"the picture is damaged or cut off ({reason})") from None


def _check_size(picture: "Picture", path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise _too_large(path)
    if width < 2 or height < 2:
        raise DataError(path.name, why=f"a picture of {width}×{height} pixels shows no digit")


def _too_large(path: Path) -> DataError:
    why = f"it has more than {MOST_PIXELS // 10**6} million pixels, as no photo of a digit does"
    return DataError(path.name, why=why, fix="save it smaller")


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(path.name, why=why, fix="save it again as JPEG or PNG, or take it away")


def _why_unknown(path: Path) -> str:
    if path.suffix.lower() in _HEIF:
        return "HEIC photos need the pillow-heif package, or it is no picture"
    return "the file is empty" if path.stat().st_size == 0 else "it is not a picture"


def _offer_heif(path: Path) -> None:
    if path.suffix.lower() not in _HEIF:
        return
    try:
        from pillow_heif import register_heif_opener  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return
    register_heif_opener()


def _upright_pixels(
    picture: "Picture", side_px: int, region: tuple[float, float, float, float] | None
) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps

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
    pixels = _eight_bit(upright)
    reduction = max(pixels.shape[:2]) // side_px
    if reduction > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(reduction))
    return pixels


def _keeping_orientation(source: "Picture", reduced: "Picture") -> "Picture":
    orientation = source.getexif().get(0x0112)
    if orientation:
        reduced.getexif()[0x0112] = orientation
    return reduced


def _eight_bit(picture: "Picture") -> npt.NDArray[np.uint8]:
    from PIL import Image

    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _scaled_to_eight_bit(np.asarray(picture))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, _paper_colour(coloured))
        picture = Image.alpha_composite(paper, coloured).convert("RGB")
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    return np.asarray(picture.convert("RGB"))


def _paper_colour(picture: "Picture") -> tuple[int, int, int, int]:
    """Return white to put behind transparent pixels, or black behind light ink."""
    pixels = np.asarray(picture)
    opaque = pixels[pixels[..., 3] > 127]
    is_minority = 0 < len(opaque) < 0.5 * pixels[..., 0].size
    is_light = is_minority and float(opaque[:, :3].mean()) > 160
    return (0, 0, 0, 255) if is_light else (255, 255, 255, 255)


def _scaled_to_eight_bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Bring 16-bit or floating-point pixels to 0…255 by the range they use."""
    values = np.nan_to_num(values.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif high <= 255 and low >= 0:
        low, high = 0.0, 255.0
    elif high <= 65535 and low >= 0:
        low, high = 0.0, 65535.0
    return np.asarray(np.round((values - low) / max(high - low, 1e-9) * 255), dtype=np.uint8)
