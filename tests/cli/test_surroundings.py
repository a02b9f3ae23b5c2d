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
