"""How far a published trial can be trusted: files intact, trained again here, or external."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.board.rows import Row
from bench.errors import BenchError
from bench.store.record import TrialRecord
from bench.store.variant import EXTERNAL

__all__ = ["INTACT", "read_reruns", "trust_of"]

INTACT: Final = "files intact"
_NO_VERDICT: Final = "not possible"


class _Rerun(msgspec.Struct, frozen=True):
    record_sha256: str
    verdict: str
    is_fine: bool


class _Verified(msgspec.Struct, frozen=True):
    """What ``bench results verify --rerun N --json`` prints; the rest of it is not needed."""

    reruns: tuple[_Rerun, ...]


def read_reruns(files: Iterable[Path]) -> dict[str, str]:
    """Return, for each record that was trained again, how its page says so; later files win.

    Raises
    ------
    BenchError
        If a file is not what ``bench results verify --rerun N --json`` prints.
    """
    found: dict[str, str] = {}
    for file in files:
        try:
            told = msgspec.json.decode(file.read_bytes(), type=_Verified)
        except OSError as error:
            raise BenchError(f"cannot read {file}", why=error.strerror or str(error)) from error
        except msgspec.MsgspecError as error:
            raise BenchError(
                f"{file} holds no trials trained again",
                why=str(error),
                fix="bench results verify --rerun 3 --json > FILE makes one",
            ) from error
        for each in told.reruns:
            if each.record_sha256 and each.verdict != _NO_VERDICT:
                word = each.verdict if each.is_fine else f"NOT the same ({each.verdict})"
                found[each.record_sha256] = f"re-run here: {word}"
    return found


def trust_of(record: TrialRecord, row: Row, problem: str, reruns: Mapping[str, str]) -> str:
    """Return the level of trust of a row's trial; what is wrong with its files comes first."""
    if row.differs.origin == EXTERNAL:
        return problem or f"{EXTERNAL}: its predictions were made elsewhere"
    return problem or reruns.get(record.record_sha256, INTACT)
