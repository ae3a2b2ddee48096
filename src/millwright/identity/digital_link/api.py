"""GS1 Digital Links as plain ASGI: ``/01/…`` and every other key, compressed ones, and ``/.well-known/gs1resolver``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

import msgspec

from millwright.identity.codes.gs1 import read as read_elements
from millwright.identity.codes.gs1.digital_link import ALIASES, write_link
from millwright.identity.codes.gs1.elements import Element, find_fault, write_bracketed
from millwright.identity.codes.gs1.table import table
from millwright.identity.digital_link.choice import Wish, choose, choose_matching
from millwright.identity.digital_link.links import (
    DEFAULT,
    DEFAULT_MULTI,
    LINKSET,
    NAMESPACE,
    Link,
    bare_type,
    read_record,
)
from millwright.identity.digital_link.linkset import CONTEXT, CONTEXT_LINK, Level, json_ld, linkset, list_of, target_of
from millwright.identity.digital_link.measured import measured_level, sent_to
from millwright.identity.handle.elsewhere import SIGNATURE_REFUSED
from millwright.identity.handle.measured import notice_of, why_suspended
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import FOUND, NOT_FOUND, SUSPENDED
from millwright.identity.operation.outcomes import outcome_of
from millwright.identity.records.model import Measure
from millwright.identity.records.naming import name_of_elements
from millwright.identity.resolution.html import page
from millwright.identity.resolution.http import (
    Asked,
    Headers,
    answer,
    circle,
    preferences,
    preflight,
    problem,
    weight_of_media,
)
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.referring import Circle, resolver_of, sent_on, without_marks
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import Source
from millwright.identity.resolution.standing import closed_because, is_kept, suspended_by
from millwright.kernel import Invalid, MillwrightError, Unavailable, Unsupported

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
_SHORT = 256
_UNDER_GS1 = "https://id.gs1.org"
"""Links are read under GS1's own name: that of this node may be a number or have a port."""
_PRODUCT = re.compile(r"(/01/([0-9]{14}))(/10/[0-9A-Z]{1,20})?(/21/[0-9A-Z]{1,20})?")
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
        self._gtin = table().by_ai["01"]

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
            kept = without_marks(query)
            steps = None if kept else self._steps_of_product(path)
            if steps is None:
                steps = list(_steps(read_elements(f"{_UNDER_GS1}{path}{kept}")[0]))
            pairs = asked.pairs() if query else []
        except (Invalid, Unsupported) as error:
            await self._refuse(asked, send, 400, error)
            return
        levels, found = await self._found(origin, steps, asked)
        anchor = origin + steps[0][0]
        headers: Headers = [_VARY, _FRESH]
        about = f"<{anchor}?linkType=linkset>; {_ALL_LINKS}"
        if _is_compressed(path, self._words):
            about += f', <{anchor}>; rel="owl:sameAs"'
        if found.why == "elsewhere" and found.resolver:
            await self._send_on(asked, send, origin, found.resolver)
            return
        if found.why:
            elements, _ = read_elements(f"{_UNDER_GS1}{path}{kept}")
            await self._not_found(asked, send, elements, found, [*headers, (b"link", about.encode())])
            return
        wished = bare_type(next((value for name, value in pairs if name == "linkType"), ""))
        form = _form(asked.text("accept"))
        if wished in (LINKSET, "all") or (not wished and form in (_LINKSET_JSON, _JSON, _JSON_LD)):
            await _send_linkset(asked, send, levels, form, headers, about)
            return
        if found.sent_to is not None:
            target = _with_query(found.sent_to, asked.query_string)
            headers += [(b"location", target.encode()), (b"link", about.encode())]
            await answer(asked.scope, send, 307, b"", headers)
            return

        def wish() -> Wish:
            contexts = [value for name, value in pairs if name == "context"]
            return Wish.of(asked.text("accept-language"), asked.text("accept"), contexts)

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

    def _steps_of_product(self, path: str) -> list[tuple[str, str]] | None:
        """What :func:`_steps` says of the common question: a GTIN, or a batch or an item of it whose numbers are of
        digits and capitals. ``None`` for every other one, and for what is wrong."""
        found = _PRODUCT.fullmatch(path)
        if found is None or find_fault(self._gtin, found[2]) is not None:
            return None
        ends = [found.end(part) for part in (4, 3, 1) if found[part]]
        return [(path[:end], "GS1" + path[:end]) for end in ends]

    async def _found(
        self, origin: str, steps: Sequence[tuple[str, str]], asked: Asked
    ) -> tuple[list[Level], _Standing]:
        """The levels of which there is a record, from the item up, and how it stands with what was asked for."""
        levels: list[Level] = []
        names = [step.encode() for _, step in steps]
        try:
            block = await self._source.view(asked.address, *names)
        except Unavailable as error:
            if error.code == SIGNATURE_REFUSED:
                raise
            # Nobody who keeps it answers this node; perhaps who asks can reach its resolver.
            with self._source.records.view() as view:
                resolver = resolver_of(view, names[-1])
            if not resolver:
                raise
            asked.said(outcome_of(Rc.SERVER_NOT_RESPONSIBLE), names[0])
            return [], _Standing("elsewhere", resolver=resolver)
        with block as view:
            name, item, answered = names[-1], names[0], b""
            suspended = suspended_by(view, item)
            if suspended is not None:
                asked.said(SUSPENDED, item)
                return [], _Standing(why_suspended(suspended), measure=suspended)
            why = closed_because(view, name)
            if why is not None:
                asked.said(outcome_of(Rc.SERVER_NOT_RESPONSIBLE, view, name), name)
                return [], _Standing(why)
            for path, step in steps:
                record = view.find(step.encode())
                if record is None:
                    continue
                answered = answered or step.encode()
                described, links = read_record(record)
                level = Level(anchor=origin + path, description=described or path[1:], links=tuple(links))
                effect = view.effect(step.encode()) if view.measured else None
                levels.append(level if effect is None else measured_level(level, effect, origin))
            if not levels:
                kept, resolver = is_kept(view, name), resolver_of(view, name)
                asked.said(NOT_FOUND if kept else outcome_of(Rc.SERVER_NOT_RESPONSIBLE), item)
                return [], _Standing("unknown" if kept else "elsewhere", resolver=resolver)
            effect = view.effect(item) if view.measured else None
        asked.said(FOUND, answered, b"" if answered == item else item)
        if effect is not None and effect.redirected is not None:
            return levels, _Standing(sent_to=sent_to(effect.redirected))
        if not any(level.of_type(DEFAULT) for level in levels):
            first = levels[0]
            own = Link(
                link_type=DEFAULT,
                href=f"{origin}/id/GS1{first.anchor[len(origin) :]}",
                title=first.description,
            )
            levels[0] = msgspec.structs.replace(first, links=(*first.links, own))
        return levels, _Standing()

    async def _send_on(self, asked: Asked, send: Any, origin: str, resolver: str) -> None:
        try:
            target = sent_on(asked, origin, resolver)
        except Circle:
            await circle(asked, send)
            return
        await answer(asked.scope, send, 307, b"", [_VARY, _FRESH, (b"location", target.encode())])

    async def _refuse(self, asked: Asked, send: Any, status: int, error: MillwrightError) -> None:
        asked.said(outcome_of(Rc.INVALID_HANDLE))
        self._limits.miss(asked.address)
        start = len(_UNDER_GS1)
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
        self, asked: Asked, send: Any, elements: Sequence[Element], found: _Standing, headers: Headers
    ) -> None:
        self._limits.miss(asked.address)
        why, measure = found.why, found.measure
        text = {
            "unknown": "Nothing is registered here under this identifier.",
            "elsewhere": "Identifiers of this company prefix are not kept here.",
        }.get(why, why)
        kind = why if why in ("unknown", "elsewhere") else "closed" if measure is None else "suspended"
        code, status = f"digital_link.{kind}", 404 if measure is None else 410
        if _form(asked.text("accept")) == _HTML:
            shown = escape(write_bracketed(elements))
            title = "Not found" if measure is None else "Suspended"
            more = f"<p>{escape(measure.text_zh)}</p>" if measure is not None and measure.text_zh else ""
            body = page(title, f"<h1>{title}</h1><p>{escape(text)}</p>{more}<p><code>{shown}</code></p>")
            headers = [each for each in headers if each[0] != b"cache-control"]
            await answer(
                asked.scope, send, status, body.content, [*body.headers, *headers, (b"cache-control", b"no-store")]
            )
            return
        given = [each for each in headers if each[0] != b"cache-control"]
        told: dict[str, Any] = {"elements": write_bracketed(elements)}
        if measure is not None:
            told["notice"] = notice_of(measure)
        await problem(asked.scope, send, status, code, text, told, given)


class _Standing(NamedTuple):
    """How it stands with what was asked for: ``why`` there is nothing, else empty; ``measure``: by which it is
    suspended. ``sent_to`` is where everybody is sent instead, ``resolver`` that of the node it is delegated to."""

    why: str = ""
    measure: Measure | None = None
    sent_to: Link | None = None
    resolver: str = ""


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


def _chosen(levels: Sequence[Level], wished: str, wish: Callable[[], Wish]) -> list[Link]:
    """The links that answer best: of the level next to what was asked for that has any of the type.

    ``wish`` is asked only where there is a choice.
    """
    if wished and wished != DEFAULT:
        links = next((found for level in levels if (found := level.of_type(wished))), [])
        return choose(links, wish()) if links else []
    for level in levels:
        several = level.of_type(DEFAULT_MULTI) if not wished else []
        if several and len(best := choose_matching(several, wish())) == 1:
            return best
        if default := level.of_type(DEFAULT):
            return default
    return []


def _with_query(link: Link, query: str) -> str:
    """The target with the request's query passed on (clause 2.12), in a form that fits into a header."""
    query = without_marks(query)
    if not query or not link.fwqs:
        return link.href
    target, mark, fragment = link.href.partition("#")
    query = re.sub(r"[^!-~]|[<>\"\\^`{|}]", lambda found: f"%{ord(found[0]):02X}", query)
    return f"{target}{'&' if '?' in target else '?'}{query}{mark}{fragment}"


def _form(accept: str) -> str:
    """Which form of a linkset is wished most; HTML where nothing was said or all is welcome to a browser."""
    if not accept:
        return ""
    # Clients send few different headers, and short ones.
    return _known_form(accept) if len(accept) <= _SHORT else _find_form(accept)


def _find_form(accept: str) -> str:
    accepted = preferences(accept)
    if not accepted or all(value == "*/*" for value, _ in accepted):
        return ""
    weights = [(weight_of_media(each, [one for one in accepted if one[0] != "*/*"]), each) for each in _FORMS]
    best = max(weights, key=lambda each: each[0])
    return best[1] if best[0] > 0 else ""


_known_form = lru_cache(maxsize=256)(_find_form)


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
        return bool(read_elements(f"{_UNDER_GS1}{path.rstrip('/')}")[0])
    except (Invalid, Unsupported):
        return False
