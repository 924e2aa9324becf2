"""The inverse pass: coefficients -> mosaic, what `recover` computes and the closed loop foresees.

Frames are worked through in strips on all cores (`isp.parallel`). The mosaic is the same to the last bit for any height
of strips and any number of threads (see `isp.matmul`); another processor, whose floats end in other digits, may round a
photosite to the next DN. What is to be exact on every processor goes by integers: `lossless.predictor`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rawback.cores import Progress
from rawback.isp import dct, fixed_pass, full_colour, stages
from rawback.isp.colour import RGB_TO_YCC, YCC_TO_RGB, curve_of
from rawback.isp.matmul import mix
from rawback.isp.mosaic import level, tile, unlevel
from rawback.isp.parallel import in_threads, parts, strips
from rawback.isp.tone import Curve
from rawback.picture import Bijection, Coefficients
from rawback.recipe import Recipe

Restore = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""A learned restoration: balanced samples, Cb and Cr, each (rows, width) float32 -> the likelier samples."""


def decode(
    picture: Coefficients, recipe: Recipe, progress: Progress = lambda share: None,
    restore: Restore | None = None, halo: int = 0,
) -> np.ndarray:  # fmt: skip
    """Coefficients -> mosaic (H, W) uint16, of linear RAW (H, W, 3): the inverse pass, in float until it is rounded.

    `restore` is applied to the samples before they lose their gains; it needs `halo` rows above and below a strip.
    """
    if recipe.linear:
        return full_colour.decode(picture, recipe, progress)
    if restore is None and fixed_pass.is_for(picture, recipe):
        return _decoded_in_fixed_order(picture, recipe, progress)
    mosaic = np.empty((picture.height, picture.width), np.uint16)
    rows = camera_rows(recipe)  # (2, 2, 3), or (6, 6, 3)
    per_gain = 1 / sample_gains(recipe)  # (2, 2)
    curve = curve_of(recipe)

    def strip(rows_of_strip: tuple[int, int]) -> None:
        start, stop = rows_of_strip
        first, last = max(start - halo, 0), min(stop + halo, picture.height)
        planes = decoded_planes(picture, first, last)  # Y, Cb, Cr (last - first, W)
        samples = np.empty((last - first, picture.width), np.float32)
        for part in parts(*samples.shape):
            codes = stages.CODE_MATRIX.inverse(extended_srgb(*(plane[part] for plane in planes)), recipe, first)  # (3, n, W)
            samples[part] = at_photosites(codes, rows, curve, first + part.start)  # balanced
        if restore:
            samples = restore(samples, *planes[1:])[start - first : start - first + stop - start]
        samples *= tile(per_gain, *samples.shape, top=start)
        mosaic[start:stop] = unlevel(samples, recipe, start)

    # context costs: strips that need some are high
    least = max(16 * halo, 4 * picture.undo.halo if picture.undo else 16)  # and a flow's take much memory
    in_threads(strip, strips(picture.height, picture.width, least), progress)
    return mosaic


def _decoded_in_fixed_order(picture: Coefficients, recipe: Recipe, progress: Progress) -> np.ndarray:
    mosaic, decoder = np.empty((picture.height, picture.width), np.uint16), fixed_pass.Decoder(picture, recipe)

    def strip(rows: tuple[int, int]) -> None:
        mosaic[slice(*rows)] = decoder.rows(*rows)

    in_threads(strip, strips(picture.height, picture.width, 16), progress)
    return mosaic


def decoded_planes(picture: Coefficients, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows start..stop of Y, Cb, Cr (rows, width) float32 at full size, 1 = white, chroma centred; unclipped, unrounded.

    Where a flow is to be undone, those of the picture before it; `start` is even then.
    """
    if picture.undo:
        return _undone(picture, picture.undo, start, stop)
    first, last = start // 8, -(-stop // 8)
    luma = dct.dequantise(picture.planes[0][first:last], picture.tables[0], picture.centroids, picture.dependent)
    luma = luma[start - 8 * first : stop - 8 * first, : picture.width] * np.float32(1 / 255)
    luma += np.float32(128 / 255)
    if len(picture.planes) == 1:
        return luma, np.zeros_like(luma), np.zeros_like(luma)
    return luma, chroma_rows(picture, 1, start, stop), chroma_rows(picture, 2, start, stop)


def _undone(picture: Coefficients, undo: Bijection, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, last = max(start - undo.halo, 0), min(stop + undo.halo, picture.height)
    before = undo(decoded_strip(replace(picture, undo=None), first, last))
    luma, cb, cr = mix(RGB_TO_YCC, before[:, start - first : stop - first])
    return luma, cb, cr


def decoded_strip(picture: Coefficients, start: int, stop: int) -> np.ndarray:
    """Rows start..stop of the picture as extended sRGB planes (3, rows, width) float32."""
    return extended_srgb(*decoded_planes(picture, start, stop))


def extended_srgb(luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr -> extended sRGB planes (3, rows, width) float32."""
    srgb = chroma_offsets(cb, cr)
    srgb += luma
    return srgb


def chroma_offsets(cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
    """Cb, Cr (H, W) in 0..1 units, centred -> what they add to luma in R, G, B: (3, H, W)."""
    offsets = np.empty((3, *cb.shape), np.float32)
    np.multiply(cr, YCC_TO_RGB[0, 2], out=offsets[0])
    np.multiply(cb, YCC_TO_RGB[1, 1], out=offsets[1])
    offsets[1] += cr * YCC_TO_RGB[1, 2]
    np.multiply(cb, YCC_TO_RGB[2, 1], out=offsets[2])
    return offsets


def camera_rows(recipe: Recipe) -> np.ndarray:
    """By CFA position the row of the sRGB -> camera matrix that its photosite sees: (rows, columns, 3) float32, sums 1."""
    return np.linalg.inv(np.array(recipe.matrix)).astype(np.float32)[np.array(recipe.cfa)]


def sample_gains(recipe: Recipe) -> np.ndarray:
    """White balance times exposure by CFA position, float32."""
    return (recipe.gains * np.float32(2**recipe.exposure))[np.array(recipe.cfa)]


def sample_line(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """DN -> balanced sample by CFA position: factor and summand, float32."""
    shape = np.shape(recipe.cfa)
    least, large = (level(np.full(shape, dn, np.uint16), recipe) * sample_gains(recipe) for dn in (0, 1 << 15))
    return (large - least) / np.float32(1 << 15), least


def at_photosites(srgb: np.ndarray, rows: np.ndarray, curve: Curve, top: int) -> np.ndarray:
    """Extended sRGB planes -> balanced samples (H, W): curve, matrix and mosaicing of the stages' inverse in one."""
    samples = np.zeros(srgb.shape[1:], np.float32)
    for c in range(3):
        light = curve.light(srgb[c])
        light *= tile(np.ascontiguousarray(rows[..., c]), *light.shape, top=top)
        samples += light
    return samples


def chroma_rows(picture: Coefficients, component: int, start: int, stop: int, scale: float = 1.0) -> np.ndarray:
    """Decoded chroma at rows start..stop of luma: (rows, width) float32, in 0..1 units times `scale`."""
    v, h = picture.factors
    rows = 8 * len(picture.planes[component])
    first, last = max(start // v - 1, 0), min(-(-stop // v) + 1, rows)  # a row of context on either side
    levels = picture.chroma(component, slice(first // 8, -(-last // 8)))
    small = dct.dequantise(levels, picture.tables[component])  # (8 m, 8 n)
    small = small[first % 8 : first % 8 + last - first] * np.float32(scale / 255)
    offset = start - first * v
    return dct.grow(small, (v, h))[offset : offset + stop - start, : picture.width]
