"""Blown highlights: of what colour, and how bright, from what is left of them and from what lies around."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GuessHighlights(nn.Module):
    """A U-net (Ronneberger et al. 2015) over the blocks of a picture; untrained, it guesses grey and white.

    46 kMAC per block of 8 x 8 pixels at width 24: 0.7 kMAC per pixel.
    """

    KNOWN, GUESSED = 9, 6

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        wide = 2 * width
        self.down = nn.ModuleList([_twice(self.KNOWN, width), _twice(width, wide), _twice(wide, wide), _twice(wide, wide)])
        self.up = nn.ModuleList([_once(2 * wide, wide), _once(2 * wide, wide), _once(3 * width, width)])
        self.out = nn.Conv2d(width, self.GUESSED, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, known: Tensor) -> Tensor:
        """`highlight_part.known` (N, 9, h, w), sides multiples of 16 -> (N, 6, h, w), as `highlight_part.guessed` takes it."""
        levels = [self.down[0](known)]
        for down, step in zip(self.down[1:], (2, 2, 4), strict=True):
            levels.append(down(F.avg_pool2d(levels[-1], step)))
        x = levels.pop()
        for up in self.up:
            level = levels.pop()
            x = up(torch.cat([level, F.interpolate(x, size=level.shape[2:], mode="bilinear", align_corners=False)], 1))
        return self.out(x)


def _convolution(channels: int, into: int) -> nn.Module:
    return nn.Conv2d(channels, into, 3, padding=1, padding_mode="replicate")


def _once(channels: int, into: int) -> nn.Sequential:
    return nn.Sequential(_convolution(channels, into), nn.ReLU())


def _twice(channels: int, into: int) -> nn.Sequential:
    return nn.Sequential(_convolution(channels, into), nn.ReLU(), _convolution(into, into), nn.ReLU())
