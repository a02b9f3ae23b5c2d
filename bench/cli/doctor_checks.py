"""What ``bench doctor`` looks at: versions, machine, data, store, plugins, a foreign ``bench``."""

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Final

from bench.cli.plan_lines import machine_words
from bench.config import find_config, read_config
from bench.errors import BenchError, StoreError
from bench.execution.machine import machine_facts
from bench.execution.privacy import private_words, scrub_paths
from bench.loading.cache import cache_folder
from bench.loading.files import data_dirs, find_files
from bench.planning.processor import has_bfloat16
from bench.planning.request import Session
from bench.plugins.discovery import load_plugins
from bench.render.hints import prog
from bench.store.layout import Store, store_of
from bench.store.locks import STALE_SECONDS, locks_in
from bench.views.doctor import Finding

__all__ = ["examine", "shareable"]

# What a run cannot do without; the command that installs it is the remedy.
_REQUIRED: Final = (
    "tensorflow",
    "keras",
    "scikit-learn",
    "numpy",
    "pandas",
    "pyarrow",
    "h5py",
    "scipy",
    "scikit-image",
    "pillow",
    "typer",
    "rich",
)
_OPTIONAL: Final = {
    "scikit-learn-intelex": "the SVM and the forest run several times slower without it",
    "ai-edge-litert": "needed for --quantize int8",
    "pillow-heif": "needed to read HEIC photos",
    "distributed": "needed for --backend dask",
}
_HOLDER: Final = re.compile(r"^.*? on .*? \(process")
_PYTHONS: Final = ((3, 11), (3, 14))
_LOW_MEMORY_BYTES: Final = 4_000_000_000
_LOW_DISK_BYTES: Final = 1_000_000_000


def examine(
    *, store: Path | None, data_dir: Path | None, plugins: tuple[str, ...]
) -> list[Finding]:
    """Return every finding; nothing that is broken here stops the others from being looked at."""
    findings = [*_versions(), *_machine(), *_commands()]
    try:
        # Not open_session: it refuses a broken plugin that is named, which is a finding here.
        config = read_config(find_config())
        session = Session(
            config=config,
            plugins=load_plugins([*config.plugins, *plugins], config.disable, config.prefer),
            store=store_of(store, config),
            search=data_dirs(data_dir, config.data_dir),
        )
    except BenchError as error:
        return [*findings, _wrong("plugins", "cannot be loaded", str(error))]
    findings += _plugins(session)
    findings += _data(session, data_dir)
    findings += _locks(session.store)
    return findings + list(_folders(store))


def shareable(finding: Finding) -> Finding:
    """Return a finding without user, host and folders, for others to read."""
    words = private_words()
    if finding.section == "locks":
        finding = replace(finding, value=_HOLDER.sub("(process", finding.value))
    return replace(
        finding,
        name=scrub_paths(finding.name, words),
        value=scrub_paths(finding.value, words),
        remedy=scrub_paths(finding.remedy, words),
    )


def _fact(section: str, name: str, value: str) -> Finding:
    return Finding(section=section, name=name, value=value)


def _wrong(section: str, name: str, value: str, remedy: str = "") -> Finding:
    return Finding(section=section, name=name, value=value, is_wrong=True, remedy=remedy)


def _versions() -> Iterator[Finding]:
    from bench import __version__

    yield _fact("versions", "digitbench", __version__)
    python = sys.version.split()[0]
    low, high = _PYTHONS
    if low <= sys.version_info[:2] < high:
        yield _fact("versions", "python", python)
    else:
        wanted = f"{low[0]}.{low[1]} to {high[0]}.{high[1] - 1}"
        yield _wrong("versions", "python", python, f"digitbench needs {wanted}")
    for name in _REQUIRED:
        version = _version(name)
        if version is None:
            yield _wrong("versions", name, "not installed", f"pip install {name}")
        else:
            yield _fact("versions", name, version)
    for name, purpose in _OPTIONAL.items():
        yield _fact("versions", name, _version(name) or f"not installed: {purpose}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _machine() -> Iterator[Finding]:
    facts = machine_facts()
    yield _fact("machine", "resources", machine_words(facts))
    instructions = f", {facts.instruction_set}" if facts.instruction_set else ""
    yield _fact("machine", "processor", f"{facts.processor}{instructions}")
    yield _fact("machine", "system", facts.system)
    if facts.accelerator:
        fast, why = True, f"accelerator {facts.accelerator}"
    else:
        fast, why = has_bfloat16(), f"the processor has {'' if has_bfloat16() else 'no '}bfloat16"
    precision = "bfloat16" if fast else "float32"
    yield _fact("machine", "precision auto", f"{precision} for networks: {why}")
    if facts.memory_bytes < _LOW_MEMORY_BYTES:
        yield _wrong("machine", "memory", "less than 4 GB", "use --budget quick and -j 1")


def _commands() -> Iterator[Finding]:
    """Look for a `bench` that is not ours: on the PATH, or installed by another distribution."""
    yield _fact("commands", "this program", f"{prog()} ({sys.executable})")
    others = [
        f"{entry.dist.name} {entry.dist.version}"
        for entry in metadata.entry_points(group="console_scripts", name="bench")
        if entry.dist is not None and entry.dist.name.lower() != "digitbench"
    ]
    for other in dict.fromkeys(others):
        yield _wrong("commands", "bench", f"belongs to {other} as well", "type digitbench")
    found = shutil.which("bench")
    if found is None:
        yield _fact("commands", "bench", "not on the PATH")
    elif _is_ours(Path(found)):
        yield _fact("commands", "bench", found)
    else:
        yield _wrong("commands", "bench", f"{found} is another program", "type digitbench")


def _is_ours(script: Path) -> bool:
    """Tell from its text whether a script starts digitbench; scripts are small."""
    try:
        text = script.read_bytes()[:20_000]
    except OSError:
        return False
    own = Path(sysconfig.get_path("scripts"), script.name)
    return b"bench.cli" in text or b"digitbench" in text or script.resolve() == own.resolve()


def _plugins(session: Session) -> Iterator[Finding]:
    plugins = session.plugins.plugins
    good = sum(plugin.state == "loaded" for plugin in plugins)
    yield _fact("plugins", "loaded", f"{good} of {len(plugins)}")
    for plugin in plugins:
        origin = f"{plugin.candidate.name} ({plugin.candidate.origin})"
        if plugin.state == "broken":
            yield _wrong("plugins", origin, f"broken: {plugin.reason}")
        elif plugin.state == "disabled":
            yield _fact("plugins", origin, plugin.reason)
    for name, sentence in session.plugins.conflicts.items():
        yield _wrong("plugins", name, sentence, "rename one, or see [prefer] of bench.toml")


def _data(session: Session, data_dir: Path | None) -> Iterator[Finding]:
    named = {data_dir, _from_environment("BENCH_DATA_DIR"), session.config.data_dir}
    for folder in session.search:
        if folder.is_dir():
            yield _fact("data", "looked for in", str(folder))
        elif folder in named:
            yield _wrong("data", "looked for in", f"{folder}: there is no such folder")
        else:
            yield _fact("data", "looked for in", f"{folder} (not there yet)")
    for name, spec in sorted(session.plugins.datasets.items()):
        if spec.files:
            files = find_files(spec, session.search)
            found = "not found" if files is None else ", ".join(map(str, files))
            yield _fact("data", name, found)


def _locks(store: Store) -> Iterator[Finding]:
    try:
        for name, holder, seconds in locks_in(store.locks):
            if holder is None:
                yield _wrong("locks", name, "names no holder", "remove it when nothing runs")
            elif holder.is_gone():
                yield _fact("locks", name, f"{holder}, who is gone: the next run replaces it")
            elif holder.is_here() or seconds < STALE_SECONDS:
                yield _fact("locks", name, f"{holder}, renewed {seconds:.0f} s ago")
            else:
                old = f"not renewed for {seconds / 60:.0f} min: the next run replaces it"
                yield _fact("locks", name, f"{holder}, {old}")
    except StoreError as error:
        yield _wrong("locks", error.what, error.why, error.fix)


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name, "")
    return Path(value).expanduser() if value else None


def _folders(explicit: Path | None) -> Iterator[Finding]:
    config = read_config(find_config())
    if config.path is not None:
        yield _fact("folders", "bench.toml", str(config.path))
    yield _writable("store", store_of(explicit, config).root)
    try:
        yield _writable("data cache", cache_folder())
    except BenchError as error:
        yield _wrong("folders", "data cache", f"{error.what}: {error.why}", error.fix)


def _writable(name: str, folder: Path) -> Finding:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if not os.access(place, os.W_OK):
        return _wrong("folders", name, f"{folder} cannot be written", "choose another")
    free = shutil.disk_usage(place).free
    value = f"{folder} ({free / 1e9:.0f} GB free)"
    if free < _LOW_DISK_BYTES:
        return _wrong("folders", name, value, "the disk is nearly full")
    return _fact("folders", name, value)
