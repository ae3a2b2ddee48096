"""The port for resolution, byte by byte: what is answered quickly is what would be answered slowly, and in its order;
who sends or reads too slowly, or too much, is left."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from millwright.identity.resolution import Resolution, ResolutionSettings, door, resolution_app
from support.identifiers import open_records
from support.resolution import SHIRT, fill_all, served

KEPT = "/api/handles/86.1000.1/Product-1"
HOST = "host: node.example\r\n"
LONG_S = 20


@dataclass
class Port:
    """A resolver on a port, and its application."""

    number: int
    app: Resolution

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.number)

    async def ask(self, *packets: bytes, answers: int = 1) -> list[Answer]:
        """What comes back on one connection to which these packets are sent one after the other."""
        reader, writer = await self.connect()
        with closing(writer):
            for packet in packets:
                writer.write(packet)
                await writer.drain()
                await asyncio.sleep(0.002)
            return [await asyncio.wait_for(read(reader), LONG_S) for _ in range(answers)]


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def shown(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """Without the time."""
        return self.status, {name: text for name, text in self.headers.items() if name != b"date"}, self.body


async def read(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head[:-4].split(b"\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (field.partition(b":") for field in fields)}
    assert len(headers) == len(fields), head
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return Answer(int(line.split()[1]), headers, body)


def question(path: str, more: str = "", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{HOST}{more}\r\n".encode()


@asynccontextmanager
async def opened(folder: Path, **settings: object) -> AsyncIterator[Port]:
    records = open_records(folder / "register")
    try:
        fill_all(records)
        chosen = ResolutionSettings(**{"requests_per_s": 0, "misses_per_min": 0} | settings)
        app = resolution_app(records, chosen)
        async with served(app, chosen) as url:
            yield Port(int(url.rpartition(":")[2]), app)
    finally:
        records.close()


@pytest.mark.parametrize("handle", ["Product-1", "product-1", "mixed"])
async def test_quickly_is_as_slowly(tmp_path: Path, handle: str) -> None:
    async with opened(tmp_path) as port:
        path = f"/api/handles/86.1000.1/{handle}"
        [quick] = await port.ask(question(path, "user-agent: wrk\r\naccept: */*\r\nconnection: keep-alive\r\n"))
        assert (port.app.quick, port.app.requests) == (1, 1)
        [slow] = await port.ask(question(path, "te: trailers\r\n"))
        [slower] = await port.ask(question(f"{path}?auth=false"))
        assert quick.shown[0] == 200
        # The general server writes the headers in another order, which says nothing.
        assert quick.shown == slow.shown == slower.shown
        assert re.fullmatch(rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", quick.headers[b"date"])


@pytest.mark.parametrize(
    "packet",
    [
        question(KEPT, 'if-none-match: "x"\r\n'),
        question(KEPT, "Authorization: Basic eDp5\r\n"),
        question(KEPT, "content-length: 2\r\n") + b"ab",
        question(KEPT, "Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        question(KEPT, "connection: close\r\n"),
        question(KEPT, "expect: 100-continue\r\n"),
        question(KEPT, HOST),
        question(KEPT, "accept : x\r\n"),
        question(KEPT, "accept: x\r\n folded\r\n"),
        question(KEPT, "accept: x\n"),
        question(KEPT, "accept: \x00\r\n"),
        question(KEPT, "accept: \x7f\r\n"),
        question(KEPT, "accept\r\n"),
        question(KEPT + "?pretty"),
        question("/api/handles/86.1000.1/Product%2D1"),
        question("/api/handles/86.1000.1/Product-1#x"),
        question(KEPT, method="HEAD"),
        question(KEPT, method="OPTIONS"),
        question(KEPT).replace(b"HTTP/1.1", b"HTTP/1.0"),
        question(KEPT).replace(b"HTTP/1.1", b"HTTP/9.9"),
        question(KEPT).replace(HOST.encode(), b""),
        question(KEPT).replace(b" HTTP", b"  HTTP"),
        question("/api/handles/86.1000.1/é"),
        question("//api/handles/86.1000.1/Product-1"),
        b"GET http://node.example" + question(KEPT)[4:],
    ],
)
async def test_only_the_common_question_is_answered_quickly(
    tmp_path: Path, packet: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    quickly = door.Door._quickly
    monkeypatch.setattr(door.Door, "_quickly", lambda self, data: taken.append(quickly(self, data)) or taken[-1])
    async with opened(tmp_path) as port:
        reader, writer = await port.connect()
        with closing(writer):
            writer.write(packet)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONG_S)
            assert head.startswith(b"HTTP/1.1 ")
            assert int(head.split()[1]) < 500
        assert set(taken) <= {None}
        # Nor does it keep the next one from its answer.
        assert [each.status for each in await port.ask(question(KEPT))] == [200]
        assert taken[-1]


async def test_answers_come_in_the_order_of_the_questions(tmp_path: Path) -> None:
    async with opened(tmp_path) as port:
        paths = [KEPT, SHIRT, "/api/handles/86.1000.1/none", KEPT, "/id/86.1000.1/Product-1", KEPT]
        stream = b"".join(map(question, paths))
        expected = [each.shown for path in paths for each in await port.ask(question(path))]
        chance = random.Random(7)
        for _ in range(30):
            cuts = sorted(chance.sample(range(1, len(stream)), chance.randrange(8)))
            parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
            found = await port.ask(*parts, answers=len(paths))
            assert [each.shown for each in found] == expected, cuts
        whole = [question(path) for path in paths]
        assert [each.shown for each in await port.ask(*whole, answers=len(paths))] == expected


async def test_a_limit_holds_for_the_quick_way_too(tmp_path: Path) -> None:
    async with opened(tmp_path, requests_per_s=1) as port:
        packets = [question(KEPT)] * 14
        statuses = [each.status for each in await port.ask(*packets, answers=len(packets))]
        assert statuses[:10] == [200] * 10
        assert statuses[-2:] == [429, 429]
        assert port.app.limits.refused == statuses.count(429)


async def left(reader: asyncio.StreamReader) -> bytes:
    """What is sent until the connection ends."""
    try:
        return await asyncio.wait_for(reader.read(), LONG_S)
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /api/handles/86", question(KEPT)[:-2], question(KEPT, "content-length: 10\r\n", "PUT") + b"[",
     question(KEPT)],
    ids=["nothing", "line", "head", "body", "between two"],
)  # fmt: skip
async def test_who_sends_nothing_more_is_left(tmp_path: Path, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("HEAD_S", "SILENT_S", "IDLE_S"):
        monkeypatch.setattr(door, bound, 1)
    async with opened(tmp_path) as port:
        reader, writer = await port.connect()
        with closing(writer):
            writer.write(begun)
            await left(reader)


async def test_a_byte_now_and_then_does_not_make_a_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_S", 1)
    async with opened(tmp_path) as port:
        reader, writer = await port.connect()
        with closing(writer):
            ended = asyncio.create_task(left(reader))
            writer.write(b"GET /api/handles/1 HTTP/1.1\r\nx: ")
            for _ in range(LONG_S * 10):
                if ended.done():
                    break
                writer.write(b"y")
                await asyncio.sleep(0.1)
            assert await ended == b""


async def test_a_head_has_an_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as port:
        reader, writer = await port.connect()
        with closing(writer):
            ended = asyncio.create_task(left(reader))
            writer.write(b"GET /api/handles/1 HTTP/1.1\r\n")
            for _ in range(door.MOST_HEAD_BYTES // 1000):
                writer.write(b"x: " + b"y" * 995 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.1)
            assert not ended.done()
            writer.write(b"x: " + b"y" * 995 + b"\r\n")
            assert (await ended).startswith(b"HTTP/1.1 431 ")


async def test_who_does_not_read_is_answered_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the kernel stops taking questions from a client that does not read, a head may be cut.
    for bound in ("HEAD_S", "SILENT_S"):
        monkeypatch.setattr(door, bound, 1)
    async with opened(tmp_path) as port:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", port.number))
            sent = 0
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(LONG_S):
                    while sent < 8_000_000:
                        await loop.sock_sendall(client, question(KEPT))
                        sent += 1
            assert port.app.requests <= sent < 8_000_000, "a quick client sends 400,000 in a second"
            with contextlib.suppress(ConnectionError):
                # What was sent before the end, and then the end.
                async with asyncio.timeout(LONG_S):
                    while await loop.sock_recv(client, 65536):
                        pass


async def test_it_is_full_some_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 3)
    async with opened(tmp_path) as port:
        kept = [await port.connect() for _ in range(3)]
        for reader, writer in kept:
            writer.write(question(KEPT))
            assert (await read(reader)).status == 200
        reader, late = await port.connect()
        assert (await left(reader)).startswith(b"HTTP/1.1 503 ")
        late.close()
        kept[0][1].close()
        for _ in range(200):
            again = await port.connect()
            again[1].write(question(KEPT))
            answer = await read(again[0])
            again[1].close()
            if answer.status == 200:
                break
            await asyncio.sleep(0.05)
        assert answer.status == 200
        for _, writer in kept:
            writer.close()
