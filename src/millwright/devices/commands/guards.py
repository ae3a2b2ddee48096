"""Use cases of interlocks and locks."""

from __future__ import annotations

import asyncio
import builtins

from millwright.devices.commands import errors
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.interlocks import Interlock, NewInterlock, NoAlarm
from millwright.devices.commands.model import Lock
from millwright.devices.commands.rights import LOCKS_OVERRIDE
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.registry.store import DeviceStore
from millwright.kernel import Clock, new_id
from millwright.ledger import Actor, note
from millwright.parties import Authority


class Guards:
    """Keeps what stands in the way of commands, in the scope of the request at hand."""

    def __init__(self, store: GuardStore, devices: DeviceStore, clock: Clock, settings: CommandsSettings) -> None:
        self._store, self._devices, self._clock, self._settings = store, devices, clock, settings

    # --- interlocks ----------------------------------------------------------------------------------------------

    async def list(self, device_id: str | None = None, model_id: str | None = None) -> list[Interlock]:
        """Interlocks by name."""
        return await asyncio.to_thread(self._store.list, device_id, model_id)

    async def get(self, interlock_id: str) -> Interlock:
        """One interlock. Raises ``NotFound``."""
        return await asyncio.to_thread(self._store.get, interlock_id)

    async def add(self, new: NewInterlock) -> Interlock:
        """Keep a new interlock; it holds from now on. Raises ``Invalid``, ``NotFound``, ``LimitExceeded``."""
        await self._check(new)
        made = await asyncio.to_thread(
            self._store.insert, new_id("ilk"), new, self._clock.now_ms(), self._settings.interlocks
        )
        note("interlock", made.id, made.name, after=made)
        return made

    async def replace(self, interlock_id: str, new: NewInterlock, expected: int | None) -> Interlock:
        """Change an interlock. Raises ``Invalid``, ``NotFound``, ``Outdated``."""
        await self._check(new)
        before, after = await asyncio.to_thread(self._store.replace, interlock_id, new, expected)
        note("interlock", interlock_id, after.name, before=before, after=after)
        return after

    async def _check(self, new: NewInterlock) -> None:
        """Who may not see a device must not learn of its values by what an interlock says."""
        new.check()
        for device_id in {each.device_id for each in new.conditions if not isinstance(each, NoAlarm)} - {None}:
            await asyncio.to_thread(self._devices.get, str(device_id))

    async def remove(self, interlock_id: str) -> None:
        """Remove an interlock. Raises ``NotFound``."""
        before = await asyncio.to_thread(self._store.delete, interlock_id)
        note("interlock", interlock_id, before.name, before=before)

    # --- locks ---------------------------------------------------------------------------------------------------

    async def locks(self, device_id: str) -> builtins.list[Lock]:
        """Locks in force, then released ones. Raises ``NotFound`` for a device that is not there."""
        await asyncio.to_thread(self._devices.get, device_id)
        return await asyncio.to_thread(self._store.locks, device_id)

    async def place(self, device_id: str, reason: str, by: Actor) -> Lock:
        """Lock a device; several people may, each with a lock of their own. Raises ``NotFound``."""
        device = await asyncio.to_thread(self._devices.get, device_id)
        lock = Lock(
            id=new_id("lck"),
            device_id=device_id,
            by_id=by.id,
            by_name=by.name or by.id,
            reason=reason.replace("\0", "").strip(),
            placed_ms=self._clock.now_ms(),
        )
        await asyncio.to_thread(self._store.place, lock)
        note("lock", lock.id, device.name, after=lock, organisation=device.organisation_id)
        return lock

    async def release(self, device_id: str, lock_id: str, by: Actor, authority: Authority) -> Lock:
        """Release one's own lock, or with the right to, another's. Raises ``NotFound``, ``Denied``."""
        device = await asyncio.to_thread(self._devices.get, device_id)
        lock = await asyncio.to_thread(self._store.find_lock, device_id, lock_id)
        if lock is None:
            raise errors.lock_unknown(lock_id)
        if lock.by_id != by.id and not authority.may(LOCKS_OVERRIDE.name, device.organisation_id):
            raise errors.lock_of_another(lock)
        released = await asyncio.to_thread(self._store.release, lock_id, by.name or by.id, self._clock.now_ms())
        if released is None:
            raise errors.lock_unknown(lock_id)
        note("lock", lock_id, device.name, before=lock, after=released, organisation=device.organisation_id)
        return released
