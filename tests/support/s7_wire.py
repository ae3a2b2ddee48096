"""An S7 CPU written octet by octet for the tests, without any code of ours or of a library."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

CR_ANSWER = "0d d0 00 01 00 02 00 c0 01 0a c1 02 01 00"


@dataclass
class WireCpu:
    """A CPU with data block 1 of ``size`` bytes, each its own offset modulo 251; DB 2 is optimised.

    ``jobs`` keeps the items of every read job it was asked, as (db, start, size); ``written`` the octets of writes.
    """

    size: int = 2000
    pdu_length: int = 240
    refuse: int = 0
    connect_refused: bool = False
    slots: set[int] | None = None
    hang: bool = False
    stale_first: bool = False
    garbage: str = ""
    port: int = 0
    jobs: list[list[tuple[int, int, int]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    tasks: set = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readexactly(4)
                packet = await reader.readexactly(int.from_bytes(head[2:4]) - 4)
                for answer in self._answer(packet):
                    writer.write(b"\x03\x00" + (len(answer) + 4).to_bytes(2) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.close()

    def _answer(self, packet: bytes) -> list[bytes]:
        if packet[1] == 0xE0:
            # The last parameter is the place called: rack * 32 + slot in its last octet.
            if self.connect_refused or (self.slots is not None and self._slot(packet) not in self.slots):
                return [bytes.fromhex("06 80 00 01 00 00 00")]
            return [bytes.fromhex(CR_ANSWER)]
        if packet[1] != 0xF0:
            return []
        pdu = packet[3:]
        number, parameters = pdu[4:6], int.from_bytes(pdu[6:8])
        function = pdu[10]
        if function == 0xF0:
            body = bytes.fromhex("f0 00 00 01 00 01") + self.pdu_length.to_bytes(2)
            return [self._data(bytes.fromhex("32 03 00 00") + number + bytes.fromhex("00 08 00 00 00 00") + body)]
        if self.hang:
            return []
        if self.garbage:
            return [self._data(bytes.fromhex(self.garbage.replace("NN NN", number.hex(" "))))]
        if self.refuse:
            return [self._data(bytes.fromhex("32 02 00 00") + number + bytes(4) + self.refuse.to_bytes(2))]
        if pdu[1] == 0x07:
            # User data: block lists and system states. It tells none of them (error 0xd401).
            head = bytes.fromhex("32 07 00 00") + number + bytes.fromhex("00 0c 00 04 00 01 12 08 12")
            return [
                self._data(
                    head + bytes((0x80 | pdu[15] & 0x0F,)) + pdu[16:17] + bytes.fromhex("01 00 00 d4 01 0a 00 00 00")
                )
            ]
        if function == 0x05:
            self.written.append(pdu[10:].hex(" "))
            code = 0x0A if pdu[18:20] == b"\x00\x02" else 0xFF
            body = bytes((5, 1, code))
            return [self._data(bytes.fromhex("32 03 00 00") + number + bytes.fromhex("00 02 00 01 00 00") + body)]
        if function != 0x04 or len(pdu) < 12:
            return [self._data(bytes.fromhex("32 03 00 00") + number + bytes.fromhex("00 00 00 00 81 04"))]
        items = [pdu[12 + 12 * at : 24 + 12 * at] for at in range(pdu[11])]
        assert parameters == 2 + 12 * len(items)
        data = b""
        asked = []
        for item in items:
            assert item[:4] == bytes.fromhex("12 0a 10 02")
            size, db, start = (int.from_bytes(item[a:b]) for a, b in ((4, 6), (6, 8), (9, 12)))
            start //= 8
            asked.append((db, start, size))
            data += b"\x00" * (len(data) % 2)
            if item[8] != 0x84 or db != 1:
                data += bytes.fromhex("0a 00 00 00")
            elif start + size > self.size:
                data += bytes.fromhex("05 00 00 00")
            else:
                data += b"\xff\x04" + (size * 8).to_bytes(2) + bytes((start + at) % 251 for at in range(size))
        self.jobs.append(asked)
        head = bytes.fromhex("32 03 00 00") + number + b"\x00\x02" + len(data).to_bytes(2) + b"\x00\x00"
        answer = head + bytes((4, len(items))) + data
        self.answers.append(max(len(answer), len(pdu)))
        if self.stale_first:
            old = answer[:4] + ((int.from_bytes(number) - 1) % 65536).to_bytes(2) + answer[6:]
            return [self._data(old), self._data(answer)]
        return [self._data(answer)]

    @staticmethod
    def _slot(packet: bytes) -> int:
        at = packet.index(b"\xc2\x02")
        return packet[at + 3] & 31

    @staticmethod
    def _data(pdu: bytes) -> bytes:
        return b"\x02\xf0\x80" + pdu
