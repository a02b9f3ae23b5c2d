"""A folder of photos becomes a dataset; whatever lies in it, the rest of the folder still works."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.errors import DataError, UndecidedError
from bench.images.read import read_file
from bench.images.sample_names import ids_of, line_of
from bench.options import as_options, resolve_options
from bench.spec import Dataset, Style
from bench_datasets._folder.split import split_samples
from bench_datasets.image_folder import OPTIONS, load_folder

Load = Callable[..., Dataset]


def draw_seven(path: Path, *, at: int = 60, size: int = 100, paper: int = 200) -> None:
    """Write a photo of a 7, dark on light."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photo = Image.new("L", (240, 220), paper)
    pen = ImageDraw.Draw(photo)
    pen.line([(at, 50), (at + size * 0.6, 50), (at + size * 0.25, 50 + size)], fill=40, width=7)
    photo.save(path)


@pytest.fixture
def read() -> Load:
    """Return ``read(folder, **settings)``."""

    def read_(folder: Path, **settings: Any) -> Dataset:
        return load_folder(folder, resolve_options("my_ids", OPTIONS, settings))

    return read_


def codes(dataset: Dataset) -> dict[str, str]:
    return {finding.sample: finding.code for finding in dataset.findings}


def test_class_folders_become_an_evaluation_only_dataset(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "7" / "b.png")
    draw_seven(tmp_path / "7" / "a.png", at=90)
    dataset = read(tmp_path)
    assert dataset.train is None
    assert dataset.test is not None
    assert dataset.test.pixels.shape == (2, 28, 28, 1)
    assert dataset.test.pixels.dtype == np.uint8
    assert dataset.test.labels is not None
    assert dataset.test.labels.tolist() == [7, 7]
    assert dataset.test.names == ("7/a.png", "7/b.png")
    assert dataset.classes == tuple("0123456789")
    assert dataset.notes[0] == "layout: class folders 7; for example 7/a.png is 7"
    assert dataset.findings == ()


def test_persons_and_their_ids_are_kept(read: Load, tmp_path: Path) -> None:
    for place in (1, 2, 10):
        draw_seven(tmp_path / "ann" / f"{place}.png")
    (tmp_path / "ids.csv").write_text("person,id\nann,077\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.groups == ("ann",) * 3
    assert dataset.truths == {"ann": "077"}
    assert dataset.test.names == ("ann/1.png", "ann/2.png", "ann/10.png")


def test_a_folder_without_labels_is_for_prediction(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "IMG_204177.png")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.labels is None
    assert "predictions only" in dataset.notes[1]


def write_bomb(path: Path) -> None:
    Image.new("1", (30_000, 30_000)).save(path)


def write_truncated(path: Path) -> None:
    draw_seven(path.with_suffix(".jpg"))
    whole = path.with_suffix(".jpg").read_bytes()
    path.with_suffix(".jpg").unlink()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        pytest.param("bad.png", lambda path: path.write_bytes(b"no picture"), id="no picture"),
        pytest.param("bad.jpg", write_truncated, id="cut off"),
        pytest.param("bad.JPG", lambda path: path.write_bytes(b""), id="0 bytes"),
        pytest.param("bad.png", write_bomb, id="bomb"),
        pytest.param("bad.png", lambda path: path.symlink_to("nowhere"), id="broken link"),
        pytest.param("bad.png", lambda path: path.symlink_to("bad.png"), id="link to itself"),
        pytest.param("[red]<script>.png", lambda path: path.write_bytes(b"x"), id="markup"),
    ],
)
def test_a_file_that_cannot_be_read_costs_a_finding_not_the_folder(
    read: Load, tmp_path: Path, name: str, write: Callable[[Path], object]
) -> None:
    draw_seven(tmp_path / "7" / "good.png")
    write(tmp_path / "7" / name)
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("7/good.png",)
    assert codes(dataset) == {f"7/{name}": "unreadable"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_costs_a_finding(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "7" / "good.png")
    draw_seven(tmp_path / "7" / "shut.png")
    (tmp_path / "7" / "shut.png").chmod(0)
    assert codes(read(tmp_path)) == {"7/shut.png": "unreadable"}


def test_an_unreadable_digit_of_an_id_keeps_its_place(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "ann" / "1.png")
    (tmp_path / "ann" / "2.png").write_bytes(b"")
    draw_seven(tmp_path / "ann" / "3.png")
    (tmp_path / "ids.csv").write_text("person,id\nann,757\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.labels is not None
    assert dataset.test.labels.tolist() == [7, 5, 7]
    assert dataset.test.pixels[1].max() == 0
    assert codes(dataset) == {"ann/2.png": "unreadable"}


def test_nothing_readable_is_an_error_in_one_line(read: Load, tmp_path: Path) -> None:
    (tmp_path / "seven.png").write_bytes(b"")
    with pytest.raises(DataError, match="none of its pictures can be read"):
        read(tmp_path)


def test_a_file_without_a_label_is_not_scored_and_that_is_said(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "a.png")
    draw_seven(tmp_path / "b.png")
    (tmp_path / "labels.csv").write_text("file,label\na.png,7\nc.png,3\n")
    with pytest.raises(UndecidedError, match=r"does not name 1 of the 2 pictures \(b.png\)"):
        read(tmp_path)
    dataset = read(tmp_path, labels="table")
    assert dataset.test is not None
    assert dataset.test.names == ("a.png",)
    assert codes(dataset) == {"c.png": "file-missing", "b.png": "no-label"}
    assert "1 image without a label: not scored" in dataset.notes


def test_a_blank_page_is_scored_and_carries_a_finding(read: Load, tmp_path: Path) -> None:
    Image.new("L", (200, 200), 210).save(tmp_path / "seven.png")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert len(dataset.test) == 1
    assert codes(dataset) == {"seven.png": "blank"}


def draw_strip(path: Path, n: int) -> None:
    photo = Image.new("L", (120 * n + 60, 240), 200)
    pen = ImageDraw.Draw(photo)
    for place in range(n):
        x = 50 + 120 * place
        pen.line([(x, 70), (x + 60, 70), (x + 25, 170)], fill=50, width=7)
    photo.save(path)


def test_a_strip_gives_a_sample_a_digit_and_its_own_id(read: Load, tmp_path: Path) -> None:
    draw_strip(tmp_path / "id.png", 4)
    (tmp_path / "strips.csv").write_text("file,digits\nid.png,7777\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("id.png#1", "id.png#2", "id.png#3", "id.png#4")
    assert dataset.test.groups is None  # nobody said who wrote it
    assert dataset.truths == {"id.png": "7777"}


def test_two_photos_of_ids_by_one_writer_are_two_ids_of_one(read: Load, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_strip(tmp_path / name, 2)
    (tmp_path / "strips.csv").write_text("file,digits,person\na.png,77,ann\nb.png,77,ann\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.groups == ("ann",) * 4
    assert dataset.truths == {"a.png": "77", "b.png": "77"}
    assert ids_of(dataset.test.names, dataset.test.groups) == ("a.png", "a.png", "b.png", "b.png")
    (tmp_path / "strips.csv").write_text("file,digits\na.png,77\nb.png,77\n")
    alone = read(tmp_path)  # the same digits, and no writer to have copied them
    assert not alone.findings


def test_an_id_on_two_lines_names_the_line_of_each_digit(read: Load, tmp_path: Path) -> None:
    draw_strip(tmp_path / "line.png", 3)
    with Image.open(tmp_path / "line.png") as line:
        page = Image.new("L", (line.width, 2 * line.height), 200)
        page.paste(line, (0, 0))
        page.paste(line.crop((0, 0, 290, 240)), (0, line.height))
    (tmp_path / "line.png").unlink()
    page.save(tmp_path / "id.png")
    (tmp_path / "strips.csv").write_text("file,digits\nid.png,777/77\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    parts = ("1.1", "1.2", "1.3", "2.1", "2.2")
    assert dataset.test.names == tuple(f"id.png#{part}" for part in parts)
    assert [line_of(name) for name in dataset.test.names] == [1, 1, 1, 2, 2]


def test_a_strip_with_another_number_of_digits_is_scored_blank_and_said(
    read: Load, tmp_path: Path
) -> None:
    draw_strip(tmp_path / "id.png", 4)
    (tmp_path / "strips.csv").write_text("file,digits\nid.png,77777\n")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert len(dataset.test) == 5
    assert dataset.test.pixels.max() == 0
    finding = dataset.findings[0]
    assert finding.code == "wrong-count"
    assert finding.fault == "4 digits were found, the label has 5; all count as wrong"


def test_an_unlabelled_photo_of_several_digits_is_cut_up(read: Load, tmp_path: Path) -> None:
    draw_strip(tmp_path / "IMG_204177.png", 5)
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert len(dataset.test) == 5


def test_a_digit_of_40_pixels_in_a_photo_of_3000_is_found_and_read_at_full_size(
    tmp_path: Path,
) -> None:
    from bench.images.preprocess import preprocess
    from bench.images.preprocess_options import PreprocessOptions

    noise = np.random.default_rng(0).normal(200, 3, (2250, 3000))
    photo = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    stroke = [(2000, 800), (2025, 800), (2010, 840)]
    ImageDraw.Draw(photo).line(stroke, fill=70, width=4)
    photo.save(tmp_path / "7.jpg", quality=90)
    seen = read_file(tmp_path / "7.jpg", PreprocessOptions(), digits="one").digits[0]
    large = Image.new("L", (240, 260), 200)
    ImageDraw.Draw(large).line([(60, 50), (160, 50), (100, 210)], fill=70, width=16)
    usual = preprocess(np.asarray(large)).image
    common = np.minimum(seen.image, usual).sum() / np.maximum(seen.image, usual).sum()
    assert common > 0.6
    assert seen.box is not None
    assert abs(seen.box[0] - 800 / 2250) < 0.01
    assert abs(seen.box[1] - 2000 / 3000) < 0.01


def test_models_of_natural_scenes_see_the_photo_s_own_light(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "7" / "a.png")
    dataset = read(tmp_path, preprocess="natural", side_px=32)
    assert dataset.test is not None
    assert dataset.test.pixels.shape == (1, 32, 32, 1)
    assert np.median(dataset.test.pixels) > 150


def test_pictures_of_different_sizes_are_made_alike_and_that_is_said(
    read: Load, tmp_path: Path
) -> None:
    for place, side in enumerate((20, 30)):
        (tmp_path / "7").mkdir(exist_ok=True)
        Image.new("L", (side, side), 9).save(tmp_path / "7" / f"{place}.png")
    dataset = read(tmp_path, preprocess="none")
    assert dataset.test is not None
    assert dataset.test.pixels.shape == (2, 28, 28, 1)
    assert "pictures of different sizes: resized to 28×28" in dataset.notes


def test_a_folder_is_trained_on_without_a_writer_on_both_sides(read: Load, tmp_path: Path) -> None:
    for person in range(6):
        for digit in (1, 7):
            for place in range(3):
                draw_seven(
                    tmp_path / f"person {person}" / str(digit) / f"{place}.png", at=60 + place
                )
    dataset = read(tmp_path, train=True)
    assert dataset.train is not None
    assert dataset.test is not None
    assert not set(dataset.train.groups or ()) & set(dataset.test.groups or ())
    assert len(dataset.train) + len(dataset.test) == 36
    assert dataset.notes[-1].startswith("split by person: ")


def test_without_persons_the_split_is_by_image_and_marked_so() -> None:
    labels = np.repeat(np.arange(3), 20)
    split = split_samples(labels, None, ("a", "b", "c"), seed=1)
    assert len(split.test) == 12
    assert np.bincount(labels[split.train]).tolist() == [16, 16, 16]
    assert "by image" in split.note


def test_too_few_images_to_train_on_are_said(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "1" / "a.png")
    draw_seven(tmp_path / "7" / "a.png")
    with pytest.raises(DataError, match="class 1 has 1 images of 10 needed"):
        read(tmp_path, train=True)


def test_every_option_is_documented_and_views_name_real_ones() -> None:
    from bench.plugins.discovery import load_plugins

    spec = load_plugins().datasets["image-folder"]
    declared = as_options(spec.options)
    assert all(option.help for option in declared.values())
    view: Mapping[str, Any] = spec.views[Style.NATURAL]
    assert resolve_options("image-folder", spec.options, view)["preprocess"] == "natural"


@pytest.mark.realdata
def test_every_real_strip_is_cut_into_the_right_digits(read: Load, real_data: Path) -> None:
    dataset = read(real_data / "own_digits" / "strips")
    assert "wrong-count" not in {finding.code for finding in dataset.findings}
    assert dataset.test is not None
    assert len(dataset.test) == 5 + 6 + 14 + 23


def test_a_photo_in_two_writers_folders_is_a_finding_of_each(read: Load, tmp_path: Path) -> None:
    draw_seven(tmp_path / "ann" / "7" / "a.png")
    draw_seven(tmp_path / "bob" / "7" / "b.png")
    with Image.open(tmp_path / "bob" / "7" / "b.png") as photo:
        photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "bob" / "7" / "b.png")
    with Image.open(tmp_path / "ann" / "7" / "a.png") as photo:
        smaller = photo.resize((180, 165)).point(lambda value: value * 0.9)
        smaller.save(tmp_path / "bob" / "7" / "copy.jpg", quality=60)
    dataset = read(tmp_path)
    copied = [each for each in dataset.findings if each.code == "copied"]
    assert [each.sample for each in copied] == ["ann/7/a.png", "bob/7/copy.jpg"]
    assert copied[0].fault == "nearly the same picture as bob/7/copy.jpg, of another writer"
    assert dataset.notes[-1].startswith("2 images are nearly the same as another writer's")


def test_a_writer_may_have_a_photo_twice(read: Load, tmp_path: Path) -> None:
    for name in ("ann/7/a.png", "ann/7/again.png"):
        draw_seven(tmp_path / name)
    draw_seven(tmp_path / "bob" / "7" / "b.png")
    with Image.open(tmp_path / "bob" / "7" / "b.png") as photo:
        photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "bob" / "7" / "b.png")
    dataset = read(tmp_path)
    assert [each for each in dataset.findings if each.code == "copied"] == []
