"""What rawback is compared with: its own open loop, UPI's inverse, and nets that `benchmarks/baselines.py` has trained."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rawpy

from rawback.cameras import cards
from rawback.cameras.cards import NO_WEIGHTS
from rawback.errors import RawbackError, UsageError
from rawback.files import dng, exif, jpeg
from rawback.files.raw import RawFile
from rawback.isp import inverse_pass, open_loop, stages
from rawback.isp.colour import CURVES
from rawback.isp.exposure import with_shoulder
from rawback.isp.matmul import mix
from rawback.isp.quantisation_tables import coding
from rawback.nets import weights
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.recovering import recover
from rawback.rendering import Rendered, decide, develop, render

OURS, CLASSICAL, OPEN, UPI = "rawback", "classical", "open", "upi"
"""Names of methods that need no training."""
LEARNED = ("flow", "paper", "unet", "cycleisp", "gray")
"""Names of those that do: see `learn.baseline_nets`."""
SAYS = {
    OURS: "the closed loop",
    CLASSICAL: "rawback's open loop without learned parts: the paper's way",
    OPEN: "rawback's open loop with its learned parts",
    UPI: "Brooks et al. 2019: the fixed inverse of a camera, with this camera's own matrix and white balance",
    "flow": "an invertible flow at rawback's size, open loop",
    "paper": "the flow at the paper's size, open loop",
    "unet": "two U-nets, one for each direction",
    "cycleisp": "CycleISP's RGB to RAW branch",
    "gray": "Invertible Grayscale's idea: encoder and decoder learned together",
}
"""What a method is, for the report."""
SUBSAMPLING = "4:2:2"
"""As in the paper; all but rawback's own JPEGs have it, with the standard's tables."""
LIBRAW: dict[str, Any] = {"use_camera_wb": True, "no_auto_bright": True, "adjust_maximum_thr": 0.0}
"""Options of the rendering that the paper calls ground truth: the camera's white balance, nothing rescaled."""
TILE, CELLS = 512, 16
"""Pixels along a tile, and what the nets' sides must be multiples of."""
FLOW = "paper-1"
"""The weights that are the flow at rawback's size."""
BUNDLED = "baselines"
"""The folder of the others, among the cards."""


class CannotCompare(RawbackError):
    """A method that a file is not made for."""


@dataclass
class Trip:
    """A RAW file there and back by one method."""

    method: str
    jpeg: bytes
    mosaic: np.ndarray
    """(H, W) uint16 in DN."""
    dng: bytes


Method = Callable[[RawFile, bytes, RenderOptions], Trip]
"""A RAW file, its bytes, and how to render -> its round trip. Raises CannotCompare where the method cannot."""


def method(name: str, baselines: Path | None = None) -> Method:
    """The method of that name; learned ones from the folder `baselines`. Raises UsageError, RawbackError."""
    if name not in SAYS:
        raise UsageError(f"cannot compare with {name!r}; expected some of {', '.join(SAYS)}")
    if name == OURS:
        return _ours
    if name == CLASSICAL:
        return lambda file, data, options: _open_loop(name, file, replace(options, weights=NO_WEIGHTS))
    if name == OPEN:
        return lambda file, data, options: _open_loop(name, file, options)
    if name == UPI:
        return _upi
    return Learned(name, weights.load(str(_card(name, baselines))))


def _card(name: str, baselines: Path | None) -> Path:
    """Of a learned method, in the folder `baselines`, or where rawback brings it. Raises RawbackError where it is not."""
    bundled = [folder / BUNDLED / f"{name}.json" for folder in cards.folders()]
    places = [baselines / f"{name}.json"] if baselines else bundled
    card = next((place for place in places if place.is_file()), None)
    if card is None and name == "flow" and not baselines:
        card = cards.path_of(FLOW)
    if card is None:
        made = f"python benchmarks/baselines.py PHOTOS -o {baselines or 'DIR'} --methods {name}"
        raise RawbackError(
            f"the baseline {name!r} is not in {baselines or 'this installation'}; train it in a checkout by `{made}`, and name "
            f"that folder with --baselines"
        )
    return card


def described(name: str, baselines: Path | None = None) -> str:
    """What a method is, and what a learned one was trained with."""
    if name not in LEARNED:
        return SAYS[name]
    card = weights.load(str(_card(name, baselines))).card
    training = card["training"]
    options, parameters = training.get("options", training), max(part["parameters"] for part in card["parts"].values())
    crops = f"{options['steps']:,} steps of {options['batch']} squares of {options['side']} x {options['side']}"
    return f"{SAYS[name]}; {parameters:,} parameters, trained {crops}, {training['cpu_seconds']:,} s of one core"


def _open_loop(name: str, file: RawFile, options: RenderOptions) -> Trip:
    """As the paper codes; with BT.709's curve, which all learned ones have, also where `render` would take another."""
    options = replace(options, refine=False, tables="standard", subsampling=SUBSAMPLING, keep="", lossless=False, layered=False)
    recipe = with_shoulder(replace(decide(file, options), curve="bt709"))
    return there_and_back(name, develop(file, recipe, options), options)


def _ours(file: RawFile, data: bytes, options: RenderOptions) -> Trip:
    return there_and_back(OURS, render(file, options), options)


def there_and_back(name: str, rendered: Rendered, options: RenderOptions) -> Trip:
    """The round trip of a rendering, under a method's name; options: which weights recover it."""
    with tempfile.TemporaryDirectory(prefix="rawback-") as folder:
        picture = Path(folder, "photo.jpg")
        picture.write_bytes(rendered.data)
        recovered = recover(picture, weights=options.weights)
    return Trip(name, rendered.data, recovered.mosaic, b"".join(recovered.dng()))


def _upi(file: RawFile, data: bytes, options: RenderOptions) -> Trip:
    sent = _sent(libraw_rendering(file, data), options)
    decoded = np.clip(inverse_pass.decoded_strip(sent, 0, sent.height), 0, 1)
    return _trip(UPI, sent, unprocessed(decoded, file.recipe), file.recipe)


def unprocessed(srgb: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Decoded picture (3, H, W) 0..1 -> mosaic (H, W) uint16 as UPI inverts: smoothstep, gamma 2.2, matrix, gains.

    Gains spare highlights (equation 6 and the paper's code: inflection at 0.9).
    """
    linear = np.maximum(0.5 - np.sin(np.arcsin(1 - 2 * srgb) / 3), 1e-8) ** 2.2
    camera = mix(np.linalg.inv(np.array(recipe.matrix)), linear)
    per_gain = (1 / recipe.gains)[:, None, None]
    bright = np.square(np.maximum(camera.mean(0) - 0.9, 0) / 0.1)
    camera = np.clip(camera * np.maximum(bright + (1 - bright) * per_gain, per_gain), 0, 1)
    balanced = camera.astype(np.float32) * recipe.gains[:, None, None].astype(np.float32)
    return stages.inverse(balanced, replace(recipe, exposure=0.0, pedestal=0.0), stages=stages.SENSOR)


class Learned:
    """Nets in the place of the flow, between the classical picture and a JPEG in the open loop."""

    def __init__(self, name: str, loaded: weights.Weights) -> None:
        self.name, self.weights = name, loaded

    def __call__(self, file: RawFile, data: bytes, options: RenderOptions) -> Trip:
        recipe = replace(
            file.recipe, exposure=0.0, curve="bt709", shoulder=CURVES["bt709"].shoulder, pedestal=0.0, tone=(), refined=False
        )
        if "flow" in self.weights.card["parts"]:
            rendered = self._run("flow", stages.forward(file.mosaic, recipe), recipe)
        else:
            rendered = libraw_rendering(file, data)
        sent = _sent(rendered, options)
        recovered = self._run("flow_inverse", inverse_pass.decoded_strip(sent, 0, sent.height), recipe)
        return _trip(self.name, sent, stages.inverse(recovered, recipe), recipe)

    def _run(self, part: str, planes: np.ndarray, recipe: Recipe) -> np.ndarray:
        """The net in tiles with the context that it needs; cells of 2x2 begin with red, as in training."""
        config = self.weights.card["parts"][part]["config"]
        reach = config["halo"] if "halo" in config else 2 * config["depth"] * config["blocks"] * config["cell"]  # a flow's
        net, halo = self.weights.part(part), -(-int(reach) // CELLS) * CELLS
        before = [int(n) for n in np.argwhere(np.array(recipe.cfa) == 0)[0] % 2]
        beside = [(b, -(n + b) % CELLS) for n, b in zip(planes.shape[1:], before, strict=True)]
        framed = np.pad(planes, [(0, 0), *beside], mode="symmetric")
        out = np.empty_like(framed)
        for y in range(0, framed.shape[1], TILE):
            for x in range(0, framed.shape[2], TILE):
                top, left = max(y - halo, 0), max(x - halo, 0)
                tile = net(framed[None, :, top : y + TILE + halo, left : x + TILE + halo])[0]
                out[:, y : y + TILE, x : x + TILE] = tile[:, y - top :, x - left :][:, :TILE, :TILE]
        return out[:, before[0] : before[0] + planes.shape[1], before[1] : before[1] + planes.shape[2]]


def libraw_rendering(file: RawFile, data: bytes) -> np.ndarray:
    """LibRaw's rendering as the RAW lies, (3, H, W) float32 0..1. Raises CannotCompare where pixels are not square."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        pixels = raw.postprocess(user_flip=0, **LIBRAW)
    if pixels.shape[:2] != file.mosaic.shape:
        raise CannotCompare("LibRaw stretches the pixels of this file, so that no photosite has a pixel of its own")
    return pixels.transpose(2, 0, 1).astype(np.float32) / 255


def _sent(srgb: np.ndarray, options: RenderOptions) -> Coefficients:
    return open_loop.encode(srgb, coding(options.quality, SUBSAMPLING, "standard"))


def _trip(name: str, sent: Coefficients, mosaic: np.ndarray, recipe: Recipe) -> Trip:
    upright = exif.to_app1(None, recipe.orientation, "rawback", None, size=(sent.width, sent.height))
    picture = jpeg.write(sent, recipe, upright)
    return Trip(name, picture, mosaic, b"".join(dng.encode(mosaic, recipe, None, None)))
