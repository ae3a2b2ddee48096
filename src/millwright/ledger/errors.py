"""Errors of the ledger that more than one room raises."""

from __future__ import annotations

from millwright.kernel import Invalid, NotFound, Unavailable


def entry_unknown(entry_id: str) -> NotFound:
    """There is no such entry."""
    return NotFound(
        f"The ledger has no entry {entry_id}.",
        code="ledger.entry_unknown",
        hint="GET /api/v1/ledger/entries lists them; a new one appears within a second.",
    )


def bad_cursor() -> Invalid:
    """A cursor that this list did not make."""
    return Invalid("This cursor is not one of this list.", code="ledger.bad_cursor", hint="Use `next` as it came.")


def unavailable(why: str) -> Unavailable:
    """Nothing may be changed while what is done cannot be recorded."""
    return Unavailable(
        f"The ledger takes no entries now: {why}",
        code="ledger.unavailable",
        hint="Nothing was changed. Try again; `millwright status` says which part is down.",
        retry_after_s=1.0,
    )
