"""Training of `nets.highlights`: photographs brightened until they blow, under cameras' curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rawback.cameras import looks
from rawback.isp.colour import CURVES, srgb_light
from rawback.isp.highlights import BLOCK, BLOWN, DARKEST, MOST_STOPS, SURROUNDINGS
from rawback.isp.tone import ToneCurve
from rawback.learn import data, export
from rawback.learn.export import Trained
from rawback.nets.highlight_part import LEAST_AROUND, LOG_SCALE
from rawback.nets.highlights import GuessHighlights

CARDS = (
    "look-generic-1", "look-generic-dng-1", "look-canon-powershot-1", "look-gopro-1", "look-gopro-dng-1", "look-nikon-d5000-1",
)  # fmt: skip
"""Looks whose curves, and what lies between and a little beyond two of them, photographs are seen through."""
BEYOND, PLAIN_SHARE, FLATTEST = 0.3, 0.2, 1e-4
"""How far beyond, the share of photographs under sRGB's curve alone, and the least that a curve may rise from knot to knot."""
SIDE = 256
PERCENTILES = (70, 80, 90, 95, 98)
"""Of a crop's brightest channel, which becomes white."""
DARKEST_WHITE, WHITE, KNEE, MOST_LIFTED = 0.03, 0.97, 0.6, 1.5
"""Light of a photograph that cannot become white, and that may be clipped already; and from where on, by how much, it is lifted
as developing had pressed it."""
RATE, VALIDATED, PER_BATCH, REPORTED = 7e-4, 10, 4, 100

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""The scene's light, the picture's codes, their light (N, 3, H, W), and which pixels are known (N, H, W)."""


def train(folder: Path, output: Path, name: str, steps: int, seed: int, say: Callable[[str], None] = print) -> Path:
    """Train on the photographs of a folder, and write the card with its figures. Returns its path."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    sources = data.find(folder)
    photographs = [data.read(source.path) for source in sources if not source.validation]
    held_out = [data.read(source.path) for source in sources if source.validation]
    validation = [batch(held_out, 4, np.random.default_rng(seed + 5)) for _ in range(VALIDATED)]
    net = GuessHighlights()
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(1, steps + 1):
        loss = torch.log(errors(net, batch(photographs, PER_BATCH, rng))[0] + 1e-4)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % REPORTED == 0:
            say(f"{step} of {steps}: {gained(net, validation):+.2f} dB")
    figures: dict[str, list[float] | int] = {"validation dB gained": [gained(net, validation)], "steps": steps}
    data.write_manifest(sources, output / f"{name}.manifest.json")
    facts = {"seed": seed, "steps": steps, "manifest_sha256": export.sha256_of(output / f"{name}.manifest.json")}
    return export.export({"highlights": Trained(net, {"width": 24}, figures)}, output, name, facts)


def batch(photographs: Sequence[np.ndarray], count: int, rng: np.random.Generator) -> Batch:
    """So many examples drawn from photographs, sRGB-encoded (H, W, 3)."""
    drawn: list[tuple[np.ndarray, ...]] = []
    while len(drawn) < count:
        example = draw(photographs[int(rng.integers(len(photographs)))], rng)
        drawn += [example] if example else []
    light, codes, shown, usable = (torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True))
    return light, codes, shown, usable


def draw(photograph: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...] | None:
    """One example as `Batch` has them; None where the crop is too dark or too small."""
    top, left = (int(rng.integers(max(side - SIDE, 0) + 1)) for side in photograph.shape[:2])
    crop = photograph[top : top + SIDE, left : left + SIDE]
    if crop.shape[:2] != (SIDE, SIDE):
        return None
    light = srgb_light(crop.astype(np.float64) / np.iinfo(crop.dtype).max).astype(np.float32)
    usable = light.max(-1) < WHITE
    brightest = light.max(-1, keepdims=True)
    light = light * (1 + np.float32(rng.uniform(0, MOST_LIFTED)) * np.maximum(brightest - KNEE, 0) / (1 - KNEE))
    white = np.percentile(light.max(-1), rng.choice(PERCENTILES))
    if white < DARKEST_WHITE:
        return None
    light = np.ascontiguousarray(np.moveaxis(light / np.float32(white * 2 ** rng.uniform(-0.2, 0.2)), -1, 0))
    curve = any_curve(rng)
    codes = (np.rint(np.clip(curve.encode(light), 0, 1) * 255) / 255).astype(np.float32)
    return light, codes, curve.light(codes).astype(np.float32), usable


def any_curve(rng: np.random.Generator) -> ToneCurve:
    """One that a camera might have."""
    one, other = (tone_of(name) for name in rng.choice(CARDS, 2, replace=False))
    way = rng.uniform(-BEYOND, 1 + BEYOND)
    knots = (1 - way) * one + way * other
    if rng.uniform() < PLAIN_SHARE:
        knots = np.linspace(0, 1, len(one))
    return ToneCurve(CURVES["srgb"], tuple((knots if (np.diff(knots) > FLATTEST).all() else one).tolist()))


@cache
def tone_of(name: str) -> np.ndarray:
    """The knots of a card's curve."""
    return np.array(looks.load(name).tone)


def errors(net: GuessHighlights | None, examples: Batch) -> tuple[Tensor, Tensor]:
    """Mean squared error of blown pixels, in sRGB's codes two stops darker; and that of the pictures as they are."""
    light, codes, shown, usable = examples
    share = blown(codes)
    asked = ((share > 0.5).any(1, keepdim=True) & usable[:, None]).float()

    def error(guessed: Tensor) -> Tensor:
        square = (_srgb(guessed / 2**MOST_STOPS) - _srgb(light / 2**MOST_STOPS)) ** 2
        return (square * asked).sum() / (3 * asked.sum() + 1)

    return error(restored(net(known(codes, shown)), shown, share) if net else shown), error(shown)


def gained(net: GuessHighlights, validation: Sequence[Batch]) -> float:
    """dB over nothing, in the mean of batches."""
    with torch.no_grad():
        pairs = [errors(net, examples) for examples in validation]
    return float(np.mean([10 * np.log10(float(plain) / float(guess)) for guess, plain in pairs]))


def blown(codes: Tensor) -> Tensor:
    """`isp.highlights.blown` of tensors."""
    share = ((codes - BLOWN[0]) / (BLOWN[1] - BLOWN[0])).clamp(0, 1)
    return share * share * (3 - 2 * share)


def known(codes: Tensor, light: Tensor) -> Tensor:
    """`highlight_part.known` of tensors (N, 3, H, W)."""
    means = [F.avg_pool2d(planes, BLOCK) for planes in (codes, blown(codes), light)]
    return torch.cat([*means[:2], LOG_SCALE * torch.log2(means[2].clamp(min=DARKEST))], 1)


def restored(out: Tensor, light: Tensor, share: Tensor) -> Tensor:
    """`isp.highlights.restored_light` by the network's output (N, 6, h, w), of tensors (N, 3, H, W)."""
    ratios = out[:, :3] - out[:, :3].mean(1, keepdim=True)
    around = 2 ** F.softplus(out[:, 3:] - LEAST_AROUND)
    ratios, around = (F.interpolate(x, scale_factor=BLOCK, mode="bilinear", align_corners=False) for x in (ratios, around))
    told = 1 - share
    others = (told * light * 2 ** (-ratios)).sum(1, keepdim=True) / told.sum(1, keepdim=True).clamp(min=1e-6)
    some = told.sum(1, keepdim=True).clamp(max=1)
    expected = (some * others * 2**ratios + SURROUNDINGS * around) / (some + SURROUNDINGS)
    return light + share * (expected.clamp(max=2**MOST_STOPS) - light).clamp(min=0)


def _srgb(light: Tensor) -> Tensor:
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-6) ** (1 / 2.4) - 0.055)
