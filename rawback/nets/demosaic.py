"""Demosaicing for the open loop: chroma that costs little and hides little, at half size.

Luma is not the net's: it follows from chroma and the measured samples (`isp.luma.Solver`), so the samples are
kept whatever the net says, and the inverse stays "take them back". Trained through a simulated JPEG, for decibels of
the RAW at equal bytes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import Cells, ChromaOutOf, Conditioned
from rawback.nets.features import CONDITIONS


class Demosaic(nn.Module):
    """Mosaic code and its classical chroma in, chroma out; untrained, it is the classical one.

    1.8 kMAC per photosite at the default size (width 32, depth 4). The context it sees is 4 * depth photosites.
    """

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.cells, self.out_of = Cells(), ChromaOutOf()
        self.net = Conditioned(Cells.CHANNELS, width, depth, 8, CONDITIONS)

    def forward(self, code: Tensor, chroma: Tensor, conditions: Tensor) -> Tensor:
        """RGGB code (N, 1, H, W), sides multiples of 8; chroma (N, 2, H / 2, W / 2), 0..1 units; (N, CONDITIONS) -> chroma."""
        quads = F.pixel_unshuffle(code, 2)  # (N, 4, H / 2, W / 2)
        return chroma + self.out_of(self.net(self.cells(code, quads, chroma, conditions)[0], conditions))
