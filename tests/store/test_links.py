import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import StoreError
from bench.store.inside import make_folder, names_in, open_file, read_file
from bench.store.layout import Store
from bench.store.read import read_trial

Run = Callable[..., Any]
PLACES = ["trials", "evaluations", "splits", "superseded", ".work", ".locks", ".index"]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder outside of any store."""
    folder = tmp_path / "victim"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "kept.txt").write_text("CANARY")
    (folder / "record.json").write_text('{"schema_version": 1, "note": "CANARY"}')
    return folder


def listed(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def copy_of(sample: Path, place: Path) -> Store:
    import shutil

    shutil.copytree(sample, place)
    return Store(place)


COMMANDS = [
    ("show",),
    ("show", "report", "alpha", "home"),
    ("show", "errors", "home"),
    ("show", "people"),
    ("results", "verify"),
    ("results", "clean", "--yes"),
    ("results", "clean", "--yes", "-m", "*"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_place_of_a_store_that_is_a_link_is_followed(
    tmp_path: Path,
    victim: Path,
    sample_store: Path,
    run_bench: Run,
    place: str,
    command: tuple[str, ...],
) -> None:
    store = copy_of(sample_store, tmp_path / "store")
    before = listed(victim)
    if (store.root / place).exists():
        (store.root / place).rename(tmp_path / "moved")
    (store.root / place).symlink_to(victim)

    ended = run_bench(*command, "--store", store.root)

    assert listed(victim) == before
    assert "CANARY" not in ended.out + ended.err
    assert "Traceback" not in ended.err
    if ended.code == 2 and "link" in ended.err:
        assert f"{place}: is a link" in ended.err


@pytest.mark.parametrize("place", ["trials", "evaluations", "superseded", ".work"])
def test_a_linked_place_is_refused_by_name(
    tmp_path: Path, victim: Path, run_bench: Run, place: str
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / place).symlink_to(victim)
    ended = run_bench("results", "clean", "--yes", "--store", tmp_path / "store")
    assert (ended.code, ended.out) == (2, "")
    assert f"{place}: is a link, and none is followed in a store" in ended.err


def test_a_linked_trial_costs_that_trial_and_is_named(
    tmp_path: Path, victim: Path, sample_store: Path, run_bench: Run
) -> None:
    store = copy_of(sample_store, tmp_path / "store")
    trial = next(path for path in store.trials.iterdir() if "--" not in path.name)
    trial.rename(tmp_path / "elsewhere")
    trial.symlink_to(tmp_path / "elsewhere")

    verified = run_bench("results", "verify", "--store", store.root, columns=300)
    assert verified.code == 1
    assert f"trials/{trial.name}: {trial.name} is a link" in verified.out
    assert run_bench("show", "leaderboard", "--store", store.root).code == 0


@pytest.mark.parametrize("target", ["victim/sub/kept.txt", "/dev/zero", "log.txt", "nowhere"])
def test_a_linked_log_is_refused_by_name_and_what_it_points_to_is_not_read(
    tmp_path: Path, victim: Path, sample_store: Path, run_bench: Run, target: str
) -> None:
    store = copy_of(sample_store, tmp_path / "store")
    trial = next(path for path in store.trials.iterdir() if "--" not in path.name)
    (trial / "log.txt").unlink()
    (trial / "log.txt").symlink_to(target if "log" in target else tmp_path / target)
    at = ("--store", store.root)

    shown = run_bench("show", "trial", trial.name, *at, columns=300)
    page = run_bench("report", "--html", "page.html", *at)
    exported = run_bench("results", "export", "results.zip", *at, columns=300)

    for ended in (shown, exported):
        said = f"{trial.name}/log.txt: is a link, and none is followed in a store"
        assert said in ended.out + ended.err
        assert "CANARY" not in ended.out + ended.err
    assert (shown.code, page.code) == (0, 0)
    assert "CANARY" not in (tmp_path / "page.html").read_text()
    assert not (tmp_path / "results.zip").exists()


def test_cleaning_removes_a_link_and_leaves_what_it_points_to(
    tmp_path: Path, victim: Path, run_bench: Run
) -> None:
    store = Store(tmp_path / "store")
    store.superseded.mkdir(parents=True)
    (store.superseded / "old").symlink_to(victim)
    before = listed(victim)

    ended = run_bench("results", "clean", "--yes", "--store", store.root)

    assert "superseded old (a link: what it points to stays)" in ended.out
    assert not os.path.lexists(store.superseded / "old")
    assert listed(victim) == before


@pytest.mark.parametrize(
    ("make", "word"),
    [
        pytest.param(lambda path: os.mkfifo(path), "is a pipe", id="pipe"),
        pytest.param(lambda path: path.mkdir(), "is a folder", id="folder"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "is a link", id="device by a link"),
        pytest.param(lambda path: path.symlink_to(path), "is a link", id="loop"),
        pytest.param(lambda path: path.symlink_to("/nowhere"), "is a link", id="dangling"),
    ],
)
def test_what_is_no_file_is_refused_by_name_without_waiting(
    tmp_path: Path, make: Callable[[Path], None], word: str
) -> None:
    make(tmp_path / "record.json")
    with pytest.raises(StoreError, match=word):
        read_trial(tmp_path)


def test_a_file_larger_than_any_record_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(StoreError, match="is larger than 32 MiB"):
        read_trial(tmp_path)


def test_a_file_in_a_linked_folder_is_refused(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link").symlink_to(victim)
    with pytest.raises(StoreError, match="link: is a link"):
        open_file(tmp_path / "link" / "record.json")
    with pytest.raises(StoreError, match="link: is a link"):
        names_in(tmp_path / "link")


def test_droppings_of_file_managers_are_no_results(
    tmp_path: Path, sample_store: Path, run_bench: Run
) -> None:
    store = copy_of(sample_store, tmp_path / "store")
    before = run_bench("results", "verify", "--store", store.root)
    trial = next(path for path in store.trials.iterdir() if "--" not in path.name)
    for folder in (store.trials, store.evaluations, store.splits, trial, store.work):
        make_folder(folder)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._record.json", ".nfs0001"):
            (folder / name).write_text("")
        (folder / "@eaDir").mkdir()
    assert run_bench("results", "verify", "--store", store.root) == before
    shown = run_bench("show", "leaderboard", "--store", store.root, "--json")
    assert "damaged" not in shown.out + shown.err


@pytest.mark.parametrize("mode", [0o2775, 0o775, 0o700, 0o755])
def test_what_is_made_has_the_mode_of_the_stores_folder(
    tmp_path: Path, mode: int, sample_store: Path
) -> None:
    store = Store(tmp_path / "store")
    store.root.mkdir()
    store.root.chmod(mode)
    before = os.umask(0o077)
    try:
        folder = store.new_work_folder()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    assert stat.S_IMODE(store.work.stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give away")
def test_what_is_made_has_the_group_of_the_stores_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.root.mkdir()
    os.chown(store.root, -1, 54400)
    store.root.chmod(0o775)
    folder = store.new_work_folder()
    (folder / "file").write_text("")
    assert {path.stat().st_gid for path in (store.work, folder, folder / "file")} == {54400}


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"all of it")
    assert read_file(tmp_path / "file") == b"all of it"
