"""A session with a BACnet/IP device."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from millwright.kernel import Denied, Invalid

from ..contract import Deliver, Identity, Node, NodePage, Point, Sample, Session, Value
from .address import HINT, PRESENT_VALUE, VALUES, WRITABLE, Address, parse
from .settings import BacnetSettings
from .units import UCUM
from .values import sample, to_value, to_write

if TYPE_CHECKING:
    from .client import Client

PAGE: Final = 100
QUALITY: Final = (PRESENT_VALUE, "status-flags", "reliability")
_IDENTITY: Final = ("vendor-name", "model-name", "firmware-revision", "application-software-version", "serial-number")


class BacnetSession(Session):
    """See :class:`millwright.devices.connectors.contract.Session`."""

    def __init__(self, client: Client, settings: BacnetSettings, device: int) -> None:
        self._client, self._settings, self._device = client, settings, device
        self._at_once = settings.objects_at_once
        self._asking = asyncio.Lock()
        self._delivering = asyncio.Lock()

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Subscribe to what the device can tell of, poll the rest; see the contract."""
        follower = _Follower(self, points, deliver)
        await follower.run()

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """Values now; see the contract."""
        parsed = [parse(text) for text in addresses]
        told = await self.told(parsed)
        return [sample(text, one, told[one.object]) for text, one in zip(addresses, parsed, strict=True)]

    async def told(self, addresses: Sequence[Address]) -> dict[str, dict[str, Any]]:
        """What the device tells of each object: the properties addressed, with quality for present values."""
        from .client import property_name

        wanted: dict[str, list[str]] = {}
        told: dict[str, dict[str, Any]] = {}
        for one in addresses:
            names = wanted.setdefault(one.object, [])
            told.setdefault(one.object, {})
            if one.index is not None:
                await self._one(one, told)
                continue
            for name in QUALITY if one.is_present_value else (one.prop,):
                with contextlib.suppress(ValueError):
                    if (known := property_name(name)) not in names:
                        names.append(known)
        async with self._asking:
            pending = [(key, names) for key, names in wanted.items() if names]
            while pending:
                chunk, pending = pending[: self._at_once], pending[self._at_once :]
                for (key, names), found in zip(chunk, await self._several(chunk), strict=True):
                    # A property that was asked by number is answered by its name.
                    told[key] |= {name: found[name] for name in names if name in found}
        return told

    async def _one(self, one: Address, told: dict[str, dict[str, Any]]) -> None:
        from .client import Refused

        with contextlib.suppress(Refused):
            told[one.object][one.key] = await self._client.read(one.object, one.prop, one.index)

    async def _several(self, chunk: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
        """By one request, by smaller ones where the answer is too long, one by one where it knows no other way."""
        from .client import Refused

        if self._at_once > 1 or len(chunk) > 1:
            try:
                return await self._client.read_several(chunk)
            except Refused as refused:
                if refused.kind == "abort" and len(chunk) > 1:
                    self._at_once = max(1, min(self._at_once, len(chunk)) // 2)
                    half = len(chunk) // 2
                    return await self._several(chunk[:half]) + await self._several(chunk[half:])
                if refused.kind == "reject":
                    self._at_once = 1
        found: list[dict[str, Any]] = []
        for one, names in chunk:
            told: dict[str, Any] = {}
            for name in names:
                with contextlib.suppress(Refused):
                    told[name] = await self._client.read(one, name)
            found.append(told)
        return found

    async def subscribe(self, one: str) -> bool:
        """Subscribe or renew; whether the device can."""
        from .client import Refused

        try:
            await self._client.subscribe(one, self._settings.lifetime_s)
        except Refused:
            return False
        return True

    async def write(self, address: str, value: Value) -> None:
        """Write a property, a commandable one with a priority; ``None`` gives the priority up. See the contract."""
        from .client import Refused

        one = parse(address)
        fitting = to_write(one, value)
        priority = one.priority or self._settings.priority if one.is_present_value else None
        if fitting is None:
            from bacpypes3.primitivedata import Null

            fitting = Null(())
        try:
            await self._client.write(one.object, one.prop, fitting, one.index, priority)
        except Refused as refused:
            raise Denied(
                f"The device refused to write {address}: {refused}.",
                code="bacnet.refused",
                hint="Inputs are written only while they are out of service; look at the object's property list.",
            ) from refused

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Objects of the device with their names and units; see the contract."""
        if parent is not None or (cursor is not None and not cursor.isdecimal()):
            raise Invalid("Objects have nothing below them.", code="bacnet.address_invalid", hint=HINT)
        objects = await self._object_list()
        begin = int(cursor or 0)
        page = [one for one in objects[begin : begin + PAGE] if not one.startswith(("device,", "network-port,"))]
        names = ["object-name", "description", "units", PRESENT_VALUE]
        found: list[dict[str, Any]] = []
        async with self._asking:
            for at in range(0, len(page), self._at_once):
                found += await self._several([(one, names) for one in page[at : at + self._at_once]])
        return NodePage(
            items=[_node(one, told) for one, told in zip(page, found, strict=True)],
            next=str(begin + PAGE) if len(objects) > begin + PAGE else None,
        )

    async def _object_list(self) -> list[str]:
        from .client import Refused

        device = f"device,{self._device}"
        try:
            return [str(one) for one in await self._client.read(device, "object-list")]
        except Refused:
            # Too long for a device without segmentation: element by element.
            length = int(await self._client.read(device, "object-list", 0))
            return [str(await self._client.read(device, "object-list", at + 1)) for at in range(min(length, 10_000))]

    async def identify(self) -> Identity:
        """Properties of the device object; the fingerprint covers its objects and database revision."""
        from .client import Refused

        device = f"device,{self._device}"
        async with self._asking:
            (told,) = await self._several([(device, [*_IDENTITY, "database-revision", "object-name"])])
        try:
            objects = await self._object_list()
        except Refused:
            objects = []
        texts = {name: str(told.get(name, "")) for name in _IDENTITY}
        lines = [str(self._device), str(told.get("database-revision", "")), *texts.values(), *objects]
        return Identity(
            vendor=texts["vendor-name"],
            product=texts["model-name"],
            version=texts["firmware-revision"],
            serial=texts["serial-number"],
            fingerprint=hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
            note=f"device {self._device} {told.get('object-name', '')}".strip(),
        )

    async def close(self) -> None:
        """Let go of the socket."""
        with contextlib.suppress(Exception):
            self._client.close()
        # Closing a datagram socket takes a turn of the loop.
        await asyncio.sleep(0)


class _Follower:
    """One run of a session."""

    def __init__(self, session: BacnetSession, points: Sequence[Point], deliver: Deliver) -> None:
        self._session, self._deliver = session, deliver
        self._points = [(point, parse(point.address)) for point in points]
        self._last: dict[str, Sample] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self._changed: dict[str, None] = {}
        self._arrived = asyncio.Event()
        self._subscribed: set[str] = set()

    async def run(self) -> None:
        session, settings = self._session, self._session._settings
        session._client.follow(self._on_change)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._read(list(self._points))
            if settings.subscribe:
                for key in dict.fromkeys(one.object for _, one in self._points if one.is_present_value):
                    if self._told.get(key) and await session.subscribe(key):
                        self._subscribed.add(key)
            tasks = [asyncio.create_task(self._changes()), asyncio.create_task(self._check())]
            if self._subscribed:
                tasks.append(asyncio.create_task(self._renew()))
            groups: dict[int, list[tuple[Point, Address]]] = {}
            for point, one in self._points:
                if one.object not in self._subscribed or not one.is_present_value:
                    groups.setdefault(point.interval_ms, []).append((point, one))
            tasks += [asyncio.create_task(self._poll(ms / 1000, group)) for ms, group in groups.items()]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            session._client.follow(None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _on_change(self, one: str, told: dict[str, Any]) -> None:
        if one in self._subscribed:
            self._told[one] = self._told.get(one, {}) | told
            # Only a reading tells the reliability; it may not outlive the fault.
            if "fault" not in str(told.get("status-flags", "fault")):
                self._told[one].pop("reliability", None)
            self._changed[one] = None
            self._arrived.set()

    async def _changes(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            changed, self._changed = self._changed, {}
            await self._tell([pair for pair in self._points if pair[1].object in changed], always=False)

    async def _poll(self, every_s: float, group: list[tuple[Point, Address]]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + every_s
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._read(group)
            due = max(due + every_s, loop.time())

    async def _check(self) -> None:
        """Read what is subscribed too: a device that restarted has forgotten, one that is gone says nothing."""
        while True:
            await asyncio.sleep(self._session._settings.check_interval_s)
            followed = [pair for pair in self._points if pair[1].object in self._subscribed]
            before = {one: self._told.get(one, {}).get(PRESENT_VALUE) for one in self._subscribed}
            await self._read(followed, always=False)
            for one, value in before.items():
                if self._told.get(one, {}).get(PRESENT_VALUE) != value:
                    # Told by a reading first: it may have forgotten us. Renewing costs little.
                    await self._session.subscribe(one)
            if not followed:
                await self._session._client.read(f"device,{self._session._device}", "object-identifier")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._session._settings.lifetime_s / 2)
            for one in sorted(self._subscribed):
                await self._session.subscribe(one)

    async def _read(self, group: list[tuple[Point, Address]], *, always: bool = True) -> None:
        for one, told in (await self._session.told([one for _, one in group])).items():
            self._told[one] = self._told.get(one, {}) | told if told else {}
        await self._tell(group, always=always)

    async def _tell(self, group: list[tuple[Point, Address]], *, always: bool) -> None:
        async with self._session._delivering:
            samples = []
            for point, one in group:
                made = sample(point.id, one, self._told.get(one.object, {}))
                last = self._last.get(point.id)
                if last is not None and (_within(last, made, point.deadband) or (not always and last == made)):
                    continue
                self._last[point.id] = made
                samples.append(made)
            if samples:
                await self._deliver(samples)


def _node(one: str, told: dict[str, Any]) -> Node:
    kind, _, instance = one.partition(",")
    address = parse(f"{kind}:{instance}") if kind in VALUES else None
    units = str(told.get("units", ""))
    description = " ".join(part for part in (str(told.get("description", "")), units) if part)
    return Node(
        address=f"{kind}:{instance}",
        name=str(told.get("object-name", one)),
        kind="variable" if PRESENT_VALUE in told else "folder",
        type=VALUES.get(kind),
        unit=UCUM.get(units),
        writable=kind in WRITABLE,
        description=description,
        value=to_value(address, told.get(PRESENT_VALUE)) if address else None,
    )


def _within(last: Sample, now: Sample, deadband: float) -> bool:
    if not deadband or last.quality != now.quality or isinstance(now.value, bool):
        return False
    if not isinstance(last.value, int | float) or not isinstance(now.value, int | float):
        return False
    return abs(now.value - last.value) < deadband
