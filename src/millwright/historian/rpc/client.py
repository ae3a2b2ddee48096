"""The historian as the other roles see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

import msgspec
import pyarrow as pa

from millwright.historian.model import ReadingBatch, SeriesInfo
from millwright.historian.query import BucketQuery, BucketSeries, CatalogueEntry, Latest, Range, RawQuery, Storage
from millwright.historian.retention import RetentionPolicy, RetentionPreview
from millwright.historian.rpc.messages import (
    BUCKETS_A_REPLY,
    PREFIX,
    BucketsReply,
    DevicesRequest,
    LatestReply,
    PreviewRequest,
    WriteRequest,
    decode,
    decode_rows,
    encode,
)
from millwright.historian.service import catalogue_rows
from millwright.kernel import Bus

_DEVICES_A_REQUEST = 2_000

T = TypeVar("T")


class HistorianClient:
    """Asks the historian role over the bus.

    Every method raises what the historian raises (``Invalid``, ``LimitExceeded``, ``Unavailable``), and ``Unavailable``
    when no historian answers.
    """

    def __init__(self, bus: Bus, *, timeout_s: float = 60.0) -> None:
        self._bus = bus
        self._timeout_s = timeout_s

    async def raw(self, query: RawQuery) -> tuple[pa.Table, int | None]:
        """Readings in order: columns ``time_ms, number, received_ms, kind, quality, text``; and the next page's bound.

        For the next page set ``from_ms`` to it (``to_ms`` when descending); None at the end.
        """
        query.check()
        return decode_rows(await self._ask("raw", query))

    async def iter_raw(self, query: RawQuery) -> AsyncIterator[pa.Table]:
        """Every reading of the range, a page at a time; ``limit`` is the page's size."""
        bound: int | None = None
        while True:
            table, bound = await self.raw(query)
            if table.num_rows:
                yield table
            if bound is None:
                return
            left = query.range
            following = Range(left.from_ms, bound) if query.descending else Range(bound, left.to_ms)
            if following.from_ms >= following.to_ms:
                return
            query = msgspec.structs.replace(query, range=following)

    async def buckets(self, query: BucketQuery) -> list[BucketSeries]:
        """Each series in at most ``query.buckets`` buckets, in the order asked."""
        query.check()
        size = max(1, BUCKETS_A_REPLY // query.buckets)
        parts = [
            msgspec.structs.replace(query, series=query.series[start : start + size])
            for start in range(0, len(query.series), size)
        ]
        replies = await asyncio.gather(*(self._ask("buckets", part) for part in parts))
        return [series for reply in replies for series in decode(reply, BucketsReply).series]

    async def latest(self, device_ids: Sequence[str]) -> list[Latest]:
        """The newest reading of every series of these devices, ordered by device and property within 2,000 devices."""
        return [row for rows in await self._pages("latest", device_ids, _latest_page) for row in rows]

    async def catalogue(self, device_ids: Sequence[str]) -> list[CatalogueEntry]:
        """Every series of these devices that has, or had, readings; ordered like :meth:`latest`."""
        return [
            row for table in await self._pages("catalogue", device_ids, decode_rows) for row in catalogue_rows(table)
        ]

    async def storage(self) -> Storage:
        """What the historian holds, and the room left."""
        return decode(await self._bus.request(f"{PREFIX}storage", b"", timeout_s=self._timeout_s), Storage)

    async def write(self, batch: ReadingBatch, news: Sequence[SeriesInfo] = ()) -> None:
        """Store readings that do not come through the intake; returns when they are.

        Writing the same again changes nothing. At most some 100,000 readings at once: it is one message of the broker.
        """
        await self._ask("write", WriteRequest.of(batch, news))

    async def preview_retention(self, policies: Sequence[RetentionPolicy], organisation_id: str) -> RetentionPreview:
        """What these policies of an organisation would do if they were in force now; changes nothing."""
        request = PreviewRequest(list(policies), organisation_id)
        return decode(await self._ask("preview", request), RetentionPreview)

    async def _ask(self, name: str, request: msgspec.Struct) -> bytes:
        return await self._bus.request(PREFIX + name, encode(request), timeout_s=self._timeout_s)

    async def _pages(
        self, name: str, device_ids: Sequence[str], read: Callable[[bytes], tuple[T, int | None]]
    ) -> list[T]:
        """Every answer about these devices; ``read`` gives what one holds and where the next one begins, if any."""
        pages: list[T] = []
        for start in range(0, len(device_ids), _DEVICES_A_REQUEST):
            chosen = list(device_ids[start : start + _DEVICES_A_REQUEST])
            offset: int | None = 0
            while offset is not None:
                page, offset = read(await self._ask(name, DevicesRequest(chosen, offset)))
                pages.append(page)
        return pages


def _latest_page(payload: bytes) -> tuple[list[Latest], int | None]:
    reply = decode(payload, LatestReply)
    return reply.rows, reply.following
