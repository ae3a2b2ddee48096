"""``/id/{anything}`` as plain ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import convert

from millwright.identity.codes import Refusal
from millwright.identity.digital_link.links import safe_href
from millwright.identity.handle.elsewhere import verdict_in
from millwright.identity.handle.measured import notices_of
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.naming import prefix_of
from millwright.identity.handle.records import RecordsView
from millwright.identity.handle.trust.model import Verdict
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import FOUND, NOT_FOUND
from millwright.identity.operation.outcomes import outcome_of
from millwright.identity.pages.render import address_of, render, render_no_code, render_start
from millwright.identity.pages.view import NoCode, PageView, notice_from, view_of
from millwright.identity.records.naming import code_of_text, name_of
from millwright.identity.resolution.html import Page
from millwright.identity.resolution.http import (
    Asked,
    Headers,
    answer,
    circle,
    decoded,
    language_of,
    preferences,
    preflight,
    problem,
    weight_of_media,
)
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.referring import Circle, resolver_of, sent_on
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import Source
from millwright.identity.resolution.standing import closed_because, is_kept, owner_of, suspended_by
from millwright.identity.templates import Labels
from millwright.kernel import Invalid, Unavailable, Unsupported

PAGES = "/id"
_METHODS = "GET, HEAD, OPTIONS"
_VARY = (b"vary", b"Accept, Accept-Language")
_MOST_CHARACTERS = 2000

NameOf = Callable[[str], Awaitable[str | None]]
"""The public name of an organisation, by its id."""


async def nobody(_organisation_id: str) -> str | None:
    """No organisation has a public name."""
    return None


LabelsOf = Callable[[tuple[HandleValue, ...]], Awaitable[Labels]]
"""What the values of a record are called."""


async def no_labels(_values: tuple[HandleValue, ...]) -> Labels:
    """No value has a label."""
    return {}


class Pages:
    """Pages out of ``source``; ``name_of_organisation`` says who is responsible, ``labels_of`` what values mean."""

    def __init__(
        self,
        source: Source,
        settings: ResolutionSettings,
        limits: Limits,
        name_of_organisation: NameOf = nobody,
        labels_of: LabelsOf = no_labels,
    ) -> None:
        self._source, self._settings, self._limits = source, settings, limits
        self._name_of, self._labels_of = name_of_organisation, labels_of

    async def answer(self, asked: Asked, send: Any) -> None:
        """One request."""
        if asked.method == "OPTIONS":
            await preflight(asked.scope, send, _METHODS)
            return
        if asked.method not in ("GET", "HEAD"):
            allow = [(b"allow", _METHODS.encode())]
            await problem(asked.scope, send, 405, "resolution.method", "Pages are read.", None, allow)
            return
        query = dict(asked.pairs())
        language = query.get("lang", "")
        language = language if language in ("zh", "en") else language_of(asked)
        text = decoded(asked.path[len(PAGES) + 1 :]).strip()
        if not text:
            if query.get("q", "").strip():
                headers: Headers = [(b"location", address_of(query["q"].strip()[:_MOST_CHARACTERS]).encode()), _VARY]
                await answer(asked.scope, send, 303, b"", headers)
                return
            await self._send(asked, send, 200, render_start(self._settings.name, language))
            return
        try:
            if len(text) > _MOST_CHARACTERS:
                raise Invalid(
                    f"It is longer than {_MOST_CHARACTERS} characters.", code="identity.code_invalid",
                    hint="No identifier is so long.", detail={"text": text[:200]},
                )  # fmt: skip
            code = code_of_text(text)
            name = name_of(code)
        except (Invalid, Unsupported) as error:
            await self._no_code(asked, send, text, error, language)
            return
        key = name.encode()
        try:
            block = await self._source.view(asked.address, key)
        except Unavailable as error:
            refused = error.detail.get("verdict")
            if refused is not None:
                shown = view_of(code, name, None, "", "elsewhere", signature=convert(refused, Verdict))
                await self._send_any(asked, send, query, shown, language)
                return
            # Nobody who keeps it answers this node; perhaps who asks can reach its resolver.
            with self._source.records.view() as view:
                resolver = resolver_of(view, key)
            if not resolver:
                raise
            await self._send_on(asked, send, resolver)
            return
        with block as view:
            suspended = suspended_by(view, key)
            closed = closed_because(view, key)
            record = view.find(key) if closed is None and suspended is None else None
            effect = view.effect(key) if view.measured and record is not None and record.shows_anything else None
            resolver = resolver_of(view, key) if record is None and suspended is None else ""
            values = record.values if record is not None else None
            kept = is_kept(view, key)
            verdict = verdict_in(view, key) if values is not None else None
            asked.said(_outcome(view, key, closed, kept, values is not None), key)
            prefix, owner = owner_of(view, key) or (
                prefix_of(key).decode() if kept or code.system == "handle" else "",
                "",
            )
        if resolver and not kept:
            await self._send_on(asked, send, resolver)
            return
        sent_to = None if effect is None or effect.redirected is None else safe_href(effect.redirected.href)
        if sent_to and not _wants_json(asked, query):
            await answer(
                asked.scope, send, 307, b"", [_VARY, (b"cache-control", b"no-cache"), (b"location", sent_to.encode())]
            )
            return
        state = closed or ("here" if kept else "elsewhere")
        responsible = (await self._name_of(owner)) or "" if owner else ""
        labels = await self._labels_of(values) if values else {}
        shown = view_of(code, name, values, prefix, state, responsible, labels, verdict)
        told = [suspended] if suspended is not None else [] if effect is None else notices_of(effect)
        if told:
            status = 410 if suspended is not None else shown.status
            notices = [notice_from(each) for each in told]
            shown = msgspec.structs.replace(shown, status=status, notices=notices, redirected_to=sent_to or "")
        if values is None:
            self._limits.miss(asked.address)
        await self._send_any(asked, send, query, shown, language)

    async def _send_any(self, asked: Asked, send: Any, query: dict[str, str], shown: PageView, language: str) -> None:
        if _wants_json(asked, query):
            await self._send_json(asked, send, shown)
            return
        await self._send(asked, send, shown.status, render(shown, self._settings.name, language))

    async def _send_on(self, asked: Asked, send: Any, resolver: str) -> None:
        try:
            target = sent_on(asked, asked.origin(self._settings.public_url), resolver)
        except Circle:
            await circle(asked, send)
            return
        headers: Headers = [_VARY, (b"cache-control", b"no-cache"), (b"location", target.encode())]
        await answer(asked.scope, send, 307, b"", headers)

    async def _no_code(self, asked: Asked, send: Any, text: str, error: Invalid | Unsupported, language: str) -> None:
        asked.said(outcome_of(Rc.INVALID_HANDLE))
        self._limits.miss(asked.address)
        detail = error.detail
        shown = NoCode(
            status=404,
            text=text[:_MOST_CHARACTERS],
            why=str(detail.get("why") or error.message),
            why_zh=str(detail.get("why_zh") or ""),
            system=str(detail.get("system") or ""),
            at=detail.get("at"),
            tried=[Refusal(**each) for each in detail.get("tried", ())],
        )
        if _wants_json(asked, dict(asked.pairs())):
            await self._send_json(asked, send, shown)
            return
        await self._send(asked, send, 404, render_no_code(shown, self._settings.name, language))

    async def _send(self, asked: Asked, send: Any, status: int, made: Page) -> None:
        headers = [*made.headers, _VARY, (b"cache-control", b"no-cache" if status == 200 else b"no-store")]
        await answer(asked.scope, send, status, made.content, headers)

    async def _send_json(self, asked: Asked, send: Any, shown: PageView | NoCode) -> None:
        headers: Headers = [
            (b"content-type", b"application/json"),
            _VARY,
            (b"cache-control", b"no-cache" if shown.status == 200 else b"no-store"),
        ]
        await answer(asked.scope, send, shown.status, msgspec.json.encode(shown), headers)


def _outcome(view: RecordsView, key: bytes, closed: str | None, kept: bool, found: bool) -> str:
    if found:
        return FOUND
    return NOT_FOUND if kept and closed is None else outcome_of(Rc.SERVER_NOT_RESPONSIBLE, view, key)


def _wants_json(asked: Asked, query: dict[str, str]) -> bool:
    if query.get("format") == "json":
        return True
    accepted = preferences(asked.text("accept"))
    if not accepted:
        return False
    return weight_of_media("application/json", accepted) > weight_of_media("text/html", accepted)
