"""One session of the host application at a server: from the sign-in, with its death as the will, to its end.

Sparkplug 3.0, section 5 (host application session establishment and termination): the will and the birth carry the
same timestamp, the birth follows the subscriptions, and what an orderly end says carries the time of the end.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from millwright.devices.sparkplug.topics import NAMESPACE, state_topic
from millwright.kernel import Clock, Denied, Invalid, Unavailable

if TYPE_CHECKING:
    import paho.mqtt.client as paho

_CONNECT_S: Final = 10.0
_KEEP_ALIVE_S: Final = 20
_FAREWELL_S: Final = 2.0
_REFUSED: Final = {4, 5, 134, 135}

Take = Callable[[str, bytes], None]
"""Is called with topic and payload, in the loop."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how it is signed in at."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    ca: str

    @property
    def name(self) -> str:
        """Without user and password."""
        return f"{self.host}:{self.port}"


def servers_of(text: str) -> list[Server]:
    """The servers in a setting. Raises ``Invalid`` (``sparkplug.server_invalid``)."""
    servers = [_server(each) for each in text.split()]
    if len({each.name for each in servers}) < len(servers):
        raise _invalid("one is named twice")
    return servers


def _server(url: str) -> Server:
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/") or set(query) - {"ca"}:
            raise ValueError("it is no mqtt://host:port")
        tls = parts.scheme == "mqtts"
        return Server(
            parts.hostname,
            parts.port or (8883 if tls else 1883),
            tls,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            query.get("ca", [""])[0],
        )
    except ValueError as error:
        raise _invalid(str(error)) from None


def _invalid(why: str) -> Invalid:
    return Invalid(
        f"[sparkplug] servers cannot be read: {why}.",
        code="sparkplug.server_invalid",
        hint="Write mqtt://user:password@host:1883, or mqtts://…:8883?ca=FILE; several are separated by spaces.",
    )


def state_document(online: bool, at_ms: int) -> bytes:
    """What the host application says of itself (section 6.4.26)."""
    return msgspec.json.encode({"online": online, "timestamp": at_ms})


class ServerLink:
    """A session; made anew for each, as its timestamp is its own. ``take`` hears what edge nodes publish."""

    def __init__(self, server: Server, host_id: str, clock: Clock, take: Take) -> None:
        self._server, self._clock, self._take = server, clock, take
        self._topic = state_topic(host_id)
        self._host_id = host_id
        self._since_ms = clock.now_ms()
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[int] = self._loop.create_future()
        self._subscribed: asyncio.Future[list[int]] = self._loop.create_future()
        self._client: paho.Client | None = None
        self.online = False
        self.lost = asyncio.Event()
        self.why_lost = ""

    async def open(self) -> None:
        """Sign in, subscribe, be born. Raises ``Unavailable``, ``Denied`` or ``Invalid``."""
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"{self._host_id[:40]}-{secrets.token_hex(6)}",
            clean_session=True,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        if self._server.user:
            client.username_pw_set(self._server.user, self._server.password or None)
        if self._server.tls:
            client.tls_set_context(_context(self._server))
        client.will_set(self._topic, state_document(False, self._since_ms), qos=1, retain=True)
        client.connect_timeout = 0.9 * _CONNECT_S
        client.on_connect = lambda _c, _u, _f, code, _p: self._soon(_settle, self._connected, code.value)
        client.on_disconnect = lambda _c, _u, _f, code, _p: self._soon(self._on_lost, str(code))
        client.on_subscribe = lambda _c, _u, _n, codes, _p: self._soon(
            _settle, self._subscribed, [code.value for code in codes]
        )
        client.on_message = lambda _c, _u, found: self._soon(
            self._on_message, found.topic, bytes(found.payload), found.retain
        )
        try:
            async with asyncio.timeout(_CONNECT_S):
                await asyncio.to_thread(client.connect, self._server.host, self._server.port, _KEEP_ALIVE_S)
                client.loop_start()
                self._check(await self._connected)
                client.subscribe([(f"{NAMESPACE}/#", 1), (self._topic, 1)])
                if any(code >= 128 for code in await self._subscribed):
                    raise self._refused("does not let us subscribe")
                self.online = True
                self._say_online()
        except (OSError, TimeoutError, ValueError) as error:
            why = "nobody answered" if isinstance(error, TimeoutError) else str(error)
            raise Unavailable(
                f"The MQTT server {self._server.name} cannot be reached: {why}.",
                code="sparkplug.server_unreachable",
                hint="Check the address in [sparkplug] servers, that the server is up, and whether it wants TLS.",
            ) from error

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand over a command, with QoS 0 and not retained; whether the connection took it."""
        if not self.online or self._client is None:
            return False
        return self._client.publish(topic, payload, qos=0, retain=False).rc == 0

    async def close(self) -> None:
        """Say that the host application goes, then go; returns when nothing of the session is left."""
        client, self._client = self._client, None
        if client is None:
            return
        online, self.online = self.online, False
        await asyncio.to_thread(self._part, client, online)

    def _part(self, client: paho.Client, online: bool) -> None:
        if online:
            at_ms = max(self._clock.now_ms(), self._since_ms)
            said = client.publish(self._topic, state_document(False, at_ms), qos=1, retain=True)
            if said.rc == 0:
                said.wait_for_publish(_FAREWELL_S)
        client.disconnect()
        client.loop_stop()
        client.reinitialise()  # it would leave the sockets that wake its thread to the collector

    def _check(self, code: int) -> None:
        if code in _REFUSED:
            raise self._refused(f"refuses us (code {code})")
        if code:
            raise Unavailable(
                f"The MQTT server {self._server.name} does not want this connection (code {code}).",
                code="sparkplug.server_unreachable",
                hint="See the server's log.",
            )

    def _refused(self, what: str) -> Denied:
        return Denied(
            f"The MQTT server {self._server.name} {what}.",
            code="sparkplug.server_refused",
            hint=f"Let the user in [sparkplug] servers publish and subscribe below {NAMESPACE}/.",
        )

    def _say_online(self) -> None:
        if self._client is not None and self.online:
            self._client.publish(self._topic, state_document(True, self._since_ms), qos=1, retain=True)

    def _soon(self, call: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _on_lost(self, why: str) -> None:
        self.online = False
        self.why_lost = self.why_lost or why
        _settle(self._connected, 136)
        _settle(self._subscribed, [])
        self.lost.set()

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:
            return  # what the server kept tells of another time, also of ourselves
        if topic == self._topic:
            self._on_state(payload)
        else:
            self._take(topic, payload)

    def _on_state(self, payload: bytes) -> None:
        """Somebody says that we are offline, as the will of an earlier connection does when it comes late: we are not
        (section 5, message-flow-hid-sparkplug-state-message-delivered)."""
        try:
            told = msgspec.json.decode(payload)
            offline = told["online"] is False
        except (msgspec.DecodeError, TypeError, KeyError):
            offline = True
        if offline:
            self._say_online()


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _context(server: Server) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(
            f"The certificates in {server.ca} cannot be read: {error}.",
            code="sparkplug.server_invalid",
            hint="Name a file with the authority's certificates in PEM after ?ca=.",
        ) from error
