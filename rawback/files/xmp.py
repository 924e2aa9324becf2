"""XMP packets of others, passed on: their pieces merged, the conversion noted (XMP part 1, 7; part 3, 1.1.3.1)."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection
from xml.etree.ElementTree import Element

from rawback.files import recipe_xmp, xml_text

RDF, NOTE, META = recipe_xmp.RDF, recipe_xmp.NOTE, "adobe:ns:meta/"
MANAGEMENT, EVENT = "http://ns.adobe.com/xap/1.0/mm/", "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
DEVELOP = "http://ns.adobe.com/camera-raw-settings/1.0/"
BASIC, DUBLIN, TIFF, EXIF, PHOTOSHOP, AUX = (
    "http://ns.adobe.com/xap/1.0/", "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/tiff/1.0/",
    "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/photoshop/1.0/", "http://ns.adobe.com/exif/1.0/aux/",
)  # fmt: skip
PREFIXES = {RDF: "rdf", META: "x", MANAGEMENT: "xmpMM", EVENT: "stEvt", recipe_xmp.NAMESPACE: "rawback"}
OF_THE_FILE = {
    f"{{{DUBLIN}}}format", f"{{{PHOTOSHOP}}}SidecarForExtension", f"{{{EXIF}}}NativeDigest", f"{{{EXIF}}}ColorSpace",
    f"{{{EXIF}}}PixelXDimension", f"{{{EXIF}}}PixelYDimension", f"{{{TIFF}}}NativeDigest",
    *(f"{{{TIFF}}}{name}" for name in (
        "ImageWidth", "ImageLength", "BitsPerSample", "Compression", "PhotometricInterpretation", "SamplesPerPixel",
        "PlanarConfiguration", "YCbCrSubSampling", "YCbCrPositioning",
    )),
}  # fmt: skip
"""Properties that speak of the RAW's own file, and would be wrong of the JPEG."""
RATING = f"{{{BASIC}}}Rating"
MAX_BYTES, MAX_DEPTH = 1 << 23, 64
DESCRIPTION, ABOUT = f"{{{RDF}}}Description", f"{{{RDF}}}about"


def merged(packets: list[bytes], agent: str, removed: Collection[str] = ()) -> bytes:
    """One packet from several, the first to name a property winning, with `agent` added to the history.

    Left out are the properties `removed`, rawback's own recipe, and develop settings that are in the pixels already
    (crs:AlreadyApplied): a RAW developer would apply them again. Packets that are no XML that can be trusted are left out too.
    """
    target, prefixes = _together(packets, removed)
    _note(target, agent)
    tree = Element(f"{{{RDF}}}RDF")
    tree.append(target)
    wrapper = Element(f"{{{META}}}xmpmeta", {f"{{{META}}}xmptk": agent})
    wrapper.append(tree)
    return _packet(wrapper, prefixes)


def for_jpeg(packets: list[bytes]) -> str:
    """An rdf:Description of what packets of a RAW say of the photograph, to stand beside the recipe; empty if that is nothing.

    Without develop settings: they are for the RAW, and a developer that opens the JPEG would apply them to it.
    """
    target, prefixes = _for_jpeg(packets)
    return xml_text.written(target, prefixes) if len(target) or len(target.attrib) > 1 else ""


def names(packets: list[bytes]) -> set[str]:
    """The properties of packets, as ElementTree names them."""
    return _names(_together(packets, ())[0])


def names_shown(packets: list[bytes]) -> set[str]:
    """Those of them that `for_jpeg` lets through."""
    return _names(_for_jpeg(packets)[0])


def value(packets: list[bytes], name: str) -> str:
    """The text of the first property of that name; empty if there is none."""
    target, _ = _together(packets, ())
    return (_value(target, name) or "").strip()


def without_recipe(packet: bytes) -> bytes:
    """A packet without the properties of rawback's namespace; empty if nothing else is in it, as it is if none are."""
    parsed = _parse(packet)
    if parsed is None or not recipe_xmp.parse(packet):
        return packet
    root, prefixes = parsed
    descriptions = list(root.iter(DESCRIPTION))
    for description in descriptions:
        for name in [n for n in description.attrib if _in(n, (recipe_xmp.NAMESPACE,))]:
            del description.attrib[name]
        for child in [c for c in description if _in(c.tag, (recipe_xmp.NAMESPACE,))]:
            description.remove(child)
    if not any(len(d) or set(d.attrib) - {ABOUT} for d in descriptions):
        return b""
    return _packet(root, prefixes)


def _packet(root: Element, prefixes: dict[str, str]) -> bytes:
    body = xml_text.written(root, prefixes)
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>'.encode()


def _parse(packet: bytes) -> tuple[Element, dict[str, str]] | None:
    """The root of a packet, and its prefixes by namespace; None if it is not XML, too large, or defines entities."""
    if not packet or len(packet) > MAX_BYTES or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return None
    packet = packet[max(packet.find(b"<"), 0) : packet.rfind(b">") + 1]
    root, prefixes, depth = None, dict(PREFIXES), 0
    try:
        for event, found in ElementTree.iterparse(io.BytesIO(packet), events=("start-ns", "start", "end")):
            if event == "start-ns":
                prefix, uri = found
                prefixes.setdefault(uri, prefix)
                continue
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                return None
            root = found
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return None if root is None else (root, prefixes)


def _together(packets: list[bytes], removed: Collection[str]) -> tuple[Element, dict[str, str]]:
    """All properties in one description, and the prefixes of their namespaces."""
    target, prefixes = Element(DESCRIPTION, {ABOUT: ""}), dict(PREFIXES)
    for root, own in filter(None, map(_parse, packets)):
        prefixes = own | prefixes
        _add(root, target, removed)
    return target, prefixes


def _for_jpeg(packets: list[bytes]) -> tuple[Element, dict[str, str]]:
    target, prefixes = _together(packets, OF_THE_FILE)
    for child in [child for child in target if _in(child.tag, (DEVELOP,))]:
        target.remove(child)
    for name in [name for name in target.attrib if _in(name, (DEVELOP,))]:
        del target.attrib[name]
    return target, prefixes


def _names(target: Element) -> set[str]:
    return {*target.attrib, *(child.tag for child in target)} - {ABOUT}


def _add(root: Element, target: Element, removed: Collection[str]) -> None:
    """The properties of all descriptions below `root`, those that `target` has not yet."""
    descriptions = [d for rdf in root.iter(f"{{{RDF}}}RDF") for d in rdf if d.tag == DESCRIPTION]
    applied = any(_value(d, f"{{{DEVELOP}}}AlreadyApplied") == "True" for d in descriptions)
    dropped = (recipe_xmp.NAMESPACE, NOTE, DEVELOP) if applied else (recipe_xmp.NAMESPACE, NOTE)
    known = {*target.attrib, *(child.tag for child in target), *removed}
    for description in descriptions:
        for name, text in description.attrib.items():
            if name not in known and not _in(name, (*dropped, RDF)):
                target.set(name, text)
        for child in description:
            if child.tag not in known and not _in(child.tag, dropped):
                child.tail = None
                target.append(child)


def _in(name: str, namespaces: tuple[str, ...]) -> bool:
    return not name.startswith("{") or xml_text.split(name)[0] in namespaces


def _value(description: Element, name: str) -> str | None:
    return description.get(name) or description.findtext(name)


def _note(target: Element, agent: str) -> None:
    """One more event in xmpMM:History."""
    tag = f"{{{MANAGEMENT}}}History"
    history = target.find(tag)
    if history is None:
        history = ElementTree.SubElement(target, tag)
    sequence = history.find(f"{{{RDF}}}Seq")
    if sequence is None:
        sequence = ElementTree.SubElement(history, f"{{{RDF}}}Seq")
    event = {"action": "converted", "softwareAgent": agent, "parameters": "recovered as image/x-adobe-dng"}
    ElementTree.SubElement(sequence, f"{{{RDF}}}li", {f"{{{EVENT}}}{name}": text for name, text in event.items()})
