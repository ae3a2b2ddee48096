"""GS1 Digital Links as plain ASGI: ``/01/…`` and every other key, compressed ones, and ``/.well-known/gs1resolver``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import msgspec

from millwright.identity.codes.gs1 import read as read_elements
from millwright.identity.codes.gs1.digital_link import ALIASES, write_link
from millwright.identity.codes.gs1.elements import Element, write_bracketed
from millwright.identity.codes.gs1.table import table
from millwright.identity.digital_link.choice import Wish, choose
from millwright.identity.digital_link.links import (
    DEFAULT,
    DEFAULT_MULTI,
    LINKSET,
    NAMESPACE,
    Link,
    bare_type,
    read_description,
    read_links,
)
from millwright.identity.digital_link.linkset import CONTEXT, CONTEXT_LINK, Level, json_ld, linkset, list_of, target_of
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import FOUND, NOT_FOUND
from millwright.identity.operation.outcomes import outcome_of
from millwright.identity.records.naming import name_of_elements
from millwright.identity.resolution.html import page
from millwright.identity.resolution.http import (
    Asked,
    Headers,
    answer,
    preferences,
    preflight,
    problem,
    weight_of_media,
)
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import Source
from millwright.identity.resolution.standing import closed_because, is_kept
from millwright.kernel import Invalid, MillwrightError, Unsupported

DESCRIPTION = "/.well-known/gs1resolver"
_METHODS = "GET, HEAD, OPTIONS"
_COMPRESSED = re.compile(r"/[A-Za-z0-9_-]{8,1024}/?")
_WORD = re.compile(r"/[a-z-]+/?")
_LINKSET_JSON, _JSON, _JSON_LD, _HTML = (
    "application/linkset+json",
    "application/json",
    "application/ld+json",
    "text/html",
)
_ALL_LINKS = f'rel="linkset"; type="{_LINKSET_JSON}"; title="All links"'
_FORMS = (_LINKSET_JSON, _JSON, _JSON_LD, _HTML)
_VARY = (b"vary", b"Accept, Accept-Language")
_FRESH = (b"cache-control", b"no-cache")
_MOST_CHARACTERS = 4096
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/%-]+")


def key_words() -> frozenset[str]:
    """The first segments of a Digital Link's path: the keys, and the words that stood for them."""
    by_ai = table().by_ai
    return frozenset(
        {ai for ai, entry in by_ai.items() if entry.key} | {w for w, ai in ALIASES.items() if by_ai[ai].key}
    )


class DigitalLinks:
    """Answers out of ``source``."""

    def __init__(self, source: Source, settings: ResolutionSettings, limits: Limits) -> None:
        self._source, self._settings, self._limits = source, settings, limits
        self._words = key_words()

    def takes(self, path: str) -> bool:
        """Whether an address is one of a Digital Link, plain or compressed; a word in small letters never is."""
        first, slash, _ = path[1:].partition("/")
        if slash and first in self._words:
            return True
        return _COMPRESSED.fullmatch(path) is not None and _WORD.fullmatch(path) is None and _reads(path)

    async def answer(self, asked: Asked, send: Any) -> None:
        """One request."""
        if asked.method == "OPTIONS":
            about = f"<{asked.origin(self._settings.public_url)}{asked.path}?linkType=linkset>; {_ALL_LINKS}"
            more = (
                [(b"link", about.encode())] if _PLAIN_PATH.fullmatch(asked.path) and asked.path != DESCRIPTION else []
            )
            await preflight(asked.scope, send, _METHODS, more)
        elif asked.method not in ("GET", "HEAD"):
            await problem(
                asked.scope, send, 405, "resolution.method", "Links are read.", None, [(b"allow", _METHODS.encode())]
            )
        elif asked.path == DESCRIPTION:
            await self._describe(asked, send)
        else:
            await self._resolve(asked, send)

    async def _describe(self, asked: Asked, send: Any) -> None:
        shown = {
            "name": self._settings.name,
            "resolverRoot": asked.origin(self._settings.public_url),
            "supportedPrimaryKeys": ["all"],
            "supportedLinkType": [{"namespace": NAMESPACE, "prefix": "gs1:"}],
            "linkTypeDefaultCanBeLinkset": False,
            "jsonLdContextLocation": CONTEXT,
            "contact": {"fn": self._settings.name},
        }
        headers: Headers = [(b"content-type", b"application/json"), (b"cache-control", b"public, max-age=3600")]
        await answer(asked.scope, send, 200, msgspec.json.encode(shown), headers)

    async def _resolve(self, asked: Asked, send: Any) -> None:
        origin = asked.origin(self._settings.public_url)
        path = asked.path.rstrip("/")
        query = f"?{asked.query_string}" if asked.query_string else ""
        try:
            if len(path) + len(query) > _MOST_CHARACTERS:
                raise Invalid(
                    "The address is too long.", code="identity.code_invalid", hint="No identifier is so long."
                )
            # Under GS1's own name: that of this node may be a number or have a port.
            elements, _ = read_elements(f"https://id.gs1.org{path}{query}")
            pairs = asked.pairs()
            steps = list(_steps(elements))
        except (Invalid, Unsupported) as error:
            await self._refuse(asked, send, 400, error)
            return
        levels, found = await self._levels(origin, steps, asked)
        anchor = origin + steps[0][0]
        headers: Headers = [_VARY, _FRESH]
        about = f"<{anchor}?linkType=linkset>; {_ALL_LINKS}"
        if _is_compressed(path, self._words):
            about += f', <{anchor}>; rel="owl:sameAs"'
        if found is not None:
            await self._not_found(asked, send, elements, found, [*headers, (b"link", about.encode())])
            return
        wished = bare_type(next((value for name, value in pairs if name == "linkType"), ""))
        form = _form(asked.text("accept"))
        if wished in (LINKSET, "all") or (not wished and form in (_LINKSET_JSON, _JSON, _JSON_LD)):
            await _send_linkset(asked, send, levels, form, headers, about)
            return
        wish = Wish.of(
            asked.text("accept-language"), asked.text("accept"), [value for name, value in pairs if name == "context"]
        )
        links = _chosen(levels, wished, wish)
        if not links:
            asked.said("value_not_found", asked.name)
            self._limits.miss(asked.address)
            more = {"hint": "?linkType=linkset lists the links that there are.", "linkType": wished}
            text = "There is no link of this type."
            await problem(
                asked.scope, send, 404, "digital_link.no_such_link", text, more, [(b"link", about.encode()), _VARY]
            )
        elif len(links) > 1:
            await _send_choices(asked, send, links, form, [*headers, (b"link", about.encode())])
        else:
            target = _with_query(links[0], asked.query_string)
            headers += [(b"location", target.encode()), (b"link", about.encode())]
            await answer(asked.scope, send, 307, b"", headers)

    async def _levels(
        self, origin: str, steps: Sequence[tuple[str, str]], asked: Asked
    ) -> tuple[list[Level], str | None]:
        """The levels of which there is a record, from the item up; without any, why there is none."""
        levels: list[Level] = []
        names = [step.encode() for _, step in steps]
        with await self._source.view(asked.address, *names) as view:
            name, item, answered = names[-1], names[0], b""
            why = closed_because(view, name)
            if why is not None:
                asked.said(outcome_of(Rc.SERVER_NOT_RESPONSIBLE, view, name), name)
                return [], why
            for path, step in steps:
                record = view.find(step.encode())
                if record is None:
                    continue
                answered = answered or step.encode()
                values = record.values
                described = read_description(values)
                levels.append(
                    Level(anchor=origin + path, description=described or path[1:], links=tuple(read_links(values)))
                )
            kept = is_kept(view, name)
        if not levels:
            asked.said(NOT_FOUND if kept else outcome_of(Rc.SERVER_NOT_RESPONSIBLE), item)
            return [], "unknown" if kept else "elsewhere"
        asked.said(FOUND, answered, b"" if answered == item else item)
        if not any(level.of_type(DEFAULT) for level in levels):
            first = levels[0]
            own = Link(
                link_type=DEFAULT,
                href=f"{origin}/id/GS1{first.anchor[len(origin) :]}",
                title=first.description,
            )
            levels[0] = msgspec.structs.replace(first, links=(*first.links, own))
        return levels, None

    async def _refuse(self, asked: Asked, send: Any, status: int, error: MillwrightError) -> None:
        asked.said(outcome_of(Rc.INVALID_HANDLE))
        self._limits.miss(asked.address)
        start = len("https://id.gs1.org")
        at = error.detail.get("at")
        more: dict[str, Any] = {"hint": error.hint, "detail": error.detail.get("why") or error.message}
        if isinstance(at, int):
            more["at"] = max(at - start, 0)
        if _form(asked.text("accept")) == _HTML:
            text = escape(str(more["detail"]))
            body = page("Not a GS1 Digital Link", f"<h1>{status}</h1><p>{text}</p>")
            await answer(asked.scope, send, status, body.content, [*body.headers, (b"cache-control", b"no-store")])
            return
        title = "This is no GS1 Digital Link."
        await problem(asked.scope, send, status, error.code, title, more, [_VARY])

    async def _not_found(
        self, asked: Asked, send: Any, elements: Sequence[Element], why: str, headers: Headers
    ) -> None:
        self._limits.miss(asked.address)
        text = {
            "unknown": "Nothing is registered here under this identifier.",
            "elsewhere": "Identifiers of this company prefix are not kept here.",
        }.get(why, why)
        code = f"digital_link.{why if why in ('unknown', 'elsewhere') else 'closed'}"
        if _form(asked.text("accept")) == _HTML:
            shown = escape(write_bracketed(elements))
            body = page("Not found", f"<h1>404</h1><p>{escape(text)}</p><p><code>{shown}</code></p>")
            headers = [each for each in headers if each[0] != b"cache-control"]
            await answer(
                asked.scope, send, 404, body.content, [*body.headers, *headers, (b"cache-control", b"no-store")]
            )
            return
        given = [each for each in headers if each[0] != b"cache-control"]
        await problem(asked.scope, send, 404, code, text, {"elements": write_bracketed(elements)}, given)


def _steps(elements: Sequence[Element]) -> Iterator[tuple[str, str]]:
    """Path and name of each level, from the item up to the key."""
    link = write_link(elements, "", canonical=True)
    if link is None:
        raise Invalid(
            "It has no key, or something beside it that no Digital Link may say.",
            code="identity.code_invalid",
            hint="A Digital Link begins with a key such as /01/ and a GTIN.",
        )
    words = link.partition("?")[0].split("/")[1:]
    by_ai = {each.entry.ai: each for each in elements}
    for end in range(len(words), 0, -2):
        chosen = [by_ai[ai] for ai in words[:end:2]]
        yield "/" + "/".join(words[:end]), name_of_elements(chosen)


def _chosen(levels: Sequence[Level], wished: str, wish: Wish) -> list[Link]:
    """The links that answer best: of the level next to what was asked for that has any of the type."""
    if wished and wished != DEFAULT:
        links = next((found for level in levels if (found := level.of_type(wished))), [])
        return choose(links, wish) if links else []
    for level in levels:
        several = [each for each in level.of_type(DEFAULT_MULTI) if wish.matches(each)] if not wished else []
        if several and len(best := choose(several, wish)) == 1:
            return best
        if default := level.of_type(DEFAULT):
            return default
    return []


def _with_query(link: Link, query: str) -> str:
    """The target with the request's query passed on (clause 2.12), in a form that fits into a header."""
    if not query or not link.fwqs:
        return link.href
    target, mark, fragment = link.href.partition("#")
    query = re.sub(r"[^!-~]|[<>\"\\^`{|}]", lambda found: f"%{ord(found[0]):02X}", query)
    return f"{target}{'&' if '?' in target else '?'}{query}{mark}{fragment}"


def _form(accept: str) -> str:
    """Which form of a linkset is wished most; HTML where nothing was said or all is welcome to a browser."""
    accepted = preferences(accept)
    if not accepted or all(value == "*/*" for value, _ in accepted):
        return ""
    weights = [(weight_of_media(each, [one for one in accepted if one[0] != "*/*"]), each) for each in _FORMS]
    best = max(weights, key=lambda each: each[0])
    return best[1] if best[0] > 0 else ""


async def _send_linkset(
    asked: Asked, send: Any, levels: Sequence[Level], form: str, headers: Headers, about: str
) -> None:
    if form == _HTML:
        body = page("Links", f"<h1>{escape(levels[0].description)}</h1>{list_of(levels)}")
        await answer(asked.scope, send, 200, body.content, [*body.headers, *headers, (b"link", about.encode())])
        return
    kind = form or _LINKSET_JSON
    shown = json_ld(levels) if kind == _JSON_LD else linkset(levels)
    headers = [*headers, (b"content-type", kind.encode()), (b"link", f"{CONTEXT_LINK}, {about}".encode())]
    await answer(asked.scope, send, 200, msgspec.json.encode(shown), headers)


async def _send_choices(asked: Asked, send: Any, links: Sequence[Link], form: str, headers: Headers) -> None:
    if form == _HTML:
        body = page("Several links", f"<h1>Several links</h1>{list_of((), links)}")
        await answer(asked.scope, send, 300, body.content, [*body.headers, *headers])
        return
    shown = {"links": [{"linkType": each.curie} | target_of(each) for each in links]}
    await answer(asked.scope, send, 300, msgspec.json.encode(shown), [*headers, (b"content-type", b"application/json")])


def _is_compressed(path: str, words: frozenset[str]) -> bool:
    parts = path.strip("/").split("/")
    return len(parts) % 2 == 1 or parts[0] not in words


def _reads(path: str) -> bool:
    try:
        return bool(read_elements(f"https://id.gs1.org{path.rstrip('/')}")[0])
    except (Invalid, Unsupported):
        return False
