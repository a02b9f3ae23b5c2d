"""Loading a dataset: cold, warm, changed, missing, broken, interrupted."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.errors import BenchError, DataError, DataMissingError, OptionError
from bench.loading.cache import open_split
from bench.loading.cache_contents import cache_entries
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.spec import Dataset, DatasetSpec, Finding, ImageSet, LoadContext, Style

MakeSplit = Callable[..., ImageSet]


def _load(spec: DatasetSpec, rows: Path, tmp_path: Path, **settings: object) -> LoadedDataset:
    return load_dataset(
        spec,
        settings=settings,  # type: ignore[arg-type]  # option values
        search=[rows.parent],
        cache_dir=tmp_path / "cache",
    )


def _overwrite(path: Path, table: np.ndarray, *, keep_facts: bool) -> None:
    """Change a file's content in place; perhaps with its old modification time."""
    status = path.stat()
    with path.open("r+b") as file:
        np.save(file, table)
    stamp = status.st_mtime_ns if keep_facts else status.st_mtime_ns + 1_000_000
    os.utime(path, ns=(stamp, stamp))


def test_a_dataset_is_loaded_with_all_that_is_known_of_it(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    loaded = _load(spec, rows, tmp_path, share="0.25")
    table = np.load(rows)
    assert (loaded.name, loaded.classes, loaded.notes) == (
        "rows", tuple("0123456789"), ("from rows",)
    )  # fmt: skip
    assert loaded.options == {"test_file": "", "share": 0.25}
    assert loaded.paths == (str(rows),)
    assert (loaded.style, loaded.embedded) == (Style.HANDWRITTEN, "")
    assert loaded.train is not None
    assert loaded.test is not None
    assert np.array_equal(open_split(loaded.train).pixels.reshape(20, 4), table[:20, 1:])
    assert np.array_equal(open_split(loaded.test).pixels.reshape(20, 4), table[20:, 1:])


def test_a_warm_load_gives_the_same_without_reading_the_file(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    cold = _load(spec, rows, tmp_path)
    _overwrite(rows, np.zeros((40, 5), np.uint8), keep_facts=True)
    assert _load(spec, rows, tmp_path) == cold


def test_one_changed_training_pixel_changes_the_training_hash_alone(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    before = _load(spec, rows, tmp_path)
    table = np.load(rows)
    table[3, 2] ^= 1
    _overwrite(rows, table, keep_facts=False)
    after = _load(spec, rows, tmp_path)
    assert before.train is not None
    assert after.train is not None
    assert after.train.content_hash != before.train.content_hash
    assert after.test == before.test


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_read_again(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    before = _load(spec, rows, tmp_path)
    stamp = rows.stat().st_mtime_ns
    other = rows.with_name("other.npy")
    np.save(other, np.load(rows)[::-1].copy())
    os.utime(other, ns=(stamp, stamp))
    other.replace(rows)
    assert _load(spec, rows, tmp_path).train != before.train


def test_a_changed_option_is_read_again(spec: DatasetSpec, rows: Path, tmp_path: Path) -> None:
    _load(spec, rows, tmp_path)
    _overwrite(rows, np.load(rows)[::-1].copy(), keep_facts=True)
    changed = _load(spec, rows, tmp_path, share=0.4)
    assert changed.train is not None
    assert np.array_equal(open_split(changed.train).pixels.reshape(20, 4), np.load(rows)[:20, 1:])


def test_a_file_named_by_an_option_is_watched_too(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    beside = rows.with_name("extra.csv")
    beside.write_text("1")
    _load(spec, rows, tmp_path, test_file="extra.csv")
    beside.write_text("22")
    _load(spec, rows, tmp_path, test_file="extra.csv")
    assert len([e for e in cache_entries(tmp_path / "cache") if e.kind == "index"]) == 2


def test_a_changed_folder_is_read_again(make_split: MakeSplit, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "person").mkdir(parents=True)
    (folder / "person" / "1.txt").write_text("1")
    spec = DatasetSpec(name="own", summary="", load=_count_files, provides=("test",))
    first = load_dataset(spec, path=folder, cache_dir=tmp_path / "cache")
    assert first.notes[0] == "1 files"
    (folder / "person" / "2.txt").write_text("2")
    assert load_dataset(spec, path=folder, cache_dir=tmp_path / "cache").notes[0] == "2 files"


def _count_files(context: LoadContext) -> Dataset:
    count = sum(path.is_file() for path in context.paths[0].rglob("*"))
    test = ImageSet(pixels=np.zeros((1, 2, 2, 1), np.uint8), labels=np.zeros(1, np.int64))
    return Dataset(
        classes=("0",),
        test=test,
        notes=(f"{count} files",),
        findings=(Finding(sample="1", code="blank", fault="it is blank", remedy="write"),),
        truths={"person": "01"},
    )


def test_findings_and_truths_survive_a_warm_load(tmp_path: Path) -> None:
    spec = DatasetSpec(name="own", summary="", load=_count_files, provides=("test",))
    (tmp_path / "mine").mkdir()
    cold, warm = (
        load_dataset(spec, path=tmp_path / "mine", cache_dir=tmp_path / "cache") for _ in range(2)
    )
    assert warm == cold
    assert warm.truths == {"person": "01"}
    assert warm.findings[0].code == "blank"
    assert warm.is_evaluation_only


def test_a_loaded_dataset_crosses_a_process_border_as_json(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    loaded = _load(spec, rows, tmp_path)
    assert msgspec.json.decode(msgspec.json.encode(loaded), type=LoadedDataset) == loaded


def test_a_moved_cache_still_works(spec: DatasetSpec, rows: Path, tmp_path: Path) -> None:
    _load(spec, rows, tmp_path)
    (tmp_path / "cache").rename(tmp_path / "moved")
    loaded = load_dataset(spec, search=[rows.parent], cache_dir=tmp_path / "moved")
    assert loaded.train is not None
    assert Path(loaded.train.folder).is_relative_to(tmp_path / "moved")
    assert len(open_split(loaded.train)) == 20


def test_a_split_deleted_from_the_cache_is_made_again(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    before = _load(spec, rows, tmp_path)
    assert before.train is not None
    (Path(before.train.folder) / "pixels.npy").unlink()
    assert _load(spec, rows, tmp_path) == before
    assert len(open_split(before.train)) == 20


def test_a_torn_index_is_made_again(spec: DatasetSpec, rows: Path, tmp_path: Path) -> None:
    before = _load(spec, rows, tmp_path)
    (index,) = (tmp_path / "cache" / "index").iterdir()
    index.write_bytes(index.read_bytes()[:50])
    assert _load(spec, rows, tmp_path) == before


def test_an_index_that_a_killed_writer_left_is_swept_when_it_is_old(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    left = tmp_path / "cache" / "index" / ".new-old"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"{")
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    _load(spec, rows, tmp_path)
    assert not left.exists()


def test_a_function_with_hidden_state_is_asked_each_time(
    spec: DatasetSpec, rows: Path, make_split: MakeSplit, tmp_path: Path
) -> None:
    calls = []

    def load(context: LoadContext) -> Dataset:
        calls.append(1)
        return Dataset(classes=tuple("0123456789"), train=make_split(seed=len(calls)))

    first, second = (_load(replace(spec, load=load), rows, tmp_path) for _ in range(2))
    assert first.train != second.train
    partial = replace(spec, load=functools.partial(load))
    assert _load(partial, rows, tmp_path).train != second.train


def test_a_missing_file_says_what_to_put_where(spec: DatasetSpec, tmp_path: Path) -> None:
    with pytest.raises(DataMissingError) as caught:
        load_dataset(spec, search=[tmp_path / "here"], cache_dir=tmp_path / "cache")
    assert str(caught.value) == (
        "rows is not on this machine: no rows.npy or its other files in any data folder; "
        "make it yourself"
    )


def test_a_named_path_that_does_not_exist(spec: DatasetSpec, tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"^rows: .*absent\.npy does not exist$"):
        load_dataset(spec, path=tmp_path / "absent.npy", cache_dir=tmp_path / "cache")


def test_embedded_data_refuses_a_named_file_instead_of_ignoring_it(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    embedded = replace(spec, files=(), embedded="scans in the package")
    with pytest.raises(DataError) as caught:
        load_dataset(embedded, path=rows, cache_dir=tmp_path / "cache")
    assert str(caught.value) == (
        f"rows reads no file: it is scans in the package; leave {rows} out: -d rows"
    )


def test_data_without_usual_file_names_reads_the_path_that_was_named(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    loaded = load_dataset(replace(spec, files=()), path=rows, cache_dir=tmp_path / "cache")
    assert loaded.paths == (str(rows),)


def test_a_named_folder_is_searched_for_the_files(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    loaded = load_dataset(spec, path=rows.parent, cache_dir=tmp_path / "cache")
    assert loaded.paths == (str(rows),)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissingError, match=r"holds none of its files: they are rows\.npy or"):
        load_dataset(spec, path=tmp_path / "empty", cache_dir=tmp_path / "cache")


def test_a_named_file_needs_no_special_name(spec: DatasetSpec, rows: Path, tmp_path: Path) -> None:
    other = rows.rename(rows.with_name("anything.bin"))
    loaded = load_dataset(spec, path=other, cache_dir=tmp_path / "cache")
    assert loaded.paths == (str(other),)


def test_an_unknown_option_names_the_valid_ones(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="its options are: test_file, share"):
        _load(spec, rows, tmp_path, speed=1)


def _raise(context: LoadContext) -> Dataset:
    raise RuntimeError("first line\nsecond line")


def _return_nothing(context: LoadContext) -> Dataset:
    return None  # type: ignore[return-value]  # the mistake under test


def test_a_plugin_that_raises_becomes_one_line(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        _load(replace(spec, load=_raise), rows, tmp_path)
    assert str(caught.value) == (
        "rows: reading rows.npy failed: RuntimeError: first line second line"
    )


def test_a_plugin_that_returns_something_else(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="returned NoneType, not a bench Dataset"):
        _load(replace(spec, load=_return_nothing), rows, tmp_path)


def test_what_a_plugin_returns_is_checked_and_the_file_named(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    table = np.load(rows)
    table[:, 0] = 11
    np.save(rows, table)
    with pytest.raises(DataError, match=r"^rows\.npy, training split: label 11 of image 0"):
        _load(spec, rows, tmp_path)


def test_a_name_that_is_no_file_name_stays_inside_the_cache(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    evil = replace(spec, name="../../évil/[red]")
    _load(evil, rows, tmp_path)
    assert _load(evil, rows, tmp_path).name == "../../évil/[red]"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "data"]


def test_a_cache_that_cannot_be_made_is_one_line(
    spec: DatasetSpec, rows: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(BenchError, match=r"^cannot write the data cache in .*BENCH_CACHE_DIR$"):
        _load(spec, rows, tmp_path)


_LOADER = """
import sys
from pathlib import Path
import numpy as np
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.spec import Dataset, DatasetSpec, ImageSet

def load(context):
    table = np.load(context.paths[0])
    pixels = np.repeat(table[:, 1:], 300, axis=0).reshape(-1, 2, 2, 1)
    labels = np.repeat(table[:, 0].astype(np.int64), 300)
    return Dataset(classes=tuple("0123456789"), train=ImageSet(pixels=pixels, labels=labels))

spec = DatasetSpec(name="rows", summary="", load=load)
print("go", flush=True)
loaded = load_dataset(spec, path=Path(sys.argv[1]), cache_dir=Path(sys.argv[2]))
print(loaded.train.content_hash, int(open_split(loaded.train).pixels.sum()))
"""


def _start(script: Path, rows: Path, cache: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(script), str(rows), str(cache)], stdout=subprocess.PIPE, text=True
    )


def test_processes_that_load_at_once_get_the_same(rows: Path, tmp_path: Path) -> None:
    script = tmp_path / "loader.py"
    script.write_text(_LOADER)
    running = [_start(script, rows, tmp_path / "cache") for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert not list((tmp_path / "cache").rglob(".new-*"))


def test_a_load_killed_at_any_moment_leaves_a_cache_that_works(rows: Path, tmp_path: Path) -> None:
    script = tmp_path / "loader.py"
    script.write_text(_LOADER)
    for delay_ms in (0, 2, 4, 8, 16):
        process = _start(script, rows, tmp_path / "cache")
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(delay_ms / 1000)
        process.kill()
        process.communicate()
    after, fresh = (
        _start(script, rows, tmp_path / name).communicate(timeout=120)[0]
        for name in ("cache", "fresh")
    )
    assert after == fresh


def test_a_warm_load_imports_no_engine(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from bench.plugins.discovery import load_plugins\n"
        "from bench.loading.cache import open_split\nfrom bench.loading.load import load_dataset\n"
        "spec = load_plugins().datasets['synthetic-house-numbers']\n"
        "open_split(load_dataset(spec, cache_dir=Path(sys.argv[1])).train)\n"
        "heavy = 'tensorflow sklearn pandas h5py pyarrow scipy PIL matplotlib'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    cold, warm = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert "h5py" in cold
    assert warm == "[]\n"
