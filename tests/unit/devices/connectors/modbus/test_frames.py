"""Answers byte by byte. The frames of the first test are worked examples of the application protocol's clauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from millwright.devices.connectors.modbus.framing import (
    WRONG_SUM,
    TcpFrames,
    crc,
    rtu_answer,
    rtu_frame,
    tcp_frame,
)
from millwright.devices.connectors.modbus.pdu import (
    BadReply,
    Refused,
    bits,
    check_written,
    identification,
    identification_request,
    mask_request,
    read_data,
    read_request,
    write_request,
)

HOLDING = read_request(3, 0x6B, 3)
HOLDING_ANSWER = bytes.fromhex("03 06 02 2B 00 00 00 64")


def test_questions_are_those_of_the_standard() -> None:
    assert read_request(1, 0x13, 0x13).hex() == "0100130013"
    assert HOLDING.hex() == "03006b0003"
    assert write_request(5, 0xAC, b"\x01").hex() == "0500acff00"
    assert write_request(6, 1, b"\x00\x03").hex() == "0600010003"
    assert write_request(16, 1, bytes.fromhex("000a0102")).hex() == "100001000204000a0102"
    assert mask_request(4, 0xF2, 0x25).hex() == "16000400f20025"
    assert identification_request(1, 0).hex() == "2b0e0100"
    assert read_data(HOLDING, HOLDING_ANSWER).hex() == "022b00000064"
    assert [n for n, on in enumerate(bits(bytes.fromhex("cd6b05"), 19)) if on] == [
        0,
        2,
        3,
        6,
        7,
        8,
        9,
        11,
        13,
        14,
        16,
        18,
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "empty"),
        ("03", "no bytes"),
        ("0306", "0 sent"),
        ("0306022b000000", "5 sent"),
        ("0306022b0000006400", "7 sent"),
        ("0304022b0000", "4 bytes announced"),
        ("0406022b00000064", "function 4"),
        ("8302ff", "exception of 3"),
        ("83", "exception of 1"),
    ],
)
def test_an_answer_that_does_not_fit_is_none(answer: str, why: str) -> None:
    with pytest.raises(BadReply, match=why):
        read_data(HOLDING, bytes.fromhex(answer))


def test_an_exception_has_its_name() -> None:
    with pytest.raises(Refused, match=r"illegal data address \(exception 2\)"):
        read_data(HOLDING, b"\x83\x02")
    with pytest.raises(Refused, match=r"unknown exception \(exception 99\)"):
        read_data(HOLDING, b"\x83\x63")


@pytest.mark.parametrize("answer", ["0600010004", "0600020003", "06000100", "060001000300"])
def test_a_write_is_confirmed_by_its_own_words_alone(answer: str) -> None:
    question = write_request(6, 1, b"\x00\x03")
    check_written(question, question)
    with pytest.raises(BadReply):
        check_written(question, bytes.fromhex(answer))


@pytest.mark.parametrize("answer", ["2b0e01", "2b0e0101000001", "2b0e010100000100056162", "2b0e010100000100016100"])
def test_a_torn_identification_is_none(answer: str) -> None:
    with pytest.raises(BadReply):
        identification(identification_request(1, 0), bytes.fromhex(answer))


@given(
    st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=5),
    st.data(),
)
def test_a_stream_is_cut_anywhere(frames: list[tuple[int, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(tcp_frame(*frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader, found = TcpFrames(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[begin:end])
    assert found == frames


@pytest.mark.parametrize("head", ["000100010003010300", "000100000001010300", "00010000ffff010300", "485454502f312e31"])
def test_what_is_no_modbus_ends_the_stream(head: str) -> None:
    with pytest.raises(BadReply):
        TcpFrames().feed(bytes.fromhex(head))


@given(st.binary(min_size=1, max_size=250))
def test_the_check_sum_is_the_one_that_pymodbus_computes(data: bytes) -> None:
    assert int.from_bytes(crc(data), "big") == FramerRTU.compute_CRC(data)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_an_answer_is_found_among_noise(before: bytes, after: bytes) -> None:
    frame = rtu_frame(17, HOLDING_ANSWER)
    assert rtu_answer(17, HOLDING, before + frame + after)[0] == HOLDING_ANSWER


def test_no_part_of_an_answer_is_one() -> None:
    frame = rtu_frame(17, HOLDING_ANSWER)
    for size in range(len(frame)):
        assert rtu_answer(17, HOLDING, frame[:size])[0] is None
    for at in range(len(frame)):
        for bit in range(8):
            flipped = bytearray(frame)
            flipped[at] ^= 1 << bit
            assert rtu_answer(17, HOLDING, bytes(flipped))[0] is None
    assert rtu_answer(17, HOLDING, frame[:-1] + b"\0") == (None, WRONG_SUM)


@pytest.mark.parametrize(
    "other",
    [
        rtu_frame(18, HOLDING_ANSWER),  # another unit
        rtu_frame(17, bytes.fromhex("0406022B00000064")),  # another function
        rtu_frame(17, bytes.fromhex("0304022B0000")),  # another size: a late answer to another question
        rtu_frame(17, HOLDING),  # our own echo
    ],
)
def test_the_answers_of_others_are_none_of_ours(other: bytes) -> None:
    assert rtu_answer(17, HOLDING, other)[0] is None
    assert rtu_answer(17, HOLDING, other + rtu_frame(17, HOLDING_ANSWER))[0] == HOLDING_ANSWER


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (read_request(1, 0, 9), "0102ff01"),
        (write_request(5, 1, b"\1"), "050001ff00"),
        (write_request(16, 1, b"\0\1\0\2"), "1000010002"),
        (mask_request(1, 2, 3), "16000100020003"),
        (identification_request(1, 0), "2b0e01010000020001410102424 3".replace(" ", "")),
        (read_request(3, 0, 1), "8302"),
    ],
)
def test_rtu_knows_how_long_each_answer_is(question: bytes, answer: str) -> None:
    pdu = bytes.fromhex(answer)
    frame = rtu_frame(5, pdu)
    assert rtu_answer(5, question, frame + b"\x05")[0] == pdu
    assert all(rtu_answer(5, question, frame[:size])[0] is None for size in range(len(frame)))
