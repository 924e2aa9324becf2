"""What training minimises: the errors of `check`-like figures, differentiable, from codes in the nets' domain."""

from __future__ import annotations

import torch
from torch import Tensor

from rawback.nets.features import DOMAIN

TOE = 3e-5
"""Added before the power of the paper's display space, whose slope at black is infinite."""
FLOOR = 3e-6
"""Errors below 55 dB are not worth a crop's whole attention."""


def linear(code: Tensor) -> Tensor:
    """Codes -> balanced samples, as `features.decode`; negative codes give 0."""
    start = DOMAIN.toe_slope * DOMAIN.toe
    code = code.clamp(min=0)
    light = ((code.clamp(start, 1) + DOMAIN.offset) / (1 + DOMAIN.offset)) ** (1 / DOMAIN.power)
    light = light + torch.clamp(code - start, max=0) / DOMAIN.toe_slope
    slope_at_one = (1 + DOMAIN.offset) * DOMAIN.power
    return light + (torch.exp((code - 1).clamp(0, 3) / DOMAIN.shoulder) - 1) * DOMAIN.shoulder / slope_at_one


def extended(code: Tensor) -> tuple[Tensor, Tensor]:
    """Codes -> balanced samples and their slope, below black too: there the toe's line goes on."""
    start = DOMAIN.toe_slope * DOMAIN.toe
    root = (code.clamp(start, 1) + DOMAIN.offset) / (1 + DOMAIN.offset)
    light = root ** (1 / DOMAIN.power)
    slope_at_one = (1 + DOMAIN.offset) * DOMAIN.power
    grown = torch.exp((code - 1).clamp(0, 3) / DOMAIN.shoulder)
    slope = torch.where(code < start, torch.full_like(code, 1 / DOMAIN.toe_slope), light / root / slope_at_one * grown)
    light = light + (code - start).clamp(max=0) / DOMAIN.toe_slope + (grown - 1) * DOMAIN.shoulder / slope_at_one
    return light, slope


def code(light: Tensor) -> Tensor:
    """Balanced samples -> codes, as `features.encode`; continued below 0 by the toe's line."""
    power = (1 + DOMAIN.offset) * light.clamp(DOMAIN.toe, 1) ** DOMAIN.power - DOMAIN.offset
    toe = DOMAIN.toe_slope * torch.clamp(light - DOMAIN.toe, max=0)
    slope_at_one = (1 + DOMAIN.offset) * DOMAIN.power
    return power + toe + DOMAIN.shoulder * torch.log1p((light - 1).clamp(min=0) * slope_at_one / DOMAIN.shoulder)


def errors(recovered: Tensor, target: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared errors of each mosaic's codes (N, 1, H, W) RGGB: in the paper's display space, and linear; (N,) each.

    `gains` (N, 3): white balance times exposure.
    """
    return light_errors(linear(recovered), linear(target), gains)


def light_errors(recovered: Tensor, target: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
    """The same of balanced samples (N, 1, H, W)."""
    quad = torch.stack([gains[:, 0], gains[:, 1], gains[:, 1], gains[:, 2]], 1).view(-1, 1, 2, 2)
    tiled = quad.repeat(1, 1, recovered.shape[2] // 2, recovered.shape[3] // 2)
    largest = gains.amax(1).view(-1, 1, 1, 1)
    samples = [(x / tiled).clamp(0, 1) for x in (recovered, target)]
    displayed = [(x * tiled / largest + TOE) ** (1 / 2.2) for x in samples]
    return ((displayed[0] - displayed[1]) ** 2).mean((1, 2, 3)), ((samples[0] - samples[1]) ** 2).mean((1, 2, 3))


def decibel_loss(recovered: Tensor, target: Tensor, gains: Tensor) -> Tensor:
    """Mean log of both errors: a decibel counts alike in every picture, as in the mean of PSNRs."""
    displayed, samples = errors(recovered, target, gains)
    return (torch.log(displayed + FLOOR) + torch.log(samples + FLOOR)).mean() / 2


def decibels(recovered: Tensor, target: Tensor, gains: Tensor) -> Tensor:
    """(N, 2): raw dB (the paper's space, without its interpolation) and linear dB."""
    return torch.stack([-10 * torch.log10(error + 1e-9) for error in errors(recovered, target, gains)], 1)
