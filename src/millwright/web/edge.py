"""The outermost layer: what holds for every request, whichever route it takes.

Request id, client address, the name it was sent to, who is signed in, cross-origin protection, media types, sizes and
pace of what comes, security headers, and the console's files. Plain ASGI around Litestar, so that it also covers what
Litestar refuses by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from litestar.exceptions import HTTPException
from litestar.types import Receive, Send

from millwright.kernel import LimitExceeded, MillwrightError
from millwright.kernel.scope import NOTHING, enter, leave
from millwright.parties import NOBODY, Parties, Session
from millwright.parties.cookies import COOKIE, cookie_name
from millwright.parties.guards import ORGANISATION_HEADER
from millwright.web import problems
from millwright.web.audit import Audit
from millwright.web.calls import Calls
from millwright.web.console_files import ConsoleFiles
from millwright.web.hosts import Hosts
from millwright.web.public import PublicApplication
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
_FORM = b"application/x-www-form-urlencoded"
_FORM_PATH = re.compile(r"/api/v1/session/oidc/[^/]+/logout\Z")  # OpenID Connect Back-Channel Logout §2.5 wants a form
_PICTURE_PATH = "/api/v1/carriers/read"
_ONCE = (b"host", b"content-length", b"content-type", b"transfer-encoding", b"authorization", b"origin")
_ORGANISATION = ORGANISATION_HEADER.encode()
_MOST_HEADER_BYTES = 32 * 1024
_LONGEST_PATH = 8 * 1024
_UNRESTRICTED = re.compile(r"/api/v1/(?:session|account|setup)(?:/|\Z)")  # not /sessions, nor what may come later
_OURS = ("/api/", "/.well-known/est/", "/healthz", "/readyz", "/metrics", "/openapi.json")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (
        b"permissions-policy",
        b"camera=(self), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=(), "
        b"publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
)
API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")
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
        calls: Calls | None = None,
        public: PublicApplication | None = None,
        devices: PublicApplication | None = None,
    ) -> None:
        self._public, self._devices = public, devices
        self._app, self._parties, self._console, self._methods = app, parties, console, methods
        self._calls = calls or Calls()
        self._max_body = settings.max_body_bytes
        self._proxies = frozenset(settings.trusted_proxies)
        self._hosts = Hosts(settings)
        self._body_timeout_s = settings.body_timeout_s
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
        _join_cookies(scope)
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        scope["request_id"] = request_id
        self._believe_proxy(scope, headers)
        answer = _Answer(scope, send, request_id)
        token = enter(NOTHING)  # until the guard of the route says more
        try:
            malformed = self._malformed(scope, headers)
            if malformed is not None:
                await send_problem(answer, malformed, request_id)
                return
            if self._public is not None and self._public.takes(scope["path"]):
                await self._public(scope, receive, answer)
                return
            if self._devices is not None and self._devices.takes(scope["path"]):
                await self._devices(scope, self._limited(receive), answer)
                return
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
        except (MillwrightError, BodyTooLarge, BodyTooSlow) as error:
            if answer.started:  # too late to say so: an answer that breaks off is seen as such
                raise
            await send_problem(answer, problems.of_exception(error), request_id)
        finally:
            leave(token)
            self.in_flight -= 1
            self.failures += answer.status >= 500

    # --- before ------------------------------------------------------------------------------------------------------

    def _malformed(self, scope: Any, headers: dict[bytes, bytes]) -> problems.Problem | None:
        """Says why a request is refused whatever it asks for; sets ``scope["public_origin"]``."""
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > _LONGEST_PATH:
            return problems.of_status(414)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADER_BYTES:
            return problems.of_status(431)
        names = [name for name, _ in scope["headers"]]
        twice = any(names.count(name) > 1 for name in _ONCE)
        # Both lengths at once is how requests are smuggled past a proxy (RFC 9112 §6.1).
        if twice or (b"content-length" in headers and b"transfer-encoding" in headers):
            return problems.of_status(400)
        host = headers.get(b"host")
        if not self._hosts.allows(host):
            return problems.of_status(421, "This node has another name.")
        scope["public_origin"] = self._hosts.origin(scope["scheme"], host or b"")
        return None

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
        form = media == _FORM and _FORM_PATH.match(scope["path"]) is not None
        picture = media.startswith(b"image/") and scope["path"] == _PICTURE_PATH
        known = media in _BODY_TYPES or media.endswith(b"+json") or form or picture
        if unsafe and has_body and not known:
            return problems.of_status(415)
        if not _acceptable(headers.get(b"accept")):
            return problems.of_status(406)
        secret, by_cookie = _secret(scope, headers)
        if unsafe and not self._same_origin(scope, headers, strict=by_cookie):
            return problems.of_status(
                403,
                "A request with the console's cookie must come from the console.",
                code="web.cross_origin",
                hint="Programs use a token: `Authorization: Bearer mwt_…`. "
                "Behind a proxy under another name, set [web] public_url.",
            )
        address = scope["client"][0] if scope.get("client") else ""
        session: Session | None = await self._parties.find_session(secret, address) if secret else None
        scope["auth"] = session
        scope["user"] = session.person if session else None
        if session is not None:
            scope["authority"] = await self._parties.authority(session)
        scope["proved"] = session is not None and self._parties.is_proved(session)
        if session is not None and session.restricted and _UNRESTRICTED.match(scope["path"]) is None:
            return problems.of_status(
                403,
                "Your role takes a second factor.",
                code="parties.second_factor_required",
                hint="Set one up under My account, Security, or show it there.",
            )
        return None if session is None else self._too_many(scope, headers, session)

    def _too_many(self, scope: Any, headers: dict[bytes, bytes], session: Session) -> problems.Problem | None:
        """Counts the call, or says why it is one too many; sets ``scope["rate_limit"]``, headers of the answer."""
        chosen = headers.get(_ORGANISATION, b"").decode("latin-1") or None
        if chosen is None and b"organisation_id=" in scope["query_string"]:  # a browser's way to say it
            query = parse_qs(scope["query_string"].decode("latin-1"))
            chosen = query.get("organisation_id", [None])[0]
        try:
            scope["rate_limit"] = self._calls.admit(scope["path"], session, scope["authority"], chosen)
        except LimitExceeded as error:
            scope["rate_limit"] = self._calls.headers_of(error)
            return problems.of_error(error)
        return None

    def _same_origin(self, scope: Any, headers: dict[bytes, bytes], *, strict: bool) -> bool:
        """Whether a browser's request comes from this node's own pages; ``strict`` wants it proved."""
        site = headers.get(b"sec-fetch-site")
        origin = headers.get(b"origin")
        if origin is not None:
            host = headers.get(b"host", b"").decode("latin-1")
            own = (scope["public_origin"], f"{scope['scheme']}://{host}".lower())
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
        complete = False

        async def limited() -> Any:
            nonlocal taken, complete
            if complete:  # only the end of the connection can still come, and that may take as long as it likes
                return await receive()
            try:
                message: Any = await asyncio.wait_for(receive(), self._body_timeout_s)
            except TimeoutError:
                raise BodyTooSlow from None
            if message["type"] == "http.request":
                complete = not message.get("more_body", False)
                taken += len(message.get("body", b""))
                if taken > self._max_body:
                    raise BodyTooLarge
            return message

        return limited


class _Answer:
    """Sends an answer with the headers that every answer has; knows what was answered."""

    def __init__(self, scope: Any, send: Send, request_id: str) -> None:
        self._send, self._scope = send, scope
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
            absent = [each for each in (API_POLICY, _NO_STORE) if each[0] not in present]
            paced = self._scope.get("rate_limit", ())
            extra = [each for each in self._extra if each[0] not in present]
            message["headers"] = [*message["headers"], *extra, *paced, *absent]
        await self._send(message)


class BodyTooLarge(HTTPException):
    """More body came than the limit; raised inside the route that reads it."""

    status_code = 413


class BodyTooSlow(HTTPException):
    """Nothing more of the body came for too long."""

    status_code = 408


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


def _join_cookies(scope: Any) -> None:
    """Over HTTP/2 a browser may send each cookie in a field of its own (RFC 9113 §8.2.3): make them one again."""
    crumbs = [value for name, value in scope["headers"] if name == b"cookie"]
    if len(crumbs) > 1:
        others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        scope["headers"] = [*others, (b"cookie", b"; ".join(crumbs))]


def secret_of(scope: Any) -> str:
    """The secret a request carries; empty when it carries none."""
    return _secret(scope, dict(scope["headers"]))[0]


def _secret(scope: Any, headers: dict[bytes, bytes]) -> tuple[str, bool]:
    """The secret a request carries, and whether it came as the console's cookie. A bearer token goes first."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        kind, _, value = authorization.decode("latin-1").partition(" ")
        return (value.strip(), False) if kind.lower() == "bearer" else ("", False)
    # By hand: the standard library's parser gives up at the first cookie it does not like, and browsers send along
    # those of every other program on this host, whatever its port.
    wanted = cookie_name(COOKIE, scope["scheme"])
    for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            return value.strip('"'), True
    return "", False


def _acceptable(accept: bytes | None) -> bool:
    return accept is None or not accept.strip() or any(kind in accept.decode("latin-1") for kind in _GIVEN_TYPES)
