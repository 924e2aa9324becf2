"""A still life, ray traced: what `make_sample.py` photographs.

It has what a developer and a codec find hard: text and a radial chart, wood and cloth, skin, saturated paint, red and
blue outside sRGB, a lamp and reflections far above white, deep shadows, smooth gradients. Colours are linear sRGB with
white paper near 1; what its gamut cannot hold lies outside 0..1.
"""

from __future__ import annotations

import numpy as np
from dot_letters import page

WIDTH, HEIGHT, SUPERSAMPLING, BAND = 1800, 1200, 2, 60

EYE, LOOK_AT, FIELD = np.array([0.0, 1.75, 6.0]), np.array([0.0, 0.72, 0.0]), 0.265
LIGHT, LIGHT_COLOUR, LIGHT_SIZE = np.array([-3.2, 4.6, 3.4]), np.array([1.02, 0.96, 0.86]), 0.09
LAMP, LAMP_COLOUR = np.array([0.12, 1.72, -1.1]), np.array([1.0, 0.55, 0.2])
SKY = np.array([0.10, 0.13, 0.18])
WALL_Z, CARD_Z = -2.0, -0.9
PAPER, STAR, DOT = np.array([-1.42, 2.3]), np.array([-1.78, 1.04]), 0.0077
"""Middle of the page's upper edge, middle of the radial chart, size of a dot of the letters."""

SPHERES = [  # centre, radius, colour in linear sRGB (outside 0..1: outside its gamut), gloss 0..1, roughness of the skin
    ((-1.62, 0.42, 0.85), 0.42, (0.86, -0.05, -0.01), 0.7, 0.0),
    ((-0.62, 0.50, 0.45), 0.50, (0.62, 0.34, 0.24), 0.12, 0.1),
    ((0.52, 0.56, 0.45), 0.56, (0.55, 0.56, 0.58), 1.0, 0.0),
    ((1.52, 0.42, 0.80), 0.42, (-0.045, 0.02, 0.78), 0.5, 0.0),
    ((-1.12, 0.21, 1.75), 0.21, (0.012, 0.012, 0.013), 0.9, 0.0),
    ((-0.12, 0.21, 1.55), 0.21, (0.04, 0.36, 0.07), 0.4, 0.0),
    ((0.86, 0.23, 1.70), 0.23, (0.80, 0.30, 0.01), 0.3, 0.5),
    ((2.05, 0.27, 0.05), 0.27, (0.30, 0.03, 0.36), 0.6, 0.0),
    ((-2.15, 0.24, 1.70), 0.24, (0.85, 0.66, 0.03), 0.3, 0.0),
    ((2.15, 0.20, 1.65), 0.20, (0.02, 0.42, 0.46), 0.5, 0.0),
]
CHROME = 2
CHART = np.array([
    (0.17, 0.08, 0.06), (0.55, 0.30, 0.22), (0.11, 0.19, 0.34), (0.10, 0.15, 0.05), (0.22, 0.21, 0.43), (0.13, 0.51, 0.41),
    (0.70, 0.20, 0.03), (0.07, 0.10, 0.38), (0.54, 0.09, 0.12), (0.11, 0.04, 0.14), (0.34, 0.50, 0.05), (0.76, 0.36, 0.03),
    (0.03, 0.05, 0.28), (0.06, 0.29, 0.06), (0.43, 0.03, 0.04), (0.83, 0.56, 0.01), (0.49, 0.09, 0.30), (-0.03, 0.23, 0.37),
    *((grey, grey, grey) for grey in (0.88, 0.58, 0.36, 0.19, 0.09, 0.03)),
])  # fmt: skip
"""Linear sRGB of 24 patches, 4 rows of 6."""


class Noise:
    """Smooth random numbers at any point of space: a lattice of white noise, blended."""

    def __init__(self, seed: int) -> None:
        self.lattice = np.random.RandomState(seed).rand(64, 64, 64)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) -> (...) in 0..1, varying over a distance of 1."""
        floor = np.floor(points)
        part = points - floor
        part = part * part * (3 - 2 * part)
        base = floor.astype(int)
        total = np.zeros(points.shape[:-1])
        for corner in np.ndindex(2, 2, 2):
            x, y, z = (base[..., i] + corner[i] & 63 for i in range(3))
            weights = [part[..., i] if corner[i] else 1 - part[..., i] for i in range(3)]
            total += self.lattice[x, y, z] * weights[0] * weights[1] * weights[2]
        return total

    def octaves(self, points: np.ndarray, count: int) -> np.ndarray:
        """Sum of `count` octaves, 0..1."""
        return sum(self(points * 2.0**i) * 0.5**i for i in range(count)) / (2 - 0.5 ** (count - 1))


NOISE, PAGE = Noise(1), page()


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt((vectors * vectors).sum(-1, keepdims=True))


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1)


def step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def trace(origin: np.ndarray, ray: np.ndarray, reflect: bool = True) -> np.ndarray:
    """Light that arrives along rays (n, 3): linear sRGB (n, 3)."""
    distance = np.full(len(ray), np.inf)
    surface = np.full(len(ray), -1)
    planes = ((1, 0.0), (2, WALL_Z), (2, CARD_Z))  # table, wall, the plane of the two cards
    for index, (axis, at) in enumerate(planes):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (at - origin[..., axis]) / ray[:, axis]
        x, y = (np.moveaxis(origin + t[:, None] * ray, -1, 0)[i] for i in (0, 1))
        hit = (t > 1e-6) & (t < distance) & ((index < 2) | (on_text(x, y) | on_chart(x, y)))
        distance[hit], surface[hit] = t[hit], index
    for index, (centre, radius, *_) in enumerate([*SPHERES, (LAMP, 0.17)], 3):
        t = meet(origin, ray, np.array(centre), radius)
        hit = (t > 1e-6) & (t < distance)
        distance[hit], surface[hit] = t[hit], index
    colour = room(ray)
    for index in np.unique(surface[surface >= 0]):
        at = surface == index
        start = origin if origin.ndim == 1 else origin[at]
        points = start + distance[at, None] * ray[at]
        colour[at] = shade(points, ray[at], int(index), reflect)
    return colour


def meet(origin: np.ndarray, ray: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Distance (n,) at which rays enter a sphere, inf if they do not."""
    towards = centre - origin
    along = dot(ray, towards)
    under = radius**2 - (dot(towards, towards) - along**2)
    return np.where(under > 0, along - np.sqrt(np.maximum(under, 0)), np.inf)


def on_text(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.abs(x - PAPER[0]) < 0.86) & (y > 0) & (y < PAPER[1])


def on_chart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.abs(x - 1.5) < 0.93) & (y > 0) & (y < 1.32)


def room(ray: np.ndarray) -> np.ndarray:
    """What lies behind the camera and is seen in reflections: a dark room with a bright window of four panes."""
    x, y = ray[:, 0], ray[:, 1]
    inside = (np.abs(x + 0.42) < 0.2) & (np.abs(y - 0.58) < 0.2) & (ray[:, 2] > 0)
    panes = inside & (np.abs(x + 0.42) > 0.015) & (np.abs(y - 0.58) > 0.015)
    return np.where(panes[:, None], [7.0, 7.2, 7.6], (0.04 + 0.08 * np.clip(y, 0, 1))[:, None] * [1.0, 0.95, 0.9])


def shade(points: np.ndarray, ray: np.ndarray, index: int, reflect: bool) -> np.ndarray:
    """Colour (n, 3) of points of one surface."""
    if index == 3 + len(SPHERES):
        return np.broadcast_to([9.0, 6.5, 3.6], points.shape)
    if index < 3:
        normal = np.broadcast_to([0.0, 1.0, 0.0] if index == 0 else [0.0, 0.0, 1.0], points.shape)
        albedo, gloss = (table, wall, cards)[index](points), 0.12 if index == 0 else 0.0
    else:
        centre, _, paint, gloss, rough = SPHERES[index - 3]
        normal, albedo = skin(unit(points - np.array(centre)), points, paint, rough)
    light = unit(LIGHT - points)
    key = np.clip(dot(normal, light), 0, 1) * shadow(points, light, index)
    near = LAMP - points
    glow = np.clip(dot(normal, unit(near)), 0, 1) / (0.12 + dot(near, near)) * 0.6
    ambient = SKY * (0.6 + 0.4 * normal[:, 1:2]) * occlusion(points, index)[:, None]
    colour = albedo * (key[:, None] * LIGHT_COLOUR + glow[:, None] * LAMP_COLOUR + ambient)
    half = np.clip(dot(normal, unit(light - ray)), 0, 1)
    colour = colour + (gloss * key * half ** (30 + 400 * gloss) * 9 * gloss)[:, None] * LIGHT_COLOUR
    if reflect and gloss > 0.3:
        mirrored = ray - 2 * dot(ray, normal)[:, None] * normal
        share = 0.72 if index - 3 == CHROME else 0.03 + 0.6 * (1 - np.clip(-dot(ray, normal), 0, 1)) ** 5
        colour = colour * (0.25 if index - 3 == CHROME else 1) + trace(points, mirrored, False) * np.reshape(share, (-1, 1))
    return colour


def shadow(points: np.ndarray, light: np.ndarray, index: int) -> np.ndarray:
    """Share of the key light that the spheres let through, with a penumbra that widens with distance."""
    share = np.ones(len(points))
    for other, (centre, radius, *_) in enumerate(SPHERES, 3):
        if other != index:
            towards = np.array(centre) - points
            along = dot(light, towards)
            apart = np.sqrt(np.maximum(dot(towards, towards) - along**2, 0))
            width = LIGHT_SIZE * np.maximum(along, 0.05)
            share *= np.where(along > 0, step(apart - radius, -width, width), 1)
    return share


def occlusion(points: np.ndarray, index: int) -> np.ndarray:
    """Share of the sky that a point sees: what makes things stand on the table."""
    share = np.ones(len(points))
    for other, (centre, radius, *_) in enumerate(SPHERES, 3):
        if other != index:
            apart = np.sqrt(((points - np.array(centre)) ** 2).sum(-1))
            share *= 1 - 0.9 * np.clip(radius / apart, 0, 1) ** 4
    return share * (0.35 + 0.65 * step(points[:, 1], 0, 0.4) if index >= 3 else 1)


def skin(normal: np.ndarray, points: np.ndarray, paint: tuple, rough: float) -> tuple[np.ndarray, np.ndarray]:
    """Normals and colours of a sphere: with pores and freckles where it is rough."""
    albedo = np.broadcast_to(np.array(paint), points.shape)
    if rough:
        slopes = np.stack([NOISE.octaves(points * 30 + 9 * i, 3) - 0.5 for i in range(3)], -1)
        normal = unit(normal + rough * slopes)
        spots = step(NOISE.octaves(points * 14 + 5, 3), 0.55, 0.7)
        albedo = albedo * (1 - 0.25 * spots[:, None] * [0.4, 1.0, 1.1])
    return normal, albedo


def table(points: np.ndarray) -> np.ndarray:
    """Oak planks, and in front a cloth of blue and white threads."""
    x, z = points[:, 0], points[:, 2]
    plank = np.floor(x / 0.62)
    seam = step(np.abs(x / 0.62 - plank - 0.5), 0.488, 0.496)
    along = np.stack([x * 7 + plank * 5.3, plank * 3.1, z * 0.6], -1)
    rings = 0.5 + 0.5 * np.sin(40 * NOISE.octaves(along, 3) + x * 6)
    fibres = NOISE(np.stack([x * 130, plank, z * 5], -1))
    tone = 0.55 + 0.3 * rings + 0.35 * (fibres - 0.5) + 0.15 * (NOISE(np.stack([plank, plank, plank], -1) * 7.7) - 0.5)
    wood = np.array([0.36, 0.19, 0.085]) * (tone * (1 - 0.8 * seam))[:, None]
    u, v = x * 60, z * 60
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    thread = np.where(over, np.abs(np.sin(np.pi * u)), np.abs(np.sin(np.pi * v)))
    check = (np.floor(x / 0.2 + 0.5) % 2) + (np.floor(z / 0.2) % 2)
    dyes = np.array([[0.62, 0.60, 0.55], [0.26, 0.32, 0.42], [0.05, 0.09, 0.22]])
    cloth = dyes[check.astype(int)] * (0.45 + 0.55 * thread[:, None])
    return np.where((z > 1.98)[:, None], cloth, wood)


def wall(points: np.ndarray) -> np.ndarray:
    """Plaster: nothing but a gradient, and a little grain."""
    grain = 1 + 0.03 * (NOISE.octaves(points * 60, 2) - 0.5)
    return np.array([0.30, 0.36, 0.40]) * (grain * (1 - 0.12 * points[:, 1]))[:, None]


def cards(points: np.ndarray) -> np.ndarray:
    """Left a page with a star and lines of text, right the chart of 24 patches."""
    x, y = points[:, 0], points[:, 1]
    u, v = x - STAR[0], y - STAR[1]
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    star = (radius < 0.32) & (np.sin(72 * angle) > 0) & (radius > 0.01)
    row, column = ((PAPER[1] - 0.03 - y) / DOT).astype(int), ((x - PAPER[0]) / DOT + PAGE.shape[1] / 2).astype(int)
    printed = (row >= 0) & (row < PAGE.shape[0]) & (column >= 0) & (column < PAGE.shape[1])
    ink = printed & (PAGE[np.clip(row, 0, PAGE.shape[0] - 1), np.clip(column, 0, PAGE.shape[1] - 1)] == 0)
    paper = np.where((star | ink)[:, None], 0.025, [0.82, 0.81, 0.77])
    right, down = (x - 0.57) / 0.31, (1.32 - y) / 0.33
    patch = CHART[np.clip(down.astype(int), 0, 3) * 6 + np.clip(right.astype(int), 0, 5)]
    framed = np.maximum(np.abs(right % 1 - 0.5), np.abs(down % 1 - 0.5)) < 0.44
    return np.where((x < 0)[:, None], paper, np.where(framed[:, None], patch, 0.02))


def scene(rows: int = HEIGHT) -> np.ndarray:
    """Linear sRGB (rows, WIDTH, 3) float64 from the top, nothing clipped; rows in multiples of BAND."""
    forward = unit(LOOK_AT - EYE)
    right = unit(np.cross(forward, [0, 1, 0]))
    up = np.cross(right, forward)
    n = SUPERSAMPLING
    xs = ((np.arange(WIDTH * n) + 0.5) / (WIDTH * n) * 2 - 1) * FIELD * WIDTH / HEIGHT
    ys = (1 - (np.arange(HEIGHT * n) + 0.5) / (HEIGHT * n) * 2) * FIELD
    picture = np.empty((rows, WIDTH, 3))
    for top in range(0, rows, BAND):
        v, u = np.meshgrid(ys[top * n : (top + BAND) * n], xs, indexing="ij")
        rays = unit(forward + u[..., None] * right + v[..., None] * up)
        light = trace(EYE, rays.reshape(-1, 3)).reshape(BAND, n, WIDTH, n, 3)
        picture[top : top + BAND] = light.mean((1, 3))
    return picture
