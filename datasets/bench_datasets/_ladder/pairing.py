"""From named arrays to splits: images with their labels, or an error that says what is in doubt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np

from bench.errors import DataError
from bench_datasets._ladder.raw import Raw, as_text
from bench_datasets._ladder.roles import role_of, split_of

__all__ = ["Part", "pair"]

_SHARD: Final = re.compile(r"-(\d{2,5})-of-(\d{2,5})")
_CLASS_KEY: Final = re.compile(r"^(train|test|class|digit|c|d)?_?([0-9])$", re.IGNORECASE)
_FEWEST_PIXELS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One split: its images, its labels, and what is known of each sample."""

    images: Raw
    labels: Raw | None = None
    groups: Raw | None = None
    ids: Raw | None = None


def pair(raws: Sequence[Raw], *, images: str = "", labels: str = "") -> dict[str, Part]:
    """Return the splits by name (``train``, ``test``, ``val``, or empty for one that is all).

    Parameters
    ----------
    images, labels : str
        Keys that a person named; empty: told from names, shapes and values.

    Raises
    ------
    DataError
        If there are no images, images lack labels that others have, or a pairing is in doubt.
    """
    joined = _joined_shards(_by_class(list(raws)))
    if images or labels:
        joined = _asked(joined, images, labels)
    roles = _roles(joined)
    splits: dict[tuple[str, str], Raw] = {}
    for raw in joined:
        role = roles[id(raw)]
        if not role:
            continue
        key = (role, split_of(raw))
        if key in splits:
            kept = _one_of(splits[key], raw, role)
            if kept is None:
                raise _twice(splits[key], raw, role, key[1])
            raw = kept
        splits[key] = raw
    return _parts(splits, joined)


def _asked(raws: list[Raw], images: str, labels: str) -> list[Raw]:
    found = []
    for role, name in (("images", images), ("labels", labels)):
        if name in ("", "none"):
            if role == "labels" and name == "" and images:
                found += [raw for raw in raws if role_of(raw) == "labels"]
            elif role == "images" and labels:
                found += [raw for raw in raws if _may_be_images(raw, labels)]
            continue
        match = [raw for raw in raws if name in (raw.key, raw.file) and raw.role in ("", role)]
        if not match:
            listed = ", ".join(filter(None, (raw.key or raw.file for raw in raws[:8])))
            raise DataError(f"{raws[0].file} has no {name}", why=f"it holds {listed}")
        found += [replace(raw, role=role) for raw in match]
    return found


def _may_be_images(raw: Raw, labels: str) -> bool:
    return role_of(raw) != "labels" and not _is_label_like(raw) and raw.key != labels


def _by_class(raws: list[Raw]) -> list[Raw]:
    """Join arrays named by their class (``train0`` … ``train9``), and make their labels."""
    keyed = [
        (raw, match)
        for raw in raws
        if (match := _CLASS_KEY.match(raw.key or PurePosixPath(raw.file).stem))
        and raw.values.ndim >= 2
    ]
    if len(keyed) < 2 or len(keyed) != len(raws) or len({m[2] for _, m in keyed}) < 2:
        return raws
    found: list[Raw] = []
    for split in dict.fromkeys((m[1] or "").lower() for _, m in keyed):
        own = [(raw, int(m[2])) for raw, m in keyed if (m[1] or "").lower() == split]
        if len({raw.values.shape[1:] for raw, _ in own}) > 1:
            return raws
        values = np.concatenate([raw.values for raw, _ in own])
        labels = np.concatenate([np.full(len(raw.values), digit) for raw, digit in own])
        key = f"{split or 'all'} images by class"
        found += [
            Raw(file=own[0][0].file, key=key, values=values, rows_first=True, role="images"),
            Raw(file=own[0][0].file, key=f"{split} keys' digits", values=labels, role="labels"),
        ]
    return found


def _joined_shards(raws: list[Raw]) -> list[Raw]:
    shards: dict[tuple[str, str, str], list[tuple[int, int, Raw]]] = {}
    rest: list[Raw] = []
    for raw in raws:
        found = _SHARD.search(raw.file)
        if found and int(found[2]) > 1:
            stem = _SHARD.sub("", raw.file)
            shards.setdefault((stem, raw.key, raw.role), []).append(
                (int(found[1]), int(found[2]), raw)
            )
        else:
            rest.append(raw)
    for (stem, _, _), parts in shards.items():
        parts.sort(key=lambda part: part[0])
        total = parts[0][1]
        if [number for number, _, _ in parts] != list(range(total)):
            raise DataError(
                f"{stem} is in {total} parts and {len(parts)} are here",
                fix="put all of them in one folder",
            )
        values = np.concatenate([raw.values for _, _, raw in parts])
        rest.append(replace(parts[0][2], file=stem, values=values, row_name=None))
    return rest


def _roles(raws: Sequence[Raw]) -> dict[int, str]:
    roles = {id(raw): role_of(raw) for raw in raws}
    for raw in raws:
        told = roles[id(raw)]
        if raw.role:
            continue
        if told == "images" and raw.values.ndim >= 2 and max(raw.values.shape) >= _FEWEST_PIXELS:
            continue
        if told == "images" and not _is_image_like(raw):
            # `digits` or `t` may name either; the array decides.
            roles[id(raw)] = (
                "labels" if _is_label_like(raw) and not _has(roles, raws, "labels") else ""
            )
        elif told == "labels" and not _is_label_like(raw) and _is_image_like(raw):
            roles[id(raw)] = "labels" if _has(roles, raws, "images") else "images"
    nameless = [raw for raw in raws if not roles[id(raw)]]
    for raw in nameless:
        if _is_label_like(raw) and not _is_image_like(raw) and not _has(roles, raws, "labels"):
            roles[id(raw)] = "labels*"
        elif _is_image_like(raw) and not _has(roles, raws, "images"):
            roles[id(raw)] = "images*"
    return {key: role.rstrip("*") for key, role in roles.items()}


def _has(roles: Mapping[int, str], raws: Sequence[Raw], role: str) -> bool:
    return any(roles[id(raw)] == role for raw in raws)


def _is_label_like(raw: Raw) -> bool:
    values = raw.values
    if values.dtype.kind in "US":
        return values.size > 0
    if values.ndim == 1 or (values.ndim == 2 and 1 in values.shape):
        return values.size > 0
    if values.ndim != 2 or not values.size:
        return False
    is_binary = bool(((values == 0) | (values == 1)).all())
    hot = is_binary and any(bool((values.sum(axis=axis) == 1).all()) for axis in (0, 1))
    return hot or (values.shape[1] == 8 and values.dtype.kind in "ui")


def _is_image_like(raw: Raw) -> bool:
    values = raw.values
    if values.dtype.kind not in "uifb" or values.ndim < 2:
        return False
    if values.ndim == 2:
        return max(values.shape[0], values.shape[1]) >= _FEWEST_PIXELS and 1 not in values.shape \
            and not (_is_label_like(raw) and values.shape[1] <= 100)  # fmt: skip
    return values.size >= _FEWEST_PIXELS


def _one_of(first: Raw, second: Raw, role: str) -> Raw | None:
    """Return one of two arrays that are the same, reshaped; None where they are not."""
    if role != "images" or first.values.size != second.values.size:
        return None
    if len(first.values) != len(second.values):
        return None
    if not np.array_equal(first.values.reshape(-1), second.values.reshape(-1)):
        return None
    return max(first, second, key=lambda raw: raw.values.ndim)


def _twice(first: Raw, second: Raw, role: str, split: str) -> DataError:
    which = {"train": "training ", "test": "test ", "val": "validation "}.get(split, "")
    names = [raw.key or raw.file for raw in (first, second)]
    if first.file != second.file and first.key == second.key:
        names = [first.file, second.file]
    return DataError(
        f"two arrays may be the {which}{role}: {names[0]} and {names[1]}",
        why="which one is it?",
        fix=f"name the file, or say --set {{name}}.{role}={names[0]}",
    )


def _parts(splits: Mapping[tuple[str, str], Raw], raws: Sequence[Raw]) -> dict[str, Part]:
    images = {split: raw for (role, split), raw in splits.items() if role == "images"}
    labels = {split: raw for (role, split), raw in splits.items() if role == "labels"}
    file = raws[0].file if raws else "the file"
    if not images:
        held = (
            ", ".join(f"{raw.key or raw.file} {raw.values.shape}" for raw in raws[:8]) or "nothing"
        )
        kind = "labels but no images" if labels else "no array of images"
        raise DataError(
            f"{file} holds {kind}",
            why=f"it holds {held}",
            fix="name its keys x_train, y_train, x_test, y_test, or name the folder with all files",
        )
    labels = _matched(images, labels)
    found = {}
    for split, raw in images.items():
        own = labels.pop(split, None)
        found[split] = Part(
            images=raw,
            labels=_in_order(own, splits.get(("ids", split))),
            groups=splits.get(("groups", split)),
            ids=splits.get(("ids", split)),
        )
    if labels:
        split, raw = next(iter(labels.items()))
        raise DataError(
            f"{raw.name} are labels without images",
            why=f"there are images for {', '.join(map(_split_word, images))}",
            fix="put the images beside them, or name the folder that holds both",
        )
    return found


def _in_order(labels: Raw | None, ids: Raw | None) -> Raw | None:
    """Return labels in the order of the images that their table names by number."""
    if labels is None or labels.keys is None:
        return labels
    keys = as_text(labels.keys)
    wanted = keys if ids is None else as_text(ids.values)
    if _is_running(keys) and _is_running(wanted):
        return labels
    place = {key: row for row, key in enumerate(keys)}
    if ids is None or set(wanted) != place.keys() or len(place) < len(keys):
        raise DataError(
            f"{labels.file} has two columns",
            why="one should be the label and the other a running number of the image, or its id",
            fix="keep the labels alone, one a line, in the order of the images",
        )
    values = labels.values[[place[key] for key in wanted]]
    return replace(labels, values=values, keys=None, row_name=None)


def _is_running(keys: Sequence[str]) -> bool:
    return any(all(k == str(n) for n, k in enumerate(keys, start=base)) for base in (0, 1))


def _split_word(split: str) -> str:
    return {"train": "training", "": "one split"}.get(split, split)


def _matched(images: Mapping[str, Raw], labels: dict[str, Raw]) -> dict[str, Raw]:
    """Give labels whose name states no split, or another, to the only images without labels."""
    lonely = [split for split in images if split not in labels]
    loose = [split for split in labels if split not in images]
    if len(lonely) == len(loose) == 1:
        raw, own = images[lonely[0]], labels[loose[0]]
        both = {lonely[0], loose[0]}
        if "" in both and own.values.shape and max(own.values.shape) in raw.values.shape:
            return {**{s: r for s, r in labels.items() if s != loose[0]}, lonely[0]: own}
    return labels


def split_by_column(part: Part, splits: Raw) -> dict[str, Any]:
    """Return the rows of each split that a column names."""
    words = np.array([str(value).strip().casefold() for value in splits.values.tolist()])
    rows = {}
    for word in dict.fromkeys(words.tolist()):
        split = split_of(Raw(file="", key=word, values=splits.values))
        if not split:
            raise DataError(
                part.images.file,
                why=f"its column of splits says '{word[:30]}'",
                fix="write train or test",
            )
        rows[split] = np.flatnonzero(words == word)
    return rows
