"""What the tracker keeps: what happened, what it remembers, and up to where the intake was taken, in one transaction.

After a crash the tracker goes on from the last of them: nothing is lost, and nothing is told twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.devices.location.feedback import Trigger, matching
from millwright.devices.location.model import LocationEvent
from millwright.devices.location.states import Happening, ReaderState, TagState, TrailStep
from millwright.devices.location.tables import (
    events,
    positions,
    reactions,
    reader_states,
    readers,
    stays,
    tag_states,
    trail,
)
from millwright.devices.store import upsert
from millwright.engines.sql import Records

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TagState).decode
_CHUNK = 500
_MOST_REACTIONS = 10_000
"""Of one organisation in one step: no machine moves so often, and the tracker writes for everybody."""
_TAG_COLUMNS = (
    "seen_ms", "reader_id", "antenna", "rssi_dbm", "plan_id", "x_m", "y_m", "z_m", "position_ms", "state",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """All that came of the intake up to ``sequence`` of the stream made at ``stream``."""

    stream: str
    sequence: int
    happened: Sequence[Happening]
    trail: Sequence[TrailStep]
    tags: Sequence[TagState]
    readers: Mapping[str, tuple[str, ReaderState]]
    """Device → its organisation, and how it is."""


class TrackStore:
    """Written by the tracker alone; sees every organisation."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.surplus = 0
        """Reactions that were too many to be written."""

    def position(self, stream: str) -> int | None:
        """Up to where the stream was taken; ``None``: never yet."""
        with self._records.read() as connection:
            found = connection.scalar(sa.select(positions.c.sequence).where(positions.c.stream == stream))
            return None if found is None else int(found)

    def memory(self) -> tuple[list[TagState], dict[str, ReaderState]]:
        """What was kept of tags and readers."""
        with self._records.read() as connection:
            kept = [_decode(row.state) for row in connection.execute(sa.select(tag_states.c.state))]
            known = {
                row.device_id: msgspec.convert(row.state, ReaderState)
                for row in connection.execute(sa.select(reader_states.c.device_id, reader_states.c.state))
            }
        return kept, known

    def keep(
        self, step: Step, triggers: Sequence[Trigger], groups: Mapping[tuple[str, str], str], now_ms: int
    ) -> list[LocationEvent]:
        """Write a step; returns its events with their numbers."""
        with self._records.begin() as connection:
            told = [_insert(connection, each, now_ms) for each in step.happened]
            surplus = _react(connection, told, triggers, groups)
            _keep_tags(connection, step.tags)
            _keep_readers(connection, step.readers)
            if step.trail:
                connection.execute(sa.insert(trail), [msgspec.structs.asdict(each) for each in step.trail])
            upsert(
                connection,
                positions,
                [{"stream": step.stream, "sequence": step.sequence}],
                update=("sequence",),
            )
        if surplus:
            self.surplus += surplus
            logger.warning("%d reactions of places were too many at once and are let be", surplus)
        return told

    def forget(self, events_before_ms: int, trail_before_ms: int) -> int:
        """Remove what is older; returns how much that was."""
        with self._records.begin() as connection:
            gone = connection.execute(sa.delete(events).where(events.c.time_ms < events_before_ms)).rowcount
            gone += connection.execute(sa.delete(trail).where(trail.c.time_ms < trail_before_ms)).rowcount
            connection.execute(
                sa.delete(reactions).where(reactions.c.state != "waiting", reactions.c.due_ms < events_before_ms)
            )
            unseen = tag_states.c.seen_ms < min(events_before_ms, trail_before_ms)
            inside = sa.select(stays.c.tag).where(stays.c.organisation_id == tag_states.c.organisation_id)
            connection.execute(sa.delete(tag_states).where(unseen, tag_states.c.tag.not_in(inside)))
        return gone


def _insert(connection: sa.Connection, happened: Happening, now_ms: int) -> LocationEvent:
    values = {**msgspec.structs.asdict(happened), "recorded_ms": now_ms}
    number = connection.execute(sa.insert(events).values(**values).returning(events.c.number)).scalar_one()
    return LocationEvent(number=number, **values)


def _react(
    connection: sa.Connection,
    told: Iterable[LocationEvent],
    triggers: Sequence[Trigger],
    groups: Mapping[tuple[str, str], str],
) -> int:
    """Write what rules make of events; returns how many were too many."""
    meant: dict[tuple[str, str], list[Trigger]] = {}
    for trigger in triggers:
        meant.setdefault((trigger.kind, trigger.zone_id), []).append(trigger)
    written: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for event in told:
        for trigger in matching(event, meant.get((event.kind, event.zone_id), ()), groups):
            written[trigger.organisation_id] += 1
            if written[trigger.organisation_id] > _MOST_REACTIONS:
                continue
            rows.append(
                {
                    "rule_id": trigger.rule_id,
                    "event_number": event.number,
                    "tag": event.tag,
                    "due_ms": event.recorded_ms + trigger.hold_ms,
                    "state": "waiting",
                    "organisation_id": trigger.organisation_id,
                }
            )
    if rows:
        connection.execute(sa.insert(reactions), rows)
    return written.total() - len(rows)


def _keep_tags(connection: sa.Connection, states: Sequence[TagState]) -> None:
    rows: list[dict[str, Any]] = []
    inside: list[dict[str, Any]] = []
    for state in states:
        rows.append(
            {
                "organisation_id": state.organisation_id,
                "tag": state.tag,
                "seen_ms": state.seen_ms,
                "reader_id": state.reader_id,
                "antenna": state.antenna,
                "rssi_dbm": state.rssi_dbm,
                "plan_id": state.plan_id,
                "x_m": state.x_m,
                "y_m": state.y_m,
                "z_m": state.z_m,
                "position_ms": state.position_ms,
                "state": _encode(state),
            }
        )
        inside += [
            {
                "organisation_id": state.organisation_id,
                "tag": state.tag,
                "zone_id": zone_id,
                "since_ms": stay.since_ms,
            }
            for zone_id, stay in state.stays.items()
            if stay.inside
        ]
    upsert(connection, tag_states, rows, update=_TAG_COLUMNS)
    by_owner: dict[str, list[str]] = {}
    for state in states:
        by_owner.setdefault(state.organisation_id, []).append(state.tag)
    for organisation_id, named in by_owner.items():
        for at in range(0, len(named), _CHUNK):
            connection.execute(
                sa.delete(stays).where(
                    stays.c.organisation_id == organisation_id, stays.c.tag.in_(named[at : at + _CHUNK])
                )
            )
    upsert(connection, stays, inside, update=("since_ms",))


def _keep_readers(connection: sa.Connection, states: Mapping[str, tuple[str, ReaderState]]) -> None:
    known = set(connection.execute(sa.select(readers.c.device_id)).scalars()) if states else set()
    rows = [
        {"device_id": device_id, "organisation_id": organisation_id, "state": msgspec.to_builtins(state)}
        for device_id, (organisation_id, state) in states.items()
        if device_id in known
    ]
    upsert(connection, reader_states, rows, update=("state",))
