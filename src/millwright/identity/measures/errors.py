"""Errors of measures: one function for each, with the same words in Chinese."""

from __future__ import annotations

from millwright.kernel import Conflict, Invalid, LimitExceeded, NotFound


def unknown(measure_id: str) -> NotFound:
    """There is no such measure, or not for this person."""
    return NotFound(
        f"There is no measure {measure_id[:64]}.",
        code="measures.unknown",
        hint="GET /api/v1/identifiers/measures lists those you may see.",
        detail={"why_zh": "没有这项处置"},
    )


def nothing_here(on: str) -> NotFound:
    """The target stands under no prefix of this person's organisations."""
    return NotFound(
        f"{on[:200]} stands under no prefix for which you may take measures.",
        code="measures.no_prefix",
        hint="Measures are taken by the holder of a prefix, and by the organisation that decides on it.",
        detail={"pointer": "/on", "why_zh": "不在您可处置的任何前缀之下"},
    )


def invalid(pointer: str, why: str, why_zh: str, hint: str = "") -> Invalid:
    """A value of what was asked for is wrong."""
    return Invalid(
        f"{why}.",
        code="measures.invalid",
        hint=hint or f"Correct the value at {pointer}.",
        detail={"pointer": pointer, "why_zh": why_zh},
    )


def unconfirmed(touched: int, named: int | None) -> Conflict:
    """It touches all of a prefix, or very many, and nobody has said so; or another number."""
    said = "" if named is None else f", not {named:,}"
    return Conflict(
        f"This touches {touched:,} identifiers{said}.",
        code="measures.unconfirmed",
        hint=f"Look at the preview; when you mean it, repeat with touched = {touched}.",
        detail={"pointer": "/touched", "touched": touched, "why_zh": f"将影响 {touched:,} 个标识，请确认数量后重试"},
    )


def over(measure_id: str) -> Conflict:
    """It has ended already."""
    return Conflict(
        f"The measure {measure_id} is over.",
        code="measures.over",
        hint="Nothing is left to be lifted.",
        detail={"why_zh": "该处置已结束"},
    )


def not_yours_to_lift() -> Conflict:
    """It was taken by the organisation that decides on the prefix."""
    return Conflict(
        "The organisation that decides on the prefix has taken this measure, and lifts it.",
        code="measures.registrars",
        hint="Ask it; GET /api/v1/prefixes says who it is.",
        detail={"why_zh": "该处置由前缀的审核单位作出，只能由其解除"},
    )


def too_many(most: int) -> LimitExceeded:
    """No more are kept in force."""
    return LimitExceeded(
        f"{most:,} measures are in force, and no more can be.",
        code="measures.too_many",
        hint="Lift some, or take one for all names that begin in one way.",
        detail={"most": most, "why_zh": f"生效中的处置已达 {most:,} 项上限"},
    )
