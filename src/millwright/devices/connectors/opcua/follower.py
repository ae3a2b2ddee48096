"""Following points by subscriptions (IEC 62541-4, 5.12 and 5.13).

One subscription for each interval, its items created in chunks that the server takes. Several publish requests wait at
the server, so that it can send whenever it has something; their answers are read in order, delivered, and acknowledged
only then. While nobody takes what is delivered no request is renewed, and the server keeps the values in its queues.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import Buffer

from millwright.devices.connectors.contract import BAD, Deliver, Point, Sample
from millwright.devices.connectors.opcua import refusals, wire
from millwright.devices.connectors.opcua.address import Address, node_id, parse
from millwright.devices.connectors.opcua.link import Link, value_id
from millwright.devices.connectors.opcua.values import FLOATS, INTEGERS, status_name

MOST_SUBSCRIPTIONS: Final = 8
LONGEST_PUBLISHING_MS: Final = 30_000
"""Some servers answer with the keys of the time when they were asked, which live some minutes (600 s are usual): no
publish request may wait so long, however seldom the points are sampled."""

RETRY_S: Final = 10.0
"""Points that are not there are tried again after this long."""

_SPARE_REQUESTS: Final = 2
_SWALLOWED_S: Final = 0.2
_LAST_SEQUENCE: Final = 0xFFFF_FFFF
_NO_FILTER: Final = frozenset(
    {
        "BadMonitoredItemFilterUnsupported",
        "BadMonitoredItemFilterInvalid",
        "BadFilterNotAllowed",
        "BadDeadbandFilterInvalid",
    }
)
_VANISHED: Final = frozenset({"BadNodeIdUnknown", "BadNodeIdInvalid"})


@dataclass(slots=True, eq=False)
class Item:
    """A point with what the server knows of it."""

    handle: int
    point: Point
    address: Address
    server_id: int | None = None
    note: str = ""
    filtered: bool = False


@dataclass(slots=True, eq=False)
class Flow:
    """A subscription."""

    interval_ms: int
    items: list[Item]
    number: int = 0
    last: int = 0
    names: dict[int, str] = field(default_factory=dict)


class Follower:
    """What is followed on a link. It outlives the link: :meth:`resume` goes on with another to the same session."""

    def __init__(self, link: Link, points: Sequence[Point]) -> None:
        self.link = link
        self.points = tuple(points)
        self._flows: dict[int, Flow] = {}
        self._items = [Item(handle, point, parse(point.address)) for handle, point in enumerate(points, 1)]
        self._by_name = {item.point.id: item for item in self._items}
        self._parts = {item.handle: element for item in self._items if (element := item.address.element) is not None}
        self._failed: list[Item] = []
        self._damped: dict[str, tuple[float, float | None]] = {}
        """Points whose deadband the server does not keep: deadband and the value last delivered."""
        self._unseen = {point.id for point in points}
        self._acknowledge: list[ua.SubscriptionAcknowledgement] = []
        self._silence_s = 0.0
        self._requests = 1 + _SPARE_REQUESTS
        self._resumed = False
        self.is_whole = False
        """Whether everything was created, so that another link can go on with it."""

    # --- setting up --------------------------------------------------------------------------------------------------

    async def begin(self, deliver: Deliver) -> None:
        """Create the subscriptions and their items; what is not there is delivered as bad."""
        sizes: list[float] = []
        for interval_ms, items in self._grouped().items():
            request = ua.CreateSubscriptionRequest()
            wanted = request.Parameters
            wanted.RequestedPublishingInterval = float(interval_ms)
            alive = max(1, math.ceil(self.link.settings.timeout_s * 1000 / interval_ms))
            wanted.RequestedMaxKeepAliveCount = alive
            wanted.RequestedLifetimeCount = max(3 * alive, math.ceil(self.link.settings.keep_s * 1000 / interval_ms))
            wanted.MaxNotificationsPerPublish = 0
            wanted.PublishingEnabled = True
            wanted.Priority = 0
            answer = ua.ua_binary.struct_from_binary(ua.CreateSubscriptionResponse, await self.link.ask(request))
            answer.ResponseHeader.ServiceResult.check()
            made = answer.Parameters
            flow = Flow(interval_ms, items, int(made.SubscriptionId))
            self._flows[flow.number] = flow
            sizes.append(made.RevisedPublishingInterval * max(1, made.RevisedMaxKeepAliveCount) / 1000)
        self._silence_s = max(sizes, default=0.0) + 2 * self.link.settings.timeout_s
        self._requests = len(self._flows) + _SPARE_REQUESTS
        await self._choose_filters()
        for flow in self._flows.values():
            await self._create(flow, flow.items, deliver)
        self.is_whole = True

    def _grouped(self) -> dict[int, list[Item]]:
        groups: dict[int, list[Item]] = defaultdict(list)
        if fixed := self.link.settings.publishing_interval_ms:
            return {fixed: self._items} if self._items else {}
        wanted = [min(item.point.interval_ms, LONGEST_PUBLISHING_MS) for item in self._items]
        intervals = sorted(set(wanted))[:MOST_SUBSCRIPTIONS]
        for item, wish in zip(self._items, wanted, strict=True):
            groups[max(one for one in intervals if one <= wish)].append(item)
        return dict(groups)

    async def _choose_filters(self) -> None:
        """A deadband is the server's to keep where the value is a single number, else it is kept here."""
        banded = [item for item in self._items if item.point.deadband > 0]
        nodes = [(item, node) for item in banded if (node := node_id(item.address, self.link.namespaces)) is not None]
        kinds = await self.link.variants([value_id(node) for _, node in nodes])
        for (item, _), (variant, _status) in zip(nodes, kinds, strict=True):
            if variant is not None and not isinstance(variant.Value, list) and not item.address.index:
                item.filtered = variant.VariantType in INTEGERS or variant.VariantType in FLOATS
        for item in banded:
            if not item.filtered:
                self._damped[item.point.id] = (item.point.deadband, None)

    async def _create(self, flow: Flow, items: Sequence[Item], deliver: Deliver) -> None:
        bad: list[Sample] = []
        again: list[Item] = []
        nodes: list[tuple[Item, ua.NodeId]] = []
        for item in items:
            node = node_id(item.address, self.link.namespaces)
            if node is None:
                bad += self._fail(item, f"the server has no namespace {item.address.uri}")
            else:
                nodes.append((item, node))
        begin = 0
        while begin < len(nodes):
            size = self.link.limits["items"]
            chunk = nodes[begin : begin + size]
            try:
                results = await self._create_chunk(flow, chunk)
            except ua.UaStatusCodeError as error:
                self.link.shrink("items", size, error)
                continue
            begin += size
            for (item, _), result in zip(chunk, results, strict=True):
                name = status_name(result.StatusCode.value)
                if result.StatusCode.is_good():
                    item.server_id, item.note = int(result.MonitoredItemId), ""
                elif item.filtered and name in _NO_FILTER:
                    item.filtered = False
                    self._damped[item.point.id] = (item.point.deadband, None)
                    again.append(item)
                else:
                    bad += self._fail(item, name)
                    flow.names.pop(item.handle, None)
        if bad:
            await self._give(bad, deliver)
        if again:
            await self._create(flow, again, deliver)

    async def _create_chunk(
        self, flow: Flow, chunk: Sequence[tuple[Item, ua.NodeId]]
    ) -> list[ua.MonitoredItemCreateResult]:
        request = ua.CreateMonitoredItemsRequest()
        request.Parameters.SubscriptionId = flow.number
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        for item, node in chunk:
            flow.names[item.handle] = item.point.id
            wanted = ua.MonitoredItemCreateRequest()
            wanted.ItemToMonitor = value_id(node, index=item.address.index)
            wanted.MonitoringMode = ua.MonitoringMode.Reporting
            how = wanted.RequestedParameters
            how.ClientHandle = item.handle
            how.SamplingInterval = float(item.point.interval_ms)
            how.QueueSize = self.link.settings.queue_size
            how.DiscardOldest = True
            how.Filter = _deadband(item.point.deadband) if item.filtered else None
            request.Parameters.ItemsToCreate.append(wanted)
        answer = ua.ua_binary.struct_from_binary(ua.CreateMonitoredItemsResponse, await self.link.ask(request))
        answer.ResponseHeader.ServiceResult.check()
        results: list[ua.MonitoredItemCreateResult] = answer.Results
        if len(results) != len(chunk):
            raise wire.guard(self.link.url, ValueError("fewer results than items"))
        return results

    def _fail(self, item: Item, note: str) -> list[Sample]:
        """Remember to try again; the sample that says why, if that is news."""
        self._failed.append(item)
        known, item.note = item.note, note
        return [] if known == note else [Sample(item.point.id, None, None, BAD, note)]

    # --- going on ----------------------------------------------------------------------------------------------------

    async def resume(self, link: Link, deliver: Deliver) -> None:
        """Go on with a new link to the same session: fetch what was sent meanwhile and never arrived.

        Raises ``ua.UaStatusCodeError`` when the server does not know the subscriptions any more.
        """
        self.link = link
        self._resumed = True
        self._acknowledge = []
        self._unseen = {item.point.id for item in self._items if not item.note}
        for flow in self._flows.values():
            while await self._republish(flow, _after(flow.last), deliver):
                pass

    async def run(self, deliver: Deliver) -> None:
        """Deliver what the server sends, until cancelled. Raises ``Unavailable`` when the connection is lost."""
        waiting: deque[asyncio.Task[Buffer]] = deque()
        heard, retry = monotonic(), monotonic() + RETRY_S
        try:
            while True:
                while self._flows and len(waiting) < self._requests:
                    waiting.append(self._publish())
                now = monotonic()
                if now >= retry:
                    await self._retry(deliver)
                    retry = monotonic() + RETRY_S
                    continue
                if self.link.swallowing and self._flows and now - heard >= _SWALLOWED_S:
                    await self._fetch_swallowed(deliver)
                silence = heard + self._silence_s - now
                if silence <= 0 and waiting:
                    raise refusals.lost(self.link.url, f"it published nothing for {self._silence_s:g} s")
                first: set[asyncio.Future[Any]] = {self.link.lost}
                if waiting:
                    first.add(waiting[0])
                most = min(silence, retry - now, _SWALLOWED_S if self.link.swallowing else RETRY_S)
                await asyncio.wait(first, timeout=max(0.0, most), return_when=asyncio.FIRST_COMPLETED)
                if waiting and waiting[0].done():
                    await self._take(waiting.popleft(), deliver)
                    heard = monotonic()
                elif self.link.lost.done():
                    raise self.link.lost.result()
        finally:
            self.link.swallowing += sum(not task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _publish(self) -> asyncio.Task[Buffer]:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements, self._acknowledge = self._acknowledge, []
        return asyncio.create_task(self.link.ask(request, 0))

    async def _take(self, task: asyncio.Task[Buffer], deliver: Deliver) -> None:
        try:
            found = wire.read_publication(
                task.result(), {number: flow.names for number, flow in self._flows.items()}, self._parts
            )
        except ua.UaStatusCodeError as error:
            name = refusals.name_of(error)
            if name == "BadTooManyPublishRequests" and self._requests > 1:
                self._requests -= 1
                return
            if name == "BadTimeout":
                return
            raise refusals.lost(self.link.url, name) from error
        except wire.UNREADABLE as error:
            raise wire.guard(self.link.url, error) from error
        self.link.swallowing = 0  # requests are answered in order, so none of the older ones waits any more
        flow = self._flows.get(found.subscription)
        if flow is None:
            return  # of a subscription that was deleted meanwhile
        if found.ended is not None:
            raise refusals.lost(self.link.url, f"it ended the subscription ({status_name(found.ended)})")
        await self._fill_gap(flow, found.sequence, deliver)
        if found.is_keep_alive:
            await self._first_values(flow, deliver)
            return
        if found.sequence == _after(flow.last):
            await self._give(found.samples, deliver)
            flow.last = found.sequence
        self._confirm(flow, found.sequence)
        if not found.more:
            await self._first_values(flow, deliver)

    async def _fill_gap(self, flow: Flow, sequence: int, deliver: Deliver) -> None:
        """Ask again for the messages before ``sequence`` that never came; what the server has no more is passed "
        "over."""
        while 0 < _distance(_after(flow.last), sequence) < _LAST_SEQUENCE // 2:
            missing = _after(flow.last)
            if not await self._republish(flow, missing, deliver):
                flow.last = missing

    async def _fetch_swallowed(self, deliver: Deliver) -> None:
        """The first messages may have gone as answers to requests of an earlier run, whose task is gone."""
        for flow in self._flows.values():
            while self.link.swallowing and await self._republish(flow, _after(flow.last), deliver):
                self.link.swallowing -= 1

    async def _republish(self, flow: Flow, sequence: int, deliver: Deliver) -> bool:
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = flow.number
        request.Parameters.RetransmitSequenceNumber = sequence
        try:
            found = wire.read_republished(await self.link.ask(request), flow.names, self._parts)
        except ua.UaStatusCodeError as error:
            if refusals.name_of(error) in ("BadMessageNotAvailable", *refusals.UNSUPPORTED):
                return False
            raise
        if found.sequence != sequence or found.is_keep_alive:
            return False  # some servers answer with an empty message instead of a status
        if found.ended is not None:
            raise refusals.lost(self.link.url, f"it ended the subscription ({status_name(found.ended)})")
        await self._give(found.samples, deliver)
        flow.last = sequence
        self._confirm(flow, sequence)
        return True

    def _confirm(self, flow: Flow, sequence: int) -> None:
        done = ua.SubscriptionAcknowledgement()
        done.SubscriptionId, done.SequenceNumber = flow.number, sequence
        self._acknowledge.append(done)

    async def _give(self, samples: list[Sample], deliver: Deliver) -> None:
        if self._unseen:
            self._unseen.difference_update(sample.point_id for sample in samples)
        if any(sample.quality == BAD and sample.note in _VANISHED for sample in samples):
            self._watch_vanished(samples)
        if self._damped:
            samples = list(self._outside(samples))
        if samples:
            await deliver(samples)

    def _watch_vanished(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            item = self._by_name.get(sample.point_id)
            if sample.note in _VANISHED and item is not None and item.server_id is not None and not item.note:
                item.note = sample.note
                self._failed.append(item)

    def _outside(self, samples: Iterable[Sample]) -> Iterable[Sample]:
        for sample in samples:
            if (kept := self._damped.get(sample.point_id)) is not None:
                band, last = kept
                value = sample.value
                number = float(value) if isinstance(value, int | float) else None
                if number is not None and last is not None and abs(number - last) < band:
                    continue
                self._damped[sample.point_id] = (band, number)
            yield sample

    async def _first_values(self, flow: Flow, deliver: Deliver) -> None:
        """A session that was taken up sends only what changes: read once the points that nothing came for."""
        if self._resumed and self._unseen:
            await self._read_unseen([item for item in flow.items if item.point.id in self._unseen], deliver)

    async def _read_unseen(self, items: Sequence[Item], deliver: Deliver) -> None:
        nodes = [(item, node) for item in items if (node := node_id(item.address, self.link.namespaces)) is not None]
        names = [item.point.id for item, _ in nodes]
        elements = [item.address.element for item, _ in nodes]
        samples = await self.link.read(
            [value_id(node, index=item.address.index) for item, node in nodes],
            lambda answer, begin, end: wire.values_of_read(answer, names[begin:end], elements[begin:end]),
        )
        await self._give(samples, deliver)

    async def _retry(self, deliver: Deliver) -> None:
        failed, self._failed = self._failed, []
        for flow in self._flows.values():
            items = [item for item in flow.items if item in failed]
            stale = [item.server_id for item in items if item.server_id is not None]
            if stale:
                request = ua.DeleteMonitoredItemsRequest()
                request.Parameters.SubscriptionId = flow.number
                request.Parameters.MonitoredItemIds = stale
                await self.link.ask(request)
                for item in items:
                    item.server_id = None
            if items:
                await self._create(flow, items, deliver)
        if self._unseen:
            await self._read_unseen(
                [item for item in self._items if item.point.id in self._unseen and not item.note], deliver
            )

    async def discard(self) -> None:
        """Delete the subscriptions; never raises."""
        if self._flows:
            request = ua.DeleteSubscriptionsRequest()
            request.Parameters.SubscriptionIds = list(self._flows)
            with suppress(Exception):
                await self.link.ask(request)
        self._flows = {}


def _deadband(value: float) -> ua.DataChangeFilter:
    chosen = ua.DataChangeFilter()
    chosen.Trigger = ua.DataChangeTrigger.StatusValue
    chosen.DeadbandType = ua.DeadbandType.Absolute
    chosen.DeadbandValue = value
    return chosen


def _after(sequence: int) -> int:
    """The next sequence number; they begin again at 1 (IEC 62541-4, 7.26)."""
    return 1 if sequence >= _LAST_SEQUENCE else sequence + 1


def _distance(first: int, last: int) -> int:
    return (last - first) % _LAST_SEQUENCE


__all__ = ["Follower"]
