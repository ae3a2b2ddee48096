"""A session with a reader: its inventory as long as somebody follows it, and what it sees as reports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from millwright.kernel import Denied, Invalid, MillwrightError

from ..contract import BAD, Deliver, Identity, Node, NodePage, Point, Sample, Session, Value
from ..line import lost
from ..tls import ANY_NAME, client_context
from . import link as links
from . import ports, wire
from .link import Link, malformed
from .ports import PortEvent, Ports
from .settings import LlrpSettings
from .wire import Malformed, Message, TagRead

_MOST_WAITING: Final = 16
"""Messages that may wait to be delivered before nothing more is read."""
_MOST_READS_WAITING: Final = 20_000
"""The same of the reads in them: they, not the messages, take the memory."""
_AT_ONCE: Final = 40
"""Reads in one report: it is a text of less than 8 KB."""
_MISSED: Final = 3
_PRIVATE: Final = {25882: "Impinj", 161: "Motorola", 26554: "ThingMagic"}
"""Manufacturers by their IANA enterprise number."""


class LlrpSession(Session):
    """See :class:`millwright.devices.connectors.contract.Session`."""

    def __init__(self, link: Link, settings: LlrpSettings) -> None:
        self._link, self._settings = link, settings
        self._capabilities: wire.Capabilities | None = None
        self._serial = ""
        self.antennas: dict[int, bool] = {}
        self.ports = Ports()
        self._exception = ""
        self._tags = 0
        self._newest: list[TagRead] = []
        self._pending: deque[list[TagRead] | list[PortEvent]] = deque()
        self._reads_waiting = 0
        self._arrived = asyncio.Event()
        self._running = False
        self._last_ms = 0
        self._writing = asyncio.Lock()

    @classmethod
    async def connect(cls, settings: LlrpSettings) -> LlrpSession:
        """Connect, and learn what the reader is. Raises ``Unavailable``, ``Denied``."""
        tls = await asyncio.to_thread(_context, settings) if settings.tls else None
        name = "" if settings.tls_server_name == ANY_NAME else settings.tls_server_name
        link = await links.connect(settings.host, settings.port, settings.timeout_s, tls, name)
        session = cls(link, settings)
        link.heard = session._hear
        try:
            await session._learn()
        except BaseException:
            await link.close()
            raise
        return session

    async def _learn(self) -> None:
        link = self._link
        if self._settings.version == "1.1":
            link.version = 2
            await link.order(wire.SET_PROTOCOL_VERSION, b"\x02")
        answer = await link.order(wire.GET_READER_CAPABILITIES, b"\x01")
        self._capabilities = _read(wire.capabilities_of, answer)
        self.antennas = dict.fromkeys(range(1, self._capabilities.antennas + 1), True)
        try:
            config = await link.order(wire.GET_READER_CONFIG, struct.pack(">HBHH", 0, 0, 0, 0))
        except Denied:
            pass  # some readers do not tell; what they see is the same
        else:
            self._serial, connected = _read(wire.config_of, config)
            self.antennas.update(connected)
            _read(self.ports.learn, config)
        self.ports.expect(self._capabilities.inputs, self._capabilities.outputs)
        keepalive_ms = round(self._settings.keepalive_s * 1000)
        await link.order(wire.SET_READER_CONFIG, wire.reader_config(keepalive_ms))
        link.silence_s = _MISSED * self._settings.keepalive_s + self._settings.timeout_s

    # --- what the reader says ----------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        """What comes by itself. Raises :class:`Malformed`, which ends the connection."""
        if message.type == wire.RO_ACCESS_REPORT:
            self._newest = wire.reads_of(message.body)
            self._tags = len({read.epc for read in self._newest})
            self._put(self._newest)
        elif message.type == wire.KEEPALIVE:
            self._put([])
        elif message.type == wire.READER_EVENT_NOTIFICATION:
            event = wire.event_of(message.body)
            if event.exception is not None:
                self._exception = event.exception
            if event.overflow:
                self._exception = "The reader's buffer overflowed: reads were lost."
            self.antennas.update(event.antennas)
            self.ports.inputs.update(event.inputs)
            if event.inputs:
                self._put([PortEvent(number, high, event.at_ms) for number, high in event.inputs.items()])
            if event.antennas or event.exception is not None or event.overflow:
                self._put([])
            if event.closing:
                raise lost("the reader ends it")
            if event.connected == 4:
                self._exception = "Another client tried to connect to the reader."

    def _put(self, heard: list[TagRead] | list[PortEvent]) -> None:
        if not self._running:
            return
        self._pending.append(heard)
        self._reads_waiting += len(heard)
        self._arrived.set()
        if len(self._pending) >= _MOST_WAITING or self._reads_waiting > _MOST_READS_WAITING:
            self._link.room.clear()

    # --- following ---------------------------------------------------------------------------------------------------

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Let the reader look for tags, and deliver what it reports; see the contract."""
        self._pending.clear()
        self._reads_waiting = 0
        await self._switch_on(points)
        self._running = True
        delivering = asyncio.create_task(self._deliver(points, deliver))
        try:
            starting = asyncio.create_task(self._start())
            try:
                await asyncio.wait((starting, delivering), return_when=asyncio.FIRST_COMPLETED)
                if delivering.done():
                    delivering.result()
                await starting
            finally:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            await asyncio.wait((delivering, self._link.lost), return_when=asyncio.FIRST_COMPLETED)
            for ended in (delivering, self._link.lost):
                if ended.done():
                    ended.result()
        finally:
            self._running = False
            self._link.room.set()
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _start(self) -> None:
        chosen = self._settings
        number = struct.pack(">I", 0 if chosen.take_over else chosen.rospec_id)
        await self._link.ask(wire.DELETE_ROSPEC, number)  # of a session before; there may be none
        spec = wire.rospec(chosen.rospec_id, chosen.antennas, chosen.report_ms)
        await self._link.order(wire.ADD_ROSPEC, spec)
        number = struct.pack(">I", chosen.rospec_id)
        await self._link.order(wire.ENABLE_ROSPEC, number)
        await self._link.order(wire.START_ROSPEC, number)

    async def _switch_on(self, points: Sequence[Point]) -> None:
        """Inputs that are followed tell their changes only if they are on; others are left as they are."""
        followed = {int(number) for kind, number in map(_parts, points) if kind == "gpi"}
        if off := sorted(followed & self.ports.off):
            await self._link.order(wire.SET_READER_CONFIG, ports.inputs_on(off))
            await self._learn_ports("gpi")

    async def _learn_ports(self, kind: str) -> bool:
        """Ask for the states of inputs or outputs; whether the reader tells them."""
        try:
            config = await self._link.order(wire.GET_READER_CONFIG, ports.ask_for(kind))
        except Denied:
            return False
        _read(self.ports.learn, config)
        return True

    async def _deliver(self, points: Sequence[Point], deliver: Deliver) -> None:
        known: dict[str, Value] = {}
        await deliver(self._samples(points, [], known, first=True))
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending:
                heard = self._pending.popleft()
                self._reads_waiting -= len(heard)
                if len(self._pending) < _MOST_WAITING // 2 and self._reads_waiting <= _MOST_READS_WAITING // 2:
                    self._link.room.set()
                changed = [each for each in heard if isinstance(each, PortEvent)]
                reads = [each for each in heard if isinstance(each, TagRead)]
                samples = _changes(points, changed, known) if changed else self._samples(points, reads, known)
                if samples:
                    await deliver(samples)

    def _samples(
        self, points: Sequence[Point], reads: list[TagRead], known: dict[str, Value], *, first: bool = False
    ) -> list[Sample]:
        samples: list[Sample] = []
        for point in points:
            kind, _, number = point.address.partition("/")
            if kind == "reads":
                if number and int(number) not in self.antennas:
                    if first:
                        samples.append(self._absent(point.id, number))
                    continue
                chosen = [read for read in reads if not number or read.antenna == int(number)]
                samples += [Sample(point.id, report, time_ms) for report, time_ms in self._reports(chosen)]
                continue
            if kind == "gpi" and not first:
                continue  # each of its changes comes by itself, with its time
            sample = self._value(point.id, point.address)
            if first or sample.value != known.get(point.id):
                known[point.id] = sample.value
                samples.append(sample)
        return samples

    def _value(self, point_id: str, address: str) -> Sample:
        kind, _, number = address.partition("/")
        if kind == "antenna":
            connected = self.antennas.get(int(number))
            return self._absent(point_id, number) if connected is None else Sample(point_id, connected)
        if kind in ("gpi", "gpo"):
            return self._port(point_id, kind, int(number))
        return Sample(point_id, self._tags if kind == "tags" else self._exception)

    def _port(self, point_id: str, kind: str, number: int) -> Sample:
        known = self.ports.inputs if kind == "gpi" else self.ports.outputs
        high = known.get(number)
        if high is not None:
            return Sample(point_id, high)
        what = "input" if kind == "gpi" else "output"
        why = f"the reader does not tell the state of {what} {number}" if number in known else f"no {what} {number}"
        return Sample(point_id, None, None, BAD, why)

    def _reports(self, reads: list[TagRead]) -> list[tuple[str, int | None]]:
        """Reads as texts that places understand, each with its own time; none: that the reader works."""
        down = sorted(number for number, connected in self.antennas.items() if not connected and self._is_used(number))
        made = []
        for at in range(0, max(len(reads), 1), _AT_ONCE):
            part = reads[at : at + _AT_ONCE]
            report: dict[str, Any] = {"sightings": [_sighting(read) for read in part], "antennas_down": down}
            newest = max((read.last_ms for read in part if read.last_ms is not None), default=None)
            if newest is not None:
                newest = self._last_ms = max(newest, self._last_ms + 1)
            made.append((json.dumps(report, separators=(",", ":")), newest))
        return made

    def _is_used(self, number: int) -> bool:
        return not self._settings.antennas or number in self._settings.antennas

    def _absent(self, point_id: str, number: str) -> Sample:
        return Sample(point_id, None, None, BAD, f"the reader has no antenna {number}")

    # --- asking ------------------------------------------------------------------------------------------------------

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """What was seen last, and how the reader is; see the contract."""
        if self._link.lost.done():
            await self._link.lost
        samples = []
        for each in sorted({address.partition("/")[0] for address in addresses} & {"gpi", "gpo"}):
            await self._learn_ports(each)
        for address in addresses:
            kind, _, number = address.partition("/")
            if kind != "reads":
                samples.append(self._value(address, address))
            elif number and int(number) not in self.antennas:
                samples.append(self._absent(address, number))
            else:
                chosen = [read for read in self._newest if not number or read.antenna == int(number)]
                report, time_ms = self._reports(chosen)[-1]
                samples.append(Sample(address, report, time_ms))
        return samples

    async def identify(self) -> Identity:
        """Manufacturer, model and firmware."""
        found = self._capabilities
        if found is None:
            return Identity()
        return Identity(
            vendor=_PRIVATE.get(found.manufacturer, f"IANA {found.manufacturer}"),
            product=str(found.model),
            version=found.firmware,
            serial=self._serial,
            note=f"{found.antennas} antennas, {found.inputs} inputs, {found.outputs} outputs"
            + ("" if found.has_utc else "; no clock"),
        )

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """What can be followed."""
        if parent is not None or cursor is not None:
            return NodePage(items=[])
        nodes = [
            Node(address="reads", name="reads", kind="variable", type="string", description="Reports of all antennas"),
            Node(address="tags", name="tags", kind="variable", type="integer", description="Tags in the last report"),
            Node(address="exception", name="exception", kind="variable", type="string", value=self._exception),
        ]
        for number, connected in sorted(self.antennas.items()):
            name = f"antenna/{number}"
            nodes.append(Node(address=name, name=name, kind="variable", type="boolean", value=connected))
        for number, high in sorted(self.ports.inputs.items()):
            nodes.append(_node(f"gpi/{number}", high, f"Input {number}", writable=False))
        for number, high in sorted(self.ports.outputs.items()):
            nodes.append(_node(f"gpo/{number}", high, f"Output {number}", writable=True))
        return NodePage(items=nodes)

    async def write(self, address: str, value: Value) -> None:
        """Set an output; the reader's own word for it is asked for afterwards. See the contract."""
        kind, _, number_text = address.partition("/")
        if kind != "gpo":
            raise Invalid(
                f"{address} can be read only.",
                code="connectors.read_only",
                hint="Outputs of a reader can be written, as gpo/1.",
            )
        if not (isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1))):
            raise Invalid(
                f"The value {value!r} does not fit.",
                code="connectors.value_invalid",
                hint="An output takes true, false, 0 or 1.",
            )
        number, high = int(number_text), bool(value)
        async with self._writing:
            await self._link.order(wire.SET_READER_CONFIG, ports.output(number, high))
            self.ports.outputs[number] = high
            if await self._learn_ports("gpo") and self.ports.outputs[number] is not high:
                raise Denied(
                    f"The reader confirmed output {number}, and holds the other state.",
                    code="connectors.not_taken",
                    hint="Something else drives it, or it is set aside for the reader's own use; see its manual.",
                )
            self._put([])

    async def close(self) -> None:
        """Stop the inventory and let go; see the contract."""
        if not self._link.lost.done():
            with contextlib.suppress(MillwrightError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._link.ask(wire.DELETE_ROSPEC, struct.pack(">I", self._settings.rospec_id))
        await self._link.close()


def _parts(point: Point) -> tuple[str, str]:
    kind, _, number = point.address.partition("/")
    return kind, number


def _changes(points: Sequence[Point], events: Sequence[PortEvent], known: dict[str, Value]) -> list[Sample]:
    """Every change of an input that is followed, also one that was over in no time."""
    samples = []
    for event in events:
        for point in points:
            if _parts(point) == ("gpi", str(event.number)):
                known[point.id] = event.high
                samples.append(Sample(point.id, event.high, event.at_ms))
    return samples


def _node(address: str, high: bool | None, title: str, *, writable: bool) -> Node:
    return Node(
        address=address,
        name=address,
        kind="variable",
        type="boolean",
        value=high,
        description=title,
        writable=writable,
    )


def _context(settings: LlrpSettings) -> ssl.SSLContext:
    return client_context(
        authorities=settings.tls_authorities,
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        name=settings.tls_server_name,
        code="llrp.certificate_unusable",
    )


def _sighting(read: TagRead) -> dict[str, Any]:
    sighting: dict[str, Any] = {"epc": read.epc, "antenna": read.antenna, "count": read.count}
    if read.rssi_dbm is not None:
        sighting["rssi"] = read.rssi_dbm
    if read.last_ms is not None:
        sighting["ts"] = read.last_ms
    if read.first_ms is not None:
        sighting["first"] = read.first_ms
    return sighting


def _read(how: Callable[[bytes], Any], answer: Message) -> Any:
    try:
        return how(answer.body)
    except Malformed as error:
        raise malformed(error) from error
