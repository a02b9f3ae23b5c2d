"""Near-duplicates: pictures that are the same photo saved twice, not only the same pixels."""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.images.exact import mean, total, whole_product
from bench.images.shape import resize, to_grey
from bench.spec import Images, as_float

__all__ = ["hash_pairs", "near_duplicates", "perceptual_hash"]

Hashes = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# The length of a vector: whole numbers, so that their products are exact on every processor.
_UNIT: Final = 2**20
_HASHED_PX: Final = 14
_COMPARED_PX: Final = 28
_ROWS_AT_ONCE: Final = 1024
# Measured on photos saved again as JPEG (quality 50 to 85, half to 1.5 times the size, darker) and
# preprocessed as `auto` does, against MNIST, USPS and UCI's digits, whose own splits hold none. Of
# the photos, 98 in 100 are within so many bits; but so is one pair of MNIST's in 1,600.
_MAX_DISTANCE: Final = 4
# Differences are 1 less the correlation. 96 in 100 photos are within this; MNIST's ones are too.
_ALIKE: Final = 0.025
# What is alike by chance lies in a crowd: it was at most 7 times nearer than the sixth nearest
# picture, a photo saved again at least 17 times.
_CROWD: Final = 6
_CROWD_TIMES: Final = 8.0
# As near as this is no chance, whatever the crowd: USPS's ones have reached 0.002.
_SAME: Final = 0.001


def perceptual_hash(images: Images) -> Hashes:
    """Return 64 bits a picture that small changes of it hardly touch.

    Each bit says on which side of a random plane the picture lies, averaged to 14 by 14 pixels and
    less its mean: bits differ in proportion to the angle between pictures, whatever their light
    and contrast (Charikar 2002, Similarity estimation techniques from rounding algorithms).

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        uint8, or float32 in [0, 1].

    Returns
    -------
    ndarray of shape (n,), uint64
    """
    hashes = np.zeros(len(images), dtype=np.uint64)
    for first in range(0, len(images), _ROWS_AT_ONCE):
        part = _vectors(images[first : first + _ROWS_AT_ONCE], _HASHED_PX)
        # Blank paper, all but 0, must not flip with a grain of it.
        bits = whole_product(part, _planes()) > 1e-4 * _UNIT
        packed = np.packbits(bits, axis=1)
        hashes[first : first + len(part)] = packed.view(">u8")[:, 0]
    return hashes


@cache
def _planes() -> Vectors:
    """Return random signs, (pixels, 64); numpy keeps the raw stream of a generator for good."""
    raw = np.random.PCG64(1).random_raw(_HASHED_PX**2).astype(">u8")
    bits = np.unpackbits(raw.view(np.uint8)).reshape(_HASHED_PX**2, 64)
    return bits.astype(np.int64) * 2 - 1


def hash_pairs(a: Hashes, b: Hashes, max_distance: int) -> Iterator[Pairs]:
    """Yield, block by block, the places in `a` and `b` whose hashes differ in at most so many bits.

    Parameters
    ----------
    a, b : ndarray of shape (n,) and (m,), uint64
        As `perceptual_hash` returns them.
    max_distance : int
        Bits of 64.
    """
    # A hundred thousand distances at once stay in the processor's cache.
    step = max(1, 2**17 // max(len(b), 1))
    for first in range(0, len(a), step):
        distance = np.bitwise_count(a[first : first + step, None] ^ b[None, :])
        found = np.flatnonzero(distance <= max_distance)
        if len(found):
            rows, columns = np.divmod(found, len(b))
            yield np.stack([rows + first, columns], axis=1)


def near_duplicates(a: Images, b: Images) -> Pairs:
    """Return the pairs of pictures in `a` and `b` that are nearly the same.

    Hashes find the candidates, the correlation of their pixels confirms them. Pictures that are
    alike by chance, as upright ones are, lie in a crowd: unless a pair is all but identical, it
    counts only if the sixth nearest picture of `a` is at least eight times as different.

    Parameters
    ----------
    a, b : ndarray of shape (n, height, width, channels)
        uint8, or float32 in [0, 1]; sides may differ.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
        Places in `a` and in `b`, sorted.
    """
    kept, differences = [np.zeros((0, 2), dtype=np.int64)], [np.zeros(0)]
    for found in _batches(hash_pairs(perceptual_hash(a), perceptual_hash(b), _MAX_DISTANCE)):
        difference = 1 - _correlation(a, b, found)
        is_alike = difference <= _ALIKE
        kept.append(found[is_alike])
        differences.append(difference[is_alike])
    pairs, difference = np.concatenate(kept), np.concatenate(differences)
    unsure = difference > _SAME
    places, of_pair = np.unique(pairs[unsure, 1], return_inverse=True)
    crowd = _crowd_distance(a, b, places)[of_pair]
    is_chance = unsure.copy()
    is_chance[unsure] = crowd < _CROWD_TIMES * difference[unsure]
    return pairs[~is_chance]


def _batches(found: Iterator[Pairs]) -> Iterator[Pairs]:
    """Join small blocks and cut large ones: each is gathered into memory."""
    held, n_held = [], 0
    for block in found:
        held.append(block)
        n_held += len(block)
        if n_held < _ROWS_AT_ONCE:
            continue
        joined = np.concatenate(held)
        held, n_held = [], 0
        for first in range(0, len(joined), _ROWS_AT_ONCE):
            yield joined[first : first + _ROWS_AT_ONCE]
    if held:
        yield np.concatenate(held)


def _correlation(a: Images, b: Images, pairs: Pairs) -> Floats:
    # A blank page is like no other: it holds nothing that could be the same.
    left = _vectors(a[pairs[:, 0]], _COMPARED_PX)
    right = _vectors(b[pairs[:, 1]], _COMPARED_PX)
    return np.asarray((left * right).sum(axis=1) / _UNIT**2)


def _crowd_distance(a: Images, b: Images, places: npt.NDArray[np.int64]) -> Floats:
    """Return the difference of the picture in `a` that is sixth nearest to each of these of `b`.

    Infinite where `a` has fewer.
    """
    nearest = np.full((len(places), _CROWD), np.inf)
    wanted = _vectors(b[places], _COMPARED_PX)
    for first in range(0, len(a), _ROWS_AT_ONCE):
        part = _vectors(a[first : first + _ROWS_AT_ONCE], _COMPARED_PX)
        difference = 1 - whole_product(wanted, part.T) / _UNIT**2
        together = np.concatenate([nearest, difference], axis=1)
        nearest = np.partition(together, _CROWD - 1, axis=1)[:, :_CROWD]
    return np.asarray(nearest[:, _CROWD - 1])


def _vectors(images: Images, side_px: int) -> Vectors:
    """Return pictures as grey vectors of mean 0 and length `_UNIT`; blank ones are 0."""
    part = as_float(np.asarray(images))
    grey = part if part.shape[3] == 1 else to_grey(part)
    pixels = resize(grey, side_px, side_px).reshape(len(part), side_px**2).astype(np.float64)
    vectors = pixels - mean(pixels, axis=1)[:, None]
    lengths = np.sqrt(total(vectors * vectors, axis=1)[:, None])
    scaled = np.where(lengths > 1e-4, vectors / np.maximum(lengths, 1e-4), 0) * _UNIT
    return np.asarray(np.rint(scaled), dtype=np.int64)
