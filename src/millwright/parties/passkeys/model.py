"""What a person sees of a passkey. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Passkey(Struct, frozen=True):
    """One passkey. ``backed_up``: its device keeps a copy elsewhere. ``regressed_ms``: when its counter went back,
    which a copy of the key would explain; remove such a passkey."""

    id: str
    name: str
    backed_up: bool
    created_ms: int
    last_used_ms: int | None
    regressed_ms: int | None


class Challenge(Struct, frozen=True):
    """What the browser's authenticator signs: ``options`` for ``navigator.credentials``, as JSON of WebAuthn §5.1."""

    ceremony: str
    options: dict[str, Any]
