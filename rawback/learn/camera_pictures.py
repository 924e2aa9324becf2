"""Camera JPEGs that are made: a mosaic through a random look, noise reduction, sharpening, and one or two encoders."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from rawback.cameras.cards import cards
from rawback.cameras.looks import Look, from_card
from rawback.isp import stages
from rawback.isp.colour import RGB_TO_YCC, YCC_TO_RGB
from rawback.isp.exposure import with_shoulder
from rawback.isp.matmul import mix
from rawback.learn.pairs import resave
from rawback.recipe import Recipe

LENSES = 0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6
"""Blurs to draw from, in pixels (standard deviation): camera pictures are at most as sharp as their lenses at full size, which
photographs made smaller are sharper than."""
QUALITIES = 70, 97
"""Of the last encoder, from and to."""
SUBSAMPLINGS, SHARES = ("4:2:0", "4:2:2", "4:4:4"), (0.5, 0.3, 0.2)
"""And how often each is drawn."""
AGAIN = 0.2
"""Share of pictures that another encoder had saved before."""
PLAIN = 0.25
"""Share of pictures without sharpening, and of those without noise reduction."""
TONE_JITTER, EXPOSURE_JITTER = 0.3, 0.5
"""By how much a drawn tone curve may lie beyond or short of its card's, as a share of its distance from none; EV."""


def installed_looks() -> list[Look]:
    """The looks that are drawn around: of the cards that are installed."""
    return [from_card(card, card["name"]) for card in cards() if "look" in card]


def developed(mosaic: np.ndarray, recipe: Recipe, looks: list[Look], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A mosaic as a camera's picture before its encoder: codes (3, H, W) float32, 0..1, and luma before sharpening (H, W)."""
    look = looks[int(rng.integers(len(looks)))]
    plain = np.linspace(0, 1, len(look.tone))
    tone = plain + (1 + rng.uniform(-TONE_JITTER, TONE_JITTER)) * (np.array(look.tone) - plain)
    least = 2e-5 * np.arange(len(tone))
    tone = np.maximum.accumulate(tone - least) + least
    brightened = recipe.exposure + look.exposure + rng.uniform(-EXPOSURE_JITTER, EXPOSURE_JITTER)
    through = with_shoulder(replace(look.upon(recipe), tone=tuple(tone.tolist()), exposure=float(brightened)))
    srgb = stages.forward(mosaic, through, white_at=min(1.0, 2.0**through.exposure))
    return finished(np.clip(srgb, 0, 1).astype(np.float32), rng)


def finished(srgb: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes (3, H, W), 0..1, with noise reduced and sharpened as cameras do, at random; and their luma before sharpening."""
    luma, cb, cr = mix(RGB_TO_YCC, srgb)
    if rng.random() > PLAIN:
        fine = luma - blurred(luma, rng.uniform(0.7, 1.5))
        threshold = rng.uniform(0.5, 3) * 1.4826 * float(np.median(np.abs(fine))) + 1e-5
        luma = luma - fine * rng.uniform(0.5, 1) * np.exp(-np.square(fine / threshold) / 2)
        cb, cr = (blurred(plane, sigma) for sigma in [rng.uniform(0.5, 2.5)] for plane in (cb, cr))
    plain = luma
    if rng.random() > PLAIN:
        halo, most = rng.uniform(0.2, 1.8) * (luma - blurred(luma, rng.uniform(0.5, 1.6))), rng.uniform(0.04, 0.3)
        luma = luma + most * np.tanh(halo / most)
    return np.clip(mix(YCC_TO_RGB, np.stack([luma, cb, cr])), 0, 1), plain


def blurred(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Through a Gaussian of `sigma` pixels, cut at three of them: (H, W)."""
    reach = int(np.ceil(3 * sigma))
    taps = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * sigma**2)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        n = plane.shape[axis]
        plane = sum(tap * (padded[i : i + n] if axis == 0 else padded[:, i : i + n]) for i, tap in enumerate(taps))
    return plane


def encoded(srgb: np.ndarray, rng: np.random.Generator) -> bytes:
    """The JPEG of a picture's codes (3, H, W), by one encoder or two."""
    pixels = np.rint(np.moveaxis(srgb, 0, -1) * 255).astype(np.uint8)
    stream = io.BytesIO()
    quality, subsampling = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1)), str(rng.choice(SUBSAMPLINGS, p=SHARES))
    twice = rng.random() < AGAIN
    first = int(rng.integers(85, 99)) if twice else quality
    Image.fromarray(pixels).save(stream, "JPEG", quality=first, subsampling=subsampling)
    return resave(stream.getvalue(), quality, subsampling) if twice else stream.getvalue()
