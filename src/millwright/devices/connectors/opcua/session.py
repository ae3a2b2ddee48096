"""A session as the host sees it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua

from millwright.devices.connectors.contract import BAD, Deliver, Identity, NodePage, Point, Sample, Session, Value
from millwright.devices.connectors.opcua import keeping, methods, refusals, wire, writing
from millwright.devices.connectors.opcua.address import Address, node_id, parse
from millwright.devices.connectors.opcua.browsing import Browser
from millwright.devices.connectors.opcua.follower import Follower
from millwright.devices.connectors.opcua.link import Link, value_id
from millwright.kernel import Invalid, MillwrightError, Unavailable

_HISTORY_CHUNK: Final = 5000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SKETCH: Final = 200
"""Nodes below *Objects* that the fingerprint looks into."""


class OpcUaSession(Session):
    """An open link. ``kept``: what an earlier one left behind, of which the server still has the session."""

    def __init__(self, link: Link, kept: Follower | None = None) -> None:
        self._link = link
        self._kept = kept
        self._follower: Follower | None = None
        self._browser = Browser(link)
        self._closed = False

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        """What goes wrong on the wire becomes one of ours."""
        if self._closed:
            raise refusals.lost(self._link.url, "it was closed")
        try:
            yield
        except MillwrightError:
            raise
        except Exception as error:
            raise refusals.of_session(self._link.url, error, self._link.settings.timeout_s) from error

    # --- following ---------------------------------------------------------------------------------------------------

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Follow ``points``; see the contract."""
        for point in points:
            parse(point.address)
        try:
            async with self._errors():
                await (await self._start(points, deliver)).run(deliver)
        except Unavailable:
            follower, self._follower = self._follower, None
            if follower is not None and follower.is_whole and not self._closed:
                keeping.keep(self._link.settings, follower)
                self._closed = True
                await self._link.let_go()
            raise

    async def _start(self, points: Sequence[Point], deliver: Deliver) -> Follower:
        kept, self._kept = self._kept, None
        if kept is not None and kept.points == tuple(points) and kept.link.namespaces == self._link.namespaces:
            self._follower = kept
            try:
                await kept.resume(self._link, deliver)
            except ua.UaStatusCodeError:
                pass  # the server forgot the subscriptions: they are made anew
            else:
                return kept
        for old in (kept, self._follower):
            if old is not None:
                old.link = self._link
                await old.discard()
        self._follower = follower = Follower(self._link, points)
        await follower.begin(deliver)
        return follower

    # --- single questions --------------------------------------------------------------------------------------------

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """The values now; see the contract."""
        parsed = [parse(address) for address in addresses]
        nodes = [node_id(address, self._link.namespaces) for address in parsed]
        asked = [place for place, node in enumerate(nodes) if node is not None]
        names = [addresses[place] for place in asked]
        elements = [parsed[place].element for place in asked]
        async with self._errors():
            found = await self._link.read(
                [value_id(nodes[place], index=parsed[place].index) for place in asked],
                lambda answer, begin, end: wire.values_of_read(answer, names[begin:end], elements[begin:end]),
            )
        by_place = dict(zip(asked, found, strict=True))
        return [
            by_place.get(place) or Sample(text, None, None, BAD, f"the server has no namespace {parsed[place].uri}")
            for place, text in enumerate(addresses)
        ]

    async def identify(self) -> Identity:
        """Manufacturer, product and version by ServerStatus, and a sketch of the address space as fingerprint."""
        async with self._errors():
            status, _ = await self._link.attribute(ua.NodeId(ua.ObjectIds.Server_ServerStatus), ua.AttributeIds.Value)
            build: Any = getattr(status, "BuildInfo", None)
            started: Any = getattr(status, "StartTime", None)
            state: Any = getattr(status, "State", None)
            sketch = await self._sketch()
        version = str(getattr(build, "SoftwareVersion", None) or "")
        number = str(getattr(build, "BuildNumber", None) or "")
        digest = hashlib.sha256("\n".join([*self._link.namespaces, version, number, *sketch]).encode()).hexdigest()
        notes = []
        if isinstance(state, int):
            notes.append(f"state {ua.ServerState(state).name}")
        if isinstance(started, datetime) and started.year > 1970:
            notes.append(f"started {started.replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}")
        notes.append(f"{len(self._link.namespaces)} namespaces")
        return Identity(
            vendor=str(getattr(build, "ManufacturerName", None) or ""),
            product=str(getattr(build, "ProductName", None) or ""),
            version=f"{version} ({number})" if number and number != version else version,
            fingerprint=digest,
            note=", ".join(notes),
        )

    async def _sketch(self) -> list[str]:
        """The node ids of the two uppermost levels of the address space, but for the server's own."""
        server = ua.NodeId(ua.ObjectIds.Server)
        ((top, point),) = await self._browser.references([ua.NodeId(ua.ObjectIds.ObjectsFolder)], 0)
        del point
        nodes = [ua.NodeId(one.NodeId.Identifier, one.NodeId.NamespaceIndex) for one in top]
        nodes = [node for node in nodes if node != server][:_SKETCH]
        below = await self._browser.references(nodes, _SKETCH) if nodes else []
        found = [node.to_string() for node in nodes]
        for references, _ in below:
            found += sorted(one.NodeId.to_string() for one in references[:_SKETCH])
        return found

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """What is below ``parent``; see the contract."""
        async with self._errors():
            return await self._browser.page(parent, cursor)

    async def write(self, address: str, value: Value) -> None:
        """Set a value, as the type that the node has."""
        parsed, node = self._node(address)
        async with self._errors():
            await writing.write(self._link, parsed, node, value)

    async def call(self, address: str, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Call a method with arguments by name."""
        _, node = self._node(address)
        async with self._errors():
            return await methods.call(self._link, self._browser, address, node, inputs)

    async def history(self, address: str, begin_ms: int, end_ms: int, limit: int = 10_000) -> Sequence[Sample]:
        """Raw values that the server kept (IEC 62541-11, 6.5.3)."""
        parsed, node = self._node(address)
        found: list[Sample] = []
        if begin_ms >= end_ms or limit < 1:
            return found
        point = b""
        async with self._errors():
            while True:
                request = _history_request(
                    node, parsed, begin_ms, end_ms, min(limit - len(found), _HISTORY_CHUNK), point
                )
                samples, point, status = wire.history_of_read(await self._link.ask(request), address, parsed.element)
                if status >> 31:
                    raise refusals.of_operation(address, status)
                found += [one for one in samples if one.time_ms is None or begin_ms <= one.time_ms < end_ms]
                if not point or len(found) >= limit:
                    break
            if point:
                request.Parameters.ReleaseContinuationPoints = True
                request.Parameters.NodesToRead[0].ContinuationPoint = point
                with suppress(ua.UaError):
                    await self._link.ask(request)
        found.sort(key=lambda one: one.time_ms or 0)
        return found[:limit]

    def _node(self, text: str) -> tuple[Address, ua.NodeId]:
        address = parse(text)
        node = node_id(address, self._link.namespaces)
        if node is None:
            raise Invalid(
                f"The server has no namespace {address.uri}.",
                code="connectors.opcua_node_unknown",
                hint=f"It has: {', '.join(self._link.namespaces)}. It may run another program now; browse it again.",
            )
        return address, node

    async def close(self) -> None:
        """End the session at the server; never raises."""
        if self._closed:
            return
        self._closed = True
        with suppress(Exception):
            await asyncio.shield(self._link.close())


def _history_request(
    node: ua.NodeId, address: Address, begin_ms: int, end_ms: int, most: int, point: bytes
) -> ua.HistoryReadRequest:
    details = ua.ReadRawModifiedDetails()
    details.IsReadModified = False
    details.StartTime = _EPOCH + timedelta(milliseconds=begin_ms)
    details.EndTime = _EPOCH + timedelta(milliseconds=end_ms)
    details.NumValuesPerNode = most
    details.ReturnBounds = False
    wanted = ua.HistoryReadValueId()
    wanted.NodeId = node
    if address.index:
        wanted.IndexRange = address.index
    if point:
        wanted.ContinuationPoint = point
    request = ua.HistoryReadRequest()
    request.Parameters.HistoryReadDetails = details
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    request.Parameters.ReleaseContinuationPoints = False
    request.Parameters.NodesToRead = [wanted]
    return request
