"""What an original holds and a DNG made from it does not: tag by tag, by number, in the directory where it belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property

from rawback.files.tags import Compression, GpsTag, InteropTag, Photometric, Tag
from rawback.verify import ciff_records, directories, jpeg_segments, written_anew, xmp_properties
from rawback.verify.entries import OFFSETS, Directory, Entry
from rawback.verify.inventory import SENSOR_VALUES, Inventory, mosaic_of, private_blocks
from rawback.verify.values import same

METADATA_KINDS = ("Exif", "GPS", "Interop")
EXIF_IN_IFD0: frozenset[int] = frozenset({
    Tag.ExposureTime, Tag.FNumber, Tag.ExposureProgram, Tag.PhotographicSensitivity, Tag.DateTimeOriginal,
    Tag.DateTimeDigitized,
    *range(Tag.ShutterSpeedValue, Tag.FocalLength + 1), *range(Tag.CustomRendered, Tag.SubjectDistanceRange + 1),
})  # fmt: skip
"""TIFF/EP keeps these in IFD0, EXIF below it: either is their place."""
RAW_TAGS: frozenset[int] = frozenset({
    Tag.CFARepeatPatternDim, Tag.CFAPattern, *range(Tag.CFAPlaneColor, Tag.DefaultCropSize + 1), Tag.BayerGreenSplit,
    Tag.ChromaBlurRadius, Tag.AntiAliasStrength, Tag.BestQualityScale, Tag.ActiveArea, Tag.MaskedAreas,
    Tag.NoiseReductionApplied, Tag.SubTileBlockSize, Tag.RowInterleaveFactor, Tag.OpcodeList1, Tag.OpcodeList2,
    Tag.OpcodeList3, Tag.NoiseProfile, Tag.DefaultUserCrop, Tag.ProfileGainTableMap, Tag.ProfileGainTableMap2,
    Tag.MaskSubArea, Tag.ColumnInterleaveFactor,
})  # fmt: skip
"""Tags that readers look for in the directory of the mosaic (DNG 1.7.1, "Raw IFD")."""
IMAGES = {1: "a reduced mosaic", 4: "a transparency mask", 5: "a preview of a transparency mask", 8: "a depth map",
          9: "a preview of a depth map", 16: "an enhanced image", 0x10004: "a semantic mask"}  # fmt: skip
"""By NewSubFileType."""


def missing(original: Inventory, dng: Inventory, size: tuple[int, int] | None = None) -> tuple[str, ...]:
    """A phrase for each thing that `original` holds, `dng` does not, and `written_anew` does not excuse.

    size: width and height of the mosaic that LibRaw reads from the original, margins included.
    """
    return tuple(dict.fromkeys(_Comparison(original, dng, size).phrases()))


class _Comparison:
    """Two files, with their directories matched."""

    def __init__(self, original: Inventory, dng: Inventory, size: tuple[int, int] | None) -> None:
        self.original, self.dng = original, dng
        self.mosaic = mosaic_of(original, size)
        self.ifd0 = dng.directories[:1]
        kept = mosaic_of(dng, size)
        self.kept_mosaic = [kept] if kept else []
        self.exif = dng.of_kind("Exif")
        private = [bytes(tag.data) for directory in self.ifd0 for tag in directory.by_number.get(Tag.DNGPrivateData, ())]
        self.private = {block for data in private for block in private_blocks(data)}

    @cached_property
    def candidates(self) -> list[tuple[Directory, bytes]]:
        """Directories of the DNG that may be copies of another's, with the digests of their pixels."""
        others = [d for d in self.dng.directories[1:] if d.kind not in METADATA_KINDS and d not in self.kept_mosaic]
        return [(directory, _digest(self.dng.pieces(directory))) for directory in others]

    def phrases(self) -> Iterator[str]:
        yield from self.original.notes
        if self.original.directories and self.mosaic is None:
            yield "which directory holds the mosaic is not understood"
        yield from self.records()
        for directory in self.original.directories:
            yield from self.directory(directory)

    def records(self) -> Iterator[str]:
        """Of a CRW."""
        kept = {r for name, block in self.private if name == b"CRW " for r in ciff_records.in_private_data(block)}
        for record in self.original.records:
            name = f"record 0x{record.number:04x} of {record.path}"
            if record.number not in written_anew.CIFF_RECORDS:
                if (record.number, bytes(record.data)) not in kept:
                    yield name
            elif jpeg_segments.is_jpeg(record.data):
                yield from self.jpeg(record.data, name)

    def directory(self, found: Directory) -> Iterator[str]:
        first = found is self.original.directories[0]
        if found.kind in METADATA_KINDS:
            yield from self.tags(found, {}, self.dng.of_kind(found.kind))
        elif found is self.mosaic:
            yield from self.tags(found, self.excused_of_mosaic(), self.kept_mosaic, first)
            samples = found.integer(Tag.SamplesPerPixel) or 1
            if samples > 1 and found.integer(Tag.PhotometricInterpretation) == Photometric.CFA:
                yield f"{found.path}: {samples} samples for each photosite"
        elif self.original.is_preview(found):
            allowed = written_anew.PREVIEWS | (written_anew.DIGESTS if first else written_anew.THUMBNAILS)
            yield from self.tags(found, allowed, self.ifd0, first)
            for jpeg in self.original.jpegs(found):
                yield from self.jpeg(jpeg, found.path)
        elif first:
            image = found in self.original.images()
            if image:
                yield from self.another(found)
            excused = written_anew.DIGESTS | (written_anew.PREVIEWS if image else written_anew.NO_IMAGE)
            yield from self.tags(found, excused, self.ifd0, first)
        else:
            yield from self.another(found)

    def excused_of_mosaic(self) -> dict[int, str]:
        allowed = dict(written_anew.MOSAIC)
        if not self.original.is_dng:
            allowed |= written_anew.MOSAIC_OF_OTHERS
        if self.mosaic and self.mosaic.integer(Tag.Compression) == Compression.DNG_LOSSY:
            allowed |= written_anew.MOSAIC_OF_LOSSY
        return allowed | (written_anew.MOSAIC_OF_CR2 if self.original.is_cr2 else {})

    def tags(
        self, found: Directory, excused: dict[int, str], places: list[Directory], first: bool = False, prefix: str = ""
    ) -> Iterator[str]:  # fmt: skip
        """The tags of a directory that stand in none of the places that are theirs."""
        for tag in found.tags:
            if tag.number in excused or tag.number in written_anew.CONTAINER:
                continue
            name = f"{prefix}{found.path} {tag.number} {_name(tag.number, found.kind)}".rstrip()
            there = [t for place in [*places, *self.others(tag.number, first)] for t in place.by_number.get(tag.number, ())]
            if any(self.is_kept(tag, t) for t in there) or self.in_private_data(tag):
                continue
            if tag.number == Tag.XMP:
                yield from self.xmp(bytes(tag.data), name)
            else:
                yield f"{name} (another value)" if there else name

    def others(self, number: int, first: bool) -> list[Directory]:
        """Where else a tag may stand: IFD0 of one file may be the mosaic's directory too, and hold what is EXIF's."""
        if number in RAW_TAGS:
            return self.kept_mosaic if first else []
        exif = self.exif if number in EXIF_IN_IFD0 else []
        return [*self.ifd0, *exif] if first or number == Tag.Orientation else []

    def is_kept(self, tag: Entry, kept: Entry) -> bool:
        if tag.number == Tag.IPTC:  # its type is LONG in some files, its bytes are bytes
            return bytes(tag.data).rstrip(b"\0") == bytes(kept.data).rstrip(b"\0")
        if tag.number == Tag.DNGPrivateData and (blocks := private_blocks(bytes(tag.data))):
            return set(blocks) <= self.private
        return same(tag, kept)

    def in_private_data(self, tag: Entry) -> bool:
        """Whether it is a MakerNote that Adobe's block keeps: byte order, where it stood, and its bytes."""
        if tag.number != Tag.MakerNote:
            return False
        order = b"II" if tag.order == "<" else b"MM"
        return (b"MakN", order + tag.offset.to_bytes(8, "big")[-4:] + bytes(tag.data)) in self.private

    def xmp(self, packet: bytes, name: str) -> Iterator[str]:
        kept = [bytes(tag.data) for directory in self.ifd0 for tag in directory.by_number.get(Tag.XMP, ())]
        if not kept:
            yield name
        elif lost := xmp_properties.lost(packet, kept[0]):
            yield f"{name}: {', '.join(lost)}"

    def jpeg(self, jpeg: memoryview, path: str) -> Iterator[str]:
        """What the JPEG of a preview says that the DNG does not."""
        segments = jpeg_segments.read(jpeg)
        yield from (f"{path}/JPEG: {other}" for other in segments.others)
        if segments.xmp:
            yield from self.xmp(segments.xmp, f"{path}/JPEG XMP")
        if segments.exif is None or len(segments.exif) < 8 or not directories.is_tiff(segments.exif):
            return
        tree = directories.read(segments.exif)
        yield from (f"{path}/JPEG/{note}" for note in tree.notes)
        for found in tree.directories:
            places = self.dng.of_kind(found.kind) if found.kind in METADATA_KINDS else self.ifd0
            yield from self.tags(found, written_anew.EXIF_OF_JPEG, places, prefix=f"{path}/JPEG/")

    def another(self, found: Directory) -> Iterator[str]:
        """A directory of none of these kinds: another image, a camera profile. It must be there as it was, pixels too."""
        offsets = dict.fromkeys(OFFSETS, written_anew.LAYOUT)
        pixels = _digest(self.original.pieces(found))
        for kept, digest in self.candidates:
            if digest == pixels and not any(self.tags(found, offsets, [kept])):
                return
        yield f"{found.path}: {_describe(found)}"


def _digest(pieces: Iterable[memoryview]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.digest()


def _describe(found: Directory) -> str:
    subfile, photometric = found.integer(Tag.NewSubfileType) or 0, found.integer(Tag.PhotometricInterpretation)
    if not found.pixels:
        return f"a directory of {len(found.tags)} tags"
    if photometric in SENSOR_VALUES and subfile == 0:
        return "another mosaic" if photometric == Photometric.CFA else "another image of sensor values"
    size = f"{found.integer(Tag.ImageWidth)} x {found.integer(Tag.ImageLength)} pixels"
    return f"{IMAGES.get(subfile, 'another image')} ({size})"


def _name(number: int, kind: str) -> str:
    """The name of a tag, where it has one that is known."""
    names = {"GPS": GpsTag, "Interop": InteropTag}.get(kind, Tag)
    return next((tag.name for tag in names if tag == number), "")
