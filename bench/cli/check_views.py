"""What ``bench check`` runs and prints."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from bench.errors import BenchError, DataMissingError, OptionError, PluginError, unknown
from bench.loading.files import find_files
from bench.options import OptionValue, parse_setting, resolve_options
from bench.planning.missing import missing_engine
from bench.planning.request import Session
from bench.plugins.discovery import Candidate
from bench.render.console import make_console, plain
from bench.session import open_session
from bench.testing import (
    DATASET_CHECKS,
    MODEL_CHECKS,
    CheckLimits,
    CheckResult,
    CheckState,
    DatasetCase,
    ModelCase,
    run_checks_apart,
)

if TYPE_CHECKING:
    from bench.spec import DatasetSpec, ModelSpec

__all__ = ["Asked", "run_benchmark", "show_checks"]

_SYMBOLS: Final = {
    CheckState.PASSED: ("✓", "good"),
    CheckState.DECLARED: ("✓", "warn"),
    CheckState.NOT_APPLICABLE: ("–", "quiet"),
    CheckState.FAILED: ("✗", "bad"),
    CheckState.SKIPPED: ("!", "bad"),
}
_NEEDED: Final = ("pytest", "pytest_benchmark")
_PYTEST_PASSED, _PYTEST_FAILED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of ``bench check``."""

    name: str
    settings: tuple[str, ...] = ()
    threads: int = 1
    timeout_seconds: float = 60.0
    memory_bytes: int = 4 << 30
    json_file: Path | None = None
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()


def show_checks(asked: Asked) -> int:
    """Run every check, print a row for each as it ends, and return the exit code.

    Raises
    ------
    BenchError
        If nothing has that name, a dataset's files are missing, or an option does not exist.
    """
    asked, session = _opened(asked)
    home, values = _find(session, asked)
    _quieten_engines()
    if asked.name in session.plugins.models:
        spec = session.plugins.models[asked.name]
        if reason := missing_engine(spec, home):
            raise BenchError(f"{asked.name} cannot be checked here", why=reason)
        where = {"module": home.module, "file": home.file}
        model = ModelCase(spec, **where, settings=values, threads=asked.threads)
        return _show(asked, "model", MODEL_CHECKS, model)
    return _show(asked, "dataset", DATASET_CHECKS, _dataset_case(session, asked.name, home, values))


def _dataset_case(
    session: Session, name: str, home: Candidate, values: dict[str, OptionValue]
) -> DatasetCase:
    spec = session.plugins.datasets[name]
    paths = find_files(spec, session.search) if spec.files else ()
    if paths is None:
        raise DataMissingError(f"{name} is not on this machine", fix=spec.how_to_get)
    return DatasetCase(spec, module=home.module, file=home.file, paths=paths, settings=values)


def run_benchmark(asked: Asked, pytest_arguments: tuple[str, ...]) -> int:
    """Measure a model in a process of its own by pytest-benchmark; return the exit code.

    Raises
    ------
    BenchError
        If pytest-benchmark is not installed, no model has that name, or pytest refuses its
        arguments.
    """
    missing = [name.replace("_", "-") for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise BenchError(
            "bench check --benchmark",
            why=f"{' and '.join(missing)} is not installed",
            fix=f"install it with: {sys.executable} -m pip install pytest pytest-benchmark",
        )
    asked, session = _opened(asked)
    home, values = _find(session, asked)
    if asked.name not in session.plugins.models:
        raise BenchError(f"{asked.name} is a dataset", why="only a model's speed is measured")
    if asked.json_file is not None and not asked.json_file.absolute().parent.is_dir():
        raise BenchError(f"--json {asked.json_file}", why="there is no such folder")
    told = {
        "module": home.module,
        "file": home.file,
        "model": asked.name,
        "settings": values,
        "threads": asked.threads,
    }
    with TemporaryDirectory() as folder:
        command = _pytest_command(Path(folder), asked.json_file, pytest_arguments)
        environment = {**os.environ, **_quiet_variables(), "BENCH_CHECK": json.dumps(told)}
        # Started from tests that run side by side, pytest-benchmark would measure nothing.
        environment.pop("PYTEST_XDIST_WORKER", None)
        done = subprocess.run(command, env=environment, check=False)
    if done.returncode not in (_PYTEST_PASSED, _PYTEST_FAILED):
        raise BenchError(
            f"pytest ended with code {done.returncode}", why="its own message is above"
        )
    return done.returncode


def _pytest_command(folder: Path, json_file: Path | None, arguments: Iterable[str]) -> list[str]:
    # A configuration of its own: that of the folder the user stands in is for other tests.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    suite = Path(__file__).parents[1] / "testing" / "benchmark_suite.py"
    command = [sys.executable, "-m", "pytest", str(suite), "-q", "-p", "no:cacheprovider"]
    command += ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    command += ["--import-mode=importlib", "--benchmark-only"]
    if json_file is not None:
        command.append(f"--benchmark-json={json_file.absolute()}")
    return [*command, *arguments]


def _opened(asked: Asked) -> tuple[Asked, Session]:
    """Return what is asked with a plugin's file replaced by what it registers.

    Raises
    ------
    BenchError
        If a file registers nothing that is checked, or several things.
    """
    if not asked.name.endswith(".py"):
        return asked, open_session(data_dir=asked.data_dir, plugins=asked.plugins)
    plugins = (*asked.plugins, asked.name)
    session = open_session(data_dir=asked.data_dir, plugins=plugins)
    file = str(Path(asked.name).expanduser().resolve())
    (plugin,) = (p for p in session.plugins.plugins if p.candidate.file == file)
    if plugin.state != "loaded":
        raise PluginError(f"plugin {asked.name} is {plugin.state}", why=plugin.reason)
    names = (*plugin.models, *plugin.datasets)
    if len(names) != 1:
        said = f"it registers {', '.join(names) or 'no model and no dataset'}"
        fix = f"name one of them: bench check {names[0]} --plugin {asked.name}" if names else ""
        raise BenchError(f"bench check {asked.name}", why=said, fix=fix)
    return replace(asked, name=names[0], plugins=plugins), session


def _find(session: Session, asked: Asked) -> tuple[Candidate, dict[str, OptionValue]]:
    """Return where the plugin is, and the options that were set for it."""
    plugins = session.plugins
    known: dict[str, DatasetSpec | ModelSpec] = {**plugins.datasets, **plugins.models}
    if asked.name not in known:
        plugins.refuse_unsettled(asked.name)
        raise unknown("model or dataset", asked.name, known, where="bench list")
    values: dict[str, OptionValue] = {}
    for text in asked.settings:
        owner, option, value = parse_setting(text)
        if owner != asked.name:
            raise OptionError(f"--set {text}", why=f"only {asked.name} is checked here")
        values[option] = value
    declared = known[asked.name].options
    resolved = resolve_options(asked.name, declared, values)
    return plugins.homes[asked.name], {name: resolved[name] for name in values}


def _show(
    asked: Asked,
    kind: str,
    checks: Sequence[Callable[[Any], str | None]],
    case: ModelCase | DatasetCase,
) -> int:
    console = make_console()
    console.print(plain(f"{asked.name} · the contract of a {kind}", "heading"))
    results: list[CheckResult] = []
    limits = CheckLimits(seconds=asked.timeout_seconds, memory_bytes=asked.memory_bytes)
    for result in run_checks_apart(checks, case, limits):
        symbol, style = _SYMBOLS[result.state]
        named = f" [{result.name}]" if result.state.is_fault else ""
        console.print(plain(symbol, style), plain(f"{result.claim}{named}"))
        for line in result.lines:
            console.print(Text("    ").append(plain(line)))
        results.append(result)
    for line in _summary(results):
        console.print(plain(line))
    if asked.json_file is not None:
        _write(asked.json_file, asked.name, results)
    return int(any(result.state.is_fault for result in results))


def _summary(results: Sequence[CheckResult]) -> list[str]:
    """Return how many checks passed and failed, and in the last line how many were run."""
    counts = Counter(result.state for result in results)
    ended = (CheckState.PASSED, CheckState.DECLARED, CheckState.FAILED)
    said = ", ".join(
        f"{counts[state]} {state}" for state in ended if counts[state] or state != ended[1]
    )
    absent = [r for r in results if r.state is CheckState.NOT_APPLICABLE]
    why = "; ".join(dict.fromkeys(r.lines[0] for r in absent if r.lines))
    n_run = sum(counts[state] for state in ended)
    of_them = f" ({why})" if why else ""
    return [
        said,
        f"{n_run} run, {len(absent)} not applicable{of_them}, {counts[CheckState.SKIPPED]} skipped",
    ]


def _write(path: Path, name: str, results: Iterable[CheckResult]) -> None:
    rows = [
        {
            "name": name,
            "check": result.name,
            "claim": result.claim,
            "state": str(result.state),
            "lines": list(result.lines),
            "traceback": result.trace,
        }
        for result in results
    ]
    try:
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(f"--json {path}", why=f"cannot be written: {error.strerror}") from error


def _quiet_variables() -> dict[str, str]:
    """Keep TensorFlow's start-up messages out of the table; a set variable stays."""
    return {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}


def _quieten_engines() -> None:
    os.environ.update(_quiet_variables())
