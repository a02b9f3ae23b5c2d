import os
from pathlib import Path

import pytest

from bench.config import Config, find_config, read_config
from bench.errors import BenchError


def written(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_file_upwards_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(deep) == path


def test_no_file_means_no_settings() -> None:
    assert read_config(None) == Config()


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read_config(
        written(
            tmp_path,
            'store = "s"\ndata_dir = "/data"\nplugins = ["mine.py", "package.module"]\n'
            "[options.cnn-x]\nepochs = 5\n[folders]\nme = 'ids'\n",
        )
    )
    assert config.store == tmp_path / "s"
    assert config.data_dir == Path("/data")
    assert config.plugins == (str(tmp_path / "mine.py"), "package.module")
    assert config.options == {"cnn-x": {"epochs": 5}}
    assert config.folders == {"me": tmp_path / "ids"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "stor = 1", "unknown key 'stor': did you mean store? the keys are store,", id="key"
        ),
        pytest.param("store = 1", "'store': must be a path in quotes", id="type"),
        pytest.param("plugins = 'x'", "'plugins': must be a list of texts", id="list"),
        pytest.param("[options]\na = 1", "'options': must be tables", id="table"),
        pytest.param("[options.a]\nb = []", "'options.a.b': must be a number", id="value"),
        pytest.param("folders = 3", "'folders': must be a table", id="folders"),
        pytest.param("store = ", "cannot be read: Invalid value", id="syntax"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BenchError) as error:
        read_config(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a = " + "[" * 100_000, "characters", id="one deep line"),
        pytest.param("a = " + "[\n" * 100_000, "nested too deep", id="deep lines"),
        pytest.param("a = " + "{a = " * 700, "nested too deep", id="deep tables"),
        pytest.param("a = " + "9" * 5000, "characters", id="a long number"),
        pytest.param("a = " + "_".join("9" * 3999), "characters", id="a long number with dashes"),
        pytest.param(".".join("a" * 50_000) + " = 1", "characters", id="a key of many parts"),
        pytest.param('store = "' + "s" * 5000 + '"', "characters", id="a long path"),
        pytest.param("#" * 300_000, "is larger than 256 KiB", id="a large file"),
        pytest.param('store = "a\\u0000b"', "control characters", id="no path"),
        pytest.param('store = "~nobody-at-all/x"', "home", id="nobody's home"),
        pytest.param("[prefer]\nknn = 3\n", "a table of NAME", id="prefer a number"),
    ],
)
def test_a_file_made_to_break_the_reader_is_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(BenchError, match=reason):
        read_config(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("kind", ["dangling", "loop", "device", "pipe"])
def test_what_is_no_file_is_refused_unopened_instead_of_passed_over(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "bench.toml"
    targets = {"dangling": "nowhere", "loop": "bench.toml", "device": "/dev/zero"}
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(targets[kind])

    with pytest.raises(BenchError, match=r"is no file|leads to no file"):
        read_config(find_config(tmp_path))


def test_prefer_names_a_plugin_by_name_or_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.toml"
    path.write_text('[prefer]\nknn = "mine.py"\nmlp = "other"\n')
    assert read_config(path).prefer == {"knn": str(tmp_path / "mine.py"), "mlp": "other"}
