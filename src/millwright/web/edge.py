"""The outermost layer: what holds for every request, whichever route it takes.

Request id, client address, who is signed in, cross-origin protection, media types, body size, security headers,
and the console's files. Plain ASGI around Litestar, so that it also covers what Litestar refuses by itself.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar.exceptions import HTTPException
from litestar.types import Receive, Send

from millwright.kernel import MillwrightError
from millwright.kernel.scope import NOTHING, enter, leave
from millwright.parties import NOBODY, Parties, Session
from millwright.parties.cookies import COOKIE
from millwright.web import problems
from millwright.web.audit import Audit
from millwright.web.console_files import ConsoleFiles
from millwright.web.settings import WebSettings

logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_PROCESS = secrets.token_hex(4)
_count = itertools.count(1)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_TYPES = frozenset(
    {
        b"application/json",
        b"application/x-ndjson",
        b"application/vnd.apache.arrow.stream",
        b"application/octet-stream",
        b"application/pkcs10",
        b"multipart/form-data",
        b"text/csv",
    }
)
_GIVEN_TYPES = ("*/*", "application/", "text/")
_OURS = ("/api/", "/.well-known/est/", "/healthz", "/readyz", "/metrics", "/openapi.json")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


class Edge:
    """Wraps the application; counts requests."""

    def __init__(
        self,
        app: Audit,
        parties: Parties,
        settings: WebSettings,
        console: ConsoleFiles,
        methods: Callable[[str], list[str]],
    ) -> None:
        self._app, self._parties, self._console, self._methods = app, parties, console, methods
        self._max_body = settings.max_body_bytes
        self._proxies = frozenset(settings.trusted_proxies)
        self._origins = {_origin(settings.public_url)} if settings.public_url else set()
        self.requests = 0
        self.failures = 0
        self.in_flight = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": "no web sockets here"})
                return
            await self._app(scope, receive, send)
            return
        self.requests += 1
        self.in_flight += 1
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        scope["request_id"] = request_id
        self._believe_proxy(scope, headers)
        answer = _Answer(scope, send, request_id)
        token = enter(NOTHING)  # until the guard of the route says more
        try:
            if not scope["path"].startswith(_OURS):
                await self._console(scope, receive, answer)
                return
            problem = await self._refusal(scope, headers)
            if problem is not None:
                await self._app.refused(scope, problem)
                await send_problem(answer, problem, request_id)
                return
            methods = self._methods(scope["path"]) if scope["method"] == "OPTIONS" else []
            if methods:  # the routes of one path each know only themselves
                await _send(answer, 204, [(b"allow", ", ".join(methods).encode())])
                return
            await self._app(scope, self._limited(receive), answer)
        except (MillwrightError, BodyTooLarge) as error:
            if answer.started:  # too late to say so: an answer that breaks off is seen as such
                raise
            await send_problem(answer, problems.of_exception(error), request_id)
        finally:
            leave(token)
            self.in_flight -= 1
            self.failures += answer.status >= 500

    # --- before ------------------------------------------------------------------------------------------------------

    async def _refusal(self, scope: Any, headers: dict[bytes, bytes]) -> problems.Problem | None:
        """Sets ``scope["auth"]``, and says why the request is refused before it is routed, if it is."""
        scope["user"] = None
        scope["auth"] = None
        scope["authority"] = NOBODY
        length = headers.get(b"content-length")
        if length is not None and (not length.isdigit() or int(length) > self._max_body):
            return problems.of_status(413 if length.isdigit() else 400)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return problems.of_status(400, "An address holds no NUL.")  # PostgreSQL takes none either
        unsafe = scope["method"] not in _SAFE
        media = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()
        has_body = length not in (None, b"0") or b"transfer-encoding" in headers
        if unsafe and has_body and media not in _BODY_TYPES and not media.endswith(b"+json"):
            return problems.of_status(415)
        if not _acceptable(headers.get(b"accept")):
            return problems.of_status(406)
        secret, by_cookie = _secret(headers)
        if unsafe and not self._same_origin(scope, headers, strict=by_cookie):
            return problems.of_status(
                403,
                "A request with the console's cookie must come from the console.",
                code="web.cross_origin",
                hint="Programs use a token: `Authorization: Bearer mwt_…`. "
                "Behind a proxy under another name, set [web] public_url.",
            )
        session: Session | None = await self._parties.find_session(secret) if secret else None
        scope["auth"] = session
        scope["user"] = session.person if session else None
        if session is not None:
            scope["authority"] = await self._parties.authority(session)
        return None

    def _same_origin(self, scope: Any, headers: dict[bytes, bytes], *, strict: bool) -> bool:
        """Whether a browser's request comes from this node's own pages; ``strict`` wants it proved."""
        site = headers.get(b"sec-fetch-site")
        origin = headers.get(b"origin")
        if origin is not None:
            host = headers.get(b"host", b"").decode("latin-1")
            own = self._origins | {f"{scope['scheme']}://{host}".lower()}
            return origin.decode("latin-1").lower() in own
        if site is not None:
            return site in (b"same-origin", b"none")
        return not strict

    def _believe_proxy(self, scope: Any, headers: dict[bytes, bytes]) -> None:
        client = scope.get("client")
        if not self._proxies or not client or client[0] not in self._proxies:
            return
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        outside = [hop for hop in hops if hop not in self._proxies]
        if outside:
            scope["client"] = (outside[-1][:64], 0)
        scheme = headers.get(b"x-forwarded-proto")
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()

    def _limited(self, receive: Receive) -> Receive:
        taken = 0

        async def limited() -> Any:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self._max_body:
                    raise BodyTooLarge
            return message

        return limited


class _Answer:
    """Sends an answer with the headers that every answer has; knows what was answered."""

    def __init__(self, scope: Any, send: Send, request_id: str) -> None:
        self._send = send
        self._extra = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
        if scope["scheme"] == "https":
            self._extra.append(_STRICT_TRANSPORT)
        self.status = 0

    @property
    def started(self) -> bool:
        """Whether the status was sent."""
        return self.status > 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            present = {name for name, _ in message["headers"]}
            policy = () if b"content-security-policy" in present else (API_POLICY,)
            message["headers"] = [*message["headers"], *self._extra, *policy]
        await self._send(message)


class BodyTooLarge(HTTPException):
    """More body came than the limit; raised inside the route that reads it."""

    status_code = 413


async def send_problem(send: Send, problem: problems.Problem, request_id: str) -> None:
    """Answer with a problem."""
    body = problems.encode(problem, request_id)
    headers = {"content-type": problems.MEDIA_TYPE, "content-length": str(len(body)), **problems.headers_of(problem)}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await _send(send, problem.status, encoded, body)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _request_id(given: bytes | None) -> str:
    if given is not None and _REQUEST_ID.match(given):
        return given.decode()
    return f"{_PROCESS}{next(_count):08x}"


def secret_of(scope: Any) -> str:
    """The secret a request carries; empty when it carries none."""
    return _secret(dict(scope["headers"]))[0]


def _secret(headers: dict[bytes, bytes]) -> tuple[str, bool]:
    """The secret a request carries, and whether it came as the console's cookie. A bearer token goes first."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, value = authorization.decode("latin-1").partition(" ")
        return (value.strip(), False) if scheme.lower() == "bearer" else ("", False)
    # By hand: the standard library's parser gives up at the first cookie it does not like, and browsers send along
    # those of every other program on this host, whatever its port.
    for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"'), True
    return "", False


def _acceptable(accept: bytes | None) -> bool:
    return accept is None or not accept.strip() or any(kind in accept.decode("latin-1") for kind in _GIVEN_TYPES)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
