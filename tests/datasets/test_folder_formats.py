"""Every format of picture that people have is read by its content; too many files are refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.images.decode import read_photo
from bench_datasets._folder.recognise import recognise
from bench_datasets._folder.scan import MOST_FILES, scan_folder

Bench = Callable[..., Any]


def seven() -> Image.Image:
    pixels = np.full((40, 30), 230, dtype=np.uint8)
    pixels[6:10, 6:24] = 20
    pixels[8:34, 18:22] = 20
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("a.gif", "GIF", id="gif"),
        pytest.param("a.ppm", "PPM", id="ppm"),
        pytest.param("a.pgm", "PPM", id="pgm"),
        pytest.param("a.pnm", "PPM", id="pnm"),
        pytest.param("a.jfif", "JPEG", id="jfif"),
        pytest.param("a.bmp", "BMP", id="bmp"),
        pytest.param("a.webp", "WEBP", id="webp"),
        pytest.param("a.tif", "TIFF", id="tiff"),
        pytest.param("a.heic", "JPEG", id="jpeg-named-heic"),
        pytest.param("a.jpg", "BMP", id="bmp-named-jpg"),
    ],
)
def test_a_picture_is_read_by_its_content(tmp_path: Path, name: str, form: str) -> None:
    seven().convert("RGB" if form == "PPM" and name == "a.ppm" else "L").save(
        tmp_path / name, format=form
    )
    pixels = read_photo(tmp_path / name).astype(int)
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    assert grey.shape == (40, 30)
    assert abs(grey[20, 20] - 20) < 25
    assert abs(grey[36, 3] - 230) < 25


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_greys_of_many_bits_keep_their_paper_and_ink(tmp_path: Path, bits: int) -> None:
    deep = (np.asarray(seven()).astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    Image.fromarray(deep).save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        assert np.abs(read_photo(tmp_path / name).astype(int) - np.asarray(seven())).max() <= 2


def test_each_page_of_a_tiff_is_a_picture(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    seven().save(tmp_path / "7" / "a.tif", save_all=True, append_images=[seven(), seven()])
    layout = recognise(tmp_path)
    assert [photo.label for photo in layout.photos] == ["7"] * 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", "it is PostScript, not a picture", id="eps"),
        pytest.param(b"<svg xmlns='x'></svg>", "it is a drawing (SVG), not a picture", id="svg"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", id="lfs"),
        pytest.param(b"<!DOCTYPE html><html>", "it is a web page, not a picture", id="page"),
        pytest.param(b"<?xml version='1.0'?><Error>", "it is a web page", id="xml-error"),
        pytest.param(b"%PDF-1.7", "it is a PDF, not a picture", id="pdf"),
        pytest.param(b"\x80\x04\x95", "it is a pickle, not a picture", id="pickle"),
        pytest.param(b"\0\0\0\x20ftypavif", "an AVIF picture", id="avif"),
        pytest.param(b"", "the file is empty (0 bytes)", id="empty"),
    ],
)
def test_what_only_has_a_picture_s_name_is_named_for_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "a.heic").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_photo(tmp_path / "a.heic")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="lfs"),
        pytest.param(b"<!DOCTYPE html><html>", "log in on the site", id="page"),
        pytest.param(b"", "copy it again", id="empty"),
        pytest.param(b"%PDF-1.7", "save its pages as pictures", id="pdf"),
    ],
)
def test_a_picture_that_is_none_comes_with_what_to_do(
    tmp_path: Path, content: bytes, remedy: str
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_photo(tmp_path / "a.png")
    assert remedy in caught.value.fix


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_pipe_or_device_by_a_picture_s_name_is_taken_away_unopened(
    tmp_path: Path, what: str
) -> None:
    if what == "pipe":
        os.mkfifo(tmp_path / "a.png")
    else:
        (tmp_path / "a.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="it is no ordinary file; take it away"):
        read_photo(tmp_path / "a.png")


def test_two_names_of_one_file_count_twice_and_are_said(tmp_path: Path) -> None:
    for digit in "0123456789":
        (tmp_path / digit).mkdir()
        seven().save(tmp_path / digit / "a.png")
    (tmp_path / "3" / "b.png").hardlink_to(tmp_path / "3" / "a.png")
    (tmp_path / "5" / "b.png").symlink_to(tmp_path / "3" / "a.png")
    problems = {p.sample: p.fault for p in recognise(tmp_path).problems if p.code == "same-file"}
    assert problems == {
        "3/b.png": "the same file as 3/a.png",
        "5/b.png": "the same file as 3/a.png, labelled otherwise",
    }


def test_a_million_files_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless:
        """A folder that never ends."""

        def __enter__(self) -> "Endless":
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> "Endless":
            return self

        def __next__(self) -> os.DirEntry[str]:
            return entry

    (tmp_path / "a.png").write_bytes(b"?")
    with os.scandir(tmp_path) as there:
        entry = next(there)
    monkeypatch.setattr("bench_datasets._folder.scan.os.scandir", lambda _: Endless())
    with pytest.raises(DataError, match="it holds more than 200,000 files"):
        scan_folder(tmp_path)


@pytest.mark.heavy
def test_more_files_than_the_limit_are_refused_in_one_line(
    run_bench: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    for place in range(21):
        (folder / str(place)).mkdir(parents=True)
    for number in range(MOST_FILES + 1):
        (folder / str(number // 10_000) / f"{number}.png").touch()
    refused = run_bench("data", "inspect", folder)
    assert refused.code == 2
    assert "more than 200,000 files" in refused.err
    assert len(refused.err.splitlines()) == 1
