"""At the parent: what edges tell of alarms becomes the parent's alarms, once."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import Bus, Clock, Invalid
from millwright.operations.alarms import Alarms, announce
from millwright.operations.at_edges.wire import ALARMS, MOST_AT_ONCE, AlarmChange, AlarmsReport, Numbered
from millwright.operations.evaluation import NO_LONGER_WATCHED, covers, kind_of
from millwright.operations.model import Alarm, Change, Directory, Raised, Returned, Rule, Subject, WatchKey
from millwright.operations.store import RuleStore, bump, heard
from millwright.operations.writer import AlarmWriter

_MOST_BYTES: Final = 2_000_000
_AHEAD_MS: Final = 60_000
_MOST_COMMENT: Final = 500
_MOST_UNIT: Final = 64


class EdgeAlarms:
    """Takes what edges tell; ``records`` and ``directory`` see everything, ``members`` are the devices of an edge."""

    name = ALARMS

    def __init__(
        self,
        records: Records,
        directory: Directory,
        members: Callable[[str], set[str]],
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._records, self._directory, self._members = records, directory, members
        self._bus, self._clock = bus, clock
        self._rules = RuleStore(records)
        self._writer = AlarmWriter(
            Alarms(records, bus, clock).cases, clock, lambda alarms: announce(bus, alarms), shared=True
        )
        self._report = msgspec.msgpack.Decoder(AlarmsReport)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, edge_id: str, data: bytes) -> bytes:
        """Write what was told. Raises ``Invalid``, and ``Unavailable`` when the records do not answer."""
        try:
            if len(data) > _MOST_BYTES:
                raise ValueError(f"it has {len(data)} bytes, more than {_MOST_BYTES}")
            changes = self._report.decode(data).changes
            if len(changes) > MOST_AT_ONCE:
                raise ValueError(f"it has {len(changes)} changes, more than {MOST_AT_ONCE}")
        except ValueError as error:
            raise Invalid(
                f"What the edge sent cannot be read: {error}",
                code="devices.edge_message_invalid",
                hint="Let the edge run the same version as its parent.",
            ) from None
        async with self._locks[edge_id]:  # a report that came twice is written once
            alarms = await asyncio.to_thread(self._write, edge_id, changes)
        await announce(self._bus, alarms)
        return b""

    def _write(self, edge_id: str, told: list[Numbered]) -> list[Alarm]:
        with self._records.read() as connection:
            last = connection.scalar(sa.select(heard.c.number).where(heard.c.edge_id == edge_id)) or 0
            new = [each for each in told if each.number > last]
        if not new:
            return []
        members = self._members(edge_id)
        wanted = [each.change for each in new if each.change.device_id in members]
        rules = self._rules.these({each.rule_id for each in wanted})
        subjects = {each.id: each for each in self._directory.subjects(set(), {each.device_id for each in wanted})}
        changes = []
        left = False
        for each in wanted:
            rule, subject = rules.get(each.rule_id), subjects.get(each.device_id)
            if each.comment == NO_LONGER_WATCHED and _is_watched(each, rule, subject):
                left = True  # the alarm goes on: whoever watches now says when it ends
            elif change := self._change(edge_id, each, rule, subject):
                changes.append(change)

        def keep(connection: sa.Connection) -> None:
            if left:
                bump(connection)  # who judges here takes it over
            values = {"number": new[-1].number}
            if not connection.execute(sa.update(heard).where(heard.c.edge_id == edge_id).values(**values)).rowcount:
                connection.execute(sa.insert(heard).values(edge_id=edge_id, **values))

        return self._writer.write(changes, [], also=keep)

    def _change(self, edge_id: str, told: AlarmChange, rule: Rule | None, subject: Subject | None) -> Change | None:
        """The change by the parent's own rule and device: the edge says when and by what value, not what it means."""
        key = _key_of(told)
        at_ms = min(told.at_ms, self._clock.now_ms() + _AHEAD_MS)
        if not told.raised:
            return Returned(key, at_ms, told.comment[:_MOST_COMMENT], edge_id)
        if rule is None or subject is None or not _is_watched(told, rule, subject):
            return None
        return Raised(
            key,
            at_ms,
            rule,
            subject,
            _finite(told.value),
            told.trigger_ms,
            _finite(told.limit),
            None if told.unit is None else told.unit[:_MOST_UNIT],
            max(1, told.occurrences),
            edge_id,
        )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _is_watched(told: AlarmChange, rule: Rule | None, subject: Subject | None) -> bool:
    """Whether the rule, as it is at the parent now, watches that of the device."""
    if rule is None or subject is None or not rule.enabled or not covers(rule, subject):
        return False
    return (rule.property, kind_of(rule)) == (told.property, told.kind)


def _key_of(told: AlarmChange) -> WatchKey:
    return WatchKey(told.rule_id, told.device_id, told.property, told.kind)
