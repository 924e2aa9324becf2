"""What an original holds and a DNG made from it does not: tag by tag, by number, in the directory where it belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property

from rawback.verify import ciff_records, directories, jpeg_segments, written_anew, xmp_properties
from rawback.verify.entries import OFFSETS, Directory, Tag
from rawback.verify.inventory import CFA, LINEAR_RAW, PHOTOMETRIC, SUBFILE, Inventory, mosaic_of, private_blocks
from rawback.verify.values import same

XMP, IPTC, MAKER_NOTE, PRIVATE = 700, 33723, 37500, 50740
ORIENTATION = 274
METADATA_KINDS = ("Exif", "GPS", "Interop")
EXIF_IN_IFD0 = frozenset({33434, 33437, 34850, 34855, 36867, 36868, *range(37377, 37387), *range(41985, 41997)})
"""TIFF/EP keeps these in IFD0, EXIF below it: either is their place."""
RAW_TAGS = frozenset({
    33421, 33422, *range(50710, 50721), 50733, 50737, 50738, 50780, 50829, 50830, 50935, 50974, 50975, 51008, 51009, 51022,
    51041, 51125, 52525, 52536, 52544, 52547,
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
        private = [bytes(tag.data) for directory in self.ifd0 for tag in directory.by_number.get(PRIVATE, ())]
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
            yield from self.tags(found, self.excused_of_mosaic(first), self.kept_mosaic, first)
            if first and found.tags and _samples(found) > 1:
                yield f"{found.path}: {_samples(found)} samples for each photosite"
        elif self.original.is_preview(found):
            allowed = written_anew.PREVIEWS | (written_anew.IFD0 if first else written_anew.THUMBNAILS)
            yield from self.tags(found, allowed, self.ifd0, first)
            for jpeg in self.original.jpegs(found):
                yield from self.jpeg(jpeg, found.path)
        elif first:
            image = found in self.original.images()
            if image:
                yield from self.another(found)
            excused = written_anew.IFD0 | (written_anew.PREVIEWS if image else written_anew.NO_IMAGE)
            yield from self.tags(found, excused, self.ifd0, first)
        else:
            yield from self.another(found)

    def excused_of_mosaic(self, first: bool) -> dict[int, str]:
        allowed = written_anew.MOSAIC | (written_anew.IFD0 if first else {})
        if not self.original.is_dng:
            allowed |= written_anew.MOSAIC_OF_OTHERS
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
            if tag.number == XMP:
                yield from self.xmp(bytes(tag.data), name)
            else:
                yield f"{name} (another value)" if there else name

    def others(self, number: int, first: bool) -> list[Directory]:
        """Where else a tag may stand: IFD0 of one file may be the mosaic's directory too, and hold what is EXIF's."""
        if number in RAW_TAGS:
            return self.kept_mosaic if first else []
        exif = self.exif if number in EXIF_IN_IFD0 else []
        return [*self.ifd0, *exif] if first or number == ORIENTATION else []

    def is_kept(self, tag: Tag, kept: Tag) -> bool:
        if tag.number == IPTC:  # its type is LONG in some files, its bytes are bytes
            return bytes(tag.data).rstrip(b"\0") == bytes(kept.data).rstrip(b"\0")
        if tag.number == PRIVATE and (blocks := private_blocks(bytes(tag.data))):
            return set(blocks) <= self.private
        return same(tag, kept)

    def in_private_data(self, tag: Tag) -> bool:
        """Whether it is a MakerNote that Adobe's block keeps: byte order, where it stood, and its bytes."""
        if tag.number != MAKER_NOTE:
            return False
        order = b"II" if tag.order == "<" else b"MM"
        return (b"MakN", order + tag.offset.to_bytes(8, "big")[-4:] + bytes(tag.data)) in self.private

    def xmp(self, packet: bytes, name: str) -> Iterator[str]:
        kept = [bytes(tag.data) for directory in self.ifd0 for tag in directory.by_number.get(XMP, ())]
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


def _samples(found: Directory) -> int:
    return found.integer(277) or 1 if found.integer(PHOTOMETRIC) == CFA else 1


def _describe(found: Directory) -> str:
    subfile, photometric = found.integer(SUBFILE) or 0, found.integer(PHOTOMETRIC)
    if not found.pixels:
        return f"a directory of {len(found.tags)} tags"
    if photometric in (CFA, LINEAR_RAW) and subfile == 0:
        return "another mosaic" if photometric == CFA else "another image of sensor values"
    return f"{IMAGES.get(subfile, 'another image')} ({found.integer(256)} x {found.integer(257)} pixels)"


def _name(number: int, kind: str) -> str:
    """The name of a tag, where it has one that is known."""
    from tifffile import TIFF  # slow, and seldom needed

    names = TIFF.GPS_TAGS if kind == "GPS" else TIFF.TAGS
    return names.get(number, "") if number in names else ""
