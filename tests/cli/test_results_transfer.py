"""Stores that travel: merge, export, import, and what comes in from strangers."""

import json
import os
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.board.leaderboard import leaderboards
from bench.board.verify import verify_store
from bench.cli import main
from bench.errors import StoreError
from bench.store.archive import export_store, opened
from bench.store.layout import Store
from bench.store.merge import merge_store
from bench.store.read import read_evaluation, read_predictions, read_split, read_trial
from bench.store.write import split_bytes, split_hash, write_record


@pytest.fixture
def say(run_bench: Callable[..., Any]) -> Callable[..., Any]:
    return partial(run_bench, columns=160)


def made(folder: Path, *seeds: int) -> Path:
    trained = ("-m", "debug-good", "-m", "debug-raise", "--plugin", "bench.testing.debug")
    with pytest.raises(SystemExit):
        main(
            [
                *("run", *trained, "-d", "digits-uci", "--seeds", ",".join(map(str, seeds))),
                *("--no-isolation", "--reports", "none", "--store", str(folder)),
            ]
        )
    return folder


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two stores: seeds 1 and 2, and seeds 2 and 3; of seed 2 they have trainings of their own."""
    folder = tmp_path_factory.mktemp("made")
    return made(folder / "one", 1, 2), made(folder / "two", 2, 3)


@pytest.fixture
def one(stores: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(stores[0], tmp_path / "one"))


@pytest.fixture
def two(stores: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(stores[1], tmp_path / "two"))


def content(store: Path) -> dict[str, bytes]:
    """Every file that is a result."""
    kept = ("trials", "evaluations", "splits")
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for part in kept
        for path in (store / part).rglob("*")
        if path.is_file()
    }


def rows_of(store: Path) -> list[Any]:
    boards = leaderboards(Store(store))
    return [(board.test_dataset, row.model, row.accuracy) for board in boards for row in board.rows]


def seeds(store: Path) -> list[int]:
    records = [read_trial(path) for path in (store / "trials").iterdir() if "--" not in path.name]
    return sorted(record.seed for record in records)


def test_a_merge_copies_what_is_missing_and_lists_what_differs(
    say: Callable[..., Any], one: Path, two: Path
) -> None:
    before = content(one)
    said = say("results", "merge", two, "--store", one)
    assert (said.code, said.err) == (1, "")
    first, *_, last = said.out.splitlines()
    assert first.startswith("  conflict  debug-good on digits-uci, seed 2: trained 20")
    assert last.startswith("Conflicts were left as they are here: --keep newest")
    assert seeds(one) == [1, 2, 3]
    assert before.items() <= content(one).items()
    assert verify_store(Store(one)).problems == ()


def test_a_merge_again_changes_nothing(say: Callable[..., Any], one: Path, two: Path) -> None:
    for keep in ("neither", "newest", "both"):
        say("results", "merge", two, "--store", one, "--keep", keep)
        before = content(one)
        said = say("results", "merge", two, "--store", one, "--keep", keep, "--json")
        (facts,) = json.loads(said.out)["merged"]
        assert (facts["trials"], facts["evaluations"], facts["replaced"]) == (0, 0, 0)
        assert content(one) == before


def test_the_newest_of_two_trainings_is_kept_whichever_way_round(one: Path, two: Path) -> None:
    later = read_trial(next(path for path in (two / "trials").iterdir() if "--" not in path.name))
    assert merge_store(Store(one), Store(two), "newest").replaced == 1
    assert merge_store(Store(two), Store(one), "newest").replaced == 0
    trials = [{read_trial(path).attempt for path in (s / "trials").iterdir()} for s in (one, two)]
    assert trials[0] == trials[1]
    assert later.attempt in trials[0]
    assert len(list((one / "superseded").iterdir())) == 1
    assert [verify_store(Store(each)).problems for each in (one, two)] == [(), ()]


def test_both_trainings_are_kept_and_the_board_says_that_one_is_not_shown(
    one: Path, two: Path
) -> None:
    assert merge_store(Store(one), Store(two), "both").conflicts == []
    assert seeds(one) == [1, 2, 2, 3]
    assert verify_store(Store(one)).problems == ()
    (board,) = [each for each in leaderboards(Store(one)) if each.test_dataset == "digits-uci"]
    (row,) = [row for row in board.rows if row.model == "debug-good"]
    assert row.seeds == 3
    assert any("other trainings of the same trials" in note for note in board.notes)


def test_what_is_damaged_is_left_out_and_named(
    say: Callable[..., Any], one: Path, two: Path
) -> None:
    trial = next(p for p in (two / "trials").iterdir() if "--" not in p.name)
    (trial / "log.txt").write_text("changed")
    evaluation = next((two / "evaluations").glob(f"{trial.name}--*"))
    said = say("results", "merge", two, "--store", one, "--keep", "newest", "--json")
    (facts,) = json.loads(said.out)["merged"]
    assert (said.code, facts["damaged"]) == (
        1,
        {f"trials/{trial.name}": "log.txt was changed"},
    )
    assert read_evaluation(evaluation).trial_id == trial.name
    assert verify_store(Store(one)).problems == ()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder link"])
def test_a_link_or_a_pipe_in_a_store_is_not_followed(
    one: Path, two: Path, kind: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("CANARY")
    trial = next(p for p in (two / "trials").iterdir() if "--" not in p.name)
    if kind == "pipe":
        os.mkfifo(trial / "extra")
    elif kind == "link":
        (trial / "extra").symlink_to(secret)
    else:
        (trial / "extra").symlink_to(tmp_path)
    merged = merge_store(Store(one), Store(two), "newest")
    assert list(merged.damaged) == [f"trials/{trial.name}"]
    assert b"CANARY" not in b"".join(content(one).values())


def test_a_store_is_not_merged_into_itself_nor_one_that_is_none(
    say: Callable[..., Any], one: Path, tmp_path: Path
) -> None:
    assert say("results", "merge", one, "--store", one).code == 2
    assert say("results", "merge", tmp_path / "none", "--store", one).code == 2
    (tmp_path / "empty").mkdir()
    said = say("results", "merge", tmp_path / "empty", "--store", one)
    assert (said.code, said.err) == (2, f"bench: store {tmp_path / 'empty'}: it holds no trials\n")


def test_an_export_comes_back_as_it_was_and_is_the_same_file_each_time(
    say: Callable[..., Any], one: Path, tmp_path: Path
) -> None:
    file, back = tmp_path / "one.zip", tmp_path / "back"
    assert say("results", "export", file, "--store", one).code == 0
    assert say("results", "import", file, "--store", back).code == 0
    assert content(back) == content(one)
    export_store(Store(one), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == file.read_bytes()
    assert list((back / ".work").iterdir()) == []
    said = say("results", "export", file, "--store", one)
    assert (said.code, "is there already" in said.err) == (2, True)


def test_an_export_without_models_verifies_and_shows_the_same_board(
    say: Callable[..., Any], one: Path, tmp_path: Path
) -> None:
    file, back = tmp_path / "one.zip", tmp_path / "back"
    say("results", "export", file, "--no-models", "--store", one)
    say("results", "import", file, "--store", back)
    assert not list(back.rglob("model"))
    assert list(one.rglob("model"))
    assert verify_store(Store(back)).problems == ()
    assert rows_of(back) == rows_of(one)


def test_an_anonymous_export_names_no_person_and_no_photo(
    say: Callable[..., Any], one: Path, tmp_path: Path
) -> None:
    store = Store(one)
    found = {each: read_evaluation(each) for each in sorted(store.evaluations.iterdir())}
    evaluation, record = next(each for each in found.items() if each[1].evaluation_only)
    names = tuple(f"anna/photo{i // 2}.jpg#{i % 2 + 1}" for i in range(record.n_test))
    half = record.n_test // 2
    groups = ("anna",) * half + ("bertil",) * (record.n_test - half)
    labels = np.asarray(read_predictions(evaluation).labels)
    key = split_hash(labels, names, groups, record.n_test)
    (one / "splits").mkdir(exist_ok=True)
    (one / "splits" / f"{key}.npz").write_bytes(split_bytes(names, groups))
    told = msgspec.structs.replace(
        record,
        split_hash=key,
        truths={"anna/photo0.jpg": "12"},
        notes=("bertil is not read",),
        record_sha256="",
    )
    write_record(evaluation, told)
    shutil.rmtree(one / ".index")  # of what the record said before
    assert verify_store(store).problems == ()

    file, back = tmp_path / "one.zip", Store(tmp_path / "back")
    said = say("results", "export", file, "--anonymous", "--store", one)
    assert "6 persons and 48 photos are numbered; logs are left out" in said.out
    say("results", "import", file, "--store", back.root)

    everything = b"".join(content(back.root).values())
    for path in back.splits.iterdir():
        split = read_split(back, path.stem)
        everything += "".join((*split.names, *(split.groups or ()))).encode()
    assert b"anna" not in everything
    assert b"bertil" not in everything
    again = read_evaluation(back.evaluations / evaluation.name)
    assert list(again.truths.values()) == ["12"]
    renamed = read_split(back, again.split_hash).names
    assert next(iter(again.truths)) in {name.partition("#")[0] for name in renamed}
    assert verify_store(back).problems == ()


def zipped(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "trials/../../evil.txt",
        "/tmp/evil.txt",
        "trials/abc/../../../evil.txt",
        "trials\\..\\evil.txt",
        "C:/evil.txt",
        "trials/abc",
        "elsewhere/abc/record.json",
        "splits/x.npz/y",
        "trials/a\nb/record.json",
    ],
    ids=repr,
)
def test_a_member_that_is_nothing_of_a_store_refuses_the_whole_file(
    say: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    file = zipped(tmp_path / "x.zip", ("trials/good/record.json", b"{}"), (name, b"evil"))
    said = say("results", "import", file, "--store", tmp_path / "store")
    assert (said.code, said.out) == (2, "")
    assert "nothing was imported" in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.parent.rglob("evil.txt"))
    assert content(tmp_path / "store") == {}


def test_a_link_in_an_export_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "x.zip", (link("trials/abc/log.txt"), b"/etc/passwd"))
    with pytest.raises(StoreError, match="is a link"), opened(file, tmp_path):
        pass


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("trials/abc/log.txt")
    info.compress_type = zipfile.ZIP_DEFLATED
    file = zipped(tmp_path / "x.zip", (info, bytes(300 << 20)))
    started = time.process_time()
    with pytest.raises(StoreError, match=r"would unpack to 0\.3 GiB"), opened(file, tmp_path):
        pass
    assert time.process_time() - started < 1


def test_a_member_of_100_gigabytes_is_refused_by_what_it_says_and_by_what_it_is(
    tmp_path: Path,
) -> None:
    file = zipped(tmp_path / "x.zip", ("trials/abc/log.txt", b"x" * 100))
    data = bytearray(file.read_bytes())
    place = data.index(b"PK\x01\x02") + 24  # the size in the directory
    data[place : place + 4] = (0xFFFFFFFE).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(StoreError, match="would "), opened(file, tmp_path):
        pass
    data[place : place + 4] = (10).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(StoreError), opened(file, tmp_path):
        pass


@pytest.mark.parametrize(
    "data", [b"", b"no zip", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)], ids=repr
)
def test_what_is_no_export_is_one_line(
    say: Callable[..., Any], tmp_path: Path, data: bytes
) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(data)
    said = say("results", "import", file, "--store", tmp_path / "store")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    os.mkfifo(tmp_path / "pipe")
    assert say("results", "import", tmp_path / "pipe", "--store", tmp_path / "store").code == 2


def test_a_file_with_a_wrong_hash_is_left_out(
    say: Callable[..., Any], one: Path, tmp_path: Path
) -> None:
    export_store(Store(one), tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    chosen = next(name for name, _ in members if name.endswith("predictions.npz"))
    changed = [(n, b"wrong" if n == chosen else data) for n, data in members]
    file = zipped(tmp_path / "changed.zip", *changed)
    said = say("results", "import", file, "--store", tmp_path / "back", "--json")
    (facts,) = json.loads(said.out)["merged"]
    assert (said.code, list(facts["damaged"])) == (1, [chosen.rpartition("/")[0]])
    assert verify_store(Store(tmp_path / "back")).problems == ()
