"""Closing the loop: a tag that comes, stays or leaves asks a device for something.

An event that matches a rule leaves a *reaction* in the same transaction. When it is due it becomes a command, once: its
key is the reaction's number. It is let be when the tag is not there any more (or again), when the rule has asked too
often, or when the event came to be known so late that the machine may be in another situation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from millwright.devices.location import errors
from millwright.devices.location.model import Feedback, FeedbackForm, LocationEvent, Reaction
from millwright.devices.location.settings import LocationSettings
from millwright.devices.location.store import count_of
from millwright.devices.location.tables import bump, events, reactions, rules, stays, zones
from millwright.devices.names import key_of
from millwright.devices.store import devices
from millwright.engines.sql import Records
from millwright.parties import active

_HOUR_MS = 3_600_000
_REACTION = [column for column in reactions.c if column.name != "organisation_id"]
_COLUMNS = ("name", "zone_id", "device_id", "enabled")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What of a rule is needed to see whether an event is meant."""

    rule_id: str
    organisation_id: str
    kind: str
    zone_id: str
    group: str | None
    tag: str | None
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Due:
    """A reaction that is due, with its rule and its event."""

    number: int
    rule: Feedback
    tag: str
    tag_owner: str
    device_owner: str
    zone: str
    event_kind: str
    happened_ms: int
    recorded_ms: int
    certain: bool
    inside: bool
    asked_hour: int
    asked_last_ms: int | None
    zone_since_ms: int | None
    entered_ms: int | None


def matching(
    event: LocationEvent, triggers: Sequence[Trigger], groups: Mapping[tuple[str, str], str]
) -> Iterator[Trigger]:
    """The rules that an event is meant by; ``groups``: organisation and tag → group."""
    if event.tag is None or event.reason == "removed":
        return
    for trigger in triggers:
        if trigger.kind != event.kind or trigger.zone_id != event.zone_id:
            continue
        if trigger.tag is not None and trigger.tag != event.tag:
            continue
        if trigger.group is not None and groups.get((event.organisation_id, event.tag)) != trigger.group:
            continue
        yield trigger


def judge(due: Due, now_ms: int, stale_ms: int) -> tuple[str, str] | None:
    """Why a reaction is let be: a code and words; ``None``: it is to be asked for."""
    rule = due.rule
    if not rule.enabled:
        return "location.rule_off", "The rule was switched off."
    if due.recorded_ms - due.happened_ms > stale_ms or now_ms - due.recorded_ms > stale_ms + round(rule.hold_s * 1000):
        return "location.late", "The event came to be known too late for a machine to be moved by it."
    if due.event_kind == "exit" and not due.certain:
        return "location.uncertain", "A reader was lost meanwhile: nobody knows when the tag left."
    if due.event_kind == "exit" and due.inside:
        return "location.came_back", "The tag is inside again."
    if due.event_kind != "exit" and (not due.inside or due.zone_since_ms != due.entered_ms):
        return "location.gone", "The tag is not inside any more."
    if due.asked_last_ms is not None and now_ms - due.asked_last_ms < rule.again_after_s * 1000:
        return "location.too_soon", f"The rule asked less than {rule.again_after_s:g} s ago."
    if due.asked_hour >= rule.most_per_hour:
        return "location.too_often", f"The rule asked {due.asked_hour} times within an hour."
    return None


class FeedbackStore:
    """Rules and reactions in the records."""

    def __init__(self, records: Records, settings: LocationSettings | None = None) -> None:
        self._records, self._settings = records, settings or LocationSettings()

    def rules(self) -> list[Feedback]:
        """Every rule by name."""
        with self._records.read() as connection:
            return [_rule(row) for row in connection.execute(sa.select(rules).order_by(rules.c.name_key))]

    def rule(self, rule_id: str) -> Feedback:
        """One rule. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _rule(_row(connection, rule_id))

    def add(self, rule_id: str, form: FeedbackForm, by: tuple[str, str]) -> Feedback:
        """Add a rule. Raises ``NotFound`` (zone), ``Invalid`` (device), ``Conflict`` (name), ``LimitExceeded``."""
        with self._records.begin() as connection:
            owner = _owner(connection, form)
            if count_of(connection, rules, owner) >= self._settings.most_rules:
                raise errors.too_many("rules", self._settings.most_rules)
            _refuse_name(connection, form.name, owner, rule_id)
            values = _values(form) | {"by_id": by[0], "by_name": by[1], "revision": 1, "organisation_id": owner}
            connection.execute(sa.insert(rules).values(id=rule_id, **values))
            bump(connection)
        return self.rule(rule_id)

    def change(self, rule_id: str, form: FeedbackForm, by: tuple[str, str], expected: int | None) -> Feedback:
        """Put ``form`` in the rule's place. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        with self._records.begin() as connection:
            row = _row(connection, rule_id)
            if expected is not None and expected != row.revision:
                raise errors.stale("rule", row.revision)
            _owner(connection, form)
            _refuse_name(connection, form.name, row.organisation_id, rule_id)
            values = _values(form) | {"by_id": by[0], "by_name": by[1], "revision": row.revision + 1}
            connection.execute(sa.update(rules).where(rules.c.id == rule_id).values(**values))
            bump(connection)
        return self.rule(rule_id)

    def delete(self, rule_id: str) -> Feedback:
        """Remove a rule and what it made. Raises ``NotFound``."""
        found = self.rule(rule_id)
        with self._records.begin() as connection:
            connection.execute(sa.delete(reactions).where(reactions.c.rule_id == rule_id))
            connection.execute(sa.delete(rules).where(rules.c.id == rule_id))
            bump(connection)
        return found

    def reactions(self, rule_id: str, limit: int) -> list[Reaction]:
        """What the rule made of events, newest first. Raises ``NotFound``."""
        with self._records.read() as connection:
            _row(connection, rule_id)
            query = sa.select(*_REACTION).where(reactions.c.rule_id == rule_id).order_by(reactions.c.number.desc())
            return [Reaction(**row._mapping) for row in connection.execute(query.limit(limit))]

    # --- for the tracker ---------------------------------------------------------------------------------------------

    def triggers(self) -> list[Trigger]:
        """What every rule that is switched on waits for."""
        with self._records.read() as connection:
            query = sa.select(rules).where(rules.c.enabled, active(rules.c.organisation_id))
            found = [_rule(row) for row in connection.execute(query)]
        return [
            Trigger(
                rule.id,
                rule.organisation_id,
                rule.on,
                rule.zone_id,
                rule.group,
                rule.tag.upper() if rule.tag else None,
                round(rule.hold_s * 1000),
            )
            for rule in found
        ]

    def due(self, now_ms: int, most_each: int = 16) -> list[int]:
        """Numbers of reactions whose time has come: the organisations' oldest in turn, so many of each."""
        turn = sa.func.row_number().over(partition_by=reactions.c.organisation_id, order_by=reactions.c.number)
        waiting = (
            sa.select(reactions.c.number, turn.label("turn"))
            .join(events, events.c.number == reactions.c.event_number)
            .where(reactions.c.state == "waiting", reactions.c.due_ms <= now_ms)
            .subquery()
        )
        query = sa.select(waiting.c.number).where(waiting.c.turn <= most_each)
        with self._records.read() as connection:
            return list(connection.execute(query.order_by(waiting.c.turn, waiting.c.number)).scalars())

    def find_due(self, number: int, now_ms: int) -> Due | None:
        """A reaction that waits, as it is to be judged now."""
        same = sa.and_(
            stays.c.organisation_id == events.c.organisation_id,
            stays.c.tag == events.c.tag,
            stays.c.zone_id == events.c.zone_id,
        )
        known = reactions.join(events, events.c.number == reactions.c.event_number).outerjoin(stays, same)
        query = (
            sa.select(
                reactions.c.number.label("reaction"),
                reactions.c.rule_id,
                events,
                stays.c.since_ms.label("zone_since_ms"),
            )
            .select_from(known)
            .where(reactions.c.number == number, reactions.c.state == "waiting")
        )
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _due(connection, row, now_ms)

    def pass_all(self, rule_id: str, now_ms: int, *, code: str, text: str) -> int:
        """Let be all that is due of a rule; returns how many that were."""
        due = sa.and_(reactions.c.rule_id == rule_id, reactions.c.state == "waiting", reactions.c.due_ms <= now_ms)
        with self._records.begin() as connection:
            values = {"state": "passed", "ended_ms": now_ms, "code": code, "text": text}
            return connection.execute(sa.update(reactions).where(due).values(**values)).rowcount

    def close(
        self,
        number: int,
        state: Literal["asked", "refused", "passed"],
        now_ms: int,
        *,
        command_id: str | None = None,
        code: str | None = None,
        text: str | None = None,
    ) -> None:
        """Write what became of a reaction."""
        with self._records.begin() as connection:
            values = {"state": state, "ended_ms": now_ms, "command_id": command_id, "code": code, "text": text}
            connection.execute(sa.update(reactions).where(reactions.c.number == number).values(**values))


def _due(connection: sa.Connection, row: Any, now_ms: int) -> Due:
    of_rule = sa.and_(reactions.c.rule_id == row.rule_id, reactions.c.state == "asked")
    last = connection.scalar(sa.select(sa.func.max(reactions.c.ended_ms)).where(of_rule))
    counted = sa.select(sa.func.count()).where(of_rule, reactions.c.ended_ms > now_ms - _HOUR_MS)
    rule = _rule(_row(connection, row.rule_id))
    return Due(
        number=row.reaction,
        rule=rule,
        tag=row.tag,
        tag_owner=row.organisation_id,
        device_owner=connection.scalar(_device_owner(rule.device_id)) or "",
        zone=row.zone,
        event_kind=row.kind,
        happened_ms=row.time_ms,
        recorded_ms=row.recorded_ms,
        certain=bool(row.certain),
        inside=row.zone_since_ms is not None,
        asked_hour=int(connection.scalar(counted) or 0),
        asked_last_ms=last,
        zone_since_ms=row.zone_since_ms,
        entered_ms=row.entered_ms,
    )


def _row(connection: sa.Connection, rule_id: str) -> Any:
    row = connection.execute(sa.select(rules).where(rules.c.id == rule_id)).one_or_none()
    if row is None:
        raise errors.unknown("rule", rule_id)
    return row


def _owner(connection: sa.Connection, form: FeedbackForm) -> str:
    """The zone's organisation; zone and device must be there, and be of the same one."""
    zone: str | None = connection.scalar(sa.select(zones.c.organisation_id).where(zones.c.id == form.zone_id))
    if zone is None:
        raise errors.unknown("zone", form.zone_id)
    device: str | None = connection.scalar(_device_owner(form.device_id))
    if device is None:
        raise errors.feedback_invalid(f"There is no device {form.device_id}.", "/device_id")
    if device != zone:
        raise errors.feedback_invalid("The device is of another organisation than the zone.", "/device_id")
    return zone


def _device_owner(device_id: str) -> sa.Select[Any]:
    return sa.select(devices.c.organisation_id).where(devices.c.id == device_id)


def _refuse_name(connection: sa.Connection, name: str, organisation_id: str, own_id: str) -> None:
    same = sa.select(rules.c.id).where(
        rules.c.name_key == key_of(name), rules.c.organisation_id == organisation_id, rules.c.id != own_id
    )
    if connection.scalar(same) is not None:
        raise errors.name_taken("rule", name)


def _values(form: FeedbackForm) -> dict[str, Any]:
    document = msgspec.to_builtins(form)
    return {
        **{name: document.pop(name) for name in _COLUMNS},
        "name_key": key_of(form.name),
        "document": document,
    }


def _rule(row: Any) -> Feedback:
    known = {name: getattr(row, name) for name in _COLUMNS}
    more = {"id": row.id, "by_id": row.by_id, "by_name": row.by_name, "revision": row.revision}
    return msgspec.convert({**row.document, **known, **more, "organisation_id": row.organisation_id}, Feedback)
