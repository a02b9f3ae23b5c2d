"""Trained models to read new images with: one that ships with a plugin, or a stored trial's."""

from dataclasses import dataclass
from pathlib import Path

from bench.adapters import load_to_predict
from bench.adapters.ready import ready_spec
from bench.board.rows import Row
from bench.errors import BenchError, StoreError, did_you_mean
from bench.plugins.discovery import Plugins
from bench.spec import BuildContext, Classifier, ModelSpec
from bench.store.inside import refuse_links_below
from bench.store.layout import MODEL, Store
from bench.store.read import find_trial, read_trial
from bench.store.record import State, TrialRecord, variant_of
from bench.store.variant import MODEL_FILE

__all__ = ["Trained", "find_trained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model's folder and its record; ``load`` reads it."""

    spec: ModelSpec
    folder: Path
    record: TrialRecord
    is_shipped: bool = False

    @property
    def label(self) -> str:
        """The model in words: ``cnn-robust shipped``, ``svm-ovo trained on mnist``."""
        if self.is_shipped:
            return f"{self.spec.name} shipped"
        return f"{self.spec.name} trained on {self.record.train_dataset}"

    def load(self, threads: int = 1) -> Classifier:
        """Return the classifier.

        Raises
        ------
        BenchError
            If its model was not saved or cannot be read.
        """
        if not (self.folder / MODEL).is_dir():
            raise BenchError(
                f"{self.label} has no stored model", fix=f"train it: bench run -m {self.spec.name}"
            )
        if self.record.does_not_reload:
            raise BenchError(
                f"the stored model of {self.label} is not what was trained",
                why=self.record.does_not_reload,
            )
        return load_to_predict(
            self.spec,
            refuse_links_below(self.folder / MODEL),
            BuildContext(
                image_shape=self.record.image_shape,
                classes=self.record.classes,
                options=self.record.identity.options,
                seed=self.record.seed,
                precision="bfloat16" if self.record.precision == "bfloat16" else "float32",
                threads=threads,
            ),
        )


def find_trained(plugins: Plugins, store: Store, name: str = "") -> Trained:
    """Return the trained model that `name` means: a model's name, or how a trial's id begins.

    Without a name it is the model that ships.

    Raises
    ------
    BenchError
        If there is none, or several; the message lists them.
    """
    if not name:
        return _shipped(plugins, "")
    if name in plugins.models:
        return _of_model(plugins, store, name)
    plugins.refuse_unsettled(name)
    try:
        return _of_trial(plugins, find_trial(store, name))
    except StoreError as error:
        raise BenchError(
            f"'{name}' is no model and no trial",
            why=did_you_mean(name, plugins.models) or error.what,
            fix="see bench list models",
        ) from error


def _shipped(plugins: Plugins, name: str) -> Trained:
    for spec in plugins.models.values():
        if spec.shipped is not None and name in ("", spec.name):
            record = read_trial(spec.shipped)
            return Trained(spec=spec, folder=spec.shipped, record=record, is_shipped=True)
    raise BenchError(
        f"{name or 'no model'} ships trained",
        fix="train one and name it: bench run -m cnn-mnist-compact, then --model cnn-mnist-compact",
    )


def _of_model(plugins: Plugins, store: Store, name: str) -> Trained:
    # Imported here: a photo is read by what ships without any board.
    from bench.board.leaderboard import leaderboards

    # Reading must not make a store where there is none.
    boards = leaderboards(store) if store.trials.is_dir() else []
    rows = [row for board in boards for row in board.rows if row.model == name]
    rows = [row for row in rows if row.state is State.OK]
    # A trial has a row on every split it was evaluated on, int8 among them: count it once.
    by_trial = _newest(store, {row.trials[0]: row for row in reversed(rows)})
    if not by_trial:
        if plugins.models[name].shipped is not None:
            return _shipped(plugins, name)
        raise BenchError(
            f"{name} has not been trained",
            why=f"{store.root} has no trial of it",
            fix=f"bench run -m {name}",
        )
    if len(by_trial) > 1:
        listed = ", ".join(
            f"{trial} ({' '.join(filter(None, (row.train_dataset, row.variant)))})"
            for trial, row in by_trial.items()
        )
        raise BenchError(f"{name} has several trials", why=listed, fix="name one by its id")
    (trial,) = by_trial
    return _of_trial(plugins, store.trial(trial))


def _newest(store: Store, by_trial: dict[str, Row]) -> dict[str, Row]:
    """Return the last trial of each training dataset and variant: sources change, names do not."""
    newest: dict[tuple[str, str], str] = {}
    for trial in sorted(by_trial, key=lambda name: read_trial(store.trial(name)).started_at):
        newest[by_trial[trial].train_dataset, by_trial[trial].variant] = trial
    return {trial: by_trial[trial] for trial in newest.values()}


def _of_trial(plugins: Plugins, folder: Path) -> Trained:
    record = read_trial(folder)
    if record.state is not State.OK:
        raise BenchError(f"trial {record.trial_id} did not succeed", why=record.reason)
    is_file = variant_of(record).origin == MODEL_FILE
    spec = ready_spec(record.model) if is_file else plugins.models.get(record.model)
    if spec is None:
        raise BenchError(
            f"trial {record.trial_id} is of {record.model}", why="no plugin registers that model"
        )
    return Trained(spec=spec, folder=folder, record=record)
