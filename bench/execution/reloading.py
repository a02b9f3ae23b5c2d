"""Is the stored model the trained one: loaded back in another process, it must say the same."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.adapters import load_trained
from bench.execution.engine import limit_threads, seed_everything
from bench.execution.events import Warned
from bench.execution.fitting import build_context
from bench.execution.job import JOB_FILE, TRIAL, Job, read_job
from bench.execution.processes import (
    STOP_SIGNALS,
    die_with_parent,
    fresh_python,
    kill_group,
    reset_signals,
)
from bench.execution.surroundings import enter_own_folder
from bench.plugins.discovery import load_model
from bench.spec import Classifier
from bench.store.layout import MODEL, RECORD
from bench.store.read import read_trial

__all__ = ["SAMPLED_IMAGES", "Checker", "check_reload", "keep_sample"]

SAMPLE = "reload.npz"
REASON = "reload.txt"
SAMPLED_IMAGES = 64
_SAMPLE_BYTES_MAX = 64 * 1024 * 1024
_TOLERANCE = 1e-4
_SECONDS_MAX = 120.0
_TICK_SECONDS = 0.01
_SERVE = "import sys; from bench.execution.reloading import _serve; _serve(int(sys.argv[1]))"
_START = "from bench.execution.reloading import _look_in; _look_in(sys.argv[1])"


def keep_sample(work: Path, classifier: Classifier, images: npt.NDArray[np.float32]) -> None:
    """Write down what the trained model says of some images, for the process that checks.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), float32 in [0, 1]
        At most 64 of them are taken, evenly spread.
    """
    n = min(SAMPLED_IMAGES, max(1, _SAMPLE_BYTES_MAX // max(1, images[:1].nbytes)), len(images))
    chosen = images[np.unique(np.linspace(0, len(images) - 1, n).astype(np.intp))]
    probabilities, predicted = _said(classifier, chosen)
    np.savez(work / SAMPLE, images=chosen, probabilities=probabilities, predicted=predicted)


def _said(
    classifier: Classifier, images: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    probabilities = np.asarray(classifier.predict_proba(images), dtype=np.float64)
    predict = getattr(classifier, "predict", None)
    predicted = predict(images) if callable(predict) else probabilities.argmax(axis=1)
    return probabilities, np.asarray(predicted, dtype=np.int64)


def check_reload(
    job: Job, is_stopped: Callable[[], bool] = lambda: False, checker: "Checker | None" = None
) -> Warned | None:
    """Load a finished trial's model in a process of its own; mark its record if it differs.

    Parameters
    ----------
    checker : Checker or None
        The process to ask, where this one may not be forked.

    Returns
    -------
    Warned or None
        Why the stored model is not used later; None where it is what was trained, or there is
        none.
    """
    work, task = Path(job.work), job.task
    if not (work / SAMPLE).exists() or not (work / TRIAL / RECORD).exists():
        return None
    ended = _in_a_process(job, is_stopped) if checker is None else checker.ask(job, is_stopped)
    if is_stopped():
        return None
    reason = _reason(work, ended)
    if not reason:
        return None
    folder = work / TRIAL
    record = msgspec.structs.replace(read_trial(folder), does_not_reload=reason)
    (folder / RECORD).write_bytes(msgspec.json.encode(record))
    message = f"{task.model}: its model does not reload, so it is not used later ({reason})"
    return Warned(message=message, trial_id=task.trial_id)


def _reason(work: Path, ended: int | None) -> str:
    if ended is None:
        return f"loading it takes more than {_SECONDS_MAX:.0f} s"
    if ended and -ended in STOP_SIGNALS:
        return ""  # from outside: it says nothing about the model
    if ended:
        signalled = f"signal {-ended}" if ended < 0 else f"exit code {ended}"
        return f"loading it ends the process with {signalled}"
    try:
        return (work / REASON).read_text(encoding="utf-8")
    except OSError:
        return "loading it ends the process"


def _in_a_process(job: Job, is_stopped: Callable[[], bool]) -> int | None:
    """Return how the checking process ended; None for one that had to be stopped."""
    if job.spawns:
        return _spawned(job, is_stopped)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        _be_checker(job, me)
    deadline = time.monotonic() + _SECONDS_MAX
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline or is_stopped():
            kill_group(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(_TICK_SECONDS)


def _be_checker(job: Job, parent: int) -> None:
    """Be the process that checks; never returns."""
    try:
        os.setsid()
        die_with_parent(parent)
        reset_signals()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        _look(job)
    except BaseException:  # noqa: BLE001  # nothing may run past this function
        os._exit(1)
    os._exit(0)


def _spawned(job: Job, is_stopped: Callable[[], bool]) -> int | None:
    process = subprocess.Popen(
        fresh_python(_START, job.work),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + _SECONDS_MAX
    while process.poll() is None:
        if time.monotonic() > deadline or is_stopped():
            kill_group(process.pid, signal.SIGKILL)
            process.wait()
            return None
        time.sleep(_TICK_SECONDS)
    return process.returncode


class Checker:
    """State: a process that reads back one trial's model after the other, started when needed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.answers = -1

    def ask(self, job: Job, is_stopped: Callable[[], bool]) -> int | None:
        """Let it look at a trial; 0 once it has, else how it ended, None where it was stopped."""
        process = self._started()
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(f"{job.work}\n".encode(errors="surrogateescape"))
            process.stdin.flush()
        deadline = time.monotonic() + _SECONDS_MAX
        while time.monotonic() < deadline and not is_stopped():
            if select.select([self.answers], [], [], 5 * _TICK_SECONDS)[0]:
                if os.read(self.answers, 1):
                    return 0
                ended = process.wait()
                self.close()
                return ended
        self.close()
        return None

    def _started(self) -> "subprocess.Popen[bytes]":
        if self.process is None:
            self.answers, theirs = os.pipe()
            self.process = subprocess.Popen(
                fresh_python(_SERVE, str(theirs)),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs,),
                start_new_session=True,
            )
            os.close(theirs)
        return self.process

    def close(self) -> None:
        """End it, whatever it is at."""
        if self.process is None:
            return
        kill_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        os.close(self.answers)
        self.process = None


def _serve(answers: int) -> None:
    """Look at each work folder whose name comes, and answer with a byte."""
    for line in sys.stdin.buffer:
        _look_in(line[:-1].decode(errors="surrogateescape"))
        os.write(answers, b".")


def _look_in(work: str) -> None:
    _look(read_job(Path(work) / JOB_FILE))


def _look(job: Job) -> None:
    """Load the model and write why it is not what was trained; nothing, where it is."""
    work, task = Path(job.work), job.task
    try:
        if job.search:
            sys.path.insert(0, job.search)
        enter_own_folder(work)
        limit_threads(job.threads, heavy=task.heavy)
        seed_everything(task.seed, heavy=task.heavy)
        spec = load_model(task.plugin.module, task.plugin.file, task.model)
        context = build_context(task, job.threads)
        classifier = load_trained(spec, work / TRIAL / MODEL, context)
        with np.load(work / SAMPLE, allow_pickle=False) as sample:
            reason = _difference(classifier, {name: sample[name] for name in sample.files})
    # Foreign code on a file: whatever it raises is the answer.
    except BaseException as error:  # noqa: BLE001
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    beside = work / f".{REASON}"
    beside.write_text(reason, encoding="utf-8", errors="backslashreplace")
    beside.replace(work / REASON)


def _difference(classifier: Classifier, sample: dict[str, npt.NDArray[np.generic]]) -> str:
    images = np.asarray(sample["images"], dtype=np.float32)
    probabilities, predicted = _said(classifier, images)
    wanted = np.asarray(sample["probabilities"], dtype=np.float64)
    if probabilities.shape != wanted.shape:
        return f"loaded, it returns {probabilities.shape}, not {wanted.shape}"
    n_other = int((predicted != sample["predicted"]).sum())
    if n_other:
        return f"loaded, it predicts another class for {n_other} of {len(images)} images"
    largest = float(np.abs(probabilities - wanted).max(initial=0.0))
    if not largest <= _TOLERANCE:  # also where it is no number
        return f"loaded, its probabilities differ by up to {largest:.2g}"
    return ""
