"""The edge nodes of one server: what they publish goes into the intake, what is asked of them goes to the server.

An edge node is read when its group and name are those of a registered device; the server has let it in, so whoever may
publish there may speak for it. What the server sends while the intake is closed waits up to a limit; beyond it messages
are lost, as QoS 0 allows, and the gap in their numbers asks for births.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from millwright.devices.intake import Run
from millwright.devices.mqtt import OUT_SUBJECT, OutMessage
from millwright.devices.mqtt.committer import Committer
from millwright.devices.mqtt.delivery import DeliveryDesk
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.presence import Presence
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.waiters import NOBODY
from millwright.devices.registry.model import SparkplugBinding
from millwright.devices.sparkplug.host import rebirth_request
from millwright.devices.sparkplug.servers.link import Server, ServerLink
from millwright.devices.sparkplug.settings import SparkplugSettings
from millwright.devices.sparkplug.topics import NAMESPACE, command_topic, find_topic
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

_BACK_OFF_S: Final = (1.0, 30.0)
_KNOWN_FOR_S: Final = 5.0
"""An address is looked up again after this long: what was registered or disabled meanwhile counts from then on."""
_MOST_KNOWN: Final = 100_000
_DRAIN_S: Final = 5.0
_COMMANDS: Final = frozenset({"NCMD", "DCMD"})

Address = tuple[str, str]
"""Group id and edge node id."""
Find = Callable[[SparkplugBinding], str | None]
"""The id of the enabled device with this address; a short read that may raise ``Unavailable``."""


class ServerDesk:
    """Stays signed in at one server. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        server: Server,
        settings: SparkplugSettings,
        intake: Intake,
        find: Find,
        bus: Bus,
        clock: Clock,
        name: str,
    ) -> None:
        self._server, self._settings, self._find, self._bus, self._clock = server, settings, find, bus, clock
        self._committer = Committer(intake, name, MqttSettings(), clock, lambda _paused: None)
        self._delivery = DeliveryDesk(self, bus, name)
        self._presence = Presence(bus, name, clock, lambda device_id: self._seen.get(device_id, 0))
        self._seen: dict[str, int] = {}
        self._most_waiting = settings.max_waiting_mb * 1024 * 1024
        self._link: ServerLink | None = None
        self._known: dict[Address, tuple[str | None, float]] = {}
        self._asked: dict[Address, list[tuple[str, bytes, int]]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._here: dict[Address, str] = {}
        self._earlier: dict[Address, str] = {}
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None
        self.counters: Counter[str] = Counter()
        self.problem: MillwrightError | None = None
        self.problem_since_ms = 0

    @property
    def online(self) -> bool:
        """Whether the host application is born at this server."""
        return self._link is not None and self._link.online

    @property
    def edge_nodes(self) -> int:
        """Registered edge nodes heard of since the sign-in and not dead."""
        return len(self._here)

    async def start(self) -> None:
        """Sign in in the background, and again whenever it is lost."""
        await self._delivery.start()
        await self._presence.start()
        self._unsubscribe = await self._bus.subscribe(OUT_SUBJECT, self._on_out)
        self._task = asyncio.create_task(self._stay())

    async def stop(self) -> None:
        """Say goodbye at the server, store what came before."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        await end(self._task)
        self._task = None
        await self._delivery.stop()
        await self._presence.stop()
        await end(*self._asking)
        await self._committer.drain(_DRAIN_S)

    async def _stay(self) -> None:
        wait_s = _BACK_OFF_S[0]
        while True:
            link = ServerLink(self._server, self._settings.host_id, self._clock, self.take)
            try:
                await link.open()
                self._link, self.problem, wait_s = link, None, _BACK_OFF_S[0]
                logger.info("the host application is online at %s", self._server.name)
                self._welcome()
                await link.lost.wait()
                logger.warning("the MQTT server %s is lost: %s", self._server.name, link.why_lost)
            except MillwrightError as error:
                if self.problem is None or self.problem.code != error.code:
                    logger.warning("%s", error.message)
                    self.problem_since_ms = self._clock.now_ms()
                self.problem = error
            except Exception:
                logger.exception("the session at %s failed", self._server.name)
            finally:
                self._link = None
                self._earlier |= self._here
                for address in list(self._here):
                    self._leave(address, "connection_lost")
                await link.close()
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))
            wait_s = min(2 * wait_s, _BACK_OFF_S[1])

    def _welcome(self) -> None:
        """What edge nodes said while we were away is not known: those of before are asked for their births, at each
        sign-in until they are heard again."""
        for address in self._earlier:
            if self._link is not None:
                self._link.publish(command_topic(*address), rebirth_request(self._clock.now_ms()))

    # --- from edge nodes -----------------------------------------------------------------------------------------

    def take(self, topic: str, payload: bytes) -> None:
        """A message that the server sends."""
        found = find_topic(topic)
        if found is None:
            return  # commands and states of others
        address = found.group_id, found.edge_node_id
        if self._committer.uncommitted_bytes + len(payload) > self._most_waiting:
            self.counters["messages_lost"] += 1
            return
        at_ms = self._clock.now_ms()
        waiting = self._asked.get(address)
        if waiting is not None:
            waiting.append((topic, payload, at_ms))
            return
        device_id, until_s = self._known.get(address, (None, 0.0))
        if self._clock.monotonic_s() < until_s:
            self._store(address, device_id, [(topic, payload, at_ms)])
            return
        self._asked[address] = [(topic, payload, at_ms)]
        task = asyncio.create_task(self._look_up(address))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _look_up(self, address: Address) -> None:
        binding = SparkplugBinding(group_id=address[0], edge_node_id=address[1])
        while True:
            try:
                device_id = await asyncio.to_thread(self._find, binding)
                break
            except MillwrightError as error:
                logger.debug("an edge node cannot be looked up: %s", error.message)
                await asyncio.sleep(1.0)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        if device_id is None and address not in self._known:
            logger.info("the edge node %s/%s at %s is not registered", *address, self._server.name)
        self._known[address] = device_id, self._clock.monotonic_s() + _KNOWN_FOR_S
        self._store(address, device_id, self._asked.pop(address))

    def _store(self, address: Address, device_id: str | None, messages: list[tuple[str, bytes, int]]) -> None:
        if device_id is None:
            self.counters["messages_of_nobody"] += len(messages)
            self._leave(address, "disabled")
            return
        for topic, payload, at_ms in messages:
            self._committer.add(NOBODY, [Run(device_id, topic, at_ms, 0, [payload])], [], len(payload) + len(topic))
            self.counters["messages_in"] += 1
            self._earlier.pop(address, None)
            if "/NDEATH/" in topic:
                self._leave(address, "NDEATH")
                continue
            self._seen[device_id] = at_ms
            if self._here.get(address) != device_id:
                self._leave(address, "connection_lost")
                self._here[address] = device_id
                self._presence.connected(device_id)

    def _leave(self, address: Address, reason: str) -> None:
        device_id = self._here.pop(address, None)
        if device_id is not None:
            self._seen.pop(device_id, None)
            self._presence.disconnected(device_id, reason)

    # --- to edge nodes -------------------------------------------------------------------------------------------

    def find_connected(self, device_id: str, topic: str) -> ServerLink | None:
        """The way to an edge node that was heard here; see :class:`DeliveryDesk`."""
        address = _addressed(topic)
        return self._link if address is not None and self._here.get(address) == device_id else None

    def send_once(self, device_id: str, topic: str, payload: bytes) -> bool:
        """Send a command; whether the connection took it."""
        link = self.find_connected(device_id, topic)
        return link is not None and link.publish(topic, payload)

    async def _on_out(self, _subject: str, data: bytes) -> None:
        try:
            message = msgspec.msgpack.decode(data, type=OutMessage)
        except msgspec.MsgspecError:
            return
        if _addressed(message.topic) in self._here and self._link is not None:
            self._link.publish(message.topic, message.payload)


def _addressed(topic: str) -> Address | None:
    """The edge node that a command is for."""
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE or parts[2] not in _COMMANDS:
        return None
    return parts[1], parts[3]
