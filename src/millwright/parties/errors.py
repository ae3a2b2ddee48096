"""Errors of signing in."""

from __future__ import annotations

from millwright.kernel import Denied


class NotSignedIn(Denied):
    """Nobody is signed in, or the password or token is wrong; over HTTP a 401 where other denials are a 403."""


def proof_required() -> Denied:
    """A change that takes a fresh proof of who one is (ASVS 4.0.3 V3.7.1)."""
    return Denied(
        "Prove once more who you are.",
        code="parties.proof_required",
        hint="POST /api/v1/session/proof with the password or a passkey, then send this again.",
    )
