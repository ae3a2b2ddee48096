"""Who is online, from what listeners and Sparkplug messages say. No I/O; time by the clock given.

Each listener has its own set of connected devices, so a device that moves to another listener while its old one is
dying stays online. Silence is measured on the monotonic clock: a correction of the wall clock makes nobody offline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.mqtt.presence import PresenceReport
from millwright.devices.presence.model import PresenceEvent, PresenceRow
from millwright.kernel import Clock

EXPIRY_S: Final = 6.0
"""A listener that is silent for so long is lost."""
RESTORED_S: Final = 12.0
"""How long what the records say of before our own start is believed: longer than between two snapshots."""
STALL_S: Final = 2.0
"""A pause of our own that is longer than this counts as no listener's silence."""
_AHEAD_MS: Final = 60_000


@dataclass(slots=True)
class _Listener:
    sequence: int
    at_ms: int
    heard_s: float
    since: dict[str, int] = field(default_factory=dict)


class PresenceTracker:
    """The state of every device that was ever seen, and the changes since they were last taken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: dict[str, _Listener] = {}
        self._rows: dict[str, PresenceRow] = {}
        self._restored: set[str] = set()
        self._restored_until_s = 0.0
        self._checked_s = clock.monotonic_s()
        self._edge_of: dict[str, str] = {}
        self._below: dict[str, set[str]] = {}
        self._births: dict[str, int] = {}
        self._events: list[PresenceEvent] = []
        self._dirty: dict[str, None] = {}

    @property
    def online(self) -> int:
        """How many devices are online."""
        return sum(row.online for row in self._rows.values())

    def find(self, device_id: str) -> PresenceRow | None:
        """How a device is, ``None`` when it was never seen."""
        return self._rows.get(device_id)

    def is_sparkplug_device(self, device_id: str) -> bool:
        """Whether the device is known to lie below an edge node."""
        return device_id in self._edge_of

    def restore(self, rows: Iterable[PresenceRow]) -> None:
        """Begin with what the records say; those online are believed until listeners had time to speak."""
        self._restored_until_s = self._clock.monotonic_s() + RESTORED_S
        for row in rows:
            self._rows[row.device_id] = row
            if row.online:
                if row.device_id in self._edge_of:
                    self._births[row.device_id] = row.since_ms
                else:
                    self._restored.add(row.device_id)

    def link(self, edge_of: Mapping[str, str]) -> None:
        """Which Sparkplug device lies below which edge node: device id → edge node's id."""
        self._edge_of = dict(edge_of)
        self._below = {}
        for device_id, edge_id in edge_of.items():
            self._below.setdefault(edge_id, set()).add(device_id)

    def report(self, report: PresenceReport) -> bool:
        """Take in a listener's message; returns whether something was missed, so that a snapshot is wanted."""
        now_s = self._clock.monotonic_s()
        listener = self._listeners.get(report.listener)
        whole = report.snapshot
        if listener is None:
            listener = self._listeners[report.listener] = _Listener(report.sequence, report.at_ms, now_s)
        elif report.sequence <= listener.sequence and report.at_ms <= listener.at_ms:
            return False  # an older message that was overtaken
        else:
            whole = whole or report.sequence == listener.sequence + 1
        listener.sequence, listener.at_ms, listener.heard_s = report.sequence, report.at_ms, now_s
        connected = {device_id: since_ms for device_id, since_ms, _ in report.connected}
        for device_id, since_ms, seen_ms in report.connected:
            self._connect(listener, device_id, since_ms)
            self._see(device_id, seen_ms)
        for device_id, at_ms, reason in report.disconnected:
            if connected.get(device_id, at_ms - 1) < at_ms:
                self._disconnect(listener, device_id, at_ms, reason)
        if report.snapshot:
            for device_id in [known for known in listener.since if known not in connected]:
                self._disconnect(listener, device_id, report.at_ms, "connection_lost")
        return not whole

    def sparkplug(self, device_id: str, online: bool, at_ms: int, reason: str) -> None:
        """Take in a birth or death. An edge node itself is online by its connection; its death ends its devices."""
        edge_id = self._edge_of.get(device_id)
        if edge_id is None:
            self._see(device_id, at_ms)
            if not online:
                self._end_births(device_id, at_ms, reason)
            return
        edge = self._rows.get(edge_id)
        if not online:
            if self._births.get(device_id, at_ms) <= at_ms:
                self._births.pop(device_id, None)
                self._turn(device_id, False, at_ms, reason)
            return
        if edge is not None and not edge.online and at_ms < edge.since_ms:
            return  # the edge node went away after this birth
        self._births[device_id] = at_ms
        self._see(device_id, at_ms)
        if edge is not None and edge.online:
            self._turn(device_id, True, at_ms, reason)

    def touch(self, seen: Mapping[str, int]) -> None:
        """Data of these devices was received at these times (UTC ms)."""
        for device_id, at_ms in seen.items():
            self._see(device_id, at_ms)

    def expire(self) -> None:
        """Give up listeners that fell silent, and what was restored and never confirmed. Call it about every second."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        pause_s = now_s - self._checked_s
        self._checked_s = now_s
        if pause_s > STALL_S:
            self._restored_until_s += pause_s
            for listener in self._listeners.values():
                listener.heard_s += pause_s
        for name in [n for n, listener in self._listeners.items() if now_s - listener.heard_s >= EXPIRY_S]:
            lost = self._listeners.pop(name)
            for device_id in lost.since:
                self._leave(device_id, now_ms, "listener_lost")
        if self._restored and now_s >= self._restored_until_s:
            left, self._restored = self._restored, set()
            for device_id in left:
                self._leave(device_id, now_ms, "listener_lost")

    def forget(self, device_ids: Iterable[str]) -> None:
        """These devices are registered no more."""
        for device_id in device_ids:
            self._rows.pop(device_id, None)
            self._dirty.pop(device_id, None)
            self._births.pop(device_id, None)
            self._restored.discard(device_id)

    def take_events(self) -> list[PresenceEvent]:
        """The changes since the last call, in order."""
        taken, self._events = self._events, []
        return taken

    def take_dirty(self, most: int) -> list[PresenceRow]:
        """Up to ``most`` rows to be written, those that wait longest first."""
        chosen = [device_id for device_id, _ in zip(self._dirty, range(most), strict=False)]
        for device_id in chosen:
            del self._dirty[device_id]
        return [self._rows[device_id] for device_id in chosen if device_id in self._rows]

    # --- one device --------------------------------------------------------------------------------------------------

    def _connect(self, listener: _Listener, device_id: str, since_ms: int) -> None:
        listener.since[device_id] = since_ms
        row = self._rows.get(device_id)
        if device_id in self._restored:
            self._restored.discard(device_id)
            if row is not None and row.since_ms < since_ms:
                row.since_ms = since_ms
                self._dirty[device_id] = None
        if row is None or not row.online:
            self._turn(device_id, True, since_ms, "connected")
            for child in self._below.get(device_id, ()):
                if child in self._births:
                    self._turn(child, True, max(since_ms, self._births[child]), "birth")

    def _disconnect(self, listener: _Listener, device_id: str, at_ms: int, reason: str) -> None:
        if listener.since.pop(device_id, None) is not None or device_id in self._restored:
            self._restored.discard(device_id)
            self._leave(device_id, at_ms, reason)

    def _leave(self, device_id: str, at_ms: int, reason: str) -> None:
        """One way to the device ended; it is offline when that was the last."""
        if any(device_id in listener.since for listener in self._listeners.values()):
            return
        self._turn(device_id, False, at_ms, reason)
        self._end_births(device_id, at_ms, "edge_node_offline")

    def _end_births(self, edge_id: str, at_ms: int, reason: str) -> None:
        for child in self._below.get(edge_id, ()):
            if self._births.get(child, at_ms + 1) <= at_ms:
                del self._births[child]
                self._turn(child, False, at_ms, reason)

    def _turn(self, device_id: str, online: bool, at_ms: int, reason: str) -> None:
        row = self._rows.get(device_id)
        if row is not None and row.online == online:
            return
        if row is None:
            if not online:
                return
            self._rows[device_id] = PresenceRow(device_id, True, at_ms, at_ms, reason)
        else:
            at_ms = max(at_ms, row.since_ms)  # within one device's history time does not run back
            row.online, row.since_ms, row.reason = online, at_ms, reason
            if online:
                row.last_seen_ms = max(row.last_seen_ms, at_ms)
        self._events.append(PresenceEvent(device_id, online, at_ms, reason))
        self._dirty[device_id] = None

    def _see(self, device_id: str, at_ms: int) -> None:
        at_ms = min(at_ms, self._clock.now_ms() + _AHEAD_MS)
        row = self._rows.get(device_id)
        if row is None:
            self._rows[device_id] = PresenceRow(device_id, False, at_ms, at_ms, None)
        elif at_ms > row.last_seen_ms:
            row.last_seen_ms = at_ms
        else:
            return
        self._dirty.setdefault(device_id, None)
