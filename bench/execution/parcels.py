"""Folders on their way to and from another machine, and tasks that name them there."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath

import msgspec

from bench.errors import BenchError
from bench.loading.refs import SplitRef
from bench.planning.task import EvaluationTask, PluginRef, TrialTask
from bench.plugins.finding import BUILT_IN_PACKAGES
from bench.plugins.ground import ground_of
from bench.plugins.sources import is_installed, read_sources

__all__ = [
    "PLUGIN",
    "Parcel",
    "n_bytes_of",
    "pack",
    "parcels_of",
    "relocated",
    "safe_name",
    "search_within",
    "unpack",
]

_PLUGIN_BYTES_MAX = 50 << 20
_PLUGIN_FILES_MAX = 2_000
_HERE = (*BUILT_IN_PACKAGES, "bench")
PLUGIN = "plugin-"
"""Begins the key of a plugin's parcel."""
_NOT_SENT = frozenset({"__pycache__", "node_modules", "results"})


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Files that a worker needs: sent once to each, under a key that their content decides."""

    key: str
    root: str
    names: tuple[str, ...]
    note: str = ""
    """What of it is not sent, and why; empty: it is whole."""


def parcels_of(task: TrialTask, known: dict[str, Parcel | None]) -> dict[str, Parcel]:
    """Return what a task needs, by the path that it names: splits, models, its plugin.

    A plugin goes by its file or its module; one that is installed is none that is sent.

    Parameters
    ----------
    known : dict
        The splits and plugins of earlier tasks, which are neither listed nor read again; filled.
    """
    found: dict[str, Parcel] = {}
    for ref in _refs(task):
        # Beside the images lies what is computed of them: made where it is missing. A folder of
        # their own, as here: what lies in the data cache is no part of a plugin.
        if (split := known.get(ref.folder)) is None:
            split = _folder(Path(ref.folder), f"data/splits/{ref.content_hash}")
        known[ref.folder] = found[ref.folder] = split
    for path in filter(None, (task.stored, task.initial_weights)):
        found[path] = _folder(Path(path), "")
    name = task.plugin.file or task.plugin.module
    if name not in known:
        known[name] = _plugin(task.plugin)
    if (plugin := known[name]) is not None:
        found[name] = plugin
    return found


def _refs(task: TrialTask) -> Iterable[SplitRef]:
    if task.train is not None:
        yield task.train
    for evaluation in (*task.evaluations, *([task.track] if task.track else [])):
        yield evaluation.split


def _folder(folder: Path, key: str) -> Parcel:
    names = _below(folder)
    if not names:
        raise BenchError(f"{folder}", why="is to be sent to a worker, and is not there")
    return Parcel(key=key or _key(folder, names), root=str(folder), names=names)


def _below(folder: Path) -> tuple[str, ...]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in files))


def _key(root: Path, names: Iterable[str]) -> str:
    digest = sha256()
    for name in names:
        with suppress(FileNotFoundError):  # beside a plugin another program's files come and go
            digest.update(f"{name}\0".encode() + sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()[:32]


def _plugin(plugin: PluginRef) -> Parcel | None:
    """Return a plugin's files, as its notes name them: relative to its project.

    All of the project is sent, else its folder or package, else what it imports: the most of these
    that is small enough.
    """
    top = plugin.module.partition(".")[0]
    ground = None if top in _HERE else ground_of(module=plugin.module, file=plugin.file)
    sources = read_sources(module=plugin.module, file=plugin.file)
    if ground is None or (plugin.module and is_installed(sources.root)):
        return None
    home = sources.root / top if plugin.module else sources.root
    home = home if home.is_dir() else sources.root
    paths = {path for path in sources.paths if path.is_file()}
    whole, part = _small(ground.anchor), _small(home)
    paths.update(whole or part)
    names = tuple(sorted(path.relative_to(ground.anchor).as_posix() for path in paths))
    key = f"{PLUGIN}{_key(ground.anchor, names)}"
    is_cut = not whole and not is_installed(ground.anchor)
    note = _cut_words(ground.anchor, home if part else None) if is_cut else ""
    return Parcel(key=key, root=str(ground.anchor), names=names, note=note)


def _cut_words(project: Path, home: Path | None) -> str:
    size = f"{_PLUGIN_BYTES_MAX >> 20} MB or {_PLUGIN_FILES_MAX:,} files"
    sent = "the files that it imports" if home is None else f"{home.relative_to(project)}/"
    return f"{project} holds more than {size}: of it a worker is sent {sent} alone"


def search_within(plugin: PluginRef, parcel: Parcel, searched: Iterable[str]) -> str | None:
    """Return the folder of a plugin's parcel in which modules are looked for; None for none.

    `searched` is Python's path here: beside a file they are where it holds the file's folder.
    """
    sources = read_sources(module=plugin.module, file=plugin.file)
    is_searched = plugin.module or any(
        Path(each or ".").resolve() == sources.root.resolve() for each in searched
    )
    return sources.root.relative_to(parcel.root).as_posix() if is_searched else None


def _small(folder: Path) -> list[Path]:
    """Return the files below a folder; none where they are too many or too large to be sent."""
    found = [] if is_installed(folder) else _some_below(folder)
    is_small = len(found) <= _PLUGIN_FILES_MAX
    is_small = is_small and sum(map(n_bytes_of, found)) <= _PLUGIN_BYTES_MAX
    return found if is_small else []


def n_bytes_of(path: Path) -> int:
    """Return the size of a file, 0 where it is gone."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _some_below(folder: Path) -> list[Path]:
    """Return files below a folder, no more than one too many: it may be a home."""
    found: list[Path] = []
    waiting = [folder]
    while waiting and len(found) <= _PLUGIN_FILES_MAX:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_symlink() or path.name.startswith(".") or path.name in _NOT_SENT:
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file():
                found.append(path)
    return found


def relocated(task: TrialTask, keys: Mapping[str, tuple[str, str]], place: Path) -> TrialTask:
    """Return a task that names what it needs below `place`.

    Parameters
    ----------
    keys : mapping
        The path that the task names -> the parcel's key, and its name within the parcel.
    """

    def home(path: str) -> str:
        if path not in keys:  # nothing is named, or it is nowhere
            return path
        key, name = keys[path]
        return str(place / key / name if name else place / key)

    def moved(ref: SplitRef) -> SplitRef:
        return msgspec.structs.replace(ref, folder=home(ref.folder))

    def evaluated(each: EvaluationTask) -> EvaluationTask:
        return msgspec.structs.replace(each, split=moved(each.split))

    return msgspec.structs.replace(
        task,
        train=None if task.train is None else moved(task.train),
        evaluations=tuple(map(evaluated, task.evaluations)),
        track=None if task.track is None else evaluated(task.track),
        stored=home(task.stored),
        initial_weights=home(task.initial_weights),
        plugin=msgspec.structs.replace(task.plugin, file=home(task.plugin.file)),
    )


def pack(folder: Path, parts: Iterable[str] = ()) -> bytes:
    """Return what lies in a folder, or in these parts of it, as one zip file."""
    buffer = io.BytesIO()
    names = _below(folder) if folder.is_dir() else ()
    wanted = tuple(parts)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            if not wanted or name.partition("/")[0] in wanted:
                archive.write(folder / name, name)
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Write what `pack` packed; a name that leads elsewhere is refused.

    Raises
    ------
    BenchError
        If there is one: a worker is another program on another machine.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            path = folder / safe_name(info.filename)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))


def safe_name(name: str) -> str:
    """Return a relative name that stays below its folder.

    Raises
    ------
    BenchError
        If it does not.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or ":" in name:
        raise BenchError(f"a file named {name!r}", why="it would lie outside its folder")
    return path.as_posix()
