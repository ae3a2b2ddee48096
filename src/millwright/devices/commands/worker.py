"""Commands at work, in the historian role: sends what waits, hears what comes back, and ends what nobody answers.

The records are the truth: a state is written before the world is touched, and changes only from the states it may
change from, so a cancellation and a sending, or two workers, cannot both win. What comes back arrives through the
intake like every message: :meth:`CommandWorker.settle` is awaited before the intake is acknowledged, so no answer is
lost by a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from millwright.devices.commands.foreign import BY_MQTT
from millwright.devices.commands.handing import EDGE, LEFT, Handover, has_left, is_silent, next_ask_s
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.model import OPEN, UNDER_WAY, WAITING, Command, Outcome
from millwright.devices.commands.routes.connector import ConnectorCommands
from millwright.devices.commands.routes.contract import ConnectorRoute
from millwright.devices.commands.routes.mqtt import MqttRoute, ask_of, reach_of
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.service import announce
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import Addressed, CommandStore
from millwright.devices.commands.subjects import WAKE
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.withdrawing import Withdrawer
from millwright.devices.mqtt.delivery import FIND, FOUND, Ask, Found
from millwright.devices.presence.model import PresenceRow
from millwright.devices.telemetry import Decoded
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""How often the records are read when nobody told of anything."""
BUSY_S: Final = 0.25
"""How often a device is looked for that a command waits for: at first, and when it has just come back."""
SELDOM_S: Final = 5.0
"""How often one that is not found is looked for in the end."""
_EAGER: Final = 8
_MANY: Final = 2_000
GRACE_S: Final = 5.0
"""After a start nothing times out for this long: the answer may be among what is still to be read."""
TRIM_S: Final = 60.0
_ASKED_AT_ONCE: Final = 500
_EDGES_ASKED_AT_ONCE: Final = 50
_COUNTED: Final = {
    "confirmed": "commands_confirmed",
    "delivered": "commands_delivered",
    "failed": "commands_failed",
    "timed_out": "commands_timed_out",
    "refused": "commands_refused",
    "expired": "commands_expired",
    "answers_late": "commands_answered_late",
    "answers_repeated": "commands_answered_again",
    "answers_unknown": "commands_answers_unknown",
    "questions": "commands_questions",
}


class CommandWorker:
    """One for a node. A :class:`millwright.kernel.Part`, to be started before the intake is read."""

    def __init__(
        self,
        store: CommandStore,
        sender: Sender,
        hearing: Hearing,
        teller: Teller,
        bus: Bus,
        clock: Clock,
        settings: CommandsSettings,
        *,
        mqtt: MqttRoute,
        sparkplug: SparkplugRoute,
        lag_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._store, self._sender, self._hearing, self._teller = store, sender, hearing, teller
        self._bus, self._clock, self._settings = bus, clock, settings
        self._mqtt, self._sparkplug, self._lag_s = mqtt, sparkplug, lag_s
        self._connector: ConnectorCommands | None = None
        self._handover: Handover | None = None
        self._withdrawer: Withdrawer | None = None
        self._open: dict[str, Addressed] = {}
        self._asked: dict[str, Addressed] = {}
        self._plain: set[str] = set()
        self._tries: dict[str, tuple[int, float]] = {}
        self._ask_s: dict[str, float] = {}
        self._active: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake, self._lock = asyncio.Event(), asyncio.Lock()
        self._stale = True
        self._looked_s = self._trimmed_s = float("-inf")
        self._started_s = 0.0
        self._ended: set[str] = set()
        self._unsubscribe: list[Unsubscribe] = []
        self._task: asyncio.Task[None] | None = None
        self._problem = False
        self.counts: Counter[str] = Counter()

    def use_connectors(self, points: ConnectorRoute) -> None:
        """Send commands for properties that are points of a connection through ``points``; call it before the start."""
        self._connector = ConnectorCommands(points)

    def use_edges(self, handover: Handover, withdrawer: Withdrawer | None = None) -> None:
        """Hand commands for devices at edges to these, and take them back; call it before the start."""
        self._handover, self._withdrawer = handover, withdrawer

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier process left, and listen."""
        self._started_s = self._clock.monotonic_s()
        self._unsubscribe = [
            await self._bus.subscribe(WAKE, self._on_wake),
            await self._bus.subscribe("events.devices.presence", self._on_presence),
            await self._bus.subscribe(FOUND, self._on_found),
        ]
        await self._look()
        for each in list(self._open.values()):
            if each.command.state == "sending" and each.command.route != EDGE:
                self._begin(each, self._recover(each))
        self._task = asyncio.create_task(self._run(), name="commands")

    async def stop(self) -> None:
        """Begin nothing more; what is on its way is waited for, and what came back is written."""
        for unsubscribe in self._unsubscribe:
            await unsubscribe()
        self._unsubscribe = []
        await end(self._task)
        self._task = None
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)
        await end(*self._tasks)
        try:
            await self.settle()
            await self._teller.tell()
        except MillwrightError as error:
            logger.warning("commands are taken up at the next start: %s", error.message)

    def gauges(self) -> dict[str, float]:
        """How many wait, and how many are under way."""
        waiting = sum(each.command.state in WAITING for each in self._open.values())
        return {"commands_waiting": waiting, "commands_under_way": len(self._open) - waiting}

    def counters(self) -> dict[str, float]:
        """How many ended in which way, and what was heard that belongs to none."""
        counted = self.counts + self._hearing.counts
        return {name: float(counted[key]) for key, name in _COUNTED.items() if counted[key]}

    # --- what the pipeline calls ---------------------------------------------------------------------------------

    def look(self, decoded: Decoded) -> None:
        """See what was decoded; does no I/O."""
        if self._hearing.offer(decoded):
            self._wake.set()

    async def settle(self) -> None:
        """Return when everything that was seen is written. Raises ``Unavailable``."""
        async with self._lock:
            for command in await self._hearing.take(self._open):
                await self._moved(command)

    # --- the loop ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            busy = any(each.command.state in OPEN for each in self._open.values())
            try:
                async with asyncio.timeout(BUSY_S if busy else LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.tick()
                self._problem = False
            except MillwrightError as error:
                self._failed(error.message, None)
            except Exception as error:
                self._failed(repr(error), error)

    def _failed(self, said: str, error: Exception | None) -> None:
        if not self._problem:
            logger.warning("commands wait: %s", said, exc_info=error)
        self._problem = True

    async def tick(self) -> None:
        """One round."""
        await self.settle()
        now_s = self._clock.monotonic_s()
        if self._stale or now_s - self._looked_s >= LOOK_S * (1 + len(self._open) // _MANY):
            await self._look()
        await self._expire()
        await self._seek()
        await self._teller.tell()
        if self._ended and now_s - self._trimmed_s >= TRIM_S:
            self._trimmed_s, ended = now_s, self._ended
            self._ended = set()
            await asyncio.to_thread(self._store.trim, ended, self._settings.kept_per_device)

    async def _look(self) -> None:
        self._stale, self._looked_s = False, self._clock.monotonic_s()
        found = await asyncio.to_thread(self._store.open)
        self._open = {each.command.id: each for each in found}
        self._plain &= self._open.keys()
        self._ask_s = {command_id: at_s for command_id, at_s in self._ask_s.items() if command_id in self._open}
        waited_for = {each.command.device_id for each in found}
        self._tries = {device_id: tried for device_id, tried in self._tries.items() if device_id in waited_for}
        self._hearing.watch(each.command for each in found)

    async def _expire(self) -> None:
        now_ms = self._clock.now_ms()
        late_ms = now_ms - round(self._lag_s() * 1000)
        fresh = self._clock.monotonic_s() - self._started_s < GRACE_S
        active = set(self._active.values())
        for each in list(self._open.values()):
            command = each.command
            if command.id in active:
                continue
            if command.state in WAITING and command.expires_ms <= now_ms:
                text = "The device was not there before the command's time was over."
                await self._end(command, WAITING, "expired", Outcome(code="commands.expired", text=text))
            elif has_left(each, now_ms):
                await self._end(command, UNDER_WAY, "timed_out", LEFT)
            elif command.state in UNDER_WAY and not fresh and (command.deadline_ms or 0) <= late_ms:
                await self._end(command, UNDER_WAY, "timed_out", self._hearing.timeout_of(command))

    async def _end(self, command: Command, allowed: tuple[str, ...], state: Any, outcome: Outcome) -> None:
        now_ms = self._clock.now_ms()
        moved = await asyncio.to_thread(self._store.move, command.id, allowed, state, now_ms, outcome)
        if moved is not None:
            await self._moved(moved)

    async def _moved(self, command: Command) -> None:
        """A state was written: know it, and tell of it."""
        each = self._open.get(command.id)
        if command.state in OPEN:
            if each is not None:
                self._open[command.id] = msgspec.structs.replace(each, command=command)
        else:
            self._open.pop(command.id, None)
            self._ended.add(command.device_id)
            self.counts[command.state] += 1
            self._wake.set()
        self._hearing.watch(each.command for each in self._open.values())
        await announce(self._bus, [command])

    # --- sending -------------------------------------------------------------------------------------------------

    async def _seek(self) -> None:
        """Look for the devices whose oldest waiting command could leave now."""
        heads: dict[str, Addressed] = {}
        if self._withdrawer is not None:
            for each in self._withdrawer.due(self._open.values(), self._active):
                self._begin(each, self._withdrawer.ask(each, self._moved))
        self._hand_again()
        busy = {_lane(each) for each in self._open.values() if each.command.state in UNDER_WAY}
        for each in self._open.values():  # oldest first: a device gets its commands in the order they were asked
            if each.command.state in WAITING:
                heads.setdefault(each.command.device_id, each)
        asks: list[Ask] = []
        self._asked = {}
        for device_id, each in heads.items():
            if device_id in self._active or _lane(each) in busy:
                continue
            if each.disabled:
                outcome = Outcome(code="commands.device_disabled", text="The device was disabled meanwhile.")
                await self._end(each.command, WAITING, "refused", outcome)
            elif self._handover is not None and each.edge_id is not None:
                if self._is_due(device_id):
                    self._begin(each, self._handover.begin(each, self._moved))
            elif self._connector is not None and each.command.id not in self._plain:
                self._begin(each, self._by_connector(self._connector, each))
            elif self._is_due(device_id) and (ask := await self._ask_of(each)) is not None:
                asks.append(ask)
                self._asked[each.command.id] = each
        if self._handover is not None:
            self._ask_edges(self._handover)  # last: what waits to leave goes first
        for start in range(0, len(asks), _ASKED_AT_ONCE):
            await self._bus.publish(FIND, msgspec.msgpack.encode(asks[start : start + _ASKED_AT_ONCE]))

    def _hand_again(self) -> None:
        """Commands of which nobody knows whether their edge has them."""
        for each in list(self._open.values()):
            command = each.command
            if command.state != "sending" or command.route != EDGE or command.device_id in self._active:
                continue
            if command.withdrawal is not None and self._withdrawer is not None:
                continue
            if self._handover is not None and self._is_due(command.device_id):
                edge_id = (each.attempt or {}).get("edge_id", "")
                self._begin(each, self._handover.again(command, edge_id, self._moved))

    def _ask_edges(self, handover: Handover) -> None:
        """Commands that an edge took and tells nothing of: whether it still has them. A bounded number at once."""
        now_ms, now_s, begun = self._clock.now_ms(), self._clock.monotonic_s(), 0
        for each in list(self._open.values()):
            command = each.command
            if command.device_id in self._active or not is_silent(each, now_ms):
                continue
            if now_s < self._ask_s.get(command.id, 0.0):
                continue
            self._ask_s[command.id] = now_s + next_ask_s(command, now_ms)
            self._begin(each, handover.ask(command, (each.attempt or {}).get("edge_id", ""), self._moved))
            begun += 1
            if begun == _EDGES_ASKED_AT_ONCE:
                return

    def _is_due(self, device_id: str) -> bool:
        """Whether to look for a device now: eagerly at first, then ever more seldom while nobody finds it."""
        now_s = self._clock.monotonic_s()
        tries, next_s = self._tries.get(device_id, (0, 0.0))
        if now_s < next_s:
            return False
        wait_s = 0.0 if tries < _EAGER else min(BUSY_S * 2 ** (tries - _EAGER + 1), SELDOM_S)
        self._tries[device_id] = (min(tries + 1, 64), now_s + wait_s)
        return True

    async def _ask_of(self, each: Addressed) -> Ask | None:
        """What listeners are asked; ``None`` when there is no way at present, or never will be."""
        if each.device_kind in BY_MQTT or (each.device_kind == "sparkplug_edge" and each.command.kind == "call"):
            ask = ask_of(each)
            if ask is None:
                text = "Its gateway has no address in the dialect that the device is known by."
                await self._end(each.command, WAITING, "failed", Outcome(code="commands.no_route", text=text))
            return ask
        if each.command.kind == "call":
            text = "Sparkplug carries values of metrics and no calls of services."
            await self._end(each.command, WAITING, "failed", Outcome(code="commands.no_route", text=text))
            return None
        if not self._sparkplug.is_born(each):
            return None
        if self._sparkplug.find_type(each) is None:
            text = f"The birth certificate in force announces no metric {each.command.name!r}."
            await self._end(each.command, WAITING, "failed", Outcome(code="commands.metric", text=text))
            return None
        return self._sparkplug.ask_of(each)

    async def _by_connector(self, connector: ConnectorCommands, each: Addressed) -> None:
        reach = await connector.find(each)
        if reach is None:
            self._plain.add(each.command.id)  # the device speaks for itself
            self._wake.set()
            return
        await self._sender.send(each, connector, reach, self._moved)

    async def _recover(self, each: Addressed) -> None:
        """An attempt that an earlier process had begun, of which it wrote no end."""
        token = each.attempt or {}
        if each.command.route == "connector":
            route: Any = self._connector
        else:
            route = self._sparkplug if each.command.route == "sparkplug" else self._mqtt
        await self._sender.recover(each, route, token, self._moved)

    def _begin(self, each: Addressed, work: Coroutine[Any, Any, None]) -> None:
        """Let ``work`` be what is done about the device until it is over."""
        device_id = each.command.device_id
        self._active[device_id] = each.command.id
        task = asyncio.create_task(work, name=f"command {each.command.id}")
        self._tasks.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            self._tasks.discard(finished)
            if self._active.get(device_id) == each.command.id:
                del self._active[device_id]
            error = None if finished.cancelled() else finished.exception()
            if isinstance(error, MillwrightError):
                logger.debug("a command waits: %s", error.message)
            elif error is not None:
                logger.error("sending a command failed", exc_info=error)
            elif each.command.id not in self._open or self._open[each.command.id].command.state in UNDER_WAY:
                self._wake.set()

        task.add_done_callback(done)

    async def _on_found(self, _subject: str, payload: bytes) -> None:
        try:
            found = msgspec.msgpack.decode(payload, type=Found)
        except msgspec.DecodeError as error:
            logger.debug("what a listener found cannot be read: %s", error)
            return
        for command_id, choice in found.choices.items():
            each = self._asked.pop(command_id, None)
            if each is None or each.command.device_id in self._active:
                continue
            self._tries.pop(each.command.device_id, None)
            if each.device_kind in BY_MQTT or each.command.kind == "call":
                reach = reach_of(each, found.listener, found.boot, choice)
                if reach is not None:
                    self._begin(each, self._sender.send(each, self._mqtt, reach, self._moved))
            else:
                reach = self._sparkplug.reach_of(each, found.listener, found.boot)
                self._begin(each, self._sender.send(each, self._sparkplug, reach, self._moved))

    async def _on_presence(self, _subject: str, payload: bytes) -> None:
        """Who has come or gone is looked for at once, and so is what lies below an edge node."""
        try:
            rows = msgspec.json.decode(payload, type=list[PresenceRow])
        except msgspec.DecodeError:
            return
        for row in rows:
            if self._tries.pop(row.device_id, None) is not None:
                self._wake.set()

    async def _on_wake(self, _subject: str, _payload: bytes) -> None:
        self._stale = True
        self._wake.set()


def _lane(each: Addressed) -> tuple[str, str, str]:
    return each.command.device_id, each.command.kind, each.command.name
