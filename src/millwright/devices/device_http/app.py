"""The ASGI application; errors are raised, and told by whoever it is mounted in."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import orjson

from millwright.devices.device_http.settings import DeviceHttpSettings
from millwright.devices.device_http.taking import IntakeDesk
from millwright.devices.errors import device_token_wrong, invalid
from millwright.devices.mqtt.ports import Authenticator, Principal, Refusal
from millwright.historian import HistorianClient
from millwright.kernel import LimitExceeded, Unavailable, Unsupported

TELEMETRY: Final = "v1/devices/me/telemetry"
ATTRIBUTES: Final = "v1/devices/me/attributes"
_BY_TOKEN: Final = re.compile(r"/api/v1/([^/]{1,512})/(telemetry|attributes)\Z")
_BY_ID: Final = re.compile(r"/api/v1/devices/([^/]{1,64})/telemetry\Z")
_UNAVAILABLE: Final = 3
_MOST_KEYS: Final = 1000


class DeviceHttp:
    """Answers devices. ``door`` knows them by their tokens, and reports those it does not know as arrivals."""

    def __init__(
        self, door: Authenticator, desk: IntakeDesk, historian: HistorianClient, settings: DeviceHttpSettings
    ) -> None:
        self._door, self._desk, self._historian, self._settings = door, desk, historian, settings
        self.requests = 0

    @property
    def answers_devices(self) -> bool:
        """Whether it does."""
        return self._settings.enabled

    def takes(self, path: str) -> bool:
        """Whether an address is one of these."""
        return path.endswith(("/telemetry", "/attributes")) and self._settings.enabled and _match(path) is not None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request. Raises the errors of the kernel's families."""
        self.requests += 1
        found = _match(scope["path"])
        assert found is not None
        token, device_id, leaf = found
        method = scope["method"]
        if method not in (("POST", "GET") if leaf == "attributes" else ("POST",)):
            await _answer(send, 405, b"", [(b"allow", b"GET, POST" if leaf == "attributes" else b"POST")])
            return
        headers = dict(scope["headers"])
        principal = await self._authenticate(token or _token_in(headers), scope)
        if device_id is not None and device_id != principal.device_id:
            raise device_token_wrong()
        if method == "GET":
            await self._attributes(principal, scope, send)
            return
        payload = await self._read(receive, headers)
        _check(payload)
        topic = TELEMETRY if leaf == "telemetry" else ATTRIBUTES
        await self._desk.take(principal, principal.device_id, topic, payload)
        await _answer(send, 200, b"")

    async def _authenticate(self, token: str, scope: Any) -> Principal:
        if not token:
            raise device_token_wrong()
        client = scope.get("client") or ("", 0)
        answer = await self._door.authenticate(token, None, "http", f"{client[0]}:{client[1]}")
        if not isinstance(answer, Refusal):
            return answer
        if answer.code == _UNAVAILABLE and answer.reason == "quota_exceeded":
            raise LimitExceeded(
                "A quota of the device's organisation is used up.",
                code="devices.quota_exceeded",
                hint="It begins anew with the next period; whoever decides above may raise it.",
                retry_after_s=60.0,
            )
        if answer.code == _UNAVAILABLE:
            raise Unavailable("Devices cannot be looked up now.", code="devices.access_busy", hint="Try again.")
        raise device_token_wrong()  # the same for every reason: it says nothing about whom there is

    async def _read(self, receive: Any, headers: dict[bytes, bytes]) -> bytes:
        most = self._settings.max_body_bytes
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Unsupported(
                "A compressed body is not read.", code="devices.encoding_unsupported", hint="Send plain JSON."
            )
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise invalid("The request broke off.", "", code="devices.telemetry_unreadable")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _attributes(self, principal: Principal, scope: Any, send: Any) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        wanted = {kind: _keys(query.get(f"{kind}Keys")) for kind in ("client", "shared")}
        values = {each.property: each.value for each in await self._historian.latest([principal.device_id])}
        every = all(keys is None for keys in wanted.values())
        found: dict[str, dict[str, Any]] = {}
        for kind, keys in wanted.items():
            known = values if every else {key: values[key] for key in keys or () if key in values}
            if known:
                found[kind] = known
        await _answer(send, 200, orjson.dumps(found), [(b"content-type", b"application/json")])


def _match(path: str) -> tuple[str, str | None, str] | None:
    """Token (empty: in a header), device id and the last part of an address."""
    by_id = _BY_ID.match(path)
    if by_id is not None:
        return "", by_id[1], "telemetry"
    by_token = _BY_TOKEN.match(path)
    return None if by_token is None else (unquote(by_token[1]), None, by_token[2])


def _token_in(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-device-token")
    if given is not None:
        return given.decode("latin-1").strip()
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _keys(given: list[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return tuple(key.strip() for each in given for key in each.split(",") if key.strip())[:_MOST_KEYS]


def _check(payload: bytes) -> None:
    """Refuse what could only become a dead letter: what MQTT cannot say, HTTP can."""
    try:
        document = orjson.loads(payload)
    except ValueError as error:
        raise invalid(
            f"The body is no JSON: {error}.",
            "",
            code="devices.telemetry_unreadable",
            hint='Send {"name": value}, {"ts": milliseconds, "values": {…}}, or an array of these.',
        ) from None
    objects = document if isinstance(document, list) else [document]
    if not all(isinstance(each, dict) for each in objects):
        raise invalid(
            "Telemetry is a JSON object or an array of objects.",
            "",
            code="devices.telemetry_unreadable",
            hint='Send {"name": value}, {"ts": milliseconds, "values": {…}}, or an array of these.',
        )


def _too_large(most: int) -> LimitExceeded:
    return LimitExceeded(
        f"A request of a device has at most {most} bytes.",
        code="devices.body_too_large",
        hint="Send fewer readings at once, or raise [device_http] max_body_bytes.",
        detail={"limit": most},
    )


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *(headers or [])]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
