"""Where data files are looked for."""

from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from bench.errors import DataError
from bench.loading.cache import cache_folder
from bench.loading.files import data_dirs, find_files
from bench.spec import DatasetSpec


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_searched_in_the_documented_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "environment"))
    found = data_dirs(tmp_path / "named", tmp_path / "toml")
    assert found[:3] == (tmp_path / "named", tmp_path / "environment", tmp_path / "toml")
    assert found[3].name == "digitbench"
    assert len(found) == 4


def test_the_users_data_folder_is_searched_when_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BENCH_DATA_DIR", raising=False)
    assert [folder.name for folder in data_dirs()] == ["digitbench"]


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCH_DATA_DIR", "~/digits")
    assert data_dirs()[0] == tmp_path / "digits"


def test_a_file_is_found_in_a_folder_before_its_subfolders(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    _touch(tmp_path / "a" / "rows.npy", tmp_path / "rows.npy")
    assert find_files(spec, [tmp_path]) == (tmp_path / "rows.npy",)


def test_direct_subfolders_are_searched_and_no_deeper_ones(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    _touch(tmp_path / "deep" / "deeper" / "rows.npy")
    assert find_files(spec, [tmp_path]) is None
    _touch(tmp_path / "deep" / "rows.npy")
    assert find_files(spec, [tmp_path]) == (tmp_path / "deep" / "rows.npy",)


def test_hidden_subfolders_are_not_searched(spec: DatasetSpec, tmp_path: Path) -> None:
    _touch(tmp_path / ".trash" / "rows.npy")
    assert find_files(spec, [tmp_path]) is None


def test_an_alternative_counts_only_when_complete_in_one_folder(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    _touch(tmp_path / "one" / "a.npy", tmp_path / "two" / "b.npy")
    assert find_files(spec, [tmp_path]) is None
    _touch(tmp_path / "two" / "a.npy")
    assert find_files(spec, [tmp_path]) == (tmp_path / "two" / "a.npy", tmp_path / "two" / "b.npy")


def test_an_earlier_folder_wins_over_an_earlier_alternative(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _touch(first / "a.npy", first / "b.npy", second / "rows.npy")
    assert find_files(spec, [first, second]) == (first / "a.npy", first / "b.npy")


def test_a_folder_of_that_name_is_no_file(spec: DatasetSpec, tmp_path: Path) -> None:
    (tmp_path / "rows.npy").mkdir()
    assert find_files(spec, [tmp_path]) is None


def test_absent_folders_and_embedded_data_find_nothing(spec: DatasetSpec, tmp_path: Path) -> None:
    assert find_files(spec, [tmp_path / "absent"]) is None
    assert find_files(replace(spec, files=()), [tmp_path]) is None


def test_a_user_without_a_home_has_no_folder_of_data_and_is_told_where_to_put_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_home(*arguments: object, **options: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(platformdirs, "user_data_path", no_home)
    monkeypatch.setattr(platformdirs, "user_cache_path", no_home)
    monkeypatch.delenv("BENCH_CACHE_DIR", raising=False)
    assert data_dirs(tmp_path) == (tmp_path,)
    with pytest.raises(DataError, match="name one in BENCH_CACHE_DIR"):
        cache_folder()
