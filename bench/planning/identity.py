"""What decides a result, and the hash of it."""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import msgspec

from bench.errors import OptionError
from bench.options import OptionValue
from bench.planning.processor import has_bfloat16
from bench.plugins.finding import BUILT_IN_PACKAGES, Candidate
from bench.spec import ModelSpec, Precision
from bench.store.record import Identity

__all__ = [
    "changed_parts",
    "config_id",
    "evaluation_id",
    "identify",
    "resolve_precision",
    "trial_id",
]

_ID_LENGTH = 16
_IMPORTED = {
    "sklearn": ("scikit-learn",),
    "sklearnex": ("scikit-learn-intelex",),
    "sklearn_classifier": ("scikit-learn",),
    "keras": ("tensorflow", "keras"),
    "keras_classifier": ("tensorflow", "keras"),
    "keras_model": ("tensorflow", "keras"),
    "tensorflow": ("tensorflow", "keras"),
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "torch": ("torch",),
}


def identify(
    spec: ModelSpec,
    home: Candidate,
    *,
    options: Mapping[str, OptionValue],
    train_hash: str,
    seed: int,
    precision: str,
) -> Identity:
    """Return all that decides the result of a trial."""
    sources = plugin_sources(home)
    requires = derive_requires(sources) if spec.requires is None else spec.requires
    return Identity(
        model=spec.name,
        options=dict(options),
        model_source=hash_files(sources),
        harness_source=harness_hash(),
        train_hash=train_hash,
        seed=seed,
        precision=precision,
        requires=versions(requires),
    )


def trial_id(identity: Identity) -> str:
    """Return the id of the trial with this identity."""
    return _hash(msgspec.json.encode(identity, order="sorted"))


def config_id(identity: Identity) -> str:
    """Return the id that trials of the same configuration share, whatever their seed."""
    return _hash(msgspec.json.encode(msgspec.structs.replace(identity, seed=0), order="sorted"))


def evaluation_id(trial: str, test_hash: str, transform: Mapping[str, object]) -> str:
    """Return the id of an evaluation: the trial, the images as fed, what was done to either."""
    extra = msgspec.json.encode(dict(transform), order="sorted") if transform else b""
    return _hash(trial.encode() + test_hash.encode() + extra)


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:_ID_LENGTH]


def changed_parts(old: Identity, new: Identity) -> tuple[str, ...]:
    """Name in words what differs between two identities."""
    words = {
        "model_source": "the model's source",
        "harness_source": "the harness (adapters, image functions)",
        "train_hash": "the training images",
        "precision": f"precision {old.precision} → {new.precision}",
    }
    parts = [text for field, text in words.items() if getattr(old, field) != getattr(new, field)]
    for name in sorted(old.options.keys() | new.options.keys()):
        before, after = old.options.get(name), new.options.get(name)
        if before != after:
            parts.append(f"{name} {before} → {after}")
    parts.extend(
        f"{name} {old.requires.get(name, '–')} → {new.requires.get(name, '–')}"
        for name in sorted(old.requires.keys() | new.requires.keys())
        if old.requires.get(name) != new.requires.get(name)
    )
    return tuple(parts)


@cache
def plugin_sources(home: Candidate) -> tuple[Path, ...]:
    """Return the files whose bytes decide a plugin's results.

    A built-in or local plugin is its own file; a third-party one is every ``.py`` of its package.
    """
    if home.file:
        return (Path(home.file),)
    if home.module.partition(".")[0] in BUILT_IN_PACKAGES:
        spec = find_spec(home.module)
        return (Path(spec.origin),) if spec and spec.origin else ()
    spec = find_spec(home.module.partition(".")[0])
    if spec is None:
        return ()
    if spec.submodule_search_locations is None:
        return (Path(spec.origin),) if spec.origin else ()
    return tuple(
        sorted(
            path for place in spec.submodule_search_locations for path in Path(place).rglob("*.py")
        )
    )


@cache
def hash_files(paths: tuple[Path, ...]) -> str:
    """Return one hash of the bytes of these files, in this order, whatever their folders."""
    digest = sha256()
    for path in paths:
        data = path.read_bytes()
        digest.update(f"{path.name}:{len(data)}:".encode() + data)
    return digest.hexdigest()[:_ID_LENGTH]


@cache
def harness_hash() -> str:
    """Return the hash of ``bench/adapters`` and ``bench/images``."""
    root = Path(__file__).parents[1]
    return hash_files(
        tuple(
            sorted(path for part in ("adapters", "images") for path in (root / part).glob("*.py"))
        )
    )


@cache
def derive_requires(sources: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the distributions that compute, from the imports in a plugin's source."""
    found: set[str] = set()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(alias.name for alias in node.names)]
            for name in names:
                found.update(_IMPORTED.get(name.partition(".")[0], ()))
    return tuple(sorted(found))


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return major.minor of each distribution that is installed."""
    return {name: version for name in distributions if (version := _version(name))}


@cache
def _version(distribution: str) -> str:
    try:
        return ".".join(metadata.version(distribution).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ""


def resolve_precision(asked: str, spec: ModelSpec) -> Precision:
    """Return the precision a model trains in; ``auto`` asks the processor, not an engine.

    Raises
    ------
    OptionError
        If there is no such precision.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise OptionError(f"precision '{asked}'", why="it is one of auto, float32, bfloat16")
    if asked == "auto":
        fast = has_bfloat16() or Path("/proc/driver/nvidia").exists()
        return "bfloat16" if fast and "bfloat16" in spec.precisions else "float32"
    # A model with one precision only (a forest) keeps it: asking a whole grid for bfloat16 is fine.
    return "bfloat16" if asked == "bfloat16" and "bfloat16" in spec.precisions else "float32"
