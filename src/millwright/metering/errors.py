"""Errors of metering that are raised in more than one place."""

from __future__ import annotations

from millwright.kernel import Denied, Invalid, NotFound


def above_only() -> Denied:
    """Plans, limits and statements of an organisation are a matter of the one above it."""
    return Denied(
        "This is decided by the organisation above, not by the one that pays.",
        code="metering.above_only",
        hint="Ask whoever runs the node or the park.",
    )


def no_plan_in_force(organisation_id: str) -> NotFound:
    """The organisation does not pay by itself in the month."""
    return NotFound(
        "This organisation has no price plan in that month.",
        code="metering.no_plan_in_force",
        hint="Give it one, or look at the organisation above that pays for it.",
        detail={"organisation_id": organisation_id},
    )


def no_such_plan(plan_id: str) -> NotFound:
    """The plan does not exist, or is not for this organisation."""
    return NotFound(
        "There is no such price plan.",
        code="metering.plan_unknown",
        hint="List the plans.",
        detail={"plan_id": plan_id},
    )


def plan_invalid(message: str, pointer: str) -> Invalid:
    """A plan that cannot be counted with; ``pointer`` is a JSON pointer into the body."""
    return Invalid(
        message, code="metering.plan_invalid", hint="Correct the field it names.", detail={"pointer": pointer}
    )
