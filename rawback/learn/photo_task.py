"""What the restoration of cameras' JPEGs is trained on: decibels of the picture that the encoder was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.files import jpeg
from rawback.isp import inverse_pass
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.dct import shrink
from rawback.isp.matmul import mix
from rawback.learn import camera_pictures, data, pairs
from rawback.learn.shards import PHOTO, SIDE, Shards
from rawback.learn.tasks import codes
from rawback.nets import features
from rawback.nets.restore_photo import OutOfAll, RestorePhoto

Examples = tuple[Tensor, ...]
CB_WEIGHT, CR_WEIGHT = 1.772**2 + 0.344**2, 1.402**2 + 0.714**2
"""Squared error that Cb and Cr make in R, G and B together; luma makes three."""
SHADOWS, DARK = 3.0, 0.3
"""How much more an error in the shadows counts, where looks are steep and pictures are brightened; about where (code)."""
APART = 0.5, 0.75, 0.75
"""How much errors count of luma as encoded, of luma before sharpening and of chroma, beside the last two together."""
FLOOR = 1e-6
"""Errors below that are not worth a crop's whole attention: 60 dB."""


class PhotoTask:
    """Decoded planes of cameras' JPEGs; the loss is in decibels, the gains those of luma and of chroma."""

    name = "restore_photo"

    def __init__(self, folder: Path, counts: tuple[int, int], seed: int, config: dict[str, int]) -> None:
        self.config = config
        self.shards = tuple(
            Shards(folder / f"{self.name}{suffix}", PHOTO, count, seed + i)
            for i, (suffix, count) in enumerate(zip(("", "-val"), counts, strict=True))
        )
        self.sensor: pairs.Draw = pairs.any_sensor
        self.looks = camera_pictures.installed_looks()

    def network(self) -> nn.Module:
        return RestorePhoto(**self.config)

    def make(self, source: data.Source, rng: np.random.Generator) -> dict[str, np.ndarray]:
        mosaic, recipe = pairs.draw_source(source, SIDE, rng, self.sensor, camera_pictures.LENSES)
        picture, plain = camera_pictures.developed(mosaic, recipe, self.looks, rng)
        luma, *chroma = mix(RGB_TO_YCC, picture)
        drawn = [_decoded(camera_pictures.encoded(picture, rng)) for _ in range(4)]
        code, decoded, conditions = (np.stack(values) for values in zip(*drawn, strict=True))
        small = [shrink(plane, (2, 2)) for plane in chroma]
        return {
            "code": code, "chroma": decoded, "conditions": conditions,
            "target": pairs.pack(luma), "plain": pairs.pack(plain), "target_chroma": pairs.pack_chroma(small),
        }  # fmt: skip

    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples:
        rows = []
        for pick in picks:
            crop, which = divmod(int(pick), 4)
            y, x = (int(n) * 16 for n in rng.integers((SIDE - side) // 16 + 1, size=2))
            part = np.s_[y : y + side, x : x + side]
            small = np.s_[:, y // 2 : (y + side) // 2, x // 2 : (x + side) // 2]
            conditions = np.array(shards["conditions"][crop, which])
            lumas = [shards["code"][crop, which][part], shards["target"][crop][part], shards["plain"][crop][part]]
            colours = [shards["chroma"][crop, which][small], shards["target_chroma"][crop][small]]
            if conditions[7] == conditions[8] and rng.random() < 0.5:  # 4:2:2 would not stay 4:2:2
                lumas, colours = ([plane.swapaxes(-1, -2) for plane in planes] for planes in (lumas, colours))
            code, target, plain = (codes(plane)[None] for plane in lumas)
            chroma, target_chroma = (torch.from_numpy(a.astype(np.float32)) / pairs.CHROMA_SCALE for a in colours)
            rows.append((code, chroma, torch.from_numpy(conditions), target, plain, target_chroma))
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))

    def loss(self, net: nn.Module, examples: Examples) -> Tensor:
        errors = _errors(net(*examples[:3]), examples)
        together = errors[:, 1] + errors[:, 2]  # what edits of the picture see
        return (torch.log(errors + FLOOR) @ errors.new_tensor(APART) + torch.log(together + FLOOR)).mean()

    def gains(self, net: nn.Module, examples: Examples) -> Tensor:
        """dB gained, (N, 3): luma as it was encoded, luma as it was before sharpening, chroma."""
        change = net(*examples[:3])
        before, after = _errors(torch.zeros_like(change), examples), _errors(change, examples)
        return 10 * torch.log10((before + 1e-9) / (after + 1e-9))


def _errors(change: Tensor, examples: Examples) -> Tensor:
    """Mean squared errors in R, G and B together, (N, 3): of luma as it was encoded and before sharpening, and of chroma."""
    luma, chroma, _, target, plain, target_chroma = examples
    encoder, colour_change, sharpening = change.split(OutOfAll.PARTS, 1)
    encoder, sharpening = (F.pixel_unshuffle(F.pixel_shuffle(part, 4), 2) for part in (encoder, sharpening))  # (N, 4, h, w)
    by_cell = F.avg_pool2d(1 + SHADOWS * torch.exp(-((target.clamp(min=0) / DARK) ** 2)), 2)
    encoded = F.pixel_unshuffle(luma - target, 2) + encoder
    unsharpened = F.pixel_unshuffle(luma - plain, 2) + encoder + sharpening
    lumas = [1.5 * (off**2).mean(1, keepdim=True) + 1.5 * off.mean(1, keepdim=True) ** 2 for off in (encoded, unsharpened)]
    colour = (chroma + F.pixel_shuffle(colour_change, 2) - target_chroma) ** 2
    errors = torch.cat([*lumas, CB_WEIGHT * colour[:, :1] + CR_WEIGHT * colour[:, 1:]], 1)
    return (errors * by_cell).mean((2, 3)) / by_cell.mean((2, 3))


def _decoded(data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A JPEG as the net sees it: luma, chroma at half size, conditions."""
    picture = jpeg.read(data, "example").coefficients
    assert picture is not None  # just written
    luma, *chroma = inverse_pass.decoded_planes(picture, 0, picture.height)
    small = [shrink(plane, (2, 2)) for plane in chroma]
    conditions = features.of_photo(picture, [luma])
    return pairs.pack(luma), pairs.pack_chroma(small), conditions
