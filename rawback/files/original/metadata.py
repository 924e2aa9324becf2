"""The metadata of a RAW file, as it stands there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rawback.files import exif
from rawback.files.exif import Exif
from rawback.files.original.written_anew import TECHNICAL
from rawback.files.tags import name_of
from rawback.files.tiff import Directory, Entries


@dataclass(frozen=True)
class Original:
    """All that a RAW file says and that is no pixel layout, directory by directory."""

    exif: Exif = field(default_factory=Exif)
    """IFD0 with every tag in its place, Exif, GPS and Interop; the byte order of the file."""
    raw: Entries = field(default_factory=dict)
    """The directory of the mosaic: opcodes, masked areas, crops, noise."""
    profiles: list[Entries] = field(default_factory=list)
    """Camera profiles beside the one in IFD0 (DNG's ExtraCameraProfiles)."""
    chain: list[Entries] = field(default_factory=list)
    """Directories without pixels that follow IFD0."""
    sidecar: bytes = b""
    """The XMP packet that lay beside the file."""
    left_out: tuple[str, ...] = ()
    """What the file held and is not here, a phrase with its size each."""
    shows_xmp: bool = False
    """Whether the JPEG shows its XMP too: what is missing there was removed since. (In release 0.1.0 it did not.)"""
    shows_iptc: bool = False

    def as_photo(self) -> Exif:
        """The same as EXIF has it: what TIFF/EP keeps in IFD0 in the Exif directory."""
        first = Directory(dict(self.exif.ifd0), self.exif.directories())
        return exif.from_directory(first, self.exif.order)

    def anonymous(self) -> Original:
        """How its photosites are to be developed, and nothing that says who took them, when, where or with which camera."""
        ifd0, raw = ({tag: e for tag, e in entries.items() if tag in TECHNICAL} for entries in (self.exif.ifd0, self.raw))
        return Original(Exif(ifd0, order=self.exif.order), raw)

    def copy(self) -> Original:
        """One whose directories can be changed."""
        it = self.exif
        own = replace(it, ifd0=dict(it.ifd0), exif=dict(it.exif), gps=dict(it.gps), interop=dict(it.interop))
        profiles, chain = ([dict(entries) for entries in directories] for directories in (self.profiles, self.chain))
        return replace(self, exif=own, raw=dict(self.raw), profiles=profiles, chain=chain)


def size_text(size: int) -> str:
    """Bytes as people read them: "980 bytes", "211 kB", "3.2 MB"."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def named(tag: int, size: int) -> str:
    """A tag and the size of its value."""
    return f"{name_of(tag)} ({size_text(size)})"
