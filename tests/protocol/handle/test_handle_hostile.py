"""Who means harm: broken packets, slow and many connections, floods, forged answers, fragments, replay."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from millwright.identity.handle import HandleClient, transport
from millwright.identity.handle.administration import Administration
from millwright.identity.handle.transport import Address, NoAnswer, ask
from millwright.identity.handle.wire.codes import EnvelopeFlag, Flag, Op, Rc
from millwright.identity.handle.wire.message import (
    Message,
    decode_envelope,
    decode_message,
    encode_message,
    frame,
    packets,
)
from millwright.identity.handle.wire.requests import Answer, OfHandle, Resolve, WithValues, encode_request
from millwright.identity.handle.wire.responses import decode_handles, decode_resolved, encode_resolved
from millwright.kernel import Unavailable
from support.handle import ADMIN, SECRET, RunningHandle, admin_value, running_handle, site_for, value
from support.identifiers import put
from support.mqtt import until

PRODUCT = b"86.1000.1/product-1"
LARGE = b"86.1000.1/large"


def question(handle: bytes = PRODUCT, flags: int = Flag.PUBLIC_ONLY) -> bytes:
    return encode_message(Message(op=Op.RESOLUTION, flags=flags, body=encode_request(Resolve(handle))), (2, 11))


class Datagrams:
    """A UDP socket that is not quite a client."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.connect(("127.0.0.1", port))

    def send(self, *packets_: bytes) -> None:
        for packet in packets_:
            self.sock.send(packet)

    async def receive(self, timeout_s: float = 1.0) -> bytes | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                return await asyncio.get_running_loop().sock_recv(self.sock, 2048)
        return None

    async def count(self) -> int:
        number = 0
        while await self.receive(0.2) is not None:
            number += 1
        return number


@contextlib.contextmanager
def datagrams(port: int) -> Any:
    made = Datagrams(port)
    try:
        yield made
    finally:
        made.sock.close()


def enlarge(running: RunningHandle) -> None:
    put(running.records, (LARGE, tuple(value(number + 1, data=b"x" * 200) for number in range(40))))


async def test_a_large_answer_goes_to_proven_addresses_only(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        enlarge(running)
        with datagrams(running.port) as udp:
            asked = packets((2, 11), 0, 9, question(LARGE))[0]
            udp.send(asked)
            first = await udp.receive()
            assert first is not None
            # One packet, which says how much there would be.
            assert len(first) == 512
            assert decode_envelope(first).length > 8_000
            assert decode_envelope(first).flags & EnvelopeFlag.TRUNCATED
            assert await udp.receive(0.2) is None
            assert running.server.udp_cut == 1
            # Our own client takes it as a hint; its TCP connection proves the address.
            assert len(await running.client().resolve(LARGE)) == 40
            assert running.server.tcp_requests == 1
            udp.send(asked)
            assert await udp.count() == -(-decode_envelope(first).length // 492)


async def test_an_address_gets_so_many_answers_a_second(tmp_path: Path) -> None:
    async with running_handle(tmp_path, requests_per_s=50) as running:
        with datagrams(running.port) as udp:
            udp.send(*(packets((2, 11), 0, number, question())[0] for number in range(1, 201)))
            assert 50 <= await udp.count() <= 100
            assert running.server.udp_limited >= 100


async def test_fragments_come_in_any_order(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        values = tuple(value(number + 1, data=b"y" * 300) for number in range(10))
        body = encode_request(WithValues(b"86.1000.1/parts", values))
        made = packets((2, 11), 0, 5, encode_message(Message(op=Op.CREATE_HANDLE, body=body), (2, 11)))
        assert len(made) > 5
        random.Random(1).shuffle(made)
        with datagrams(running.port) as udp:
            udp.send(*made[:-1])
            assert await udp.receive(0.2) is None
            udp.send(made[0], made[-1])
            answer = await udp.receive()
            assert answer is not None
            assert decode_message(answer[20:]).response_code == Rc.AUTHENTICATION_NEEDED


async def test_an_answer_that_comes_twice_is_done_once(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        credentials = running.client(SECRET)._credentials
        assert credentials is not None
        body = encode_request(WithValues(b"86.1000.1/twice", (value(1), admin_value())))
        request = Message(op=Op.CREATE_HANDLE, body=body)
        challenge = (await ask(Address("127.0.0.1", running.port, None), request))[0]
        from millwright.identity.handle.wire.message import digest, encode_signed_part, split_digest
        from millwright.identity.handle.wire.responses import decode_challenge

        nonce = decode_challenge(split_digest(challenge.message)[2])
        answer = credentials.answer(nonce, digest(3, encode_signed_part(request, (2, 11))), (2, 11))
        message = encode_message(Message(op=Op.CHALLENGE_RESPONSE, body=encode_request(answer)), (2, 11))
        session = challenge.envelope.session_id
        with datagrams(running.port) as udp:
            codes = []
            for request_id in (77, 77, 78):
                udp.send(*packets((2, 11), session, request_id, message))
                received = await udp.receive()
                assert received is not None
                codes.append(decode_message(received[20:]).response_code)
        # The second is the first's answer again; the third is a replay under another number.
        assert codes == [Rc.SUCCESS, Rc.SUCCESS, Rc.AUTHENTICATION_TIMEOUT]
        assert running.server.stats()["gauges"]["handle_challenges"] == 0


async def test_a_challenge_of_another_address_or_none_is_refused(tmp_path: Path) -> None:
    async with running_handle(tmp_path, max_challenges_per_address=3) as running:
        body = encode_request(Answer(b"HS_SECKEY", b"86.1000.1/x", 1, b"\x02" + bytes(20)))
        with datagrams(running.port) as udp:
            udp.send(*packets((2, 11), 12345, 1, encode_message(Message(op=Op.CHALLENGE_RESPONSE, body=body), (2, 11))))
            received = await udp.receive()
            assert received is not None
            assert decode_message(received[20:]).response_code == Rc.AUTHENTICATION_TIMEOUT
            delete = encode_message(Message(op=Op.DELETE_HANDLE, body=encode_request(OfHandle(PRODUCT))), (2, 11))
            codes = []
            for number in range(5):
                udp.send(*packets((2, 11), 0, number + 1, delete))
                received = await udp.receive()
                assert received is not None
                codes.append(decode_message(received[20:]).response_code)
            assert codes == [Rc.AUTHENTICATION_NEEDED] * 3 + [Rc.SERVER_BUSY] * 2


async def test_broken_packets_never_raise_and_answers_get_no_answer(tmp_path: Path, caplog: Any) -> None:
    chosen = random.Random(3652)
    good = packets((2, 11), 0, 5, question())[0]
    response = encode_message(Message(op=Op.RESOLUTION, response_code=1), (2, 11))
    async with running_handle(tmp_path) as running:
        with datagrams(running.port) as udp:
            udp.send(*packets((2, 11), 0, 1, response))
            assert await udp.receive(0.2) is None
            for _ in range(3_000):
                broken = bytearray(good)
                for _ in range(chosen.randrange(1, 5)):
                    broken[chosen.randrange(len(broken))] = chosen.randrange(256)
                udp.send(bytes(broken[: chosen.randrange(1, len(broken) + 1)]))
                if chosen.random() < 0.02:
                    await asyncio.sleep(0)
            await udp.count()
        for _ in range(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(chosen.randbytes(chosen.randrange(1, 300)))
            writer.write_eof()
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.05):
                    await reader.read()
            writer.close()
        assert len(await running.client().resolve(PRODUCT)) == 3
        assert running.server.udp_malformed > 500
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("handle", [b"", b"/", b"/x"])
async def test_a_handle_without_a_prefix_is_answered(tmp_path: Path, handle: bytes, caplog: Any) -> None:
    async with running_handle(tmp_path) as running:
        with datagrams(running.port) as udp:
            udp.send(*packets((2, 11), 0, 5, question(handle)))
            packet = await udp.receive()
            assert packet is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(frame((2, 11), 0, 6, question(handle)) + frame((2, 11), 0, 7, question()))
        codes = []
        for _ in range(2):
            envelope = decode_envelope(await reader.readexactly(20))
            codes.append(decode_message(await reader.readexactly(envelope.length)).response_code)
        writer.close()
        # An empty one names the prefix handle of nothing, which is looked for among those of 0.NA.
        wanted = Rc.SERVER_NOT_RESPONSIBLE if handle else Rc.HANDLE_NOT_FOUND
        assert codes == [wanted, Rc.SUCCESS]
        assert decode_message(packet[20:]).response_code == wanted
    assert "Traceback" not in caplog.text


async def test_slow_clients_lose_their_connection(tmp_path: Path) -> None:
    async with running_handle(tmp_path, message_timeout_s=0.3, idle_timeout_s=0.6) as running:
        enlarge(running)
        whole = frame((2, 11), 0, 5, question())
        # Half a message, then a byte now and then.
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(whole[:30])
        for byte in whole[30:40]:
            await asyncio.sleep(0.06)
            writer.write(bytes((byte,)))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        # Nothing at all.
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        # Many questions, no answer taken.
        sock = socket.create_connection(("127.0.0.1", running.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        ask_large = frame((2, 11), 0, 5, question(LARGE)) * 50
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(10):
                while True:
                    await loop.sock_sendall(sock, ask_large)
        sock.close()
        assert running.server.closed["slow_message"] == 1
        assert running.server.closed["idle"] == 1
        assert running.server.closed["slow_reader"] == 1
        assert len(await running.client().resolve(PRODUCT)) == 3


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with running_handle(tmp_path, max_connections_per_address=3) as running:
        opened = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert running.server.closed["connections_full"] == 2
        for _, writer in opened:
            writer.close()
        await asyncio.sleep(0.1)
        assert running.server.stats()["gauges"]["handle_connections"] == 0


async def test_many_questions_on_one_connection_are_answered_in_order(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        order = [PRODUCT, b"86.1000.1/none"] * 50
        writer.write(b"".join(frame((2, 11), 0, number + 1, question(each)) for number, each in enumerate(order)))
        for number, each in enumerate(order):
            envelope = decode_envelope(await reader.readexactly(20))
            message = decode_message(await reader.readexactly(envelope.length))
            assert envelope.request_id == number + 1
            assert message.response_code == (Rc.SUCCESS if each == PRODUCT else Rc.HANDLE_NOT_FOUND)
        writer.close()


async def test_what_comes_at_once_is_answered_from_one_view(tmp_path: Path, monkeypatch: Any) -> None:
    async with running_handle(tmp_path) as running:
        opened, view = [], running.records.view
        monkeypatch.setattr(running.records, "view", lambda: opened.append(1) or view())
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"".join(frame((2, 11), 0, number + 1, question()) for number in range(20)))
        for number in range(20):
            envelope = decode_envelope(await reader.readexactly(20))
            await reader.readexactly(envelope.length)
            assert envelope.request_id == number + 1
        writer.close()
        assert len(opened) == 1


async def test_a_list_waits_for_a_client_that_does_not_take_it(tmp_path: Path, monkeypatch: Any) -> None:
    async with running_handle(tmp_path) as running:
        names = [b"86.1000.1/%05d" % number + b"x" * 1985 for number in range(10_000)]
        put(running.records, *((each, (value(1),)) for each in names))
        read, whole = 0, Administration.list_handles

        def counted(*arguments: Any) -> list[bytes]:
            nonlocal read
            read += 1
            return whole(*arguments)

        monkeypatch.setattr(Administration, "list_handles", counted)
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        await until(lambda: len(running.server._connections) == 1)
        next(iter(running.server._connections)).peer.identity = ADMIN
        body = encode_request(OfHandle(b"0.NA/86.1000.1"))
        asked = encode_message(Message(op=Op.LIST_HANDLES, body=body), (2, 11))
        writer.write(frame((2, 11), 0, 6, asked) + frame((2, 11), 0, 7, question()))
        await asyncio.sleep(0.7)
        held = read
        assert 0 < held < 70  # of 84 and more: what the sockets hold, and no more
        listed, asked_for = 0, 6
        while asked_for == 6:
            envelope = decode_envelope(await reader.readexactly(20))
            message = decode_message(await reader.readexactly(envelope.length))
            asked_for = envelope.request_id
            listed += len(decode_handles(message.body)) if asked_for == 6 else 0
        writer.close()
        assert (listed, asked_for) == (len(names) + 1, 7)
        assert read > held


async def test_our_client_takes_so_many_bytes_and_no_more(tmp_path: Path, monkeypatch: Any) -> None:
    async with running_handle(tmp_path, listed_at_once=1) as running:
        put(running.records, *((b"86.1000.1/%03d" % number, (value(1),)) for number in range(200)))
        assert len(await running.client(SECRET).list_handles(b"0.NA/86.1000.1")) == 201
        monkeypatch.setattr(transport, "_MOST_BYTES", 5_000)
        with pytest.raises(Unavailable, match="does not end"):
            await running.client(SECRET).list_handles(b"0.NA/86.1000.1")


# --- forged answers to our client --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def liar(*lies: Any) -> Any:
    """A UDP server that gives these answers, made from the question's packet, before or instead of the right one."""
    loop = asyncio.get_running_loop()

    class Protocol(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            for lie in lies:
                for packet in lie(decode_envelope(data), decode_message(data[20:]), data):
                    self.transport.sendto(packet, addr)

    transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def answer_for(envelope: Any, data: bytes, request_id: int, message: Message) -> list[bytes]:
    return packets(envelope.version, 0, request_id, encode_message(message, envelope.version))


def truth(envelope: Any, message: Message, data: bytes) -> list[bytes]:
    import hashlib

    body = b"\x03" + hashlib.sha256(data[20 : 44 + len(message.body)]).digest() + encode_resolved(PRODUCT, b"", 0)
    made = Message(op=1, response_code=1, flags=Flag.REQUEST_DIGEST, body=body)
    return answer_for(envelope, data, envelope.request_id, made)


def wrong_request_id(envelope: Any, message: Message, data: bytes) -> list[bytes]:
    return answer_for(envelope, data, envelope.request_id ^ 2, Message(op=1, response_code=100, body=bytes(4)))


def without_digest(envelope: Any, message: Message, data: bytes) -> list[bytes]:
    return answer_for(envelope, data, envelope.request_id, Message(op=1, response_code=100, body=bytes(4)))


def wrong_digest(envelope: Any, message: Message, data: bytes) -> list[bytes]:
    body = b"\x03" + bytes(32) + bytes(4)
    made = Message(op=1, response_code=100, flags=Flag.REQUEST_DIGEST, body=body)
    return answer_for(envelope, data, envelope.request_id, made)


def garbage(envelope: Any, message: Message, data: bytes) -> list[bytes]:
    return [b"", b"\x00", data[:25], bytes(600)]


async def test_forged_answers_are_passed_over(tmp_path: Path) -> None:
    async with liar(garbage, wrong_request_id, without_digest, wrong_digest, truth) as port:
        assert await HandleClient([site_for(port)]).resolve(PRODUCT) == ()
    async with liar(garbage, wrong_digest) as port:
        message = Message(op=1, flags=Flag.REQUEST_DIGEST, body=encode_request(Resolve(PRODUCT)))
        with pytest.raises(NoAnswer):
            await ask(Address("127.0.0.1", port, None), message)


async def test_an_answer_about_another_handle_is_refused(tmp_path: Path) -> None:
    async with liar(truth) as port:
        with pytest.raises(Unavailable):
            await HandleClient([site_for(port)]).resolve(b"86.1000.1/other")
    assert decode_resolved(encode_resolved(PRODUCT, b"", 0)).handle == PRODUCT
