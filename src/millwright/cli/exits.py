"""Exit codes: one for each thing the caller must do, like the error families they come from."""

from __future__ import annotations

from millwright.kernel import MillwrightError

OK = 0
FAILED = 1
USAGE = 2
DENIED = 3
NOT_FOUND = 4
UNAVAILABLE = 5
CONFLICT = 6
LIMIT = 7
HELD = 8

BY_FAMILY = {
    "invalid": USAGE,
    "denied": DENIED,
    "not_found": NOT_FOUND,
    "unavailable": UNAVAILABLE,
    "conflict": CONFLICT,
    "limit_exceeded": LIMIT,
    "unsupported": FAILED,
    "corrupt": FAILED,
    "held": HELD,
}
"""Family of :class:`~millwright.kernel.MillwrightError` → exit code."""

HELP = (
    "Exit codes: 0 done, 1 failed or something is wrong, 2 wrong usage or input, 3 denied, 4 not found, "
    "5 unavailable (try again), 6 conflict, 7 a limit is used up, 8 sent for approval and not done yet."
)


class SentForApproval(MillwrightError):
    """It takes a second person: the node keeps it until somebody decides, and did nothing yet (202)."""

    family = "held"


def exit_code(error: MillwrightError) -> int:
    """The exit code of ``error``."""
    return BY_FAMILY.get(error.family, FAILED)
