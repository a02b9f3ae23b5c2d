"""Which splits to use: the files' own, those a column names, a second file's; what is left out."""

from dataclasses import replace
from pathlib import Path

from bench.errors import DataError
from bench.spec import LoadContext
from bench_datasets._ladder.asked import Asked, beside
from bench_datasets._ladder.files import read_files
from bench_datasets._ladder.pairing import Part, pair, split_by_column
from bench_datasets._ladder.raw import Raw

__all__ = ["by_column", "chosen_splits", "two_files"]


def two_files(context: LoadContext, asked: Asked, skip: tuple[str, ...]) -> dict[str, Part]:
    """Return the first file as the training split, the one of ``test_file`` as the test split."""
    path = beside(context, asked.test_file)
    if path is None:
        raise DataError(f"{context.name or 'arrays'}: test_file {asked.test_file} does not exist")
    found = {}
    for split, own in (("train", context.paths[:1]), ("test", (path,))):
        raws, _ = read_files(own, labels=asked.labels, skip=skip)
        parts = pair(raws)
        if len(parts) > 1:
            raise DataError(f"{own[0].name} holds more than one split", fix="leave test_file out")
        found[split] = next(iter(parts.values()))
    if found["test"].labels is None:
        raise DataError(
            f"{path.name} has no labels",
            why="a test file needs them",
            fix=f"to read it, use bench predict {path.name}",
        )
    return found


def by_column(parts: dict[str, Part], raws: list[Raw]) -> dict[str, Part]:
    """Return the splits that a column of a table names, where it has one."""
    column = next((raw for raw in raws if raw.role == "splits"), None)
    if column is None or len(parts) != 1:
        return parts
    whole = next(iter(parts.values()))
    found = {}
    for split, rows in split_by_column(whole, column).items():
        found[split] = Part(
            **{
                name: None if raw is None else replace(raw, values=raw.values[rows], row_name=None)
                for name, raw in (
                    ("images", whole.images), ("labels", whole.labels),
                    ("groups", whole.groups), ("ids", whole.ids),
                )
            }  # type: ignore[arg-type]
        )  # fmt: skip
    return found


def chosen_splits(
    parts: dict[str, Part], asked: Asked, path: Path, notes: list[str]
) -> dict[str, Part]:
    """Return the splits to use under ``train``, ``test`` or empty, saying what is left out."""
    unlabelled = {split: part for split, part in parts.items() if part.labels is None}
    labelled = {split: part for split, part in parts.items() if part.labels is not None}
    if asked.unlabelled or not labelled:
        if not unlabelled:
            raise DataError(
                f"{path.name} is labelled",
                why="predict reads images without labels, such as Kaggle's test.csv",
                fix=f"score it instead: bench run -d {path.name}",
            )
        if len(unlabelled) > 1 and "test" not in unlabelled:
            names = " and ".join(part.images.name for part in list(unlabelled.values())[:2])
            raise DataError(
                f"{names} have no labels", why="which one is to be read?", fix="name one file"
            )
        split = "test" if "test" in unlabelled else next(iter(unlabelled))
        if split == "train" and not asked.unlabelled:
            raise _without_labels(unlabelled[split])
        if len(unlabelled) > 1:
            notes.append(f"of {len(unlabelled)} unlabelled splits the test split is read")
        return {"unlabelled": unlabelled[split]}
    for split, part in unlabelled.items():
        if split == "train" or (split == "" and len(parts) > 1):
            raise _without_labels(part)
        if not asked.may_split:
            raise DataError(
                f"{part.images.name} has no labels",
                why=f"{next(iter(labelled.values())).images.key or 'the training split'} has",
                fix="put its labels beside it",
            )
        notes.append(f"{part.images.name} has no labels: left for bench predict")
    return _two_splits(labelled, notes)


def _without_labels(part: Part) -> DataError:
    return DataError(
        f"{part.images.name} has no labels",
        why="training images need them",
        fix="put the labels beside it and name the folder that holds both",
    )


def _two_splits(labelled: dict[str, Part], notes: list[str]) -> dict[str, Part]:
    found = dict(labelled)
    extra = found.pop("extra", None) if len(found) > 1 else None
    if "" in found and len(found) > 1:
        if "train" not in found:
            found["train"] = found.pop("")
        else:
            part = found.pop("")
            raise DataError(
                f"{part.images.name} belongs to no split", why="others are named train or test",
                fix="name the file that is meant",
            )  # fmt: skip
    val = found.pop("val", None) if "train" in found else None
    if val is not None and "test" not in found:
        found["test"] = val
        notes.append(f"{val.images.name} is the test split: there is no other")
    elif val is not None:
        extra = extra or val
    if extra is not None:
        notes.append(f"{extra.images.name} left out: neither the training nor the test split")
    if len(found) == 1 and "train" not in found and "test" not in found:
        found = {"": next(iter(found.values()))}
    return found
