"""What a run would do: ``bench.toml`` and the plugins read, a request made into a plan."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.board.metrics_in_use import use_metrics
from bench.config import find_config, read_config
from bench.errors import BenchError
from bench.loading.cache import cache_folder
from bench.loading.files import data_dirs
from bench.loading.refs import LoadedDataset
from bench.planning.estimate import Pace, run_seconds, with_estimates
from bench.planning.grid import Cell, Plan, TrainedOn, plan_trials
from bench.planning.request import Request, Session
from bench.planning.selection import select
from bench.planning.shards import in_shard
from bench.planning.shipped import shipped_cells
from bench.plugins.discovery import Plugins, load_plugins
from bench.plugins.finding import named_plugins
from bench.render.notices import tell_once
from bench.spec import ModelSpec
from bench.store.layout import store_of

__all__ = ["open_session", "plan"]

_LOSSES_SAID = 5


def open_session(
    *,
    store: Path | None = None,
    data_dir: Path | None = None,
    plugins: Iterable[str] = (),
) -> Session:
    """Read ``bench.toml`` and load every plugin.

    Raises
    ------
    BenchError
        If ``bench.toml`` is wrong.
    """
    config = read_config(find_config())
    loaded = load_plugins([*config.plugins, *plugins], config.disable, config.prefer)
    for name in plugins:
        broken = [each for each in loaded.broken if each.candidate in named_plugins([name])]
        if broken:
            raise BenchError(f"plugin {name}", why=broken[0].reason)
    tell_once(loaded.warnings())
    use_metrics(loaded.metrics.values())
    return Session(
        config=config,
        plugins=loaded,
        store=store_of(store, config),
        search=data_dirs(data_dir, config.data_dir),
    )


def plan(request: Request) -> Plan:
    """Return what `request` would do, without training anything.

    Raises
    ------
    BenchError
        If nothing matches, a named dataset is missing or wrong, or an option does not exist.
    """
    session = open_session(store=request.store, data_dir=request.data_dir, plugins=request.plugins)
    chosen = select(session, request)
    cells = plan_trials(
        session.plugins,
        chosen.models,
        chosen.pairings,
        request.seeds,
        replace(chosen.settings, is_fast_in_bfloat16=_is_fast(request, chosen.models)),
        session.store,
    )
    cells += shipped_cells(session.plugins, chosen.models, chosen.evaluation_only, session.store)
    cells += _of_files(request, session, chosen.read_by_files)
    n_trials = sum(bool(cell.trial_id) for cell in cells)
    if request.shard is not None:
        cells = in_shard(cells, request.shard)
    jobs = _jobs(request, cells)
    cells = with_estimates(
        [*cells, *chosen.failed],
        session.plugins.models,
        session.store,
        lambda: _pace(session.plugins, jobs, request.cache_dir),
    )
    return Plan(
        cells=tuple(cells),
        store=session.store.root,
        fine_tune=chosen.fine_tune,
        evaluated=tuple(
            dict.fromkeys(t.name for t in (*_tested(chosen.pairings), *chosen.read_by_files))
        ),
        notes=(*_notes(chosen.pairings), *_shard_note(request, n_trials, cells)),
        jobs=jobs,
        estimated_seconds=run_seconds(cells, jobs),
    )


def _is_fast(request: Request, models: Sequence[ModelSpec]) -> bool | None:
    if request.backend == "local":
        return None
    from bench.execution.backends import is_fast_in_bfloat16

    return is_fast_in_bfloat16(request, models)


def _tested(pairings: Iterable[TrainedOn]) -> list[LoadedDataset]:
    return [test for pairing in pairings for test in pairing.tests]


def _of_files(request: Request, session: Session, tests: Sequence[LoadedDataset]) -> list[Cell]:
    """Return the cells of model files; each is looked at first, once.

    Raises
    ------
    BenchError
        If only they are asked for, with an option that is of models trained here.
    """
    if not request.model_files:
        return []
    for name in ("quantize", "corruptions", "train_sizes", "fine_tune"):
        if request.is_of_files_only and getattr(request, name):
            raise BenchError(
                f"--{name.replace('_', '-')}",
                why="model files are read as they are",
                fix="leave it out, or name models to train with -m",
            )
    from bench.execution.inspecting import file_models
    from bench.planning.model_files import file_cells

    return file_cells(file_models(request, session.plugins), tests, session.store)


def _shard_note(request: Request, n_trials: int, cells: Sequence[Cell]) -> tuple[str, ...]:
    if request.shard is None:
        return ()
    n_here = sum(bool(cell.trial_id) for cell in cells)
    return (f"share {request.shard.number} of {request.shard.of}: {n_here} of {n_trials} trials",)


def _jobs(request: Request, cells: Sequence[Cell]) -> int:
    tasks = [cell.task for cell in cells if cell.task is not None]
    if not tasks:
        return 1
    # Imported here, as in `_run`.
    from bench.execution.scheduling import choose_jobs

    return choose_jobs(request.jobs, tasks) if request.isolate else 1


def _pace(plugins: Plugins, jobs: int, cache_dir: Path | None) -> Pace:
    from bench.execution.engine import threads_of_trial
    from bench.execution.machine import machine_facts
    from bench.planning.probe import machine_speed

    facts = machine_facts()
    processor = f"{facts.processor} {facts.instruction_set}"
    speed = machine_speed(plugins.models.values(), processor, cache_folder(cache_dir))
    return Pace(speed=speed, threads=threads_of_trial(jobs))


def _notes(trained_on: Sequence[TrainedOn]) -> tuple[str, ...]:
    tests = {test.name: test for pairing in trained_on for test in pairing.tests}
    return tuple(
        f"{name}: {note}" for name, test in tests.items() for note in (*test.notes, *_losses(test))
    )


def _losses(test: LoadedDataset) -> list[str]:
    """Say which samples are not scored or count as wrong; of many, the first."""
    lost = [f"{found.sample}: {found.fault}" for found in test.findings if found.is_lost]
    more = len(lost) - _LOSSES_SAID
    said = lost[:_LOSSES_SAID] if more > 1 else lost
    return [*said, *([f"… and {more} more: bench data inspect"] if more > 1 else [])]
