"""The server: its ports, who is connected, what is stored, and its figures."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from millwright.devices.mqtt.committer import Committer
from millwright.devices.mqtt.delivery import DeliveryDesk
from millwright.devices.mqtt.door import TlsDoor, probe
from millwright.devices.mqtt.ports import Intake, Pacer, Principal
from millwright.devices.mqtt.presence import Presence
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.tls import ListenerTls
from millwright.devices.vehicles import downward
from millwright.devices.vehicles.connection import State, VehicleConnection
from millwright.devices.vehicles.links import Link, Links
from millwright.devices.vehicles.ports import Door
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.devices.vehicles.topics import DOWN
from millwright.kernel import Bus, Clock, Unavailable, end

logger = logging.getLogger(__name__)

_BACKLOG: Final = 4096
_LOOK_S: Final = 1.0
_DRAIN_S: Final = 5.0
_TOLD_MS: Final = 600_000
_MOST_ENCRYPTED: Final = 100


class VehicleServer:
    """Takes in terminals and platforms. A :class:`millwright.kernel.Part`; runs on the loop of :meth:`start`."""

    def __init__(
        self,
        settings: VehiclesSettings,
        door: Door,
        intake: Intake,
        bus: Bus,
        clock: Clock,
        *,
        listener_id: str,
        tls: ListenerTls | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.settings, self.door, self.clock, self.pacer = settings, door, clock, pacer
        self._tls = tls
        self._gathering = MqttSettings(
            host=settings.host,
            max_uncommitted_bytes=settings.max_uncommitted_mb * 1024 * 1024,
            connect_timeout_s=settings.login_s,
            max_unauthenticated_per_address=settings.max_new_per_address,
        )
        self.committer = Committer(intake, listener_id, self._gathering, clock, self._on_pressure)
        self._desk = DeliveryDesk(self, bus, listener_id)
        self._presence = Presence(bus, listener_id, clock, self._last_seen_ms)
        self._connections: set[VehicleConnection] = set()
        self._devices: dict[str, VehicleConnection] = {}
        self._new: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._tls_door: TlsDoor | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._encrypted: dict[str, tuple[str, str, int]] = {}
        self._full_ms = 0
        self.refused: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.commands_out = 0
        self.messages_in = self.bytes_in = self.noise_bytes = self.accepted = self.rate_holds = 0
        self.port = self.tls_port = 0

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the ports. Raises ``Unavailable`` (``vehicles.port_taken``) and ``Invalid`` for a bad certificate."""
        self.loop = asyncio.get_running_loop()
        settings = self.settings
        await self._presence.start()
        try:
            await self._desk.start()
            if settings.port:
                self.port = await self._listen(settings.port)
            if settings.tls_port and self._tls is not None:
                self._tls.context()
                self._tls_door = TlsDoor(self._gathering, self._tls.context, lambda: VehicleConnection(self))
                self.tls_port = await self._tls_door.open(settings.tls_port)
        except BaseException:
            await self.stop()
            raise
        self.run(self._watch())

    async def stop(self) -> None:
        """Close the ports, store and answer what was taken, and let go."""
        if self._tls_door is not None:
            self._tls_door.close()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.pause()
        await self.committer.drain(_DRAIN_S)
        for connection in list(self._connections):
            connection.close("server_stopped")
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        await end(*self._tasks)
        await self._desk.stop()
        await self._presence.stop()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with the server."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task of the vehicles' server failed", exc_info=task.exception())

    async def _listen(self, port: int) -> int:
        try:
            server = await self.loop.create_server(
                lambda: VehicleConnection(self), self.settings.host or None, port, backlog=_BACKLOG
            )
        except OSError as error:
            raise Unavailable(
                f"The port {port} for vehicles cannot be opened: {error.strerror or error}",
                code="vehicles.port_taken",
                hint="Stop the program that holds the port, or set [vehicles] port or tls_port to another one.",
            ) from error
        for listening in server.sockets:
            with contextlib.suppress(OSError):
                probe(listening)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            now_s = self.loop.time()
            for connection in list(self._connections):
                connection.look(now_s)

    # --- connections ---------------------------------------------------------------------------------------------

    def admit(self, connection: VehicleConnection) -> bool:
        """Whether one more connection fits."""
        address = connection.peer.rpartition(":")[0]
        if len(self._connections) >= self.settings.max_connections:
            self._full_ms = self.clock.now_ms()
            return False
        if self._new[address] >= self.settings.max_new_per_address:
            return False
        self._new[address] += 1
        self._connections.add(connection)
        self.accepted += 1
        return True

    def take_over(self, connection: VehicleConnection, device_id: str, secret: str) -> bool:
        """Make room for a login of ``device_id``; ``False`` when another terminal with that VIN is there.

        The same terminal that comes again does so because its connection is dead, whatever it looks like from here.
        """
        known = self._devices.get(device_id)
        if known is None or known is connection:
            return True
        if known.secret != secret:
            return False
        known.close("taken_over")
        return True

    def enter(self, connection: VehicleConnection, *, first: bool) -> None:
        """A login succeeded: the first of its connection, or one more."""
        if first:
            self._count_new(connection)
        assert connection.principal is not None
        self._devices[connection.principal.device_id] = connection
        self._presence.connected(connection.principal.device_id)

    def leave(self, connection: VehicleConnection, reason: str = "client") -> None:
        """The device of a connection, if one logged in, is there no more."""
        principal = connection.principal
        if principal is None:
            return
        if self._devices.get(principal.device_id) is connection:
            del self._devices[principal.device_id]
            self._presence.disconnected(principal.device_id, reason)

    def forget(self, connection: VehicleConnection, reason: str) -> None:
        """A connection is closed."""
        if connection in self._connections:
            self._connections.discard(connection)
            if connection.principal is None:
                self._count_new(connection)
        self.closed[reason] += 1

    def _count_new(self, connection: VehicleConnection) -> None:
        address = connection.peer.rpartition(":")[0]
        if self._new[address] > 1:
            self._new[address] -= 1
        else:
            self._new.pop(address, None)

    async def reauthenticate(self, device_id: str | None) -> None:
        """Ask again about a device's connection (``None``: about all)."""
        found = [self._devices.get(device_id)] if device_id is not None else list(self._devices.values())
        for connection in found:
            if connection is not None:
                await connection.reauthenticate()

    def disconnect_where(self, unwanted: Callable[[Principal], bool], reason: str) -> int:
        """End connections by what they belong to; returns how many."""
        found = [each for each in self._devices.values() if each.principal is not None and unwanted(each.principal)]
        for connection in found:
            connection.close(reason)
        return len(found)

    # --- commands, and who is there ----------------------------------------------------------------------------------

    def find_connected(self, device_id: str, topic: str) -> VehicleConnection | None:
        """The terminal's connection, for a command to it; a platform takes none for its vehicles."""
        known = self._devices.get(device_id) if topic == DOWN else None
        return known if known is not None and known.state is State.VEHICLE else None

    def send_once(self, device_id: str, topic: str, payload: bytes) -> bool:
        """Send a command to a terminal; whether its connection took it."""
        known = self.find_connected(device_id, topic)
        if known is None or not known.send_down(downward.decode(payload)):
            return False
        self.commands_out += 1
        return True

    def links(self, device_ids: Sequence[str]) -> Links:
        """The connections of these devices, and of all platforms."""
        wanted = [self._devices[each] for each in device_ids if each in self._devices]
        platforms = [each for each in self._devices.values() if each.state is State.PLATFORM]
        shown = {id(each): each for each in (*wanted, *platforms)}
        return Links(
            links=[_link(each) for each in shown.values()],
            vehicles=len(self._devices) - len(platforms),
            platforms=len(platforms),
            refused=dict(self.refused),
        )

    def _last_seen_ms(self, device_id: str) -> int:
        known = self._devices.get(device_id)
        return known.heard_ms if known is not None else 0

    def _on_pressure(self, paused: bool) -> None:
        for connection in list(self._connections):
            if paused:
                connection.pause()
            else:
                connection.resume()

    # --- figures -------------------------------------------------------------------------------------------------

    def note_encrypted(self, peer: str, name: str, how: str) -> None:
        """Somebody sent encrypted data, which is not read here."""
        if name not in self._encrypted:
            logger.warning("%s from %s sends data encrypted by %s, which is not read here", name, peer, how)
            if len(self._encrypted) >= _MOST_ENCRYPTED:
                self._encrypted.clear()
        self._encrypted[name] = (peer, how, self.clock.now_ms())

    def stats(self) -> dict[str, Any]:
        """For ``stats.<role>.<instance>``."""
        committer = self.committer
        vehicles = sum(each.state is State.VEHICLE for each in self._devices.values())
        return {
            "counters": {
                "messages_in": self.messages_in,
                "messages_acked": committer.messages_acked,
                "bytes_in": self.bytes_in,
                "noise_bytes": self.noise_bytes,
                "frames": committer.frames,
                "frame_retries": committer.retries,
                "connections_accepted": self.accepted,
                "rate_holds": self.rate_holds,
                "commands_out": self.commands_out,
                **{f"refused_{reason}": count for reason, count in self.refused.items()},
                **{f"closed_{reason}": count for reason, count in self.closed.items()},
            },
            "gauges": {
                "connections": len(self._devices),
                "connections_waiting": len(self._connections) - len(self._devices),
                "vehicles": vehicles,
                "platforms": len(self._devices) - vehicles,
                "uncommitted_bytes": committer.uncommitted_bytes,
                "reading_paused": int(committer.paused),
            },
            "problems": committer.problems() + self._problems(),
        }

    def _problems(self) -> list[dict[str, Any]]:
        now_ms, found = self.clock.now_ms(), []
        if now_ms - self._full_ms < 10_000:
            found.append(
                {
                    "code": "vehicles.connections_full",
                    "message": f"All {self.settings.max_connections} connections of vehicles are taken.",
                    "hint": "Raise [vehicles] max_connections (and the limit of open files).",
                    "since_ms": self._full_ms,
                }
            )
        late = {name: told for name, told in self._encrypted.items() if now_ms - told[2] < _TOLD_MS}
        if late:
            name, (peer, how, at_ms) = next(iter(late.items()))
            found.append(
                {
                    "code": "vehicles.encrypted",
                    "message": f"{len(late)} senders encrypt their data, among them {name} from {peer} ({how}).",
                    "hint": "It is refused: have them send plain data (加密方式 0x01), over TLS where need be.",
                    "since_ms": at_ms,
                }
            )
        return found


def _link(each: VehicleConnection) -> Link:
    assert each.principal is not None
    return Link(
        device_id=each.principal.device_id,
        kind="vehicle" if each.state is State.VEHICLE else "platform",
        name=each.username,
        peer=each.peer,
        edition=each.edition,
        since_ms=each.entered_ms,
        heard_ms=each.heard_ms,
        messages=each.messages,
    )
