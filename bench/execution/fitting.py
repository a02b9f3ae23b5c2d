"""The training half of a trial: choose the images, build, fit, measure."""

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.execution.events import EpochEnded, Event
from bench.execution.machine import peak_memory_bytes, reset_peak_memory
from bench.execution.splits import open_split
from bench.execution.training_images import adapted
from bench.planning.task import TrialTask
from bench.spec import BuildContext, Classifier, Epoch, FitContext, ImageSet, ModelSpec

__all__ = ["Fit", "build_context", "fit_classifier"]

_HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was measured of one fit; seconds include those before an interruption."""

    classifier: Classifier
    n_train: int
    fit_seconds: float
    fit_cpu_seconds: float
    fit_images_per_second: float | None
    peak_memory_bytes: int | None
    epochs: int | None
    resumed: bool


def build_context(task: TrialTask, threads: int) -> BuildContext:
    """Return what the plugin's ``build`` and ``load`` are told."""
    return BuildContext(**_common(task, threads))


def _common(task: TrialTask, threads: int) -> dict[str, Any]:
    return {
        "image_shape": task.image_shape,
        "classes": task.classes,
        "options": task.options,
        "seed": task.seed,
        "precision": task.precision,
        "threads": threads,
    }


def fit_classifier(
    spec: ModelSpec,
    task: TrialTask,
    train: ImageSet,
    *,
    threads: int,
    checkpoint: Path | None,
    history: Path,
    emit: Callable[[Event], None],
) -> Fit:
    """Build a classifier, fit it on `train` and measure.

    Parameters
    ----------
    checkpoint : Path or None
        Where the trial keeps what it needs to go on; None where the model cannot.
    history : Path
        The ``history.csv`` to write, a line an epoch.
    """
    model_checkpoint = None if checkpoint is None else checkpoint / "model"
    is_resumed = model_checkpoint is not None and _holds_files(model_checkpoint)
    kept = None if checkpoint is None else checkpoint / "history.csv"
    log = _History(task.trial_id, history, kept if is_resumed else None, emit)
    if model_checkpoint is not None:
        model_checkpoint.mkdir(parents=True, exist_ok=True)
    log.also = kept
    context = _fit_context(task, threads, log, model_checkpoint)
    reset_peak_memory()
    started, started_cpu = time.perf_counter(), time.process_time()
    classifier = spec.build(build_context(task, threads))
    _require(classifier, task.model)
    classifier.fit(train, context)
    seconds = time.perf_counter() - started + log.earlier_seconds
    return Fit(
        classifier=classifier,
        n_train=len(train),
        fit_seconds=seconds,
        fit_images_per_second=len(train) * max(1, len(log.rows)) / seconds if seconds else None,
        fit_cpu_seconds=time.process_time() - started_cpu,
        peak_memory_bytes=peak_memory_bytes(),
        epochs=len(log.rows) or None,
        # A classifier that refused the checkpoint began with the first epoch.
        resumed=is_resumed and log.first_trained > 1,
    )


def _fit_context(
    task: TrialTask, threads: int, log: "_History", checkpoint: Path | None
) -> FitContext:
    track = task.track
    return FitContext(
        **_common(task, threads),
        report_epoch=log.report,
        checkpoint_folder=checkpoint,
        initial_weights=Path(task.initial_weights) if task.initial_weights else None,
        tracked=None if track is None else adapted(open_split(track.split), task.image_shape),
    )


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _require(classifier: object, model: str) -> None:
    for method in ("fit", "predict_proba"):
        if not callable(getattr(classifier, method, None)):
            raise BenchError(
                f"{model}: build returned {type(classifier).__name__}",
                why=f"a classifier needs the method {method}",
            )


@dataclass(slots=True)
class _History:
    """State: the epochs so far, also those before an interruption."""

    trial_id: str
    path: Path
    earlier: Path | None
    emit: Callable[[Event], None]
    also: Path | None = None
    rows: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    old_seconds: dict[int, float] = field(default_factory=dict)
    first_trained: float = float("inf")

    def __post_init__(self) -> None:
        if self.earlier is None or not self.earlier.is_file():
            return
        with self.earlier.open(newline="", encoding="utf-8") as file:
            self.rows = {int(row["epoch"]): row for row in csv.DictReader(file)}
        self.old_seconds = {epoch: float(row["seconds"]) for epoch, row in self.rows.items()}

    @property
    def earlier_seconds(self) -> float:
        """What the epochs took that were trained before the interruption and count."""
        counting = [epoch for epoch in self.old_seconds if epoch < self.first_trained]
        return sum(self.old_seconds[epoch] for epoch in counting)

    def report(self, epoch: Epoch) -> None:
        """Take one epoch from the classifier, which may tell again those of its checkpoint."""
        if self.old_seconds.get(epoch.epoch) != epoch.seconds:
            self.first_trained = min(self.first_trained, epoch.epoch)
        # Later ones came after the last checkpoint: they are trained again.
        self.rows = {number: row for number, row in self.rows.items() if number < epoch.epoch}
        self.rows[epoch.epoch] = {name: getattr(epoch, name) for name in _HISTORY_COLUMNS}
        self._write()
        self.emit(
            EpochEnded(
                trial_id=self.trial_id,
                epoch=epoch.epoch,
                epochs=epoch.epochs,
                loss=epoch.loss,
                accuracy=epoch.accuracy,
                val_loss=epoch.val_loss,
                val_accuracy=epoch.val_accuracy,
                seconds=epoch.seconds,
            )
        )

    def _write(self) -> None:
        for path in (self.path, self.also):
            if path is None:
                continue
            beside = path.with_name(f".{path.name}")
            with beside.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, _HISTORY_COLUMNS)
                writer.writeheader()
                writer.writerows(self.rows[number] for number in sorted(self.rows))
            beside.replace(path)
