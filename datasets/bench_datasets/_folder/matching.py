"""Which picture a row of a table means, however the table names it."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from bench.images.decode import is_image_name
from bench.images.sample_names import split_page
from bench_datasets._folder.words import split_of

__all__ = ["Matches", "PictureIndex"]

Parts = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Matches:
    """For each row the file it means, or why none; and how the table's folders were read.

    ``files`` has an entry a row, None where it means none; ``why`` says so in words.
    """

    files: list[Path | None]
    why: dict[int, str] = field(default_factory=dict)
    renamed: str = ""

    @property
    def n_named(self) -> int:
        """How many rows mean a file."""
        return sum(file is not None for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    path: Path
    parts: Parts
    above: Parts
    """The folders that hold the folder itself, on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    target: _Target
    common: int
    row_rest: Parts
    rest: Parts


class PictureIndex:
    """State: the pictures of a folder, by what a table may call them."""

    def __init__(self, images: Sequence[Path], root: Path) -> None:
        above = tuple(_key(part) for part in root.resolve().parts)
        files = dict.fromkeys(image.with_name(split_page(image.name)[0]) for image in images)
        files |= dict.fromkeys(images)  # a page may be named alone
        self._above = above
        self._targets = [
            _Target(path=file, parts=tuple(map(_key, file.parts)), above=above) for file in files
        ]
        self._by_name: dict[str, list[_Target]] = defaultdict(list)
        self._by_stem: dict[str, list[_Target]] = defaultdict(list)
        for target in self._targets:
            self._by_name[target.parts[-1]].append(target)
            self._by_stem[_stem(target.parts[-1])].append(target)

    def match(self, names: Sequence[str], table: Path) -> Matches:
        """Match what a table names with the pictures: by path, base name or stem, in any case.

        Either slash will do; folders before the name may be missing on either side, or be those of
        another machine. What could mean two pictures means none.
        """
        found = Matches(files=[None] * len(names))
        hits: dict[int, _Hit] = {}
        for row, name in enumerate(names):
            parts = _row_parts(name, table, self._above)
            if parts is None:
                found.why[row] = "names a file outside the folder"
                continue
            if not parts:
                continue
            near = self._by_name.get(parts[-1]) or self._by_stem.get(_stem(parts[-1]), [])
            if not near and "%" in name:
                parts = (*parts[:-1], unquote(parts[-1]))
                near = self._by_name.get(parts[-1], [])
            best = _best([_hit(parts, target) for target in near], name, table)
            if len(best) == 1:
                hits[row] = best[0]
            elif best:
                both = " and ".join(hit.target.path.as_posix() for hit in best[:2])
                found.why[row] = f"may mean {both}"
        found = _settled(found, hits)
        numbered = _by_number(names, self._targets)
        return numbered if numbered.n_named > found.n_named else found


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().strip()


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if is_image_name(name) else name


def _row_parts(name: str, table: Path, above: Parts) -> Parts | None:
    """Return the parts of a path as a table has it; None if it leads out of the folder."""
    text = _key(name).strip("\"'").replace("\\", "/")
    if "://" in text:
        text = text.partition("://")[2].partition("?")[0]
    parts: list[str] = []
    is_up = text.startswith("../") or "/../" in text
    if is_up:
        parts = [*above, *map(_key, table.parent.parts)]
    for part in text.split("/"):
        if part in ("", ".") or part.endswith(":"):
            continue
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    if is_up and tuple(parts[: len(above)]) != above:
        return None
    return tuple(parts)


def _hit(row: Parts, target: _Target) -> _Hit:
    whole = (*target.above, *target.parts)
    common = 1
    while common < min(len(row), len(whole)) and row[-1 - common] == whole[-1 - common]:
        common += 1
    inside = min(common, len(target.parts))
    return _Hit(target=target, common=common, row_rest=row[:-common], rest=target.parts[:-inside])


def _best(hits: list[_Hit], name: str, table: Path) -> list[_Hit]:
    """Return the pictures that a row may mean: one, if it means one."""
    hits = [hit for hit in hits if not _splits_differ(hit)]
    exact = name.strip().replace("\\", "/").rpartition("/")[2]
    beside = tuple(map(_key, table.parent.parts))
    of_table = split_of(table.stem)
    preferences = (
        lambda hit: hit.common,
        lambda hit: not hit.rest or hit.rest == beside,
        lambda hit: not hit.row_rest or not hit.rest,
        lambda hit: bool(of_table) and any(split_of(part) == of_table for part in hit.rest),
        lambda hit: hit.target.path.name == exact,
    )
    for prefer in preferences:
        if len(hits) > 1:
            top = max(map(prefer, hits))
            hits = [hit for hit in hits if prefer(hit) == top]
    return hits


def _splits_differ(hit: _Hit) -> bool:
    """Whether the table says train where the picture lies in test, or the like."""
    said = {split for part in hit.row_rest if (split := split_of(part))}
    here = {split for part in hit.rest if (split := split_of(part))}
    return bool(said and here) and said != here


def _settled(found: Matches, hits: dict[int, _Hit]) -> Matches:
    """Drop what another row says better, and folders that do not stand for one another."""
    renamed = {(hit.row_rest, hit.rest) for hit in hits.values() if hit.row_rest and hit.rest}
    several = len(renamed) > 1
    by_target: dict[Path, list[int]] = defaultdict(list)
    for row, hit in hits.items():
        if several and hit.row_rest and hit.rest:
            home = "/".join((*hit.row_rest[-2:], ""))
            found.why[row] = f"lies in {home} there, which may be another folder here"
        else:
            by_target[hit.target.path].append(row)
    for path, rows in by_target.items():
        top = max(hits[row].common for row in rows)
        best = [row for row in rows if hits[row].common == top]
        for row in rows:
            if row in best:
                found.files[row] = path
            else:
                found.why[row] = f"another row names {path.as_posix()} more exactly"
    if len(renamed) == 1:
        ((there, here),) = renamed
        found.renamed = f"its folder {'/'.join(there)}/ is taken for {'/'.join(here)}/ here"
    return found


def _by_number(names: Sequence[str], targets: Sequence[_Target]) -> Matches:
    """Match whole numbers with pictures named by a number, zeros before it or not."""
    found = Matches(files=[None] * len(names))
    numbered: dict[int, list[Path]] = defaultdict(list)
    for target in targets:
        stem = _stem(target.parts[-1])
        if not (stem.isascii() and stem.isdigit()):
            return found
        numbered[int(stem)].append(target.path)
    cells = [name.strip().removesuffix(".0") for name in names]
    if not all(cell.isascii() and cell.isdigit() and len(cell) < 19 for cell in cells):
        return found
    for row, cell in enumerate(cells):
        same = numbered.get(int(cell), [])
        found.files[row] = same[0] if len(same) == 1 else None
    return found
