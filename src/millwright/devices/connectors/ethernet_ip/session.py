"""A session with an EtherNet/IP controller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from millwright.kernel import Denied, Invalid, Unavailable

from ..contract import BAD, Deliver, Identity, NodePage, Point, Sample, Session, Value
from . import tags
from .address import HINT, Address, parse
from .settings import EthernetIpSettings
from .wire import Wire

if TYPE_CHECKING:
    from pycomm3 import LogixDriver

T = TypeVar("T")


class EthernetIpSession(Session):
    """See :class:`millwright.devices.connectors.contract.Session`. One thread, one request at a time."""

    def __init__(
        self, driver: LogixDriver, wire: Wire, thread: ThreadPoolExecutor, settings: EthernetIpSettings
    ) -> None:
        self._driver, self._wire, self._thread, self._settings = driver, wire, thread, settings
        self._delivering = asyncio.Lock()
        self._lost = False

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Poll the points, each group at its interval; see the contract."""
        groups: dict[int, list[tuple[Point, Address]]] = {}
        for point in points:
            groups.setdefault(point.interval_ms, []).append((point, self._parse(point.address)))
        if not groups:
            await asyncio.Event().wait()
        tasks = [asyncio.create_task(self._poll(ms / 1000, group, deliver)) for ms, group in groups.items()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, every_s: float, group: list[tuple[Point, Address]], deliver: Deliver) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        last: dict[str, Sample] = {}
        while True:
            samples = []
            for (point, _), found in zip(group, await self._values([one for _, one in group]), strict=True):
                sample = Sample(point.id, found.value, None, found.quality, found.note)
                if not (point.deadband and _within(last.get(point.id), sample, point.deadband)):
                    last[point.id] = sample
                    samples.append(sample)
            if samples:
                async with self._delivering:
                    await deliver(samples)
            # Cycles that were missed are left out, not caught up.
            due = max(due + every_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """Values now; see the contract."""
        return await self._values([self._parse(text) for text in addresses])

    async def _values(self, addresses: Sequence[Address]) -> list[Sample]:
        names = list(dict.fromkeys(one.tag for one in addresses))
        if not names:
            return []
        answer = await self._call(lambda: self._driver.read(*names))
        found = dict(zip(names, answer if isinstance(answer, list) else [answer], strict=True))
        return [_sample(one.text, found[one.tag]) for one in addresses]

    async def write(self, address: str, value: Value) -> None:
        """Set a tag; see the contract."""
        parsed = self._parse(address)
        definition = tags.find(self._driver.tags, _without_bit(parsed.tag))
        if definition is None:
            raise Denied(f"The controller has no tag {parsed.tag!r}.", code="ethernet_ip.refused", hint=HINT)
        fitting = tags.check(parsed.tag, definition, value)
        error = await self._call(lambda: self._write(parsed.tag, definition, fitting))
        if error:
            raise Denied(
                f"The controller refused to write {parsed.tag}: {_words(error)}.",
                code="ethernet_ip.refused",
                hint="Look at the tag's External Access and at the position of the keyswitch.",
            )

    def _write(self, tag: str, definition: tags.Definition, value: Value) -> str:
        """Write in the thread; why it was refused, or nothing."""
        from pycomm3.packets.logix import WriteTagRequestPacket

        driver = self._driver
        if _without_bit(tag) != tag:
            return str(driver.write((tag, value)).error or "")
        if not driver._target_is_connected:
            driver.read(tag)  # opens the connection on which tags are written
        # Its own write() puts the request into the frame twice (1.2.16); a controller need not bear that.
        request = WriteTagRequestPacket(
            driver._sequence, tag, 1, dict(definition), 0, False, tags.encode(definition, value)
        )
        answer = driver.send(request)
        return "" if answer else str(answer.error or "no reason given")

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Programs, tags, elements and members; see the contract."""
        if cursor is not None and not cursor.isdecimal():
            raise Invalid(f"{cursor!r} continues nothing.", code="ethernet_ip.cursor_invalid", hint="Leave it out.")
        if self._settings.tags == "declared":
            return NodePage(items=[])
        return tags.page(self._driver.tags, parent, int(cursor or 0))

    async def identify(self) -> Identity:
        """Identity object, program name and keyswitch."""
        info = self._driver.info
        revision = info.get("revision", {})
        name, key = str(info.get("name") or ""), str(info.get("keyswitch") or "")
        shown = name if name.isprintable() else ""  # a controller without a program tells zeros
        return Identity(
            vendor=str(info.get("vendor", "")),
            product=str(info.get("product_name", "")),
            version=f"{revision.get('major', '')}.{revision.get('minor', '')}".strip("."),
            serial=str(info.get("serial", "")),
            fingerprint=tags.fingerprint(self._driver.tags, str(info.get("serial", "")), name),
            note=", ".join(part for part in (shown, key.lower()) if part),
        )

    async def close(self) -> None:
        """Let go of the connection and the thread."""
        self._lost = True
        # Whatever the thread waits for ends at once.
        self._wire.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _parse(self, text: str) -> Address:
        parsed = parse(text)
        if self._settings.tags == "declared":
            if parsed.type is None:
                raise Invalid(f"{text!r} names no type.", code="ethernet_ip.address_invalid", hint=HINT)
            name, *members = _without_bit(parsed.tag.partition("{")[0]).split(".")
            base = tags.declared(name, parsed.type, is_array="[" in parsed.tag or "{" in parsed.tag)
            if members:
                raise Invalid(
                    f"{text!r} is a member, whose place only the controller could tell.",
                    code="ethernet_ip.address_invalid",
                    hint=HINT,
                )
            self._driver.tags[name.partition("[")[0]] = base
        return parsed

    async def _call(self, question: Callable[[], T]) -> T:
        """Ask in the thread. Raises ``Unavailable`` (``ethernet_ip.connection_lost``)."""
        from pycomm3 import CommError, PycommError

        if self._lost:
            raise self._gone("it was closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question)
        except (CommError, PycommError, OSError) as error:
            # What was asked may still be answered: the connection is of no more use.
            self._lost = True
            self._wire.close()
            raise self._gone(str(error.__cause__ or error)) from error

    def _gone(self, why: str) -> Unavailable:
        return Unavailable(
            f"The connection to {self._settings.host} is lost: {why}.",
            code="ethernet_ip.connection_lost",
            hint="It is opened again by itself.",
        )


def _sample(text: str, tag: Any) -> Sample:
    if tag.error:
        return Sample(text, None, None, BAD, _words(str(tag.error)))
    value = tags.to_value(tag.value)
    return Sample(text, None, None, BAD, "not a number") if value is None else Sample(text, value)


def _words(error: str) -> str:
    # A tag that is not there has a long name in CIP: path segment error or path destination unknown.
    return "no such tag" if error.startswith(("Destination unknown", "Tag doesn't exist", "IOI syntax")) else error


def _without_bit(tag: str) -> str:
    head, _, last = tag.rpartition(".")
    return head if last.isdigit() and head else tag


def _within(last: Sample | None, now: Sample, deadband: float) -> bool:
    if last is None or last.quality != now.quality or isinstance(now.value, bool):
        return False
    if not isinstance(last.value, int | float) or not isinstance(now.value, int | float):
        return False
    return abs(now.value - last.value) < deadband
