"""WebSocket frames in whatever pieces; what RFC 6455 forbids ends the connection with its code."""

from __future__ import annotations

import itertools
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.mqtt.websocket import WebSocket

REQUEST = (
    b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: other, mqtt\r\n\r\n"
)


class Far:
    """A transport in memory."""

    def __init__(self) -> None:
        self.sent, self.closed = b"", False
        self.reads = True

    def write(self, data: bytes) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return 0 if self.reads else len(self.sent)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def opened() -> tuple[WebSocket, Far]:
    far = Far()
    web = WebSocket(cast(Any, far), "/mqtt")
    assert web.feed(REQUEST) == b""
    assert far.sent.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in far.sent  # RFC 6455, 1.3
    assert b"Sec-WebSocket-Protocol: mqtt\r\n" in far.sent
    far.sent = b""
    return web, far


def frame(opcode: int, data: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    size = len(data)
    short = size if size < 126 else 126 if size < 65536 else 127
    head = bytes((opcode | fin << 7, short | masked << 7))
    head += size.to_bytes(2 if short == 126 else 8, "big") if short > 125 else b""
    if not masked:
        return head + data
    mask = b"\xa5\x00\x7f\xff"
    return head + mask + bytes(byte ^ mask[index & 3] for index, byte in enumerate(data))


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(1, 4), st.booleans()), max_size=6),
    st.lists(st.integers(0, 5000), max_size=10),
)
def test_data_is_the_same_however_it_is_framed_and_cut(
    messages: list[tuple[bytes, int, bool]], places: list[int]
) -> None:
    data, pings = b"", 0
    for content, parts, ping in messages:
        step = max(1, -(-len(content) // parts))
        pieces = [content[at : at + step] for at in range(0, len(content), step)] or [b""]
        for index, piece in enumerate(pieces):
            data += frame(0 if index else 2, piece, fin=index == len(pieces) - 1)
            if ping:
                data += frame(9, b"ping")
                pings += 1
    web, far = opened()
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    found = b"".join(web.feed(data[a:b]) for a, b in itertools.pairwise(edges))
    assert found == b"".join(content for content, _, _ in messages)
    assert far.sent == b"\x8a\x04ping" * pings
    assert web.refused == ""


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_lengths_of_every_form_go_in_and_out(size: int) -> None:
    web, far = opened()
    assert web.feed(frame(2, b"x" * size)) == b"x" * size
    web.write(b"y" * size)
    assert far.sent == frame(2, b"y" * size, masked=False)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"text"), 1003),
        (frame(2, b"x", masked=False), 1002),
        (frame(0, b"x"), 1002),  # a continuation of nothing
        (frame(2, b"x", fin=False) + frame(2, b"y"), 1002),  # a message within a message
        (frame(9, b"x", fin=False), 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(3, b""), 1002),
        (b"\xc2\x80", 1002),  # an extension
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4), 1009),
        (frame(8, b"\x03"), 1002),
        (frame(8, b"\x03\xed"), 1002),  # 1005 is never sent
        (frame(8, b"\x03\xe8\xff"), 1002),  # no UTF-8
    ],
)
def test_broken_frames_are_answered_with_a_close_code(data: bytes, code: int) -> None:
    web, far = opened()
    web.feed(frame(2, b"before") + data + frame(2, b"after"))
    assert far.sent == b"\x88\x02" + code.to_bytes(2, "big")
    assert web.refused
    web.write(b"nothing more")
    assert far.sent[4:] == b""


def test_a_close_is_answered_once_and_what_came_before_it_is_taken() -> None:
    web, far = opened()
    assert web.feed(frame(2, b"last") + frame(8, b"\x03\xe8bye")) == b"last"
    web.close()
    assert (far.sent, far.closed, web.refused) == (b"\x88\x02\x03\xe8", True, "connection_lost")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"GET /mqtt", b"GET /else"), b"404"),
        ((b"GET /mqtt", b"GET /mqtt?x=1"), b"101"),
        ((b"HTTP/1.1", b"HTTP/1.0"), b"400"),
        ((b"Host: x\r\n", b""), b"400"),
        ((b"Upgrade: websocket\r\n", b""), b"426"),
        ((b"Version: 13", b"Version: 8"), b"426"),
        ((b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="), b"400"),
        ((b"other, mqtt", b"other"), b"400"),
        ((b"other, mqtt", b"mqttv3.1"), b"101"),
        ((b"Host: x", b"Host : x"), b"400"),
        ((b"Host: x", b"no colon"), b"400"),
        ((b"Host: x", b"Host: x\r\nX: \x01"), b"400"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(change: tuple[bytes, bytes], status: bytes) -> None:
    far = Far()
    web = WebSocket(cast(Any, far), "/mqtt")
    for byte in REQUEST.replace(*change):
        web.feed(bytes((byte,)))
    assert far.sent.split(b" ")[1] == status
    assert bool(web.refused) == (status != b"101")


def test_a_request_without_end_is_refused() -> None:
    far = Far()
    web = WebSocket(cast(Any, far), "/mqtt")
    for _ in range(20):
        web.feed(b"x" * 1000)
    assert far.sent.startswith(b"HTTP/1.1 431 ")


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_taken_or_refused(parts: list[bytes]) -> None:
    web, _ = opened()
    for part in parts:
        web.feed(part)


def test_pings_of_a_client_that_does_not_read_do_not_pile_up() -> None:
    web, far = opened()
    many = frame(9, b"x" * 125) * 100
    for _ in range(100):
        web.feed(many)
    assert (len(far.sent), web.refused) == (100 * 100 * 127, "")
    far.sent, far.reads = b"", False
    for _ in range(100):
        web.feed(many)
    assert 0 < len(far.sent) <= 2 * 64 * 1024 + 127
    assert web.refused == "slow_reader"


def test_a_slow_reader_of_messages_may_still_ping() -> None:
    web, far = opened()
    far.reads = False
    web.write(b"y" * 1_000_000)
    for _ in range(100):
        web.feed(frame(9, b"ping"))
    assert far.sent.endswith(b"\x8a\x04ping" * 100)
    assert web.refused == ""
