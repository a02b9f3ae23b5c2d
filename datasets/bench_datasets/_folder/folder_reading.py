"""Folders that say what the pictures show: which level is the class, the writer, the split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import OptionError
from bench_datasets._folder.class_names import Fit, Quality, fit_names, is_run
from bench_datasets._folder.layout import (
    Draft,
    LayoutOptions,
    Photo,
    Reading,
    Rejected,
    Strength,
    listed,
)
from bench_datasets._folder.table_labels import TEN_ANSWER, TEN_QUESTION
from bench_datasets._folder.words import is_container, is_guess, is_part, split_of

__all__ = ["LEVELS", "read_folders", "split_of_path", "writer_of"]

LEVELS: Final = ("class", "writer", "split", "other")
_ALSO: Final = {"label": "class", "digit": "class", "person": "writer", "_": "other", "-": "other"}
_MOST_UNEXPLAINED: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """One level of folders taken for the classes, counted from the top or from the pictures."""

    depth: int
    is_from_top: bool
    fit: Fit
    names: tuple[str, ...]
    labels: Mapping[Path, str | None]

    def place(self, path: Path) -> int:
        folders = len(path.parts) - 1
        return self.depth if self.is_from_top else folders - 1 - self.depth


def read_folders(
    images: Sequence[Path], options: LayoutOptions, given: Mapping[str, str]
) -> tuple[list[Reading], list[Rejected]]:
    """Return the readings that the folders' names allow, and those that they do not.

    Raises
    ------
    OptionError
        If ``--levels`` does not fit.
    """
    if max(len(path.parts) for path in images) == 1:
        return [], []
    if options.levels:
        return [_by_levels(images, options.levels, given)], []
    levels = _levels(images, given)
    whole = [level for level in levels if not _unexplained(level, images)]
    if not whole:
        return _partial(levels, images), _no_classes(images) if not levels else []
    whole.sort(key=lambda level: -level.fit.quality)
    first, others = whole[0], [lv for lv in whole[1:] if lv.labels != whole[0].labels]
    if others and _is_rival(first.fit, others[0].fit):
        return [
            _rivals(level, others[0] if level is first else first, images) for level in whole
        ], []
    rejected = [
        Rejected(
            words=f"folders {_shown(level)} as classes",
            why=f"folders {_shown(first)} explain every picture better",
        )
        for level in others
    ]
    return [_reading(first, images, bool(others))], rejected


def _levels(images: Sequence[Path], given: Mapping[str, str]) -> list[_Level]:
    """Return each level that may be the classes; the same labels only once."""
    deepest = max(len(path.parts) for path in images) - 1
    found: list[_Level] = []
    for is_from_top in (True, False):
        for depth in range(deepest):
            names = {path: _name(path, depth, is_from_top=is_from_top) for path in images}
            counts = Counter(name for name in names.values() if name is not None)
            if counts and all(split_of(name) for name in counts):
                continue
            fit = fit_names(counts, given)
            if fit is None:
                continue
            labels = {p: fit.classes.get(n) if n is not None else None for p, n in names.items()}
            if all(labels != level.labels for level in found):
                known = tuple(sorted(name for name in counts if name in fit.classes))
                found.append(
                    _Level(
                        depth=depth, is_from_top=is_from_top, fit=fit, names=known, labels=labels
                    )
                )
    return found


def _name(path: Path, depth: int, *, is_from_top: bool) -> str | None:
    folders = path.parts[:-1]
    if depth >= len(folders):
        return None
    return folders[depth] if is_from_top else folders[-1 - depth]


def _unexplained(level: _Level, images: Sequence[Path]) -> list[Path]:
    """Return the pictures without a class; a whole split without any is no mistake."""
    splits = {split_of_path(path) for path in images if level.labels[path] is not None}
    return [
        path
        for path in images
        if level.labels[path] is None and (split_of_path(path) or "") in (*splits, "")
    ]


def _is_rival(best: Fit, other: Fit) -> bool:
    """Whether another level may be the classes as well."""
    if best.quality is Quality.CERTAIN and other.quality is Quality.CERTAIN:
        return True
    if best.quality >= Quality.SOME and all(name.isalpha() for name in other.classes.values()):
        return False  # persons have letters for names
    if best.quality is Quality.CERTAIN:  # writers called one and two, above or below 0 to 9
        return other.quality is Quality.COMPLETE and len(best.classes) < len(other.classes)
    if best.quality is not Quality.COMPLETE:
        return True
    # Ten classes beside writers 1, 2, 3: the other way round, both would be a coincidence.
    numbers = {int(label) for label in other.classes.values() if label.isdigit()}
    counts = bool(numbers) and is_run(numbers) and 0 not in numbers and len(numbers) < 9
    return not (other.quality is Quality.NUMBERING and counts)


def _rivals(level: _Level, other: _Level, images: Sequence[Path]) -> Reading:
    draft = _draft(level, images)
    return draft.finish(
        "folder",
        f"class folders {_shown(level)}, writers {_shown(other)}",
        Strength.POSSIBLE,
        doubt=f"folders {_shown(level)} and folders {_shown(other)} may both be the classes; the "
        "two levels cannot be told apart",
        answer=f"--levels {_roles(level, images)}",
    )


def _roles(level: _Level, images: Sequence[Path]) -> str:
    deepest = max(images, key=lambda path: len(path.parts))
    roles = ["writer"] * (len(deepest.parts) - 1)
    for place, name in enumerate(deepest.parts[:-1]):
        if split_of(name):
            roles[place] = "split"
    roles[level.place(deepest)] = "class"
    return "/".join(roles)


def _partial(levels: Sequence[_Level], images: Sequence[Path]) -> list[Reading]:
    """Return the level that explains most pictures, as a question about the rest."""
    most = max(levels, key=lambda lv: -len(_unexplained(lv, images)), default=None)
    if most is None or len(_unexplained(most, images)) > _MOST_UNEXPLAINED * len(images):
        return []
    rest = _unexplained(most, images)
    draft = _draft(most, images)
    places = sorted({path.parent.as_posix() for path in rest})
    where = f"in {listed(places)}" if places != ["."] else f"such as {rest[0].as_posix()}"
    draft.notes.append(
        f"{len(rest):,} of {len(images):,} pictures lie in no class folder: {listed(places)}"
    )
    return [
        draft.finish(
            "folder",
            f"class folders {_shown(most)}{_writers(draft)}",
            Strength.POSSIBLE,
            doubt=f"{len(rest):,} of {len(images):,} pictures lie in no class folder, {where}; "
            "--labels folder leaves them out, or name the classes with --classes",
        )
    ]


def _reading(level: _Level, images: Sequence[Path], has_other: bool) -> Reading:
    draft = _draft(level, images)
    words = f"class folders {_shown(level)}{_writers(draft)}"
    quality = level.fit.quality
    if quality is Quality.TEN:
        return draft.finish(
            "folder",
            words,
            Strength.POSSIBLE,
            doubt=f"there is a folder {_ten(level)}: {TEN_QUESTION}",
            answer=TEN_ANSWER,
        )
    if quality is Quality.NUMBERING:
        doubt = level.fit.doubt or (
            f"folders named {_shown(level)} may be digits, or only count persons or pages"
        )
        return draft.finish("folder", words, Strength.POSSIBLE, doubt=doubt)
    if guess := next((p for path in images for p in path.parts[:-1] if is_guess(p)), ""):
        doubt = f"they lie in a folder '{guess}': are they guesses, or labels?"
        return draft.finish("folder", words, Strength.POSSIBLE, doubt=doubt)
    if has_other:
        draft.notes.append(
            "two levels are numbers; if the other one is the class: --levels "
            + _roles(level, images)
            .replace("class", "?")
            .replace("writer", "class")
            .replace("?", "writer")
        )
    return draft.finish("folder", words, Strength.PROVEN)


def _ten(level: _Level) -> str:
    return next(name for name, label in level.fit.classes.items() if label == "10")


def _draft(level: _Level, images: Sequence[Path]) -> Draft:
    draft = Draft()
    left = set(_unexplained(level, images))
    levels = _other_levels(images, level)
    n_unlabelled = 0
    for path in images:
        label, split = level.labels[path], split_of_path(path)
        person = _writer(path, levels, level.place(path)) if label is not None else None
        draft.photos.append(Photo(path=path, label=label, person=person, split=split))
        if path in left:
            draft.blame(
                path.as_posix(),
                "no-label",
                "no label: it lies in no class folder",
                "give it one, or take it out of the folder",
            )
        n_unlabelled += label is None and path not in left
    if n_unlabelled:
        draft.notes.append(f"{n_unlabelled:,} pictures of another split have no labels")
    return draft


def _other_levels(images: Sequence[Path], level: _Level | None) -> frozenset[int]:
    """Return the levels of folders that are writers: several names, no splits, no 'images'."""
    deepest = max(len(path.parts) for path in images) - 1
    writers = set()
    for depth in range(deepest):
        names = {
            path.parts[depth]
            for path in images
            if len(path.parts) - 1 > depth and (level is None or level.place(path) != depth)
        }
        plain = {name for name in names if not split_of(name) and not is_container(name)}
        if plain and not all(map(is_part, plain)) and (level is None or len(names) > 1):
            writers.add(depth)
    return frozenset(writers)


def _writer(path: Path, levels: frozenset[int], but: int) -> str | None:
    named = [
        part
        for place, part in enumerate(path.parts[:-1])
        if place in levels and place != but and not split_of(part)
    ]
    return "/".join(named) or None


def writer_of(images: Sequence[Path]) -> dict[Path, str | None]:
    """Return who may have written each picture where folders are no classes: the folder's name."""
    levels = _other_levels(images, None)
    return {path: _writer(path, levels, -1) for path in images}


def split_of_path(path: Path) -> str:
    """Return the split that a picture's folders name, the nearest one; empty for none."""
    return next((split for part in reversed(path.parts[:-1]) if (split := split_of(part))), "")


def _writers(draft: Draft) -> str:
    persons = sorted({photo.person for photo in draft.photos if photo.person})
    splits = sorted({photo.split for photo in draft.photos if photo.split})
    words = f"; splits {', '.join(splits)}" if splits else ""
    return words + (f"; {len(persons):,} writers: {listed(persons)}" if persons else "")


def _shown(level: _Level) -> str:
    classes = level.fit.classes
    names = sorted(level.names, key=lambda name: (len(classes[name]), classes[name], name))
    if len(names) > 5:
        return f"{names[0]} … {names[-1]}"
    return ", ".join(names)


def _no_classes(images: Sequence[Path]) -> list[Rejected]:
    names = sorted({part for path in images for part in path.parts[:-1] if not split_of(part)})
    if not names:
        return []
    return [
        Rejected(
            words=f"folders named {listed(names)} as classes",
            why=f"they are no digits; if they are classes: --classes {','.join(names[:10])}",
        )
    ]


def _by_levels(images: Sequence[Path], text: str, given: Mapping[str, str]) -> Reading:
    """Take the levels of folders for what ``--levels class/writer`` calls them."""
    roles = [_ALSO.get(word.strip(), word.strip()) for word in text.casefold().split("/")]
    if roles.count("class") != 1 or not set(roles) <= set(LEVELS):
        raise OptionError(
            f"--levels {text}", why=f"write {', '.join(LEVELS)} with slashes, class once"
        )
    depth = roles.index("class")
    names = {path: _name(path, depth, is_from_top=True) for path in images}
    counts = {name for name in names.values() if name is not None}
    fit = fit_names(counts, given) if counts else None
    if fit is None:
        fit = Fit(classes={name: name for name in counts}, quality=Quality.CERTAIN)
    if not counts or len(roles) > max(len(path.parts) for path in images) - 1:
        raise OptionError(f"--levels {text}", why="the folders are not that deep")
    if fit.quality is Quality.TEN:
        draft = Draft(photos=[Photo(path=path) for path in images])
        words = f"class folders at level {depth + 1}"
        doubt = f"there is a folder 10: {TEN_QUESTION}"
        return draft.finish("folder", words, Strength.POSSIBLE, doubt=doubt, answer=TEN_ANSWER)
    draft = Draft()
    for path, name in names.items():
        label = fit.classes.get(name) if name is not None else None
        if label is None:
            draft.unlabelled([path], "it lies in no class folder")
            continue
        known = dict(zip(roles, path.parts[:-1], strict=False))
        writers = [f for role, f in zip(roles, path.parts[:-1], strict=False) if role == "writer"]
        split = split_of(known["split"]) if "split" in known else ""
        person = "/".join(writers) or None
        draft.photos.append(Photo(path=path, label=label, person=person, split=split))
    return draft.finish("folder", f"class folders, by --levels {text}", Strength.GIVEN)
