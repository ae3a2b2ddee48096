"""What measures make of the links of a thing."""

from __future__ import annotations

import msgspec

from millwright.identity.digital_link.links import DEFAULT, DEFAULT_MULTI, Link, safe_href
from millwright.identity.digital_link.linkset import Level
from millwright.identity.records.effects import Effect
from millwright.identity.records.model import Measure

_OF_SEVERITY = {"danger": "recallStatus", "warning": "safetyInfo", "info": "serviceInfo"}
"""Link types of GS1's vocabulary for an announcement that names none."""


def link_type_of(measure: Measure) -> str:
    """The link type under which an announcement stands."""
    return measure.link_type or _OF_SEVERITY[measure.severity]


def sent_to(measure: Measure) -> Link | None:
    """The default link of what is redirected."""
    href = safe_href(measure.href)
    return None if href is None else Link(link_type=DEFAULT, href=href, title=measure.text or href)


def measured_level(level: Level, effect: Effect, origin: str) -> Level:
    """A level with its default link elsewhere, and with a link for each announcement: to what it names, else to the
    page about the thing, on which it stands."""
    links = list(level.links)
    target = None if effect.redirected is None else sent_to(effect.redirected)
    if target is not None:
        links = [each for each in links if each.link_type not in (DEFAULT, DEFAULT_MULTI)] + [target]
    for measure in effect.announced:
        href = safe_href(measure.href) or f"{origin}/id/GS1{level.anchor[len(origin) :]}"
        told = [(measure.text, ("en",)), (measure.text_zh, ("zh",))]
        links += [
            Link(link_type=link_type_of(measure), href=href, title=text, hreflang=language, fwqs=False)
            for text, language in told
            if text
        ]
    return msgspec.structs.replace(level, links=tuple(links))
