"""Nets of other papers, to stand in the flow's place: see `learn.baselines`.

All work where the flow works, between the classical picture (extended sRGB) and the JPEG, so that white balance, matrix and
curve are the recipe's and not the net's to guess; all but the paper's own size see cells of 2x2 pixels as the flow does, and
start as the identity. Sizes are in CONFIGS; `render` and `recover` of a pair are the two directions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import zero
from rawback.nets.flow import PAPER, Flow

CELL = 2
"""Pixels along a cell."""
CHANNELS = 3 * CELL * CELL
"""Of a picture in cells."""
CONFIGS: dict[str, dict[str, int]] = {
    "flow": {"cell": 2, "blocks": 3, "width": 16, "depth": 3, "dense": 0},
    "paper": PAPER,
    "unet": {"width": 16},
    "cycleisp": {"width": 24, "groups": 2, "blocks": 2},
    "gray": {"width": 24, "blocks": 3},
}
"""By name: the flow at rawback's size and at the paper's, SID's U-net (Chen et al. 2018), CycleISP's RGB2RAW branch (Zamir
et al. 2020; there 3 groups of 5 blocks, 96 channels), Invertible Grayscale's encoder and decoder (Xia et al. 2018)."""


class Pair(nn.Module):
    """Two nets that know nothing of each other but what training tells them: picture -> what is shown -> picture."""

    def __init__(self, there: nn.Module | None, back: nn.Module) -> None:
        super().__init__()
        self.there, self.back = there, back

    def render(self, picture: Tensor) -> Tensor:
        """Extended sRGB (N, 3, H, W) -> what goes into the JPEG."""
        return self.there(picture) if self.there else picture

    def recover(self, decoded: Tensor) -> Tensor:
        """What comes out of the JPEG -> extended sRGB."""
        return self.back(decoded)


class FlowPair(nn.Module):
    """The flow, which is both directions at once."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def render(self, picture: Tensor) -> Tensor:
        """Extended sRGB (N, 3, H, W) -> what goes into the JPEG."""
        return self.flow(picture)

    def recover(self, decoded: Tensor) -> Tensor:
        """What comes out of the JPEG -> extended sRGB."""
        return self.flow.inverse(decoded)


def network(method: str, config: dict[str, int]) -> Pair | FlowPair:
    """An untrained pair: the identity in both directions."""
    if method in ("flow", "paper"):
        return FlowPair(Flow(**config))
    if method == "unet":
        return Pair(UNet(**config), UNet(**config))
    if method == "cycleisp":
        return Pair(None, Attentive(**config))
    return Pair(Residual(**config), Residual(**config))


class InCells(nn.Module):
    """A net on cells of 2x2 pixels that says what to add to its input."""

    halo = 32
    """Pixels of context on each side that matter."""

    def forward(self, planes: Tensor) -> Tensor:
        return planes + F.pixel_shuffle(self.change(F.pixel_unshuffle(planes, CELL)), CELL)

    def change(self, cells: Tensor) -> Tensor:
        """(N, 12, H / 2, W / 2) -> the same shape."""
        raise NotImplementedError


def conv(channels: int, out: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, size, padding=size // 2)


def twice(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(conv(channels, out), nn.LeakyReLU(0.2), conv(out, out), nn.LeakyReLU(0.2))


class UNet(InCells):
    """Two 3x3 convolutions at each of three sizes, down by maxima, up by transposed convolutions; sides multiples of 8."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([twice(CHANNELS, width), twice(width, 2 * width), twice(2 * width, 4 * width)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * n, n, 2, stride=2) for n in (2 * width, width))
        self.join = nn.ModuleList(twice(2 * n, n) for n in (2 * width, width))
        self.last = zero(conv(width, CHANNELS, 1))

    def change(self, cells: Tensor) -> Tensor:
        kept = []
        for level, layer in enumerate(self.down):
            cells = layer(F.max_pool2d(cells, 2) if level else cells)
            kept.append(cells)
        for up, join, beside in zip(self.up, self.join, kept[-2::-1], strict=True):
            cells = join(torch.cat([up(cells), beside], 1))
        return self.last(cells)


class Attentive(InCells):
    """Groups of dual attention blocks, each group and the whole with a way around."""

    def __init__(self, width: int, groups: int, blocks: int) -> None:
        super().__init__()
        self.first, self.last = conv(CHANNELS, width), zero(conv(width, CHANNELS))
        chains = [[*(DualAttention(width) for _ in range(blocks)), conv(width, width)] for _ in range(groups)]
        self.groups = nn.ModuleList(nn.Sequential(*chain) for chain in chains)

    def change(self, cells: Tensor) -> Tensor:
        x = self.first(cells)
        for group in self.groups:
            x = x + group(x)
        return self.last(x)


class DualAttention(nn.Module):
    """CycleISP's block: two convolutions, then attention over channels and over places side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(width, width), nn.PReLU(), conv(width, width))
        squeezed = max(width // 8, 1)
        layers = nn.Conv2d(width, squeezed, 1), nn.ReLU(), nn.Conv2d(squeezed, width, 1), nn.Sigmoid()
        self.channels = nn.Sequential(nn.AdaptiveAvgPool2d(1), *layers)
        self.places = nn.Sequential(conv(2, 1, 5), nn.Sigmoid())
        self.fuse = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        seen = torch.cat([y.amax(1, True), y.mean(1, True)], 1)
        return x + self.fuse(torch.cat([y * self.channels(y), y * self.places(seen)], 1))


class Residual(InCells):
    """Residual blocks of two convolutions."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.first, self.last = conv(CHANNELS, width), zero(conv(width, CHANNELS))
        self.blocks = nn.ModuleList(nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width)) for _ in range(blocks))

    def change(self, cells: Tensor) -> Tensor:
        x = F.relu(self.first(cells))
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)
