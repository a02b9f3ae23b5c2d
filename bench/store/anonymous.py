"""Names of persons and of photos replaced by numbers, the same wherever a store says one."""

from dataclasses import dataclass

import msgspec

from bench.images.sample_names import file_of, split_page
from bench.store.layout import Store
from bench.store.read import SplitNames, evaluation_folders, read_evaluation, read_split
from bench.store.record import EvaluationRecord, TrialRecord

__all__ = ["Pseudonyms", "pseudonyms_of"]

_SHORTEST = 3
"""Letters of a name that is looked for inside sentences: shorter ones are parts of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonyms:
    """What stands for each person and each photo of a store."""

    persons: dict[str, str]
    photos: dict[str, str]

    def split(self, names: SplitNames) -> SplitNames:
        """Return a split's samples under their new names."""
        groups = names.groups
        return SplitNames(
            names=tuple(self._sample(name) for name in names.names),
            groups=None if groups is None else tuple(self.persons.get(g, g) for g in groups),
        )

    def _sample(self, name: str) -> str:
        photo = split_page(file_of(name))[0]
        return self.photos[photo] + name[len(photo) :] if photo in self.photos else name

    def trial(self, record: TrialRecord) -> TrialRecord:
        """Return a trial's record without a name."""
        notes = tuple(map(self._text, record.notes))
        return msgspec.structs.replace(record, notes=notes, reason=self._text(record.reason))

    def evaluation(self, record: EvaluationRecord, split_hash: str) -> EvaluationRecord:
        """Return an evaluation's record without a name, and with the hash of its new names."""
        truths = {
            self.persons.get(key) or self._sample(key): truth
            for key, truth in record.truths.items()
        }
        notes = tuple(map(self._text, record.notes))
        return msgspec.structs.replace(record, truths=truths, notes=notes, split_hash=split_hash)

    def _text(self, text: str) -> str:
        everything = self.photos | self.persons
        for name in sorted(everything, key=len, reverse=True):
            if len(name) >= _SHORTEST:
                text = text.replace(name, everything[name])
        return text


def pseudonyms_of(store: Store) -> Pseudonyms:
    """Return a number for each person and each photo of a store, in the order of their names.

    Raises
    ------
    StoreError
        If a record or the names of a split are damaged.
    """
    persons: set[str] = set()
    photos: set[str] = set()
    for key in {
        read_evaluation(store.evaluations / n).split_hash for n in evaluation_folders(store)
    }:
        split = read_split(store, key)
        persons.update(group for group in split.groups or () if group)
        photos.update(split_page(file_of(name))[0] for name in split.names if name)
    return Pseudonyms(persons=_numbered(persons, "person"), photos=_numbered(photos, "photo"))


def _numbered(names: set[str], word: str) -> dict[str, str]:
    width = len(str(len(names)))
    return {name: f"{word}-{i:0{width}}" for i, name in enumerate(sorted(names), start=1)}
