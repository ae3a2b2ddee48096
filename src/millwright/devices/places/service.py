"""Use cases of places."""

from __future__ import annotations

import asyncio
import builtins

from msgspec import UNSET

from millwright.devices.changes import Changes
from millwright.devices.errors import invalid
from millwright.devices.names import clean_name
from millwright.devices.places.model import NewPlace, Place, PlaceChange
from millwright.devices.places.store import PlaceStore
from millwright.kernel import Clock, new_id
from millwright.ledger import note


class PlaceService:
    """Makes, moves, renames and removes places."""

    def __init__(self, store: PlaceStore, changes: Changes, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock

    async def list(self) -> builtins.list[Place]:
        """Every place, parents before their children."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, place_id: str) -> Place:
        """One place. Raises ``NotFound`` (``devices.place_unknown``)."""
        return await asyncio.to_thread(self._store.get, place_id)

    async def create(self, new: NewPlace) -> Place:
        """Make a place. Raises ``NotFound``, ``Invalid`` (name, level) or ``Conflict`` (a sibling has the name)."""
        name = _clean(new.name)
        place = await asyncio.to_thread(
            self._store.insert, new_id("plc"), new.parent_id, new.level, name, self._clock.now_ms()
        )
        note("place", place.id, place.name, after=place)
        return place

    async def change(self, place_id: str, change: PlaceChange) -> Place:
        """Rename, move or relevel. Raises ``NotFound``, ``Invalid`` or ``Conflict``."""
        wanted = {"name": change.name, "level": change.level, "parent_id": change.parent_id}
        values = {key: value for key, value in wanted.items() if value is not UNSET}
        if isinstance(change.name, str):
            values["name"] = _clean(change.name)
        before = await self.get(place_id)
        place = await asyncio.to_thread(self._store.update, place_id, values)
        note("place", place_id, place.name, before=before, after=place)
        await self._changes.announce("*")
        return place

    async def delete(self, place_id: str) -> None:
        """Remove an empty place. Raises ``NotFound``, or ``Conflict`` (``devices.place_in_use``)."""
        before = await self.get(place_id)
        await asyncio.to_thread(self._store.delete, place_id)
        note("place", place_id, before.name, before=before)


def _clean(name: str) -> str:
    clean = clean_name(name)
    if "/" in clean:
        raise invalid("A place's name contains a slash.", "/name", code="devices.name_invalid")
    return clean
