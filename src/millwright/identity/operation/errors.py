"""What may be wrong with watching resolution."""

from __future__ import annotations

from millwright.kernel import Conflict, NotFound


def unknown_finding(finding_id: str) -> NotFound:
    """There is no such finding, or none that the reader may know of."""
    return NotFound(
        f"There is no finding {finding_id}.",
        code="operation.finding_unknown",
        hint="GET /api/v1/identifiers/operation/findings lists those that you may see.",
    )


def acknowledged_already() -> Conflict:
    """Somebody was faster."""
    return Conflict(
        "This finding was acknowledged already.",
        code="operation.finding_acknowledged",
        hint="Read it again: who did so and what was said stands there.",
    )
