"""The options of `render`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rawback.errors import RawbackError, UsageError
from rawback.isp.native.library import library
from rawback.options.option import COMMON, LOOK, OUTPUT, QUALITY, Option, check_choices, refuse
from rawback.options.shared import Camera, KeepExif, Weights

EXPOSURES = (-10.0, 10.0)
"""EV: what is darker or brighter is a slip of the pen."""
MAX_PARITY = 20
LOSSLESS, ORIGINAL = "lossless", "original"
EXPOSURE = "EV on top of the look. Default: auto, as the look has it."
LOOKS = ("auto", "sidecar", "libraw", "camera")
LOOKS_LIKE = "auto (as the picture in the RAW; default), sidecar (as the JPEG beside it), libraw, camera or a card."
KEPT = LOSSLESS, ORIGINAL, "noise"
KEEP = "Instead of --quality: 4MB, 1.7bpp, 52dB or noise. Beside it: lossless (every bit of the RAW) or original (every byte)."
EFFORT = "fast, normal or best: smaller files, in more time; auto (default) is normal."


def _ratio(text: str) -> str:
    """420 and 4:2:0 are the same."""
    return ":".join(text) if len(text) == 3 else text


def _exposure(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"exposure is {text!r}; expected a number of EV, or auto")
    return value


def _is_card(name_or_path: str) -> bool:
    from rawback.cameras import cards

    try:
        return cards.path_of(name_or_path).is_file()
    except RawbackError:
        return False


@dataclass(frozen=True)
class RenderOptions:
    """How to render. Raises UsageError for values that cannot be, or contradict each other."""

    quality: Annotated[int, Option("How finely the RAW is kept, from 1 to 100.", group=COMMON)] = 87
    """As libjpeg counts; the luma step of the "raw" tables is 5 at 85, 4 at 87, 3 at 90, 1 from 96 on."""
    subsampling: Annotated[
        str,
        Option(
            "Chroma: 4:2:0, 4:2:2 or 4:4:4.", choices=("4:4:4", "4:2:2", "4:2:0"), read=_ratio, group=QUALITY, metavar="RATIO"
        ),
    ] = "4:2:0"
    tables: Annotated[
        str,
        Option(
            "Quantiser: raw, which is best for the RAW, or standard.", choices=("raw", "standard"), group=QUALITY, rare=True
        ),
    ] = "raw"
    """"raw": flat for luma, which serves the RAW best; "standard": Annex K of the JPEG standard."""
    refine: Annotated[
        bool,
        Option("Encode plainly, as the paper does: the RAW comes back less well.", ("--no-refine",), group=QUALITY, rare=True),
    ] = True
    """Whether the closed loop chooses the coefficients."""
    exposure: Annotated[float | None, Option(EXPOSURE, read=_exposure, default="auto", group=LOOK, metavar="EV")] = None
    """EV on top of the look, None being 0; with LibRaw's of the RAW itself, None being LibRaw's automatic brightness."""
    look: Annotated[str, Option(LOOKS_LIKE, offered=LOOKS, group=COMMON)] = "auto"
    """"auto": fitted to the picture inside the RAW, LibRaw's where that tells none; "sidecar": to the JPEG beside it; "libraw":
    LibRaw's own, the paper's protocol; "camera": that of the camera's card; or a card by name or the path of its JSON."""
    camera: Camera = None
    """Whose look, by name or the path of its JSON; None: that of the RAW's own camera."""
    effort: Annotated[
        str,
        Option(EFFORT, choices=("auto", "fast", "normal", "best"), group=QUALITY, metavar="LEVEL"),
    ] = "auto"
    """"fast"; "normal": each luma level is weighed against its bits, about a twentieth fewer bytes; "best": chroma's, too.
    "auto": normal, or fast where the compiled core is not there, without which that takes twice as long."""
    compatible: Annotated[
        bool, Option("So that rawback 0.1 reads the RAW, too: sometimes larger.", group=QUALITY, rare=True)
    ] = False
    """Whether what rawback 0.1 does not know is left out: two quantisers of luma (recipe version 2; with `effort` best, from
    quality 80 on), and chroma beyond white in a box (version 3; where colours are blown)."""
    layered: Annotated[
        bool,
        Option("Coarse picture, fine RAW in a layer: smaller; lost once it is saved again.", group=QUALITY, rare=True),
    ] = False
    """Whether the picture is a coarse one, beside which a layer keeps what the RAW needs; it takes the place of `effort`."""
    weights: Weights = None
    """Of the open loop (not `refine`): demosaicing or flow, by name or the path of a card, or "none"; None: the camera's."""
    keep: Annotated[str | None, Option(KEEP, offered=KEPT, group=COMMON, metavar="GOAL")] = None
    """How much of the RAW to keep, instead of `quality`: "4MB", "1.7bpp", "52dB" (of the mosaic) or "noise"; None: quality.
    "lossless" is another way to write `lossless=True`."""
    lossless: bool = False
    """Whether a layer beside the picture keeps the RAW to the last bit."""
    original: bool = False
    """Whether the JPEG gives back the very file, byte for byte; `lossless` is then True, too.
    "original" as `keep` is another way to write it."""
    progressive: Annotated[
        bool, Option("Write progressive scans where they make the JPEG smaller, in more time.", group=OUTPUT, rare=True)
    ] = False
    """Whether the same coefficients are also coded in progressive scans, and the smaller of both is written."""
    hdr: Annotated[bool, Option("Add a gain map: highlights glow on HDR screens.", group=OUTPUT)] = False
    """Whether a gain map of what the RAW has above the picture's white follows the picture."""
    parity: Annotated[
        int, Option("Add recovery data: so many percent of the file may be lost.", group=OUTPUT, metavar="PERCENT")
    ] = 0
    """0 to 20: so much recovery data go along, about twice as many percent of the file."""
    keep_exif: KeepExif = True
    thumbnail: bool = True
    """Whether a large picture carries a small one of itself."""

    @property
    def effort_taken(self) -> str:
        """What `auto` stands for."""
        if self.effort != "auto":
            return self.effort
        return "normal" if library() is not None else "fast"

    def __post_init__(self) -> None:
        if self.keep == ORIGINAL or self.original:
            object.__setattr__(self, "original", True)
        if self.keep in (LOSSLESS, ORIGINAL) or self.original:
            object.__setattr__(self, "lossless", True)
            object.__setattr__(self, "keep", None if self.keep in (LOSSLESS, ORIGINAL) else self.keep)
        check_choices(self)
        if self.original and not self.keep_exif:
            raise UsageError("--keep original keeps every byte, and so all that the file says of you; leave out --no-exif")
        if self.look not in LOOKS and not _is_card(self.look):
            raise UsageError(f"look is {self.look}; expected {', '.join(LOOKS)}, or the name or path of a card")
        if not 0 <= self.parity <= MAX_PARITY:
            raise UsageError(f"parity is {self.parity} %; expected 0 to {MAX_PARITY}")
        self._check_layered()
        if self.parity and self.keep:
            raise UsageError(f"--keep {self.keep} leaves no room for --parity; keep original or lossless, or name a --quality")
        if self.parity and self.hdr:
            raise UsageError("--parity protects the picture, and moves what follows it; leave out --hdr")
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality is {self.quality}; expected 1 to 100")
        if self.exposure is not None and not EXPOSURES[0] <= self.exposure <= EXPOSURES[1]:
            raise UsageError(f"exposure is {self.exposure} EV; expected -10 to 10, or auto")
        if self.keep:
            from rawback import rate_control

            rate_control.parse(self.keep)
            if self.tables != "raw" or not self.refine:
                raise UsageError("keep chooses among raw tables in the closed loop; it excludes standard tables and no-refine")

    def _check_layered(self) -> None:
        """Raise UsageError for options that say nothing about a picture beside a refinement layer."""
        if not self.layered:
            return
        if self.lossless:
            kept = ORIGINAL if self.original else LOSSLESS
            raise UsageError(f"--keep {kept} has a layer of its own, which makes the RAW exact; leave out --layered")
        names = ("refine", "tables", "compatible", "effort")
        refuse(self, names, "says nothing about --layered, which is always coded by the same best way")


@dataclass(frozen=True)
class ArchiveOptions:
    """For those who keep JPEGs in place of RAW."""

    jxl: Annotated[bool, Option("Write JPEG XL: a JPEG in about 10 % fewer bytes.", group=OUTPUT)] = False
    delete_original: Annotated[bool, Option("Delete each RAW once its JPEG restores it bit by bit.", group=OUTPUT)] = False
    manifest: Annotated[Path | None, Option("Add RAW files and JPEGs to a list for sha256sum -c.", group=OUTPUT)] = None
    """Names are as seen from its folder."""
    learn: Annotated[bool, Option("Learn the looks of these cameras afterwards, too.", group=LOOK)] = False

    def __post_init__(self) -> None:
        if self.learn and self.delete_original:
            raise UsageError(
                "--learn reads the RAW files once more, and --delete-original leaves none; run `rawback learn` first"
            )
