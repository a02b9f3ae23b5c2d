"""One trial, from a task to finished record folders; whatever it raises becomes a state."""

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.adapters import load_trained
from bench.adapters.ready import ready_spec
from bench.errors import BenchError
from bench.execution.capture import encodable, one_line, trace
from bench.execution.engine import limit_threads, seed_everything
from bench.execution.events import EvaluationFinished, Event, Warned
from bench.execution.fitting import build_context, fit_classifier
from bench.execution.job import TRACE, TRIAL
from bench.execution.predicting import Predictor
from bench.execution.privacy import private_words, scrub
from bench.execution.recording import (
    Seen,
    base_record,
    new_attempt,
    save_model,
    write_trial,
)
from bench.execution.reloading import SAMPLED_IMAGES, keep_sample
from bench.execution.splits import open_split
from bench.execution.surroundings import (
    HERE,
    NOTED,
    CodeChangedError,
    check_sources,
    enter_own_folder,
    importable_elsewhere,
)
from bench.execution.training_images import adapted, choose_images, measure_train_accuracy
from bench.planning.task import Outcome, PluginRef, TrialTask
from bench.plugins.discovery import load_model, local_module_name
from bench.plugins.ground import ground_of
from bench.plugins.loaded import watching
from bench.plugins.sources import read_once
from bench.spec import Classifier, ImageSet, ModelSpec
from bench.store.inside import refuse_links_below
from bench.store.layout import HISTORY, MODEL, RECORD
from bench.store.read import read_trial
from bench.store.record import State
from bench.store.write import utc_now

__all__ = ["run_trial"]


def run_trial(
    task: TrialTask,
    work: Path,
    emit: Callable[[Event], None],
    *,
    threads: int = 1,
    checkpoint: Path | None = None,
    own_folder: bool = False,
) -> Outcome:
    """Train (or load) one model, predict every split of its task, write the records to `work`.

    Parameters
    ----------
    work : Path
        An empty folder. Afterwards it holds ``trial/`` (the record, ``history.csv``, ``model/``),
        unless a stored model was evaluated; ``evaluations/<evaluation-id>/`` and ``splits/``; and
        ``trace.txt``, if anything failed.
    emit : callable
        Takes the epochs and evaluations as they end.
    threads : int
        For the libraries that compute.
    checkpoint : Path or None
        A folder that outlives an interruption.
    own_folder : bool
        Whether this process is the trial's alone, so that it may work in a folder of its own.

    Returns
    -------
    Outcome
        OK, or FAILED, CODE_CHANGED or OUT_OF_MEMORY with one line. After a failure on one test
        split, the trial and its other evaluations are finished all the same.
    """
    began = time.perf_counter()
    folders = private_words(task.data_folder) | {str(work / HERE): "."}
    trial = _Trial(
        task=task,
        work=work,
        emit=emit,
        threads=threads,
        checkpoint=checkpoint,
        attempt=new_attempt(),
        started_at=utc_now(),
        began=began,
        folders=folders,
    )
    state, reason = State.OK, ""
    try:
        if own_folder:
            enter_own_folder(work)
            if task.plugin.file:
                name = local_module_name(task.plugin.file)
                importable_elsewhere(name, task.plugin.file, work, trial.not_of_plugin)
        trial.run()
    except CodeChangedError as error:
        shutil.rmtree(work / TRIAL, ignore_errors=True)
        shutil.rmtree(work / "evaluations", ignore_errors=True)
        state, reason = State.CODE_CHANGED, trial.fail(error)
    # Foreign code may raise anything, even exit: it must cost this trial only.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not own_folder:  # a person's, not the plugin's
            raise
        state = State.OUT_OF_MEMORY if isinstance(error, MemoryError) else State.FAILED
        reason = trial.fail(error)
    return Outcome(
        trial_id=task.trial_id,
        state=state,
        reason=reason,
        folder=str(work),
        seconds=time.perf_counter() - began,
    )


def _spec_of(task: TrialTask) -> ModelSpec:
    """Return the model's registration; of a model file, which no plugin has, one that loads it."""
    if task.plugin == PluginRef():
        return ready_spec(task.model)
    return load_model(task.plugin.module, task.plugin.file, task.model)


def _store_of(work: Path) -> str:
    """Return the store that a work folder lies in; the work folder itself, where in none."""
    place = work.absolute()
    is_in_store = len(place.parents) > 2 and place.parents[1].name == ".work"
    return str(place.parents[2] if is_in_store else place)


@dataclass(slots=True, kw_only=True)
class _Trial:
    """State: one trial while it runs."""

    task: TrialTask
    work: Path
    emit: Callable[[Event], None]
    threads: int
    checkpoint: Path | None
    attempt: str
    started_at: str
    began: float
    folders: dict[str, str]
    seen: Seen | None = None

    @property
    def not_of_plugin(self) -> tuple[str, ...]:
        """The store and the data cache, wherever they lie."""
        return _store_of(self.work), self.task.data_folder

    def run(self) -> None:
        task = self.task
        limit_threads(self.threads, heavy=task.heavy)
        seed_everything(task.seed, heavy=task.heavy)
        with read_once():
            sources, before = check_sources(task), frozenset(sys.modules)
            ground = ground_of(module=task.plugin.module, file=task.plugin.file)
        with watching(ground, self.not_of_plugin, self.work / NOTED) as watcher:
            self.seen = Seen(task=task, watcher=watcher, sources=sources, modules_before=before)
            spec = _spec_of(task)
            chosen = self._chosen()
            classifier = self._stored(spec) if task.stored else None
            if classifier is None:
                classifier = self._train(spec, self._images(chosen))
            try:
                self._evaluate(classifier, chosen)
            finally:
                self._note_again(self.seen)

    def _note_again(self, seen: Seen) -> None:
        """Write down what was loaded only when it predicted."""
        path, notes = self.work / TRIAL / RECORD, seen.notes()
        if path.exists():
            record = msgspec.structs.replace(read_trial(path.parent), **notes)
            path.write_bytes(msgspec.json.encode(record))

    def _chosen(self) -> npt.NDArray[np.intp] | None:
        if self.task.train is None:
            return None
        split = open_split(self.task.train)
        wanted = int(self.task.options.get("train_images", 0))
        if split.labels is None or not len(split):
            raise BenchError(f"{self.task.train_dataset} has no labelled training images")
        return choose_images(split.labels, wanted, self.task.seed)

    def _images(self, chosen: npt.NDArray[np.intp] | None) -> ImageSet:
        """Return the training images, of the shape the model is built for."""
        if self.task.train is None:
            raise BenchError(
                f"{self.task.model} cannot be trained here", why="its training images did not ship"
            )
        split = open_split(self.task.train)
        return adapted(split if chosen is None else split.take(chosen), self.task.image_shape)

    def _stored(self, spec: ModelSpec) -> Classifier | None:
        """Load the stored model; None, with a warning, where it must be trained again."""
        folder = Path(self.task.stored)
        record = read_trial(folder)
        self.attempt = record.attempt
        if not (folder / MODEL).is_dir():
            return None
        if record.does_not_reload:
            message = f"{self.task.model}: its stored model is not used, so it is trained again"
            why = f"{message} ({record.does_not_reload})"
            self.emit(Warned(message=why, trial_id=self.task.trial_id))
            return None
        try:
            return load_trained(
                spec, refuse_links_below(folder / MODEL), build_context(self.task, self.threads)
            )
        # A damaged or older model may make its library raise anything.
        except Exception as error:  # noqa: BLE001
            reason = one_line(error, self.folders)
            message = (
                f"{self.task.model}: its stored model cannot be loaded, so it is trained again"
            )
            self.emit(Warned(message=f"{message} ({reason})", trial_id=self.task.trial_id))
            return None

    def _train(self, spec: ModelSpec, train: ImageSet) -> Classifier:
        folder = self.work / TRIAL
        folder.mkdir(parents=True, exist_ok=True)
        fit = fit_classifier(
            spec,
            self.task,
            train,
            threads=self.threads,
            checkpoint=self.checkpoint if spec.resumes else None,
            history=folder / HISTORY,
            emit=self.emit,
        )
        # Libraries that the plugin imported have come since.
        limit_threads(self.threads, heavy=self.task.heavy)
        accuracy = measure_train_accuracy(fit.classifier, self.task, train)
        if not self.task.stored:
            assert self.seen is not None
            record = msgspec.structs.replace(
                base_record(
                    self.task, attempt=self.attempt, state=State.OK, started_at=self.started_at
                ),
                threads=self.threads,
                notes=self._save(fit.classifier, folder / MODEL),
            )
            heavy = self.task.heavy
            write_trial(folder, record, fit, train_accuracy=accuracy, seen=self.seen, heavy=heavy)
            if (folder / MODEL).is_dir():
                keep_sample(self.work, fit.classifier, self._sample(train))
        return fit.classifier

    def _save(self, classifier: Classifier, folder: Path) -> tuple[str, ...]:
        """Save the model; one that cannot be kept costs a note, not the training."""
        why = save_model(classifier, folder)
        if not why:
            return ()
        note = f"its model is not kept: {scrub(why, self.folders)}"
        self.emit(Warned(message=f"{self.task.model}: {note}", trial_id=self.task.trial_id))
        return (note,)

    def _sample(self, train: ImageSet) -> npt.NDArray[np.float32]:
        """Return images of the own test split, else of the training images."""
        own = next((each.split for each in self.task.evaluations if each.own), None)
        split = adapted(open_split(own), self.task.image_shape) if own else train
        places = np.unique(np.linspace(0, len(split) - 1, SAMPLED_IMAGES).astype(np.intp))
        return split.take(places).images

    def _evaluate(self, classifier: Classifier, chosen: npt.NDArray[np.intp] | None) -> None:
        predictor = Predictor(
            task=self.task,
            classifier=classifier,
            work=self.work,
            attempt=self.attempt,
            threads=self.threads,
            trained_on=chosen,
            train=lambda: self._images(chosen),
        )
        failures: list[BaseException] = []
        for evaluation in self.task.evaluations:
            try:
                accuracy = predictor.evaluate(evaluation)
            except KeyboardInterrupt:
                raise
            # As in run_trial; the other splits are still worth predicting.
            except BaseException as error:  # noqa: BLE001
                error.add_note(f"while predicting {evaluation.test_dataset}")
                failures.append(error)
                continue
            self.emit(
                EvaluationFinished(
                    trial_id=self.task.trial_id,
                    test_dataset=evaluation.test_dataset,
                    accuracy=accuracy,
                    n_test=evaluation.split.n,
                    evaluation_id=evaluation.evaluation_id,
                )
            )
        if failures:
            raise failures[0]

    def fail(self, error: BaseException) -> str:
        """Write down what was raised and return it as one line."""
        # A full disk may be what failed.
        with suppress(OSError):
            (self.work / TRACE).write_text(trace(error, self.folders), encoding="utf-8")
        # What broke a contract says so in words; the name of our own error adds nothing.
        if isinstance(error, BenchError):
            return scrub(encodable(" ".join(str(error).split())), self.folders)
        if isinstance(error, SystemExit):
            return f"SystemExit: the model left Python with code {error.code}"
        return one_line(error, self.folders)
