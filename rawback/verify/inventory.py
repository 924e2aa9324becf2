"""What a file holds: directories, records, and the parts that nobody here understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rawback.files.tags import Photometric, Tag
from rawback.verify import ciff_records, directories, jpeg_segments
from rawback.verify.ciff_records import Record
from rawback.verify.entries import Directory

FULL, REDUCED, ALTERNATIVE = 0, 1, 0x10001
"""NewSubFileType: the picture itself, a preview, a preview of other settings."""
GREY, COLOUR, SENSOR_VALUES = (0, 1), (2, Photometric.YCBCR), (Photometric.CFA, Photometric.LINEAR_RAW)
"""PhotometricInterpretation: WhiteIsZero, BlackIsZero; RGB, YCbCr; of what a sensor measured."""
JPEG_FROM_RAW = 46
"""RW2's tag for a JPEG of the shot, metadata included."""
JPEG_START = b"\xff\xd8\xff"
IMAGE_KINDS = ("IFD", "SubIFD")
CONTAINERS = ((0, b"FUJIFILMCCD-RAW", "RAF"), (4, b"ftypcrx", "CR3"), (0, b"FOVb", "X3F"), (0, b"\0MRM", "MRW"),
              (0, b"qktk", "QuickTake"), (0, b"qktn", "QuickTake"))  # fmt: skip
"""Where magic bytes stand, and what they are of, for formats whose metadata cannot be compared."""


@dataclass
class Inventory:
    """A file, taken apart."""

    data: memoryview
    order: str = "<"
    directories: list[Directory] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    """Of a CRW."""
    notes: list[str] = field(default_factory=list)
    """What cannot be compared, a phrase each."""

    @property
    def is_dng(self) -> bool:
        """Whether IFD0 names a version of DNG."""
        return bool(self.directories) and self.directories[0].integer(Tag.DNGVersion) is not None

    @property
    def is_cr2(self) -> bool:
        """Whether Canon's mark follows the header."""
        return bytes(self.data[8:10]) == b"CR"

    def of_kind(self, kind: str) -> list[Directory]:
        """Directories of a kind: Exif, GPS, Interop, Profile."""
        return [directory for directory in self.directories if directory.kind == kind]

    def images(self) -> list[Directory]:
        """Directories with pixels, or that say that they are of an image."""
        return [d for d in self.directories if d.kind in IMAGE_KINDS and (d.pixels or d.integer(Tag.ImageWidth) is not None)]

    def pieces(self, directory: Directory) -> Iterator[memoryview]:
        """Strips, tiles and JPEGs of a directory."""
        return (self.data[start:end] for start, end in directory.pixels)

    def jpegs(self, directory: Directory) -> Iterator[memoryview]:
        """The JPEGs among them; and those that are kept as a value."""
        yield from filter(jpeg_segments.is_jpeg, self.pieces(directory))
        yield from (t.data for t in directory.tags if t.number == JPEG_FROM_RAW and jpeg_segments.is_jpeg(t.data))

    def is_preview(self, directory: Directory) -> bool:
        """Whether a directory holds a picture made from the shot, for viewers, and nothing that was measured."""
        subfile, photometric = directory.integer(Tag.NewSubfileType), directory.integer(Tag.PhotometricInterpretation)
        thumbnail = directory.kind == "IFD" and directory is not self.directories[0] and subfile is None
        if subfile in (REDUCED, ALTERNATIVE):
            return photometric in (*COLOUR, *GREY) or (photometric is None and self._is_lossy(directory))
        if self.is_dng and not thumbnail:
            return False  # a DNG says so of all its previews; EXIF does not, of its own
        return subfile in (None, FULL) and (photometric in COLOUR or (photometric is None and self._is_lossy(directory)))

    def _is_lossy(self, directory: Directory) -> bool:
        return any(jpeg_segments.read(jpeg).lossy for jpeg in self.jpegs(directory))


def take(data: bytes | memoryview) -> Inventory:
    """Take a file apart, whatever it is."""
    view = memoryview(data)
    if len(view) >= 16 and directories.is_tiff(view):
        tree = directories.read(view)
        found = Inventory(view, tree.order, tree.directories, notes=tree.notes)
        spans = tree.spans
        for start, end in list(directories.gaps(len(view), spans)):
            opened = [at for at in tree.open_starts if start <= at < end]
            spans += [(min(opened), end)] if opened else []
    elif len(view) >= 16 and ciff_records.is_ciff(view):
        heap = ciff_records.read(view)
        found = Inventory(view, "<" if view[0] == 0x49 else ">", records=heap.records, notes=heap.notes)
        spans = heap.spans
    else:
        kind = next((name for at, magic, name in CONTAINERS if view[at : at + len(magic)] == magic), "a format of its own")
        return Inventory(view, notes=[f"what the file ({kind}) holds beside its pixels is not understood"])
    for start, end in directories.gaps(len(view), spans):
        _add_unreferenced(found, start, end)
    return found


def _add_unreferenced(found: Inventory, start: int, end: int) -> None:
    """Bytes that no tag refers to: padding, a preview that some maker's notes know of, or else who knows what."""
    gap = bytes(found.data[start:end])
    before = len(gap) - len(gap.lstrip(b"\0\xff"))
    at = start + gap.find(JPEG_START, max(before - 1, 0), before + len(JPEG_START))
    jpeg = found.data[max(at, 0) : end]
    if not found.is_dng and at >= start and jpeg_segments.is_jpeg(jpeg) and jpeg_segments.read(jpeg).lossy:
        found.directories.append(Directory(f"JPEG at {at}", "SubIFD", pixels=[(at, end)]))
    else:
        found.notes += jpeg_segments.trailing(found.data[start:end], f"bytes at {start} that nothing in the file refers to")


def mosaic_of(inventory: Inventory, size: tuple[int, int] | None) -> Directory | None:
    """The directory of the mosaic that LibRaw reads, `size` being its width and height where known.

    Of several of that size the one with the most bytes: which it is does not matter, as the others are missing then.
    """
    images = [d for d in inventory.images() if not inventory.is_preview(d)]
    named = [d for d in images if d.integer(Tag.PhotometricInterpretation) in SENSOR_VALUES]
    if not named and not inventory.is_dng:
        named = [d for d in images if d.integer(Tag.PhotometricInterpretation) not in COLOUR] or images
    main = [d for d in named if d.integer(Tag.NewSubfileType) in (None, FULL)] or named
    fitting = [d for d in main if (d.integer(Tag.ImageWidth), d.integer(Tag.ImageLength)) == size] or main
    return max(fitting, key=lambda d: sum(end - start for start, end in d.pixels), default=None)


def private_blocks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Name and content of the blocks that Adobe's converter puts into DNGPrivateData; none if it is another's."""
    found, position = [], 6
    while data.startswith(b"Adobe\0") and position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "big")
        found.append((data[position : position + 4], data[position + 8 : position + 8 + size]))
        position += 8 + size + size % 2
    return found
