"""The XMP packet that carries the recipe: written as plain attributes, read in any form that other programs leave."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from rawback.files.xml_text import quoteattr

NAMESPACE = "http://ns.rawback.org/1.0/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NOTE = "http://ns.adobe.com/xmp/note/"
MAX_BYTES = 1 << 20
"""A packet larger than this is not read: XMP of a photograph has a few kilobytes."""
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold in any form (section 2.2): left out."""


def build(fields: dict[str, str], others: str = "", extended: str = "", first: str = "") -> bytes:
    """Properties of the rawback namespace -> XMP packet (UTF-8).

    others: an rdf:Description of other properties, to stand beside them. extended: the digest of a packet that goes on with
    them where there is no room (XMP part 3, 1.1.3.1). first: an rdf:Description that must stand in this packet.
    """
    more = f' xmlns:xmpNote="{NOTE}"\n   xmpNote:HasExtendedXMP="{extended}"' if extended else ""
    attributes = "".join(f"\n   rawback:{name}={quoteattr(NOT_XML.sub('', text))}" for name, text in fields.items())
    own = f"""<rdf:Description rdf:about="" xmlns:rawback="{NAMESPACE}"{more}{attributes}/>"""
    body = wrapped("\n  ".join(part for part in (own, first, others) if part))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>""".encode()


def wrapped(descriptions: str) -> str:
    """A packet's content around its descriptions."""
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
  {descriptions}
 </rdf:RDF>
</x:xmpmeta>"""


def parse(packet: bytes) -> dict[str, str]:
    """Properties of the rawback namespace in an XMP packet, be they attributes or elements; nothing if it is not XML.

    Entities are refused (a packet that defines its own is an attack, not a photograph), and what is not UTF-8 with them.
    """
    packet = packet.strip(b"\0 \r\n\t")
    if len(packet) > MAX_BYTES or any(sign in packet for sign in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):
        return {}
    try:
        root = ElementTree.fromstring(packet)
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    fields: dict[str, str] = {}
    prefix = f"{{{NAMESPACE}}}"
    for description in root.iter(f"{{{RDF}}}Description"):
        fields |= {name.removeprefix(prefix): text for name, text in description.attrib.items() if name.startswith(prefix)}
        fields |= {e.tag.removeprefix(prefix): e.text or "" for e in description if e.tag.startswith(prefix)}
    return fields
