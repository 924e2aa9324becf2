"""The properties of an XMP packet, in a form in which two packets can be compared (ISO 16684-1, 7)."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from xml.etree.ElementTree import Element

RDF, XML, NOTE = (
    "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://www.w3.org/XML/1998/namespace}", "{http://ns.adobe.com/xmp/note/}"
)  # fmt: skip
ARRAYS = (f"{RDF}Bag", f"{RDF}Seq", f"{RDF}Alt")
MAX_DEPTH, MAX_BYTES = 64, 1 << 23

Value = tuple
"""("text", language, text), ("array", items) or ("fields", ((name, value), ...)), of these again."""


def lost(original: bytes, kept: bytes) -> list[str]:
    """Names of the properties of `original` that `kept` has not, or with another value; of arrays, items may be added.

    What is no XML is kept only if it is there byte by byte.
    """
    if original.strip(b"\0 \r\n\t") == kept.strip(b"\0 \r\n\t"):
        return []
    ours, theirs = _properties(original), _properties(kept)
    if ours is None:
        return ["the packet, which is no XML"]
    known = theirs or {}
    return [_short(name) for name, value in ours.items() if name not in known or not _within(value, known[name])]


@lru_cache(maxsize=2)
def _properties(packet: bytes) -> dict[str, Value] | None:
    """By name; None for what is no XML, too large, too deep, or defines entities."""
    if len(packet) > MAX_BYTES or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return None
    body, root, depth = packet[max(packet.find(b"<"), 0) : packet.rfind(b">") + 1], None, 0
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(body), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                return None
            root = element
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    if root is None:
        return None
    found: dict[str, Value] = {}
    for rdf in root.iter(f"{RDF}RDF"):
        for description in rdf:
            for name, value in _fields(description):
                if not name.startswith(NOTE):  # says where the rest of a packet stands in a JPEG
                    found.setdefault(name, value)
    return found


def _fields(element: Element) -> list[tuple[str, Value]]:
    """Fields of a description or structure, written as attributes or as elements."""
    short = [(name, ("text", "", text)) for name, text in element.attrib.items() if not name.startswith((RDF, XML))]
    return short + [(child.tag, _value(child)) for child in element]


def _value(element: Element) -> Value:
    language = element.get(f"{XML}lang", "")
    if len(element) and element[0].tag in ARRAYS:
        return ("array", tuple(_value(item) for item in element[0]))
    inner = element[0] if len(element) and element[0].tag == f"{RDF}Description" else element
    if fields := _fields(inner):
        return ("fields", tuple(sorted(fields)))
    return ("text", language, element.get(f"{RDF}resource", element.text or ""))


def _within(value: Value, kept: Value) -> bool:
    """Whether a value is kept: texts the same, no item and no field lost."""
    if value[0] == kept[0] == "array":
        return set(value[1]) <= set(kept[1])
    if value[0] == kept[0] == "fields":
        known = dict(kept[1])
        return all(name in known and _within(part, known[name]) for name, part in value[1])
    return value == kept


def _short(name: str) -> str:
    return name.rpartition("}")[2]
