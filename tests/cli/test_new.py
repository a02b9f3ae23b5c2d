"""``bench new``: what it writes works at once, and what it refuses."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest

from bench.cli import main
from bench.spec import API_VERSION

NO_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
STARTS = [
    pytest.param("model", [], id="model"),
    pytest.param("model", ["--sklearn"], id="sklearn"),
    pytest.param("model", ["--function"], id="function"),
    pytest.param("model", ["--keras"], id="keras", marks=pytest.mark.heavy),
    pytest.param("model", ["--torch"], id="torch", marks=[pytest.mark.heavy, NO_TORCH]),
    pytest.param("dataset", [], id="dataset"),
]


class Said(NamedTuple):
    code: int
    out: str
    err: str


def bench(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    captured = capsys.readouterr()
    return Said(int(ended.value.code or 0), captured.out, captured.err)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("kind", "flags"), STARTS)
def test_a_file_passes_the_check_at_once(
    kind: str,
    flags: list[str],
    capsys: pytest.CaptureFixture[str],
    check_apart: Callable[..., Any],
) -> None:
    assert bench(capsys, "new", kind, "my-own", *flags).code == 0
    checked = check_apart("my-own")
    assert checked.out.splitlines()[-1].endswith("0 skipped")
    assert (checked.code, " 0 failed" in checked.out) == (0, True)


def test_the_file_is_loaded_by_bench_toml_and_the_page_names_the_interface(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = bench(capsys, "new", "model", "my-knn")
    assert said.out == (
        "Written: my_knn.py, AUTHORING.md, bench.toml\n"
        "Next: bench check my_knn.py · bench run -m my-knn -d digits-uci\n"
    )
    assert tomllib.loads(Path("bench.toml").read_text()) == {"plugins": ["my_knn.py"]}
    page = Path("AUTHORING.md").read_text()
    assert f"plugin API {API_VERSION}" in page
    assert "@" not in page
    assert "my-knn" in bench(capsys, "list", "models").out


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="empty"),
        pytest.param('# mine\nstore = "s"  # kept\n\n[prefer]\nx = "y"\n', id="no-list"),
        pytest.param('plugins = ["a.py"] # why\nstore = "s"\n', id="one-line"),
        pytest.param('plugins = [\n    "a.py",  # why\n    "b.py"\n]\n', id="lines"),
        pytest.param('plugins = [\n    "a.py",\n]\n[options.mlp]\nepochs = 2\n', id="comma"),
        pytest.param("plugins = []\n", id="none"),
    ],
)
def test_bench_toml_keeps_all_that_it_says(before: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.py", "b.py"):
        Path(name).write_text("")
    Path("bench.toml").write_text(before)
    assert bench(capsys, "new", "model", "my-knn").code == 0
    after, said = Path("bench.toml").read_text(), tomllib.loads(before)
    named = [*said.get("plugins", []), "my_knn.py"]
    assert tomllib.loads(after) == said | {"plugins": named}
    assert all(line in after for line in before.splitlines() if line.startswith("#"))
    assert after.count("#") == before.count("#")


def test_nothing_is_overwritten_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my_knn.py").write_text("precious = 1\n")
    said = bench(capsys, "new", "model", "my-knn")
    assert (said.code, said.err) == (
        2,
        "bench: my_knn.py is there already; --force overwrites it\n",
    )
    assert Path("my_knn.py").read_text() == "precious = 1\n"
    assert not Path("bench.toml").exists()
    assert bench(capsys, "new", "model", "my-knn", "--force").code == 0
    assert "precious" not in Path("my_knn.py").read_text()


def test_a_link_is_replaced_and_never_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("kept")
    Path("my_knn.py").symlink_to(other)
    assert bench(capsys, "new", "model", "my-knn").code == 2
    assert bench(capsys, "new", "model", "my-knn", "--force").code == 0
    assert other.read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param("../x", "a name is small letters", id="path"),
        pytest.param("Mine", "a name is small letters", id="capitals"),
        pytest.param("x" * 61, "a name is small letters", id="long"),
        pytest.param("a--b", "a name is small letters", id="two-hyphens"),
        pytest.param("a\x1bb", "a name is small letters", id="escape"),
        pytest.param("class", "no module can be called class", id="keyword"),
        pytest.param("con", "no module can be called con", id="device"),
        pytest.param("numpy", "the module numpy of Python or a library has it", id="library"),
        pytest.param("sys", "the module sys of Python or a library has it", id="built-in"),
        pytest.param("svm-ovo", "it is registered by bench_plugins.svm_ovo", id="registered"),
    ],
)
def test_a_bad_name_is_one_line(name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = bench(capsys, "new", "model", name)
    assert said.code == 2
    assert line in said.err
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err
    assert list(Path.cwd().iterdir()) == []


def test_two_engines_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = bench(capsys, "new", "model", "mine", "--keras", "--torch")
    assert (said.code, said.err) == (
        2,
        "bench: --keras --torch: a model is made with one of them\n",
    )


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_package_is_built_found_and_keeps_the_contract(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(capsys, "new", kind, "my-own", "--package").code == 0
    package = tmp_path / "my-own"
    assert not Path("bench.toml").exists()
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=package, check=True, capture_output=True)
    (wheel,) = (package / "dist").glob("*.whl")
    installed = tmp_path / "installed"
    with ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    listed = subprocess.run(
        [sys.executable, "-m", "bench", "list", "plugins", "my-own", "--json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    (row,) = json.loads(listed.stdout)
    assert (row["origin"], row["state"], row[f"{kind}s"]) == ("my-own 0.1.0", "loaded", ["my-own"])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=package,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    assert "failed" not in tested.stdout
