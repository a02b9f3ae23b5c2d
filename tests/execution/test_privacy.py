import getpass
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.execution.privacy import private_words, scrub, scrub_paths
from bench.store.layout import Store
from bench.store.locks import take_lock
from bench.store.record import State

Run = Callable[..., Any]


@pytest.fixture
def jane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with a home, a host and a secret of her own."""
    home = tmp_path / "homes" / "jane"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SERVICE_API_KEY", "hunter2-hunter2")
    monkeypatch.setattr(getpass, "getuser", lambda: "jane")
    monkeypatch.setattr(platform, "node", lambda: "janes-laptop")
    monkeypatch.chdir(home / "work")
    return home


def test_a_log_names_no_home_user_host_or_secret(jane: Path) -> None:
    printed = (
        f"{jane}/data.csv and {jane}/work/mine.py, "
        f"{{'USER': 'jane', 'HOST': 'janes-laptop', 'KEY': 'hunter2-hunter2'}} /media/jane/stick"
    )
    said = scrub(printed, private_words())
    assert said == (
        "~/data.csv and ./mine.py, "
        "{'USER': '<user>', 'HOST': '<host>', 'KEY': '<secret>'} /media/<user>/stick"
    )


def test_words_that_only_look_like_a_name_stay(jane: Path) -> None:
    text = "jane is a name, janet another; 'janet' and a/janes as well"
    assert scrub(text, private_words()) == text


def test_a_traceback_names_no_installation(jane: Path) -> None:
    frame = f'File "{sys.prefix}/lib/python3/site-packages/keras/x.py", line 3'
    assert scrub(frame, private_words()).startswith('File "<python>/lib')


def test_a_report_keeps_the_last_part_of_any_path(jane: Path) -> None:
    assert scrub_paths("in /data/Jane/mnist.npz, see /x", private_words()) == (
        "in …/mnist.npz, see /x"
    )
    assert scrub_paths("https://example.org/a/b and 3/4/5", private_words()) == (
        "https://example.org/a/b and 3/4/5"
    )


def test_the_log_of_a_failed_trial_holds_nothing_private(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-s3cr3t")
    plugin = tiny.plugin("import os; print(dict(os.environ)); 1 / 0")
    assert tiny.run(tiny.task("own", plugin=plugin)) == {"failed": 1}
    (log,) = tiny.store.trials.glob("*/log.txt")
    text = log.read_text()
    assert "ZeroDivisionError" in text
    assert "s3cr3t" not in text
    assert sys.prefix not in text
    assert str(Path.home()) not in text


def test_doctor_in_json_names_no_user_host_or_folder(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "jane")
    monkeypatch.setattr(platform, "node", lambda: "janes-laptop")
    store = Store(tmp_path / "store")
    lock = take_lock(store.locks / "abc.lock")
    shown = run_bench("doctor", "--store", store.root, columns=200)
    told = run_bench("doctor", "--store", store.root, "--json")

    assert "abc.lock" in shown.out
    assert "jane on janes-laptop (process" in shown.out
    values = [finding["value"] for finding in json.loads(told.out)["findings"]]
    assert any(value.startswith("(process") for value in values)
    for private in ("jane", str(tmp_path), str(Path.home()), sys.prefix, os.sep + "tmp" + os.sep):
        assert private not in told.out, private
    assert lock is not None


def test_a_link_among_the_locks_is_wrong(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".locks").symlink_to(tmp_path)
    ended = run_bench("doctor", "--store", tmp_path / "store", columns=200)
    assert ended.code == 1
    assert "is a link" in ended.out


def test_the_environment_in_a_record_names_no_folder_and_no_secret(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/jane")
    monkeypatch.setenv("KERAS_HOME", "/home/jane/keras")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/secret/project/dump")
    monkeypatch.setenv("TF_API_KEY", "abcdefgh")

    tiny.run(tiny.task())

    (record,) = tiny.records().values()
    said = record.environment
    assert said["KERAS_HOME"] == "~/keras"
    assert "project" not in said["XLA_FLAGS"]
    assert "TF_API_KEY" not in said


def test_a_temporary_folder_outside_the_store_is_removed(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    monkeypatch.setattr("tempfile.tempdir", None)
    deep = tmp_path / ("long" * 30)
    plugin = tiny.plugin(
        f"import tempfile; assert len(tempfile.mkdtemp()) < 100 + len({str(tmp_path)!r})"
    )
    tiny.store = Store(deep)

    counts = tiny.run(tiny.task("own", plugin=plugin))

    assert (counts, list((tmp_path / "t").iterdir())) == ({State.OK: 1}, [])
