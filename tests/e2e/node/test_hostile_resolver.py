"""A node's resolver is sent what nobody should send, by strangers and by an administrator who means harm, over UDP, TCP
and HTTP: it answers each request or drops it, fails at none, and keeps nothing of it in memory.

MILLWRIGHT_TEST_FUZZ_S makes it longer than some seconds; MILLWRIGHT_TEST_FUZZ_SEED makes it another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from millwright.identity.handle import HandleClient, Reference, SecretCredentials
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.handle.wire.codes import LATEST, Op, Rc
from millwright.identity.handle.wire.message import (
    Message,
    decode_envelope,
    decode_message,
    digest,
    encode_message,
    encode_signed_part,
    frame,
    split_digest,
)
from millwright.identity.handle.wire.requests import Login, encode_request
from millwright.identity.handle.wire.responses import decode_challenge
from millwright.identity.records import Records
from millwright.kernel import ROOT
from support.handle import SECRET, admin_value, site_for, value
from support.hostile import Hostile
from support.identifiers import home, put, records_over
from support.node import RunningNode
from support.ports import free_port
from support.resolution import SHIRT, SHIRT_VALUES

SECONDS = float(os.environ.get("MILLWRIGHT_TEST_FUZZ_S", "8"))
SEED = int(os.environ.get("MILLWRIGHT_TEST_FUZZ_SEED", "3652"))
PREFIX = b"88.118.8"
ADMIN = Reference(b"0.NA/" + PREFIX, 300)
PRODUCT = PREFIX + b"/Product-1"
KEPT = PREFIX + b"/kept"
NAMES = (PRODUCT, PREFIX + b"/other", b"0.NA/" + PREFIX, b"GS1" + SHIRT.encode(), b"77.1/x")
NAMES += tuple(PREFIX + b"/made-%d" % number for number in range(20))
WAIT_S = 1.0
MOST_GROWN_MB = 12


class Attack:
    """Strangers of several addresses, at one node."""

    def __init__(self, node: RunningNode, http_port: int) -> None:
        self.node, self.http_port = node, http_port
        self.sent: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.failed: list[tuple[str, bytes]] = []
        """What was answered by a failure of the server."""

    async def go_on(self, seed: int, seconds: float) -> None:
        """Each kind of stranger, some at a time."""
        until = time.monotonic() + seconds
        kinds = (self._by_udp, self._by_tcp, self._by_tcp_with_login, self._by_http) * 3
        async with asyncio.TaskGroup() as group:
            for number, kind in enumerate(kinds):
                stranger = Hostile(seed + number, NAMES)
                group.create_task(self._repeat(kind, stranger, until))

    async def _repeat(self, kind: object, stranger: Hostile, until: float) -> None:
        assert callable(kind)
        while time.monotonic() < until and not self.failed:
            await kind(stranger)
            self.sent[kind.__name__] += 1

    def _take(self, kind: str, sent: bytes, answer: bytes) -> None:
        """Note the response code of a native answer."""
        code = decode_message(answer).response_code
        self.codes[code] += 1
        if code == Rc.ERROR:
            self.failed.append((kind, sent))

    async def _by_udp(self, stranger: Hostile) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((f"127.0.1.{stranger.random.randrange(1, 250)}", 0))
            sock.connect(("127.0.0.1", self.node.handle_port))
            for _ in range(20):
                packets = stranger.datagrams()
                for packet in packets:
                    with contextlib.suppress(OSError):
                        sock.send(packet)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        while True:
                            answer = await loop.sock_recv(sock, 65_536)
                            # Of an answer in several packets only the first has a header.
                            with contextlib.suppress(MessageError):
                                if not decode_envelope(answer).sequence:
                                    self._take("udp", b"".join(packets), answer[20:])

    async def _by_tcp(self, stranger: Hostile, login: bool = False) -> None:
        local = (f"127.0.1.{stranger.random.randrange(1, 250)}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.node.handle_port, local_addr=local)
        try:
            if login:
                await self._log_in(reader, writer)
            sent = stranger.stream()
            if stranger.random.random() < 0.2:
                half = stranger.random.randrange(len(sent) + 1)
                writer.write(sent[:half])
                await asyncio.sleep(0.001)
                writer.write(sent[half:])
            else:
                writer.write(sent)
            # The end of what is sent is no end of what is answered: a question behind it is answered last.
            writer.write(frame(LATEST, 0, 0x7FFFFFF1, encode_message(_SITE_INFO, LATEST)))
            async with asyncio.timeout(WAIT_S):
                while True:
                    envelope = decode_envelope(await reader.readexactly(20))
                    self._take("tcp", sent, await reader.readexactly(envelope.length))
                    if envelope.request_id == 0x7FFFFFF1:
                        return
        except TimeoutError:
            # It waits for the rest of a message.
            self.sent["unanswered"] += 1
        except (asyncio.IncompleteReadError, OSError, MessageError):
            self.sent["closed"] += 1
        finally:
            writer.transport.abort()

    async def _by_tcp_with_login(self, stranger: Hostile) -> None:
        await self._by_tcp(stranger, login=True)

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = Message(op=Op.LOGIN_ID_SYSTEM, body=encode_request(Login(ADMIN.handle, ADMIN.index)))
        writer.write(frame(LATEST, 0, 1, encode_message(request, LATEST)))
        envelope = decode_envelope(await reader.readexactly(20))
        asked = decode_message(await reader.readexactly(envelope.length))
        if asked.response_code != Rc.AUTHENTICATION_NEEDED:
            return
        nonce = decode_challenge(split_digest(asked)[2])
        credentials = SecretCredentials(ADMIN, SECRET)
        answer = credentials.answer(nonce, digest(3, encode_signed_part(request, LATEST)), LATEST)
        proof = Message(op=Op.CHALLENGE_RESPONSE, body=encode_request(answer))
        writer.write(frame(LATEST, envelope.session_id, 2, encode_message(proof, LATEST)))
        envelope = decode_envelope(await reader.readexactly(20))
        found = decode_message(await reader.readexactly(envelope.length)).response_code
        self.sent["logged in" if found == Rc.SUCCESS else "not logged in"] += 1

    async def _by_http(self, stranger: Hostile) -> None:
        sent = stranger.http()
        local = (f"127.0.1.{stranger.random.randrange(1, 250)}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http_port, local_addr=local)
        answer = b""
        try:
            writer.write(sent)
            if stranger.random.random() < 0.1:
                writer.write_eof()
            async with asyncio.timeout(WAIT_S):
                while part := await reader.read(65_536):
                    answer += part
        except TimeoutError:
            # It waits for the rest of a body.
            self.sent["http unanswered"] += 1
        except OSError:
            self.sent["http closed"] += 1
        finally:
            writer.transport.abort()
        status = int(answer[9:12]) if answer.startswith((b"HTTP/1.0 ", b"HTTP/1.1 ")) else 0
        self.statuses[status] += 1
        # 501 is what DID Resolution says of a method that is not done.
        if status >= 500 and status != 501:
            self.failed.append(("http", sent))


_SITE_INFO = Message(op=Op.GET_SITE_INFO, body=b"\x00\x00\x00\x01/")


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    http_port = free_port()
    resolution = {"host": "127.0.0.1", "port": http_port, "requests_per_s": 0, "misses_per_min": 0}
    with RunningNode(tmp_path_factory.mktemp("node"), {"resolution": resolution}) as node:
        yield Attack(node, http_port)


def lay_out(records: Records) -> None:
    """What an attacker with a login may have taken away, anew."""
    secret = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
    put(
        records,
        (ADMIN.handle, (admin_value(ADMIN), secret)),
        (PRODUCT, (value(1), value(2, b"EMAIL", b"a@example.com"), admin_value(ADMIN))),
        (b"GS1" + SHIRT.encode(), SHIRT_VALUES),
        (KEPT, (value(1),)),
    )


def held_mb(process: psutil.Process) -> float:
    """Memory of its own, without the pages of files that it maps."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


@pytest.mark.timeout(SECONDS * 1.5 + 120)
def test_nothing_hostile_makes_it_fail(attack: Attack) -> None:
    node = attack.node
    with records_over(node.nats_url, node.data) as records:
        home(records, PREFIX, b"GS1:9506000", organisation_id=ROOT)
        lay_out(records)
        began = node.find_process("resolver")
        assert began is not None
        held = []
        rounds = max(4, int(SECONDS / 2))
        for number in range(rounds):
            asyncio.run(attack.go_on(SEED + 10 * number, SECONDS / rounds))
            held.append(held_mb(began))
            lay_out(records)
    told = f"{attack.sent} {dict(attack.codes)} {dict(attack.statuses)} MB {[round(each, 1) for each in held]}"
    print(told)  # noqa: T201 - how much was tried is a result
    assert attack.failed == [], told
    # It is the same process, that did not grow once it knew everybody, and answers.
    assert began.is_running()
    assert node.find_process("resolver") == began
    assert held[-1] - held[len(held) // 3] < MOST_GROWN_MB, told
    assert asyncio.run(HandleClient([site_for(node.handle_port)]).resolve(KEPT)) == (value(1),)
    # Most of it got past the first glance.
    for code in (Rc.SUCCESS, Rc.HANDLE_NOT_FOUND, Rc.AUTHENTICATION_NEEDED, Rc.PROTOCOL_ERROR, Rc.OPERATION_DENIED):
        assert attack.codes[code], told
    for status in (200, 400, 404):
        assert attack.statuses[status], told
    assert attack.sent["logged in"]
    for log in (node.data / "logs").glob("resolver.*"):
        written = log.read_text(errors="replace")
        assert "Traceback" not in written, written[-3000:]
        assert '"level":"error"' not in written, written[-3000:]
        assert '"level":"critical"' not in written
    with closing(node.administrator()) as api:
        assert api.get("/system").json()["problems"] == []
