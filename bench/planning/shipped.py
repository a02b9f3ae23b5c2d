"""Models that ship trained: rows on own folders and other evaluation-only data, at no training."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.loading.refs import LoadedDataset
from bench.planning.evaluations import evaluation_of, told_apart
from bench.planning.grid import Cell, CellState
from bench.planning.shelf import Shelf
from bench.planning.task import PluginRef, TrialTask
from bench.plugins.discovery import Plugins
from bench.spec import ModelSpec, Style
from bench.store.atomic import publish_folder, readable_failure
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import variant_of

__all__ = ["import_shipped", "shipped_cells", "stored_cell"]


def shipped_cells(
    plugins: Plugins,
    models: Iterable[ModelSpec],
    tests_for: Mapping[Style, Sequence[LoadedDataset]],
    store: Store,
) -> list[Cell]:
    """Return a cell for each selected model that ships trained.

    Parameters
    ----------
    tests_for : mapping
        The evaluation-only datasets, as models trained on data of each style need to see them.
    """
    cells = []
    for spec in models:
        if spec.shipped is not None:
            cell = _cell(plugins, spec, spec.shipped, tests_for, store)
            if cell is not None:
                cells.append(cell)
    return cells


def _cell(
    plugins: Plugins,
    spec: ModelSpec,
    folder: Path,
    tests_for: Mapping[Style, Sequence[LoadedDataset]],
    store: Store,
) -> Cell | None:
    record = read_trial(folder)
    tests = [
        test
        for test in tests_for.get(Style(record.train_style), ())
        if test.test is not None and set(test.classes) <= set(record.classes)
    ]
    home = plugins.homes[spec.name]
    return stored_cell(
        folder,
        PluginRef(module=home.module, file=home.file),
        tests,
        store,
        heavy="tensorflow" in record.identity.requires,
    )


def stored_cell(
    folder: Path,
    plugin: PluginRef,
    tests: Sequence[LoadedDataset],
    store: Store,
    *,
    heavy: bool,
) -> Cell | None:
    """Return the cell of a trained model's folder on some test splits; None where there is none.

    Parameters
    ----------
    folder : Path
        It holds ``record.json`` and ``model/``, as a trial in a store does.
    tests : sequence of LoadedDataset
        Whose classes it knows.
    """
    record = read_trial(folder)
    evaluations = tuple(
        evaluation_of(record.trial_id, record.train_dataset, record.classes, test) for test in tests
    )
    evaluations = told_apart(evaluations, record.trial_id, Shelf.of(store))
    missing = tuple(
        each
        for each in evaluations
        if not store.evaluation(record.trial_id, each.evaluation_id).is_dir()
    )
    if not evaluations:
        return None
    task = TrialTask(
        trial_id=record.trial_id,
        config_id=record.config_id,
        identity=record.identity,
        plugin=plugin,
        model=record.model,
        summary=record.summary,
        variant=variant_of(record),
        options=record.identity.options,
        train_dataset=record.train_dataset,
        train_style=record.train_style,
        probabilities=record.probabilities,
        deterministic=record.deterministic,
        classes=record.classes,
        image_shape=record.image_shape,
        seed=record.seed,
        precision=record.precision,
        train=None,
        evaluations=missing,
        stored=str(folder),
        heavy=heavy,
    )
    return Cell(
        model=record.model,
        train_dataset=record.train_dataset,
        seed=record.seed,
        variant=variant_of(record),
        state=CellState.TO_EVALUATE if missing else CellState.CACHED,
        task=task if missing else None,
    )


def import_shipped(store: Store, task: TrialTask) -> None:
    """Copy a shipped trial into the store, where the records of its evaluations look for it.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    final = store.trial(task.trial_id)
    if final.exists():
        return
    work = store.new_work_folder()
    with readable_failure(store.root):
        shutil.copytree(task.stored, work, dirs_exist_ok=True)
        publish_folder(work, final)
