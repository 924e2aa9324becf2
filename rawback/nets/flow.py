"""The invertible network of InvISP (Xing, Qian, Chen, CVPR 2021), starting from the identity.

K blocks, each an invertible 1x1 convolution and a coupling: y1 = x1 + r(x2), y2 = x2 * exp(s(y1)) + t(y1), s bounded.
`Flow()` works on cells of 2x2 pixels and is cheap; `Flow(**PAPER)` is the paper's size: full resolution, 1.4 MMAC per pixel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.nets.cells import zero

SCALE_LIMIT = 0.8
"""Bound of s: a channel is scaled by 0.45 to 2.23 per block, as in the paper's code."""
PAPER = {"cell": 1, "blocks": 8, "width": 32, "depth": 5, "dense": 1}
"""`Flow`'s arguments for the network of the paper: 1.41 million parameters."""


class Flow(nn.Module):
    """Extended sRGB planes (N, 3, H, W) <-> planes of another look, the same size; sides multiples of `cell`."""

    def __init__(self, cell: int = 2, blocks: int = 3, width: int = 16, depth: int = 3, dense: int = 0) -> None:
        super().__init__()
        self.cell = cell
        channels = 3 * cell * cell
        self.blocks = nn.ModuleList(Block(channels, width, depth, bool(dense)) for _ in range(blocks))
        self.halo = 2 * depth * blocks * cell
        """Pixels of context on each side: r, then s and t, in every block."""

    def chain(self) -> list[Block]:
        """The blocks in order."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(self, planes: Tensor) -> Tensor:
        x = F.pixel_unshuffle(planes, self.cell)
        for block in self.chain():
            x = block(x)
        return F.pixel_shuffle(x, self.cell)

    def inverse(self, planes: Tensor) -> Tensor:
        """The way back, exact to float rounding."""
        y = F.pixel_unshuffle(planes, self.cell)
        for block in reversed(self.chain()):
            y = block.inverse(y, block.unmix())
        return F.pixel_shuffle(y, self.cell)


class Block(nn.Module):
    """One 1x1 convolution and one coupling."""

    def __init__(self, channels: int, width: int, depth: int, dense: bool) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.eye(channels))
        self.split = [channels // 3, channels - channels // 3]
        first, second = self.split
        net = Dense if dense else plain
        self.r, self.s, self.t = (
            net(second, width, depth, first),
            net(first, width, depth, second),
            net(first, width, depth, second),
        )

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = F.conv2d(x, self.mix[..., None, None]).split(self.split, 1)
        y1 = x1 + self.r(x2)
        return torch.cat([y1, x2 * torch.exp(self._scale(y1)) + self.t(y1)], 1)

    def inverse(self, y: Tensor, unmix: Tensor) -> Tensor:
        """The way back, `unmix` being the inverse of the 1x1 convolution."""
        y1, y2 = y.split(self.split, 1)
        x2 = (y2 - self.t(y1)) * torch.exp(-self._scale(y1))
        x = torch.cat([y1 - self.r(x2), x2], 1)
        return F.conv2d(x, unmix[..., None, None])

    def unmix(self) -> Tensor:
        """The inverse of the 1x1 convolution, computed in double precision."""
        return torch.linalg.inv(self.mix.double()).to(self.mix.dtype)

    def _scale(self, y1: Tensor) -> Tensor:
        return SCALE_LIMIT * torch.tanh(self.s(y1))


def plain(channels: int, width: int, depth: int, out: int) -> nn.Sequential:
    """3x3 convolutions of one width; the last starts at zero."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, zero(nn.Conv2d(width, out, 3, padding=1)))


class Dense(nn.Module):
    """The paper's subnet: every convolution sees all before it; the last starts at zero."""

    def __init__(self, channels: int, growth: int, depth: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels + i * growth, growth, 3, padding=1) for i in range(depth - 1))
        self.last = zero(nn.Conv2d(channels + (depth - 1) * growth, out, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, F.leaky_relu(layer(x), 0.2)], 1)
        return self.last(x)


class FrozenInverse(nn.Module):
    """`Flow.inverse` as a module of its own with constant matrices: what an ONNX graph can express."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow
        self.unmix = [block.unmix().detach() for block in flow.chain()]

    def forward(self, planes: Tensor) -> Tensor:
        y = F.pixel_unshuffle(planes, self.flow.cell)
        for block, unmix in zip(reversed(self.flow.chain()), reversed(self.unmix), strict=True):
            y = block.inverse(y, unmix)
        return F.pixel_shuffle(y, self.flow.cell)
