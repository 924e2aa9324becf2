"""Restoration of a camera's JPEG: the likeliest picture that its encoder was given, and that before it was sharpened."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import CELL, ChromaInto, ChromaOutOf, Conditioned, Into, OutOf

KNOWN = 17
"""Conditions: what `features.of_photo` says."""


class Phase(nn.Module):
    """Where in its block of 8x8 a cell of 4x4 lies, and where in one of 16x16, as halved chroma has: (N, 4, H / 4, W / 4).

    -1 or 1 by rows and by columns of either.
    """

    CHANNELS = 4
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        fine, coarse = torch.tensor([-1.0, 1.0, -1.0, 1.0]), torch.tensor([-1.0, -1.0, 1.0, 1.0])
        maps = [m for line in (fine, coarse) for m in (line[:, None].expand(4, 4), line[None].expand(4, 4))]
        self.register_buffer("places", torch.stack(maps).reshape(1, 64, 1, 1), persistent=False)

    def forward(self, cells: Tensor) -> Tensor:
        """Channels at a quarter of the size (N, C, H / 4, W / 4), of which the size alone is used."""
        blocks = F.avg_pool2d(cells[:, :1], 4) * 0  # (N, 1, H / 16, W / 16)
        return F.pixel_shuffle(blocks + self.places, 4)


class RestorePhoto(nn.Module):
    """Decoded planes in, their change out; untrained, it is nothing.

    1.95 kMAC per pixel at the size of `photo-1` (width 28, depth 4). The context it sees is 4 * depth pixels.
    """

    def __init__(self, width: int = 28, depth: int = 4) -> None:
        super().__init__()
        self.into, self.chroma_into, self.phase = Into(), ChromaInto(), Phase()
        self.out_of, self.chroma_out_of = OutOf(), ChromaOutOf()
        self.channels = (CELL**2, ChromaInto.CHANNELS, CELL**2)
        self.net = Conditioned(CELL**2 + ChromaInto.CHANNELS + Phase.CHANNELS, width, depth, sum(self.channels), KNOWN)

    def forward(self, luma: Tensor, chroma: Tensor, conditions: Tensor) -> Tensor:
        """Y (N, 1, H, W), 1 = white; Cb, Cr (N, 2, H / 2, W / 2), centred; (N, KNOWN).

        Sides are multiples of 16, from the first row and column of a block of chroma on.
        -> (N, 10, H / 2, W / 2): what the encoder took from the 2x2 luma samples of a cell, row by row, and from Cb and Cr;
        then what sharpening had added to luma, to be added the other way.
        """
        cells = torch.cat([self.into(luma), self.chroma_into(chroma)], 1)
        change = self.net(torch.cat([cells, self.phase(cells)], 1), conditions)
        luma, chroma, plain = change.split(self.channels, 1)
        parts = [self.out_of(luma), self.chroma_out_of(chroma), self.out_of(plain)]
        return torch.cat([F.pixel_unshuffle(parts[0], 2), parts[1], F.pixel_unshuffle(parts[2], 2)], 1)
