"""Elements of SVG and HTML; texts and attributes are escaped by the library that writes them."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

__all__ = ["Element", "add", "new"]


def new(tag: str, text: str = "", **attributes: object) -> Element:
    """An element. A trailing underscore of an attribute's name goes, other underscores become hyphens."""
    element = Element(tag, _attributes(attributes))
    element.text = text or None
    return element


def add(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    """A new element at the end of another one."""
    element = SubElement(parent, tag, _attributes(attributes))
    element.text = text or None
    return element


def _attributes(attributes: dict[str, object]) -> dict[str, str]:
    return {
        name.rstrip("_").replace("_", "-"): f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in attributes.items()
    }
