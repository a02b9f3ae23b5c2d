"""Synthetic pages with one digit: its ink mask and class are known, all else is drawn at random.

Papers are plain, ruled, squared or dotted, of any pitch, angle, colour and contrast; light falls
off and throws shadows; pages end on tables; pens go from faint pencil to marker; neighbours stand
beside the digit; a camera blurs, adds noise and compresses. A batch of about 40 scenes fits the
processor's cache, which is what makes a scene cost 4 ms.
"""

import io
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from strokes import FIELD_SIDE, SPAN, STEPS_PER_PIXEL, Strokes

__all__ = ["Scenes", "draw_scenes"]

Floats: TypeAlias = npt.NDArray[np.float32]
NOT_A_DIGIT: Final = 10
_INKS: Final = np.array(
    [
        [0.1, 0.1, 0.12], [0.05, 0.05, 0.05], [0.12, 0.15, 0.45], [0.2, 0.25, 0.6],
        [0.6, 0.12, 0.12], [0.15, 0.4, 0.2], [0.4, 0.15, 0.45], [0.35, 0.35, 0.36],
        [0.28, 0.28, 0.3], [0.2, 0.6, 0.7],
    ],
    dtype=np.float32,
)  # fmt: skip
_RULINGS: Final = np.array(
    [
        [0.3, 0.4, 0.7], [0.4, 0.4, 0.45], [0.75, 0.35, 0.35],
        [0.35, 0.5, 0.55], [0.2, 0.2, 0.25], [0.5, 0.7, 0.8],
    ],
    dtype=np.float32,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """A batch.

    Parameters
    ----------
    pictures : ndarray of shape (n, side, side, 3), uint8
    masks : ndarray of shape (n, side, side), uint8
        Share of ink of the digit (or of what stands in its place), times 255.
    labels : ndarray of shape (n,), uint8
        0 to 9; 10 where there is no digit.
    """

    pictures: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Main:
    """Where the digit of each scene is: distance from its skeleton, place, size, pen."""

    away: Floats
    x: Floats
    y: Floats
    half_width: Floats
    half_height: Floats
    size: Floats
    pen: Floats
    is_none: npt.NDArray[np.bool_]
    is_faint: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]


class _Random:
    """State: a generator for `n` scenes of `side` pixels; every draw is one number a scene."""

    def __init__(self, seed: "list[int]", n: int, side: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.n, self.side = n, side
        steps = np.arange(side, dtype=np.float32) - side / 2
        self.across, self.down = steps[None, None, :], steps[None, :, None]

    def between(self, low: float, high: float, n: int | None = None) -> Floats:
        return self.rng.uniform(low, high, self.n if n is None else n).astype(np.float32)

    def scale(self, low: float, high: float) -> Floats:
        return np.exp(self.between(float(np.log(low)), float(np.log(high))))

    def chance(self, share: float, n: int | None = None) -> npt.NDArray[np.bool_]:
        return np.asarray(self.rng.random(self.n if n is None else n) < share)

    def clouds(self, grid: int, channels: int = 1, n: int | None = None) -> Floats:
        """Smooth random fields with a standard deviation of about 1, (n, side, side, channels)."""
        n = self.n if n is None else n
        coarse = self.rng.normal(0, 1, (n, grid, grid, channels)).astype(np.float32)
        grow = _growing(grid, self.side)
        return np.asarray(np.einsum("ai,nijc,bj->nabc", grow, coarse, grow, optimize=True))

    def grain(self, channels: int) -> Floats:
        """White noise, cut from one long strip of it."""
        length = self.side * self.side * channels
        starts = self.rng.integers(0, len(_strip()) - length, self.n)
        rows = [_strip()[start : start + length] for start in starts]
        return np.stack(rows).reshape(self.n, self.side, self.side, channels)


@cache
def _strip() -> Floats:
    return np.random.default_rng(1).normal(0, 1, 1 << 21).astype(np.float32)


@cache
def _growing(grid: int, side: int) -> Floats:
    places = np.linspace(0, grid - 1, side)
    first = np.minimum(places.astype(int), grid - 2)
    share = (1 - np.cos(np.pi * (places - first))) / 2
    matrix = np.zeros((side, grid), np.float32)
    matrix[np.arange(side), first], matrix[np.arange(side), first + 1] = 1 - share, share
    return matrix


def draw_scenes(digits: Strokes, others: Strokes, seed: int, n: int, side: int) -> Scenes:
    """Draw `n` scenes; the same seed gives the same scenes on one kind of machine."""
    r = _Random([20261130, seed], n, side)
    main = _place_main(r, digits, others)
    pressure = 1 + 0.25 * r.clouds(6)[..., 0] * _col(r.chance(0.5))
    ink = _stroke(main.away, _col(main.pen) * np.clip(pressure, 0.5, 1.6))
    mask = _stroke(main.away, np.maximum(_col(main.pen), side / 96 * 1.6))
    ink[main.is_none] = 0
    mask[main.is_none] = 0
    all_ink = np.maximum(ink, _neighbours(r, main, digits))
    light = _photographed(r, main, all_ink)
    pictures = _camera(r, main, light)
    masks = np.rint(mask * 255).astype(np.uint8)
    return Scenes(pictures=pictures, masks=masks, labels=main.labels)


def _col(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float32)[:, None, None]


def _stroke(away: Floats, width: Any) -> Floats:
    return np.asarray(np.clip(0.5 + width / 2 - away, 0, 1), dtype=np.float32)


def _place_main(r: _Random, digits: Strokes, others: Strokes) -> _Main:
    n, side = r.n, r.side
    is_none = r.chance(0.06)
    is_other = ~is_none & r.chance(0.07)
    digit, other = (
        r.rng.integers(0, len(digits.fields), n),
        r.rng.integers(0, len(others.fields), n),
    )
    fields = np.where(is_other[:, None, None], others.fields[other], digits.fields[digit])
    extents = np.where(is_other[:, None], others.extents[other], digits.extents[digit])
    is_zoomed = r.chance(0.55)
    size = np.where(is_zoomed, r.between(0.42, 0.92), r.scale(0.11, 0.92)) * side
    room = np.maximum(side - size, 0) / 2
    reach = np.where(is_zoomed, 0.5, 1.0) * np.where(r.chance(0.15), 1.25, 1.0)
    x, y = side / 2 + r.between(-1, 1) * room * reach, side / 2 + r.between(-1, 1) * room * reach
    away, half_width, half_height = _place(r, fields, extents, x, y, size, is_other & r.chance(0.5))
    return _Main(
        away=away,
        x=x,
        y=y,
        half_width=half_width,
        half_height=half_height,
        size=size,
        pen=np.maximum(r.scale(0.014, 0.19) * size, 0.55),
        is_none=is_none,
        is_faint=r.chance(0.2),
        labels=np.where(is_none | is_other, NOT_A_DIGIT, digits.labels[digit]).astype(np.uint8),
    )


def _place(
    r: _Random, fields: Any, extents: Any, x: Any, y: Any, size: Any, is_turned: Any
) -> tuple[Floats, Floats, Floats]:
    """Turn, slant, stretch and bend strokes; return the distance from them, and half their box."""
    n, side, rng = len(fields), r.side, r.rng
    angle = np.deg2rad(np.clip(rng.normal(0, 8, n), -25, 25))
    angle = np.where(is_turned, rng.uniform(-3.1, 3.1, n), angle)
    slant, aspect = (
        np.clip(rng.normal(0, 0.17, n), -0.5, 0.5),
        np.clip(rng.normal(0, 0.18, n), -0.45, 0.45),
    )
    width, height = extents[:, 0] * np.exp(aspect / 2), extents[:, 1] * np.exp(-aspect / 2)
    fit = size / SPAN / np.maximum(width, height)
    x_scale, y_scale = fit * np.exp(aspect / 2), fit * np.exp(-aspect / 2)
    steps = np.arange(side, dtype=np.float32) + 0.5
    dx, dy = steps[None, None, :] - _col(x), steps[None, :, None] - _col(y)
    cos, sin = _col(np.cos(angle)), _col(np.sin(angle))
    v = cos * dy - sin * dx
    u = cos * dx + sin * dy + _col(slant) * v
    bend = r.clouds(5, 2, n) * _col(rng.uniform(0, 1.4, n) ** 2 * 0.035 * size)[..., None]
    middle = np.float32(FIELD_SIDE / 2 - 0.5)
    columns = (u + bend[..., 0]) / _col(x_scale) + middle
    rows = (v + bend[..., 1]) / _col(y_scale) + middle
    away = _sampled(fields, columns, rows) * _col(np.sqrt(x_scale * y_scale))
    box = SPAN / 2 * fit
    return (
        away,
        np.maximum(width * box, 2).astype(np.float32),
        np.maximum(height * box, 2).astype(np.float32),
    )


def _sampled(fields: npt.NDArray[np.uint8], columns: Floats, rows: Floats) -> Floats:
    """Interpolate the fields; beyond them the distance grows."""
    last = np.float32(FIELD_SIDE - 1.001)
    x, y = np.clip(columns, 0, last), np.clip(rows, 0, last)
    beyond = np.hypot(columns - x, rows - y)
    left, top = x.astype(np.int32), y.astype(np.int32)
    across, down = x - left, y - top
    flat, first = (
        fields.reshape(len(fields), -1),
        (top * FIELD_SIDE + left).reshape(len(fields), -1),
    )

    def at(offset: int) -> Floats:
        return np.take_along_axis(flat, first + offset, 1).reshape(x.shape).astype(np.float32)

    above = at(0) * (1 - across) + at(1) * across
    below = at(FIELD_SIDE) * (1 - across) + at(FIELD_SIDE + 1) * across
    return np.asarray((above * (1 - down) + below * down) / STEPS_PER_PIXEL + beyond, np.float32)


def _neighbours(r: _Random, main: _Main, digits: Strokes) -> Floats:
    """Up to three other digits beside the one that counts, never on it."""
    ink = np.zeros_like(main.away)
    for share in (0.22, 0.14, 0.08):
        j = np.flatnonzero(r.chance(share))
        n = len(j)
        if not n:
            continue
        which, is_small = r.rng.integers(0, len(digits.fields), n), r.chance(0.35, n)
        size = np.where(is_small, r.between(0.08, 0.5, n), r.between(0.7, 1.15, n)) * main.size[j]
        angle = r.between(0, 2 * np.pi, n)
        in_line = np.where(r.chance(0.5, n), 0, np.pi) + r.between(-0.2, 0.2, n)
        angle = np.where(r.chance(0.6, n), in_line, angle)
        gap, extents = r.between(1.05, 1.5, n), digits.extents[which]
        x = main.x[j] + np.cos(angle) * (main.half_width[j] + size / 2 * extents[:, 0]) * gap
        y = main.y[j] + np.sin(angle) * (main.half_height[j] + size / 2 * extents[:, 1]) * gap
        away, _, _ = _place(r, digits.fields[which], extents, x, y, size, r.chance(0.3, n))
        pen = np.where(is_small, 0.6, r.between(0.8, 1.2, n)) * main.pen[j]
        ink[j] = np.maximum(ink[j], _stroke(away, _col(np.maximum(pen, 0.6))))
    return ink * (main.away > _col(main.pen * 0.7 + 0.6 + 0.02 * main.size))


def _ruling(r: _Random, main: _Main) -> Floats:
    """Draw the paper's pattern, 1 on its lines: ruled, squared, dotted, or two lines alone."""
    side = r.side
    kind = r.rng.integers(0, 5, r.n)
    pitch = np.where(r.chance(0.4), main.size * r.scale(0.2, 1.2), r.scale(0.05, 0.75) * side)
    pitch = np.maximum(pitch, 4)
    angle = np.deg2rad(np.clip(r.rng.normal(0, 5, r.n), -20, 20))
    angle = np.where(r.chance(0.08), r.between(0, np.pi), angle)
    warp = r.clouds(4, 2) * _col(r.between(0, 1) ** 2 * 0.02 * side)[..., None]
    cos, sin = _col(np.cos(angle)), _col(np.sin(angle))
    u = cos * r.across + sin * r.down + warp[..., 0] + _col(r.between(0, 1) * pitch)
    v = cos * r.down - sin * r.across + warp[..., 1] + _col(r.between(0, 1) * pitch)
    tilt = (
        1
        + _col(r.between(-0.15, 0.15)) * r.across / side
        + _col(r.between(-0.15, 0.15)) * r.down / side
    )
    u, v = u * tilt, v * tilt
    wide = np.maximum(np.minimum(r.scale(0.008, 0.04) * side, pitch / 4), 0.5)
    down_pitch = pitch * np.where(r.chance(0.8), 1, r.between(0.7, 1.4))
    to_column, to_row = _to_line(u, pitch), _to_line(v, down_pitch)
    columns, rows = _stroke(to_column, _col(wide)), _stroke(to_row, _col(wide))
    dots = _stroke(np.hypot(to_column, to_row), _col(2 * wide))
    two = np.maximum(
        _stroke(np.abs(u), _col(wide)) * _col(r.chance(0.6)), _stroke(np.abs(v), _col(wide))
    )
    k = kind[:, None, None]
    lines = np.select([k == 0, k <= 2, k == 3], [rows, np.maximum(columns, rows), dots], two)
    bold = _stroke(_to_line(u, 5 * pitch), _col(1.6 * wide))
    lines = np.where(_col(r.chance(0.12)) > 0, np.maximum(lines / 2, bold), lines)
    return np.asarray(lines * _col(r.chance(0.62)), np.float32)


def _to_line(along: Floats, pitch: Any) -> Floats:
    return np.abs((along / _col(pitch) + 0.5) % 1 - 0.5) * _col(pitch)


def _paper(r: _Random, main: _Main) -> Floats:
    """Draw the page and the table beside it, before any light, (n, side, side, 3)."""
    n = r.n
    tint = 1 + r.rng.normal(0, 0.035, (n, 3)).astype(np.float32)
    warm = r.between(-0.08, 0.08)
    tint *= np.stack([1 + warm, np.ones(n, np.float32), 1 - warm], axis=1)
    tint = np.where(r.chance(0.15)[:, None], tint * np.array([1, 0.85, 0.72], np.float32), tint)
    page = (r.between(0.45, 1.0)[:, None] * tint)[:, None, None, :]
    page = page * (1 + 0.03 * r.clouds(12) * _col(r.between(0, 1) ** 2)[..., None])
    contrast = r.between(0.05, 1) ** 1.5 * 0.75
    colour = _RULINGS[r.rng.integers(0, len(_RULINGS), n)][:, None, None, :]
    page = page * (1 - (_ruling(r, main) * _col(contrast))[..., None] * (1 - colour))
    angle, soft = r.between(0, 2 * np.pi), np.maximum(r.between(0.3, 3), 0.3)
    half = r.side / 2
    beyond = _col(np.cos(angle)) * (r.across - _col(main.x - half))
    beyond = beyond + _col(np.sin(angle)) * (r.down - _col(main.y - half))
    reach = np.abs(np.cos(angle)) * main.half_width + np.abs(np.sin(angle)) * main.half_height
    reach = reach + main.pen + 1.5 + r.between(0, 1) * half
    table = np.clip((beyond - _col(reach)) / _col(soft), 0, 1) * _col(r.chance(0.22))
    shade = np.clip(1 + r.rng.normal(0, 0.2, (n, 3)), 0.4, 1.6).astype(np.float32)
    colour = (r.between(0.02, 1.0)[:, None] * shade)[:, None, None, :]
    texture = 1 + 0.25 * r.clouds(16) * _col(r.between(0, 1))[..., None]
    return np.asarray(
        page * (1 - table[..., None]) + colour * texture * table[..., None], np.float32
    )


def _photographed(r: _Random, main: _Main, ink: Floats) -> Floats:
    """Ink on paper in its light, (n, side, side, 3) in [0, 1]; boards and clean drawings too."""
    paper = _paper(r, main)
    pen = np.clip(
        _INKS[r.rng.integers(0, len(_INKS), r.n)] + r.rng.normal(0, 0.05, (r.n, 3)), 0, 0.9
    )
    cover = np.where(r.chance(0.5), r.between(0.75, 1.0), r.scale(0.18, 1))
    cover = np.where(main.is_faint, r.scale(0.07, 0.3), cover)
    flow = np.clip(1 + 0.35 * r.clouds(9)[..., 0] * _col(r.between(0, 1) ** 2), 0.45, 1.4)
    pencil = np.clip(
        1 + 0.35 * r.grain(1)[..., 0] * _col(r.between(0, 1) * r.chance(0.35)), 0.2, 1.8
    )
    alpha = np.clip(ink * _col(cover) * flow * pencil, 0, 1)[..., None]
    picture = paper * (1 - alpha * (1 - pen[:, None, None, :].astype(np.float32)))
    picture = picture * _light(r)[..., None]
    board = 1.02 - picture * _col(r.between(0.75, 1))[..., None]
    picture = np.where(r.chance(0.1)[:, None, None, None], board, picture)
    drawn = 1 - ink * _col(r.between(0.5, 1))
    drawn = np.where(r.chance(0.4)[:, None, None], 1 - drawn, drawn)
    picture = np.where(r.chance(0.06)[:, None, None, None], drawn[..., None], picture)
    picture = np.clip(picture * _col(r.scale(0.55, 1.15))[..., None], 0, 1)
    return np.asarray(picture ** _col(np.exp(r.between(-0.35, 0.35)))[..., None], np.float32)


def _light(r: _Random) -> Floats:
    side = r.side
    angle, fall = r.between(0, 2 * np.pi), r.between(0, 0.45) * r.chance(0.7)
    slope = (_col(np.cos(angle)) * r.across + _col(np.sin(angle)) * r.down) / side
    light = 1 + 1.6 * _col(fall) * slope
    light = light * (1 + 0.22 * r.clouds(3)[..., 0] * _col(r.between(0, 1) ** 1.5))
    angle, wave = r.between(0, 2 * np.pi), r.clouds(4)[..., 0] * _col(r.between(0, 0.15) * side)
    edge = _col(np.cos(angle)) * r.across + _col(np.sin(angle)) * r.down
    edge = edge - _col(r.between(-0.45, 0.45) * side) + wave
    soft = np.maximum(r.scale(0.01, 0.3) * side, 0.5)
    depth = r.between(0.15, 0.65) * r.chance(0.25)
    light = light * (1 - _col(depth) * np.clip(0.5 + edge / _col(soft), 0, 1))
    corner = (r.across**2 + r.down**2) / side**2
    light = light * (1 - 2 * _col(r.between(0, 0.6) * r.chance(0.2)) * corner)
    return np.asarray(np.clip(light, 0.08, 1.5), np.float32)


def _camera(r: _Random, main: _Main, light: Floats) -> npt.NDArray[np.uint8]:
    """Blur, noise, a small sensor, JPEG, grey pictures, and windows that stick out of the photo."""
    n, side = r.n, r.side
    blur = np.where(r.chance(0.6), r.between(0, 0.012), r.between(0, 0.035)) * side
    blur = np.minimum(blur, 0.12 * main.size)
    noise = r.between(0, 1) ** 2 * 0.06 * np.where(main.is_faint, 0.25, 1)
    grain = (0.8 * r.grain(1) + 0.4 * r.grain(3)) * _col(noise)[..., None] * 255
    is_late, is_moved = r.chance(0.5), r.chance(0.06)
    shrink, quality = np.where(r.chance(0.3), r.between(0.35, 0.9), 1), r.rng.integers(15, 96, n)
    quality = np.where(r.chance(0.7), quality, 0)
    pictures = np.empty((n, side, side, 3), np.uint8)
    levels = light * 255
    for i in range(n):
        picture = levels[i] if is_late[i] else levels[i] + grain[i]
        taken = _taken(r, picture, float(blur[i]), bool(is_moved[i]))
        small = int(side * shrink[i]) if main.size[i] * shrink[i] > 14 else side
        pictures[i] = _stored(taken, max(12, small), int(quality[i]))
    late = pictures[is_late] + grain[is_late]
    pictures[is_late] = np.clip(late, 0, 255).astype(np.uint8)
    is_grey = r.chance(0.12)
    luma = pictures[is_grey] @ np.array([0.299, 0.587, 0.114], np.float32)
    pictures[is_grey] = luma[..., None].astype(np.uint8)
    for i in np.flatnonzero(r.chance(0.42)):
        _stick_out(r, main, pictures[i], int(i))
    return pictures


def _taken(r: _Random, picture: Floats, blur: float, is_moved: bool) -> Any:
    from PIL import Image, ImageFilter

    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if is_moved:
        kernel, reach, way = np.zeros((5, 5)), int(r.rng.integers(1, 3)), int(r.rng.integers(0, 4))
        for step in range(-reach, reach + 1):
            dy, dx = ((0, step), (step, 0), (step, step), (step, -step))[way]
            kernel[2 + dy, 2 + dx] = 1
        image = image.filter(
            ImageFilter.Kernel((5, 5), (kernel / kernel.sum()).ravel().tolist(), scale=1)
        )
    return image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.3 else image


def _stored(image: Any, small: int, quality: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    size = image.size
    if small < size[0]:
        image = image.resize((small, small), Image.Resampling.BOX)
    if quality:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        image = Image.open(file).convert("RGB")
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BICUBIC))


def _stick_out(r: _Random, main: _Main, picture: npt.NDArray[np.uint8], i: int) -> None:
    """Fill up to three borders with their colour, as a window is that reaches beyond the photo."""
    side = r.side
    half_height, half_width = (
        main.half_height[i] + main.pen[i] / 2,
        main.half_width[i] + main.pen[i] / 2,
    )
    y, x = main.y[i], main.x[i]
    room = (y - half_height, side - y - half_height, x - half_width, side - x - half_width)
    for edge in r.rng.permutation(4)[: r.rng.integers(1, 4)]:
        k = int(min(r.rng.uniform(0.02, 0.4) * side, max(room[edge] - 1, 0)))
        if not k:
            continue
        turned = np.moveaxis(picture, 1, 0) if edge > 1 else picture
        if edge % 2:
            turned = turned[::-1]
        turned[:k] = np.median(turned[k : k + 2].reshape(-1, 3), axis=0)
