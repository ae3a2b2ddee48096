"""``/1.0/identifiers/{did}`` and the documents of ``did:web`` at their own addresses, as plain ASGI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from millwright.identity.codes import Code, bad_code, convert
from millwright.identity.codes.did import parse
from millwright.identity.did.document import changed_s, is_deactivated, of_key, of_record
from millwright.identity.handle.measured import notice_of, notices_of, shown_to_all
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import FOUND, NOT_FOUND, SUSPENDED
from millwright.identity.operation.outcomes import outcome_of
from millwright.identity.records.naming import name_of
from millwright.identity.resolution.http import (
    Asked,
    Headers,
    answer,
    circle,
    decoded,
    preferences,
    preflight,
    problem,
    weight_of_media,
)
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.referring import Circle, resolver_of, sent_on
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import Source
from millwright.identity.resolution.standing import closed_because, is_kept, suspended_by
from millwright.kernel import Invalid

IDENTIFIERS, METHODS = "/1.0/identifiers/", "/1.0/methods"
DOCUMENT, WELL_KNOWN = "/did.json", "/.well-known/did.json"
_METHODS = "GET, HEAD, OPTIONS"
_RESULT = "application/did-resolution"
_OLD_RESULT = 'application/ld+json;profile="https://w3id.org/did-resolution"'
_DOCUMENTS = ("application/did", "application/did+ld+json", "application/did+json")
_KNOWN = ("key", "web", "bid")
_STATUS = {
    "invalidDid": 400,
    "notFound": 404,
    "representationNotSupported": 406,
    "deactivated": 410,
    "methodNotSupported": 501,
}
_OUTCOME = {"invalidDid": "invalid_handle", "methodNotSupported": "operation_denied"}
"""What was refused before anything was looked up."""
_FRESH = (b"cache-control", b"no-cache")


class _Failure(Exception):
    def __init__(self, error: str, why: str) -> None:
        super().__init__(why)
        self.error, self.why = error, why


class _Elsewhere(Exception):
    """The DID is kept by another node, whose resolver is known."""

    def __init__(self, resolver: str) -> None:
        super().__init__(resolver)
        self.resolver = resolver


class Dids:
    """Answers out of ``source``. Documents of others' hosts are not fetched: what is asked must not make it ask."""

    def __init__(self, source: Source, settings: ResolutionSettings, limits: Limits) -> None:
        self._source, self._settings, self._limits = source, settings, limits

    def takes(self, path: str) -> bool:
        """Whether an address is one of these."""
        return path.startswith((IDENTIFIERS, METHODS)) or path.endswith(DOCUMENT)

    async def answer(self, asked: Asked, send: Any) -> None:
        """One request."""
        if asked.method == "OPTIONS":
            await preflight(asked.scope, send, _METHODS)
        elif asked.method not in ("GET", "HEAD"):
            allow = [(b"allow", _METHODS.encode())]
            await problem(asked.scope, send, 405, "resolution.method", "DIDs are read.", None, allow)
        elif asked.path.rstrip("/") == METHODS:
            headers: Headers = [(b"content-type", b"application/json"), (b"cache-control", b"public, max-age=3600")]
            await answer(asked.scope, send, 200, msgspec.json.encode(list(_KNOWN)), headers)
        elif asked.path.startswith(IDENTIFIERS):
            await self._resolve(asked, send)
        else:
            await self._document(asked, send)

    async def _resolve(self, asked: Asked, send: Any) -> None:
        document: dict[str, Any] | None = None
        metadata: dict[str, Any] = {}
        resolution: dict[str, Any] = {}
        status, kind = 200, _result_type(asked.text("accept"))
        try:
            if kind is None:
                raise _Failure("representationNotSupported", f"It is written as {', '.join((_RESULT, *_DOCUMENTS))}.")
            document, metadata = await self._find(decoded(asked.path[len(IDENTIFIERS) :]), asked)
            if metadata.get("deactivated"):
                status = 410
        except _Elsewhere as elsewhere:
            await self._send_on(asked, send, elsewhere.resolver)
            return
        except (_Failure, Invalid) as failure:
            error = failure.error if isinstance(failure, _Failure) else "invalidDid"
            asked.said(asked.outcome or _OUTCOME.get(error, "protocol_error"), asked.name)
            why = failure.why if isinstance(failure, _Failure) else failure.message
            status, resolution = _STATUS[error], {"error": error, "message": why}
            if error in ("notFound", "invalidDid"):
                self._limits.miss(asked.address)
            kind = _RESULT
        headers: Headers = [_FRESH, (b"vary", b"Accept")]
        if document is not None and kind in _DOCUMENTS and status == 200:
            await answer(
                asked.scope, send, 200, msgspec.json.encode(document), [*headers, (b"content-type", kind.encode())]
            )
            return
        if document is not None:
            resolution["contentType"] = "application/did+ld+json"
        shown = {
            "@context": "https://w3id.org/did-resolution/v1",
            "didDocument": document,
            "didResolutionMetadata": resolution,
            "didDocumentMetadata": metadata,
        }
        content_type = (kind if kind not in _DOCUMENTS and kind else _RESULT).encode()
        await answer(asked.scope, send, status, msgspec.json.encode(shown), [*headers, (b"content-type", content_type)])

    async def _find(self, text: str, asked: Asked) -> tuple[dict[str, Any], dict[str, Any]]:
        if not text.startswith("did:"):
            raise bad_code(text, 0, "it does not begin with did: in lower case", "Such as did:web:example.com.")
        code = parse(text)
        if any(part.name in ("path", "query", "fragment") for part in code.parts):
            raise _Failure("invalidDid", "It is the address of a part of a document; give the DID alone.")
        if code.kind == "key":
            asked.said(FOUND, name_of(code).encode())
            return of_key(code), {}
        return await self._kept(code, asked)

    async def _kept(self, code: Code, asked: Asked) -> tuple[dict[str, Any], dict[str, Any]]:
        did = convert(code, "did")
        name = name_of(code).encode()
        with await self._source.view(asked.address, name) as view:
            suspended = suspended_by(view, name)
            if suspended is not None:
                asked.said(SUSPENDED, name)
                # Also where there is no record: whether there is one is nobody's business meanwhile.
                return {"id": did}, {"deactivated": True, "notice": notice_of(suspended)}
            why = closed_because(view, name)
            record = view.find(name) if why is None else None
            closed = outcome_of(Rc.SERVER_NOT_RESPONSIBLE, view, name)
            asked.said(FOUND if record is not None else NOT_FOUND if is_kept(view, name) else closed, name)
            if record is None:
                if why is None and (resolver := resolver_of(view, name)):
                    raise _Elsewhere(resolver)
                if code.kind not in _KNOWN and why is None:
                    raise _Failure(
                        "methodNotSupported",
                        f"DIDs of the method {code.kind} are known here by their records only, and this has none.",
                    )
                raise _Failure("notFound", why or "Nothing is registered here under this DID.")
            effect = view.effect(name) if view.measured else None
            record = shown_to_all(view, name, record)
            values = record.values
        metadata: dict[str, Any] = {}
        if effect is not None:
            metadata["notices"] = [notice_of(each) for each in notices_of(effect)]
        changed = changed_s(values)
        if changed:
            metadata["updated"] = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if is_deactivated(values):
            return {"id": did}, metadata | {"deactivated": True}
        return of_record(did, values), metadata

    async def _send_on(self, asked: Asked, send: Any, resolver: str) -> None:
        try:
            target = sent_on(asked, asked.origin(self._settings.public_url), resolver)
        except Circle:
            await circle(asked, send)
            return
        await answer(asked.scope, send, 307, b"", [_FRESH, (b"location", target.encode())])

    async def _document(self, asked: Asked, send: Any) -> None:
        """``did.json`` of a ``did:web`` of this host (did:web Method Specification, 2.5.2)."""
        host = asked.origin(self._settings.public_url).partition("://")[2]
        did = f"did:web:{host.replace(':', '%3A')}"
        if asked.path != WELL_KNOWN:
            folder = asked.path.removesuffix(DOCUMENT).strip("/")
            did += "".join(f":{quote(each, safe='%-._')}" for each in folder.split("/") if each)
        try:
            document, metadata = await self._find(did, asked)
            if metadata.get("deactivated"):
                raise _Failure("deactivated", "This DID is in use no more, or suspended.")
        except _Elsewhere as elsewhere:
            await self._send_on(asked, send, elsewhere.resolver)
            return
        except (_Failure, Invalid) as failure:
            error = failure.error if isinstance(failure, _Failure) else "invalidDid"
            asked.said(asked.outcome or _OUTCOME.get(error, "protocol_error"), asked.name)
            self._limits.miss(asked.address)
            await problem(
                asked.scope, send, 410 if error == "deactivated" else 404, f"did.{error.lower()}", str(failure)
            )
            return
        headers: Headers = [_FRESH, (b"content-type", b"application/did+json")]
        await answer(asked.scope, send, 200, msgspec.json.encode(document), headers)


def _result_type(accept: str) -> str | None:
    """The form that is wished: that of the whole result where nothing was said."""
    if "did-resolution" in accept:
        return _RESULT if _RESULT in accept else _OLD_RESULT
    accepted = preferences(accept)
    if not accepted or any(
        value in ("*/*", "application/*", "application/json", "text/html", "application/ld+json")
        for value, _ in accepted
    ):
        documents = [each for each in _DOCUMENTS if any(value == each for value, _ in accepted)]
        return documents[0] if documents else _RESULT
    best = max(_DOCUMENTS, key=lambda each: weight_of_media(each, accepted))
    return best if weight_of_media(best, accepted) > 0 else None
