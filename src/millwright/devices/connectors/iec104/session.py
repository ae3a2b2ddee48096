"""A session with a station: its image, what is followed, and what was asked."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from time import time
from typing import Final
from zoneinfo import ZoneInfo

from millwright.kernel import Denied, Invalid, Unavailable

from ..contract import BAD, Deliver, Identity, Node, NodePage, Point, Sample, Session, Value
from . import address as addresses
from . import asdu as asdus
from .asdu import Asdu, Layout, Unreadable
from .dialogue import Dialogue
from .elements import ELEMENTS, NAMES
from .image import Followed, Image, Known, sample
from .link import Link
from .settings import Iec104Settings

logger = logging.getLogger(__name__)

END_OF_INITIALISATION: Final = 70
TOTALS: Final = (15, 16, 37)
REQUESTS_AT_ONCE: Final = 8
BATCH: Final = 1000


class Iec104Session(Session):
    """See :class:`millwright.devices.connectors.contract.Session`."""

    link: Link

    def __init__(self, settings: Iec104Settings, zone: ZoneInfo) -> None:
        self._settings, self._zone = settings, zone
        self._layout = Layout(settings.cause_bytes, settings.common_address_bytes, settings.object_address_bytes)
        self._dialogue = Dialogue(self._layout, settings.originator, zone, settings.timeout_s)
        self._image = Image()
        self._interrogated: dict[int, str] = {}  # stations asked, and why they did not answer
        self._interrogating = asyncio.Lock()
        self._followed: dict[tuple[int, int], list[Followed]] = {}
        self._pending: deque[tuple[int | None, list[Sample]]] = deque()
        self._arrived = asyncio.Event()
        self._restarted = asyncio.Event()
        self.skipped = 0

    def take(self, number: int, octets: bytes) -> None:
        """An ASDU of the link, in order."""
        samples: list[Sample] = []
        try:
            asdu = asdus.decode(octets, self._layout)
            if not asdu.test:
                samples = self._take(asdu)
        except Unreadable as error:
            self.skipped += 1
            if self.skipped == 1:
                logger.warning("an IEC 104 station sent %s; it is skipped, and so are others like it", error)
        if samples or self._pending:
            self._pending.append((number, samples))
            self._arrived.set()
        else:
            self.link.settle(number)

    def _take(self, asdu: Asdu) -> list[Sample]:
        if asdu.type == END_OF_INITIALISATION:
            self._interrogated.pop(asdu.common_address, None)
            self._interrogated.pop(self._layout.broadcast, None)
            self._restarted.set()
            return []
        if asdu.type not in ELEMENTS:
            self._dialogue.hear(asdu)
            if asdu.type < 45 or asdu.type not in NAMES:
                self.skipped += 1
            return []
        samples = []
        for found in list(asdus.iter_objects(asdu, self._layout, self._zone, int(time() * 1000))):
            known = self._image.keep(asdu.common_address, asdu.type, asdu.cause, found)
            if known is not None:
                samples += self._samples(asdu.common_address, found.address, known)
        return samples

    def _samples(self, common: int, number: int, known: Known) -> list[Sample]:
        made = (followed.sample(known) for followed in self._followed.get((common, number), ()))
        return [one for one in made if one is not None]

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Follow points; see the contract."""
        followed = [Followed(point, addresses.parse(point.address)) for point in points]
        self._followed = {}
        at_once = []
        for one in followed:
            if one.address.object is None:
                at_once.append(Sample(one.point.id, None, None, BAD, "a command has no value"))
                continue
            self._followed.setdefault((one.address.common, one.address.object), []).append(one)
            if (known := self._image.find(one.address.common, one.address.object)) and (made := one.sample(known)):
                at_once.append(made)
        self._pending.append((None, at_once))
        self._arrived.set()
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._deliver(deliver)),
            asyncio.create_task(self._ask([one for one in followed if one.address.object is not None])),
        ]
        try:
            await asyncio.wait((*tasks, self.link.lost), return_when=asyncio.FIRST_COMPLETED)
            for ended in (*tasks, self.link.lost):
                if ended.done():
                    ended.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._followed = {}

    async def _deliver(self, deliver: Deliver) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending:
                samples: list[Sample] = []
                last: int | None = None
                taken = 0
                for number, some in self._pending:
                    samples += some
                    last = number if number is not None else last
                    taken += 1
                    if len(samples) >= BATCH:
                        break
                if samples:
                    await deliver(samples)
                for _ in range(taken):
                    self._pending.popleft()
                if last is not None:
                    self.link.settle(last)

    async def _ask(self, followed: list[Followed]) -> None:
        """Interrogations at the start, after a restart of the station, and when they are due."""
        settings, loop = self._settings, asyncio.get_running_loop()
        stations = sorted({one.address.common for one in followed})
        due = {"clock": loop.time(), "general": loop.time(), "counters": loop.time()}
        every = {
            "clock": settings.clock_interval_s,
            "general": settings.interrogation_interval_s,
            "counters": settings.counter_interval_s,
        }
        if not settings.clock_interval_s:
            del due["clock"]
        first = True
        while True:
            now = loop.time()
            self._restarted.clear()
            for what in [what for what, at in due.items() if at <= now]:
                due[what] = now + every[what]
                if not every[what]:
                    del due[what]
                for common in stations:
                    await self._ask_for(what, common, followed, again=not first)
            if first:
                self._report_missing(followed)
            first = False
            wait_s = max(0.0, min(due.values()) - loop.time()) if due else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._restarted.wait()
                due |= dict.fromkeys(("general", "counters"), loop.time())
            except TimeoutError:
                pass

    async def _ask_for(self, what: str, common: int, followed: list[Followed], *, again: bool) -> None:
        if what == "general":
            if again:
                self._interrogated.pop(common, None)
                self._interrogated.pop(self._layout.broadcast, None)
            await self._interrogate(common)
            return
        if what == "clock":
            await self._tried(self._dialogue.set_clock(self.link, common))
        elif any(self._counts(one) for one in followed if one.address.common == common):
            await self._ask_for_counters(common)

    async def _ask_for_counters(self, common: int) -> None:
        await self._tried(self._dialogue.interrogate(self.link, common, counters=True))

    async def _tried(self, asking: Awaitable[None]) -> None:
        """What a station need not know: its refusal or silence is a line in the log."""
        try:
            await asking
        except (Denied, Unavailable) as error:
            if error.code not in ("iec104.refused", "iec104.unconfirmed"):
                raise
            logger.info("IEC 104: %s", error.message)

    def _counts(self, one: Followed) -> bool:
        """Whether a counter interrogation may bring this point: a total, or something no one has brought yet."""
        known = self._image.find(one.address.common, one.address.object)
        if one.address.type is not None:
            return one.address.type in TOTALS
        return known is None or known.element is ELEMENTS[TOTALS[0]]

    def _report_missing(self, followed: list[Followed]) -> None:
        missing = [
            Sample(one.point.id, None, None, BAD, self._why(one.address.common))
            for one in followed
            if self._image.find(one.address.common, one.address.object) is None
        ]
        if missing:
            self._pending.append((None, missing))
            self._arrived.set()

    def _why(self, common: int) -> str:
        return self._interrogated.get(common) or "the interrogation did not bring it"

    async def _interrogate(self, common: int) -> None:
        """A general interrogation, once a session; what went wrong is kept in its words."""
        async with self._interrogating:
            if common in self._interrogated or self._layout.broadcast in self._interrogated:
                return
            try:
                await self._dialogue.interrogate(self.link, common)
                self._interrogated[common] = ""
            except Denied as error:
                self._interrogated[common] = str(error.detail.get("words", error.message))
            except Unavailable as error:
                if error.code != "iec104.unconfirmed":
                    raise
                self._interrogated[common] = "the interrogation was not answered"

    async def _interrogate_all(self) -> None:
        for common in self._settings.common_addresses or (self._layout.broadcast,):
            await self._interrogate(common)

    async def read(self, addresses_: Sequence[str]) -> Sequence[Sample]:
        """Values now; see the contract."""
        parsed = [addresses.parse(text) for text in addresses_]
        wanted = [one for one in parsed if one.object is not None]
        for common in sorted({one.common for one in wanted}):
            await self._interrogate(common)
        for common in sorted({one.common for one in wanted if one.type in TOTALS}):
            await self._ask_for_counters(common)
        gate = asyncio.Semaphore(REQUESTS_AT_ONCE)
        missing = {
            (one.common, one.object)
            for one in wanted
            if one.object is not None and self._image.find(one.common, one.object) is None
        }
        notes = dict(zip(missing, await asyncio.gather(*(self._request(gate, *one) for one in missing)), strict=True))
        return [self._answer(one, notes) for one in parsed]

    async def _request(self, gate: asyncio.Semaphore, common: int, number: int) -> str:
        async with gate:
            return await self._dialogue.request(
                self.link, common, number, lambda: self._image.find(common, number) is not None
            )

    def _answer(self, one: addresses.Address, notes: Mapping[tuple[int, int], str]) -> Sample:
        if one.object is None:
            return Sample(one.text, None, None, BAD, "a command has no value")
        if (known := self._image.find(one.common, one.object)) is not None:
            return sample(one.text, one, known)
        return Sample(one.text, None, None, BAD, notes.get((one.common, one.object)) or self._why(one.common))

    async def identify(self) -> Identity:
        """The protocol has no such question: what the interrogation brings stands for the program."""
        await self._interrogate_all()
        stations = ", ".join(map(str, self._image.stations())) or "none"
        return Identity(
            fingerprint=self._image.fingerprint(),
            note=f"stations {stations}; {self._image.count()} objects",
        )

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Stations, and below one the objects that it has told; see the contract."""
        await self._interrogate_all()
        if parent is None:
            stations = self._image.stations()
            return NodePage(
                items=[
                    Node(address=str(common), name=f"Station {common}", kind="folder", has_children=True)
                    for common in stations
                ]
            )
        if not parent.isdecimal() or (cursor is not None and not cursor.isdecimal()):
            raise Invalid(
                f"{parent!r} is not a station that can be browsed.",
                code="iec104.address_invalid",
                hint="Browse the common address of a station, such as 1.",
            )
        return self._image.page(int(parent), -1 if cursor is None else int(cursor))

    async def write(self, address: str, value: Value) -> None:
        """Carry out a command; see the contract."""
        parsed = addresses.parse(address)
        if parsed.command is None:
            raise Invalid(
                f"{address!r} names a value and no command.",
                code="iec104.address_invalid",
                hint=addresses.HINT,
            )
        select = self._settings.select if parsed.command.select is None else parsed.command.select
        await self._dialogue.command(
            self.link,
            parsed.common,
            parsed.command,
            value,
            select=select,
            termination=self._settings.wait_for_termination,
        )

    async def call(self, address: str, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Interrogate a station, or set its clock; see the contract."""
        common, name = addresses.parse_call(address)
        if inputs:
            raise Invalid(f"{name} takes no inputs.", code="iec104.value_invalid", hint="Call it without inputs.")
        if name == "set_clock":
            await self._dialogue.set_clock(self.link, common)
        else:
            await self._dialogue.interrogate(self.link, common, counters=name == "counters")
        return {}

    async def close(self) -> None:
        """Let go of the connection."""
        await self.link.close()
