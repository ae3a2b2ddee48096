"""Plain ASGI: what is asked, and answers with the headers that all of them have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from millwright.kernel import Invalid, LimitExceeded

Headers = list[tuple[bytes, bytes]]

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-expose-headers", b"ETag, Handle-Signature, Link, Location, Retry-After, WWW-Authenticate"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
"""What everybody may read, every page of the web may read; no cookie is ever looked at."""

JSON = (b"content-type", b"application/json;charset=UTF-8")
PROBLEM = (b"content-type", b"application/problem+json")
_BODY_S = 30.0
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,260}")


class Asked:
    """A request, taken apart."""

    __slots__ = (
        "address", "guessed", "headers", "method", "name", "outcome", "path", "query_string", "scope", "secure",
    )  # fmt: skip

    def __init__(self, scope: Any, trusted: frozenset[str] = frozenset()) -> None:
        self.scope = scope
        self.outcome, self.name, self.guessed = "", b"", b""
        """What became of a resolution and of which name, once that is known (:meth:`said`)."""
        self.method: str = scope["method"]
        self.path: str = raw_path(scope)
        """As it was sent, percent escapes and all."""
        self.query_string: str = scope["query_string"].decode("latin-1")
        self.headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            # Several fields of one name are one list (RFC 9110, 5.3).
            self.headers[name] = self.headers[name] + b", " + value if name in self.headers else value
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self.secure: bool = scope.get("scheme") == "https"
        if trusted and self.address in trusted:
            self._believe(trusted)

    def _believe(self, trusted: frozenset[str]) -> None:
        hops = [hop.strip() for hop in self.text("x-forwarded-for").split(",") if hop.strip()]
        outside = [hop for hop in hops if hop not in trusted]
        if outside:
            self.address = outside[-1][:64]
        self.secure = self.text("x-forwarded-proto") == "https"

    def said(self, outcome: str, name: bytes = b"", guessed: bytes = b"") -> None:
        """Note what became of the resolution of ``name``, for who watches; ``guessed``: it stood in for this one, which
        is not registered."""
        self.outcome, self.name, self.guessed = outcome, name, guessed

    def text(self, name: str) -> str:
        """A header, empty when it is not there."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    def pairs(self) -> list[tuple[str, str]]:
        """The query's parameters in order. Raises ``Invalid`` (``resolution.query_invalid``)."""
        try:
            return parse_qsl(self.query_string, keep_blank_values=True, max_num_fields=200, errors="strict")
        except ValueError as error:
            raise Invalid(
                "The query cannot be read.", code="resolution.query_invalid", hint="Write it as name=value&name=value."
            ) from error

    def origin(self, public_url: str) -> str:
        """Where the public reaches this resolver, without a slash at the end."""
        if public_url:
            return public_url.rstrip("/")
        if known := self.scope.get("public_origin"):
            return str(known)
        host = self.text("host")
        return f"{'https' if self.secure else 'http'}://{host if _HOST.fullmatch(host) else 'localhost'}"


def raw_path(scope: Any) -> str:
    """The path as it was sent."""
    raw = scope.get("raw_path")
    return str(raw.decode("latin-1").partition("?")[0]) if raw else str(scope["path"])


def decoded(path: str) -> str:
    """A path's text with its percent escapes decoded. Raises ``Invalid`` (``resolution.path_invalid``)."""
    try:
        return unquote_to_bytes(path.encode()).decode() if "%" in path or not path.isascii() else path
    except UnicodeDecodeError as error:
        raise Invalid(
            "The address is not UTF-8.", code="resolution.path_invalid", hint="Escape the bytes of UTF-8 by %."
        ) from error


async def answer(scope: Any, send: Any, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Send an answer; to HEAD without its body."""
    given = [*headers, *CORS]
    if status not in (204, 304):
        given.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": given})
    silent = scope["method"] == "HEAD" or status in (204, 304)
    await send({"type": "http.response.body", "body": b"" if silent else body, "more_body": False})


async def preflight(scope: Any, send: Any, methods: str, more: Headers | None = None) -> None:
    """Answer OPTIONS: what may be done, from pages of anybody."""
    allowed = methods.encode()
    headers: Headers = [
        (b"allow", allowed),
        (b"access-control-allow-methods", allowed),
        (b"access-control-allow-headers", b"Accept, Accept-Language, Authorization, Content-Type, If-None-Match"),
        (b"access-control-max-age", b"86400"),
        *(more or []),
    ]
    await answer(scope, send, 204, b"", headers)


async def body_of(receive: Any, most: int) -> bytes:
    """The request's body. Raises ``LimitExceeded`` (``resolution.too_large``, ``resolution.too_slow``)."""
    parts, size = [], 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), _BODY_S)
        except TimeoutError as error:
            raise LimitExceeded(
                "The body came too slowly.", code="resolution.too_slow", hint="Send the request again."
            ) from error
        if message["type"] != "http.request":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise LimitExceeded(
                f"A body has at most {most:,} bytes.", code="resolution.too_large", hint="Change fewer values at once."
            )
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def problem(
    scope: Any,
    send: Any,
    status: int,
    code: str,
    title: str,
    more: dict[str, Any] | None = None,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer with what went wrong (RFC 9457)."""
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "code": code} | (more or {}))
    await answer(scope, send, status, body, [PROBLEM, (b"cache-control", b"no-store"), *headers])


async def circle(asked: Asked, send: Any) -> None:
    """Answer a question that nodes have sent round in a circle (RFC 5842, 7.2)."""
    text = "Two nodes send this question to each other: neither keeps the identifier."
    await problem(asked.scope, send, 508, "resolution.circle", text)


def preferences(header: str) -> list[tuple[str, float]]:
    """The choices of an Accept or Accept-Language header with their weights, in lower case (RFC 9110, 12.4.2)."""
    found = []
    for each in header.split(",")[:50]:
        value, *parameters = [part.strip() for part in each.split(";")]
        weight = 1.0
        for parameter in parameters:
            name, _, number = parameter.partition("=")
            if name.strip().lower() == "q":
                try:
                    weight = min(max(float(number), 0.0), 1.0)
                except ValueError:
                    weight = 0.0
        if value:
            found.append((value.lower(), weight))
    return found


def weight_of_media(kind: str, accepted: list[tuple[str, float]]) -> float:
    """How welcome a media type is; 1 where nothing was said."""
    if not accepted:
        return 1.0
    main = kind.partition("/")[0]
    best = (-1, 0.0)
    for value, weight in accepted:
        rank = 2 if value == kind else 1 if value == f"{main}/*" else 0 if value == "*/*" else -1
        best = max(best, (rank, weight)) if rank >= 0 else best
    return best[1]


def weight_of_language(tag: str, accepted: list[tuple[str, float]]) -> float:
    """How welcome a language is (RFC 4647, 3.3.1: ``en`` welcomes ``en-GB``; and the other way round)."""
    tag = tag.lower()
    best = 0.0
    for value, weight in accepted:
        if value == "*":
            best = max(best, weight * 0.01)
        elif tag == value:
            best = max(best, weight)
        elif tag.startswith(f"{value}-") or value.startswith(f"{tag}-"):
            best = max(best, weight * 0.9)
    return best


def language_of(asked: Asked) -> str:
    """``zh`` or ``en``, as its reader likes."""
    accepted = preferences(asked.text("accept-language"))
    return "zh" if weight_of_language("zh", accepted) > weight_of_language("en", accepted) else "en"
