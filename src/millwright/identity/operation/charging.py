"""Counting what is resolved for those whose prefixes it stands under."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from millwright.identity.operation.watch import Served
from millwright.identity.records import Records
from millwright.metering import RESOLUTIONS, Meter


class Counts(Protocol):
    """Adds up what is used: :class:`millwright.metering.Tally`, at a mirror :class:`.mirror_usage.MirrorUsage`."""

    def count(self, meter: Meter, organisation_id: str, quantity: int = 1) -> None:
        """Add to what an organisation used. Does no I/O."""


class Charging:
    """Finds whose names were resolved, in the register, and counts them (:data:`millwright.metering.RESOLUTIONS`).

    What is kept elsewhere, and only passed through here, is counted where it is kept.
    """

    def __init__(self, register: Records, counts: Counts) -> None:
        self._register, self._counts = register, counts

    async def owners(self, served: Sequence[Served]) -> Mapping[str, int]:
        """Resolutions by organisation. Raises the register's ``Unavailable``."""
        return await asyncio.to_thread(self._owners, served)

    def _owners(self, served: Sequence[Served]) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        with self._register.view() as view:
            for key, count in served:
                owner = view.authority(key if b"/" in key else key + b"/x")
                if owner is not None and owner.organisation_id and not owner.site:
                    found[owner.organisation_id] += count
        return found

    def charge(self, owners: Mapping[str, int]) -> None:
        """Count them. Does no I/O."""
        for organisation_id, count in owners.items():
            self._counts.count(RESOLUTIONS, organisation_id, count)
