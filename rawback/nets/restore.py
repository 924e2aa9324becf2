"""Restoration: the likeliest mosaic behind a JPEG, given what the inverse pass found and how the JPEG was quantised."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import Cells, Conditioned, OutOf, steadied
from rawback.nets.features import CONDITIONS, REFINED


class Restore(nn.Module):
    """Mosaic code in, mosaic code out; untrained, it is the identity.

    4.0 kMAC per photosite at the size of `generic-1` (width 48, depth 4). The context it sees is 4 * depth photosites.
    """

    def __init__(self, width: int = 48, depth: int = 4) -> None:
        super().__init__()
        self.cells, self.out_of = Cells(), OutOf()
        self.net = Conditioned(Cells.CHANNELS, width, depth, 16, CONDITIONS)

    def forward(self, code: Tensor, chroma: Tensor, conditions: Tensor) -> Tensor:
        """RGGB code (N, 1, H, W), sides multiples of 8; chroma (N, 2, H / 2, W / 2) in 0..1 units; (N, CONDITIONS) -> code."""
        quads = F.pixel_unshuffle(code, 2)  # (N, 4, H / 2, W / 2)
        cells, srgb = self.cells(code, quads, chroma, conditions)
        change = F.pixel_unshuffle(self.out_of(self.net(cells, conditions)), 2)
        return F.pixel_shuffle(quads + steadied(change, quads, srgb, conditions[:, REFINED]), 2)
