"""What a file is, by its content: cameras and people name RAW files as they like."""

from __future__ import annotations

import mmap
from pathlib import Path

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.heif.brands import HEIF_HEAD, is_heif
from rawback.files.jpeg_file import is_jpeg
from rawback.files.tags import Compression, Photometric, Tag
from rawback.files.tiff import Buffer

HEAD = 1 << 18
"""As much of a file as is looked at where reading is dear."""
RAW_MAGICS = (
    b"FUJIFILMCCD-RAW", b"II\x1a\0\0\0HEAPCCDR", b"FOVb", b"\0MRM", b"IIII", b"MMMM", b"qktk", b"qktn",
    b"DSC-Image", b"NOKIARAW", b"ARRI", b"IIU\0", b"IIRO", b"IIRS", b"MMOR",
)  # fmt: skip
"""Fujifilm RAF, Canon CRW, Sigma X3F, Minolta MRW, Phase One, QuickTake, and TIFFs with a magic number of their own."""
CR2 = b"CR\x02"
RAW_COMPRESSIONS = set(Compression) - {
    Compression.NONE, Compression.JPEG_OLD, Compression.JPEG, Compression.VC5, Compression.JPEG_XL,
}  # fmt: skip
"""What no scan or developed picture is stored by."""
OBSTACLES: dict[int, str] = {
    Compression.VC5: "a GPR, coded with VC-5; convert it to DNG with GoPro's or Adobe's converter first",
}  # fmt: skip
"""By the compression of the sensor's values."""
X3F = b"FOVb"
FOVEON = (
    "a Foveon RAW (X3F), whose pixels see in layers and have no filters; "
    "export a 16-bit TIFF with Sigma Photo Pro, which `rawback recover` takes"
)
FLOAT_SAMPLES = 3
"""SampleFormat of IEEE floating point."""
FLOATING = (
    "a DNG of floating point values (an HDR merge), which rawback would have to round; merge it again as 16-bit integers, "
    "or export a TIFF of 32-bit float, which `rawback recover` takes"
)
LACKING_FILTERS = (
    "a DNG that says its filters are not red, green and blue (CFAPattern); if its sensor has none, it should say LinearRaw, "
    "with one sample a pixel"
)
OTHER_FILTERS = (
    "a RAW with other filters than red, green and blue (as CYGM or RGBE); develop it, "
    "and export a 16-bit TIFF, which `rawback recover` takes"
)
JXL_MAGICS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
"""JPEG XL, bare and in boxes (ISO/IEC 18181-2, 9.1)."""
PHOTOS = ("jpeg", "heif", "jxl")
"""Kinds that `recover` looks for in folders; other pictures may be anybody's."""
PICTURES_16 = (".tif", ".tiff", ".png")
"""Suffixes of pictures of 16 bits that are written."""
ARRAYS = (".npy", ".npz")
"""Suffixes of arrays of numpy's that are written."""
MOVIES = {".mov": "mov", ".mp4": "mp4", ".mkv": "matroska"}
"""Those that are written: suffix and FFmpeg's name."""
MOVIE_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
STILL_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"jxl ", b"jp2 ")
MOVIE_MAGICS = (b"\x1aE\xdf\xa3", b"\x06\x0e\x2b\x34\x02\x05\x01\x01", b"\0\0\x01\xba", b"0&\xb2u", b"FLV\x01")
"""Matroska, MXF, MPEG program stream, ASF, Flash."""
MOVIE_HEAD = 1 << 10
TRANSPORT_SIZES = (188, 192)
"""Bytes of a packet of an MPEG transport stream, of a camera's with four bytes of time before it."""


def is_movie(path: Path) -> bool:
    """Whether there is a movie of that name. Raises OSError."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return begins_movie(file.read(MOVIE_HEAD))


def begins_movie(head: bytes) -> bool:
    """Whether a file is a movie by its first MOVIE_HEAD bytes."""
    if head[4:8] in MOVIE_BOXES:
        return head[4:8] != b"ftyp" or head[8:12] not in STILL_BRANDS
    if head.startswith(MOVIE_MAGICS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    return any(all(head[n - 188 + n * i : n - 187 + n * i] == b"G" for i in range(4)) for n in TRANSPORT_SIZES)


def of_file(path: Path) -> str | None:
    """As `of`, for a file on disk, of which only what is needed is read. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEIF_HEAD)
        if not tiff.is_tiff(head):
            return of(head)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            return of(view)


def of(data: Buffer) -> str | None:
    """What a file is: "raw", "jpeg", "heif", "jxl", or None for anything else.

    Its beginning will do, up to where its directories end.
    """
    head = bytes(data[:16])
    if is_jpeg(head):
        return "jpeg"
    if head.startswith(JXL_MAGICS):
        return "jxl"
    if is_heif(bytes(data[:HEIF_HEAD])):
        return "heif"
    if head.startswith(RAW_MAGICS) or head[4:12] == b"ftypcrx " or (tiff.is_tiff(head) and head[8:11] == CR2):
        return "raw"
    return "raw" if tiff.is_tiff(data) and _is_raw_tiff(data) else None


def _is_raw_tiff(data: Buffer) -> bool:
    """A TIFF holds RAW if it says so in any directory; scans and developed pictures do not."""
    try:
        first = tiff.read(data)
    except RawbackError:
        return False
    return Tag.DNGVersion in first.entries or any(is_mosaic(directory.entries) for directory in first.walk())


def obstacle(data: Buffer) -> str:
    """Why neither verb can take a RAW file, and what to do; empty where nothing is known that would hinder them."""
    if bytes(data[: len(X3F)]) == X3F:
        return FOVEON
    try:
        first = tiff.read(data) if tiff.is_tiff(data) else tiff.Directory()
    except RawbackError:
        return ""
    directories = [directory.entries for directory in first.walk()]
    mosaics = [entries for entries in directories if _number(entries, Tag.PhotometricInterpretation) == Photometric.CFA]
    linear = [e for e in directories if _number(e, Tag.PhotometricInterpretation) == Photometric.LINEAR_RAW]
    for entries in mosaics or linear:
        if reason := OBSTACLES.get(int(_number(entries, Tag.Compression) or 0)):
            return reason
        if _number(entries, Tag.SampleFormat) == FLOAT_SAMPLES:
            return FLOATING
        if Tag.CFAPlaneColor in entries and set(tiff.numbers(entries[Tag.CFAPlaneColor])) - {0, 1, 2}:
            return OTHER_FILTERS
        filters = set(tiff.numbers(entries[Tag.CFAPattern])) if Tag.CFAPattern in entries else {0, 1, 2}
        if Tag.DNGVersion in first.entries and {0, 1, 2} - filters:  # LibRaw takes them for red, green and blue all the same
            return LACKING_FILTERS
    if not mosaics and any(_number(entries, Tag.SamplesPerPixel) not in (1, 3) for entries in linear):
        return "a DNG without a mosaic, and not of one or three values a pixel; export a TIFF, which `rawback recover` takes"
    return ""


def is_mosaic(entries: dict[int, tiff.Entry]) -> bool:
    """Whether a directory of a TIFF describes sensor values."""
    return (
        _number(entries, Tag.PhotometricInterpretation) == Photometric.CFA
        or _number(entries, Tag.Compression) in RAW_COMPRESSIONS
    )


def _number(entries: dict[int, tiff.Entry], tag: int) -> float | None:
    return next(iter(tiff.numbers(entries[tag])), None) if tag in entries else None
