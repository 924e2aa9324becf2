"""Cells of 4x4 photosites as channels of a quarter-size picture, in frequencies that are scaled to like size.

What a restoration has to see and to say are differences of one part in fifty on top of values near one. Fed with those as they
are, small nets learned nothing in an hour; after this fixed change of basis they learn in a minute.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.features import DOMAIN, MATRIX

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
CELL = 4
"""Photosites along a cell."""
CLIPPING = 10
"""Channels of `clipping`."""
STEADY = 5e-4
"""By how much the mean of a block may change, in code: an eighth of a level of 8 bits."""
MIDDLE = 0.35
"""About the mean of a picture's code values."""
BLACK_LIGHT = (DOMAIN.offset / (1 + DOMAIN.offset)) ** (1 / DOMAIN.power)
"""Light at code 0 of the power's branch, continued below the toe."""


def cosines(n: int) -> Tensor:
    """The orthonormal DCT of an n x n cell: (n * n frequencies, n * n samples)."""
    k, i = torch.arange(n)[:, None], torch.arange(n)[None]
    basis = torch.cos(math.pi * (2 * i + 1) * k / (2 * n)) * torch.where(k == 0, (1 / n) ** 0.5, (2 / n) ** 0.5)
    return torch.kron(basis, basis)


def scaled(basis: Tensor, mean: float, rest: float) -> Tensor:
    """A basis with its first row (the mean) and its other rows scaled."""
    scale = torch.full((len(basis), 1), rest)
    scale[0] = mean
    return basis * scale


class Into(nn.Module):
    """Mosaic code (N, 1, H, W) -> (N, 16, H / 4, W / 4) frequencies."""

    CHANNELS = 16
    basis: Tensor
    middle: Tensor

    def __init__(self) -> None:
        super().__init__()
        basis = scaled(cosines(CELL), 0.5, 10.0)
        self.register_buffer("basis", basis.reshape(-1, 1, CELL, CELL), persistent=False)
        self.register_buffer("middle", -MIDDLE * basis.sum(1), persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        return F.conv2d(code, self.basis, self.middle, stride=CELL)


def clipping(code: Tensor, srgb: Tensor) -> Tensor:
    """How near to clipping: (N, 10, H / 2, W / 2), each Bayer position to white, then sRGB's channels to black and to white.

    code (N, 4, H / 2, W / 2): RGGB quads; srgb (N, 3, H / 2, W / 2) linear. An 8-bit program that saves a JPEG again
    clips at both ends of sRGB: only there may a restoration guess beyond what it is given.
    """
    return torch.cat([((code - 0.9) * 8).clamp(0, 1.6), (1 - srgb * 30).clamp(0, 2), ((srgb - 0.8) * 5).clamp(0, 1.6)], 1)


def srgb_of(quads: Tensor, matrix: Tensor) -> Tensor:
    """RGGB quads of code (N, 4, h, w), matrix (N, 3, 3) balanced camera -> linear sRGB: (N, 3, h, w), linear."""
    red, green, beside, blue = light(quads).split(1, 1)
    camera = torch.cat([red, (green + beside) / 2, blue], 1)
    n, _, height, width = camera.shape
    return (matrix @ camera.reshape(n, 3, height * width)).reshape(n, 3, height, width)


def steadied(change: Tensor, quads: Tensor, srgb: Tensor, refined: Tensor) -> Tensor:
    """A change of the code (N, 4, h, w) that keeps the mean of each colour in each 8x8 block, to STEADY.

    The mean is what a JPEG keeps best; a net that has seen much clipping guesses at it where nothing was clipped. It is
    free where another program may have cut highlights: in closed loops saved again (`refined` (N,) 1), near white.
    """
    white = torch.maximum(((quads - 0.93) * 20).amax(1, True), ((srgb - 0.88) * 15).amax(1, True)).clamp(0, 1)
    limit = F.max_pool2d(white, 4) * refined.view(-1, 1, 1, 1) + STEADY
    mean = F.avg_pool2d(change, 4)
    excess = mean - torch.maximum(torch.minimum(mean, limit), -limit)
    return change - F.interpolate(excess, scale_factor=4.0, mode="nearest")


def light(code: Tensor) -> Tensor:
    """Codes -> balanced samples, roughly: the power of `features.DOMAIN` alone."""
    return ((code.clamp(min=0) + DOMAIN.offset) / (1 + DOMAIN.offset)) ** (1 / DOMAIN.power) - BLACK_LIGHT


def matrix_of(conditions: Tensor) -> Tensor:
    """The camera matrix (N, 3, 3) in a vector of conditions; rows sum to 1."""
    m = conditions[:, MATRIX]
    a, b, c, d, e, f = m.split(1, 1)
    return torch.cat([1 - a - b, a, b, c, 1 - c - d, d, e, f, 1 - e - f], 1).view(-1, 3, 3)


class ChromaInto(nn.Module):
    """Chroma at half size (N, 2, H / 2, W / 2) -> (N, 8, H / 4, W / 4) frequencies."""

    CHANNELS = 8
    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        basis = scaled(cosines(2), 3.0, 12.0)
        self.register_buffer("basis", torch.block_diag(basis, basis).reshape(-1, 2, 2, 2), persistent=False)

    def forward(self, chroma: Tensor) -> Tensor:
        return F.conv2d(chroma, self.basis, stride=2)


class Cells(nn.Module):
    """All that is seen of a mosaic and its chroma: (N, 34, H / 4, W / 4), and linear sRGB (N, 3, H / 2, W / 2)."""

    CHANNELS = Into.CHANNELS + ChromaInto.CHANNELS + CLIPPING

    def __init__(self) -> None:
        super().__init__()
        self.into, self.chroma_into = Into(), ChromaInto()

    def forward(self, code: Tensor, quads: Tensor, chroma: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Code (N, 1, H, W) RGGB, the same as quads, chroma (N, 2, H / 2, W / 2), (N, CONDITIONS)."""
        srgb = srgb_of(quads, matrix_of(conditions))
        near = F.avg_pool2d(clipping(quads, srgb), 2)
        return torch.cat([self.into(code), self.chroma_into(chroma), near], 1), srgb


class ChromaOutOf(nn.Module):
    """Frequencies (N, 8, H / 4, W / 4) -> what to add to chroma (N, 2, H / 2, W / 2)."""

    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        basis = scaled(cosines(2), 0.06, 0.03).T
        self.register_buffer("basis", torch.block_diag(basis, basis)[..., None, None], persistent=False)

    def forward(self, frequencies: Tensor) -> Tensor:
        return F.pixel_shuffle(F.conv2d(frequencies, self.basis), 2)


class OutOf(nn.Module):
    """Frequencies (N, 16, H / 4, W / 4) -> what to add to the mosaic code (N, 1, H, W)."""

    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", scaled(cosines(CELL), 0.06, 0.03).T[..., None, None].contiguous(), persistent=False)

    def forward(self, frequencies: Tensor) -> Tensor:
        return F.pixel_shuffle(F.conv2d(frequencies, self.basis), CELL)


def zero(layer: Layer) -> Layer:
    """The layer with weights and bias 0: a net that ends in it starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Conditioned(nn.Module):
    """Convolutions 3x3 whose channels are scaled and shifted by what is known of the picture; the last starts at zero."""

    def __init__(self, channels: int, width: int, depth: int, out: int, conditions: int) -> None:
        super().__init__()
        self.width, self.depth, self.out = width, depth, out
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth - 2))
        self.last = zero(nn.Conv2d(width, out, 3, padding=1))
        self.told = nn.Sequential(nn.Linear(conditions, 32), nn.ReLU(), zero(nn.Linear(32, 2 * width * (depth - 1) + out)))

    def forward(self, x: Tensor, conditions: Tensor) -> Tensor:
        told = self.told(conditions * 0.4)[..., None, None]  # (N, 2 * width * (depth - 1) + out, 1, 1)
        *parts, gain = told.split([self.width] * (2 * len(self.middle) + 2) + [self.out], 1)
        x = F.relu(self.first(x) * (1 + parts[0]) + parts[1])
        for i, layer in enumerate(self.middle, 1):
            x = x + F.relu(layer(x) * (1 + parts[2 * i]) + parts[2 * i + 1])
        return self.last(x) * torch.exp(gain)
