"""One process among those of a listener: its slot, its ways to the others, what it takes from them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from millwright.devices.mqtt.exchange import by_turns
from millwright.devices.mqtt.joined import Durable, joined
from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.ports import Journal, Kept
from millwright.devices.mqtt.shards.handover import MOST_READ, Carrier, Door, Origin, Relay
from millwright.devices.mqtt.shards.inbox import Inbox
from millwright.devices.mqtt.shards.peer import Greeting, Peer, Way
from millwright.devices.mqtt.shards.replica import Replica
from millwright.devices.mqtt.shards.slots import SlotFolder, SlotLock, slot_of
from millwright.devices.mqtt.shards.wire import (
    Census,
    Done,
    Forward,
    Hello,
    Interest,
    Knock,
    Message,
    Prelude,
    Retain,
    Wire,
    parted,
)
from millwright.devices.mqtt.subscriptions import Subscriptions
from millwright.devices.mqtt.topics import split_share, to_internal
from millwright.kernel import Conflict, end

if TYPE_CHECKING:
    from millwright.devices.mqtt.connection import Connection
    from millwright.devices.mqtt.listener import MqttListener

logger = logging.getLogger(__name__)

_CENSUS_S: Final = 0.25
_HANG_S: Final = 8.0
"""A process that answers nothing for so long hangs, and is killed: nobody else may serve its devices before."""
_STALL_S: Final = 2.0
"""A pause of our own that is longer than this counts as nobody's silence."""
_CLAIM_S: Final = 20.0
_LOOK_S: Final = 0.05
_DEVICES = "$device/"


class SharedRates(Protocol):
    """Rates that hold for all processes together."""

    def take_drawn(self) -> dict[str, int]:
        """What was counted here since the last call, by what a rate is kept for."""
        ...

    def draw(self, drawn: dict[str, int]) -> None:
        """Count what was counted elsewhere."""
        ...


class Shards:
    """``number`` of ``processes``. The listener starts and stops it; everything runs on the listener's loop."""

    def __init__(
        self,
        number: int,
        processes: int,
        folder: SlotFolder,
        inbox: Inbox,
        *,
        rates: SharedRates | None = None,
        hang_s: float = _HANG_S,
    ) -> None:
        self.number, self.processes = number, processes
        self._folder, self._inbox, self._rates, self._hang_s = folder, inbox, rates, hang_s
        self._lock = SlotLock(folder, number)
        others = [each for each in range(1, processes + 1) if each != number]
        knock = Knock(number, processes)
        self._peers = {each: Peer(each, folder, inbox, knock, self._hello) for each in others}
        self._own: dict[str, set[object]] = {}
        self._others: Subscriptions[int] = Subscriptions()
        self._filters: dict[int, set[str]] = {each: set() for each in others}
        self._greeted: set[int] = set()
        self._census: dict[int, Census] = {}
        self._wires: set[Wire] = set()
        self._knocked: list[tuple[Wire, int]] = []
        self._early: list[tuple[Wire, int, Forward]] | None = []
        self._ready = False
        self._server: asyncio.Server | None = None
        self._doors: dict[int, Carrier] = {}
        self._door: Door | None = None
        self._relays: set[Relay] = set()
        self._task: asyncio.Task[None] | None = None
        self.handed_over = 0
        self.taken_in = 0

    def owns(self, device_id: str) -> bool:
        """Whether the device belongs here."""
        return slot_of(device_id, self.processes) == self.number

    def keeps(self, topic: str) -> bool:
        """Whether what all processes hear at once is to be retained by this one."""
        if topic.startswith(_DEVICES):
            return self.owns(topic.split("/", 2)[1])
        return self.owns(topic)

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self, listener: MqttListener, journal: Journal) -> Kept:
        """Take the slot, read what was kept for it, and find the others; returns what was kept.

        Raises ``Conflict`` (``listener.slot_taken``).
        """
        self._listener, self._exchange = listener, listener.exchange
        self._folder.open()
        await self._claim()
        loop = asyncio.get_running_loop()
        self._replica = Replica(self._exchange.retained, listener.writer.is_pending)
        listener.writer.on_retained = self._tell_retained
        self._server = await self._serve(loop)
        kept = await journal.load(retained=False)
        own = self._divide(kept)
        self._exchange.neighbours = self
        await self._exchange.restore(own, listener.clock.monotonic_s())
        self._ready = True
        for wire, number in self._knocked:
            wire.send(number, Done())
        self._knocked.clear()
        for peer in self._peers.values():
            peer.start()
        self._task = loop.create_task(self._count(), name="census of the listener's processes")
        await self._all_greet()
        await self._catch_up(journal)
        return own

    async def _claim(self) -> None:
        deadline_s = asyncio.get_running_loop().time() + _CLAIM_S
        while not self._lock.acquire():
            if asyncio.get_running_loop().time() > deadline_s:
                raise Conflict(
                    f"Process {self._folder.holder(self.number)} already serves the devices of slot {self.number}.",
                    code="listener.slot_taken",
                    hint="Stop it first: two processes of one number may not run on one data folder.",
                )
            await asyncio.sleep(_LOOK_S)

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> asyncio.Server:
        return await loop.create_unix_server(self._accept, self._folder.clear(self._folder.link(self.number)))

    def _accept(self) -> Wire:
        wire = Wire(self._take, self._lost)
        self._wires.add(wire)
        return wire

    def _divide(self, kept: Kept) -> Kept:
        """What is of this slot; of the rest only what their clients are subscribed to."""
        for session in kept.sessions:
            number = slot_of(session.device_id, self.processes)
            if number == self.number:
                continue
            for topic_filter in session.subscriptions:
                internal = to_internal(session.device_id, split_share(topic_filter)[1])
                if not internal.startswith(_DEVICES):
                    self._want(number, internal)
        return Kept(
            (),
            [each for each in kept.sessions if self.owns(each.device_id)],
            [each for each in kept.batches if self.owns(each.key[0])],
            wills=[each for each in kept.wills if self.owns(each.device_id)],
        )

    async def _all_greet(self) -> None:
        """Wait until every process that is there sends over its link: then the inbox has all it will have."""
        while any(  # noqa: ASYNC110 - a lock of the kernel's is looked at
            each not in self._greeted and self._folder.holder(each) is not None for each in self._peers
        ):
            await asyncio.sleep(_LOOK_S)

    async def _catch_up(self, journal: Journal) -> None:
        messages, at = await journal.load_retained()
        now_ms = self._listener.clock.now_ms()
        async for message, name in by_turns(messages):
            if not self._replica.is_known(name, at[name]) and (not message.expires_ms or message.expires_ms > now_ms):
                self._exchange.retained.set(message)
        self._replica.restore(at)
        forwards, mark = await self._inbox.load(self.number)
        kept: Durable = None
        for each in forwards:
            kept = joined(kept, self._deliver(each))
        if kept is not None:
            await kept
        if mark:
            await self._inbox.clear(self.number, mark)
        early, self._early = self._early or [], None
        for wire, number, forward in early:
            self._answer(wire, number, forward)

    def open(self) -> None:
        """Take connections of the others."""
        self._door = Door(self._folder.door(self.number), self._take_in)
        self._door.open()

    def close(self) -> None:
        """Take no more connections, and end those that are carried for others."""
        if self._door is not None:
            self._door.close()
            self._door = None
        for carrier in self._doors.values():
            carrier.close()
        for relay in list(self._relays):
            relay.close()

    async def stop(self) -> None:
        """Leave the others, and give the slot back."""
        await end(self._task)
        for peer in self._peers.values():
            await peer.stop()
        if self._server is not None:
            self._server.close()
            self._server = None
        for wire in list(self._wires):
            wire.close()
        self._lock.release()
        self._folder.close()

    # --- what goes to the others ---------------------------------------------------------------------------------

    def _hello(self) -> Greeting:
        *before, last = parted(self._own)
        return [Prelude(each) for each in before], Hello(self.number, last)

    def want(self, topic_filter: str, subscriber: object) -> Durable:
        """A client here subscribed; the future is done when the others know."""
        known = self._own.setdefault(topic_filter, set())
        known.add(subscriber)
        return self._tell(Interest([topic_filter], [])) if len(known) == 1 else None

    def unwant(self, topic_filter: str, subscriber: object) -> None:
        """A client here is subscribed no more."""
        known = self._own.get(topic_filter)
        if known is None:
            return
        known.discard(subscriber)
        if not known:
            del self._own[topic_filter]
            self._tell(Interest([], [topic_filter]))

    def _tell(self, message: Message) -> Durable:
        if not self._ready:
            return None
        done: Durable = None
        for peer in self._peers.values():
            done = joined(done, peer.tell(message))
        return done

    def forward(
        self, topic: str, payloads: Sequence[bytes], qos: int, retain: bool, properties: bytes, expires_ms: int
    ) -> Durable:
        """Send messages on to the processes whose clients subscribed; the future is done when they have them."""
        found = self._others.match(topic)
        if not found:
            return None
        message = Forward(topic, list(payloads), qos, retain, properties, expires_ms)
        done: Durable = None
        for number, _, _ in found:
            told = self._peers[number].tell(message)
            if qos:
                done = joined(done, told)
        return done

    async def _tell_retained(self, retained: dict[str, RetainedMessage | None], at: Mapping[str, int]) -> None:
        """What is retained was written: tell everybody before whoever published it is answered."""
        done: Durable = None
        for topic, message in retained.items():
            if topic in at:
                self._replica.written(topic, at[topic])
                done = joined(done, self._tell(Retain(topic, message, at[topic])))
        if done is not None:
            await done

    async def _count(self) -> None:
        """Several times a second: say how it is here, and look who hangs."""
        loop = asyncio.get_running_loop()
        looked_s = loop.time()
        while True:
            await asyncio.sleep(_CENSUS_S)
            now_s = loop.time()
            stalled, looked_s = now_s - looked_s > _STALL_S, now_s
            drawn = self._rates.take_drawn() if self._rates is not None else {}
            census = Census(*self._listener.count(), drawn)
            for peer in self._peers.values():
                if stalled and peer.heard_s:
                    peer.heard_s = now_s
                peer.ping(census)
                if peer.heard_s and now_s - peer.heard_s > self._hang_s:
                    peer.heard_s = now_s
                    self._folder.kill(peer.number, f"has answered nothing for {self._hang_s:g} s")

    # --- what comes from the others ------------------------------------------------------------------------------

    def _take(self, wire: Wire, number: int, message: Message) -> None:
        if isinstance(message, Knock):
            if message.processes != self.processes:
                logger.error(
                    "process %d is one of %d; this is one of %d", message.number, message.processes, self.processes
                )
                wire.close()
                return
            wire.number = message.number
            wire.told.clear()
            if not self._ready:
                self._knocked.append((wire, number))
                return
        elif isinstance(message, Prelude):
            wire.told.update(message.filters)
        elif isinstance(message, Hello):
            told, wire.told = wire.told.union(message.filters), set()
            for gone in self._filters[wire.number] - told:
                self._unwant(wire.number, gone)
            for topic_filter in told:
                self._want(wire.number, topic_filter)
            self._greeted.add(wire.number)
        elif isinstance(message, Interest):
            for topic_filter in message.added:
                self._want(wire.number, topic_filter)
            for topic_filter in message.removed:
                self._unwant(wire.number, topic_filter)
        elif isinstance(message, Retain):
            self._replica.take(message.topic, message.message, message.sequence)
        elif isinstance(message, Census):
            self._census[wire.number] = message
            if self._rates is not None and message.drawn:
                self._rates.draw(message.drawn)
        elif isinstance(message, Forward):
            if self._early is not None:
                self._early.append((wire, number, message))
            else:
                self._answer(wire, number, message)
            return
        wire.send(number, Done())

    def _answer(self, wire: Wire, number: int, message: Forward) -> None:
        kept = self._deliver(message)
        if kept is None:
            wire.send(number, Done())
        else:
            kept.add_done_callback(lambda _: wire.send(number, Done()))

    def _deliver(self, message: Forward) -> Durable:
        return self._exchange.route(
            message.topic,
            message.payloads,
            message.qos,
            message.retain,
            message.properties,
            message.expires_ms,
            here=True,
        )

    def _want(self, number: int, topic_filter: str) -> None:
        if topic_filter not in self._filters[number]:
            self._filters[number].add(topic_filter)
            self._others.add(topic_filter, number, 2)

    def _unwant(self, number: int, topic_filter: str) -> None:
        if topic_filter in self._filters[number]:
            self._filters[number].discard(topic_filter)
            self._others.remove(topic_filter, number)

    def _lost(self, wire: Wire) -> None:
        self._wires.discard(wire)
        if wire.number:
            self._greeted.discard(wire.number)
            self._census.pop(wire.number, None)

    # --- limits over all -----------------------------------------------------------------------------------------

    def connections_elsewhere(self) -> int:
        """How many connections the others have."""
        return sum(each.connections for each in self._census.values())

    def sessions_elsewhere(self) -> int:
        """How many sessions the others have."""
        return sum(each.sessions for each in self._census.values())

    def waiting_elsewhere(self, address: str) -> int:
        """How many connections of an address the others have that have not signed in."""
        return sum(each.waiting.get(address, 0) for each in self._census.values())

    # --- connections ---------------------------------------------------------------------------------------------

    async def hand_over(self, connection: Connection, device_id: str, connect: bytes, proved: bytes) -> None:
        """Pass a connection on to where its device belongs, as soon as that process takes connections."""
        number = slot_of(device_id, self.processes)
        carrier = self._doors.get(number)
        if carrier is None:
            carrier = self._doors[number] = Carrier(self._folder.door(number))
        while connection.waiting:
            if carrier.reach() and await self._pass_on(carrier, connection, connect, proved):
                return
            await asyncio.sleep(_LOOK_S)

    async def _pass_on(self, carrier: Carrier, connection: Connection, connect: bytes, proved: bytes) -> bool:
        transport, stream = connection.ways()
        if transport is None or stream is None:
            return False
        read = connect + connection.held
        plain = stream.get_extra_info("socket")
        direct = transport is stream and stream.get_extra_info("sslcontext") is None and len(read) <= MOST_READ

        def origin(first: bytes) -> Origin:
            return Origin(connection.address, connection.peer, connection.certificate, proved, first)

        if direct:
            done = await carrier.send(origin(read), lambda: plain.fileno() if connection.waiting else None)
            if done:
                connection.leave()
                stream.abort()
                self.handed_over += 1
            return done
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            done = await carrier.send(origin(b""), lambda: theirs.fileno() if connection.waiting else None)
        finally:
            theirs.close()
        if not done:
            ours.close()
            return False
        read = connect + connection.held
        connection.leave()
        relay = Relay(transport, self._relays.discard)
        self._relays.add(relay)
        self.handed_over += 1
        await relay.open(ours, stream, read)
        return True

    def _take_in(self, origin: Origin, taken: socket.socket) -> None:
        self.taken_in += 1
        taking = self._listener.run(self._connect(origin, taken))
        taking.add_done_callback(partial(_let_go, taken))

    async def _connect(self, origin: Origin, taken: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._listener.make_connection(origin), taken
            )
        except OSError as error:
            logger.debug("a connection that was handed over is gone: %s", error)
            taken.close()

    def figures(self) -> tuple[dict[str, int], dict[str, int]]:
        """Counters and gauges, for the statistics."""
        linked = sum(peer.way is Way.LINK for peer in self._peers.values())
        return (
            {"handed_over": self.handed_over, "taken_in": self.taken_in},
            {"processes_linked": linked, "relays": len(self._relays)},
        )


def _let_go(taken: socket.socket, taking: asyncio.Task[None]) -> None:
    """Close what nobody owns: also where the listener stopped before the taking had begun."""
    if taking.cancelled() or taking.exception() is not None:
        taken.close()


__all__ = ["SharedRates", "Shards"]
