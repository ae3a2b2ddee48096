"""Errors of approvals: one function for each, so that code, words and hint are in one place."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from millwright.kernel import Conflict, Corrupt, Denied, Invalid, LimitExceeded, NotFound


def unknown(approval_id: str) -> NotFound:
    """There is no such request, or not for this person."""
    return NotFound(
        f"There is no request {approval_id[:64]} for approval.",
        code="approvals.unknown",
        hint="GET /api/v1/approvals lists those you asked for and those you may decide.",
    )


def action_unknown(name: str, known: Collection[str]) -> Invalid:
    """A policy names what no route does."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return Invalid(
        f"No operation is named {name[:80]}.",
        code="approvals.action_unknown",
        hint=f"Did you mean {near[0]}?" if near else "GET /api/v1/approvals/actions lists all.",
        detail={"action": name[:80], "nearest": near[0] if near else None},
    )


def too_few_deciders(count: int) -> Conflict:
    """A policy would lock everybody out."""
    return Conflict(
        f"Only {count} of the people here could approve; it takes two, for nobody approves their own.",
        code="approvals.too_few_deciders",
        hint="Give a second person a role with approvals:decide on this organisation first.",
        detail={"deciders": count},
    )


def own_request() -> Denied:
    """Whoever asks does not decide."""
    return Denied(
        "Nobody decides what they asked for themselves.",
        code="approvals.own_request",
        hint="Ask somebody else who may decide; you can withdraw it.",
    )


def not_a_person() -> Denied:
    """A service account or the node's command line wants to decide."""
    return Denied(
        "Only a person decides.",
        code="approvals.not_a_person",
        hint="Sign in to the console, or use a token of your own.",
    )


def expired() -> Conflict:
    """Nobody decided in time."""
    return Conflict(
        "The request has expired.", code="approvals.expired", hint="Send the original request again to ask anew."
    )


def body_too_large(limit_kb: int) -> LimitExceeded:
    """A request is too large to wait."""
    return LimitExceeded(
        f"A request that waits for approval holds at most {limit_kb} KB.",
        code="approvals.body_too_large",
        hint="Send it in parts, or raise [approvals] max_body_kb.",
    )


def organisation_unclear() -> Conflict:
    """A request touches organisations that have no common one in the requester's reach."""
    return Conflict(
        "It cannot be told whose approval this takes.",
        code="approvals.organisation_unclear",
        hint="Name one organisation with the header X-Organisation.",
    )


def emergency_refused(reason: str) -> Denied:
    """A stated emergency does not open this."""
    return Denied(
        reason,
        code="approvals.emergency_refused",
        hint="It takes [approvals] emergency = true, approvals:override on the root, and a fresh proof of who you are.",
    )


def answer_gone() -> NotFound:
    """The answer was taken already, or there is none."""
    return NotFound(
        "There is no answer to take.",
        code="approvals.answer_gone",
        hint="It is given once, to who asked, for seven days; a secret that was lost is replaced by a new one.",
    )


def broken(approval_id: str) -> Corrupt:
    """What was kept is not what was approved."""
    return Corrupt(
        f"What is kept of {approval_id} is not what was asked.",
        code="approvals.request_broken",
        hint="Somebody changed the records database; look into the ledger and ask anew.",
    )
