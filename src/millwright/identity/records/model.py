"""What is registered, and whose it is; no I/O."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Prefix(Struct, frozen=True, kw_only=True):
    """Whose the names below a prefix are. ``site``: the service it is delegated to (HS_SITE), empty: here."""

    prefix: str
    organisation_id: str
    state: Literal["active", "suspended", "expired"]
    until_ms: int | None = None
    site: bytes = b""
