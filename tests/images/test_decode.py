"""Photos are read whatever their format, and refused in one line where they cannot be."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.images import decode
from bench.images.decode import is_image_name, read_photo


@pytest.fixture
def gradient() -> Any:
    """A picture whose corners differ: (40, 60) uint8, dark at the top left."""
    y, x = np.mgrid[:40, :60]
    return (y * 3 + x * 2).astype(np.uint8)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name)
        for name in ("a.png", "a.PNG", "a.bmp", "a.tiff", "a.jpg", "a.JPEG", "a.webp")
    ],
)
def test_each_format_is_read(tmp_path: Path, gradient: Any, name: str) -> None:
    Image.fromarray(gradient).save(tmp_path / name)
    photo = read_photo(tmp_path / name)
    grey = photo if photo.ndim == 2 else photo.mean(axis=2)
    assert photo.dtype == np.uint8
    assert np.abs(grey - gradient.astype(float)).mean() < 4


@pytest.mark.parametrize("mode", [pytest.param(m, id=m) for m in ("1", "L", "P", "RGB", "CMYK")])
def test_each_colour_mode_gives_grey_or_rgb(tmp_path: Path, gradient: Any, mode: str) -> None:
    Image.fromarray(gradient).convert("RGB").convert(mode).save(tmp_path / "a.tiff")
    assert read_photo(tmp_path / "a.tiff").shape in ((40, 60), (40, 60, 3))


def test_a_rotated_photo_is_turned_upright(tmp_path: Path, gradient: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.rot90(gradient))
    turned.save(tmp_path / "a.png", exif=exif)
    assert (read_photo(tmp_path / "a.png") == gradient).all()


def test_a_large_rotated_photo_is_reduced_and_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3200, 2400), "white").save(tmp_path / "a.jpg", exif=exif)
    assert read_photo(tmp_path / "a.jpg").shape == (1600, 1200, 3)


def test_transparent_paper_is_white_under_dark_ink_and_black_under_light(tmp_path: Path) -> None:
    for ink, paper in ((0, 255), (255, 0)):
        pixels = np.zeros((20, 20, 4), dtype=np.uint8)
        pixels[8:12, 8:12] = ink, ink, ink, 255
        Image.fromarray(pixels).save(tmp_path / "a.png")
        photo = read_photo(tmp_path / "a.png")
        assert photo[0, 0].tolist() == [paper] * 3
        assert photo[9, 9].tolist() == [ink] * 3


def test_sixteen_bits_become_eight(tmp_path: Path, gradient: Any) -> None:
    Image.fromarray(gradient.astype(np.uint16) * 257).save(tmp_path / "a.png")
    assert (read_photo(tmp_path / "a.png") == gradient).all()


def test_a_region_is_read_finer_than_the_whole(tmp_path: Path) -> None:
    Image.new("L", (4000, 3000), 200).save(tmp_path / "a.jpg")
    whole = read_photo(tmp_path / "a.jpg")
    part = read_photo(tmp_path / "a.jpg", region=(0.4, 0.4, 0.6, 0.6))
    assert max(whole.shape) < 2000
    assert part.shape == (600, 800)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = _chunk(b"IEND", b"")


def _bomb(path: Path, side: int) -> None:
    """Write the header of a PNG of `side` by `side` pixels, and hardly any data."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    path.write_bytes(SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + END)


def test_a_picture_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    _bomb(tmp_path / "bomb.png", 30_000)
    with pytest.raises(DataError) as raised:
        read_photo(tmp_path / "bomb.png")
    assert str(raised.value) == (
        "bomb.png: it has more than 150 million pixels, as no photo of a digit does; "
        "save it smaller"
    )


MEMORY = """
import resource, sys
from pathlib import Path
import numpy, PIL.Image, psutil
from bench.images.decode import read_photo
before = psutil.Process().memory_info().rss
shape = read_photo(Path(sys.argv[1])).shape
print(*shape[:2], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("colour_type", "depth"),
    [
        pytest.param(0, 8, id="grey"),
        pytest.param(2, 8, id="colours"),
        pytest.param(6, 8, id="transparent"),
        pytest.param(0, 16, id="16-bit"),
    ],
)
def test_the_largest_picture_that_is_read_takes_less_than_two_gibibytes(
    tmp_path: Path, colour_type: int, depth: int
) -> None:
    channels, side = {0: 1, 2: 3, 6: 4}[colour_type], 12_200  # 148.8 million pixels
    packer = zlib.compressobj(1)
    row = b"\0" + bytes([200]) * (side * channels * depth // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, depth, colour_type, 0, 0, 0)
    path = tmp_path / "large.png"
    path.write_bytes(SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + END)

    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )

    height, width, peak_bytes = map(int, done.stdout.split())
    assert (height, width) == (1017, 1017)
    assert peak_bytes < 2 << 30


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "I;16", "F", "P"])
def test_strips_of_any_height_give_the_same_pixels(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (433, 307, 4), dtype=np.uint8)
    if mode in ("I;16", "F"):
        values = colours[..., 0].astype(np.uint16 if mode == "I;16" else np.float32) * 9
        picture = Image.fromarray(values)
    else:
        picture = Image.fromarray(colours).convert(mode)
    path = tmp_path / "a.tiff"
    picture.save(path)
    whole = read_photo(path, side_px=100)

    monkeypatch.setattr(decode, "_STRIP_PIXELS", 1_000)

    assert np.array_equal(read_photo(path, side_px=100), whole)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "the file is empty (0 bytes)", id="0 bytes"),
        pytest.param(b"%PDF-1.4 not a picture", "it is a PDF, not a picture", id="another format"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "it is not a picture", id="only a signature"),
    ],
)
def test_what_is_no_picture_is_said_in_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_photo(tmp_path / "a.png")
    assert raised.value.why == why
    assert "\n" not in str(raised.value)


def test_a_cut_off_jpeg_is_damaged(tmp_path: Path, gradient: Any) -> None:
    Image.fromarray(np.tile(gradient, (8, 8))).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged or cut off"):
        read_photo(tmp_path / "a.jpg")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is missing"):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_said(tmp_path: Path, gradient: Any) -> None:
    Image.fromarray(gradient).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(DataError, match="no permission"):
        read_photo(tmp_path / "a.png")


def test_names_of_pictures_are_known_in_any_case() -> None:
    assert all(map(is_image_name, ("a.jpg", "B.JPEG", "c.HEIC", "d.Tif")))
    assert not any(map(is_image_name, ("a.txt", "jpg", ".DS_Store", "Thumbs.db", "a.svg")))
