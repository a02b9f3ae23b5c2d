"""What decides a result; its hashes are made in `bench.store.ids`."""

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder

from bench.errors import OptionError
from bench.options import OptionValue
from bench.planning.computing import harness_hash
from bench.planning.processor import has_bfloat16, visible_gpus
from bench.plugins.finding import Candidate
from bench.plugins.sources import Sources, hash_of_sources, imported_names, read_sources
from bench.spec import ModelSpec, Precision
from bench.store.record import Identity

__all__ = [
    "changed_parts",
    "engines_in_use",
    "identify",
    "requirements",
    "resolve_precision",
    "sources_of",
    "versions",
]

_ARCHIVE = "an archive"
_IMPORTED = {
    "sklearn": ("scikit-learn",),
    "sklearnex": ("scikit-learn-intelex",),
    "sklearn_classifier": ("scikit-learn",),
    "keras": ("tensorflow", "keras"),
    "keras_classifier": ("tensorflow", "keras"),
    "keras_model": ("tensorflow", "keras"),
    "tensorflow": ("tensorflow", "keras"),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "torch": ("torch",),
    "torch_classifier": ("torch",),
    "torch_model": ("torch",),
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
    sources = sources_of(home)
    return Identity(
        model=spec.name,
        options=dict(options),
        model_source=hash_of_sources(sources),
        harness_source=harness_hash(),
        train_hash=train_hash,
        seed=seed,
        precision=precision,
        requires=versions(requirements(spec, sources)),
    )


def changed_parts(old: Identity, new: Identity) -> tuple[str, ...]:
    """Name in words what differs between two identities."""
    words = {
        "model_source": "the model's code",
        "harness_source": "the harness's code",
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


def sources_of(home: Candidate) -> Sources:
    """Return the source files of a plugin as they are now."""
    return read_sources(module=home.module, file=home.file)


def requirements(spec: ModelSpec, sources: Sources) -> tuple[str, ...]:
    """Return the distributions that compute: declared, or seen in the imports of the sources."""
    if spec.requires is not None:
        return spec.requires
    found: set[str] = set()
    for name in imported_names(sources):
        found.update(_IMPORTED.get(name, ()))
    return tuple(sorted(found))


def engines_in_use(modules: Iterable[str]) -> dict[str, str]:
    """Return major.minor of the engines among some top-level modules."""
    return versions(sorted({name for each in modules for name in _IMPORTED.get(each, ())}))


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return major.minor of each distribution that is installed."""
    return {name: version for name in distributions if (version := _version(name))}


@cache
def _version(distribution: str) -> str:
    found = _named_in_folders(distribution)
    if len(found) == 1:
        return found[0]
    # Its import takes longer than all the questions.
    from importlib import metadata

    try:
        return ".".join(metadata.version(distribution).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ""


def _named_in_folders(distribution: str) -> list[str]:
    """Return major.minor as the names of a distribution's folders on the search path say it.

    None where something else than folders may know of distributions, or where a folder is of
    another kind: then only `importlib.metadata` can say.
    """
    if any(hasattr(f, "find_distributions") for f in sys.meta_path if f is not PathFinder):
        return []
    begins = f"{distribution.replace('-', '_').lower()}-"
    described = [name for place in sys.path for name in _described(place)]
    names = [name for name in described if name.startswith(begins) or name == _ARCHIVE]
    if any(not name.endswith(".dist-info") for name in names):
        return []
    return [".".join(name.removeprefix(begins).split(".")[:2]) for name in names]


@cache
def _described(place: str) -> tuple[str, ...]:
    """Return the names of what describes distributions in one place of the search path."""
    try:
        names = os.listdir(place or ".")  # noqa: PTH208  # names alone
    except NotADirectoryError:
        return (_ARCHIVE,)
    except OSError:
        return ()
    ends = (".dist-info", ".egg-info", ".egg", ".egg-link")
    return tuple(name.lower() for name in names if name.endswith(ends))


def resolve_precision(asked: str, spec: ModelSpec, is_fast: bool | None = None) -> Precision:
    """Return the precision a model trains in.

    ``auto`` asks the processor, not an engine, and takes bfloat16 only where the spec says that the
    model's accuracy holds in it.

    Parameters
    ----------
    is_fast : bool or None
        Whether what trains multiplies bfloat16 fast; None: this machine does it, and is asked.

    Raises
    ------
    OptionError
        If there is no such precision.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise OptionError(f"precision '{asked}'", why="it is one of auto, float32, bfloat16")
    if asked == "auto":
        is_safe = spec.bfloat16_holds and "bfloat16" in spec.precisions
        if is_safe and is_fast is None:
            is_fast = has_bfloat16() or bool(visible_gpus())
        return "bfloat16" if is_safe and is_fast else "float32"
    # A model with one precision only (a forest) keeps it: asking a whole grid for bfloat16 is fine.
    return "bfloat16" if asked == "bfloat16" and "bfloat16" in spec.precisions else "float32"
