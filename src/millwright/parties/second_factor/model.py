"""What a person sees of their second factors. Times are UTC milliseconds."""

from __future__ import annotations

from msgspec import Struct


class SecondFactorState(Struct, frozen=True):
    """Whether codes of an authenticator app are asked for, how many recovery codes are left, and whether the policy
    asks this person for a second factor."""

    authenticator: bool
    created_ms: int | None
    last_used_ms: int | None
    recovery_codes_left: int
    required: bool


class Enrolment(Struct, frozen=True):
    """An authenticator app to be set up: the secret (base 32), the address that its QR code holds, and the ceremony to
    be finished with a first code."""

    ceremony: str
    secret: str
    uri: str


class RecoveryCodes(Struct, frozen=True):
    """New recovery codes, shown this once; older ones stopped working."""

    codes: list[str]
