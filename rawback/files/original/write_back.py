"""The original's tags into the directories of a new DNG, where they stood in the old file."""

from __future__ import annotations

from dataclasses import replace

from rawback.files import dng_levels, tiff_writer
from rawback.files.dng_pixels import Whole
from rawback.files.original import written_anew
from rawback.files.original.metadata import Original
from rawback.files.tags import Tag, name_of
from rawback.files.tiff import Entries
from rawback.recipe import Recipe


def into(whole: Whole, original: Original, recipe: Recipe) -> Whole:
    """What is stored of a recovery, a mosaic or demosaiced colours, with all that the original says."""
    ifd0 = {tag: entry for tag, entry in original.exif.ifd0.items() if tag not in written_anew.IFD0}
    if not whole.as_exposed:  # the picture was brightened, and the DNG with it
        ifd0.pop(Tag.BaselineExposure, None)
    profiles = [tiff_writer.profile(entries) for entries in original.profiles]
    said = original.exif.ifd0.get(Tag.DNGVersion)
    version = said.data if said else b""
    return replace(
        whole, ifd0=ifd0, raw=_raw(whole, original, recipe), profiles=profiles, chain=original.chain, version=version
    )


def by_recipe(original: Original) -> Original:
    """The original without the tags that a recipe says too: for one that was edited, in which the edits win."""
    ifd0 = {tag: entry for tag, entry in original.exif.ifd0.items() if tag not in written_anew.OF_RECIPES}
    raw = {tag: entry for tag, entry in original.raw.items() if tag not in written_anew.OF_THE_FRAME}
    return replace(original, exif=replace(original.exif, ifd0=ifd0), raw=raw)


def _raw(whole: Whole, original: Original, recipe: Recipe) -> Entries:
    """The tags of the mosaic's directory that are right of what is stored."""
    raw = {tag: entry for tag, entry in original.raw.items() if tag not in written_anew.MOSAIC}
    top, left, width, height = recipe.margins
    all_there = whole.frame.shape[:2] == (height, width)
    if whole.frame.ndim == 3:
        if recipe.linear and all_there and _says_levels(raw, recipe):
            return raw
        unfit = written_anew.OF_THE_FRAME | (frozenset() if recipe.linear else written_anew.OF_CFA)
    elif all_there:
        return raw
    else:
        unfit = written_anew.OF_THE_FRAME | written_anew.OF_MARGINS
    kept = {tag: entry for tag, entry in raw.items() if tag not in unfit}
    return kept if whole.frame.ndim == 3 else kept | dng_levels.moved(raw, (top, left), (recipe.height, recipe.width))


def _says_levels(raw: Entries, recipe: Recipe) -> bool:
    """Whether the levels in the directory of a linear RAW are those of its values: LibRaw widens what is coded in 8 bits."""
    levels = dng_levels.read(raw)
    return levels.white == recipe.white and levels.black(1, (0, 0), (1, 1))[:1] in ((), recipe.black[:1])


def left_out(original: Original, whole: Whole) -> list[str]:
    """Tags of the mosaic that `into` does not write, because they would be wrong of it."""
    return [name_of(tag) for tag in sorted(written_anew.OF_CFA & original.raw.keys() - whole.raw.keys())]
