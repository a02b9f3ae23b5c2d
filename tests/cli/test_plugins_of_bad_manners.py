"""Plugins of bad manners: what they do at import disturbs no machine-readable output."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bench.plugins.guarding import guarded, hearing_ctrl_c, undisturbed

PLUGIN = """
{act}
from bench import ModelSpec, hookimpl


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="mine", summary="", build=lambda context: None))
"""
START = (sys.executable, "-P", "-c", "from digitbench import main; main()")
ACTS = {
    "prints": "import os; print('x'); os.write(1, b'y')",
    "closes-output": "import os; os.close(1)",
    "prints-at-the-end": "import atexit; atexit.register(print, 'x')",
    "changes-the-process": "import os; os.umask(0o777); os.chdir('/'); os.environ.clear()",
    "changes-python": "import sys; sys.setrecursionlimit(70); sys.stdout = None",
    "prints-from-a-thread": (
        "import os, threading, time\n"
        "def talk():\n"
        "    for _ in range(2000):\n"
        "        print('x', flush=True); os.write(1, b'y'); time.sleep(0.005)\n"
        "threading.Thread(target=talk, daemon=True).start()"
    ),
    "starts-a-process": "import subprocess; subprocess.Popen(['sleep', '1'])",
}


ANYWHERE = """
import os
import numpy as np
from bench import ModelSpec, hookimpl


def talk(*_, **__):
    print("x", flush=True)
    os.write(1, b"y\\n")


class Talks:
    def fit(self, train, context):
        talk()
        self.n = context.n_classes

    def predict_proba(self, images):
        talk()
        return np.full((len(images), self.n), 1 / self.n)


def build(context):
    talk()
    return Talks()


class Odd(BaseException):
    pass


@hookimpl
def bench_trial_started(event):
    talk()
    raise Odd("so")


@hookimpl
def bench_trial_finished(event):
    talk()


@hookimpl
def bench_register_models(register):
    talk()
    register(ModelSpec(name="mine", summary="", build=build))
"""


def listed(folder: Path, act: str) -> tuple[int, list[dict[str, object]], str]:
    (folder / "mine.py").write_text(PLUGIN.format(act=act))
    done = subprocess.run(
        [*START, "list", "models", "--plugin", "mine.py", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "BENCH_PROG": "bench"},
    )
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_json_holds_nothing_else_whatever_a_plugin_does_at_import(tmp_path: Path, act: str) -> None:
    code, found, _ = listed(tmp_path, act)

    assert (code, "mine" in {each["name"] for each in found}) == (0, True)


@pytest.mark.parametrize("how", [(), ("--no-isolation",)], ids=["isolated", "in this process"])
def test_a_run_told_as_json_holds_nothing_else_whoever_prints(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    (tmp_path / "mine.py").write_text(ANYWHERE)
    asked = ("-m", "mine", "-d", "digits-uci", "--plugin", "mine.py", "--store", "st", *how)
    done = subprocess.run(
        [*START, "run", *asked, "--log-format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "BENCH_PROG": "bench"},
    )

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, told[-1]["event"]) == (0, "leaderboard"), done.stderr
    assert any("Odd: so" in each.get("message", "") for each in told)
    assert "x\n" in done.stderr


def test_an_exception_of_no_usual_kind_breaks_its_plugin_alone(tmp_path: Path) -> None:
    code, found, err = listed(tmp_path, "class Odd(BaseException): pass\nraise Odd('so')")

    assert (code, "mine" in {each["name"] for each in found}) == (0, False)
    assert "is broken: Odd: so" in err


def test_a_keyboard_interrupt_of_a_plugins_own_breaks_it_alone(tmp_path: Path) -> None:
    code, found, err = listed(tmp_path, "raise KeyboardInterrupt('so')")

    assert (code, "mine" in {each["name"] for each in found}) == (0, False)
    assert "is broken: KeyboardInterrupt: so (mine.py, line 2)" in err


def test_ctrl_c_while_a_plugin_is_imported_is_told_from_its_own() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with hearing_ctrl_c() as is_pressed:
            assert not is_pressed()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            assert is_pressed()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, lambda number, frame: None)  # somebody's own: not told apart
        with hearing_ctrl_c() as is_pressed:
            assert is_pressed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_that_never_ends_is_left_and_named(tmp_path: Path) -> None:
    act = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), name='endless').start()"
    )
    started = time.monotonic()

    code, found, err = listed(tmp_path, act)

    assert (code, bool(found)) == (0, True)
    assert "left threads of plugins that do not end: endless" in err
    assert time.monotonic() - started < 100


def test_what_decides_later_sums_and_files_is_put_back() -> None:
    before = np.geterr(), signal.getsignal(signal.SIGINT), sys.getrecursionlimit(), os.umask(0o022)
    with undisturbed():
        np.seterr(all="raise")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.setrecursionlimit(5_000)
        os.umask(0o777)

    mask = os.umask(before[3])
    after = np.geterr(), signal.getsignal(signal.SIGINT), sys.getrecursionlimit()
    assert (after, mask) == (before[:3], 0o022)


def test_a_guarded_function_may_be_called_in_any_thread() -> None:
    said: list[int] = []
    thread = threading.Thread(target=guarded(said.append), args=(1,))
    thread.start()
    thread.join()
    assert said == [1]
