"""Links as a record keeps them: values of type ``GS1.LINK`` whose data is JSON.

``{"linkType": "gs1:pip", "href": "https://…", "title": "…", "hreflang": ["en"], "type": "text/html",
"context": ["CN"], "fwqs": true}``. ``gs1:defaultLink`` has neither language nor type nor context; ``fwqs`` false keeps
the query of the request to itself. A value of type ``URL`` is a default link, too, where no other is. Only what the
public may read counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct, field

from millwright.identity.handle.model import HandleValue
from millwright.kernel import Invalid

LINK_TYPE = b"GS1.LINK"
NAMESPACE = "https://ref.gs1.org/voc/"
DEFAULT, DEFAULT_MULTI, LINKSET = "defaultLink", "defaultLinkMulti", "linkset"
DESCRIPTIONS = (b"GS1.DESCRIPTION", b"DESCRIPTION", b"NAME", b"TITLE", b"DESC")
"""Types of values that say what a thing is, the best first."""

_NAMESPACES = re.compile(r"(?:gs1:|https?://(?:www\.|ref\.)?gs1\.org/voc/)", re.IGNORECASE)
_SCHEMES = ("http", "https")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MEDIA = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*")
_CURIE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Link(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A link. ``link_type`` is the name within GS1's vocabulary, or the whole address of one of another."""

    link_type: str = field(name="linkType")
    href: str
    title: str
    hreflang: tuple[str, ...] = ()
    type: str = ""
    context: tuple[str, ...] = ()
    fwqs: bool = True

    @property
    def relation(self) -> str:
        """The link type as a linkset names it (RFC 8288, 2.1.2)."""
        return self.link_type if "://" in self.link_type else NAMESPACE + self.link_type

    @property
    def curie(self) -> str:
        """The link type as people write it."""
        return self.link_type if "://" in self.link_type else f"gs1:{self.link_type}"


def bare_type(text: str) -> str:
    """A link type as :attr:`Link.link_type` has it: ``gs1:pip``, ``https://gs1.org/voc/pip`` and ``pip`` are one."""
    return _NAMESPACES.sub("", text.strip(), count=1)


def safe_href(href: str) -> str | None:
    """An address that may be given to a browser, escaped for a header; ``None`` for one that may not.

    Nobody is ever sent to ``javascript:`` or ``data:``, or to an address that browsers read otherwise than it looks.
    """
    href = href.strip()
    if _FORBIDDEN.search(href):
        return None
    try:
        parts = urlsplit(href)
        host = parts.hostname
        port_is_number = parts.port is None or parts.port >= 0
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not host or not port_is_number or "@" in parts.netloc:
        return None
    if not host.isascii():
        try:
            netloc = host.encode("idna").decode() + (f":{parts.port}" if parts.port else "")
        except UnicodeError:
            return None
        href = href.replace(parts.netloc, netloc, 1)
    return quote(href, safe="!#$%&'()*+,/:;=?@[]~-._")


def link_value(index: int, link: Link) -> HandleValue:
    """A link as a value of a record. Raises ``Invalid`` (``digital_link.link_invalid``)."""
    checked = _checked(link)
    if isinstance(checked, str):
        raise Invalid(
            f"The link is refused: {checked}.",
            code="digital_link.link_invalid",
            hint="A link has linkType, an href of http or https, and a title; a default link has nothing else.",
        )
    shown = msgspec.structs.replace(checked, link_type=checked.curie)
    return HandleValue(index=index, type=LINK_TYPE, data=msgspec.json.encode(shown))


def _checked(link: Link) -> Link | str:
    """The link in the form that is worked with, or what is wrong with it."""
    kind = bare_type(link.link_type)
    if "://" in kind:
        if safe_href(kind) is None:
            return "its link type is no address"
    elif not _CURIE.fullmatch(kind):
        return "its link type is none of GS1's vocabulary and no address of another"
    if kind in (LINKSET, "all"):
        return "a linkset is made, not kept"
    href = safe_href(link.href)
    if href is None:
        return "its href is no address of http or https"
    if not link.title.strip():
        return "it has no title"
    if kind == DEFAULT and (link.hreflang or link.type or link.context):
        return "a default link has no language, type or context; gs1:defaultLinkMulti has"
    if not all(_LANGUAGE.fullmatch(each) for each in link.hreflang):
        return "hreflang is not a list of language tags (RFC 5646)"
    if link.type and not _MEDIA.fullmatch(link.type):
        return "its type is no media type"
    return msgspec.structs.replace(link, link_type=kind, href=href, type=link.type.lower())


def read_links(values: Iterable[HandleValue]) -> list[Link]:
    """The links among public values; what is no link is left out. One default link at most."""
    found: list[Link] = []
    url: Link | None = None
    for value in values:
        if not value.public:
            continue
        if value.is_type(LINK_TYPE):
            try:
                checked = _checked(msgspec.json.decode(value.data, type=Link))
            except msgspec.DecodeError:
                continue
            default = isinstance(checked, Link) and checked.link_type == DEFAULT
            if isinstance(checked, Link) and not (default and any(each.link_type == DEFAULT for each in found)):
                found.append(checked)
        elif url is None and value.is_type(b"URL"):
            href = safe_href(value.data.decode(errors="replace"))
            url = Link(link_type=DEFAULT, href=href, title=href) if href else None
    if url is not None and not any(each.link_type == DEFAULT for each in found):
        found.append(url)
    return found


def read_description(values: Iterable[HandleValue]) -> str:
    """What a thing is, in the words of its record; empty when it says nothing."""
    best, text = len(DESCRIPTIONS), ""
    for value in values:
        kind = value.type.upper()
        if value.public and kind in DESCRIPTIONS[:best]:
            try:
                best, text = DESCRIPTIONS.index(kind), value.data.decode().strip()[:500]
            except UnicodeDecodeError:
                continue
    return text
