"""What is in the wheel, built from the sdist as a registry would."""

import ast
import email
import os
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import msgspec
import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("bench", "bench_datasets", "bench_plugins", "digitbench")


def build(target: str, source: Path, destination: Path) -> Path:
    """Build a distribution of `source` and return its file."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(destination)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (built,) = destination.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("build")
    sdist = build("sdist", REPOSITORY, place)
    (place / "source").mkdir()
    # By tar: Python's own unpacking needs `filter`, which Debian's 3.11.2 does not know yet.
    subprocess.run(["tar", "-xzf", str(sdist), "-C", str(place / "source")], check=True)
    (source,) = (place / "source").iterdir()
    return build("wheel", source, place)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder that stands for ``site-packages``."""
    place = tmp_path_factory.mktemp("site-packages")
    with ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def files_of(wheel: Path) -> set[str]:
    """Return every file in the wheel except its metadata."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def tracked(*folders: str) -> set[str]:
    """Return the files git knows under `folders`."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *folders],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return set(listed.stdout.splitlines())


def test_wheel_holds_only_our_four_packages(wheel: Path) -> None:
    assert {PurePosixPath(name).parts[0] for name in files_of(wheel)} == set(PACKAGES)


def test_wheel_has_every_tracked_file_of_the_packages(wheel: Path) -> None:
    wanted = {
        name.removeprefix("plugins/").removeprefix("datasets/")
        for name in tracked(
            "bench", "digitbench", "plugins/bench_plugins", "datasets/bench_datasets"
        )
        if (REPOSITORY / name).exists()
    }

    assert wanted - files_of(wheel) == set()


def test_each_package_is_marked_as_typed(wheel: Path) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= files_of(wheel)


def test_commands_are_bench_and_its_alias(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        points = ConfigParser()
        points.read_string(archive.read(name).decode())

    assert dict(points["console_scripts"]) == {
        "bench": "digitbench:main",
        "digitbench": "digitbench:main",
    }


def test_wheel_says_which_pythons_it_is_for_and_carries_its_licence(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
        licences = [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]

    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert metadata["License-Expression"] == "MIT"
    assert len(licences) == 1


@pytest.mark.parametrize("folder", ["plugins", "datasets", "tests"], ids=lambda name: str(name))
def test_folders_of_the_repository_are_not_packages(folder: str) -> None:
    assert not (REPOSITORY / folder / "__init__.py").exists()


def run_installed(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the wheel's content, ahead of the editable install, from `cwd`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env={**env, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_lists_its_models_and_datasets_from_an_unrelated_folder(
    installed: Path, tmp_path: Path
) -> None:
    where = run_installed(installed, tmp_path, "-c", "import bench; print(bench.__file__)")
    done = run_installed(installed, tmp_path, "-m", "bench", "list")

    assert where.stdout.strip() == str(installed / "bench/__init__.py")
    assert done.returncode == 0, done.stderr
    assert {"random-forest", "cnn-mnist-compact", "digits-uci", "sample-ids"} <= set(
        done.stdout.split()
    )


def test_another_package_named_datasets_stays_what_it_is(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/__init__.py").write_text("owner = 'somebody else'\n")
    code = f"import sys; sys.path.insert(1, {str(tmp_path)!r}); import datasets, bench_datasets"
    done = run_installed(installed, tmp_path, "-c", f"{code}; print(datasets.owner)")

    assert done.stdout == "somebody else\n"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel installed by pip; what it needs is this Python's."""
    place = tmp_path_factory.mktemp("an environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin/python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "-q"]
    subprocess.run([*command, "--disable-pip-version-check", str(wheel)], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    needed = Path(msgspec.__file__).parents[1]
    (packages / "needed.pth").write_text(f"{needed}\n")
    return place


def in_environment(
    environment: Path, cwd: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in `cwd`."""
    left = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    left["BENCH_CACHE_DIR"] = str(cwd / "cache")
    left.pop("PYTHONPATH", None)
    return subprocess.run(
        [str(environment / "bin" / arguments[0]), *arguments[1:]],
        cwd=cwd,
        env=left,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_an_installed_wheel_trains_and_shows_a_board(environment: Path, tmp_path: Path) -> None:
    asked = ("run", "-m", "baseline-majority", "-d", "digits-uci", "-d", "sample-ids")
    done = in_environment(environment, tmp_path, "digitbench", *asked)
    where = in_environment(
        environment, tmp_path, "python", "-c", "import bench; print(bench.__file__)"
    )

    assert where.stdout.startswith(str(environment))
    assert done.returncode == 0, done.stderr
    assert "baseline-majority" in done.stdout
    assert (tmp_path / "results/local/trials").is_dir()


NOTEBOOK = """
import asyncio, io, sys

class Cell(io.TextIOBase):
    "A notebook's output: text, and no file behind it."
    def write(self, text):
        return len(text)
    def fileno(self):
        raise io.UnsupportedOperation("fileno")

async def cell():
    import bench
    bench.run(models=["baseline-majority"], datasets=["digits-uci"], store="results")
    return bench.load_results("results")

shown, sys.stdout, sys.stderr = sys.stdout, Cell(), Cell()
table = asyncio.run(cell())
shown.write(f"{set(table['model'])} {set(table['state'])}")
"""


def test_an_installed_wheel_runs_in_a_notebook(environment: Path, tmp_path: Path) -> None:
    done = in_environment(environment, tmp_path, "python", "-c", NOTEBOOK)

    assert done.stdout == "{'baseline-majority'} {'ok'}", done.stderr


def imports_without_condition(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports however the system is called."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_no_module_needs_what_windows_lacks(installed: Path) -> None:
    lacking = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty", "uvloop"}
    found = [
        f"{path.relative_to(installed)}: {name}"
        for path in sorted(installed.rglob("*.py"))
        for name in imports_without_condition(ast.parse(path.read_text(encoding="utf-8")))
        if name in lacking
    ]
    assert not found
