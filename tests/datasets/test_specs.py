"""What every built-in dataset says of itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.loading.describe import summarise
from bench.loading.load import load_dataset
from bench.plugins.discovery import load_plugins
from bench.spec import DatasetSpec

NAMES = (
    "arrays",
    "digits-uci",
    "emnist",
    "fashion-mnist",
    "image-folder",
    "kmnist",
    "mnist",
    "mnist-c",
    "mnist-csv",
    "qmnist",
    "sample-ids",
    "svhn-h5",
    "synthetic-house-numbers",
    "usps",
)


def test_all_datasets_of_the_table_are_there() -> None:
    assert sorted(load_plugins().datasets) == sorted(NAMES)


def test_registering_them_imports_no_reader() -> None:
    code = (
        "import pkgutil, sys\n"
        "import bench_datasets\n"
        "from importlib import import_module\n"
        "for module in pkgutil.iter_modules(bench_datasets.__path__):\n"
        "    if not module.name.startswith('_'):\n"
        "        import_module(f'bench_datasets.{module.name}')\n"
        "readers = 'bench_datasets._ bench.images bench.loading'\n"
        "print(*sorted(n for n in sys.modules if n.startswith(tuple(readers.split()))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "bench.images",
        "bench.images.preprocess_options",
        "bench.images.sample_names",
        "bench_datasets._digits",
        "bench_datasets._ladder",
        "bench_datasets._ladder.options",
        "bench_datasets._mnist_label_errors",
        "bench_datasets._sample_rows",
    ]


@pytest.fixture(params=NAMES)
def spec(request: pytest.FixtureRequest, specs: dict[str, DatasetSpec]) -> DatasetSpec:
    """Each built-in dataset in turn."""
    return specs[request.param]


def test_it_says_where_it_is_from_under_which_terms_and_how_to_get_it(spec: DatasetSpec) -> None:
    for text in (spec.summary, spec.source, spec.licence, spec.how_to_get):
        assert text
        assert "\n" not in text


def test_it_is_either_shipped_or_looked_for_by_name(spec: DatasetSpec) -> None:
    if spec.name not in ("image-folder", "arrays"):
        assert bool(spec.embedded) != bool(spec.files)
    assert "bench" in spec.how_to_get or spec.embedded or spec.files


def test_a_download_has_a_checksum(spec: DatasetSpec) -> None:
    for url, checksum in spec.fetch.items():
        assert url.startswith("https://")
        assert re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", checksum)


def test_the_files_it_fetches_are_where_it_looks(spec: DatasetSpec, tmp_path: Path) -> None:
    from bench.loading.files import find_files

    files = [tmp_path / spec.name / url.rsplit("/", 1)[-1] for url in spec.fetch]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    if files:
        assert sorted(find_files(spec, [tmp_path]) or ()) == sorted(files)


def test_no_dataset_takes_what_another_fetches(
    specs: dict[str, DatasetSpec], tmp_path: Path
) -> None:
    from bench.loading.files import find_files

    for url in specs["fashion-mnist"].fetch:
        file = tmp_path / "fashion-mnist" / url.rsplit("/", 1)[-1]
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert find_files(specs["mnist"], [tmp_path]) is None


@pytest.mark.parametrize("name", ["digits-uci", "synthetic-house-numbers", "sample-ids"])
def test_embedded_data_needs_no_file_and_is_summarised(
    name: str, specs: dict[str, DatasetSpec]
) -> None:
    summary = summarise(specs[name], load_dataset(specs[name], search=()))
    assert summary.files == ()
    assert summary.embedded
    assert summary.classes == tuple("0123456789")
    for split in (summary.train, summary.test):
        if split is not None:
            assert split.class_counts is not None
            assert sum(split.class_counts.values()) == split.n
            assert split.value_min >= 0
            assert split.value_min < split.value_mean < split.value_max
