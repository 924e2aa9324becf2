"""What was changed in a JPEG since it was rendered, told from what it showed then, and said in the DNG."""

from __future__ import annotations

from dataclasses import replace

from rawback.files import exif as exifs
from rawback.files import tiff, xmp
from rawback.files.exif import Exif
from rawback.files.original import shown
from rawback.files.original.metadata import Original
from rawback.files.tags import GpsTag, Tag
from rawback.files.tiff import UNDEFINED, Entries, Entry

OF_THE_JPEG = frozenset({
    Tag.Orientation, Tag.Software, Tag.XResolution, Tag.YResolution, Tag.ResolutionUnit, Tag.YCbCrPositioning,
    Tag.ColorSpace, Tag.PixelXDimension, Tag.PixelYDimension, *exifs.MANDATORY, Tag.MakerNote,
})  # fmt: skip
"""What EXIF says of the JPEG itself."""
WITH_CODE = frozenset({Tag.UserComment, GpsTag.ProcessingMethod, GpsTag.AreaInformation})
"""Eight bytes name the code of these texts; "UNICODE" is in the byte order of the file (EXIF 2.32, 4.6.5)."""
UNICODE = b"UNICODE\0"


def merged(original: Original, photo: Exif | None, packets: list[bytes], agent: str) -> Original:
    """The original with the edits of its JPEG: a tag or property that is another now, or that was removed.

    photo: the JPEG's EXIF; None, or an empty one, was lost as a whole and says nothing. packets: its XMP, a sidecar's first.
    """
    own = original.exif
    iptc = photo.iptc if photo else b""
    changed = _with_tags(own, shown.exif(original), _in_order(photo, own.order)) if photo and photo.exif else own
    changed = replace(changed, xmp=_packet(original, packets, agent))
    if iptc and iptc != own.iptc:
        changed = replace(changed, iptc=iptc, ifd0=changed.ifd0 | {Tag.IPTC: Entry(UNDEFINED, len(iptc), iptc)})
    elif not iptc and own.iptc and original.shows_iptc and photo and photo.exif:
        changed = replace(changed, iptc=b"", ifd0={tag: e for tag, e in changed.ifd0.items() if tag != Tag.IPTC})
    return replace(original, exif=changed)


def _with_tags(own: Exif, was: Exif, now: Exif) -> Exif:
    """The three directories with what differs between what the JPEG showed and what it shows."""
    was = exifs.from_tiff(exifs.to_app1(was, 1, "", None))  # as it was written
    ifd0 = _edited(own.ifd0, was.ifd0, now.ifd0)
    exif = _edited(own.exif, was.exif, now.exif)
    for tag in was.exif.keys() & ifd0.keys() & exifs.EXIF_IN_IFD0:  # TIFF/EP keeps some of them there
        if now.exif.get(tag) != was.exif[tag]:
            del ifd0[tag]
    return replace(own, ifd0=ifd0, exif=exif, gps=_edited(own.gps, was.gps, now.gps))


def _edited(own: Entries, was: Entries, now: Entries) -> Entries:
    result = dict(own)
    for tag in (was.keys() | now.keys()) - OF_THE_JPEG:
        if was.get(tag) == now.get(tag):
            continue
        if tag in now:
            result[tag] = now[tag]
        else:
            result.pop(tag, None)
    return result


def _in_order(photo: Exif, order: str) -> Exif:
    """The photo's EXIF as a file of that byte order has it."""
    if photo.order == order:
        return photo
    exif = {tag: _turned(tag, entry) for tag, entry in photo.exif.items()}
    return replace(photo, exif=exif, gps={tag: _turned(tag, entry) for tag, entry in photo.gps.items()}, order=order)


def _turned(tag: int, entry: Entry) -> Entry:
    if tag == Tag.ExifCFAPattern:
        return exifs.turned_pattern(entry)
    text = entry.data[len(UNICODE) :]
    if tag not in WITH_CODE or not entry.data.startswith(UNICODE) or len(text) % 2:
        return entry
    return replace(entry, data=UNICODE + tiff.swapped(text, 2))


def _packet(original: Original, packets: list[bytes], agent: str) -> bytes:
    """The photo's packets, then the original's, without what was removed from the photo."""
    ours = shown.packets(original)
    if original.exif.xmp and not xmp.names([*packets, *ours]):
        return original.exif.xmp  # no XML, or nothing in it: as it was
    removed = xmp.names_shown(ours) - xmp.names(packets) if original.shows_xmp and packets else set()
    return xmp.merged([*packets, *ours], agent, removed)
