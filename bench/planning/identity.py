"""What decides a result, and the hash of it."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

from bench.errors import OptionError
from bench.options import OptionValue
from bench.planning.computing import harness_hash
from bench.planning.processor import has_bfloat16, visible_gpus
from bench.plugins.finding import Candidate
from bench.plugins.sources import Sources, hash_of_sources, imported_names, read_sources
from bench.spec import ModelSpec, Precision
from bench.store.ids import config_id, evaluation_id, trial_id
from bench.store.record import Identity

__all__ = [
    "changed_parts",
    "config_id",
    "engines_in_use",
    "evaluation_id",
    "identify",
    "requirements",
    "resolve_precision",
    "sources_of",
    "trial_id",
    "versions",
]

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
    try:
        return ".".join(metadata.version(distribution).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ""


def resolve_precision(asked: str, spec: ModelSpec) -> Precision:
    """Return the precision a model trains in.

    ``auto`` asks the processor, not an engine, and takes bfloat16 only where the spec says that the
    model's accuracy holds in it.

    Raises
    ------
    OptionError
        If there is no such precision.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise OptionError(f"precision '{asked}'", why="it is one of auto, float32, bfloat16")
    if asked == "auto":
        fast = has_bfloat16() or visible_gpus()
        is_safe = spec.bfloat16_holds and "bfloat16" in spec.precisions
        return "bfloat16" if fast and is_safe else "float32"
    # A model with one precision only (a forest) keeps it: asking a whole grid for bfloat16 is fine.
    return "bfloat16" if asked == "bfloat16" and "bfloat16" in spec.precisions else "float32"
