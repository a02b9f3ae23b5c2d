"""``bench data``: what is printed, in which form, and with which exit code."""

import gzip
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

import bench_datasets

Run = Callable[..., Any]


@pytest.fixture
def run_data(run_bench: Run) -> Run:
    """Return ``run_data(*arguments)``: ``bench data …`` in an empty working folder, 80 columns."""
    return partial(run_bench, "data")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Thirty digits in Kaggle's layout, gzipped; each image is one bright column."""
    images = np.zeros((30, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    images[:, 0, 0] = np.arange(30)  # no two are equal
    rows = np.column_stack([np.arange(30) % 10, images.reshape(30, -1)])
    header = "label," + ",".join(f"pixel{i}" for i in range(784))
    text = "\n".join([header, *(",".join(map(str, row)) for row in rows.tolist())])
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_inspect_shows_counts_shape_values_licence_source_and_classes(
    run_data: Run, table: Path
) -> None:
    done = run_data("inspect", f"mnist-csv={table}", "--images", "0", columns=120)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert (
        lines[0]
        == "mnist-csv · MNIST as a table: Kaggle's train.csv, or label and 784 pixels a row"
    )
    assert lines[1].startswith(
        "  training     24 images, 28×28 grey, uint8 0 to 255 (mean 26), fingerprint "
    )
    assert lines[2].startswith("  test         6 images, 28×28 grey, uint8 0 to 255")
    assert "  licence      commonly CC BY-SA 3.0" in lines
    assert any(line.startswith("  source       MNIST (LeCun") for line in lines)
    assert f"  file         {table}" in lines
    assert "  option       train_fraction = 0.8" in lines
    assert "  class  training      test" in lines
    histogram = lines[lines.index("  class  training      test") + 1 :]
    assert [line.split()[0] for line in histogram] == list("0123456789")
    assert sum(int(line.split()[1]) for line in histogram) == 24


def test_inspect_draws_the_first_images_with_their_labels(run_data: Run, table: Path) -> None:
    lines = run_data("inspect", f"mnist-csv={table}", "--images", "5").out.splitlines()
    start = lines.index("  first 5 training images")
    labels = "".join(lines[start + 1].split())
    pictures = lines[start + 2 : start + 10]
    assert len(labels) == 4  # as many as fit 80 columns
    assert labels.isdigit()
    assert any(line.count("██") >= 4 for line in pictures)
    assert max(map(len, lines[start:])) <= 80


def test_inspect_of_embedded_data_says_what_it_is(run_data: Run) -> None:
    out = run_data("inspect", "sample-ids").out
    assert "  embedded     UCI handwriting drawn as photos, made-up persons\n" in out
    assert "  test         32 images, 4 writers, 28×28 grey" in out
    assert "  ID           person-a: 05126707\n" in out
    assert "evaluation-only" in out


def test_inspect_as_json(run_data: Run, table: Path) -> None:
    done = run_data("inspect", f"mnist-csv={table}", "--json", "--set", "mnist-csv.split_seed=1")
    content = json.loads(done.out)
    assert content["name"] == "mnist-csv"
    assert content["options"]["split_seed"] == 1
    assert content["licence"] == "commonly CC BY-SA 3.0"
    train = content["train"]
    assert (train["n"], train["shape"], train["dtype"]) == (24, [28, 28, 1], "uint8")
    assert (train["value_min"], train["value_max"]) == (0, 255)
    assert sum(train["class_counts"].values()) == 24
    assert len(train["first_labels"]) == 10
    assert len(train["fingerprint"]) == 40


def test_inspect_of_an_unlabelled_table(run_data: Run, tmp_path: Path) -> None:
    header = ",".join(f"pixel{i}" for i in range(784))
    (tmp_path / "test.csv").write_text(header + "\n" + ",".join(["0", "255"] * 392) + "\n")
    done = run_data("inspect", "mnist-csv=test.csv")
    assert done.code == 0
    assert "               for prediction only\n" in done.out
    assert "\n?\n" in done.out


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A folder of one person's digits, with ``ids.csv``."""
    shipped = next(Path(path) for path in bench_datasets.__path__) / "samples" / "ids"
    folder = tmp_path / "my_ids"
    shutil.copytree(shipped / "person-a", folder / "person-a")
    (folder / "ids.csv").write_text("person,id\nperson-a,05126707\n")
    return folder


def test_inspect_of_an_own_folder(run_data: Run, own_folder: Path) -> None:
    done = run_data("inspect", own_folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("my_ids · your own photos")
    assert "  ID           person-a: 05126707\n" in done.out
    assert "  note         layout: persons' folders with ids.csv; for example" in done.out


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("mine=my_ids", "mine", id="named"),
        pytest.param("image-folder=my_ids", "my_ids", id="by-its-plugin"),
        pytest.param("handwriting", "handwriting", id="from-bench.toml"),
    ],
)
def test_an_own_folder_by_name(
    run_data: Run, own_folder: Path, tmp_path: Path, text: str, name: str
) -> None:
    (tmp_path / "bench.toml").write_text('[folders]\nhandwriting = "my_ids"\n')
    settings = ["--set", f"{name}.preprocess=resize", "--set", "image-folder.side_px=20"]
    content = json.loads(run_data("inspect", text, "--json", *settings).out)
    assert content["name"] == name
    assert content["options"]["preprocess"] == "resize"
    assert content["test"]["shape"] == [20, 20, 1]
    assert content["truths"] == {"person-a": "05126707"}


def test_a_contact_sheet_shows_each_photo_beside_what_the_models_see(
    run_data: Run, own_folder: Path, tmp_path: Path
) -> None:
    (own_folder / "person-a" / "<b>.png").write_text("no picture")
    done = run_data("inspect", "my_ids", "--html", "sheet.html")
    assert done == (0, "wrote sheet.html: 9 images\n", "")
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.count('class="seen"') == 9  # the unreadable one keeps its place, as blank
    assert page.count('alt="photo person-a/') == 8
    assert page.count("each step") == 8
    assert "layout: persons&#39; folders with ids.csv" in page
    assert "Beside the training images" in page
    assert "<b>.png" not in page
    assert "&lt;b&gt;.png" in page


def test_a_contact_sheet_of_a_table_has_its_images_alone(
    run_data: Run, table: Path, tmp_path: Path
) -> None:
    done = run_data("inspect", f"mnist-csv={table}", "--html", "sheet.html")
    assert done.out == "wrote sheet.html: 6 images\n"
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.count('class="seen"') == 6
    assert 'alt="photo' not in page


def test_a_contact_sheet_that_cannot_be_written_is_one_line(run_data: Run, table: Path) -> None:
    done = run_data("inspect", f"mnist-csv={table}", "--html", "absent/sheet.html")
    assert (done.code, done.err) == (
        2,
        "bench: cannot write absent/sheet.html: No such file or directory\n",
    )


def test_options_of_bench_toml_hold_here_too(run_data: Run, table: Path, tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text("[options.mnist-csv]\ntrain_fraction = 0.5\n")
    content = json.loads(run_data("inspect", f"mnist-csv={table}", "--json").out)
    assert content["train"]["n"] == 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["mnst"],
            "unknown dataset 'mnst': did you mean mnist or qmnist or kmnist? It is no file or"
            " folder either. All names: bench list datasets",
            id="misspelt",
        ),
        pytest.param(
            ["mnist=absent.npz"], "mnist: {cwd}/absent.npz does not exist", id="absent-file"
        ),
        pytest.param(
            ["digits-uci", "--set", "mnist.a=1"],
            "--set mnist.a=1: the dataset is named digits-uci",
            id="other-owner",
        ),
        pytest.param(
            ["digits-uci", "--set", "digits-uci.a=1"],
            "unknown option 'a' of digits-uci: its options are: none",
            id="unknown-option",
        ),
    ],
)
def test_inspect_of_what_is_not_there_is_one_line_and_exit_code_2(
    run_data: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = run_data("inspect", *arguments)
    assert done == (2, "", f"bench: {message.format(cwd=tmp_path)}\n")


def test_inspect_of_a_missing_dataset_says_how_to_get_it(run_data: Run) -> None:
    done = run_data("inspect", "mnist")
    assert done.code == 2
    assert done.err.startswith("bench: mnist is not on this machine: no mnist.npz or its other")
    assert "; bench data fetch mnist; or put mnist.npz" in done.err


def test_fetch_of_embedded_data_has_nothing_to_do(run_data: Run) -> None:
    done = run_data("fetch", "digits-uci")
    assert done == (0, "digits-uci: it is part of scikit-learn: nothing to do\n", "")


def test_fetch_of_data_without_a_download_says_what_to_put_where(run_data: Run) -> None:
    done = run_data("fetch", "usps")
    assert done.code == 2
    assert done.err.startswith(
        "bench: usps has no file that may be downloaded for you; put usps.npz"
    )


def test_convert_makes_a_file_that_svhn_h5_reads(run_data: Run, tmp_path: Path) -> None:
    for name, n in (("train", 40), ("test", 20)):
        colours = np.random.default_rng(n).integers(0, 256, (32, 32, 3, n), dtype=np.uint8)
        labels = (np.arange(n) % 10 + 1).reshape(-1, 1)
        savemat(tmp_path / f"{name}.mat", {"X": colours, "y": labels})
    done = run_data("convert", "train.mat", "test.mat", "--out", "digits.h5")
    assert done == (
        0,
        "wrote digits.h5: 40 training and 20 test images\n"
        "SVHN is for non-commercial use only.\n"
        "Train on it: bench run -m 'cnn-svhn-*' -d svhn-h5=digits.h5\n",
        "",
    )
    content = json.loads(run_data("inspect", "svhn-h5=digits.h5", "--json").out)
    assert (content["train"]["n"], content["test"]["n"]) == (40, 20)
    assert content["train"]["class_counts"] == dict.fromkeys("0123456789", 4)


def test_convert_of_a_file_that_is_none_is_one_line(run_data: Run, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text("hello")
    done = run_data("convert", "a.mat")
    assert done.code == 2
    assert done.err.startswith("bench: a.mat cannot be read as a .mat file: ")
    assert run_data("convert", "a.mat", "a.mat", "a.mat").err == (
        "bench: data convert takes one or two .mat files: 3 given\n"
    )


def test_the_cache_is_listed_and_cleaned(
    run_data: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    assert run_data("cache").out == f"the data cache {tmp_path / 'cache'} is empty\n"
    run_data("inspect", f"mnist-csv={table}")
    lines = run_data("cache").out.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines[:2]] == [
        "split  mnist-csv training",
        "split  mnist-csv test",
    ]
    assert lines[2].endswith(f" in {tmp_path / 'cache'}")
    content: dict[str, Any] = json.loads(run_data("cache", "--json").out)
    assert content["size_bytes"] == sum(entry["size_bytes"] for entry in content["entries"])
    assert run_data("cache", "--clean").out.endswith(f" freed in {tmp_path / 'cache'}\n")
    assert json.loads(run_data("cache", "--json").out)["entries"] == []
    cleaned = json.loads(run_data("cache", "--clean", "--json").out)
    assert (cleaned["freed_bytes"], cleaned["entries"]) == (0, [])


@pytest.mark.parametrize("verb", ["inspect", "fetch", "convert", "cache"])
def test_every_verb_has_help_with_an_example(run_data: Run, verb: str) -> None:
    done = run_data(verb, "--help")
    assert done.code == 0
    assert f"bench data {verb}" in done.out


def test_inspect_in_csv_is_the_classes(run_bench: Callable[..., Any]) -> None:
    lines = run_bench("data", "inspect", "digits-uci", "--csv").out.splitlines()
    assert lines[0] == "class,training,test"
    assert len(lines) == 11


def test_inspect_wraps_at_blanks_to_the_screen(run_bench: Callable[..., Any]) -> None:
    lines = run_bench("data", "inspect", "digits-uci", columns=80).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert (
        "  source       UCI Optical Recognition of Handwritten Digits (Alpaydin, Kaynak," in lines
    )


@pytest.mark.parametrize(
    ("owner", "option", "value"),
    [
        pytest.param("mine", "labels", "none", id="labels"),
        pytest.param("mine", "levels", "writer/class", id="levels"),
        pytest.param("mine", "classes", "1=eins,7=sieben", id="classes"),
        pytest.param("mine", "table", "truth.csv:digit", id="table"),
        pytest.param("image-folder", "labels", "none", id="of-every-folder"),
    ],
)
def test_bench_toml_says_how_a_named_folder_is_read(
    run_data: Run, own_folder: Path, tmp_path: Path, owner: str, option: str, value: str
) -> None:
    folder = tmp_path / "classes"
    one, seven = ("eins", "sieben") if option == "classes" else ("1", "7")
    for label, writer in ((one, "a"), (seven, "a"), (one, "b"), (seven, "b")):
        place = folder / writer / label if option == "levels" else folder / label
        place.mkdir(parents=True, exist_ok=True)
        source = sorted((own_folder / "person-a").glob("*.*"))[0]
        shutil.copy(source, place / f"{writer}-x.{source.suffix[1:]}")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*-x.*"))
    if option == "table":
        rows = "".join(f"{name},3,{i}\n" for i, name in enumerate(names))
        (folder / "truth.csv").write_text(f"file,digit,other\n{rows}")
    (tmp_path / "bench.toml").write_text(
        f'[folders]\nmine = "classes"\n\n[options.{owner}]\n{option} = "{value}"\n'
    )
    done = run_data("inspect", "mine", "--json")
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["options"][option] == value
    counts = content["test"]["class_counts"]
    if option == "labels":
        assert counts is None
    elif option == "levels":
        assert (content["test"]["n_groups"], counts["1"], counts["7"]) == (2, 2, 2)
    elif option == "classes":
        assert (counts["1"], counts["7"]) == (2, 2)
    else:
        assert counts["3"] == 4


def test_the_photos_of_a_folder_are_drawn_beside_what_the_models_see(
    run_bench: Run, tmp_path: Path
) -> None:
    folder = Path(__file__).parents[2] / "datasets/bench_datasets/samples/ids"
    done = run_bench("data", "inspect", folder, "--show", "--images", "2")
    plain = run_bench("data", "inspect", folder, "--images", "2")
    assert done.code == 0
    assert "person-a/1.png" in done.out
    assert len(done.out.splitlines()) > len(plain.out.splitlines()) + 5
