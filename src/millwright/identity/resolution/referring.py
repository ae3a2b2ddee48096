"""Sending on whoever asks for a name that another node keeps, where its resolver is known; round in a circle never."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from millwright.identity.handle.records import RecordsView
from millwright.identity.resolution.http import Asked

VIA = "mw-via"
"""Parameter of the query in which each node that sends on leaves its mark."""

_MOST_HOPS = 5
_MARKS = re.compile(rf"(?:^|&){VIA}=([^&]*)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Circle(Exception):
    """Who asks was sent here by this node itself, or by too many."""


def resolver_of(view: RecordsView, name: bytes) -> str:
    """Where the node that a name is delegated to answers over HTTP; empty when it is kept here or that is not known."""
    owner = view.authority(name)
    if owner is None or owner.state != "active" or not owner.site:
        return ""
    return owner.resolver


def same_server(one: str, other: str) -> bool:
    """Whether two addresses are of one server."""
    return _server(one) == _server(other)


def _server(address: str) -> tuple[str, int | None]:
    parts = urlsplit(address)
    return (parts.hostname or "").rstrip(".").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def without_marks(query: str) -> str:
    """A query without what nodes have left in it."""
    return _MARKS.sub("", query).lstrip("&") if VIA in query else query


def sent_on(asked: Asked, origin: str, resolver: str, path: str | None = None) -> str:
    """The address of the same question at another node. Raises :class:`Circle`."""
    mark = hashlib.sha256(origin.encode()).hexdigest()[:12]
    marks = _MARKS.findall(asked.query_string)
    if mark in marks or len(marks) >= _MOST_HOPS or same_server(resolver, origin):
        raise Circle
    query = without_marks(asked.query_string)
    query = re.sub(r"[^!-~]|[<>\"\\^`{|}]", lambda found: f"%{ord(found[0]):02X}", query)
    left = "&".join([*([query] if query else []), *(f"{VIA}={each}" for each in (*marks, mark))])
    return f"{resolver.rstrip('/')}{path or asked.path}?{left}"
