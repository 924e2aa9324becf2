"""How far the sharpening of a photo is to be undone, by what its file says of its making.

Its pixels hardly tell: between no sharpening and that of a phone the edges, spectra and noise of a picture change less than
from one lens and scene to the next (`benchmarks/editing.md`). Cameras sharpen; whoever else made the picture may not have.
"""

from __future__ import annotations

import re

from rawback.cameras import looks
from rawback.files import tiff
from rawback.files.exif import Exif
from rawback.files.jpeg import Photo
from rawback.files.tags import Tag
from rawback.foreign import camera
from rawback.isp.sharpening import Sharpening
from rawback.picture import Coefficients, Pixels

PROGRAM = re.compile(
    r"adobe|photoshop|lightroom|camera raw|capture one|\bdxo|photolab|darktable|rawtherapee|\bart\b|dcraw|libraw|rawback|ufraw"
    r"|\bgimp|affinity|luminar|\bon1|picasa|snapseed|acdsee|aperture|iphoto|pixelmator|imagemagick|graphicsmagick|irfanview"
    r"|xnview|paint|digikam|gwenview|shotwell|silkypix|photo professional|capture nx|viewnx|nx studio|imaging edge|raw studio"
    r"|photos? \d|photo ?gallery|photomatix|topaz|instagram|facebook|scan|vuescan|corel|helicon|hugin|microsoft",
    re.IGNORECASE,
)
"""Names of programs that develop, edit, resize or scan, as they sign the pictures they save. Firmware has other names."""
SIGNATURES = (Tag.Software, Tag.ProcessingSoftware, Tag.ImageEditingSoftware, Tag.RAWDevelopingSoftware)
CREATOR_TOOL = re.compile(rb"CreatorTool(?:=[\"']|>)([^\"'<]{1,100})")
"""The same in XMP (XMP specification, part 1, 8.4)."""
MOST_NAMED = 80
"""Characters of a signature that are said."""
SAME_SIZE = 0.06
"""Of long sides: by which those of cut pictures may differ."""
NORMAL, SOFT, HARD = range(3)
"""Values of EXIF's Sharpness (CIPA DC-008, tag 41994)."""
MEAN, STRONG = 1.0, 1.5
"""Of what cameras add in the mean: how much is undone, and of those that say they sharpen hard. The one pair of these gains
more by more, but pictures that were sharpened less than they say lose by it (`benchmarks/editing.md`)."""


def of(photo: Photo, camera_card: str | None = None) -> Sharpening:
    """By its EXIF, its XMP and its encoder, and by what its camera was measured to do.

    camera_card: by name or path, where the user says which camera took it.
    """
    exif = photo.exif or Exif()
    program = _program(exif, [exif.xmp, *photo.xmp])
    if program:
        return Sharpening(0.0, f"the picture is signed by {program}")
    origin = camera.origin(photo)
    if origin.from_dng:
        return Sharpening(0.0, "developed from a DNG")
    look = looks.known(camera_card, origin).look
    is_known = look is not None and look.scope != "generic"
    if not (camera_card or origin.make or origin.model or is_known):
        return Sharpening(0.0, "no camera is named")
    setting = next(iter(tiff.numbers(exif.exif[Tag.Sharpness])), NORMAL) if Tag.Sharpness in exif.exif else NORMAL
    if look and look.sharpening and _is_of_size(photo.picture, look.size) and (look.scope == "body" or setting != SOFT):
        return Sharpening(octaves=look.sharpening)
    if setting == SOFT:
        return Sharpening(0.0, "its camera was set to soft")
    return Sharpening(STRONG if setting == HARD else MEAN)


def _is_of_size(picture: Coefficients | Pixels, size: tuple[int, int]) -> bool:
    """Whether a picture has as many pixels along its long side as those of a size: a camera's smaller ones are made smaller."""
    return abs(max(picture.width, picture.height) / max(size) - 1) < SAME_SIZE


def _program(exif: Exif, packets: list[bytes]) -> str:
    """The first signature of a program; "" for none."""
    signed = [tiff.text(entries[tag]) for entries in (exif.ifd0, exif.exif) for tag in SIGNATURES if tag in entries]
    signed += [tool.decode("utf-8", "replace") for packet in packets for tool in CREATOR_TOOL.findall(packet)]
    return next((text.strip()[:MOST_NAMED] for text in signed if PROGRAM.search(text)), "")
