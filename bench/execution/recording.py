"""What a trial writes down: its record, its model, what its plugin was seen to load."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import to_builtins

from bench.errors import BenchError
from bench.execution.engine import device_used
from bench.execution.fitting import Fit
from bench.execution.machine import full_versions, machine_facts
from bench.execution.privacy import private_words
from bench.execution.surroundings import CodeChangedError, environment_that_computes
from bench.planning.identity import engines_in_use
from bench.planning.task import TrialTask
from bench.plugins.loaded import Watcher
from bench.plugins.sources import Sources
from bench.spec import Classifier, Description
from bench.store.inside import refuse_links_below
from bench.store.layout import MODEL, RECORD
from bench.store.record import State, TrialRecord
from bench.store.write import file_hash, utc_now

__all__ = ["Seen", "base_record", "new_attempt", "save_model", "write_trial"]


def new_attempt() -> str:
    """Return a name for one run of a trial."""
    return uuid4().hex[:12]


def base_record(
    task: TrialTask, *, attempt: str, state: State, reason: str = "", started_at: str = ""
) -> TrialRecord:
    """Return what is known of a trial before anything is measured."""
    return TrialRecord(
        trial_id=task.trial_id,
        attempt=attempt,
        config_id=task.config_id,
        identity=task.identity,
        model=task.model,
        summary=task.summary,
        variant=task.variant.words,
        differs=task.variant,
        budget=task.budget,
        train_dataset=task.train_dataset,
        train_embedded=task.train_embedded,
        train_style=task.train_style,
        probabilities=task.probabilities,
        deterministic=task.deterministic,
        classes=task.classes,
        image_shape=task.image_shape,
        state=state,
        reason=reason,
        started_at=started_at or utc_now(),
        seed=task.seed,
        precision=task.precision,
        machine=machine_facts(),
        versions=full_versions(frozenset(task.identity.requires)),
    )


@dataclass(slots=True, kw_only=True)
class Seen:
    """State: what a trial's plugin was seen to load so far."""

    task: TrialTask
    watcher: Watcher | None
    """None for a plugin without a home."""
    sources: Sources
    modules_before: frozenset[str] = field(default_factory=lambda: frozenset(sys.modules))

    def notes(self) -> dict[str, dict[str, str]]:
        """Return it as fields of the record.

        Raises
        ------
        CodeChangedError
            If any of it was changed while the trial ran.
        """
        new = {name.partition(".")[0] for name in frozenset(sys.modules) - self.modules_before}
        engines = {
            name: version
            for name, version in engines_in_use(new).items()
            if name not in self.task.identity.requires
        }
        loaded: dict[str, str] = {}
        if self.watcher is not None:
            loaded, changed = self.watcher.notes()
            changed += self.watcher.differs_from(self.sources.files, self.sources.root)
            if changed:
                raise CodeChangedError(
                    f"{self.task.model}: {', '.join(changed[:3])} was changed while it ran",
                    fix="run again: it is planned anew",
                )
        environment = environment_that_computes(private_words(self.task.data_folder))
        return {"loaded": loaded, "engines": engines, "environment": environment}


def save_model(classifier: Classifier, folder: Path) -> str:
    """Save the model; return why it is not kept, empty where it is or cannot be saved at all."""
    save = getattr(classifier, "save", None)
    if not callable(save):
        return ""
    folder.mkdir()
    try:
        save(folder)
        refuse_links_below(folder)
    except BenchError as error:
        shutil.rmtree(folder)
        return str(error)
    return ""


def write_trial(
    folder: Path,
    record: TrialRecord,
    fit: Fit,
    *,
    train_accuracy: float | None,
    seen: Seen,
    heavy: bool,
) -> None:
    """Complete a trial's record by what was measured, and write it beside the saved model.

    From here on its training is not lost to a later failure.
    """
    describe = getattr(fit.classifier, "describe", None)
    description = describe() if callable(describe) else Description()
    files = {
        str(path.relative_to(folder)): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    model_files = [path for path in (folder / MODEL).rglob("*") if path.is_file()]
    device, notes = description.device or device_used(heavy=heavy), record.notes
    if device == "cpu" and heavy and machine_facts().accelerator:
        notes += ("its GPU was not used: TensorFlow found no CUDA for it",)
    record = msgspec.structs.replace(
        record,
        # An option may calibrate what the plugin declares as scores.
        probabilities=getattr(fit.classifier, "probabilities", record.probabilities),
        engine=description.engine,
        device=device,
        n_train=fit.n_train,
        train_accuracy=train_accuracy,
        parameters=description.parameters,
        trainable_parameters=description.trainable_parameters,
        multiply_adds=description.multiply_adds,
        model_bytes=description.model_bytes,
        file_bytes=sum(path.stat().st_size for path in model_files) or None,
        fit_seconds=fit.fit_seconds,
        fit_cpu_seconds=fit.fit_cpu_seconds,
        fit_images_per_second=fit.fit_images_per_second,
        peak_memory_bytes=fit.peak_memory_bytes,
        epochs=fit.epochs,
        resumed=fit.resumed,
        notes=notes,
        files=files,
        **seen.notes(),
        extra={"layers": to_builtins(description.layers)} if description.layers else {},
    )
    # Not flushed to the disk: publishing does that.
    (folder / RECORD).write_bytes(msgspec.json.encode(record))
