"""One connection to a broker: paho's client in its thread, its events brought into the loop."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from millwright.devices.connectors.mqtt_client.settings import MqttClientSettings
from millwright.kernel import Denied, Invalid, Unavailable

_MOST_WAITING: Final = 20_000
_REFUSED: Final = {4, 5, 134, 135}
"""CONNACK codes of both versions: bad user or password, not authorised."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic."""

    topic: str
    payload: bytes
    retained: bool
    qos: int
    number: int


class _RememberingContext(ssl.SSLContext):
    """paho does not close the socket of a handshake that failed; who made it can."""

    made: ssl.SSLSocket | None = None

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        """As the base class, and keeps what it returns."""
        self.made = super().wrap_socket(*arguments, **named)
        return self.made


def gone(why: str) -> Unavailable:
    """What is raised when the broker is away."""
    return Unavailable(
        f"The broker is lost: {why}.",
        code="connectors.lost",
        hint="Nothing to do: it is connected to again. Two clients with one client id push each other out.",
    )


class Link:
    """A connection; ``messages`` wait until they are taken, those of QoS 1 until :meth:`done`."""

    def __init__(self, settings: MqttClientSettings, client_id: str) -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self._settings, self._loop = settings, asyncio.get_running_loop()
        self._connected: asyncio.Future[int] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._early: dict[int, Any] = {}
        self._closed = False
        self._tls: _RememberingContext | None = None
        self.messages: deque[Message] = deque()
        self.news = asyncio.Event()
        self.lost: str | None = None
        self.dropped = 0
        five = settings.version == "5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id or f"millwright-{secrets.token_hex(6)}",
            clean_session=None if five else not client_id,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._five, self._keeps = five, bool(client_id)
        if settings.user:
            self._client.username_pw_set(settings.user, settings.password or None)
        if settings.tls:
            try:
                self._tls = context = _RememberingContext(ssl.PROTOCOL_TLS_CLIENT)
                if settings.ca:
                    context.load_verify_locations(cadata=settings.ca)
                else:
                    context.load_default_certs()
            except ssl.SSLError as error:
                raise Invalid(
                    f"The certificates cannot be read ({error.reason or 'no PEM'}).",
                    code="connectors.settings_invalid",
                    hint="Paste the PEM text of the authority, from BEGIN CERTIFICATE to END CERTIFICATE.",
                ) from error
            self._client.tls_set_context(context)
        self._client.on_connect = lambda _c, _u, _f, code, _p: self._soon(self._on_connect, code.value)
        self._client.on_disconnect = lambda _c, _u, _f, code, _p: self._soon(self._on_lost, str(code))
        self._client.on_message = lambda _c, _u, found: self._soon(
            self._on_message, Message(found.topic, bytes(found.payload), found.retain, found.qos, found.mid)
        )
        self._client.on_subscribe = lambda _c, _u, number, codes, _p: self._soon(
            self._on_answer, number, [code.value for code in codes]
        )
        self._client.on_publish = lambda _c, _u, number, code, _p: self._soon(self._on_answer, number, code.value)

    def _soon(self, call: Any, *arguments: Any) -> None:
        if not self._closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    async def connect(self) -> None:
        """Connect; raises ``Unavailable`` or ``Denied``."""
        more: dict[str, Any] = {}
        if self._five:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties

            more = {"clean_start": not self._keeps}
            more["properties"] = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types here
            more["properties"].ReceiveMaximum = 200
            if self._keeps:
                more["properties"].SessionExpiryInterval = 7 * 86_400
        where = f"{self._settings.host}:{self._settings.port}"
        self._client.connect_timeout = 0.9 * self._settings.timeout_s  # The thread gives up before we do.
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await asyncio.to_thread(
                    self._client.connect, self._settings.host, self._settings.port, self._settings.keep_alive_s, **more
                )
                self._client.loop_start()
                code = await self._connected
        except (OSError, TimeoutError, ValueError) as error:
            await self.close()
            why = "nobody answered" if isinstance(error, TimeoutError) else str(error)
            raise Unavailable(
                f"The broker {where} cannot be reached: {why}.",
                code="connectors.unreachable",
                hint="Check address and port, that the broker is up, and whether it wants TLS.",
            ) from error
        except BaseException:
            await self.close()
            raise
        if code:
            await self.close()
            if code in _REFUSED:
                raise Denied(
                    f"The broker {where} refuses us (code {code}).",
                    code="connectors.refused",
                    hint="Check user and password, and the client id that the broker allows.",
                )
            raise gone(f"it does not want this connection (code {code})")

    async def subscribe(self, topics: Sequence[str]) -> dict[str, bool]:
        """Subscribe; says of each topic whether the broker allows it."""
        allowed: dict[str, bool] = {}
        for at in range(0, len(topics), 100):
            some = topics[at : at + 100]
            codes = await self._answer(self._client.subscribe([(topic, int(self._settings.qos)) for topic in some]))
            allowed.update({topic: code < 128 for topic, code in zip(some, codes, strict=True)})
        return allowed

    def unsubscribe(self, topics: Sequence[str]) -> None:
        """Subscribe no longer; nothing waits for it."""
        if self.lost is None and topics:
            self._client.unsubscribe(list(topics))

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1; returns when the broker has it; raises ``Unavailable``, ``Denied``."""
        sent = self._client.publish(topic, payload, qos=1)
        code = await self._answer((sent.rc, sent.mid))
        if isinstance(code, int) and code >= 128:
            raise Denied(
                f"The broker refuses what is published on {topic} (code {code}).",
                code="connectors.refused",
                hint="Let the user that we sign in as publish there.",
            )

    async def _answer(self, asked: tuple[int, int | None]) -> Any:
        failed, number = asked
        if failed or number is None or self.lost is not None:
            raise gone(self.lost or "it takes nothing")
        if number in self._early:
            return self._early.pop(number)
        self._answers[number] = answer = self._loop.create_future()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await answer
        except TimeoutError as error:
            raise gone(f"no answer within {self._settings.timeout_s:g} s") from error
        finally:
            self._answers.pop(number, None)

    def done(self, message: Message) -> None:
        """Acknowledge: what it told was taken."""
        if message.qos and self.lost is None:
            self._client.ack(message.number, message.qos)

    def clear(self) -> None:
        """What came while nobody asked is nobody's."""
        while self.messages:
            self.done(self.messages.popleft())

    async def close(self) -> None:
        """Disconnect; returns when the thread has ended."""
        self._closed = True
        self._on_lost("it is closed")
        self._client.disconnect()
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._client.loop_stop)))
        for left in (self._client.socket(), self._tls.made if self._tls else None):
            if left is not None:
                left.close()

    def _on_connect(self, code: int) -> None:
        if not self._connected.done():
            self._connected.set_result(code)

    def _on_lost(self, why: str) -> None:
        self.lost = self.lost or why
        if not self._connected.done():
            self._connected.cancel() if self._closed else self._connected.set_result(136)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(gone(why))
        self.news.set()

    def _on_message(self, message: Message) -> None:
        if len(self.messages) >= _MOST_WAITING and not message.qos:
            self.dropped += 1  # QoS 0 promises nothing, and memory has an end.
            return
        self.messages.append(message)
        self.news.set()

    def _on_answer(self, number: int, code: Any) -> None:
        answer = self._answers.get(number)
        if answer is None:
            self._early[number] = code
        elif not answer.done():
            answer.set_result(code)
