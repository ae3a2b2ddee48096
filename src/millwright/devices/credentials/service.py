"""Use cases of credentials."""

from __future__ import annotations

import asyncio
import builtins
from typing import Final

from millwright.devices.changes import Changes
from millwright.devices.credentials.model import (
    Credential,
    Issued,
    NewCredential,
    digest_of_pair,
    digest_of_token,
)
from millwright.devices.credentials.store import CredentialStore, adopted_row, issued_row, name_taken
from millwright.devices.errors import invalid
from millwright.devices.names import clean_name
from millwright.devices.settings import DevicesSettings
from millwright.kernel import Clock, new_secret
from millwright.ledger import note

_VIN_LENGTH: Final = 17
"""A vehicle's VIN can be read by everybody, and nobody shall keep its owner out by being the first to register it."""


class CredentialService:
    """Issues, lists and revokes the credentials of devices.

    ``everybody`` sees every organisation; it is asked for nothing but whether a user name is free.
    """

    def __init__(
        self,
        store: CredentialStore,
        changes: Changes,
        clock: Clock,
        settings: DevicesSettings,
        everybody: CredentialStore | None = None,
    ) -> None:
        self._store = store
        self._everybody = everybody or store
        self._changes = changes
        self._clock = clock
        self._settings = settings

    async def list(self, device_id: str) -> builtins.list[Credential]:
        """The credentials of a device, without their secrets. Raises ``NotFound``."""
        return await asyncio.to_thread(self._store.list, device_id)

    async def issue(self, device_id: str, new: NewCredential) -> Issued:
        """A new token, shown this once. Raises ``NotFound``, ``Invalid`` (expiry), ``Conflict``, ``LimitExceeded``."""
        now_ms = self._clock.now_ms()
        if new.expires_ms is not None and new.expires_ms <= now_ms:
            raise invalid("The credential would have expired already.", "/expires_ms", code="devices.expiry_past")
        label = clean_name(new.label, "/label") if new.label else None
        if (new.username is None) != (new.password is None):
            raise invalid("A user name needs a password, and the other way round.", "/password")
        if new.username is None or new.password is None:
            token = new_secret("mwd")
            row = issued_row(device_id, token, digest_of_token(token), label, new.expires_ms, now_ms)
        else:
            await self._need_free(device_id, new.username)
            token = new.password
            digest = digest_of_pair(new.username, token)
            row = adopted_row(device_id, new.username, digest, now_ms) | {"label": label, "expires_ms": new.expires_ms}
        name, whose = await asyncio.to_thread(self._store.insert, device_id, row, self._settings.credentials_per_device)
        issued = {"origin": row["origin"], "label": label, "expires_ms": new.expires_ms}
        note("device", device_id, name, after={"credentials": {row["id"]: issued}}, organisation=whose)
        await self._changes.announce(device_id)
        return Issued(
            id=row["id"],
            device_id=device_id,
            username=new.username or name,
            token=token,
            label=label,
            created_ms=now_ms,
            expires_ms=new.expires_ms,
        )

    async def _need_free(self, device_id: str, username: str) -> None:
        if len(username) == _VIN_LENGTH:
            return
        whose = await asyncio.to_thread(self._store.organisation_of, device_id)
        if await asyncio.to_thread(self._everybody.is_named_elsewhere, username, whose):
            raise name_taken()

    async def revoke(self, device_id: str, credential_id: str) -> None:
        """Make a credential worthless; a connection made with it ends. Raises ``NotFound``."""
        known = await asyncio.to_thread(self._store.list, device_id)
        name, whose = await asyncio.to_thread(self._store.delete, device_id, credential_id)
        revoked = {each.id: {"label": each.label, "origin": each.origin} for each in known if each.id == credential_id}
        note("device", device_id, name, before={"credentials": revoked}, organisation=whose)
        await self._changes.announce(device_id)
