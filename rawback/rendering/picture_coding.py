"""The picture coded at the quality, size or error asked for."""

from __future__ import annotations

from dataclasses import replace

from rawback import rate_control
from rawback.cameras.cards import NO_WEIGHTS, weights_for
from rawback.cores import Progress
from rawback.files import jpeg, wide_chroma
from rawback.files.jumbf import Box
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, exposure
from rawback.isp.coding import Coding
from rawback.isp.quantisation_tables import JXL_PRICE, NORMAL_PRICE, SUBSAMPLING, coding, dependent, layered
from rawback.lossless.refinement import encoder as refinement
from rawback.lossless.refinement.picture import boxes_of, coarse_of
from rawback.nets.parts import Demosaicer, FlowPart
from rawback.nets.weights import load as load_weights
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.rendering.assembly import as_written, assembled

LEAST_BESIDE_LAYER = 1.2
"""Steps of a coefficient that a picture keeps beside a lossless layer, which codes what is smaller in fewer bits."""
NO_LAYER = "no refinement layer: at this quality the picture itself is coarse enough"
HASHES = 800
"""Bytes that the recipe grows by at most once the picture is known: its hash, thumbnail, centroids and error."""


def coded(
    raw: RawFile, recipe: Recipe, options: RenderOptions, progress: Progress = lambda share: None, gain_map: bytes = b"",
    as_jxl: bool = False,
) -> tuple[Coefficients, Recipe, list[str]]:  # fmt: skip
    """The coded picture at the quality asked for, the recipe with what that took, and what is to be said of it.

    as_jxl: whether it will be coated in JPEG XL.
    """
    effort = "best" if options.layered else options.effort_taken
    optimise = effort != "fast"
    may_be_new = options.refine and not (options.compatible or options.lossless or recipe.linear)
    is_dependent = effort == "best" and may_be_new
    for_jxl = as_jxl and effort == "best" and not (options.lossless or options.layered)
    if not options.keep:
        tables = coding(options.quality, options.subsampling, options.tables, optimise, exposure.is_dim(recipe))
        price = JXL_PRICE if for_jxl else tables.price if effort == "best" else NORMAL_PRICE
        least = LEAST_BESIDE_LAYER if options.lossless else 0.0
        tables = replace(tables, thorough=effort == "best", price=price, least=least, for_jxl=for_jxl)
        tables = replace(tables, beyond_white=True, wide=may_be_new)
        tables = dependent(tables) if is_dependent else tables
        if options.layered:
            tables = replace(layered(tables, exposure.is_dim(recipe)), thorough=True, beyond_white=True, wide=may_be_new)
            notes = [] if tables.fine else [NO_LAYER]
            return refinement.encode(raw.mosaic, recipe, tables, progress), recipe, notes
        demosaicer, flow, recipe = _learned(recipe, tables, options.weights or weights_for(options.camera))
        return closed_loop.encode(raw.mosaic, recipe, tables, progress, demosaicer, flow), recipe, []

    def beside(picture: Coefficients) -> list[Box]:
        return [*wide_chroma.to_boxes(picture, ""), *boxes_of(picture)]

    def file_size(picture: Coefficients) -> int:
        seen, boxes = coarse_of(picture), beside(picture)
        written = jpeg.coded_picture(as_written(seen, recipe), options.progressive)
        return len(assembled(lambda: written, raw, seen, recipe, options, boxes, gain_map=gain_map)[0]) + HASHES

    def coded_size(picture: Coefficients) -> int:
        return len(jpeg.coded_picture(coarse_of(picture))) + sum(len(box.content) for box in beside(picture))

    factors, goal = SUBSAMPLING[options.subsampling], rate_control.parse(options.keep)
    thorough = effort == "best"
    search = rate_control.Search(
        raw.mosaic, recipe, goal, factors, optimise, thorough, is_dependent, options.layered, may_be_new, refinement.encode,
        file_size, coded_size, for_jxl,
    )  # fmt: skip
    picture, recipe, reached = search.run()
    return picture, recipe, [reached, *([NO_LAYER] if options.layered and not boxes_of(picture) else [])]


def _learned(recipe: Recipe, tables: Coding, weights: str) -> tuple[Demosaicer | None, FlowPart | None, Recipe]:
    """The learned demosaicing or the flow, where they help: the closed loop makes up for any. The recipe says whose it is."""
    if weights == NO_WEIGHTS or recipe.refined or recipe.monochrome or recipe.linear:
        return None, None, recipe
    loaded = load_weights(weights)
    flow = loaded.flow(recipe)
    demosaicer = None if flow else loaded.demosaicer(recipe, tables)
    if flow or demosaicer:
        recipe = replace(recipe, weights=loaded.name, weights_sha256=loaded.sha256, flow=flow is not None)
    return demosaicer, flow, recipe
