"""The edge's side of the link: the report goes up when a finding comes or goes, while a scan runs, and else seldom; in
between the edge only asks what is wanted of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from millwright.devices.network.model import TAG, NetworkReport, ScanOrder
from millwright.devices.network.series import SeriesWriter
from millwright.devices.network.watch import NetworkWatch
from millwright.devices.network.wire import NETWORK, NetworkAsked, pack
from millwright.devices.registry.model import DeviceQuery
from millwright.devices.registry.store import DeviceStore
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, MillwrightError

logger = logging.getLogger(__name__)

_SELDOM_MS: Final = 30_000
_ASK_S: Final = 5.0


class EdgeNetwork:
    """Hands reports on. ``devices`` are the edge's own records."""

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
