"""History as routes read it: by device and property, and only of devices the request may see.

A series is found by a hash of its device and property, so history itself cannot tell whose it is; the registry can, and
it answers in the scope of the request. Every question passes :class:`DeviceGate` first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

import pyarrow as pa

from millwright.historian.model import series_id
from millwright.historian.query import Aggregate, BucketQuery, BucketSeries, CatalogueEntry, Latest, Range, RawQuery
from millwright.historian.rpc import HistorianClient
from millwright.kernel import NotFound


class DeviceGate(Protocol):
    """Knows which devices are there for the work at hand, also those registered no more."""

    async def known(self, device_ids: Collection[str]) -> dict[str, str]:
        """The organisations of those of the devices that may be seen."""
        ...


class History:
    """Readings for routes. Every method raises what the historian raises."""

    def __init__(self, client: HistorianClient, gate: DeviceGate) -> None:
        self._client, self._gate = client, gate

    async def latest(self, device_ids: Sequence[str]) -> list[Latest]:
        """The newest readings of those of the devices that may be seen."""
        seen = await self._gate.known(device_ids)
        return await self._client.latest([each for each in device_ids if each in seen])

    async def raw(
        self, device_id: str, name: str, wanted: Range, limit: int, *, descending: bool
    ) -> tuple[pa.Table, int | None]:
        """A page of readings. Raises ``NotFound`` (``historian.device_unknown``)."""
        await self._need(device_id)
        return await self._client.raw(RawQuery(series_id(device_id, name), wanted, limit, descending))

    async def iter_raw(
        self, device_id: str, name: str, wanted: Range, page: int, *, descending: bool
    ) -> AsyncIterator[pa.Table]:
        """Every reading of the range, to be read page by page. Raises ``NotFound`` before the first."""
        await self._need(device_id)
        return self._client.iter_raw(RawQuery(series_id(device_id, name), wanted, page, descending))

    async def buckets(
        self,
        device_id: str,
        names: Sequence[str],
        wanted: Range,
        buckets: int,
        aggregates: tuple[Aggregate, ...],
        gap_ms: int | None,
    ) -> tuple[BucketQuery, list[BucketSeries], list[CatalogueEntry]]:
        """The query as it was asked, its answer, and what is known of the series. Raises ``NotFound``."""
        series = tuple(series_id(device_id, name) for name in names)
        query = BucketQuery(series, wanted, buckets, aggregates, gap_ms)
        query.check()
        await self._need(device_id)
        found, entries = await asyncio.gather(self._client.buckets(query), self._client.catalogue([device_id]))
        return query, found, entries

    async def _need(self, device_id: str) -> None:
        if device_id not in await self._gate.known([device_id]):
            raise NotFound(
                f"There is no device {device_id}.",
                code="historian.device_unknown",
                hint="GET /api/v1/devices lists them.",
            )
