"""What passes between an edge and its parent about the edge's network: a report up, what is asked of it back.

The edge asks on ``up.network``; its account says whose report it is. The report is compressed, and sent when a finding
comes or goes, while a scan runs, and else seldom; in between the edge only asks what is wanted of it.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from millwright.devices.network.model import NetworkReport, ScanOrder
from millwright.devices.network.series import SeriesWriter
from millwright.devices.network.service import TAG
from millwright.devices.network.store import NetworkStore, Site
from millwright.devices.network.watch import NetworkWatch
from millwright.devices.registry import DeviceQuery, DeviceStore
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, Invalid, MillwrightError

logger = logging.getLogger(__name__)

NETWORK: Final = "network"
_MOST_BYTES: Final = 512 * 1024
_MOST_OPEN: Final = 4 * 1024 * 1024
_SELDOM_MS: Final = 30_000
_ASK_S: Final = 5.0


class NetworkAsked(Struct, frozen=True):
    """What the parent wants of the edge: a device whose readings the figures are, and a scan."""

    device_id: str | None = None
    scan: ScanOrder | None = None


class NetworkDesk:
    """The parent's side. ``store`` sees every organisation."""

    def __init__(self, store: NetworkStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def take(self, edge_id: str, data: bytes) -> bytes:
        """Keep a report; the answer is what is asked of the edge. Nothing but a question keeps nothing.

        Raises ``Invalid`` (``devices.edge_message_invalid``) for what is no report.
        """
        if not data:
            known = await asyncio.to_thread(self._store.find, edge_id)
            return _answer(known)
        report = unpack(data)
        site = await asyncio.to_thread(self._store.take, edge_id, "edge", edge_id, report, self._clock.now_ms())
        return _answer(site)


def _answer(site: Site | None) -> bytes:
    asked = NetworkAsked(site.device_id if site.watched else None, site.order()) if site else NetworkAsked()
    return msgspec.msgpack.encode(asked)


def pack(report: NetworkReport) -> bytes:
    """The report as it goes over the link."""
    return zlib.compress(msgspec.msgpack.encode(report), 6)


def unpack(data: bytes) -> NetworkReport:
    """The report from the link. Raises ``Invalid`` (``devices.edge_message_invalid``)."""
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it has {len(data)} bytes")
        opened = zlib.decompressobj()
        content = opened.decompress(data, _MOST_OPEN)
        if not opened.eof or opened.unconsumed_tail:
            raise ValueError("it is too large or cut off")
        return msgspec.msgpack.decode(content, type=NetworkReport)
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise Invalid(
            f"What the edge told of its network cannot be read: {error}",
            code="devices.edge_message_invalid",
            hint="Let the edge run the same version as its parent.",
        ) from None


class EdgeNetwork:
    """The edge's side: hands reports on. ``devices`` are the edge's own records."""

    def __init__(self, nats: NatsConnection, series: SeriesWriter, devices: DeviceStore, clock: Clock) -> None:
        self._nats, self._series, self._devices, self._clock = nats, series, devices, clock
        self._asked: NetworkAsked | None = None
        self._sent_ms = 0
        self._sent: tuple[object, ...] = ()
        self._cut = False
        self.begin_scan: Callable[[ScanOrder | None], None] = lambda _: None

    def follow(self, watch: NetworkWatch) -> None:
        """Have ``watch`` do the scans that the parent asks for."""
        self.begin_scan = watch.scan

    async def take(self, report: NetworkReport) -> None:
        """Keep the figures where that is wanted, then tell the parent; it may be away."""
        device_id = await asyncio.to_thread(self._device)
        if device_id is not None:
            await self._series.write(device_id, report)
        said = tuple((each.kind, each.about) for each in report.findings), report.scan
        now_ms = self._clock.now_ms()
        same = said == self._sent and 0 <= now_ms - self._sent_ms < _SELDOM_MS
        try:
            reply = await self._nats.request(f"up.{NETWORK}", b"" if same else pack(report), timeout_s=_ASK_S)
        except MillwrightError as error:
            if not self._cut:
                self._cut = True
                logger.info("the parent is not told of the network: %s", error.message)
            return
        self._cut = False
        if not same:
            self._sent, self._sent_ms = said, now_ms
        self._asked = msgspec.msgpack.decode(reply, type=NetworkAsked)
        self.begin_scan(self._asked.scan)

    def _device(self) -> str | None:
        """The device that the figures are of, when the desired state brought it: known also while the link is cut."""
        if self._asked is not None:
            device_id = self._asked.device_id
            return device_id if device_id is not None and device_id in self._devices.names([device_id]) else None
        found = self._devices.list(DeviceQuery(tag=TAG), None, 1).items
        return found[0].id if found and not found[0].disabled else None
