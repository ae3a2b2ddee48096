"""What an edge does besides forwarding: tells how it is, takes the desired state, lets presence rise."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import psutil

from millwright.devices.changes import EVERY, Changes
from millwright.devices.edge.desired import DesiredApplier
from millwright.devices.edge.model import MOST_PROBLEMS, EdgeProblem, EdgeStatus
from millwright.devices.edge.parent_time import SUBJECT as TIME
from millwright.devices.edge.parent_time import WRONG_MS, Anchor, ParentTime
from millwright.devices.edge.upgrade.model import UpgradeStatus
from millwright.devices.edge.uplink import Uplink, ask, received_of
from millwright.devices.edge.wire import DESIRED, PRESENCE, STATUS, Heard, Report, Want, Wanted
from millwright.devices.intake import INTAKE
from millwright.devices.mqtt.presence import ASK
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, MillwrightError, Repeat, Unsubscribe

logger = logging.getLogger(__name__)

_REPORT_S: Final = 2.0
_ASK_S: Final = 4.0
_MOST_ADDRESSES: Final = 32
_MOST_TEXT: Final = 400


class EdgeAgent:
    """A :class:`millwright.kernel.Part`. ``problems`` are those of the whole edge, ``disk_free`` in bytes."""

    def __init__(
        self,
        nats: NatsConnection,
        uplink: Uplink,
        applier: DesiredApplier,
        changes: Changes,
        clock: Clock,
        time: ParentTime,
        version: str,
        disk_free: Callable[[], int],
        upgrade: Callable[[], UpgradeStatus | None] = lambda: None,
        machine: str = "",
    ) -> None:
        self._nats, self._uplink, self._applier, self._changes = nats, uplink, applier, changes
        self._clock, self._time, self._version, self._disk_free = clock, time, version, disk_free
        self._upgrade, self._machine = upgrade, machine
        self._started_ms = clock.now_ms()
        self._offset_ms: float | None = None
        self._rtt_ms: float | None = None
        self._applied, self._applied_ms, self._apply_error = "", 0, ""
        self._applying = asyncio.Lock()
        self._roles: dict[str, dict[str, Any]] = {}
        self._unsubscribe: list[Unsubscribe] = []
        self._report = Repeat(
            self.report,
            _REPORT_S,
            name="edge report",
            lost="the parent is not told how this edge is",
            back="the parent is told again how this edge is",
            log=logger,
        )
        self._desire = Repeat(
            self.take_desired,
            _ASK_S,
            name="edge desired state",
            lost="the desired state is not in force",
            back="the desired state is in force again",
            log=logger,
        )

    async def start(self) -> None:
        """Begin."""
        self._unsubscribe = [
            await self._nats.subscribe("presence.*", self._on_presence),
            await self._nats.subscribe("stats.>", self._on_stats),
            await self._nats.subscribe("down.desired", self._on_nudge),
        ]
        await self._report.start()
        await self._desire.start()

    async def stop(self) -> None:
        """End."""
        await self._desire.stop()
        await self._report.stop()
        for unsubscribe in self._unsubscribe:
            await unsubscribe()
        self._unsubscribe = []

    @property
    def clock_offset_ms(self) -> float | None:
        """How far this machine's clock is ahead of the parent's; ``None`` while that is not known."""
        return self._offset_ms

    @property
    def clock_wrong(self) -> bool:
        """Whether it is so far off that the times of what was received here are wrong."""
        return self._offset_ms is not None and abs(self._offset_ms) > WRONG_MS

    async def report(self) -> None:
        """Tell how the edge is; the answer tells the parent's clock."""
        if known := self._time.told():
            await self._nats.publish(TIME, known)
        status = await self._status()
        sent_ms, began_s = self._clock.now_ms(), self._clock.monotonic_s()
        heard = await ask(self._nats, STATUS, Report(status, self._machine), Heard, _ASK_S)
        took_ms = (self._clock.monotonic_s() - began_s) * 1000
        self._rtt_ms = round(took_ms, 1)
        self._offset_ms = round(sent_ms + took_ms / 2 - heard.now_ms, 1)
        self._time.anchor = Anchor(heard.now_ms, began_s + took_ms / 2000)

    async def take_desired(self) -> None:
        """Ask what is desired and apply it when it is new; what went wrong is in the next report."""
        async with self._applying:
            await self._take_desired()

    async def _take_desired(self) -> None:
        wanted = await ask(self._nats, DESIRED, Want(self._applied), Wanted, _ASK_S)
        if not wanted.document:
            return
        try:
            await self._applier.apply(wanted)
        except MillwrightError as error:
            self._apply_error = f"{error.code}: {error.message}"
            raise
        self._applied, self._applied_ms, self._apply_error = wanted.version, self._clock.now_ms(), ""
        await self._changes.announce(EVERY)
        logger.info("the desired state %s is in force", wanted.version)

    async def _status(self) -> EdgeStatus:
        state = await self._nats.state(INTAKE.name)
        reached = self._uplink.reached
        waiting = max(0, state.last_sequence - max(reached, state.first_sequence - 1))
        oldest_ms = None
        if waiting:
            message = await self._nats.get(INTAKE.name, max(reached + 1, state.first_sequence))
            oldest_ms = received_of(message.data) if message is not None else None
        return EdgeStatus(
            version=self._version,
            at_ms=self._clock.now_ms(),
            started_ms=self._started_ms,
            backlog_messages=waiting,
            backlog_bytes=state.bytes * waiting // state.messages if state.messages else 0,
            backlog_oldest_ms=oldest_ms,
            given_up=max(self._uplink.given_up, self._uplink.keeping.given_up),
            given_up_from_ms=self._uplink.keeping.lost_from_ms,
            given_up_to_ms=self._uplink.keeping.lost_to_ms,
            clock_offset_ms=self._offset_ms,
            rtt_ms=self._rtt_ms,
            disk_free_bytes=self._disk_free(),
            memory_bytes=sum(int(each.get("rss_bytes", 0)) for each in self._roles.values()),
            addresses=_addresses(),
            applied=self._applied,
            applied_ms=self._applied_ms or None,
            apply_error=self._apply_error,
            problems=_problems(self._roles.values()),
            live=self._uplink.live,
            upgrade=self._upgrade(),
            sections=self._applier.sections,
        )

    async def _on_presence(self, subject: str, payload: bytes) -> None:
        if subject != ASK:
            await self._nats.publish(f"up.{PRESENCE}", payload)

    async def _on_stats(self, subject: str, payload: bytes) -> None:
        try:
            self._roles[subject] = msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.MsgspecError:
            return

    async def _on_nudge(self, _subject: str, _payload: bytes) -> None:
        await self._desire.once()


def _problems(roles: Iterable[dict[str, Any]]) -> list[EdgeProblem]:
    """The problems that the roles have, as much of them as the parent takes."""
    found = [problem for each in roles for problem in each.get("problems", [])][:MOST_PROBLEMS]
    return [
        EdgeProblem(
            code=str(each.get("code", ""))[:64],
            message=str(each.get("message", ""))[:_MOST_TEXT],
            hint=str(each.get("hint", ""))[:_MOST_TEXT],
            since_ms=int(each.get("since_ms") or 0) or None,
        )
        for each in found
    ]


def _addresses() -> list[str]:
    """Of this machine's interfaces, IPv6 too; not those that reach nobody else."""
    found = []
    for name, each in sorted(psutil.net_if_addrs().items()):
        for address in each:
            if address.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            text = address.address.partition("%")[0]
            if not text.startswith(("127.", "::1", "fe80:")):
                found.append(f"{text} ({name})")
    return found[:_MOST_ADDRESSES]
