"""Questions about who is where, who was, and what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from millwright.devices.location import errors
from millwright.devices.location.model import (
    InZone,
    LocationEvent,
    LocationEventPage,
    TrailPoint,
    Whereabouts,
    WhereaboutsPage,
)
from millwright.devices.location.tables import events, stays, tag_states, tags, trail, zones
from millwright.engines.sql import Records

_TAGGED = tag_states.outerjoin(
    tags, sa.and_(tags.c.organisation_id == tag_states.c.organisation_id, tags.c.tag == tag_states.c.tag)
)
_MOST_TRAIL = 10_000


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; nothing: all."""

    tag: str | None = None
    zone_id: str | None = None
    kinds: tuple[str, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None


class LookStore:
    """Reads, in the scope at hand."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def whereabouts(
        self,
        certain: dict[str, bool],
        *,
        zone_id: str | None = None,
        plan_id: str | None = None,
        text: str = "",
        cursor: tuple[int, str] | None = None,
        limit: int = 100,
    ) -> WhereaboutsPage:
        """Tags, the one seen last first. ``certain``: zone → whether every reader of it is heard."""
        query = sa.select(
            *[column for column in tag_states.c if column.name != "state"],
            tags.c.name,
            tags.c.group,
            tags.c.device_id,
            tags.c.identifier,
        ).select_from(_TAGGED)
        if zone_id is not None:
            query = query.where(_inside(stays.c.zone_id == zone_id))
        if plan_id is not None:
            drawn = sa.select(zones.c.id).where(zones.c.plan_id == plan_id)
            query = query.where((tag_states.c.plan_id == plan_id) | _inside(stays.c.zone_id.in_(drawn)))
        if text:
            like = f"%{_escaped(text)}%"
            query = query.where(
                tag_states.c.tag.ilike(like, escape="\\")
                | tags.c.name.ilike(like, escape="\\")
                | (tags.c.group == text)
                | tags.c.identifier.ilike(like, escape="\\")
            )
        if cursor is not None:
            at_ms, tag = cursor
            older = tag_states.c.seen_ms < at_ms
            query = query.where(older | ((tag_states.c.seen_ms == at_ms) & (tag_states.c.tag > tag)))
        query = query.order_by(tag_states.c.seen_ms.desc(), tag_states.c.tag).limit(limit + 1)
        with self._records.read() as connection:
            rows = connection.execute(query).all()
            page = rows[:limit]
            zoned = _zones_of(connection, [row.tag for row in page], certain)
        following = f"{page[-1].seen_ms}:{page[-1].tag}" if len(rows) > limit else None
        return WhereaboutsPage([_whereabouts(row, zoned) for row in page], following)

    def events(self, wanted: EventFilter, *, before: int | None = None, limit: int = 100) -> LocationEventPage:
        """Events, newest first; ``before``: those with smaller numbers."""
        query = _filtered(sa.select(events), wanted).order_by(events.c.number.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(events.c.number < before)
        with self._records.read() as connection:
            rows = connection.execute(query).all()
        page = rows[:limit]
        following = str(page[-1].number) if len(rows) > limit else None
        return LocationEventPage([LocationEvent(**row._mapping) for row in page], following)

    def pages(self, wanted: EventFilter, size: int = 1000) -> Iterator[list[LocationEvent]]:
        """All that match, newest first, a page at a time."""
        before: int | None = None
        while True:
            page = self.events(wanted, before=before, limit=size)
            yield page.items
            if page.next is None:
                return
            before = int(page.next)

    def trail(self, tag: str, from_ms: int, to_ms: int, limit: int) -> list[TrailPoint]:
        """Where a tag was between two times, oldest first; the newest ``limit`` of them. Raises ``NotFound``."""
        query = (
            sa.select(trail)
            .where(trail.c.tag == tag, trail.c.time_ms >= from_ms, trail.c.time_ms < to_ms)
            .order_by(trail.c.time_ms.desc(), trail.c.number.desc())
            .limit(min(limit, _MOST_TRAIL))
        )
        with self._records.read() as connection:
            if connection.scalar(sa.select(tag_states.c.tag).where(tag_states.c.tag == tag).limit(1)) is None:
                raise errors.unknown("tag", tag)
            rows = connection.execute(query).all()
        return [
            TrailPoint(
                time_ms=row.time_ms,
                reader_id=row.reader_id,
                antenna=row.antenna,
                plan_id=row.plan_id,
                x_m=row.x_m,
                y_m=row.y_m,
                z_m=row.z_m,
                late=bool(row.late),
            )
            for row in reversed(rows)
        ]


def _inside(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    found = sa.select(stays.c.tag).where(
        stays.c.organisation_id == tag_states.c.organisation_id, stays.c.tag == tag_states.c.tag, condition
    )
    return found.correlate(tag_states).exists()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _filtered(query: sa.Select[Any], wanted: EventFilter) -> sa.Select[Any]:
    if wanted.tag is not None:
        query = query.where(events.c.tag == wanted.tag)
    if wanted.zone_id is not None:
        query = query.where(events.c.zone_id == wanted.zone_id)
    if wanted.kinds:
        query = query.where(events.c.kind.in_(wanted.kinds))
    if wanted.from_ms is not None:
        query = query.where(events.c.time_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        query = query.where(events.c.time_ms < wanted.to_ms)
    return query


def _zones_of(
    connection: sa.Connection, named: Sequence[str], certain: dict[str, bool]
) -> dict[tuple[str, str], list[InZone]]:
    query = (
        sa.select(stays, zones.c.name)
        .select_from(stays.join(zones, zones.c.id == stays.c.zone_id))
        .where(stays.c.tag.in_(named))
        .order_by(stays.c.since_ms)
    )
    found: dict[tuple[str, str], list[InZone]] = {}
    for row in connection.execute(query):
        found.setdefault((row.organisation_id, row.tag), []).append(
            InZone(zone_id=row.zone_id, zone=row.name, since_ms=row.since_ms, certain=certain.get(row.zone_id, False))
        )
    return found


def _whereabouts(row: Any, zoned: dict[tuple[str, str], list[InZone]]) -> Whereabouts:
    values = dict(row._mapping)
    values["name"], values["group"] = values["name"] or "", values["group"] or ""
    values["position_ms"] = values["position_ms"] or None
    return Whereabouts(**values, zones=zoned.get((row.organisation_id, row.tag), []))
