"""Errors of codes."""

from __future__ import annotations

from millwright.kernel import Invalid, Unavailable, Unsupported


def bad_code(text: str, at: int, why: str, hint: str = "", *, why_zh: str = "") -> Invalid:
    """The error for an identifier that breaks a rule of its system at character ``at`` (from 0)."""
    return Invalid(
        f"At character {at + 1}: {why}",
        code="identity.code_invalid",
        hint=hint or "Compare it with the source, character by character.",
        detail={"at": at, "why": why, "why_zh": why_zh, "text": text[:200]},
    )


def no_such_form(form: str, why: str) -> Unsupported:
    """The error for a code that cannot be written in another form."""
    return Unsupported(
        f"It cannot be written as {form}: {why}", code="identity.no_such_form", hint="Choose one of the forms it has."
    )


def too_busy() -> Unavailable:
    """The error while as many texts or pictures wait for their turn as may."""
    return Unavailable(
        "Too many codes or pictures are being worked on.",
        code="identity.busy",
        hint="Send it again in a few seconds.",
        retry_after_s=5.0,
    )
