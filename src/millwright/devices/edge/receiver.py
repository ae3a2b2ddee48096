"""The parent's side of the link: takes deliveries, answers where lanes stand, keeps how edges are."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

import msgspec

from millwright.devices.edge.machine import Machines
from millwright.devices.edge.model import FRESH_MS
from millwright.devices.edge.positions import EdgePositions, intake_subject, message_id
from millwright.devices.edge.store import EdgeStore
from millwright.devices.edge.wire import (
    ALL,
    DESIRED,
    FRAMES,
    OFFER,
    PRESENCE,
    STATUS,
    Delivery,
    Heard,
    Offer,
    Report,
    Standing,
    Taken,
    Want,
    Wanted,
    encode,
    first_of,
)
from millwright.devices.intake import (
    FLAG_ACKNOWLEDGED,
    FLAG_CROWDED,
    FLAG_DUPLICATE,
    FLAG_RETAINED,
    FLAG_STAMPED,
    FLAG_WILL,
    FRAME_VERSION,
    Frame,
    decode_frame,
    encode_frame,
)
from millwright.devices.mqtt.presence import PresenceReport
from millwright.engines.nats import NatsConnection
from millwright.kernel import Bus, Clock, Invalid, LimitExceeded, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

T = TypeVar("T")

_FLAGS: Final = FLAG_ACKNOWLEDGED | FLAG_DUPLICATE | FLAG_RETAINED | FLAG_WILL | FLAG_STAMPED | FLAG_CROWDED
_EPOCH: Final = re.compile(r"[0-9A-Za-z]{1,40}")
_NOTE_S: Final = 2.0
_MOST_LANES: Final = 64
_MOST_KEPT: Final = 512
_MOST_STATUS: Final = 64 * 1024
_MOST_LISTENERS: Final = 8
_SILENT_S: Final = 10.0
_NO_NAME: Final = re.compile(r"[^0-9A-Za-z_-]")
_MOST_AT_ONCE: Final = 64
"""Requests of one edge that are under way, of one kind; an edge has a few lanes with four of each."""
_MOST_TOLD: Final = 8
"""As much of what other domains are told, which an edge tells one after the other."""
_PACED_S: Final = 10.0
"""How long a delivery is held back; the edge waits for it a minute, and has four of a lane under way."""
_RETRY_S: Final = 0.2
_TRIES: Final = 40


Answer = Callable[[str, bytes], Awaitable[bytes]]
"""Takes what an edge, given by its id, says, and answers."""


class Desired(Protocol):
    """Knows what is desired of an edge."""

    async def of(self, edge_id: str) -> Wanted:
        """The version and the document."""
        ...


class _Lane:
    """A lane of one edge: up to where it is stored (``None``: not known at the moment), one delivery at a time."""

    __slots__ = ("lock", "position")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.position: int | None = None


class EdgeReceiver:
    """Serves the edges that :meth:`admit` names, each on ``up.<what>`` in its own account: ``connect`` gets into that.

    ``store`` sees every organisation's. ``full`` raises while nothing more may be stored. ``pace`` draws messages of an
    organisation from its rate, and tells for how many seconds it is in debt. ``further`` answers what else is asked.
    """

    def __init__(
        self,
        connect: Callable[[str], NatsConnection],
        nats: NatsConnection,
        store: EdgeStore,
        desired: Desired,
        bus: Bus,
        clock: Clock,
        full: Callable[[], None] = lambda: None,
        pace: Callable[[str, int], float] = lambda _organisation_id, _messages: 0.0,
        further: Mapping[str, Answer] = MappingProxyType({}),
    ) -> None:
        self._connect, self._nats, self._store, self._desired = connect, nats, store, desired
        self._bus, self._clock, self._full, self._pace = bus, clock, full, pace
        self._further = further
        self._positions = EdgePositions(nats)
        self._machines = Machines()
        self._served: dict[str, NatsConnection] = {}
        self._lanes: dict[tuple[str, str, str], _Lane] = {}
        self._members: dict[str, set[str]] = {}
        self._owners: dict[str, str] = {}
        self._seen: dict[str, dict[str, Any]] = {}
        self._last_ms: dict[str, tuple[int, int]] = {}
        self._listeners: dict[str, dict[str, float]] = {}
        self._task: asyncio.Task[None] | None = None
        self._counters: Counter[str] = Counter()

    async def start(self) -> None:
        """Be ready for edges; none is admitted yet."""
        await self._positions.start()
        self._task = asyncio.create_task(self._note(), name="edges' states")

    async def stop(self) -> None:
        """Serve nobody any more."""
        await end(self._task)
        self._task = None
        await self.admit([])

    async def admit(self, edge_ids: list[str]) -> None:
        """Serve these edges and no others."""
        for edge_id in [each for each in self._served if each not in edge_ids]:
            await self._served.pop(edge_id).stop()
            self._lanes = {key: lane for key, lane in self._lanes.items() if key[0] != edge_id}
            self._seen.pop(edge_id, None)
            self._last_ms.pop(edge_id, None)
            self._listeners.pop(edge_id, None)
            self._owners.pop(edge_id, None)
        answers: dict[str, Answer] = {
            OFFER: self._offer,
            FRAMES: self._take,
            STATUS: self._status,
            DESIRED: self._want,
            PRESENCE: self._presence,
            **self._further,
        }
        for edge_id in edge_ids:
            if edge_id not in self._served:
                account = self._connect(edge_id)
                try:
                    await account.start()
                    for what, answer in answers.items():
                        most = _MOST_TOLD if what in self._further else _MOST_AT_ONCE
                        await account.serve(f"up.{what}", partial(_bounded(answer, most), edge_id))
                except BaseException:
                    await account.stop()
                    raise
                self._served[edge_id] = account

    async def nudge(self) -> None:
        """Devices changed: whose an edge's are is read anew, and the edges are told to ask what is desired."""
        self._members.clear()
        for account in list(self._served.values()):
            await account.publish("down.desired", b"")

    def account_of(self, edge_id: str) -> NatsConnection | None:
        """The way to an edge that speaks now; ``None`` while it is away."""
        _, heard_ms = self._last_ms.get(edge_id, (0, 0))
        return self._served.get(edge_id) if self._clock.now_ms() - heard_ms < FRESH_MS else None

    def figures(self) -> tuple[dict[str, float], dict[str, float]]:
        """Counters and gauges."""
        now_ms = self._clock.now_ms()
        there = sum(now_ms - heard < FRESH_MS for _, heard in self._last_ms.values())
        return dict(self._counters), {"edges_admitted": len(self._served), "edges_connected": there}

    # --- lanes ---------------------------------------------------------------------------------------------------

    async def _offer(self, edge_id: str, data: bytes) -> bytes:
        offer = _decoded(data, Offer)
        epoch = _checked(offer.epoch)
        self._machines.hear(edge_id, offer.machine, self._clock.monotonic_s())
        for lane in [lane for key, lane in self._lanes.items() if key[0] == edge_id]:
            async with lane.lock:  # what the edge sent before it was cut off is stored, or never will be
                lane.position = None
        known = await self._positions.lanes(edge_id, epoch)
        reached = known.get(ALL, 0)
        lanes = {name: last for name, last in known.items() if name == ALL or last > reached}
        await self._positions.forget(edge_id, epoch, [name for name in known if name not in lanes])
        return encode(Standing(lanes, self._clock.now_ms()))

    async def _take(self, edge_id: str, data: bytes) -> bytes:
        delivery = _decoded(data, Delivery)
        _checked(delivery.epoch)
        self._machines.hear(edge_id, delivery.machine, self._clock.monotonic_s())
        try:
            first = first_of(delivery.lane)
        except ValueError as error:
            raise _strange(str(error)) from None
        key = edge_id, delivery.epoch, delivery.lane
        if key not in self._lanes and sum(each[0] == edge_id for each in self._lanes) >= _MOST_LANES:
            self._lanes = {each: lane for each, lane in self._lanes.items() if each[0] != edge_id}
        lane = self._lanes.setdefault(key, _Lane())
        async with lane.lock:
            if lane.position is None:
                known = await self._positions.lanes(edge_id, delivery.epoch)
                if delivery.lane not in known and await self._positions.count(edge_id) >= _MOST_KEPT:
                    raise LimitExceeded(
                        f"This edge has more than {_MOST_KEPT} lanes that did not end.",
                        code="devices.edge_lanes",
                        hint="It does not speak as an edge does: revoke it, or let it join again with a new edge.",
                    )
                lane.position = known.get(delivery.lane, first - 1)
            if delivery.previous != lane.position or delivery.last <= delivery.previous:
                return encode(Taken(lane.position))
            frame, messages = await self._checked_frame(edge_id, delivery.frame)
            owner = await self._wait_turn(edge_id)
            try:
                await self._append(edge_id, delivery, frame)
            except BaseException:
                lane.position = None  # it may be stored or not: it is looked up
                raise
            lane.position = delivery.last
            self._pace(owner, messages)
            self._counters["edge_deliveries"] += 1
            self._counters["edge_bytes"] += len(frame)
            return encode(Taken(delivery.last))

    async def _wait_turn(self, edge_id: str) -> str:
        """Hold back an edge whose organisation sent faster than its rate; returns the organisation."""
        owner = self._owners.get(edge_id)
        if owner is None:
            owner = self._owners[edge_id] = await asyncio.to_thread(self._store.owner_of, edge_id)
        debt_s = self._pace(owner, 0)
        if debt_s > 0:
            self._counters["edge_paced"] += 1
            await asyncio.sleep(min(debt_s, _PACED_S))
        if debt_s > _PACED_S:
            raise LimitExceeded(
                "The edge's organisation sends faster than its rate of messages.",
                code="devices.edge_paced",
                hint="The edge keeps what it has, and goes on by itself; or raise the rate of the organisation.",
                retry_after_s=debt_s - _PACED_S,
            )
        return owner

    async def _append(self, edge_id: str, delivery: Delivery, frame: bytes) -> None:
        self._full()
        subject = intake_subject(edge_id, delivery.epoch, delivery.lane)
        name = message_id(edge_id, delivery.epoch, delivery.lane, delivery.last)
        for attempt in range(_TRIES):
            try:
                await self._nats.append(subject, frame, message_id=name)
                return
            except LimitExceeded:
                raise
            except Unavailable:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(_RETRY_S)

    async def _checked_frame(self, edge_id: str, data: bytes) -> tuple[bytes, int]:
        """The frame as it is stored, and how many messages it has.

        It is of this edge, and of nobody's devices but those that are or were at it. What is of others becomes a dead
        letter of nobody, which the root sees; its topic says who sent it for whom.
        """
        try:
            frame = decode_frame(data)
        except ValueError as error:
            raise _strange(str(error)) from None
        members = self._members.get(edge_id)
        if members is None or any(run.device_id not in members for run in frame.runs):
            members = self._members[edge_id] = await asyncio.to_thread(self._store.members, edge_id)
        for run in frame.runs:
            run.flags &= _FLAGS
            if run.device_id not in members:
                self._counters["edge_runs_of_others"] += 1
                run.topic = f"{edge_id} for {run.device_id[:64]}: {run.topic[:256]}"
                run.device_id = ""
        messages = sum(len(run.payloads) for run in frame.runs)
        return encode_frame(Frame(FRAME_VERSION, edge_id, frame.runs)), messages

    # --- the rest ------------------------------------------------------------------------------------------------

    async def _want(self, edge_id: str, data: bytes) -> bytes:
        want = _decoded(data, Want)
        wanted = await self._desired.of(edge_id)
        return encode(Wanted(wanted.version) if wanted.version == want.have else wanted)

    async def _status(self, edge_id: str, data: bytes) -> bytes:
        if len(data) > _MOST_STATUS:
            raise _strange(f"how it is takes {len(data)} bytes, more than {_MOST_STATUS}")
        report = _decoded(data, Report)
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        self._machines.hear(edge_id, report.machine, now_s)
        status = msgspec.structs.replace(report.status, cloned=self._machines.is_cloned(edge_id, now_s))
        said = msgspec.to_builtins(status)
        try:
            json.dumps(said, allow_nan=False)  # as the records write it
        except (TypeError, ValueError) as error:
            raise _strange(str(error)) from None
        since, heard = self._last_ms.get(edge_id, (now_ms, 0))
        if now_ms - heard > FRESH_MS:
            since = now_ms
        self._last_ms[edge_id] = since, now_ms
        self._seen[edge_id] = {"seen_ms": now_ms, "connected_ms": since, "status": said}
        return encode(Heard(now_ms))

    async def _presence(self, edge_id: str, data: bytes) -> bytes:
        report = _decoded(data, PresenceReport)
        listener = self._listener_of(edge_id, report.listener)
        if listener is None:
            self._counters["edge_presence_refused"] += 1
            return b""
        members = self._members.get(edge_id)
        named = {each[0] for each in (*report.connected, *report.disconnected)}
        if members is None or not named <= members:
            members = self._members[edge_id] = await asyncio.to_thread(self._store.members, edge_id)
        report.listener = listener
        report.connected = [each for each in report.connected if each[0] in members]
        report.disconnected = [each for each in report.disconnected if each[0] in members]
        await self._bus.publish(f"presence.{listener}", encode(report))
        return b""

    def _listener_of(self, edge_id: str, named: str) -> str | None:
        """What a listener at the edge is called here, since each tells of its own devices; ``None``: one too many."""
        now_s, name = self._clock.monotonic_s(), _NO_NAME.sub("_", named[:40])
        heard = {each: at_s for each, at_s in self._listeners.get(edge_id, {}).items() if now_s - at_s < _SILENT_S}
        if name not in heard and len(heard) >= _MOST_LISTENERS:
            return None
        self._listeners[edge_id] = heard | {name: now_s}
        return f"{edge_id}-{name}"

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(_NOTE_S)
            seen, self._seen = self._seen, {}
            if not seen:
                continue
            try:
                await asyncio.to_thread(self._store.note, seen)
            except MillwrightError as error:
                logger.warning("how edges are cannot be written: %s", error.message)
            except Exception:
                logger.exception("how edges are cannot be written")


def _bounded(answer: Answer, most: int) -> Answer:
    """``answer`` for one edge, so many at once: an edge that asks faster than it is answered takes up no more."""
    under_way = 0

    async def take(edge_id: str, data: bytes) -> bytes:
        nonlocal under_way
        if under_way >= most:
            raise LimitExceeded(
                f"{most} requests of this edge are under way already.",
                code="devices.edge_crowded",
                hint="The edge asks again by itself; let it run the same version as its parent if this lasts.",
                retry_after_s=1,
            )
        under_way += 1
        try:
            return await answer(edge_id, data)
        finally:
            under_way -= 1

    return take


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise _strange(str(error)) from None


def _checked(epoch: str) -> str:
    if not _EPOCH.fullmatch(epoch):
        raise _strange("the epoch is none")
    return epoch


def _strange(why: str) -> Invalid:
    return Invalid(
        f"What the edge sent cannot be read: {why}",
        code="devices.edge_message_invalid",
        hint="Let the edge run the same version as its parent.",
    )
