"""Photos that cannot be read count as wrong or are left out, and each is said; flags; own rows."""

import base64
import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.board.leaderboard import leaderboards
from bench.board.people import people_of
from bench.board.verify import verify_store
from bench.board.views import row_report
from bench.images.decode import read_photo
from bench.loading.load import load_dataset
from bench.options import resolve_options
from bench.planning.folds import make_folds
from bench.plugins.discovery import load_plugins
from bench.spec import Dataset
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions
from bench_datasets.image_folder import OPTIONS, load_folder

Bench = Callable[..., Any]
# One model that learns something in well under a second.
_RUN = ("run", "-m", "random-forest", "-d", "digits-uci", "--set", "random-forest.n_estimators=5")


def draw_sevens(path: Path, n: int = 1) -> None:
    """Write a photo of so many sevens in a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photo = Image.new("L", (120 * n + 60, 240), 200)
    pen = ImageDraw.Draw(photo)
    for place in range(n):
        x = 50 + 120 * place
        pen.line([(x, 70), (x + 60, 70), (x + 25, 170)], fill=50, width=7)
    photo.save(path)


@pytest.fixture
def strips(tmp_path: Path) -> Path:
    """A folder of three strips; one is labelled with a digit more than it shows."""
    folder = tmp_path / "my_strips"
    for name, n in (("good.png", 3), ("wrong.png", 4), ("more.png", 2)):
        draw_sevens(folder / name, n)
    table = "file,digits\ngood.png,777\nwrong.png,77777\nmore.png,77\n"
    (folder / "strips.csv").write_text(table)
    return folder


def read(folder: Path, **settings: Any) -> Dataset:
    """Load a folder as the plugin does."""
    return load_folder(folder, resolve_options("mine", OPTIONS, settings))


def unread(dataset: Dataset) -> list[str]:
    """Return the names of the samples that were not read."""
    assert dataset.test is not None
    if dataset.test.unread is None:
        return []
    return [dataset.test.names[i] for i in np.flatnonzero(dataset.test.unread)]


def test_a_strip_of_another_number_of_digits_is_not_read(strips: Path) -> None:
    dataset = read(strips)
    assert unread(dataset) == [f"wrong.png#{place}" for place in range(1, 6)]
    lost = [finding for finding in dataset.findings if finding.is_lost]
    assert [(finding.sample, finding.code) for finding in lost] == [("wrong.png", "wrong-count")]


def test_the_contact_sheet_frames_the_digits_that_were_found(
    run_bench: Bench, strips: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.html"
    assert run_bench("data", "inspect", strips, "--html", sheet).code == 0
    page = sheet.read_text(encoding="utf-8")
    assert "4 digits were found, the label has 5" in page
    data = page.split('alt="photo wrong.png#1"')[0].rpartition("base64,")[2].partition('"')[0]
    with Image.open(io.BytesIO(base64.b64decode(data))) as photo:
        pixels = np.asarray(photo.convert("RGB"), dtype=int)
    reddish = (pixels[..., 0] - pixels[..., 2] > 60).any(axis=0)
    edges = np.flatnonzero(np.diff(np.r_[False, reddish].astype(int)) == 1)
    assert len(edges) == 4  # a frame is one run of columns


def test_a_blank_page_with_a_label_is_not_read(tmp_path: Path) -> None:
    draw_sevens(tmp_path / "7" / "a.png")
    Image.new("L", (300, 300), 215).save(tmp_path / "7" / "blank.png")
    dataset = read(tmp_path)
    assert unread(dataset) == ["7/blank.png"]
    assert [f.code for f in dataset.findings if f.is_lost] == ["blank"]


def test_a_file_that_is_no_picture_is_not_scored_but_keeps_its_place_in_an_id(
    tmp_path: Path,
) -> None:
    for place in (1, 3):
        draw_sevens(tmp_path / "ann" / f"{place}.png")
    (tmp_path / "ann" / "2.png").write_bytes(b"no picture")
    (tmp_path / "id.txt").write_text("not read: the digits are in the person's folder")
    (tmp_path / "ann" / "id.txt").write_text("757")
    dataset = read(tmp_path)
    assert unread(dataset) == ["ann/2.png"]
    (tmp_path / "ann" / "id.txt").unlink()
    (tmp_path / "id.txt").unlink()
    (tmp_path / "ann").rename(tmp_path / "7")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("7/1.png", "7/3.png")
    assert [f.sample for f in dataset.findings if f.is_lost] == ["7/2.png"]


def test_what_was_not_read_is_not_trained_on(tmp_path: Path) -> None:
    for digit in "17":
        for place in range(12):
            draw_sevens(tmp_path / digit / f"{place}.png")
        for place in range(4):
            Image.new("L", (90, 90), 200 + place).save(tmp_path / digit / f"blank{place}.png")
    dataset = read(tmp_path, train=True)
    assert dataset.train is not None
    assert dataset.test is not None
    assert dataset.train.unread is not None
    assert not dataset.train.unread.any()
    assert len(dataset.train) + len(dataset.test) < 2 * 16


def test_what_was_not_read_is_not_fine_tuned_on_but_is_in_the_folds(tmp_path: Path) -> None:
    for digit in "17":
        for place in range(10):
            draw_sevens(tmp_path / "own" / digit / f"{place}.png")
        Image.new("L", (90, 90), 200).save(tmp_path / "own" / digit / "blank.png")
    spec = load_plugins().datasets["image-folder"]
    loaded = load_dataset(spec, path=tmp_path / "own", cache_dir=tmp_path / "cache")
    folds, _ = make_folds(loaded, tuple("0123456789"), 1, tmp_path / "cache")
    assert sum(fold.test.n_unread for fold in folds) == 2
    assert [fold.train.n_unread for fold in folds] == [0] * len(folds)
    assert all(fold.train.n + fold.test.n < 22 for fold in folds)


def test_what_was_not_read_is_wrong_for_every_model_and_the_run_says_so(
    run_bench: Bench, strips: Path, tmp_path: Path
) -> None:
    # A model that calls everything 7 would be right on every blank image.
    (tmp_path / "sevens.py").write_text(
        "from bench import ModelSpec, hookimpl\n"
        "import numpy as np\n"
        "class Sevens:\n"
        "    def fit(self, train, context): pass\n"
        "    def predict_proba(self, images):\n"
        "        return np.tile(np.eye(10, dtype=np.float32)[7], (len(images), 1))\n"
        "def build(context): return Sevens()\n"
        "@hookimpl\n"
        "def bench_register_models(register):\n"
        "    register(ModelSpec(name='sevens', summary='says 7', build=build))\n"
    )
    store = tmp_path / "store"
    ended = run_bench(
        "run", "-m", "sevens", "--plugin", "sevens.py", "-d", "digits-uci",
        "--folder", strips, "--store", store, columns=100,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    text = " ".join(ended.out.split())
    assert "wrong.png: 4 digits were found, the label has 5; all count as wrong" in text
    assert "[–––––] → truth 77777" in text
    assert "7 not read" in text or "(5 of 10)" in text
    (board,) = leaderboards(Store(store), test_datasets=["my_strips"])
    (row,) = (row for row in board.rows if row.model == "sevens")
    assert row.accuracy == 0.5
    readings = {each.person: "".join(each.read) for each in people_of(Store(store), row)}
    assert readings == {"good.png": "777", "more.png": "77", "wrong.png": "–––––"}
    assert row_report(Store(store), row).report.classes[7].recall == 0.5
    assert verify_store(Store(store)).problems == ()
    stored = read_predictions(Store(store).evaluations / row.evaluations[0])
    assert sorted(stored.predicted.tolist()) == [-1] * 5 + [7] * 5
    for view in (("report", "sevens", ":my_strips"), ("errors", "-d", "my_strips")):
        assert run_bench("show", *view, "--store", store).code == 0


def test_a_folder_with_the_content_of_another_dataset_has_a_row_of_its_own(
    run_bench: Bench, tmp_path: Path
) -> None:
    import bench_datasets

    ids = Path(str(bench_datasets.__path__[0])) / "samples" / "ids"
    shutil.copytree(ids, tmp_path / "mine")
    store = tmp_path / "store"
    # As sample-ids is read: its content is then the same.
    classic = ("--set", "mine.preprocess=classic", "--set", "again.preprocess=classic")
    asked = (*_RUN, "--folder", "mine", "--folder", "again=mine", *classic, "--store", store)
    first = run_bench(*asked, columns=100)
    assert first.code == 0, first.err
    boards = {board.test_dataset: board for board in leaderboards(Store(store))}
    assert {"digits-uci", "sample-ids", "mine", "again"} <= boards.keys()
    places = ("sample-ids", "mine", "again")
    forests = [
        next(row for row in boards[place].rows if row.model == "random-forest") for place in places
    ]
    assert len({row.accuracy for row in forests}) == 1
    assert len({row.trials for row in forests}) == 1
    records = [read_evaluation(Store(store).evaluations / row.evaluations[0]) for row in forests]
    assert len({record.test_hash for record in records}) == 1
    assert [record.test_dataset for record in records] == list(places)
    second = run_bench(*asked, columns=100)
    assert "nothing to run" in second.out
    assert "mine" in second.out


def test_flags_say_the_classes_and_where_labels_are(run_bench: Bench, tmp_path: Path) -> None:
    for name in ("2024-x7.png", "2025-x7.png"):
        draw_sevens(tmp_path / "shots" / name)
    for name in ("cat", "dog"):
        draw_sevens(tmp_path / "pets" / name / "a.png")
    ended = run_bench(*_RUN, "--folder", "shots", "--label-pattern", "x([0-9])", "--dry-run")
    assert ended.code == 0, ended.err
    assert "shots: layout: labels in file names, by the given pattern" in ended.out
    ended = run_bench(*_RUN, "--folder", "pets", "--classes", "cat, dog", "--dry-run")
    assert ended.code == 0, ended.err
    assert "digits-uci has no class cat, dog" in " ".join(ended.out.split())
    assert "pets: layout: no labels" in run_bench(*_RUN, "--folder", "pets", "--dry-run").out
    ended = run_bench("data", "inspect", "pets", "--classes", "cat,dog")
    assert "layout: class folders" in ended.out


def test_persons_whose_classes_are_words_have_their_table(run_bench: Bench, tmp_path: Path) -> None:
    for person in ("ann", "bob"):
        for name in ("seven", "other"):
            for place in range(10):
                draw_sevens(
                    tmp_path / "own" / person / name / f"{place}.png", 1 + (name == "other")
                )
    shutil.copytree(tmp_path / "own" / "ann", tmp_path / "again" / "cy")
    shutil.copytree(tmp_path / "own" / "bob", tmp_path / "again" / "dee")
    ended = run_bench(
        "run", "-m", "baseline-majority", "-d", "own", "--folder", "own", "--folder", "again",
        "--classes", "seven,other", "--store", tmp_path / "store", columns=100,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "again · 2 persons, 40 digits" in ended.out
    assert "20/40" in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--label-pattern", "(["), "label pattern ([: no regular", id="no pattern"),
        pytest.param(("--label-pattern", "[0-9]"), "pattern [0-9]: it has no group", id="group"),
        pytest.param(("--label-pattern", "q(.)"), "label pattern q(.): it fits no file", id="fits"),
        pytest.param(("--classes", ", "), "--classes , : no class is named", id="no class"),
        pytest.param(("--classes", "cat,dog"), "classes cat, dog: nothing in shots", id="classes"),
    ],
)  # fmt: skip
def test_flags_that_do_not_fit_end_in_one_line(
    run_bench: Bench, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    draw_sevens(tmp_path / "shots" / "7.png")
    ended = run_bench(*_RUN, "--folder", "shots", *arguments, columns=200)
    assert ended.code == 2
    assert message in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_flags_for_folders_without_a_folder_are_said(run_bench: Bench) -> None:
    ended = run_bench(*_RUN, "--classes", "cat,dog")
    assert ended.code == 2
    assert "--classes: this is for --folder DIR" in ended.err
    ended = run_bench("data", "inspect", "digits-uci", "--label-pattern", "(.)")
    assert ended.code == 2
    assert "digits-uci is no own folder" in ended.err


def test_folders_of_bench_toml_take_part(run_bench: Bench, tmp_path: Path) -> None:
    draw_sevens(tmp_path / "photos" / "x7.png")
    (tmp_path / "bench.toml").write_text(
        '[folders]\nmine = "photos"\n[options.mine]\nlabel_pattern = "x(.)"\n'
    )
    ended = run_bench(*_RUN, "--store", tmp_path / "store", columns=100)
    assert ended.code == 0, ended.err
    assert "mine: layout: labels in file names, by the given pattern" in ended.out
    assert [b.n_test for b in leaderboards(Store(tmp_path / "store"), test_datasets=["mine"])] == [
        1
    ]


def test_one_folder_with_everything_wrong_still_works(run_bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "my [red]photos"
    draw_sevens(folder / "good.PNG")
    draw_sevens(folder / "[red]<script>7.JpG")
    draw_sevens(folder / "Zoë 数字.png")
    draw_sevens(folder / "unlabelled.png")
    draw_sevens(folder / "twice.png")
    (folder / "text.png").write_bytes(b"no picture")
    (folder / "empty.jpg").write_bytes(b"")
    whole = (folder / "[red]<script>7.JpG").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("1", (30_000, 30_000)).save(folder / "bomb.png")
    Image.new("L", (200, 200), 210).save(folder / "blank.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "back").symlink_to(folder, target_is_directory=True)
    for junk in (".DS_Store", "Thumbs.db", "._good.png"):
        (folder / junk).write_bytes(b"\0")
    names = ("good.PNG", "[red]<script>7.JpG", "Zoë 数字.png", "text.png", "empty.jpg", "cut.jpg")
    rows = [*names, "bomb.png", "blank.png", "loop.png", "absent.png", "twice.png"]
    text = "".join(f"{name},7\n" for name in rows) + "twice.png,1\n"
    (folder / "labels.csv").write_text(f"file,label\n{text}", encoding="utf-8")
    dataset = read(folder)
    assert dataset.test is not None
    assert set(dataset.test.names) == {*names[:3], "blank.png"}
    assert unread(dataset) == ["blank.png"]
    lost = {
        finding.sample: (finding.code, finding.fault)
        for finding in dataset.findings
        if finding.is_lost
    }
    assert {name: code for name, (code, _) in lost.items()} == {
        "text.png": "unreadable",
        "empty.jpg": "unreadable",
        "cut.jpg": "unreadable",
        "bomb.png": "unreadable",
        "loop.png": "unreadable",
        "blank.png": "blank",
        "absent.png": "file-missing",
        "twice.png": "two-labels",
        "unlabelled.png": "no-label",
    }
    assert lost["text.png"][1] == "it is not a picture"
    assert lost["empty.jpg"][1] == "the file is empty (0 bytes)"
    assert lost["cut.jpg"][1].startswith("the picture is damaged or cut off")
    assert lost["bomb.png"][1].startswith("it has more than 150 million pixels")
    assert lost["twice.png"][1] == "labels.csv gives it two labels, 1 and 7; it is not scored"
    shown = " ".join(run_bench("data", "inspect", folder, columns=200).out.split())
    for sample, (_, fault) in lost.items():
        assert f"{sample}: {fault}" in shown
    assert "\x1b" not in shown


def test_a_file_that_the_system_will_not_open_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by the system's own call, since a test may run as one who may read every file."""
    draw_sevens(tmp_path / "7" / "good.png")
    draw_sevens(tmp_path / "7" / "shut.png")
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "shut.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("7/good.png",)
    (lost,) = (finding for finding in dataset.findings if finding.is_lost)
    assert (lost.sample, lost.fault) == ("7/shut.png", "no permission to read it")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_with_a_picture_s_name_does_not_hang(tmp_path: Path) -> None:
    draw_sevens(tmp_path / "7" / "good.png")
    for ending in ("png", "tiff", "gif", "heic"):
        os.mkfifo(tmp_path / "7" / f"pipe.{ending}")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("7/good.png",)


def test_a_heic_photo_is_read_where_pillow_heif_is_installed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    draw_sevens(tmp_path / "source.png")
    (tmp_path / "7").mkdir()
    with Image.open(tmp_path / "source.png") as photo:
        heif.from_pillow(photo.convert("RGB")).save(tmp_path / "7" / "a.HEIC", quality=80)
    (tmp_path / "source.png").unlink()
    assert read_photo(tmp_path / "7" / "a.HEIC").shape[:2] == (240, 180)
    dataset = read(tmp_path)
    assert dataset.findings == ()
    assert unread(dataset) == []


def test_a_heic_photo_without_pillow_heif_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    draw_sevens(tmp_path / "7" / "good.png")
    (tmp_path / "7" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    dataset = read(tmp_path)
    assert dataset.test is not None
    assert dataset.test.names == ("7/good.png",)
    (lost,) = (finding for finding in dataset.findings if finding.is_lost)
    assert lost.fault == "it is a HEIC photo: reading it needs the pillow-heif package"


@pytest.mark.realdata
def test_a_real_strip_with_a_wrong_label_counts_as_wrong(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "strips"
    shutil.copytree(real_data / "own_digits" / "strips", folder)
    table = folder / "strips.csv"
    table.write_text(table.read_text().replace("one-row.jpg,13540", "one-row.jpg,135400"))
    dataset = read(folder)
    assert unread(dataset) == [f"one-row.jpg#{place}" for place in range(1, 7)]
    (lost,) = (finding for finding in dataset.findings if finding.is_lost)
    assert lost.fault == "5 digits were found, the label has 6; all count as wrong"
