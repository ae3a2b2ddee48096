"""The sentence of an alarm, in English and Chinese, with its placeholders filled."""

from __future__ import annotations

import math
from string import Formatter

from millwright.kernel import Invalid, units
from millwright.operations.model import Raised, RateOfChange, RuleDraft, Stale

PLACEHOLDERS = frozenset({"device", "property", "value", "limit", "unit"})
"""What a message may name in braces."""

_STANDARD = {
    "limit": (
        "{property} of {device} is {value} {unit}, beyond its limit {limit} {unit}",
        "{device} 的 {property} 为 {value} {unit}，越过限值 {limit} {unit}",
    ),
    "rate_of_change": (
        "{property} of {device} changes by {value} {unit}, faster than {limit} {unit}",
        "{device} 的 {property} 变化率为 {value} {unit}，超过 {limit} {unit}",
    ),
    "stale": (
        "{device} has sent no {property} for {limit} {unit}",
        "{device} 已 {limit} {unit} 未上报 {property}",
    ),
}


def check(template: str) -> str | None:
    """What is wrong with a message template, or None."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return f"has unbalanced braces ({error})"
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            return f"names {{{name}}}; it may name {', '.join(sorted(PLACEHOLDERS))}"
        if spec or conversion:
            return f"formats {{{name}}}; placeholders take no format"
    return None


def unit_of(rule: RuleDraft, unit: str | None) -> str | None:
    """The unit of a rule's value and limit: the property's, that per second, or seconds."""
    match rule.condition:
        case Stale():
            return "s"
        case RateOfChange():
            return f"{unit}/s" if unit else "1/s"
        case _:
            return unit


def render(change: Raised) -> tuple[str, str]:
    """The message in English and in Chinese."""
    english, chinese = _STANDARD[change.key.kind]
    rule = change.rule
    facts = {
        "device": change.subject.name,
        "property": rule.property,
        "value": _number(change.value),
        "limit": _number(change.limit),
        "unit": _printed(change.unit),
    }
    return _fill(rule.message or english, facts), _fill(rule.message_zh or rule.message or chinese, facts)


def _printed(unit: str | None) -> str:
    """``m³/h`` for the UCUM code ``m3/h``; what a device calls its unit otherwise stays as it is."""
    if not unit:
        return ""
    try:
        return units.symbol(unit)
    except Invalid:
        return unit


def _fill(template: str, facts: dict[str, str]) -> str:
    text = template.format_map(facts)
    return " ".join(text.split()).replace(" ,", ",").replace(" ，", "，")


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.6g}"
