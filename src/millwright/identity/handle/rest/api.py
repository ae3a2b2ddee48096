"""``/api/handles`` and ``/api/sessions`` as plain ASGI."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import msgspec

from millwright.identity.handle.administration import Administration
from millwright.identity.handle.attempts import FailedAttempt, asked_from, unheard
from millwright.identity.handle.elsewhere import verdict_in
from millwright.identity.handle.json_form import value_from_json, value_to_json
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import PREFIX_HANDLES, with_slash
from millwright.identity.handle.records import RecordsView, StoredRecord
from millwright.identity.handle.resolution import AuthenticationNeeded, resolve
from millwright.identity.handle.rest.answers import READ_EMPTY, STATUS, Refusal, encode, etag_of, refusal_of
from millwright.identity.handle.rest.login import RestSession, RestSessions, by_answer, by_secret, parameters
from millwright.identity.handle.rest.quick import public_values, quoted
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.handle.wire.requests import Resolve
from millwright.identity.handle.wire.responses import decode_error, decode_resolved
from millwright.identity.operation.outcomes import failure_of, outcome_of
from millwright.identity.resolution.http import (
    CORS,
    JSON,
    Asked,
    Headers,
    answer,
    body_of,
    decoded,
    preflight,
)
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import Source
from millwright.kernel import Clock, MillwrightError

if TYPE_CHECKING:
    from millwright.identity.handle.trust.model import Verdict

logger = logging.getLogger(__name__)

HANDLES, SESSIONS = "/api/handles", "/api/sessions"
_METHODS = "GET, HEAD, PUT, POST, DELETE, OPTIONS"
_TRUE = ("", "true", "yes", "1", "on")
_AT_WORK = 16
_GUESS = 10.0
"""How many misses a wrong secret counts as."""
_REVALIDATE = (b"cache-control", b"no-cache")
_NO_STORE = (b"cache-control", b"no-store")
_VARY = (b"vary", b"Authorization")
SIGNATURE_HEADER = b"handle-signature"
"""What the signatures of a record of elsewhere are worth: ``valid``, ``unsigned; reason=no_signature`` …"""
_NO_HEADERS: Headers = []


class HandleRest:
    """Answers out of ``source``; ``administrators`` may do everything, ``failed`` is told who failed to be one."""

    def __init__(
        self,
        source: Source,
        settings: ResolutionSettings,
        clock: Clock,
        limits: Limits,
        *,
        administrators: tuple[Reference, ...] = (),
        failed: FailedAttempt = unheard,
    ) -> None:
        records = source.records
        self._failed = failed
        self._records, self._source, self._settings, self._limits = records, source, settings, limits
        self._recursion, self._clock = source.recursion, clock
        self._failure_s = float("-inf")
        self._administration = Administration(records, clock, administrators)
        self.sessions = RestSessions(
            clock.monotonic_s, settings.max_sessions, settings.session_s, settings.unproven_session_s
        )
        self._at_work = 0
        self._held: RecordsView | None = None
        self._kept: dict[bytes, bool] = {}

    # --- the common question -----------------------------------------------------------------------------------------

    def find_public(self, handle: bytes, address: str) -> tuple[bytes, Headers] | None:
        """The body for all public values of a handle that is kept here, or at hand for this address, and the headers
        that it has of its own; ``None`` leaves it to :meth:`answer`."""
        view = self._held or self._hold()
        if view.measured and view.effect(handle) is not None:
            return None
        record = view.find(handle)
        if record is None:
            recursion = self._recursion
            if recursion is None or not recursion.admits(address):
                return None
            fetched = recursion.find_quickly(view, handle, self._clock.now_ms() // 1000)
            if fetched is None or fetched.record is None:
                return None
            body = _public_body(handle, fetched.record)
            return None if body is None else (body, _signature_headers(fetched.verdict))
        prefix = handle.partition(b"/")[0]
        kept = self._kept.get(prefix)
        if kept is None:
            kept = view.responsible(handle)
            if prefix.isascii() and prefix[:1].isdigit() and prefix != PREFIX_HANDLES:
                # A name of another code system stands under more than what is before its first slash.
                self._kept[prefix] = kept
        if not kept:
            return None
        body = _public_body(handle, record)
        return None if body is None else (body, _NO_HEADERS)

    def _hold(self) -> RecordsView:
        """One view for all questions of one turn of the event loop: whoever has had an answer asks in a later one."""
        block = self._records.view()
        self._held = block.__enter__()
        asyncio.get_running_loop().call_soon(self._release, block)
        return self._held

    def _release(self, block: AbstractContextManager[RecordsView]) -> None:
        self._held = None
        self._kept.clear()
        block.__exit__(None, None, None)

    # --- every question ----------------------------------------------------------------------------------------------

    async def answer(self, asked: Asked, receive: Any, send: Any) -> None:
        """One request."""
        if asked.method == "OPTIONS":
            await preflight(asked.scope, send, _METHODS)
            return
        try:
            with asked_from(asked.address):
                if asked.path.startswith(SESSIONS):
                    await self._session(asked, receive, send)
                elif asked.path.rstrip("/") == HANDLES:
                    await self._list(asked, send)
                else:
                    await self._handle(asked, receive, send)
        except Refusal as refusal:
            if refusal.claimed is not None:
                self._failed(refusal.claimed, asked.address)
            if asked.name:
                asked.said(outcome_of(refusal.code), asked.name)
            await self._refuse(asked, send, refusal)
        except MillwrightError as error:
            found = refusal_of(error)
            if asked.name:
                asked.said(failure_of(error) or outcome_of(found.code), asked.name)
            if found.status >= 500:
                self._log_failure(error)
            await self._refuse(asked, send, found)

    def _log_failure(self, error: MillwrightError) -> None:
        """Log what is the server's own, at most once a second."""
        now_s = self._clock.monotonic_s()
        if now_s - self._failure_s >= 1:
            self._failure_s = now_s
            logger.error("a question for a handle failed: %s", error.message)

    async def _refuse(self, asked: Asked, send: Any, refusal: Refusal) -> None:
        headers: Headers = [JSON, _NO_STORE]
        if refusal.status == 401:
            if refusal.code == Rc.AUTHENTICATION_FAILED:
                self._limits.miss(asked.address, _GUESS)
            headers.append((b"www-authenticate", self._challenge(asked.address).encode()))
        if refusal.status == 503:
            headers.append((b"retry-after", b"1"))
        handle = _handle_text(asked.path)
        more = {"message": refusal.message} if refusal.message else None
        await answer(asked.scope, send, refusal.status, encode(refusal.code, handle, more), headers)

    def _challenge(self, address: str) -> str:
        session = self.sessions.open(address)
        basic = 'Basic realm="handle"'
        if session is None:
            return basic
        shown = session.shown()
        return f'{basic}, Handle sessionId="{shown["sessionId"]}", nonce="{shown["nonce"]}"'

    async def _handle(self, asked: Asked, receive: Any, send: Any) -> None:
        handle = decoded(asked.path[len(HANDLES) + 1 :]).encode()
        query = _Query(asked)
        match asked.method:
            case "GET" | "HEAD":
                await self._read(asked, send, handle, query)
            case "PUT" | "POST":
                await self._put(asked, receive, send, handle, query)
            case "DELETE":
                who = await self._must_know(asked)
                indexes = query.indexes()
                if indexes:
                    await self._work(self._administration.remove, handle, indexes, who)
                else:
                    await self._work(self._administration.delete, with_slash(handle), who)
                await answer(asked.scope, send, 200, encode(Rc.SUCCESS, handle.decode()), [JSON, _NO_STORE])
            case _:
                raise Refusal(Rc.OPERATION_DENIED, "This is not done to handles.", 405)

    # --- reading -----------------------------------------------------------------------------------------------------

    async def _read(self, asked: Asked, send: Any, handle: bytes, query: _Query) -> None:
        asked.name = handle
        if query.callback:
            # A script of anybody's making, from the address of this node's own pages: CORS has made it needless.
            raise Refusal(Rc.OPERATION_DENIED, "callback is not offered; ask by CORS, every page may.", 400)
        who = await self._who(asked)
        if query.public_only is False and who is None:
            # Before anything is looked up: nothing is told about what is there.
            raise Refusal(Rc.AUTHENTICATION_NEEDED, "Only administrators read values that are not public.")
        request = Resolve(with_slash(handle), query.indexes(), query.types)
        code, body, verdict = await self._resolved(asked, request, who, query)
        pretty, text = query.pretty, handle.decode()
        if code in (Rc.SUCCESS, Rc.SERVICE_REFERRAL, Rc.PREFIX_REFERRAL):
            found = decode_resolved(body)
            values = {"values": [value_to_json(each) for each in sorted(found.values, key=lambda each: each.index)]}
            referred = {} if code == Rc.SUCCESS else {"referredBy": found.handle.decode(errors="replace")}
            shown = encode(code, text, values | referred, pretty=pretty)
        elif code == Rc.VALUE_NOT_FOUND:
            self._limits.miss(asked.address)
            shown = encode(code, text, {"values": []}, pretty=pretty)
        else:
            self._limits.miss(asked.address)
            message = decode_error(body)
            shown = encode(code, text, {"message": message} if message else None, pretty=pretty)
        status = READ_EMPTY if code == Rc.VALUE_NOT_FOUND else STATUS.get(code, 500)
        if who is not None or status not in (200,):
            await answer(asked.scope, send, status, shown, [JSON, _NO_STORE, _VARY])
            return
        etag = etag_of(shown)
        headers: Headers = [JSON, _REVALIDATE, _VARY, (b"etag", etag), *_signature_headers(verdict)]
        known = asked.headers.get(b"if-none-match", b"")
        same = known.strip() == b"*" or etag in [each.strip().removeprefix(b"W/") for each in known.split(b",")]
        await answer(asked.scope, send, 304 if same else 200, shown, headers)

    async def _resolved(
        self, asked: Asked, request: Resolve, who: Reference | None, query: _Query
    ) -> tuple[int, bytes, Verdict | None]:
        administrator = False
        if who is not None and query.public_only is not True:
            try:
                await self._work(self._administration.check_may_read, request.handle, who)
                administrator = True
            except MillwrightError:
                if query.public_only is False:
                    raise
        flags = 0 if administrator else int(Flag.PUBLIC_ONLY)
        # Who wants to hear it from who is responsible is told who that is.
        names = () if administrator or query.flag("auth", False) else (request.handle,)
        with await self._source.view(asked.address, *names) as view:
            try:
                code, body = resolve(view, request, flags, administrator)
                asked.said(outcome_of(code, view, request.handle), asked.name)
                return code, body, verdict_in(view, request.handle)
            except AuthenticationNeeded:
                raise Refusal(Rc.AUTHENTICATION_NEEDED) from None

    async def _list(self, asked: Asked, send: Any) -> None:
        if asked.method not in ("GET", "HEAD"):
            raise Refusal(Rc.OPERATION_DENIED, "A list is read by GET.", 405)
        query = _Query(asked)
        who = await self._must_know(asked)
        prefix = query.one("prefix")
        if not prefix:
            raise Refusal(Rc.PROTOCOL_ERROR, "Give prefix.")
        page = query.number("page", 0)
        size = query.number("pageSize", self._settings.max_page)
        size = min(size, self._settings.max_page)
        total, handles = await self._work(
            self._administration.page_of_handles, prefix.encode(), who, page * size, size
        )  # fmt: skip
        more = {
            "prefix": prefix,
            "totalCount": str(total),
            "page": page,
            "pageSize": size,
            "handles": [each.decode(errors="replace") for each in handles],
        }
        await answer(asked.scope, send, 200, encode(Rc.SUCCESS, None, more, pretty=query.pretty), [JSON, _NO_STORE])

    # --- changing ----------------------------------------------------------------------------------------------------

    async def _put(self, asked: Asked, receive: Any, send: Any, handle: bytes, query: _Query) -> None:
        who = await self._must_know(asked)
        values = _values(await body_of(receive, self._settings.max_body_bytes))
        overwrite = int(Flag.OVERWRITE) if query.flag("overwrite", True) else 0
        if "index" in query.names:
            wanted = None if query.one("index") == "various" else query.indexes()
            if wanted is not None and any(each.index not in wanted for each in values):
                raise Refusal(Rc.VALUE_INVALID, "The body has values of other indexes than those in the address.")
            await self._work(self._administration.add, handle, values, overwrite, who)
            await answer(asked.scope, send, 200, encode(Rc.SUCCESS, handle.decode()), [JSON, _NO_STORE])
            return
        if query.flag("mintNewSuffix", False):
            start = handle if b"/" in handle else handle + b"/"
            handle = await self._work(self._administration.create, start, values, int(Flag.MINT_SUFFIX), who)
            created = True
        else:
            created = not await self._work(self._is_there, handle)
            await self._work(self._administration.create, handle, values, overwrite, who)
        shown = encode(Rc.SUCCESS, handle.decode())
        await answer(asked.scope, send, 201 if created else 200, shown, [JSON, _NO_STORE])

    def _is_there(self, handle: bytes) -> bool:
        with self._records.view() as view:
            return view.find(handle) is not None

    # --- who asks ----------------------------------------------------------------------------------------------------

    async def _must_know(self, asked: Asked) -> Reference:
        who = await self._who(asked)
        if who is None:
            raise Refusal(Rc.AUTHENTICATION_NEEDED, "This needs an administrator of the handle.")
        return who

    async def _who(self, asked: Asked) -> Reference | None:
        kind, _, rest = asked.text("authorization").partition(" ")
        match kind.lower():
            case "basic":
                local = asked.address in ("127.0.0.1", "::1", "")
                if not (asked.secure or local or self._settings.secrets_without_tls):
                    text = "A secret is not taken over plain HTTP; use HTTPS or answer a challenge."
                    raise Refusal(Rc.OPERATION_DENIED, text)
                who: Reference = await self._work(by_secret, rest, self._keys_of)
                return who
            case "handle":
                given = parameters(rest)
                session = self.sessions.find(given.get("sessionid", ""))
                return await self._identity(session, given)
        return None

    async def _identity(self, session: RestSession | None, given: dict[str, str]) -> Reference | None:
        if given.get("clientcert", "").lower() == "true" and "signature" not in given:
            raise Refusal(Rc.INVALID_CREDENTIAL, "Client certificates are not taken here; answer a challenge.")
        if session is None:
            raise Refusal(Rc.AUTHENTICATION_NEEDED, "There is no such session, or no longer.")
        if "signature" in given:
            self.sessions.prove(session, await self._work(by_answer, session, given, self._keys_of))
        return session.identity

    def _keys_of(self, handle: bytes) -> tuple[HandleValue, ...]:
        with self._records.view() as view:
            record = view.find(handle)
            return record.values if record is not None else ()

    async def _session(self, asked: Asked, receive: Any, send: Any) -> None:
        rest = asked.path[len(SESSIONS) :].strip("/")
        if rest not in ("", "this"):
            raise Refusal(Rc.PROTOCOL_ERROR, "Sessions are /api/sessions and /api/sessions/this.", 404)
        given = await self._session_parameters(asked, receive)
        if asked.method == "POST" and not rest:
            session = self.sessions.open(asked.address)
            if session is None:
                raise Refusal(Rc.SERVER_BUSY, "Too many sessions are open.")
            await answer(asked.scope, send, 201, msgspec.json.encode(session.shown()), [JSON, _NO_STORE])
            return
        session = self.sessions.find(given.get("sessionid", ""))
        if session is None:
            raise Refusal(Rc.AUTHENTICATION_NEEDED, "There is no such session, or no longer.", 404)
        match asked.method:
            case "GET" | "HEAD":
                pass
            case "PUT" | "POST":
                await self._identity(session, given)
            case "DELETE":
                self.sessions.close(session)
                await answer(asked.scope, send, 204, b"", [_NO_STORE])
                return
            case _:
                raise Refusal(Rc.OPERATION_DENIED, "This is not done to sessions.", 405)
        await answer(asked.scope, send, 200, msgspec.json.encode(session.shown()), [JSON, _NO_STORE])

    async def _session_parameters(self, asked: Asked, receive: Any) -> dict[str, str]:
        """Of the authorization, or of a JSON body in its place."""
        kind, _, rest = asked.text("authorization").partition(" ")
        given = parameters(rest) if kind.lower() == "handle" else {}
        if asked.method in ("PUT", "POST"):
            body = await body_of(receive, 65_536)
            if body.strip() and "signature" not in given:
                try:
                    shown = msgspec.json.decode(body, type=dict[str, Any])
                except msgspec.DecodeError:
                    raise Refusal(Rc.PROTOCOL_ERROR, "The body is no JSON object.") from None
                given |= {name.lower(): str(value) for name, value in shown.items() if value is not None}
        return given

    async def _work(self, function: Any, *arguments: Any) -> Any:
        """Run what blocks beside the event loop; only so many at one time."""
        if self._at_work >= _AT_WORK:
            raise Refusal(Rc.SERVER_BUSY, "Too many administrators at work; try again.")
        self._at_work += 1
        try:
            return await asyncio.to_thread(function, *arguments)
        finally:
            self._at_work -= 1


class _Query:
    """The parameters of a request."""

    def __init__(self, asked: Asked) -> None:
        self._pairs = asked.pairs()
        self.names = {name for name, _ in self._pairs}
        self.types = tuple(value.encode() for name, value in self._pairs if name == "type" and value)
        self.callback = "callback" in self.names
        self.pretty = self.flag("pretty", False)
        self.public_only = self.flag("publicOnly", True) if "publicOnly" in self.names else None

    def one(self, name: str) -> str:
        """The first value of a parameter, empty without one."""
        return next((value for each, value in self._pairs if each == name), "")

    def flag(self, name: str, default: bool) -> bool:
        """Whether a parameter says yes."""
        return self.one(name).lower() in _TRUE if name in self.names else default

    def number(self, name: str, default: int) -> int:
        """A number that is not negative."""
        text = self.one(name)
        if not text:
            return default
        if text == "-1":
            # Handle.Net: without pages.
            return 0 if name == "page" else default
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refusal(Rc.PROTOCOL_ERROR, f"{name} is no number.")
        return int(text)

    def indexes(self) -> tuple[int, ...]:
        """The indexes asked for."""
        given = [part for name, value in self._pairs if name == "index" for part in value.split(",") if part]
        if any(not (each.isascii() and each.isdigit() and len(each) < 11) for each in given):
            raise Refusal(Rc.PROTOCOL_ERROR, "An index is no number.")
        return tuple(int(each) for each in given)


def _signature_headers(verdict: Verdict | None) -> Headers:
    return _NO_HEADERS if verdict is None else [(SIGNATURE_HEADER, verdict.told.encode())]


def _public_body(handle: bytes, record: StoredRecord) -> bytes | None:
    values = public_values(record.data)
    if not values:
        return None
    return b'{"responseCode":1,"handle":%b,"values":[%b]}' % (quoted(handle), b"".join(values))


def _values(body: bytes) -> tuple[HandleValue, ...]:
    try:
        shown = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Refusal(Rc.PROTOCOL_ERROR, f"The body is no JSON: {error}") from None
    listed = shown.get("values") if isinstance(shown, dict) else shown
    if not isinstance(listed, list):
        raise Refusal(Rc.PROTOCOL_ERROR, 'The body is a list of values, or an object with "values".')
    return tuple(value_from_json(each) for each in listed)


def _handle_text(path: str) -> str | None:
    """The handle in an address, for an answer that refuses."""
    if not path.startswith(f"{HANDLES}/"):
        return None
    try:
        return decoded(path[len(HANDLES) + 1 :])
    except MillwrightError:
        return None


QUICK_HEADERS: Headers = [JSON, _REVALIDATE, _VARY, *CORS]
"""Headers of the answer to the common question, beside its ETag and its length."""
