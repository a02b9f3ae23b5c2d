"""What is in the wheel, built from the sdist as a registry would."""

import email
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("bench", "bench_datasets", "bench_plugins")


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


def test_wheel_holds_only_our_three_packages(wheel: Path) -> None:
    assert {PurePosixPath(name).parts[0] for name in files_of(wheel)} == set(PACKAGES)


def test_wheel_has_every_tracked_file_of_the_packages(wheel: Path) -> None:
    wanted = {
        name.removeprefix("plugins/").removeprefix("datasets/")
        for name in tracked("bench", "plugins/bench_plugins", "datasets/bench_datasets")
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
        "bench": "bench.cli:main",
        "digitbench": "bench.cli:main",
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
