"""Messages: round trips, what real clients sent, packets in any order, and a decoder that never breaks."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.site import decode_site
from millwright.identity.handle.wire import requests as r
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.credential import (
    code_holds,
    coded,
    decode_credential,
    signature_holds,
    signed_response,
)
from millwright.identity.handle.wire.fragments import Reassembly
from millwright.identity.handle.wire.message import (
    Envelope,
    Message,
    decode_envelope,
    decode_message,
    digest,
    digest_kind,
    encode_digest,
    encode_envelope,
    encode_message,
    encode_signed_part,
    packets,
    split_digest,
)
from millwright.identity.handle.wire.responses import (
    decode_challenge,
    decode_error,
    decode_handles,
    decode_resolved,
    decode_session,
)

VALUE = HandleValue(index=1, type=b"URL", data=b"https://example.com/")
REQUESTS: list[tuple[int, r.Request]] = [
    (Op.RESOLUTION, r.Resolve(b"10/1", (1, 2), (b"URL", b"EMAIL"))),
    (Op.GET_SITE_INFO, r.OfHandle(b"/")),
    (Op.CREATE_HANDLE, r.WithValues(b"10/1", (VALUE,))),
    (Op.ADD_VALUE, r.WithValues(b"10/1", (VALUE, VALUE))),
    (Op.MODIFY_VALUE, r.WithValues(b"10/1", ())),
    (Op.REMOVE_VALUE, r.RemoveValues(b"10/1", (1, 2, 3))),
    (Op.DELETE_HANDLE, r.OfHandle(b"10/1")),
    (Op.LIST_HANDLES, r.OfHandle(b"0.NA/10")),
    (Op.CHALLENGE_RESPONSE, r.Answer(b"HS_SECKEY", b"10/1", 300, b"\x02" + bytes(20))),
    (Op.VERIFY_CHALLENGE, r.Verify(b"10/1", 300, bytes(16), bytes(32), b"\x03")),
    (Op.SESSION_SETUP, r.SetupSession(r.EXCHANGE_DH, 100, b"10/1", 300, b"key")),
    (Op.SESSION_SETUP, r.SetupSession(r.EXCHANGE_HANDLE_KEY, 100, b"", 0, b"", b"10/1", 5)),
    (Op.SESSION_SETUP, r.SetupSession(r.EXCHANGE_SERVER_KEY, 100, b"", 0)),
    (Op.SESSION_EXCHANGE_KEY, r.ExchangeKey(b"encrypted")),
    (Op.LOGIN_ID_SYSTEM, r.Login(b"10/1", 300)),
]
# Sent by CNRI's handle-client 9.3.1 (speaking 2.3) and CAICT's ID-SDK 2.0.3 to a server of ours.
CNRI_BY_TYPE = (
    "0203020b000000004bc3a1d20000000000000044000000010000000019000000000000006b07aeaa00000028"
    "0000001338362e313030302e312f70726f647563742d31000000000000000100000005454d41494c00000000"
)
CNRI_CERTIFIED = (
    "0203020b000000005cd3fac3000000000000003b000000010000000059800000000000006b07aeaa0000001f"
    "0000001338362e313030302e312f70726f647563742d31000000000000000000000000"
)
CNRI_ANSWER = (
    "0203020b06478f131f48c5660000000000000058000000c80000000018000000ffff00006b07aeae0000003c0000000948535f5345434b4559"
    "0000000e302e4e412f38362e313030302e310000012c0000001502579a47f30eceb5691d5921c17fc91b66209f3e5500000000"
)
IDSDK_CREATE = (
    "0203020a000000004356e41900000000000000ad000000640000000000000000ffff00006b07aeb1000000910000001838362e313030302e31"
    "2f6d6164652d62792d69642d73646b00000002000000016b0705f100000151800e0000000355524c0000001a68747470733a2f2f6578616d70"
    "6c652e636f6d2f69642d73646b00000000000000646b0705f100000151800e0000000848535f41444d494e000000180fff0000000e302e4e41"
    "2f38362e313030302e310000012d0000000000000000"
)
IDSDK_LOGIN = (
    "0203020a00000000024a4a1d0000000000000032000007d10000000000800000ffff00006b07aeb1000000160000000e302e4e412f38362e31"
    "3030302e310000012d00000000"
)
VERSIONS = [(2, 0), (2, 1), (2, 3), (2, 5), (2, 6), (2, 7), (2, 10), (2, 11), (5, 0)]


def opened(captured: str) -> tuple[Envelope, Message, Any]:
    data = bytes.fromhex(captured)
    envelope, message = decode_envelope(data), decode_message(data[20:])
    assert len(data) == 20 + envelope.length
    # What was captured comes out again.
    assert encode_envelope(envelope) + encode_message(message, envelope.version) == data
    request = r.decode_request(message.op, message.body)
    assert request is not None
    assert r.encode_request(request) == message.body
    return envelope, message, request


def test_what_real_clients_sent_is_understood_and_written_alike() -> None:
    envelope, message, request = opened(CNRI_BY_TYPE)
    assert (envelope.version, envelope.suggested) == ((2, 3), (2, 11))
    assert request == r.Resolve(b"86.1000.1/product-1", (), (b"EMAIL",))
    assert message.flags & Flag.PUBLIC_ONLY
    _, message, _ = opened(CNRI_CERTIFIED)
    assert message.flags & Flag.CERTIFIED
    assert message.flags & Flag.REQUEST_DIGEST
    envelope, _, request = opened(CNRI_ANSWER)
    assert (request.kind, request.handle, request.index) == (b"HS_SECKEY", b"0.NA/86.1000.1", 300)
    assert envelope.session_id == 0x06478F13
    _, message, request = opened(IDSDK_CREATE)
    assert message.op == Op.CREATE_HANDLE
    assert [value.type for value in request.values] == [b"URL", b"HS_ADMIN"]
    assert opened(IDSDK_LOGIN)[2] == r.Login(b"0.NA/86.1000.1", 301)


@pytest.mark.parametrize(("op", "request_"), REQUESTS)
def test_a_request_survives_encoding(op: int, request_: r.Request) -> None:
    assert r.decode_request(op, r.encode_request(request_)) == request_
    for cut in range(len(r.encode_request(request_))):
        with pytest.raises(MessageError):
            r.decode_request(op, r.encode_request(request_)[:cut])


def test_an_operation_that_is_not_known_is_none() -> None:
    assert r.decode_request(77, b"anything") is None


@given(
    st.builds(
        Message,
        op=st.integers(0, 0xFFFFFFFF),
        response_code=st.integers(0, 505),
        flags=st.integers(0, 0xFFFFFFFF),
        site_serial=st.integers(0, 65535),
        recursion=st.integers(0, 255),
        expires_s=st.integers(0, 0xFFFFFFFF),
        body=st.binary(max_size=100),
        credential=st.binary(max_size=50),
    )
)
def test_a_message_survives_encoding(message: Message) -> None:
    assert decode_message(encode_message(message, (2, 11))) == message


@pytest.mark.parametrize("version", VERSIONS)
def test_the_digest_of_a_request_is_that_of_the_version(version: tuple[int, int]) -> None:
    kind = digest_kind(version)
    assert kind == {(2, 0): 0, (5, 0): 0}.get(version, 3 if version >= (2, 7) else 2)
    value = digest(kind, b"signed")
    message = Message(op=1, response_code=1, flags=Flag.REQUEST_DIGEST, body=encode_digest(kind, value) + b"rest")
    assert split_digest(message) == (kind, value, b"rest")


@pytest.mark.parametrize("body", [b"", b"\x04" + bytes(60), b"\x03" + bytes(31), b"\x00\x00\x00\x11" + bytes(17)])
def test_a_broken_digest_is_refused(body: bytes) -> None:
    with pytest.raises(MessageError):
        split_digest(Message(op=1, response_code=1, flags=Flag.REQUEST_DIGEST, body=body))


def test_old_peers_get_codes_that_they_know() -> None:
    def code(version: tuple[int, int], given: int) -> int:
        return decode_message(encode_signed_part(Message(op=1, response_code=given), version)).response_code

    assert code((2, 4), Rc.SERVER_BACKUP) == Rc.PREFIX_REFERRAL
    assert code((2, 5), Rc.SERVER_BACKUP) == Rc.SERVER_BACKUP
    assert code((2, 1), Rc.VALUE_INVALID) == Rc.VALUE_ALREADY_EXISTS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), dsa.generate_private_key(2048), ec.generate_private_key(ec.SECP256R1())],
)
def test_a_signed_response_verifies_and_nothing_else_does(version: tuple[int, int], key: Any) -> None:
    envelope = Envelope(version, 0, (2, 11), 5, 6, 0, 10)
    credential = decode_credential(signed_response(key, envelope, b"signed part", 3))
    assert signature_holds(key.public_key(), credential, envelope, b"signed part")
    assert not signature_holds(key.public_key(), credential, envelope, b"signed part!")
    if (2, 7) <= version < (5, 0):
        other = Envelope(version, 0, (2, 11), 5, 7, 0, 10)
        assert not signature_holds(key.public_key(), credential, other, b"signed part")


@pytest.mark.parametrize("version", [(2, 1), (2, 4), (2, 7), (2, 11)])
def test_a_coded_message_of_a_session_holds(version: tuple[int, int]) -> None:
    envelope = Envelope(version, 0, (2, 11), 5, 6, 0, 10)
    credential = decode_credential(coded(b"key" * 8, envelope, b"signed part", 9))
    assert credential.counter == 9
    assert code_holds(b"key" * 8, credential, envelope, b"signed part")
    assert not code_holds(b"yek" * 8, credential, envelope, b"signed part")
    assert coded(b"key", Envelope((2, 5), 0, (2, 11), 5, 6, 0, 10), b"", 1) == b""


# --- packets -----------------------------------------------------------------------------------------------------


def pieces(data: bytes, request_id: int = 7) -> list[tuple[Envelope, bytes]]:
    made = packets((2, 11), 0, request_id, data)
    assert all(len(packet) == 512 for packet in made[:-1])
    return [(decode_envelope(packet), packet[20:]) for packet in made]


@settings(deadline=None)
@given(st.integers(24, 20_000), st.randoms())
def test_packets_come_together_in_any_order(size: int, chosen: random.Random) -> None:
    data = bytes(chosen.getrandbits(8) for _ in range(size))
    parts = pieces(data)
    chosen.shuffle(parts)
    store = Reassembly()
    results = [store.add(("a", 1), envelope, piece, 0.0) for envelope, piece in parts]
    assert results[-1] == data
    assert results[:-1] == [None] * (len(parts) - 1)
    assert (len(store), store.held_bytes) == (0, 0)


def test_what_contradicts_or_exceeds_is_dropped() -> None:
    store = Reassembly(max_message_bytes=5_000, max_bytes=8_000, max_per_address=2, timeout_s=1.0)
    (envelope, first), (_, second), *_ = pieces(bytes(2_000))
    assert store.add(("a", 1), envelope, first, 0.0) is None
    assert store.add(("a", 1), envelope, first, 0.0) is None  # twice
    assert store.add(("a", 1), envelope, second[:-1], 0.0) is None  # too short
    assert store.add(("a", 1), pieces(bytes(2_400))[1][0], second, 0.0) is None  # another length
    assert store.add(("a", 1), pieces(bytes(9_000))[0][0], second, 0.0) is None  # too large
    assert store.dropped == 4
    store.add(("a", 2), envelope, first, 0.0)
    store.add(("a", 3), envelope, first, 0.0)  # too many of one address
    assert (len(store), store.dropped) == (2, 5)
    store.add(("b", 1), envelope, first, 0.0)
    store.add(("c", 1), pieces(bytes(3_000))[0][0], first, 0.0)  # too many bytes
    assert (len(store), store.dropped) == (3, 6)
    store.expire(2.0)
    assert (len(store), store.held_bytes) == (0, 0)


# --- hostile -------------------------------------------------------------------------------------------------------


def test_thousands_of_broken_messages_raise_nothing_else() -> None:
    chosen = random.Random(2641)
    seeds = [encode_message(Message(op=op, body=r.encode_request(request)), (2, 11)) for op, request in REQUESTS]
    seeds += [bytes.fromhex(each)[20:] for each in (CNRI_BY_TYPE, CNRI_ANSWER, IDSDK_CREATE)]
    decoders = (decode_resolved, decode_handles, decode_error, decode_challenge, decode_session, decode_site)
    start, refused = time.monotonic(), 0
    for _ in range(8_000):
        data = bytearray(chosen.choice(seeds))
        for _ in range(chosen.randrange(1, 6)):
            place = chosen.randrange(len(data))
            match chosen.randrange(4):
                case 0:
                    data[place] = chosen.randrange(256)
                case 1:
                    data[place : place + 4] = chosen.choice(
                        (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00")
                    )
                case 2:
                    del data[place : place + chosen.randrange(1, 9)]
                case _:
                    data[place:place] = chosen.randbytes(chosen.randrange(1, 9))
            if not data:
                data = bytearray(b"\x00")
        try:
            message = decode_message(bytes(data))
            split_digest(message)
            r.decode_request(message.op, message.body)
            decode_credential(message.credential)
        except MessageError:
            refused += 1
        for decoder in decoders:
            try:
                decoder(bytes(data[24:]))
            except MessageError:
                refused += 1
    assert refused > 8_000
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    "data",
    [b"", bytes(19), bytes(20), b"\x02\x0b\x00\x00" + bytes(16), b"\x02\x0b\x00\x00" + bytes(12) + b"\x7f\xff\xff\xff"],
)
def test_a_broken_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_envelope(data)
