"""Commands in odd surroundings, as real processes: they work, or say in one line what is wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = (sys.executable, "-m", "bench")
RUN = ("run", "-m", "baseline-majority", "-d", "digits-uci", "--seeds", "1", "--store")
NOISE = re.compile(r"Traceback|Exception ignored|Bad file descriptor|lost sys")


def in_shell(how: str, *arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run a command in a shell line, ``"$@"`` being the command; its code and all it wrote."""
    environment = {**os.environ, "BENCH_PROG": "bench", **variables}
    done = subprocess.run(
        ["bash", "-c", how, "bash", *BENCH, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("how", ['"$@" >&-', '"$@" 2>&-', '"$@" >&- 2>&-', '"$@" <&- >&- 2>&-'])
@pytest.mark.parametrize("arguments", [("list", "models"), ("--help",), ("--version",)])
def test_a_closed_stream_is_no_error(tmp_path: Path, how: str, arguments: tuple[str, ...]) -> None:
    code, text = in_shell(how, *arguments, folder=tmp_path)

    assert (code, NOISE.search(text)) == (0, None), text


@pytest.mark.parametrize("how", ['"$@" >&-', '"$@" <&- >&- 2>&-'])
def test_a_run_without_an_output_stores_its_trial(tmp_path: Path, how: str) -> None:
    code, text = in_shell(how, *RUN, "st", folder=tmp_path)

    (record,) = (tmp_path / "st" / "trials").glob("*/record.json")
    assert (code, NOISE.search(text)) == (0, None), text
    assert json.loads(record.read_text())["state"] == "ok"


def test_a_mistake_is_an_error_where_nobody_can_read_it(tmp_path: Path) -> None:
    assert in_shell('"$@" >&- 2>&-', "list", "nonsense", folder=tmp_path) == (2, "")


@pytest.mark.parametrize("arguments", [("list", "models"), ("doctor",), (*RUN, "st")])
def test_a_deleted_folder_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "gone").mkdir()
    how = f'cd gone; rmdir "{tmp_path}/gone"; "$@"'

    code, text = in_shell(how, *arguments, folder=tmp_path)

    line = "bench: the current folder was deleted: change to one that is there\n"
    assert (code, text) == (2, line)


@pytest.mark.parametrize(
    "arguments",
    [("data", "inspect", "~no-such-user/x"), ("show", "leaderboard", "--store", "~no-such-user/s")],
)
def test_a_home_that_is_not_there_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, text = in_shell('"$@"', *arguments, folder=tmp_path)

    assert (code, text.count("\n")) == (2, 1), text
    assert text.startswith("bench: a path begins with ~, and that user has no home here")


def test_without_a_home_a_run_needs_a_cache_that_is_named(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    code, text = in_shell(
        'unset HOME XDG_CACHE_HOME XDG_DATA_HOME; "$@"',
        *(*RUN, "st"),
        folder=tmp_path,
        BENCH_CACHE_DIR=cache,
    )

    assert (code, NOISE.search(text)) == (0, None), text


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root may become a user without a name",
)
def test_a_user_without_a_name_has_no_folder_for_the_cache(tmp_path: Path) -> None:
    code, text = in_shell(
        # Root's right to read what others may not: the tests may lie in a closed folder.
        "unset HOME BENCH_CACHE_DIR XDG_CACHE_HOME XDG_DATA_HOME; "
        "setpriv --reuid 54321 --regid 54321 --clear-groups "
        '--inh-caps +dac_override --ambient-caps +dac_override "$@"',
        *(*RUN, "st"),
        folder=tmp_path,
    )

    assert (code, text.count("\n"), NOISE.search(text)) == (2, 1, None), text
    assert "BENCH_CACHE_DIR" in text


@pytest.mark.parametrize(
    "arguments",
    [("list", "models"), ("list", "plugins"), ("doctor",), ("data", "inspect", "digits-uci"),
     (*RUN, "st")],
)  # fmt: skip
def test_a_terminal_of_one_column_is_written_to(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, text = in_shell('"$@"', *arguments, folder=tmp_path, COLUMNS="1")

    assert (code, NOISE.search(text)) == (0, None), text


@pytest.mark.parametrize("said", ["x", "", "-1", "9" * 30, "9" * 5000])
def test_a_false_date_of_a_build_is_ignored_aloud(tmp_path: Path, said: str) -> None:
    code, text = in_shell(
        '"$@"', "list", "metrics", "--json", folder=tmp_path, SOURCE_DATE_EPOCH=said
    )

    table, _, line = text.strip().rpartition("\n")
    assert code == 0
    assert line.startswith(f"bench: SOURCE_DATE_EPOCH='{said[:10]}")
    assert line.endswith(" is no date in seconds: ignored")
    assert json.loads(table)


def test_a_date_of_a_build_is_left_alone(tmp_path: Path) -> None:
    code, text = in_shell('"$@"', "list", "metrics", folder=tmp_path, SOURCE_DATE_EPOCH="86400")

    assert (code, "SOURCE_DATE_EPOCH" in text) == (0, False)


def test_a_back_end_that_matplotlib_does_not_know_is_one_line(
    tmp_path: Path, sample_store: Path
) -> None:
    asked = ("report", "--figures", "figures", "--store", str(sample_store))

    code, text = in_shell('"$@"', *asked, folder=tmp_path, MPLBACKEND="x")

    assert (code, text.count("\n")) == (2, 1), text
    assert text.startswith("bench: matplotlib does not start: Key backend: 'x'")
    assert text.endswith("unset MPLBACKEND\n")


LOOKALIKES = ("json", "random", "re", "string", "types", "bench", "logging")


def lookalikes(folder: Path) -> Path:
    """Write modules that end whoever imports them, named like Python's own and like ours."""
    folder.mkdir()
    for name in LOOKALIKES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('LOOKALIKE {name}')\n")
    return folder


@pytest.mark.parametrize("command", [("list", "models"), ("doctor",), (*RUN, "st")])
def test_modules_on_pythonpath_that_only_look_like_ours_are_passed_over(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    foreign = lookalikes(tmp_path / "foreign")
    started = f'"{sys.executable}" -P -c "from digitbench import main; main()" "${{@:4}}"'

    code, text = in_shell(started, *command, folder=tmp_path, PYTHONPATH=str(foreign))

    assert (code, "LOOKALIKE" in text) == (0, False), text


def test_modules_in_the_folder_of_the_user_disturb_no_trial(tmp_path: Path) -> None:
    folder = lookalikes(tmp_path / "own")
    started = f'"{sys.executable}" -P -m bench "${{@:4}}"'

    code, text = in_shell(started, *RUN, "st", folder=folder)

    (record,) = (folder / "st" / "trials").glob("*/record.json")
    assert (code, json.loads(record.read_text())["state"]) == (0, "ok"), text


HALF_INSTALLED = """
import sys

class Half:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ImportError("libtensorflow_framework.so.2: cannot open shared object file")

sys.meta_path.insert(0, Half())
"""
WITHOUT_MODULES = """
import sys

for name in ("_sqlite3", "sqlite3", "ensurepip"):
    sys.modules[name] = None
"""


def changed_python(folder: Path, code: str) -> str:
    """Let every Python that is started with this search path run `code` first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return str(folder)


def test_a_half_installed_engine_costs_its_own_rows_and_its_cause_is_named(tmp_path: Path) -> None:
    path = changed_python(tmp_path / "half", HALF_INSTALLED)
    words = ("run", "-m", "cnn-mnist-compact", "-m", "baseline-majority", "-d", "digits-uci")

    code, text = in_shell('"$@"', *words, "--store", "st", folder=tmp_path, PYTHONPATH=path)

    assert code == 1, text
    assert "libtensorflow_framework.so.2: cannot open shared object file" in text
    records = [json.loads(p.read_text()) for p in (tmp_path / "st/trials").glob("*/record.json")]
    states = {record["identity"]["model"]: record["state"] for record in records}
    assert states == {"cnn-mnist-compact": "failed", "baseline-majority": "ok"}
    assert NOISE.search(text) is None, text


def test_a_python_without_sqlite_and_ensurepip_trains_and_lists(tmp_path: Path) -> None:
    path = changed_python(tmp_path / "without", WITHOUT_MODULES)

    ran, text = in_shell('"$@"', *RUN, "st", folder=tmp_path, PYTHONPATH=path)
    listed, told = in_shell('"$@"', "list", folder=tmp_path, PYTHONPATH=path)

    assert (ran, listed) == (0, 0), text + told


def test_thread_numbers_and_cards_that_are_none_disturb_no_run(tmp_path: Path) -> None:
    odd = {"OMP_NUM_THREADS": "0", "CUDA_VISIBLE_DEVICES": "GPU-none"}

    code, text = in_shell('"$@"', *RUN, "st", folder=tmp_path, **odd)

    (record,) = (tmp_path / "st" / "trials").glob("*/record.json")
    said = json.loads(record.read_text())
    assert (code, said["threads"] >= 1, said["machine"]["accelerator"]) == (0, True, ""), text


def test_a_data_cache_of_another_version_is_made_anew(tmp_path: Path) -> None:
    cache = {"BENCH_CACHE_DIR": str(tmp_path / "cache")}
    assert in_shell('"$@"', *RUN, "st", folder=tmp_path, **cache)[0] == 0
    for part in ("index", "sources", "harness"):
        files = list((tmp_path / "cache" / part).iterdir())
        assert files, part
        for number, file in enumerate(files):
            file.write_bytes((b'{"of": "another version"}', b"", b"\xff" * 9)[number % 3])

    code, text = in_shell('"$@"', *RUN, "st", folder=tmp_path, **cache)

    assert (code, NOISE.search(text)) == (0, None), text
    assert "nothing to run: 1 trial cached" in text
