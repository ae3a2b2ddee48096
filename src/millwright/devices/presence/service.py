"""Presence as the API asks for it."""

from __future__ import annotations

import asyncio

from millwright.devices.presence.model import PresenceEvent
from millwright.devices.presence.store import PresenceStore
from millwright.devices.registry.store import DeviceStore


class PresenceService:
    """Tells how a device came and went."""

    def __init__(self, store: PresenceStore, devices: DeviceStore) -> None:
        self._store = store
        self._devices = devices

    async def events(self, device_id: str) -> list[PresenceEvent]:
        """The last 50 changes, newest first. Raises ``NotFound``."""
        await asyncio.to_thread(self._devices.get, device_id)
        return await asyncio.to_thread(self._store.events, device_id)
