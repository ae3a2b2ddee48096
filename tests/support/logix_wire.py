"""A Logix controller written octet by octet for the tests: it tells its tags, which no simulator at hand does.

As we understand 1756-PM020 (Logix 5000 Controllers Data Access), without any code of ours or of a library.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from dataclasses import dataclass, field
from typing import Self

INT, DINT, REAL, SINT, BOOL, DWORD = 0xC3, 0xC4, 0xCA, 0xC2, 0xC1, 0xD3
SIZES = {INT: 2, DINT: 4, REAL: 4, DWORD: 4}
TANK, STRING = 0x123, 0xFCE
MEMBERS = {
    TANK: ("Tank;nEBECAHA", 12, 0xBEEF, [("Level", 0, REAL, 0), ("ZZZZZZZZZZTank1", 0, SINT, 4),
                                         ("Running", 0, BOOL, 4), ("Setpoint", 0, DINT, 8)]),
    STRING: ("ASCIISTRING82;n", 88, 0x0FCE, [("LEN", 0, DINT, 0), ("DATA", 82, SINT, 4)]),
}  # fmt: skip
"""Templates: name, size, handle, and members with their array length or bit, type and offset."""


@dataclass
class LogixWire:
    """Tags with their symbol type and dimension; ``memory`` is what they hold."""

    port: int = 0
    hang: bool = False
    cut: bool = False
    read_only: bool = False
    multi: int = 0
    tasks: set = field(default_factory=set)
    tags: dict = field(
        default_factory=lambda: {
            "Speed": (REAL, 0),
            "Counts": (0x2000 | DINT, 4),
            "Flags": (0x2000 | DWORD, 2),
            "Tank1": (0x8000 | TANK, 0),
            "Title": (0x8000 | STRING, 0),
            "Program:Main": (0x1068, 0),
        }
    )
    memory: dict = field(
        default_factory=lambda: {
            "Speed": bytearray(struct.pack("<f", 12.5)),
            "Counts": bytearray(struct.pack("<4i", 1, -2, 3, 4)),
            "Flags": bytearray(struct.pack("<2I", 0b100, 1)),
            "Tank1": bytearray(struct.pack("<fBxxxi", 3.5, 1, 70)),
            "Title": bytearray(struct.pack("<i", 4) + b"Mill".ljust(84, b"\0")),
            "Program:Main.Step": bytearray(struct.pack("<h", 7)),
        }
    )

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readexactly(24)
                command, length = struct.unpack_from("<HH", head)
                body = await reader.readexactly(length)
                answer = self._encapsulated(command, body)
                if answer is None or (self.hang and command == 0x70):
                    continue
                frame = struct.pack("<HHII", command, len(answer), 1, 0) + head[12:20] + bytes(4) + answer
                if self.cut and command == 0x70:
                    writer.write(frame[:-3])
                    return
                writer.write(frame)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.close()

    def _encapsulated(self, command: int, body: bytes) -> bytes | None:
        if command == 0x65:
            return body
        if command == 0x63:
            item = bytes(2) + bytes.fromhex("0002af127f000001") + bytes(8) + self._identity() + b"\x03"
            return struct.pack("<HHH", 1, 0x0C, len(item)) + item
        if command == 0x6F:
            request = body[16:]
            answer = self._unconnected(request)
            return bytes(6) + struct.pack("<HHHHH", 2, 0, 0, 0xB2, len(answer)) + answer
        if command == 0x70:
            answer = body[20:22] + self._service(body[22:])
            return bytes(6) + struct.pack("<HHHIHH", 2, 0xA1, 4, 1, 0xB1, len(answer)) + answer
        return None

    def _identity(self) -> bytes:
        name = b"1756-L83E/B"
        return struct.pack("<HHHBBHIB", 1, 14, 166, 32, 11, 0x3060, 0xCAFE, len(name)) + name

    def _unconnected(self, request: bytes) -> bytes:
        if request[0] in (0x54, 0x5B):
            return bytes((request[0] | 0x80, 0, 0, 0)) + struct.pack("<IIHHIIIBB", 1, 2, 3, 4, 5, 1000, 1000, 0, 0)
        if request[0] == 0x52:
            (length,) = struct.unpack_from("<H", request, 8)
            request = request[10 : 10 + length]
        if request[0] == 0x01:
            return bytes((0x81, 0, 0, 0)) + self._identity()
        return bytes((request[0] | 0x80, 0, 0, 0)) + bytes(10)

    def _service(self, request: bytes) -> bytes:
        service, words = request[0], request[1]
        path, data = request[2 : 2 + 2 * words], request[2 + 2 * words :]
        names, numbers = segments(path)
        if service == 0x0A:
            self.multi += 1
            count = struct.unpack_from("<H", data)[0]
            offsets = [*struct.unpack_from(f"<{count}H", data, 2), len(data)]
            answers = [self._service(data[a:b]) for a, b in itertools.pairwise(offsets)]
            at, places = 2 + 2 * count, b""
            for answer in answers:
                places += at.to_bytes(2, "little")
                at += len(answer)
            return ok(service, count.to_bytes(2, "little") + places + b"".join(answers))
        if service == 0x55:
            return self._tag_list(names[0] if names else "", numbers)
        if numbers.get(0x20) == 0x6C:
            return self._template(service, numbers[0x24], data)
        if numbers.get(0x20) == 0x64:
            return ok(service, struct.pack("<HHHH", 1, 1, 0, 5) + b"Plant")
        return self._data(service, names, numbers.get(0x28), data)

    def _tag_list(self, program: str, numbers: dict) -> bytes:
        begin = numbers.get(0x24, numbers.get(0x25, 0))
        tags = {"Step": (INT, 0)} if program else self.tags
        listed = [(at, *pair) for at, pair in enumerate(tags.items(), 1) if at >= begin]
        out = b""
        for at, name, (kind, dimension) in listed[:2]:
            out += struct.pack("<IH", at, len(name)) + name.encode() + struct.pack("<HIII", kind, 0, 0, 1 << 26)
            out += struct.pack("<IIIB", dimension, 0, 0, 0)
        # Two a frame, so that the list comes in parts.
        return bytes((0xD5, 0, 6 if len(listed) > 2 else 0, 0)) + out

    def _template(self, service: int, number: int, data: bytes) -> bytes:
        name, size, handle, members = MEMBERS[number]
        layout = b"".join(struct.pack("<HHI", info, kind, offset) for _, info, kind, offset in members)
        layout += name.encode() + b"\0" + b"".join(member[0].encode() + b"\0" for member in members)
        words = (len(layout) + 21 + 3) // 4
        if service == 0x03:
            return ok(
                service, struct.pack("<HHHIHHIHHHHHH", 4, 4, 0, words, 5, 0, size, 2, 0, len(members), 1, 0, handle)
            )
        offset, count = struct.unpack_from("<IH", data)
        return ok(service, layout[offset : offset + count])

    def _data(self, service: int, names: list, index: int | None, data: bytes) -> bytes:
        base, *members = names
        if base.startswith("Program:"):
            base = f"{base}.{members.pop(0)}"
        if base not in self.memory:
            return bytes((service | 0x80, 0, 0x05, 1, 0, 0))
        memory = self.memory[base]
        kind = INT if base.startswith("Program:") else self.tags[base][0]
        begin, number, size = 0, kind & 0xFFF, 0
        if kind & 0x8000:
            size = MEMBERS[number][1]
            code = b"\xa0\x02" + MEMBERS[number][2].to_bytes(2, "little")
            if members:
                found = {member[0]: member for member in MEMBERS[number][3]}.get(members[0])
                if not found:
                    return bytes((service | 0x80, 0, 0x05, 1, 0, 0))
                begin, code = found[3], found[2].to_bytes(2, "little")
                size = {REAL: 4, DINT: 4, SINT: 1, BOOL: 1}[found[2]]
        else:
            number &= 0xFF
            size, code = SIZES[number], number.to_bytes(2, "little")
            begin = size * (index or 0)
        if service == 0x4C:
            count = struct.unpack_from("<H", data)[0]
            if begin + size * count > len(memory):
                return bytes((service | 0x80, 0, 0xFF, 1, 0x05, 0x21))
            return ok(service, code + bytes(memory[begin : begin + size * count]))
        if self.read_only:
            return bytes((service | 0x80, 0, 0x0F, 0))
        if service == 0x4D:
            assert data[: len(code)] == code
            assert data[len(code) : len(code) + 2] == b"\x01\x00"
            value = data[len(code) + 2 :]
            assert len(value) == size, "as long as the type is"
            memory[begin : begin + size] = value
        elif service == 0x4E:
            width = struct.unpack_from("<H", data)[0]
            for at in range(width):
                memory[begin + at] = (memory[begin + at] | data[2 + at]) & data[2 + width + at]
        return ok(service, b"")


def ok(service: int, data: bytes) -> bytes:
    return bytes((service | 0x80, 0, 0, 0)) + data


def segments(path: bytes) -> tuple[list, dict]:
    """Symbols of a path, and its logical segments by their kind."""
    names, numbers, at = [], {}, 0
    while at < len(path):
        kind = path[at]
        if kind == 0x91:
            length = path[at + 1]
            names.append(path[at + 2 : at + 2 + length].decode())
            at += 2 + length + length % 2
        elif kind & 3 == 1:
            numbers[kind & 0xFC] = struct.unpack_from("<H", path, at + 2)[0]
            at += 4
        elif kind & 3 == 2:
            numbers[kind & 0xFC] = struct.unpack_from("<I", path, at + 2)[0]
            at += 6
        else:
            numbers[kind] = path[at + 1]
            at += 2
    return names, numbers
