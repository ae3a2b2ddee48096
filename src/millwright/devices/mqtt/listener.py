"""The MQTT listener: ports, connections, statistics; puts the parts of this package together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from millwright.devices.mqtt.committer import Committer
from millwright.devices.mqtt.connection import Connection
from millwright.devices.mqtt.delivery import DeliveryDesk
from millwright.devices.mqtt.door import TlsDoor, probe
from millwright.devices.mqtt.errors import ProtocolError
from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.gate import Gate
from millwright.devices.mqtt.journal import JournalWriter
from millwright.devices.mqtt.packets import ConnectCode
from millwright.devices.mqtt.ports import (
    Authenticator,
    CertificateAuthenticator,
    Intake,
    Journal,
    OnRefused,
    Pacer,
    Principal,
    Refusal,
)
from millwright.devices.mqtt.presence import Presence
from millwright.devices.mqtt.rate import RateLimit
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.state import State
from millwright.devices.mqtt.tls import ListenerTls
from millwright.devices.mqtt.topics import check_topic
from millwright.devices.mqtt.wills import Knows, Wills
from millwright.kernel import Bus, Clock, MillwrightError, Unavailable, Unsubscribe, end

if TYPE_CHECKING:
    from millwright.devices.mqtt.shards.handover import Origin
    from millwright.devices.mqtt.shards.shards import Shards

logger = logging.getLogger(__name__)

OUT_SUBJECT = "mqtt.out"
"""Where other roles publish :class:`OutMessage` s for MQTT subscribers."""

_HOUSEKEEPING_S = 30.0
_TRIM_S = 1.0
_BACKLOG = 16_384
"""So many may knock at one time; the system caps it, and who finds it full tries again after seconds."""
_DRAIN_S = 5.0
_ASKED_AT_ONCE = 500


class OutMessage(msgspec.Struct):
    """A message for MQTT subscribers, as msgpack map; ``$device/<device id>/…`` reaches one device's own topics."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class MqttListener:
    """Accepts clients of MQTT 5.0, 3.1.1 and 3.1, plain and over TLS, with WebSocket and without.

    Every message of a device goes through ``intake`` and is acknowledged when that has it. ``on_refused`` hears of
    unknown devices, at most twenty a second; ``knows`` tells which devices whose wills are left may still speak, and
    ``registered`` which are not removed: nothing is kept for those that are. With ``shards`` it is one process among
    several on the same ports. A :class:`millwright.kernel.Part`; everything runs on the loop of :meth:`start`.
    """

    def __init__(
        self,
        settings: MqttSettings,
        authenticator: Authenticator,
        intake: Intake,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        *,
        listener_id: str,
        on_refused: OnRefused | None = None,
        tls: ListenerTls | None = None,
        certificates: CertificateAuthenticator | None = None,
        pacer: Pacer | None = None,
        shards: Shards | None = None,
        knows: Knows | None = None,
        registered: Knows | None = None,
    ) -> None:
        self.shards, self._knows, self._registered = shards, knows, registered
        self._unsure = True  # whether something is kept of devices that were removed
        self.settings = settings
        self.clock = clock
        self.listener_id = listener_id
        self._authenticator = authenticator
        self._certificates = certificates
        self.pacer = pacer
        self.held = self.holds = 0
        self._tls = tls or ListenerTls(settings.certificate, settings.key)
        self._door: TlsDoor | None = None
        self._journal = journal
        self.writer = JournalWriter(journal)
        self._bus = bus
        self._on_refused = on_refused
        self._refusals = RateLimit(20, clock)
        self._violations = RateLimit(1, clock)
        self.exchange = Exchange(settings, self.writer, clock)
        self._desk = DeliveryDesk(self.exchange, bus, listener_id)
        self.committer = Committer(intake, listener_id, settings, clock, self._on_pressure)
        self.wills = Wills(self.committer, self.exchange, self.writer, clock, stamps=settings.sparkplug_certificates)
        self.gate = Gate(settings.connects_at_once)
        self.presence = Presence(bus, listener_id, clock, self._last_seen_ms)
        self._connections: set[Connection] = set()
        self._by_device: dict[str, set[Connection]] = {}
        self._waiting: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: Unsubscribe | None = None
        self._full_ms = 0
        self._stopping = False
        self.closed: Counter[str] = Counter()
        self.messages_in = 0
        self.bytes_in = 0
        self.connections_accepted = 0
        self.port = 0
        self.tls_port = 0

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read back what an earlier listener kept, then open the ports.

        Raises ``Unavailable`` (``listener.port_taken``) and ``Invalid`` (``listener.certificate_unusable``).
        """
        self.loop = asyncio.get_running_loop()
        settings = self.settings
        if settings.tls_port:
            self._tls.context()
        if self.shards is None:
            kept = await self._journal.load()
            await self.exchange.restore(kept, self.clock.monotonic_s())
        else:
            kept = await self.shards.start(self, self._journal)
        await self.wills.restore(kept.wills, self._knows)
        if settings.port:
            self.port = await self._listen(settings.port)
        if settings.tls_port:
            self._door = TlsDoor(settings, self._tls.context, lambda: Connection(self), shared=self.shards is not None)
            self.tls_port = await self._door.open(settings.tls_port)
        self._unsubscribe = await self._bus.subscribe(OUT_SUBJECT, self._on_out)
        await self._desk.start()
        if self.shards is not None:
            self.shards.open()
        await self.presence.start()
        self.run(self._keep_house())
        self.run(self._trim())
        logger.info("MQTT listens on %s, ports %s", settings.host, [p for p in (self.port, self.tls_port) if p])

    @property
    def reads(self) -> bool:
        """Whether devices are read from now: not while storing is far behind, and not during the stop."""
        return not self._stopping and not self.committer.paused

    async def _listen(self, port: int) -> int:
        try:
            server = await self.loop.create_server(
                lambda: Connection(self),
                self.settings.host,
                port,
                backlog=_BACKLOG,
                reuse_port=True if self.shards is not None else None,
            )
        except OSError as error:
            raise Unavailable(
                f"The listener cannot open port {port} on {self.settings.host}: {error.strerror or error}",
                code="listener.port_taken",
                hint="Stop the program that holds the port, or set [mqtt] port or tls_port to another one.",
            ) from error
        self._servers.append(server)
        for opened in server.sockets:
            probe(opened)
        return int(server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Accept no more, commit what was taken and acknowledge it, then close every connection."""
        self._stopping = self.wills.stopping = True
        for server in self._servers:
            server.close()
        if self._door is not None:
            self._door.close()
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        await self._desk.stop()
        if self.shards is not None:
            self.shards.close()
        for connection in list(self._connections):
            connection.pause()
        self.wills.stop()
        drained = await self.committer.drain(_DRAIN_S)
        for connection in list(self._connections):
            connection.close("listener_stopped")
        # Wills were published by closing: they are stored too.
        await self.committer.drain(_DRAIN_S if drained else 0)
        await self.writer.stop(_DRAIN_S)
        await end(*self._tasks)
        await self.presence.stop()
        if self.shards is not None:
            await self.shards.stop()
        for server in self._servers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1)
        self._servers.clear()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` beside the rest until it is done or the listener stops."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task of the listener failed", exc_info=task.exception())

    async def _keep_house(self) -> None:
        while True:
            if self._unsure:
                await self.forget_removed()
            await asyncio.sleep(_HOUSEKEEPING_S)
            try:
                self.exchange.expire(self.clock.monotonic_s())
            except Exception:
                logger.exception("sessions could not be looked through")

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(_TRIM_S)
            try:
                await self.writer.trim()
            except Exception:
                logger.exception("what clients have could not be removed from the journal")

    # --- what connections call -----------------------------------------------------------------------------------

    def admit(self, connection: Connection) -> str:
        """Count a new connection in; returns why it is not admitted, or an empty string."""
        self._connections.add(connection)
        self._waiting[connection.address] += 1
        if connection.origin is not None:  # who handed it over has admitted it
            return ""
        connections, waiting = len(self._connections), self._waiting[connection.address]
        if self.shards is not None:
            connections += self.shards.connections_elsewhere()
            waiting += self.shards.waiting_elsewhere(connection.address)
        if connections > self.settings.max_connections:
            self._full_ms = self.clock.now_ms()
            return "connections_full"
        if waiting > self.settings.max_unauthenticated_per_address:
            return "too_many_unauthenticated"
        self.connections_accepted += 1
        return ""

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str, certificate: bytes = b""
    ) -> Principal | Refusal:
        """Ask the authenticator; any failure of its own is *server unavailable*.

        A certificate decides alone: user name and password beside it are not looked at.
        """
        try:
            required = self.settings.client_certificates == "required"
            if self._certificates is not None and (certificate or required):
                return await self._certificates.authenticate_certificate(certificate, client_id, peer)
            if required:
                return Refusal(ConnectCode.NOT_AUTHORIZED, "certificate_required", arrival=False)
            return await self._authenticator.authenticate(username, password, client_id, peer)
        except Exception:
            if self._violations.allow():
                logger.exception("a device could not be authenticated")
            return Refusal(ConnectCode.SERVER_UNAVAILABLE, "authenticator_failed", arrival=False)

    def report_refusal(self, username: str | None, client_id: str, peer: str, refusal: Refusal) -> None:
        """Tell of an unknown device, unless too many were told of already."""
        if refusal.arrival and self._on_refused is not None and self._refusals.allow():
            try:
                self._on_refused(username, client_id, peer, self.clock.now_ms())
            except Exception:
                logger.exception("reporting a refused connection failed")

    def log_violation(self, connection: Connection, error: ProtocolError) -> None:
        """Log a broken rule, at most one a second; all are counted."""
        if self._violations.allow():
            who = connection.principal.name if connection.principal else "an unknown client"
            logger.info("closing the connection of %s (%s): %s", who, connection.peer, error.message)

    def has_room_for(self, device_id: str, client_id: str) -> bool:
        """Whether one more connection of the device may be; one that takes over another's client id always may."""
        known = self._by_device.get(device_id, ())
        if len(known) < self.settings.max_connections_per_device:
            return True
        session = self.exchange.sessions.get((device_id, client_id))
        return session is not None and session.connection is not None

    def open_session(
        self, device_id: str, client_id: str, clean: bool, expiry_s: int, organisation_id: str
    ) -> tuple[Session | None, bool]:
        """The session of a client that connects; whoever carries it now is disconnected (3.1.4-2)."""
        session = self.exchange.sessions.get((device_id, client_id))
        if session is not None and isinstance(session.connection, Connection):
            session.connection.close("taken_over")
        return self.exchange.open(device_id, client_id, clean, expiry_s, organisation_id)

    def connected(self, connection: Connection) -> None:
        """A client has signed in."""
        assert connection.session is not None
        self._release_waiting(connection)
        device_id = connection.session.device_id
        known = self._by_device.get(device_id)
        if known is None:
            self._by_device[device_id] = {connection}
            self.presence.connected(device_id)
        else:
            known.add(connection)

    def disconnected(self, connection: Connection, reason: str, was_connected: bool) -> None:
        """A connection ended; its socket may still be closing."""
        self.closed[reason] += 1
        session = connection.session
        if not was_connected or session is None:
            self._release_waiting(connection)
            return
        session.detach(connection, self.clock.monotonic_s())
        if session.clean and session.connection is None:
            self.exchange.end(session)
        known = self._by_device.get(session.device_id)
        if known is not None:
            known.discard(connection)
            if not known:
                del self._by_device[session.device_id]
                self.presence.disconnected(session.device_id, reason)

    def make_connection(self, origin: Origin) -> Connection:
        """The connection of a client that another process accepted."""
        return Connection(self, origin)

    def passed_on(self, connection: Connection) -> None:
        """Another process serves the client."""
        self._release_waiting(connection)
        self._connections.discard(connection)

    def count(self) -> tuple[int, int, dict[str, int]]:
        """Connections, sessions, and connections that have not signed in by address, for the other processes."""
        return len(self._connections), len(self.exchange.sessions), dict(self._waiting)

    def forget(self, connection: Connection) -> None:
        """The socket is closed."""
        self._connections.discard(connection)

    def _release_waiting(self, connection: Connection) -> None:
        self._waiting[connection.address] -= 1
        if self._waiting[connection.address] <= 0:
            del self._waiting[connection.address]

    def _on_pressure(self, paused: bool) -> None:
        for connection in list(self._connections):
            if paused:
                connection.pause()
            elif not self._stopping:
                connection.resume()

    def _last_seen_ms(self, device_id: str) -> int:
        return max((c.last_seen_ms for c in self._by_device.get(device_id, ())), default=0)

    # --- what the composition root calls -------------------------------------------------------------------------

    def disconnect(self, device_id: str, reason: str) -> int:
        """End every connection of a device that was disabled, deleted or moved; returns how many there were."""
        connections = list(self._by_device.get(device_id, ()))
        for connection in connections:
            connection.close(reason)
        return len(connections)

    def disconnect_where(self, told: Callable[[Principal], bool], reason: str) -> int:
        """End the connections of every device that ``told`` points out; returns how many there were."""
        found = [each for each in self._connections if each.principal is not None and told(each.principal)]
        for connection in found:
            connection.close(reason)
        return len(found)

    async def reauthenticate(self, device_id: str | None = None) -> None:
        """Ask the authenticator again about a device's connections (``None``: all) and act on what it says now."""
        found = list(self._connections if device_id is None else self._by_device.get(device_id, ()))
        for start in range(0, len(found), _ASKED_AT_ONCE):
            part = found[start : start + _ASKED_AT_ONCE]
            await asyncio.gather(*(connection.reauthenticate() for connection in part))

    async def forget_removed(self, device_id: str | None = None) -> None:
        """Let go of what is kept for a device (``None``: for each of which something is) if it was removed."""
        kept = self.exchange.known_devices()
        asked = kept if device_id is None else kept & {device_id}
        if self.shards is not None:  # each process keeps what is of its own
            asked = {each for each in asked if self.shards.owns(each)}
        if self._registered is None or not asked:
            self._unsure = False
            return
        try:
            gone = asked - set(await self._registered(asked))
        except MillwrightError as error:
            logger.warning("whether devices were removed is asked again: %s", error.message)
            self._unsure = True
            return
        self._unsure = self._unsure and device_id is not None
        for each in gone:
            self.disconnect(each, "deleted")
        if gone:
            self.exchange.forget(gone)

    def revisions(self) -> dict[str, int]:
        """The connected devices with the oldest revision that one of their connections works with."""
        return {
            device_id: min((c.principal.revision for c in connections if c.principal), default=0)
            for device_id, connections in self._by_device.items()
        }

    async def _on_out(self, _: str, data: bytes) -> None:
        try:
            message = msgspec.msgpack.decode(data, type=OutMessage)
            check_topic(message.topic)
        except (msgspec.DecodeError, ProtocolError) as error:
            logger.warning("a message on %s cannot be delivered: %s", OUT_SUBJECT, error)
            return
        self.exchange.route_out(message.topic, message.payload, max(0, min(message.qos, 2)), message.retain)

    def stats(self) -> dict[str, Any]:
        """Counters that only grow, gauges, and what is wrong now; for ``stats.<role>.<instance>``."""
        committer, exchange = self.committer, self.exchange
        connected = sum(connection.state is State.CONNECTED for connection in self._connections)
        passed, ways = self.shards.figures() if self.shards is not None else ({}, {})
        return {
            "counters": {
                "messages_in": self.messages_in,
                "messages_acked": committer.messages_acked,
                "messages_out": exchange.messages_out,
                "messages_dropped": exchange.dropped(),
                "bytes_in": self.bytes_in,
                "frames": committer.frames,
                "frame_retries": committer.retries,
                "connections_accepted": self.connections_accepted,
                "rate_holds": self.holds,
                "connects_waited": self.gate.waits,
                **passed,
                **self._door_counters(),
                **{f"closed_{reason}": count for reason, count in self.closed.items()},
            },
            "gauges": {
                "connections": connected,
                "connections_waiting": len(self._connections) - connected,
                "devices": len(self._by_device),
                "connections_held": self.held,
                "connects_waiting": self.gate.waiting,
                "uncommitted_bytes": committer.uncommitted_bytes,
                "reading_paused": int(committer.paused),
                **ways,
                **exchange.gauges(),
            },
            "problems": committer.problems() + self._connection_problems(),
        }

    def _door_counters(self) -> dict[str, int]:
        door = self._door
        if door is None:
            return {}
        return {"tls_handshakes": door.begun, "tls_handshakes_failed": door.failed, "tls_refused": door.refused}

    def _connection_problems(self) -> list[dict[str, Any]]:
        if self.clock.now_ms() - self._full_ms > 10_000:
            return []
        return [
            {
                "code": "listener.connections_full",
                "message": f"All {self.settings.max_connections} connections are taken; more devices are refused.",
                "hint": "Raise [mqtt] max_connections (and the limit of open files).",
                "since_ms": self._full_ms,
            }
        ]
