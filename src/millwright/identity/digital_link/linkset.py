"""Linksets: all links of a thing, and of what it is an instance of, as JSON (RFC 9264, 4.2; GS1's schema of it)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from msgspec import Struct

from millwright.identity.digital_link.links import DEFAULT, Link

CONTEXT = "https://ref.gs1.org/standards/resolver/linkset-context"
CONTEXT_LINK = f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'

# What GS1's schema allows; other things are true and left out.
_LANGUAGE = re.compile(r"\w{2}(?:-\w{2})?")
_RELATION = re.compile(r"https?://[A-Za-z0-9./]+")


class Level(Struct, frozen=True, kw_only=True):
    """One level: a product, a batch of it, an item of that. ``anchor`` is its Digital Link here."""

    anchor: str
    description: str
    links: tuple[Link, ...]

    def of_type(self, link_type: str) -> list[Link]:
        """Its links of a type."""
        return [each for each in self.links if each.link_type == link_type]


def linkset(levels: Iterable[Level]) -> dict[str, Any]:
    """The linkset, from the item up."""
    return {"linkset": [_context_object(level) for level in levels]}


def _context_object(level: Level) -> dict[str, Any]:
    shown: dict[str, Any] = {"anchor": level.anchor, "itemDescription": level.description}
    for link in sorted(level.links, key=lambda each: (each.link_type == DEFAULT, each.relation)):
        if _RELATION.fullmatch(link.relation):
            shown.setdefault(link.relation, []).append(target_of(link))
    return shown


def target_of(link: Link) -> dict[str, Any]:
    """A link as a target object; a default link has nothing but its address and title."""
    shown: dict[str, Any] = {"href": link.href, "title": link.title}
    if link.link_type == DEFAULT:
        return shown
    languages = [each for each in link.hreflang if _LANGUAGE.fullmatch(each)]
    if languages:
        shown["hreflang"] = languages
    if link.type:
        shown["type"] = link.type
    if link.context:
        shown["context"] = list(link.context)
    if not link.fwqs:
        shown["fwqs"] = False
    return shown


def json_ld(levels: Sequence[Level]) -> dict[str, Any]:
    """The linkset with the context that makes it JSON-LD."""
    return {"@context": CONTEXT} | linkset(levels)


def list_of(levels: Sequence[Level], chosen: Sequence[Link] | None = None) -> str:
    """Links for people, as HTML: those of each level, or some that a request could not choose between."""
    if chosen is not None:
        return f"<ul>{''.join(_item(each) for each in chosen)}</ul>"
    parts = []
    for level in levels:
        items = "".join(_item(each) for each in level.links)
        parts.append(f"<h2>{escape(level.description)}</h2><p><code>{escape(level.anchor)}</code></p><ul>{items}</ul>")
    return "".join(parts)


def _item(link: Link) -> str:
    about = " · ".join([link.curie, *link.hreflang, *([link.type] if link.type else []), *link.context])
    return (
        f'<li><a href="{escape(link.href)}" rel="noopener noreferrer">{escape(link.title)}</a>'
        f" <small>{escape(about)}</small></li>"
    )
