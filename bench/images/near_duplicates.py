"""Near-duplicates: pictures that are the same photo saved twice, not only the same pixels."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bench.images.shape import resize, to_grey
from bench.spec import Images, as_float

__all__ = ["hash_pairs", "near_duplicates", "perceptual_hash"]

Hashes = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]
_SIDE = 8
_ROWS_AT_ONCE = 2048


def perceptual_hash(images: Images) -> Hashes:
    """Return 64 bits a picture that small changes of it hardly touch.

    The difference hash: the picture is averaged to 8 rows of 9 and 9 rows of 8; each bit says
    whether a pixel is lighter than the next one. Half of the bits look across, half down.

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
        part = _grey(images[first : first + _ROWS_AT_ONCE])
        small = resize(part, _SIDE + 1, _SIDE + 1)[..., 0]
        # Equal neighbours (plain paper) must not flip with the last digit of a float.
        across = np.diff(small, axis=2)[:, : _SIDE // 2 * 2 : 2, :] > 0.01
        down = np.diff(small, axis=1)[:, :, : _SIDE // 2 * 2 : 2] > 0.01
        bits = np.concatenate([across.reshape(len(part), -1), down.reshape(len(part), -1)], axis=1)
        packed = np.packbits(bits, axis=1)
        hashes[first : first + len(part)] = packed.view(">u8")[:, 0]
    return hashes


def hash_pairs(a: Hashes, b: Hashes, max_distance: int) -> Iterator[Pairs]:
    """Yield, block by block, the places in `a` and `b` whose hashes differ in at most so many bits.

    Parameters
    ----------
    a, b : ndarray of shape (n,) and (m,), uint64
        As `perceptual_hash` returns them.
    max_distance : int
        Bits of 64.
    """
    # A million distances at once stay in the processor's cache.
    step = max(1, 2**20 // max(len(b), 1))
    for first in range(0, len(a), step):
        distance = np.bitwise_count(a[first : first + step, None] ^ b[None, :])
        rows, columns = np.nonzero(distance <= max_distance)
        if len(rows):
            yield np.stack([rows + first, columns], axis=1)


def near_duplicates(
    a: Images, b: Images, *, max_distance: int = 3, least_correlation: float = 0.98
) -> Pairs:
    """Return the pairs of pictures in `a` and `b` that are nearly the same.

    Hashes find the candidates. A digit in its frame has few bits of its own (one pair of unrelated
    MNIST digits in 10,000 shares a hash), so candidates are confirmed by the correlation of their
    pixels.

    Parameters
    ----------
    a, b : ndarray of shape (n, height, width, channels)
        uint8, or float32 in [0, 1]; sides may differ.
    max_distance : int
        Bits of 64 in which the hashes may differ.
    least_correlation : float
        Of the grey pixels.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
        Places in `a` and in `b`, sorted.
    """
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for found in hash_pairs(perceptual_hash(a), perceptual_hash(b), max_distance):
        alike = _correlation(a, b, found) >= least_correlation
        pairs.append(found[alike])
    return np.concatenate(pairs)


def _correlation(a: Images, b: Images, pairs: Pairs) -> npt.NDArray[np.float64]:
    height, width = a.shape[1:3]
    correlation = np.empty(len(pairs))
    for first in range(0, len(pairs), _ROWS_AT_ONCE):
        part = pairs[first : first + _ROWS_AT_ONCE]
        left, right = (
            resize(_grey(images[part[:, k]]), height, width).reshape(len(part), -1)
            for k, images in enumerate((a, b))
        )
        left = left - left.mean(axis=1, keepdims=True)
        right = right - right.mean(axis=1, keepdims=True)
        size = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
        # Two blank pictures are the same one.
        together = np.where(size > 1e-9, (left * right).sum(axis=1) / np.maximum(size, 1e-9), 1.0)
        correlation[first : first + len(part)] = together
    return correlation


def _grey(images: Images) -> npt.NDArray[np.float32]:
    part = as_float(np.asarray(images))
    return part if part.shape[3] == 1 else to_grey(part)
