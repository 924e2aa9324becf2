"""XMP packets of others, passed on: their pieces merged, the conversion noted (XMP part 1, 7; part 3, 1.1.3.1)."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from contextlib import suppress

from rawback.files import recipe_xmp

RDF, META = recipe_xmp.RDF, "adobe:ns:meta/"
MANAGEMENT, EVENT = "http://ns.adobe.com/xap/1.0/mm/", "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
DEVELOP = "http://ns.adobe.com/camera-raw-settings/1.0/"
NOTE = "http://ns.adobe.com/xmp/note/"
PREFIXES = {RDF: "rdf", META: "x", MANAGEMENT: "xmpMM", EVENT: "stEvt", recipe_xmp.NAMESPACE: "rawback"}
MAX_BYTES = 1 << 23
DESCRIPTION = f"{{{RDF}}}Description"


def merged(packets: list[bytes], agent: str) -> bytes:
    """One packet from several, the first to name a property winning, with `agent` added to the history.

    Left out are rawback's own recipe and develop settings that are in the pixels already (crs:AlreadyApplied): a RAW
    developer would apply them again. Packets that are no XML that can be trusted are left out too.
    """
    roots = [root for packet in packets if (root := _parse(packet)) is not None]
    tree = ElementTree.Element(f"{{{RDF}}}RDF")
    target = ElementTree.SubElement(tree, DESCRIPTION, {f"{{{RDF}}}about": ""})
    for root in roots:
        _add(root, target)
    _note(target, agent)
    wrapper = ElementTree.Element(f"{{{META}}}xmpmeta")
    wrapper.append(tree)
    return _written(wrapper)


def without_recipe(packet: bytes) -> bytes:
    """A packet without the properties of rawback's namespace; empty if nothing else is in it, as it is if none are."""
    root = _parse(packet)
    if root is None or not recipe_xmp.parse(packet):
        return packet
    descriptions = list(root.iter(DESCRIPTION))
    for description in descriptions:
        for name in [n for n in description.attrib if _in(n, (recipe_xmp.NAMESPACE,))]:
            del description.attrib[name]
        for child in [c for c in description if _in(c.tag, (recipe_xmp.NAMESPACE,))]:
            description.remove(child)
    if not any(len(d) or set(d.attrib) - {f"{{{RDF}}}about"} for d in descriptions):
        return b""
    return _written(root)


def _written(root: ElementTree.Element) -> bytes:
    for uri, prefix in PREFIXES.items():
        ElementTree.register_namespace(prefix, uri)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>'.encode()


def _parse(packet: bytes) -> ElementTree.Element | None:
    """The root of a packet, its prefixes remembered for writing; None if it is not XML, too large, or defines entities."""
    if not packet or len(packet) > MAX_BYTES or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return None
    packet = packet[max(packet.find(b"<"), 0) : packet.rfind(b">") + 1]
    root = None
    try:
        for event, found in ElementTree.iterparse(io.BytesIO(packet), events=("start-ns", "end")):
            if event == "start-ns":
                with suppress(ValueError):  # ElementTree keeps prefixes like ns0 to itself
                    ElementTree.register_namespace(*found)
            else:
                root = found
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return root


def _add(root: ElementTree.Element, target: ElementTree.Element) -> None:
    """The properties of all descriptions below `root`, those that `target` has not yet."""
    descriptions = [d for rdf in root.iter(f"{{{RDF}}}RDF") for d in rdf if d.tag == DESCRIPTION]
    applied = any(_value(d, f"{{{DEVELOP}}}AlreadyApplied") == "True" for d in descriptions)
    dropped = (recipe_xmp.NAMESPACE, NOTE, DEVELOP) if applied else (recipe_xmp.NAMESPACE, NOTE)
    known = set(target.attrib) | {child.tag for child in target}
    for description in descriptions:
        for name, text in description.attrib.items():
            if name not in known and not _in(name, (*dropped, RDF)):
                target.set(name, text)
        target.extend(child for child in description if child.tag not in known and not _in(child.tag, dropped))


def _in(name: str, namespaces: tuple[str, ...]) -> bool:
    return not name.startswith("{") or name[1:].partition("}")[0] in namespaces


def _value(description: ElementTree.Element, name: str) -> str | None:
    return description.get(name) or description.findtext(name)


def _note(target: ElementTree.Element, agent: str) -> None:
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
