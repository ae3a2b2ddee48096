"""What the server needs from others."""

from __future__ import annotations

from typing import Protocol

from millwright.devices.mqtt.ports import Principal, Refusal


class Door(Protocol):
    """Knows terminals by VIN and ICCID, and platforms by name and password."""

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        """The device behind a login, or why not. Raises ``Unavailable`` when nobody can be asked."""
        ...
