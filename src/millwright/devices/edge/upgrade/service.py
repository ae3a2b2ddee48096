"""Use cases of releases and roll-outs at the parent."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from millwright.devices.edge.upgrade.model import NewRelease, NewRollout, Release, Rollout, Sent
from millwright.devices.edge.upgrade.release import permitted, signed
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore
from millwright.kernel import Clock, new_id
from millwright.ledger import note

if TYPE_CHECKING:
    from millwright.ledger import Signer


class Releases:
    """``signers``: the keys of the node's ledger."""

    def __init__(
        self, store: UpgradeStore, shelf: Shelf, signers: Callable[[], Sequence[Signer]], clock: Clock
    ) -> None:
        self._store, self._shelf, self._signers, self._clock = store, shelf, signers, clock

    async def list(self) -> builtins.list[Release]:
        """The newest first."""
        return await asyncio.to_thread(self._store.releases)

    async def send(self, name: str, offset: int, data: bytes) -> Sent:
        """The next bytes of a wheel. Raises ``Invalid``, ``Conflict``, ``LimitExceeded``."""
        return Sent(name=name, bytes=await asyncio.to_thread(self._shelf.send, name, offset, data))

    async def create(self, new: NewRelease) -> Release:
        """Check the files that were sent, sign their list, keep it. Raises ``NotFound``, ``Invalid``."""
        made = await asyncio.to_thread(self._create, new)
        note("edge_release", made.id, made.version, after={"version": made.version, "files": new.files})
        return made

    def _create(self, new: NewRelease) -> Release:
        version, files = self._shelf.put_together(new.files)
        release_id = new_id("rls")
        text = signed(version, files, self._signers())
        self._store.add_release(release_id, version, files, text, self._clock.now_ms())
        return self._store.release(release_id)

    async def remove(self, release_id: str) -> None:
        """Take it off the shelf. Raises ``NotFound``, ``Conflict`` (``devices.release_in_use``)."""
        release = await asyncio.to_thread(self._store.release, release_id)
        for each in await asyncio.to_thread(self._store.remove_release, release_id):
            await asyncio.to_thread(self._shelf.drop, each)
        note("edge_release", release_id, release.version, before={"version": release.version})

    async def rollouts(self) -> builtins.list[Rollout]:
        """The newest first."""
        return await asyncio.to_thread(self._store.rollouts)

    async def begin(self, new: NewRollout) -> Rollout:
        """Order a release for edges. Raises ``NotFound``, ``Conflict``."""
        made = await asyncio.to_thread(
            self._store.add_rollout,
            new_id("rlo"),
            new,
            self._clock.now_ms(),
            lambda release, at_ms: permitted(release, at_ms, self._signers()),
        )
        note("edge_rollout", made.id, made.version, after={"version": made.version, "groups": new.groups})
        return made

    async def stop(self, rollout_id: str) -> Rollout:
        """Order nothing more; what is tried at an edge now comes to its end there. Raises ``NotFound``."""
        before = await asyncio.to_thread(self._store.rollout, rollout_id)
        ended = {each.edge_id: {"progress": each.progress, "why": each.why} for each in before.edges}
        await asyncio.to_thread(self._store.step, rollout_id, ended, self._clock.now_ms(), state="stopped")
        after = await asyncio.to_thread(self._store.rollout, rollout_id)
        note("edge_rollout", rollout_id, before.version, before={"state": before.state}, after={"state": after.state})
        return after
