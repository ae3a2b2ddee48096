"""What a rule must fulfil before it is kept: every fault is named at once, with its field."""

from __future__ import annotations

import math
from collections.abc import Iterator

from millwright.kernel import Invalid
from millwright.operations import messages
from millwright.operations.model import Condition, Limit, RateOfChange, RuleDraft, Stale

MAX_DELAY_S = 86_400.0
"""Longest on-delay, off-delay and stale time: one day."""

MIN_STALE_S = 1.0
MIN_WINDOW_S, MAX_WINDOW_S = 0.1, 86_400.0

Fault = tuple[str, str]


def validate(rule: RuleDraft) -> None:
    """Raise ``Invalid`` (``operations.rule_invalid``) that lists every fault of ``rule``."""
    faults = list(_faults(rule))
    if faults:
        pointed = [{"pointer": f"/{where.replace('.', '/')}", "message": what} for where, what in faults]
        raise Invalid(
            "The rule is not valid: " + "; ".join(f"{where} {what}" for where, what in faults) + ".",
            code="operations.rule_invalid",
            hint="Correct the named fields.",
            detail={"pointer": pointed[0]["pointer"], "faults": pointed},
        )


def _faults(rule: RuleDraft) -> Iterator[Fault]:
    if not rule.name.strip():
        yield "name", "is blank"
    if (rule.scope.device_id is None) == (rule.scope.model_id is None):
        yield "scope", "must give exactly one of device_id and model_id"
    yield from _condition(rule.condition)
    for where, text in (("message", rule.message), ("message_zh", rule.message_zh or "")):
        if fault := messages.check(text):
            yield where, fault


def _condition(condition: Condition) -> Iterator[Fault]:
    for name in condition.__struct_fields__:
        value = getattr(condition, name)
        if isinstance(value, float) and not math.isfinite(value):
            yield f"condition.{name}", "must be a finite number"
            return
    match condition:
        case Limit():
            yield from _limit(condition)
        case RateOfChange():
            if condition.per_s <= 0:
                yield "condition.per_s", "must be greater than 0 (direction says which way counts)"
            if not MIN_WINDOW_S <= condition.window_s <= MAX_WINDOW_S:
                yield "condition.window_s", f"must be from {MIN_WINDOW_S:g} to {MAX_WINDOW_S:g} seconds"
            if not 0 <= condition.deadband < max(condition.per_s, 0):
                yield "condition.deadband", "must be from 0 to less than per_s"
            yield from _delays(condition)
        case Stale():
            if not MIN_STALE_S <= condition.after_s <= MAX_DELAY_S:
                yield "condition.after_s", f"must be from {MIN_STALE_S:g} to {MAX_DELAY_S:g} seconds"


def _limit(condition: Limit) -> Iterator[Fault]:
    high, low, deadband = condition.high, condition.low, condition.deadband
    if high is None and low is None:
        yield "condition", "needs high, low or both"
    if deadband < 0:
        yield "condition.deadband", "must not be negative"
    if high is not None and low is not None:
        if low >= high:
            yield "condition.low", f"must be less than high ({low:g} ≥ {high:g})"
        elif low + deadband >= high - deadband:
            yield "condition.deadband", f"must be less than half of high - low ({(high - low) / 2:g})"
    yield from _delays(condition)


def _delays(condition: Limit | RateOfChange) -> Iterator[Fault]:
    for name in ("on_delay_s", "off_delay_s"):
        if not 0 <= getattr(condition, name) <= MAX_DELAY_S:
            yield f"condition.{name}", f"must be from 0 to {MAX_DELAY_S:g} seconds"
