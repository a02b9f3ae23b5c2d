"""What a person asked of files of arrays, typed, and the further files that options name."""

from dataclasses import dataclass
from pathlib import Path

from bench.spec import LoadContext
from bench_datasets._ladder.options import Known
from bench_datasets._ladder.shapes import Wish

__all__ = ["Asked", "beside", "with_named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options, typed."""

    labels: str = ""
    images: str = ""
    values: str = ""
    ink: str = ""
    wish: Wish
    ten: str = ""
    classes: tuple[str, ...] = ()
    unlabelled: bool = False
    may_split: bool = True
    """Whether a test split may lack labels: the training images are split then."""
    train_fraction: float = 0.8
    split_seed: int = 42
    stratify: bool = False
    test_file: str = ""

    @classmethod
    def of(cls, context: LoadContext, known: Known) -> "Asked":
        """Read them; a dataset may not offer all."""
        given = {**known.settings, **context.options}

        def text(name: str) -> str:
            return str(given.get(name, ""))

        return cls(
            labels=text("labels"), images=text("images"), values=text("values"), ink=text("ink"),
            wish=Wish(
                shape=text("shape"), samples=text("samples"), order=text("order") or known.order
            ),
            ten=text("ten"),
            classes=tuple(name.strip() for name in text("classes").split(",") if name.strip()),
            may_split="train_fraction" in given or not context.options,
            unlabelled=bool(given.get("unlabelled", False)),
            train_fraction=float(given.get("train_fraction", 0.8)),
            split_seed=int(given.get("split_seed", 42)),
            stratify=bool(given.get("stratify", False)),
            test_file=text("test_file"),
        )  # fmt: skip


def with_named(context: LoadContext) -> tuple[Path, ...]:
    """Return the paths, and the file of labels that an option names."""
    named = str(context.options.get("labels", ""))
    if not named or not context.paths:
        return context.paths
    path = beside(context, named)
    return (*context.paths, path) if path is not None else context.paths


def beside(context: LoadContext, named: str) -> Path | None:
    first = context.paths[0]
    folder = first if first.is_dir() else first.parent
    places = (Path(named).expanduser(), folder / named)
    return next((place for place in places if place.is_file()), None)
