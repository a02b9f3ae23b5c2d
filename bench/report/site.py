"""A static site of a store's boards, for any web host: unchanged pages keep their bytes.

It is always anonymous: boards of own folders are left out, and pictures are shown of those
datasets alone whose licence allows it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

import bench
from bench.board.boards import Boards
from bench.board.rows import Row
from bench.board.verify import trial_problems
from bench.errors import BenchError
from bench.report.content import BoardPart, Content, board_parts, collect_of, keys_of
from bench.report.files import write_text
from bench.report.page import render, render_page
from bench.report.shown import Settings
from bench.report.trust import trust_of
from bench.report.words import Sentence, describe, headline
from bench.store.layout import Store
from bench.store.read import read_trial

__all__ = ["Published", "publish"]

_STATE: Final = "digitbench.json"


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What each page was made of: a hash by the page's name."""

    made_of: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publishing did to the folder."""

    written: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...]
    left_out: tuple[str, ...]
    """Boards of own folders, which are never published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A board on the first page."""

    part: BoardPart
    sentence: Sentence | None
    n_models: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trial on a model's page; `trust` says how far it can be trusted."""

    row: Row
    trial_id: str
    seed: int
    trained: str
    processor: str
    trust: str


def publish(
    boards: Boards,
    folder: Path,
    *,
    pictured: Set[str],
    classifier: str = "",
    reruns: Mapping[str, str] = MappingProxyType({}),
    replaces: bool = False,
) -> Published:
    """Write or renew the site in a folder.

    Parameters
    ----------
    pictured : set of str
        The datasets whose images may be shown.
    classifier : str
        What `browser_classifier` gives, for a page on which a digit can be drawn; empty for none.
    reruns : mapping of str to str
        What `bench.report.trust.read_reruns` gives: the trials that were trained again here.
    replaces : bool
        Write into a folder that holds other things.

    Raises
    ------
    BenchError
        If the folder holds other things, or cannot be written.
    """
    state = _state_of(folder, replaces)
    parts = board_parts(boards)
    public = [part for part in parts if not part.is_private]
    if not public:
        raise BenchError("nothing to publish", why="the store holds boards of own folders alone")
    settings = Settings(
        is_anonymous=True, has_date=False, pictured=frozenset(pictured), is_site=True
    )
    made: dict[str, tuple[str, Callable[[], str]]] = {}
    for part in public:
        name = f"board-{part.key}.html"
        made[name] = (_digest(part.board), partial(_board_page, boards, part, settings))
    models = sorted({row.model for part in public for row in part.rows})
    keys = dict(zip(models, keys_of(models), strict=True))
    for model in models:
        rows = [(part, row) for part in public for row in part.rows if row.model == model]
        digest = _digest([reruns, *((part.board.n_test, row) for part, row in rows)])
        made[f"model-{keys[model]}.html"] = (
            digest,
            partial(_model_page, boards.store, model, rows, settings, reruns),
        )
    made["index.html"] = (
        _digest([part.board for part in public]),
        partial(_index_page, public, keys, settings, bool(classifier)),
    )
    if classifier:
        made["draw.html"] = (
            _digest(classifier),
            partial(render, "site_draw.html", classifier=classifier),
        )
    written = [
        name
        for name, (digest, draw) in made.items()
        if state.made_of.get(name) != digest or not (folder / name).is_file()
        if _renew(folder / name, draw())
    ]
    removed = sorted(state.made_of.keys() - made.keys())
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    digests = {name: digest for name, (digest, _) in sorted(made.items())}
    encoded = msgspec.json.format(msgspec.json.encode(_State(made_of=digests)), indent=1)
    write_text(folder / _STATE, encoded.decode() + "\n")
    return Published(
        written=tuple(written),
        unchanged=len(made) - len(written),
        removed=tuple(removed),
        left_out=tuple(part.board.test_dataset for part in parts if part.is_private),
    )


def _state_of(folder: Path, replaces: bool) -> _State:
    """Return what an earlier publishing left; refuse a folder that holds other things."""
    place = folder / _STATE
    if place.is_file():
        try:
            state = msgspec.json.decode(place.read_bytes(), type=_State)
        except (OSError, msgspec.DecodeError):
            return _State()
        # A name from a file is only a name: nothing outside the folder is removed.
        return _State(made_of={n: d for n, d in state.made_of.items() if Path(n).name == n})
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not replaces:
        raise BenchError(
            f"{folder} holds other things",
            fix="name an empty folder, or add --force",
        )
    return _State()


def _digest(value: object) -> str:
    """Return a hash of what a page is made of, and of what makes it."""
    told = msgspec.json.encode([bench.__version__, _code(), value], order="deterministic")
    return hashlib.sha256(told).hexdigest()


@cache
def _code() -> str:
    """Return a hash of the files that draw pages."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *(here / "templates").iterdir()])
    whole = hashlib.sha256()
    for file in files:
        if file.is_file():
            whole.update(file.read_bytes())
    return whole.hexdigest()


def _renew(path: Path, text: str) -> bool:
    """Write a page where it differs from what is there."""
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_text(path, text)
    return True


def _board_page(boards: Boards, part: BoardPart, settings: Settings) -> str:
    chosen = replace(boards, datasets=(part.board.test_dataset,))
    content: Content = collect_of(chosen, (part,))
    return render_page(content, settings)


def _index_page(
    parts: list[BoardPart], keys: Mapping[str, str], settings: Settings, can_draw: bool
) -> str:
    listed = []
    for part in parts:
        told = list(describe([part.board]))
        models = {row.model for row in part.rows}
        listed.append(Listed(part=part, sentence=told[0] if told else None, n_models=len(models)))
    title = headline([part.board for part in parts])
    return render(
        "site.html", title=title, listed=listed, keys=keys, settings=settings, can_draw=can_draw
    )


def _model_page(
    store: Store,
    model: str,
    rows: list[tuple[BoardPart, Row]],
    settings: Settings,
    reruns: Mapping[str, str],
) -> str:
    trained = list(_trained(store, [row for _, row in rows], reruns))
    summary = next((row.summary for _, row in rows if row.summary), "")
    return render(
        "model.html", model=model, summary=summary, rows=rows, trained=trained, settings=settings
    )


def _trained(store: Store, rows: list[Row], reruns: Mapping[str, str]) -> Iterator[Trained]:
    seen: set[str] = set()
    for row in rows:
        for trial in row.trials:
            if trial in seen:
                continue
            seen.add(trial)
            folder = store.trial(trial)
            record = read_trial(folder)
            problems = trial_problems(store, folder.name)
            yield Trained(
                row=row,
                trial_id=trial,
                seed=record.seed,
                trained=record.started_at[:10],
                processor=record.machine.processor if record.machine else "",
                trust=trust_of(record, row, problems[0] if problems else "", reruns),
            )
