"""Near-duplicates between splits are found once for a pair of them."""

from pathlib import Path

import numpy as np
import pytest

from bench.loading import duplicates
from bench.loading.cache import open_split, write_split
from bench.loading.duplicates import near_duplicate_pairs
from bench.loading.refs import SplitRef
from bench.spec import ImageSet


@pytest.fixture
def splits(tmp_path: Path) -> tuple[SplitRef, SplitRef]:
    """A training split, and a test split whose image 1 is nearly training image 4."""
    generator = np.random.default_rng(0)
    train, test = generator.integers(0, 200, (2, 9, 8, 8, 1), dtype=np.uint8)
    test[1] = train[4] + 9
    return (
        write_split(ImageSet(pixels=train), ("0",), tmp_path),
        write_split(ImageSet(pixels=test), ("0",), tmp_path),
    )


def test_a_pair_of_splits_is_searched_once(
    splits: tuple[SplitRef, SplitRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert near_duplicate_pairs(*splits).tolist() == [[4, 1]]
    monkeypatch.setattr(duplicates, "near_duplicates", None)
    assert near_duplicate_pairs(*splits).tolist() == [[4, 1]]


def test_a_torn_file_is_made_again(splits: tuple[SplitRef, SplitRef]) -> None:
    near_duplicate_pairs(*splits)
    (stored,) = Path(splits[1].folder).glob("near-*.npy")
    stored.write_bytes(stored.read_bytes()[:100])
    assert near_duplicate_pairs(*splits).tolist() == [[4, 1]]
    assert np.load(stored).tolist() == [[4, 1]]


def test_each_training_split_has_its_own(splits: tuple[SplitRef, SplitRef]) -> None:
    train, test = splits
    assert near_duplicate_pairs(train, test).tolist() == [[4, 1]]
    assert near_duplicate_pairs(test, test).tolist() == [[i, i] for i in range(9)]
    assert len(list(Path(test.folder).glob("near-*.npy"))) == 2


def test_of_images_that_repeat_the_first_stands_for_all(
    splits: tuple[SplitRef, SplitRef], tmp_path: Path
) -> None:
    train, test = (open_split(ref).pixels for ref in splits)
    blank = np.zeros((4000, 8, 8, 1), dtype=np.uint8)
    again = [
        write_split(ImageSet(pixels=np.concatenate(parts)), ("0",), tmp_path)
        for parts in ((train, blank, train), (test[1:2], test, blank))
    ]
    assert near_duplicate_pairs(*again).tolist() == [[4, 0]]
