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


class OutOfAll(nn.Module):
    """Frequencies of luma, Cb and Cr, and luma again (N, 40, H / 4, W / 4) -> the samples of cells, as many.

    Whoever uses them lays them out: inside the network that takes a quarter of its time.
    """

    PARTS = (CELL**2, ChromaInto.CHANNELS, CELL**2)
    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        luma, chroma = OutOf().basis[..., 0, 0], ChromaOutOf().basis[..., 0, 0]
        self.register_buffer("basis", torch.block_diag(luma, chroma, luma)[..., None, None], persistent=False)

    def forward(self, frequencies: Tensor) -> Tensor:
        return F.conv2d(frequencies, self.basis)


class RestorePhoto(nn.Module):
    """Decoded planes in, their change out; untrained, it is nothing.

    2.38 kMAC per pixel at the size of `photo-2` (width 32, depth 4). The context it sees is 4 * depth pixels.
    """

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.into, self.chroma_into, self.phase, self.out_of = Into(), ChromaInto(), Phase(), OutOfAll()
        inputs = Into.CHANNELS + ChromaInto.CHANNELS + Phase.CHANNELS
        self.net = Conditioned(inputs, width, depth, sum(OutOfAll.PARTS), KNOWN)

    def forward(self, luma: Tensor, chroma: Tensor, conditions: Tensor) -> Tensor:
        """Y (N, 1, H, W), 1 = white; Cb, Cr (N, 2, H / 2, W / 2), centred; (N, KNOWN).

        Sides are multiples of 16, from the first row and column of a block of chroma on.
        -> (N, 40, H / 4, W / 4): what the encoder took from the 4x4 luma samples of a cell, row by row, and from its 2x2 of Cb
        and of Cr; then what sharpening had added to luma, to be added the other way.
        """
        cells = torch.cat([self.into(luma), self.chroma_into(chroma)], 1)
        return self.out_of(self.net(torch.cat([cells, self.phase(cells)], 1), conditions))
