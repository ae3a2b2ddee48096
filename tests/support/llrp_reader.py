"""A small LLRP reader (1.0.1 and 1.1) of our own, for tests: it does what the clauses say, in its own words of octets.

It shares no line with the connector: messages are put together from the numbers in the standard's clause 17.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.ports import free_port


def tlv(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">HH", kind, 4 + len(body)) + body


def success(code: int = 0, text: str = "") -> bytes:
    return tlv(287, struct.pack(">HH", code, len(text)), text.encode())


@dataclass
class Seen:
    """A tag in the field: ``epc`` in hexadecimal (96 bits go as EPC-96, others as EPCData)."""

    epc: str
    antenna: int = 1
    rssi: int = -55


@dataclass
class LlrpReader:
    """``field_of``: who is in the field now. ``utc``: whether it has a clock, which is ``clock_s`` off."""

    port: int = field(default_factory=free_port)
    antennas: int = 4
    utc: bool = True
    clock_s: float = 0.0
    tags: list[Seen] = field(default_factory=list)
    inputs: dict[int, bool] = field(default_factory=dict)
    """States of inputs; those in ``off`` tell nothing."""
    outputs: dict[int, bool] = field(default_factory=dict)
    off: set[int] = field(default_factory=set)
    stuck: set[int] = field(default_factory=set)
    """Outputs that do not follow what is written."""
    tls: ssl.SSLContext | None = None
    refuse: dict[int, tuple[int, str]] = field(default_factory=dict)
    mute: bool = False
    """Reports and answers, and gives no sign of life any more."""
    got: list[tuple[int, bytes]] = field(default_factory=list)
    acknowledged: int = 0
    spoil: Callable[[bytes], bytes] | None = None
    """Changes what is sent."""

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._inventory: asyncio.Task[None] | None = None
        self._spec: tuple[int, bytes] | None = None
        self._version = 1
        self._number = 0
        self.down: set[int] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)

    async def stop(self) -> None:
        """Gone at once, as by a power cut."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut the connection; the reader goes on."""
        assert self._writer is not None
        self._writer.transport.abort()

    def say(self, kind: int, body: bytes = b"", number: int | None = None) -> None:
        if self._writer is None or self._writer.is_closing():
            return
        if number is None:
            self._number += 1
            number = 0x7000_0000 + self._number
        data = struct.pack(">HII", self._version << 10 | kind, 10 + len(body), number) + body
        self._writer.write(data if self.spoil is None else self.spoil(data))

    def event(self, *parameters: bytes) -> None:
        now = tlv(128, struct.pack(">Q", self._now_us())) if self.utc else tlv(129, struct.pack(">Q", 5_000_000))
        self.say(63, tlv(246, now, *parameters))

    def antenna(self, number: int, connected: bool) -> None:
        self.down.discard(number) if connected else self.down.add(number)
        self.event(tlv(255, struct.pack(">BH", connected, number)))

    def input(self, number: int, high: bool) -> None:
        self.inputs[number] = high
        if number not in self.off:
            self.event(tlv(248, struct.pack(">HB", number, 0x80 if high else 0)))

    def exception(self, text: str) -> None:
        self.event(tlv(252, struct.pack(">H", len(text)), text.encode()))

    def report(self) -> None:
        """RO_ACCESS_REPORT with everybody in the field."""
        found = b""
        for seen in self.tags:
            if seen.antenna in self.down:
                continue
            epc = bytes.fromhex(seen.epc)
            named = b"\x8d" + epc if len(epc) == 12 else tlv(241, struct.pack(">H", 8 * len(epc)), epc)
            now = self._now_us()
            at = (b"\x82", b"\x84") if self.utc else (b"\x83", b"\x85")
            found += tlv(
                240,
                named,
                b"\x81" + struct.pack(">H", seen.antenna),
                b"\x86" + struct.pack(">b", seen.rssi),
                at[0] + struct.pack(">Q", now - 300_000),
                at[1] + struct.pack(">Q", now),
                b"\x88" + struct.pack(">H", 3),
            )
        self.say(61, found)

    def _now_us(self) -> int:
        return round((time.time() + self.clock_s) * 1_000_000)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._writer is not None and not self._writer.is_closing():  # one client at a time
            now = tlv(128, struct.pack(">Q", self._now_us()))
            body = tlv(246, now, tlv(256, struct.pack(">H", 2)))
            writer.write(struct.pack(">HII", 1 << 10 | 63, 10 + len(body), 1) + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        self._writer, self._version = writer, 1
        alive: asyncio.Task[None] | None = None
        try:
            self.event(tlv(256, struct.pack(">H", 0)))
            while True:
                head = await reader.readexactly(10)
                kind, length, number = struct.unpack(">HII", head)
                body = await reader.readexactly(length - 10)
                kind &= 0x3FF
                self.got.append((kind, body))
                if kind == 3 and (at := body.find(struct.pack(">HH", 220, 9))) >= 0:
                    periodic, every_ms = struct.unpack(">BI", body[at + 4 : at + 9])
                    if alive is not None:
                        alive.cancel()
                    alive = asyncio.create_task(self._alive(every_ms / 1000)) if periodic else None
                self._answer(kind, number, body)
                if kind == 14:
                    await writer.drain()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            for each in (alive, self._inventory):
                if each is not None:
                    each.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await each
            self._inventory = None
            self._spec = None
            writer.transport.abort()
            if self._writer is writer:
                self._writer = None

    async def _alive(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            if not self.mute:
                self.say(62)

    async def _rounds(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            if self.tags and not self.mute:
                self.report()

    def _answer(self, kind: int, number: int, body: bytes) -> None:
        if kind in self.refuse:
            self.say(ANSWER[kind], success(*self.refuse[kind]), number)
        elif kind == 72:
            self.acknowledged += 1
        elif kind == 64:
            return  # ENABLE_EVENTS_AND_REPORTS has no answer
        elif kind == 1:
            flags = 0x4000 if self.utc else 0
            firmware = b"7.3.1"
            general = struct.pack(">HHIIH", self.antennas, flags, 25882, 2001002, len(firmware)) + firmware
            self.say(11, success() + self._capabilities(general, body[0]), number)
        elif kind == 2:
            name = tlv(218, struct.pack(">BH", 0, 8), bytes.fromhex("001625fffe12ab34"))
            properties = b"".join(
                tlv(221, struct.pack(">BHH", 0x80 if each not in self.down else 0, each, 600))
                for each in range(1, self.antennas + 1)
            )
            listed = {0: name + properties + self._inputs() + self._outputs(), 9: self._inputs(), 10: self._outputs()}
            self.say(12, success() + listed[body[2]], number)
        elif kind == 20:
            (spec,) = struct.unpack(">I", body[4:8])
            if self._spec is not None:
                self.say(30, success(100, "a ROSpec is there already"), number)
                return
            self._spec = (spec, body)
            self.say(30, success(), number)
        elif kind == 21:
            (spec,) = struct.unpack(">I", body)
            if spec == 0 or (self._spec is not None and self._spec[0] == spec):
                self._spec = None
                if self._inventory is not None:
                    self._inventory.cancel()
                    self._inventory = None
                self.say(31, success(), number)
            else:
                self.say(31, success(100, "no such ROSpec"), number)
        elif kind == 24:
            known = self._spec is not None
            self.say(34, success() if known else success(100, "no such ROSpec"), number)
            if known and b"\x00\xb3\x00\x05\x01" in self._spec[1]:  # type: ignore[index]  # starts by itself
                self._begin()
        elif kind == 22:
            known = self._spec is not None
            self.say(32, success() if known else success(100, "no such ROSpec"), number)
            if known:
                self._begin()
        elif kind == 3 and body[1:] and int.from_bytes(body[1:3]) in (219, 225):
            self._set_ports(number, body[1:])
        elif kind == 57 - 10:
            self._version = 2 if body == b"\x02" else 1
            self.say(57, success(), number)
        elif kind in ANSWER:
            self.say(ANSWER[kind], success(), number)
        else:
            self.say(100, success(109, "unsupported message"), number)

    def _inputs(self) -> bytes:
        return b"".join(
            tlv(225, struct.pack(">HBB", each, 0 if each in self.off else 0x80, 2 if each in self.off else high))
            for each, high in self.inputs.items()
        )

    def _outputs(self) -> bytes:
        return b"".join(tlv(219, struct.pack(">HB", each, 0x80 if high else 0)) for each, high in self.outputs.items())

    def _set_ports(self, number: int, rest: bytes) -> None:
        while rest:
            kind, size, port, flags = struct.unpack(">HHHB", rest[:7])
            rest = rest[size:]
            if port not in (self.outputs if kind == 219 else self.inputs):
                self.say(13, success(101, f"no port {port}"), number)
                return
            if kind == 219 and port not in self.stuck:
                self.outputs[port] = bool(flags & 0x80)
            elif kind == 225:
                self.off.discard(port) if flags & 0x80 else self.off.add(port)
        self.say(13, success(), number)

    def _begin(self) -> None:
        assert self._spec is not None
        at = self._spec[1].find(struct.pack(">HH", 184, 9))
        _, round_ms = struct.unpack(">BI", self._spec[1][at + 4 : at + 9])
        if self._inventory is None:
            self._inventory = asyncio.create_task(self._rounds(max(round_ms, 50) / 1000))

    def _capabilities(self, general: bytes, wanted: int) -> bytes:
        sensitivity = tlv(139, struct.pack(">HH", 1, 80))
        gpio = tlv(141, struct.pack(">HH", len(self.inputs), len(self.outputs)))
        air = b"".join(tlv(140, struct.pack(">HHB", each, 1, 1)) for each in range(1, self.antennas + 1))
        found = tlv(137, general, sensitivity, gpio, air)
        if wanted == 0:
            found += tlv(142, struct.pack(">BBHIIIII", 0x08, 1, 0, 1, 32, 1, 32, 1))
            power = b"".join(tlv(145, struct.pack(">Hh", each, 1000 + 100 * each)) for each in range(1, 21))
            hops = tlv(146, b"\x01", tlv(147, struct.pack(">BBHI", 1, 0, 1, 920_625)))
            mode = tlv(329, struct.pack(">IBBBBIIIII", 1000, 0x40, 0, 2, 1, 40_000, 1500, 6250, 6250, 0))
            found += tlv(143, struct.pack(">HH", 156, 8), tlv(144, power, hops, tlv(328, mode)))
            found += tlv(327, struct.pack(">BH", 0x60, 2))
        return found


ANSWER = {1: 11, 2: 12, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 23: 33, 24: 34, 25: 35, 41: 51, 42: 52, 47: 57}


@asynccontextmanager
async def llrp_reader(**how: object) -> AsyncIterator[LlrpReader]:
    """A reader that runs."""
    reader = LlrpReader(**how)  # type: ignore[arg-type]  # as its fields
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()
