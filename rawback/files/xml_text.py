"""XML as text, the same for the same input: ElementTree's own writer remembers prefixes from file to file."""

from __future__ import annotations

from xml.etree.ElementTree import Element

XML = "http://www.w3.org/XML/1998/namespace"
ESCAPED = {"&": "&amp;", ">": "&gt;", "<": "&lt;"}
SPACES = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def escape(text: str) -> str:
    """As xml.sax.saxutils does it; to import that loads urllib, a sixteenth of a second."""
    for character, entity in ESCAPED.items():
        text = text.replace(character, entity)
    return text


def quoteattr(text: str) -> str:
    """The value of an attribute with its quotes, as xml.sax.saxutils writes it."""
    text = escape(text)
    for character, entity in SPACES.items():
        text = text.replace(character, entity)
    if '"' not in text:
        return f'"{text}"'
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "&quot;") + '"'


def written(root: Element, prefixes: dict[str, str]) -> str:
    """An element with all below it, every namespace declared on it; prefixes: by namespace, those that are to be used."""
    used = {XML: "xml"}
    for uri in dict.fromkeys(_namespaces(root)):
        prefix = prefixes.get(uri, "")
        if uri not in used:
            used[uri] = prefix if prefix and prefix not in used.values() else f"ns{len(used)}"
    declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for uri, prefix in used.items() if uri and uri != XML)
    return _element(root, used, declared)


def _namespaces(root: Element) -> list[str]:
    names = [name for element in root.iter() if isinstance(element.tag, str) for name in (element.tag, *element.attrib)]
    return [uri for name in names if (uri := split(name)[0])]


def split(name: str) -> tuple[str, str]:
    """Namespace and local name of what ElementTree writes as "{uri}name"."""
    uri, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    return uri, local


def _element(element: Element, used: dict[str, str], declared: str = "") -> str:
    if not isinstance(element.tag, str):  # a comment or an instruction
        return escape(element.tail or "")
    name = _qualified(element.tag, used)
    attributes = "".join(f" {_qualified(key, used)}={quoteattr(text)}" for key, text in element.attrib.items())
    inside = escape(element.text or "") + "".join(_element(child, used) for child in element)
    body = f">{inside}</{name}>" if inside else "/>"
    return f"<{name}{declared}{attributes}{body}{escape(element.tail or '')}"


def _qualified(name: str, used: dict[str, str]) -> str:
    uri, local = split(name)
    return f"{used[uri]}:{local}" if uri else local
