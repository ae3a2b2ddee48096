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

from millwright.identity.handle.model import HandleValue, Permission
from millwright.identity.handle.records import StoredRecord
from millwright.kernel import Invalid

LINK_TYPE = b"GS1.LINK"
NAMESPACE = "https://ref.gs1.org/voc/"
DEFAULT, DEFAULT_MULTI, LINKSET = "defaultLink", "defaultLinkMulti", "linkset"
DESCRIPTIONS = (b"GS1.DESCRIPTION", b"DESCRIPTION", b"NAME", b"TITLE", b"DESC")
"""Types of values that say what a thing is, the best first."""

_NAMESPACES = re.compile(r"(?:gs1:|https?://(?:www\.|ref\.)?gs1\.org/voc/)", re.IGNORECASE)
_SCHEMES = ("http", "https")
_PUBLIC = int(Permission.PUBLIC_READ)
# Almost every address: nothing in it is escaped, and it means to every browser what it looks like.
_PLAIN_HREF = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,4})?(?:[/?#][A-Za-z0-9!#$%&'()*+,/:;=?@~._-]*)?"
)
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


_decode = msgspec.json.Decoder(Link).decode


def bare_type(text: str) -> str:
    """A link type as :attr:`Link.link_type` has it: ``gs1:pip``, ``https://gs1.org/voc/pip`` and ``pip`` are one."""
    text = text.strip()
    return text[4:] if text.startswith("gs1:") else _NAMESPACES.sub("", text, count=1)


def safe_href(href: str) -> str | None:
    """An address that may be given to a browser, escaped for a header; ``None`` for one that may not.

    Nobody is ever sent to ``javascript:`` or ``data:``, or to an address that browsers read otherwise than it looks.
    """
    href = href.strip()
    if _PLAIN_HREF.fullmatch(href):
        return href
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
    return Link(
        link_type=kind,
        href=href,
        title=link.title,
        hreflang=link.hreflang,
        type=link.type.lower(),
        context=link.context,
        fwqs=link.fwqs,
    )


Plain = Iterable[tuple[bytes, bytes]]
"""Type, in capitals, and data of values that the public may read."""


def read_record(record: StoredRecord) -> tuple[str, list[Link]]:
    """What a thing is, in the words of its record, and its links: quicker than by its values. Raises ``Corrupt``."""
    plain = [(kind.upper(), data) for _, permissions, kind, data in record.iter_plain() if permissions & _PUBLIC]
    return _description(plain), _links(plain)


def read_links(values: Iterable[HandleValue]) -> list[Link]:
    """The links among public values; what is no link is left out. One default link at most."""
    return _links((value.type.upper(), value.data) for value in values if value.public)


def _links(plain: Plain) -> list[Link]:
    found: list[Link] = []
    url: Link | None = None
    default = False
    for kind, data in plain:
        if kind == LINK_TYPE:
            try:
                checked = _checked(_decode(data))
            except msgspec.DecodeError:
                continue
            if isinstance(checked, Link) and not (default and checked.link_type == DEFAULT):
                found.append(checked)
                default = default or checked.link_type == DEFAULT
        elif url is None and kind == b"URL":
            href = safe_href(data.decode(errors="replace"))
            url = Link(link_type=DEFAULT, href=href, title=href) if href else None
    if url is not None and not default:
        found.append(url)
    return found


def _description(plain: Plain) -> str:
    best, text = len(DESCRIPTIONS), ""
    for kind, data in plain:
        if kind in DESCRIPTIONS[:best]:
            try:
                best, text = DESCRIPTIONS.index(kind), data.decode().strip()[:500]
            except UnicodeDecodeError:
                continue
    return text
