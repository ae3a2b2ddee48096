"""Interlocks: what must hold before a command leaves, and the judge that fails safe.

A condition that cannot be judged (no value, a bad or an old one, records that do not answer) does not hold.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from millwright.devices.commands.model import Outcome, Value
from millwright.devices.errors import invalid
from millwright.historian import GOOD, Latest
from millwright.kernel import ROOT

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: Final = ("critical", "high", "medium", "low")
AHEAD_S: Final = 5.0
"""How far ahead of this node's clock a reading may have been received; beyond that nothing is known of its age."""

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class ValueHolds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="value"):
    """A property's newest value compares so with ``value``, is good and not older than ``max_age_s``."""

    property: Annotated[str, Meta(min_length=1, max_length=256, examples=["speed"])]
    op: Operator
    value: Value
    device_id: Annotated[
        Annotated[str, Meta(max_length=64)] | None, Meta(description="Another device; null: the commanded one.")
    ] = None
    max_age_s: Annotated[float, Meta(gt=0, le=86_400, description="Age of reception beyond which it is stale.")] = 60.0


class NoAlarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="no_alarm"):
    """The device has no active alarm of this priority or a higher one."""

    priority: Priority = "critical"


class DeviceOnline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="online"):
    """A device (null: the commanded one) is connected, or is not."""

    device_id: Annotated[str, Meta(max_length=64)] | None = None
    online: bool = True


Condition = ValueHolds | NoAlarm | DeviceOnline


class NewInterlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule for commands to one device, or to every device of a model; ``command`` narrows it to a property or
    service.

    All ``conditions`` must hold.
    """

    name: Annotated[str, Meta(min_length=1, max_length=128, examples=["only at standstill"])]
    device_id: Annotated[str, Meta(max_length=64)] | None = None
    model_id: Annotated[str, Meta(max_length=64)] | None = None
    command: Annotated[
        Annotated[str, Meta(max_length=256)] | None, Meta(description="A property or service; null: every command.")
    ] = None
    conditions: Annotated[list[Condition], Meta(min_length=1, max_length=20)]
    enabled: bool = True

    def check(self) -> NewInterlock:
        """Raises ``Invalid`` (``commands.interlock_invalid``) when it names no device or model, or cannot be judged."""
        if (self.device_id is None) == (self.model_id is None):
            raise invalid("Name a device or a model, one of them.", "/device_id", code="commands.interlock_invalid")
        for number, condition in enumerate(self.conditions):
            if not isinstance(condition, ValueHolds):
                continue
            ordered = condition.op in ("<", "<=", ">", ">=")
            if ordered and (isinstance(condition.value, str | bool) or not math.isfinite(condition.value)):
                raise invalid(
                    f"{condition.op} compares numbers.",
                    f"/conditions/{number}/value",
                    code="commands.interlock_invalid",
                    hint="Give a number, or use == or !=.",
                )
        return self


class Interlock(NewInterlock, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that is kept. ``revision`` is its ETag."""

    id: str
    created_ms: int
    revision: int
    organisation_id: str = ROOT


class Against(Struct, frozen=True, kw_only=True):
    """What stood against a command. ``stale``: it may pass by itself when the device speaks."""

    outcome: Outcome
    stale: bool = False


class Facts(Struct, frozen=True):
    """What is known at the moment of judging, by device: newest readings by property, online, alarms by priority."""

    latest: dict[str, dict[str, Latest]]
    online: dict[str, bool]
    alarms: dict[str, dict[str, int]]


def devices_of(rules: Sequence[Interlock], device_id: str) -> set[str]:
    """The devices that judging these rules for a command to ``device_id`` must know of."""
    found = {device_id}
    for rule in rules:
        for condition in rule.conditions:
            if not isinstance(condition, NoAlarm) and condition.device_id is not None:
                found.add(condition.device_id)
    return found


def find_against(rules: Sequence[Interlock], device_id: str, facts: Facts, now_ms: int) -> Against | None:
    """The first condition that does not hold, or ``None``."""
    stale: Against | None = None
    for rule in rules:
        for condition in rule.conditions:
            found = _judge(rule, condition, device_id, facts, now_ms)
            if found is not None and not found.stale:
                return found
            stale = stale or found
    return stale


def _judge(rule: Interlock, condition: Condition, device_id: str, facts: Facts, now_ms: int) -> Against | None:
    if isinstance(condition, NoAlarm):
        reach = PRIORITIES[: PRIORITIES.index(condition.priority) + 1]
        counts = facts.alarms.get(device_id, {})
        active = {each: counts[each] for each in reach if counts.get(each)}
        if not active:
            return None
        said = ", ".join(f"{count} {each}" for each, count in active.items())
        return _against(rule, f"there are active alarms ({said})", {"alarms": active})
    whose = condition.device_id or device_id
    if isinstance(condition, DeviceOnline):
        online = facts.online.get(whose, False)
        if online == condition.online:
            return None
        return _against(rule, f"the device is {'online' if online else 'offline'}", {"device_id": whose})
    return _judge_value(rule, condition, whose, facts.latest.get(whose, {}).get(condition.property), now_ms)


def _judge_value(
    rule: Interlock, condition: ValueHolds, whose: str, latest: Latest | None, now_ms: int
) -> Against | None:
    wanted = f"{condition.property} {condition.op} {_said(condition.value)}"
    detail: dict[str, Any] = {"device_id": whose, "property": condition.property, "condition": wanted}
    if latest is None or latest.value is None:
        return _against(rule, f"{condition.property} has no value, and {wanted} must hold", detail, stale=True)
    detail |= {"value": latest.value, "time_ms": latest.time_ms, "quality": latest.quality}
    age_s = (now_ms - latest.received_ms) / 1000
    if age_s > condition.max_age_s:
        said = f"the newest {condition.property} is {age_s:.0f} s old, and {wanted} must hold"
        return _against(rule, said, detail, stale=True)
    if age_s < -AHEAD_S:
        said = (
            f"the newest {condition.property} was received {-age_s:.0f} s ahead of the node's clock, so its age is not "
            f"known, and {wanted} must hold"
        )
        return _against(rule, said, detail, stale=True)
    if latest.quality < GOOD:
        return _against(rule, f"{condition.property} is not good, and {wanted} must hold", detail)
    if not holds(latest.value, condition.op, condition.value):
        return _against(rule, f"{condition.property} is {_said(latest.value)}, and {wanted} must hold", detail)
    return None


def holds(value: Value, op: str, wanted: Value) -> bool:
    """Whether the comparison holds; values of different kinds are never equal and never in order."""
    text, flag = isinstance(value, str), isinstance(value, bool)
    if text != isinstance(wanted, str):
        return False
    if flag != isinstance(wanted, bool) and not (float(value) in (0, 1) and float(wanted) in (0, 1)):
        return False
    return bool(_OPERATORS[op](value, wanted))


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value[:60]}"' if isinstance(value, str) else f"{value:g}"


def _against(rule: Interlock, text: str, detail: dict[str, Any], *, stale: bool = False) -> Against:
    outcome = Outcome(
        code="commands.interlocked",
        text=f"The interlock {rule.name!r} stands against it: {text}.",
        hint="Bring the machine to where the condition holds, then ask again.",
        detail={"interlock_id": rule.id, "interlock": rule.name, **detail},
    )
    return Against(outcome=outcome, stale=stale)
