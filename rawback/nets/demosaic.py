"""Demosaicing that keeps the samples: a linear filter to start from, and a small net for what depends on the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import Into, zero

MISSING = ((1, 2, 3), (0, 3), (0, 1, 2))
"""Of red, green and blue the positions in a RGGB quad (row by row) where they are not measured."""


class Demosaic(nn.Module):
    """RGGB mosaic code in, three planes out; untrained, it is bilinear interpolation.

    2.3 kMAC per photosite at the size of `generic-1` (width 32, depth 4). The context it sees is 4 * depth + 2 photosites.
    """

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.linear = nn.Conv2d(4, 8, 3, padding=1, bias=False)
        self.linear.weight.data = bilinear()
        self.into = Into()
        self.first = nn.Conv2d(Into.CHANNELS + 8, width, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth - 2))
        self.last = zero(nn.Conv2d(width, 32, 3, padding=1))

    def forward(self, code: Tensor) -> Tensor:
        """RGGB code (N, 1, H, W), sides multiples of 4 -> (N, 3, H, W), the measured samples among them unchanged."""
        quads = F.pixel_unshuffle(code, 2)  # (N, 4, H / 2, W / 2)
        ends = F.avg_pool2d(torch.cat([((quads - 0.9) * 8).clamp(0, 1.6), (quads * 8).clamp(0, 1)], 1), 2)
        x = F.relu(self.first(torch.cat([self.into(code), ends], 1)))
        for layer in self.middle:
            x = x + F.relu(layer(x))
        missing = self.linear(quads) + F.pixel_shuffle(self.last(x), 2) * 0.05  # (N, 8, H / 2, W / 2)
        red, green, blue = missing.split([len(positions) for positions in MISSING], 1)
        r, g, h, b = quads.split(1, 1)
        parts = [r, red, green[:, :1], g, h, green[:, 1:], blue, b]
        return F.pixel_shuffle(torch.cat(parts, 1), 2)


def bilinear() -> Tensor:
    """Weights (8, 4, 3, 3) of bilinear interpolation: missing colours of a quad from the 3x3 quads around it."""
    kernel = torch.tensor([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])
    measured = {0: [(0, 0)], 1: [(0, 1), (1, 0)], 2: [(1, 1)]}
    weights = torch.zeros(8, 4, 3, 3)
    out = 0
    for colour, positions in enumerate(MISSING):
        for position in positions:
            at = divmod(position, 2)
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    y, x = at[0] + dy, at[1] + dx
                    if (y % 2, x % 2) in measured[colour]:
                        weights[out, 2 * (y % 2) + x % 2, y // 2 + 1, x // 2 + 1] += kernel[dy + 1, dx + 1]
            weights[out] /= weights[out].sum()
            out += 1
    return weights
