"""Answers the other roles' questions; runs in the historian role."""

from __future__ import annotations

from millwright.historian.query import BucketQuery, RawQuery, Storage
from millwright.historian.retention import Retention
from millwright.historian.rpc.messages import (
    PREFIX,
    BucketsReply,
    DevicesRequest,
    PreviewRequest,
    WriteRequest,
    decode,
    encode,
    encode_latest,
    encode_rows,
    page,
)
from millwright.historian.service import Historian
from millwright.kernel import Bus, Unsubscribe


class HistorianServer:
    """Serves ``rpc.historian.*``; several historians on one cluster share the requests."""

    def __init__(self, historian: Historian, retention: Retention, bus: Bus) -> None:
        self._historian, self._retention = historian, retention
        self._bus = bus
        self._ends: list[Unsubscribe] = []
        self.requests = 0
        """Requests answered since the start."""

    async def start(self) -> None:
        """Begin to answer; returns when the broker knows it."""
        for name, responder in (
            ("raw", self._raw),
            ("buckets", self._buckets),
            ("latest", self._latest),
            ("catalogue", self._catalogue),
            ("storage", self._storage),
            ("preview", self._preview),
            ("write", self._write),
            ("ready", self._ready),
        ):
            self._ends.append(await self._bus.serve(PREFIX + name, responder, queue="historian"))
        # A connection's commands are handled in order: when this is answered, everything above is subscribed.
        await self._bus.request(f"{PREFIX}ready", b"")

    async def stop(self) -> None:
        """Answer no more."""
        while self._ends:
            await self._ends.pop()()

    async def _ready(self, _payload: bytes) -> bytes:
        return b""

    async def _raw(self, payload: bytes) -> bytes:
        self.requests += 1
        return encode_rows(*await self._historian.raw(decode(payload, RawQuery)))

    async def _buckets(self, payload: bytes) -> bytes:
        self.requests += 1
        return encode(BucketsReply(await self._historian.buckets(decode(payload, BucketQuery))))

    async def _latest(self, payload: bytes) -> bytes:
        self.requests += 1
        request = decode(payload, DevicesRequest)
        return encode_latest(await self._historian.latest(request.device_ids or []), request.offset)

    async def _catalogue(self, payload: bytes) -> bytes:
        self.requests += 1
        request = decode(payload, DevicesRequest)
        return encode_rows(*page(await self._historian.catalogue_table(request.device_ids), request.offset))

    async def _storage(self, _payload: bytes) -> bytes:
        self.requests += 1
        found: Storage = await self._historian.storage()
        return encode(found)

    async def _preview(self, payload: bytes) -> bytes:
        self.requests += 1
        request = decode(payload, PreviewRequest)
        return encode(await self._retention.preview(request.policies, request.organisation_id))

    async def _write(self, payload: bytes) -> bytes:
        """Readings from elsewhere than the intake; answered when they are stored."""
        self.requests += 1
        request = decode(payload, WriteRequest)
        ticket = await self._historian.append(request.batch(), request.series_news())
        await self._historian.stored(ticket)
        return b""
