"""Leaving out of a RAW's metadata what is too much for its JPEG: the largest values first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rawback.files.jpeg_file import EOI_BYTES, JpegFile
from rawback.files.original import packed
from rawback.files.original.metadata import Original, size_text
from rawback.files.tags import Tag, name_of
from rawback.files.tiff import Entries

SMALL = 64
"""Bytes of a value that is not worth leaving out."""
SAMPLE = 1 << 16
"""Bytes of a value by which is estimated what it will take."""
FAR = 1.5
"""Estimates this much above the budget are acted on; nearer to it the box is made and weighed."""
PICTURE, MIN_PICTURE = b"\xff\xd8\xff", 2048
"""How a JPEG begins, and from how many bytes on one is worth being taken out of a MakerNote."""
WITH_PICTURES = (Tag.MakerNote, Tag.DNGPrivateData)
GROUPS = {
    "ProfileHueSatMap": (
        Tag.ProfileHueSatMapDims, Tag.ProfileHueSatMapData1, Tag.ProfileHueSatMapData2, Tag.ProfileHueSatMapData3,
        Tag.ProfileHueSatMapEncoding,
    ),
    "ProfileLookTable": (Tag.ProfileLookTableDims, Tag.ProfileLookTableData, Tag.ProfileLookTableEncoding),
}  # fmt: skip
"""Tags that mean nothing without each other."""


def fit(original: Original, limit: int | None) -> tuple[bytes, Original]:
    """The box within so many bytes (None: as large as it is), and what is in it."""
    limit = packed.MAX_BYTES if limit is None else limit
    kept = original.copy()
    if _total(kept) <= min(limit, packed.MAX_VALUES):
        return packed.pack(kept), kept
    kept = _without_pictures(kept) if limit < packed.MAX_BYTES else kept
    items = sorted(_items(kept), key=lambda item: (-item.cost, item.name))
    while items and (sum(item.cost for item in items) > FAR * limit or _total(kept) > packed.MAX_VALUES):
        kept = _without(kept, items.pop(0))
    content = packed.pack(kept)
    while len(content) > limit and items:
        kept = _without(kept, items.pop(0))
        content = packed.pack(kept)
    return (content, kept) if len(content) <= limit else (b"", replace(kept, left_out=("all that the RAW says",)))


@dataclass
class _Item:
    """What can be left out, as one."""

    name: str
    size: int
    """Bytes of its values."""
    cost: int
    """Bytes that it takes in the box, about."""
    remove: Callable[[], object]


def _without(kept: Original, item: _Item) -> Original:
    item.remove()
    sidecar = b"" if item.name == "sidecar" else kept.sidecar
    return replace(kept, sidecar=sidecar, left_out=(*kept.left_out, f"{item.name} ({size_text(item.size)})"))


def _total(kept: Original) -> int:
    it = kept.exif
    directories = (it.ifd0, it.exif, it.gps, it.interop, kept.raw, *kept.profiles, *kept.chain)
    return sum(16 + len(entry.data) for entries in directories for entry in entries.values()) + len(kept.sidecar)


def _items(kept: Original) -> Iterator[_Item]:
    it = kept.exif
    places = [("", it.ifd0), ("", it.exif), ("GPS ", it.gps), ("", kept.raw)]
    places += [(f"profile {number} ", entries) for number, entries in enumerate(kept.profiles, 1)]
    places += [("", entries) for entries in kept.chain]
    for prefix, entries in places:
        names: dict[str, list[int]] = {name: [tag for tag in tags if tag in entries] for name, tags in GROUPS.items()}
        grouped = {tag for tags in names.values() for tag in tags}
        names |= {name_of(tag): [tag] for tag in entries if tag not in grouped}
        for name, tags in names.items():
            data = b"".join(entries[tag].data for tag in tags)
            if len(data) > SMALL:
                yield _Item(prefix + name, len(data), _cost(data), _remover(entries, tags))
    if kept.sidecar:
        yield _Item("sidecar", len(kept.sidecar), _cost(kept.sidecar), lambda: None)


def _cost(data: bytes) -> int:
    """What a value takes compressed, of a large one by a part of it."""
    sample = data[:SAMPLE]
    return len(packed.compressed(sample)) * len(data) // len(sample)


def _remover(entries: Entries, tags: list[int]) -> Callable[[], object]:
    return lambda: [entries.pop(tag) for tag in tags]


def _without_pictures(kept: Original) -> Original:
    """With zeros in place of the previews that makers put into their notes: offsets stay right, and zeros take no room."""
    left_out = list(kept.left_out)
    for entries in (kept.exif.ifd0, kept.exif.exif):
        for tag in [tag for tag in WITH_PICTURES if tag in entries]:
            data, size = _blanked(entries[tag].data)
            if size:
                entries[tag] = replace(entries[tag], data=data)
                left_out.append(f"the preview in {name_of(tag)} ({size_text(size)})")
    return replace(kept, left_out=tuple(left_out))


def _blanked(data: bytes) -> tuple[bytes, int]:
    """A value with its JPEGs overwritten, and how many bytes they had."""
    position, size = 0, 0
    while (start := data.find(PICTURE, position)) >= 0:
        position = start + len(PICTURE)
        picture = JpegFile(data[start:])
        end = start + len(picture.first_picture.data)
        if picture.frame and end - start >= MIN_PICTURE and data[end - len(EOI_BYTES) : end] == EOI_BYTES:
            data = data[:start] + bytes(end - start) + data[end:]
            position, size = end, size + end - start
    return data, size
