"""The HTTP connector and its session. An address is ``[path]#place``, or a place in the document of the settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import msgspec

from millwright.devices.connectors.contract import (
    BAD,
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Node,
    NodePage,
    Point,
    Sample,
    Session,
    Value,
    ValueType,
    Word,
)
from millwright.devices.connectors.http_poll.settings import HttpPollSettings
from millwright.devices.connectors.json_path import (
    MOST_STEPS,
    Search,
    Step,
    TooMuch,
    find,
    moment_ms,
    own_name,
    parse_place,
    pointer,
    scalar,
)
from millwright.devices.connectors.polling import Group, Outcome, follow
from millwright.kernel import Denied, Invalid, Unavailable

if TYPE_CHECKING:
    import httpx

_PAGE: Final = 200
_LONGEST_REST_S: Final = 60.0


class _NoDocument(Exception):
    """The source answered, and not with a document."""


@dataclass(slots=True)
class _Item:
    key: str
    place: Sequence[Step]
    deadband: float = 0.0
    last: Sample | None = None


@dataclass(slots=True)
class _Block:
    """One document, and the places that are wanted of it."""

    path: str
    items: list[_Item] = field(default_factory=list)
    not_before: float = 0.0

    def bad(self, note: str) -> list[Sample]:
        return [Sample(item.key, None, None, BAD, note) for item in self.items]


def _parse(address: str) -> tuple[str, Sequence[Step]]:
    path, mark, place = address.partition("#")
    if not mark:
        path, place = "", address
    try:
        parts = urlsplit(path)
        if parts.scheme or parts.netloc or not address.isprintable():
            raise _wrong(address, "a path leads to no other server, and holds no control characters")
        return path, parse_place(place)
    except ValueError as error:
        raise _wrong(address, str(error)) from error


def _wrong(address: str, why: str) -> Invalid:
    return Invalid(
        f"{address!r} is no place in a document: {why}.",
        code="connectors.address_invalid",
        hint="Write it as /sensors/0/value or sensors[name=inlet].value, of another document as rooms/2#/temperature.",
    )


class HttpPollSession(Session):
    """A source that answered once."""

    def __init__(self, client: httpx.AsyncClient, settings: HttpPollSettings) -> None:
        self._client, self._settings = client, settings
        self._time_place = parse_place(settings.time_place) if settings.time_place else None
        self._ended = asyncio.Event()
        self.server = ""

    async def _fetch(self, path: str) -> Any:
        import httpx

        url = urljoin(self._settings.url, path) if path else self._settings.url
        content = self._settings.body.encode() if self._settings.method == "POST" else None
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._client.stream(self._settings.method, url, content=content) as answer,
            ):
                self.server = answer.headers.get("server", "")
                if answer.status_code != 200:
                    raise _NoDocument(f"HTTP {answer.status_code} {answer.reason_phrase}".strip())
                data = bytearray()
                async for piece in answer.aiter_bytes():
                    data += piece
                    if len(data) > self._settings.max_bytes:
                        raise _NoDocument(f"more than {self._settings.max_bytes} bytes")
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise _NoDocument(str(error)) from error
        try:
            return msgspec.json.decode(bytes(data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise _NoDocument(f"no JSON: {error}") from error

    async def _ask(self, block: _Block) -> Outcome[_Block]:
        import httpx

        try:
            document = await self._fetch(block.path)
        except _NoDocument as error:
            return Outcome(block.bad(str(error)))
        except httpx.ConnectError as error:
            raise _unreachable(self._settings.url, error) from error
        except (TimeoutError, httpx.HTTPError) as error:
            note = f"no whole answer within {self._settings.timeout_s:g} s" if isinstance(error, TimeoutError) else ""
            note = note or f"{type(error).__name__}: {error}"
            return Outcome(block.bad(note), silent=note)
        when, note = self._time(document)
        search = Search(MOST_STEPS)
        try:
            return Outcome([_sample(item, document, when, note, search) for item in block.items])
        except TooMuch:
            return Outcome(block.bad("the document and its points are too much to look up at once"))

    def _time(self, document: Any) -> tuple[int | None, str]:
        if self._time_place is None:
            return None, ""
        try:
            return moment_ms(find(document, self._time_place)), ""
        except (LookupError, ValueError) as error:
            return None, f"its time: {error}"

    def _plan(self, items: Sequence[tuple[str, str, float]]) -> list[_Block]:
        blocks: dict[str, _Block] = {}
        for key, address, deadband in items:
            path, place = _parse(address)
            blocks.setdefault(path, _Block(path)).items.append(_Item(key, place, deadband))
        return list(blocks.values())

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says."""
        begin = time.monotonic()
        by_interval: dict[int, list[tuple[str, str, float]]] = {}
        for point in points:
            by_interval.setdefault(point.interval_ms, []).append((point.id, point.address, point.deadband))
        documents: dict[str, list[Group[_Block]]] = {}
        for interval_ms, items in by_interval.items():
            for block in self._plan(items):
                documents.setdefault(block.path, []).append(Group(interval_ms / 1000, [block], begin))
        await follow([*documents.values()], self._ask, deliver, self._until_closed, _LONGEST_REST_S)

    async def _until_closed(self) -> None:
        await self._ended.wait()
        raise Unavailable("The session is closed.", code="connectors.lost", hint="Nothing to do: it is opened again.")

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says."""
        found: dict[str, Sample] = {}
        for block in self._plan([(each, each, 0.0) for each in dict.fromkeys(addresses)]):
            found.update((sample.point_id, sample) for sample in (await self._ask(block)).samples)
        return [found[address] for address in addresses]

    async def identify(self) -> Identity:
        """As the contract says: what the header ``Server`` says."""
        return Identity(product=self.server)

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """As the contract says: the members of the document."""
        import httpx

        path, steps = _parse(parent or "")
        try:
            inside = find(await self._fetch(path), steps)
        except (LookupError, _NoDocument) as error:
            raise _wrong(parent or "", str(error)) from error
        except (TimeoutError, httpx.HTTPError) as error:
            raise _unreachable(self._settings.url, error) from error
        if not isinstance(inside, dict | list):
            return NodePage(items=[])
        members = (
            list(inside.items()) if isinstance(inside, dict) else [(str(n), each) for n, each in enumerate(inside)]
        )
        # What was found by a condition is named by it, so that it is found again where the list changes.
        base = (parent or "").partition("#")[2] if "#" in (parent or "") else (parent or "")
        mark = f"{path}#" if path else ""
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        nodes = [_node(mark, base, name, value) for name, value in members[start : start + _PAGE]]
        return NodePage(items=nodes, next=str(start + _PAGE) if start + _PAGE < len(members) else None)

    async def close(self) -> None:
        """As the contract says."""
        self._ended.set()
        await self._client.aclose()


def _node(mark: str, base: str, name: str, value: Any) -> Node:
    if base and not base.startswith("/"):
        base = pointer([str(step) for step in parse_place(base)])
    inner = isinstance(value, dict | list)
    return Node(
        address=f"{mark}{base}{pointer([name])}",
        name=name,
        kind="folder" if inner else "variable",
        has_children=inner and bool(value),
        description=own_name(value),
        type=None if inner else _type_of(value),
        value=None if inner else value,
    )


def _type_of(value: Value) -> ValueType | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def _sample(item: _Item, document: Any, when: int | None, note: str, search: Search) -> Sample:
    try:
        value = scalar(find(document, item.place, search))
    except (LookupError, ValueError) as error:
        return Sample(item.key, None, when, BAD, str(error))
    return Sample(item.key, None, None, BAD, note) if note else Sample(item.key, value, when)


def _unreachable(url: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"{urlsplit(url).netloc.rpartition('@')[2]} cannot be reached: {str(error) or type(error).__name__}.",
        code="connectors.unreachable",
        hint="Check the URL, the certificate, and that this node may connect there.",
    )


class HttpPollConnector(Connector[HttpPollSettings]):
    """JSON over HTTP."""

    settings = HttpPollSettings
    kind = ConnectorKind(
        key="http_poll",
        title=Word("HTTP (JSON)", "HTTP（JSON）"),
        summary=Word(
            "Values out of JSON documents of a web server, fetched at an interval.",
            "按间隔从网页服务器的 JSON 文档取值。",
        ),
        capabilities=frozenset({"browse", "secure"}),
        address_hint=Word(
            "A place in the document: /sensors/0/value or sensors[name=inlet].value; of another: rooms/2#/temperature",
            "文档中的位置：/sensors/0/value 或 sensors[name=inlet].value；其他文档如 rooms/2#/temperature",
        ),
        does_not=Word(
            "No XML, CSV, paging, OAuth or writing; redirects are not followed. Webhooks: another connector.",
            "不支持 XML、CSV、分页、OAuth 和写入；不跟随重定向。接收推送请用 Webhook 连接器。",
        ),
        standard="RFC 9110, RFC 8259, RFC 6901",
    )

    async def open(self, settings: HttpPollSettings) -> HttpPollSession:
        """As the contract says; asks for the document once, and takes any answer but a refusal."""
        import httpx

        self._check(settings)
        headers: Mapping[str, str] = {
            "accept": "application/json",
            **({"content-type": "application/json"} if settings.method == "POST" else {}),
            **settings.headers,
            **({"authorization": f"Bearer {settings.token}"} if settings.token else {}),
            **({settings.api_key_header: settings.api_key} if settings.api_key else {}),
        }
        try:
            client = httpx.AsyncClient(
                headers=headers,
                auth=(settings.user, settings.password) if settings.user else None,
                verify=_tls(settings) if settings.url.startswith("https") else False,
                timeout=settings.timeout_s,
                follow_redirects=False,
                trust_env=False,
            )
        except (ValueError, UnicodeError) as error:
            raise _settings_wrong(str(error)) from error
        session = HttpPollSession(client, settings)
        try:
            await session._fetch("")
        except _NoDocument as error:
            if str(error).startswith(("HTTP 401", "HTTP 403")):
                await session.close()
                raise Denied(
                    f"The source refuses us: {error}.",
                    code="connectors.refused",
                    hint="Check user and password, token or API key.",
                ) from error
        except (TimeoutError, httpx.HTTPError) as error:
            await session.close()
            raise _unreachable(settings.url, error) from error
        except BaseException:
            await session.close()
            raise
        return session

    def _check(self, settings: HttpPollSettings) -> None:
        try:
            parts = urlsplit(settings.url)
            parse_place(settings.time_place)
            if not parts.hostname or (parts.port or 1) < 1:
                raise _settings_wrong("the URL has no host")
        except ValueError as error:
            raise _settings_wrong(str(error)) from error
        if "@" in parts.netloc:
            raise _settings_wrong("a URL is no place for a password")

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says; a document tells no types beforehand."""
        _parse(address)
        return None


def _settings_wrong(why: str) -> Invalid:
    return Invalid(
        f"These settings cannot be used: {why}.",
        code="connectors.settings_invalid",
        hint="Write the URL as http://192.168.1.20/status.json; user, password and token have settings of their own.",
    )


def _tls(settings: HttpPollSettings) -> Any:
    import ssl

    try:
        context = ssl.create_default_context(cadata=settings.ca or None)
    except ssl.SSLError as error:
        raise _settings_wrong(f"the certificates cannot be read ({error.reason or 'no PEM'})") from error
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
