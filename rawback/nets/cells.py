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

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
CELL = 4
MIDDLE = 0.35
"""About the mean of a picture's code values."""


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
    """Mosaic code (N, 1, H, W) -> (N, 24, H / 4, W / 4): 16 frequencies, then how blown and how dark each Bayer position is."""

    CHANNELS = 24
    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", scaled(cosines(CELL), 0.5, 10.0)[..., None, None], persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        quads = F.pixel_unshuffle(code, 2)  # (N, 4, H / 2, W / 2)
        blown = F.avg_pool2d(((quads - 0.9) * 8).clamp(0, 1.6), 2)
        dark = F.avg_pool2d((quads * 8).clamp(0, 1), 2)
        return torch.cat([F.conv2d(F.pixel_unshuffle(code - MIDDLE, CELL), self.basis), blown, dark], 1)


class ChromaInto(nn.Module):
    """Chroma at half size (N, 2, H / 2, W / 2) -> (N, 8, H / 4, W / 4) frequencies."""

    CHANNELS = 8
    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        basis = scaled(cosines(2), 3.0, 12.0)
        self.register_buffer("basis", torch.block_diag(basis, basis)[..., None, None], persistent=False)

    def forward(self, chroma: Tensor) -> Tensor:
        return F.conv2d(F.pixel_unshuffle(chroma, 2), self.basis)


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
        self.width, self.out = width, out
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
