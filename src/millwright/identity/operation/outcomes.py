"""What became of a question, by the names of the Handle protocol's response codes and those that it has none for."""

from __future__ import annotations

from millwright.identity.handle.measured import suspension_of
from millwright.identity.handle.records import RecordsView
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import EXPIRED, LATE, OUTCOME, SUSPENDED
from millwright.kernel import MillwrightError


def outcome_of(code: int, view: RecordsView | None = None, name: bytes = b"") -> str:
    """The outcome of a response code; the protocol says of a closed prefix, and of what a measure suspends, only that
    this server is not responsible, so ``view`` is asked why."""
    if code == Rc.SERVER_NOT_RESPONSIBLE and view is not None and name:
        if view.measured and suspension_of(view, name) is not None:
            return SUSPENDED
        owner = view.authority(name)
        if owner is not None and owner.state != "active":
            return EXPIRED if owner.state == "expired" else SUSPENDED
    return OUTCOME.get(code, "error")


def failure_of(error: MillwrightError) -> str:
    """The outcome of an error that the response code does not tell from others; empty when it does."""
    return LATE if error.code == "recursion.no_answer" else ""
