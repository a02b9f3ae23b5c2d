"""The predicting half of a trial: one test split at a time, checked, timed, written."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.execution.probabilities import predict_split
from bench.execution.splits import image_hashes, near_duplicate_pairs, open_split
from bench.execution.variants import Variant, make_variant
from bench.images.shape import describe_adaptation
from bench.planning.task import EvaluationTask, TrialTask
from bench.spec import UNREAD, Classifier, ImageSet, Labels, Probabilities
from bench.store.layout import RECORD, Store
from bench.store.record import Duplicate, EvaluationRecord
from bench.store.write import split_hash, utc_now, write_predictions, write_split

__all__ = ["Predictor"]

OF_THE_IMAGES = frozenset({"corruption", "strength", "fold"})


@dataclass(slots=True, kw_only=True)
class Predictor:
    """State: a trained classifier, and what need be measured or read only once for it."""

    task: TrialTask
    classifier: Classifier
    work: Path
    attempt: str
    threads: int
    trained_on: npt.NDArray[np.intp] | None
    """The training images used; None for all."""
    train: Callable[[], ImageSet]
    """Returns those images, of the shape the model was built for."""
    variants: dict[str, Variant] = field(default_factory=dict)
    train_hashes: npt.NDArray[np.uint64] | None = field(default=None)

    def evaluate(self, evaluation: EvaluationTask) -> float | None:
        """Predict one split, write its folder, and return the accuracy, if it has labels.

        Raises
        ------
        BenchError
            If the classifier breaks its contract or the images cannot be used.
        """
        split = open_split(evaluation.split)
        variant = self._variant(evaluation)
        probabilities, predicted, seconds = predict_split(
            split, variant, evaluation.transform, self.task.image_shape, len(self.task.classes)
        )
        notes = _disagreement(probabilities, predicted)
        if split.unread is not None:  # whatever it makes of a blank image, it has not read it
            predicted[split.unread] = UNREAD
            probabilities[split.unread] = 1 / len(self.task.classes)
        labels = self._labels(split, evaluation)
        folder = self.work / "evaluations" / evaluation.evaluation_id
        duplicates = self._duplicates(evaluation)
        doubtful = () if labels is None else self._doubtful(evaluation, labels)
        sha256 = write_predictions(
            folder,
            labels=labels,
            predicted=predicted,
            probabilities=probabilities,
            duplicates=duplicates,
        )
        key = split_hash(labels, split.names, split.groups, len(split))
        write_split(Store(self.work), key, split.names, split.groups)
        record = EvaluationRecord(
            evaluation_id=evaluation.evaluation_id,
            trial_id=self.task.trial_id,
            attempt=self.attempt,
            test_dataset=evaluation.test_dataset,
            test_embedded=evaluation.test_embedded,
            test_hash=evaluation.split.content_hash,
            split_hash=key,
            variant=evaluation.variant,
            evaluation_only=evaluation.evaluation_only,
            classes=self.task.classes,
            n_test=len(split),
            labelled=labels is not None,
            adapted=describe_adaptation(split.shape, self.task.image_shape),
            leaked=int((duplicates == Duplicate.EXACT).sum()),
            near_duplicates=int((duplicates == Duplicate.NEAR).sum()),
            predict_seconds=seconds,
            predict_us_per_image=1e6 * seconds / len(split) if len(split) else None,
            created_at=utc_now(),
            threads=self.threads,
            notes=notes,
            doubtful=doubtful,
            doubtful_source=evaluation.label_errors_source if doubtful else "",
            truths=evaluation.truths,
            predictions_sha256=sha256,
            transform=evaluation.transform,
        )
        record = _with_cost(record, variant)
        if variant.file is not None:
            shutil.copyfile(variant.file, folder / variant.file.name)
        # Not flushed to the disk: publishing does that.
        (folder / RECORD).write_bytes(msgspec.json.encode(record))
        return None if labels is None else float(np.mean(predicted == labels))

    def _variant(self, evaluation: EvaluationTask) -> Variant:
        # What is done to the images leaves the model as it is.
        form = {k: v for k, v in evaluation.transform.items() if k not in OF_THE_IMAGES}
        key = repr(sorted(form.items()))
        if key not in self.variants:
            folder = self.work / "variants" / str(len(self.variants))
            self.variants[key] = make_variant(
                form, self.classifier, self.train, folder, self.threads
            )
        return self.variants[key]

    def _labels(self, split: ImageSet, evaluation: EvaluationTask) -> Labels | None:
        """Map the split's labels to columns of the model."""
        if split.labels is None:
            return None
        return np.asarray(evaluation.class_columns, dtype=np.int64)[split.labels]

    def _doubtful(self, evaluation: EvaluationTask, labels: Labels) -> tuple[int, ...]:
        """Return the places of the images whose label is in doubt."""
        doubts = evaluation.label_errors
        if not doubts:
            return ()
        hashes = image_hashes(evaluation.split)
        known = np.array([int(image, 16) for image in doubts], np.uint64)
        places = np.flatnonzero(np.isin(hashes, known))
        said = self.task.classes
        return tuple(
            int(i) for i in places if doubts.get(f"{int(hashes[i]):016x}") == said[int(labels[i])]
        )

    def _duplicates(self, evaluation: EvaluationTask) -> npt.NDArray[np.int8]:
        """Return for each test image whether it is among the images trained on, (n,)."""
        found = np.zeros(evaluation.split.n, dtype=np.int8)
        if self.task.train is None:
            return found
        trained, tested = image_hashes(self.task.train), image_hashes(evaluation.split)
        if self.train_hashes is None:
            self.train_hashes = trained if self.trained_on is None else trained[self.trained_on]
        # Of images that repeat, a pair names the first: hashes lead to the others.
        pairs = near_duplicate_pairs(self.task.train, evaluation.split)
        near = pairs[np.isin(trained[pairs[:, 0]], self.train_hashes), 1]
        found[np.isin(tested, tested[near])] = Duplicate.NEAR
        same = np.flatnonzero(np.isin(tested, self.train_hashes))
        # Blank pages are all alike: a photo in which no digit was found has not leaked.
        pixels = open_split(evaluation.split).pixels[same]
        is_blank = pixels.max(axis=(1, 2, 3)) == pixels.min(axis=(1, 2, 3))
        found[same[~is_blank]] = Duplicate.EXACT
        return found


def _disagreement(probabilities: Probabilities, predicted: Labels) -> tuple[str, ...]:
    """Say in how many images ``predict`` is not the class of the largest probability."""
    chosen = np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0]
    n_other = int((chosen < probabilities.max(axis=1)).sum())
    if not n_other:
        return ()
    return (
        f"predict is not the class of the largest probability in {n_other:,} of "
        f"{len(predicted):,} images",
    )


def _with_cost(record: EvaluationRecord, variant: Variant) -> EvaluationRecord:
    latency, file = variant.latency, variant.file
    return msgspec.structs.replace(
        record,
        latency_ms_p50=latency.p50_ms if latency else None,
        latency_ms_p95=latency.p95_ms if latency else None,
        best_batch=latency.best_batch if latency else None,
        latency_ms_best_batch=latency.best_batch_ms if latency else None,
        predict_images_per_second=latency.images_per_second if latency else None,
        model_bytes=variant.model_bytes,
        file_bytes=file.stat().st_size if file else None,
    )
