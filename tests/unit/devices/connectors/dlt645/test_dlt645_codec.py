"""Frames, formats and addresses of DL/T 645-2007."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.dlt645.address import EXAMPLE, parse
from millwright.devices.connectors.dlt645.formats import known, parse_format
from millwright.devices.connectors.dlt645.frames import Frame, Refused, frames, identifier_bytes, question
from millwright.kernel import Invalid

ENERGY = bytes.fromhex("68 01 00 00 00 00 00 68 91 08 33 33 34 33 AB 89 67 45 17 16")
"""Forward active energy 123456.78 kWh, worked out by hand: 78 56 34 12 with 33H added, and the sum."""


def test_questions_byte_by_byte() -> None:
    read = question("000000000001", 0x11, identifier_bytes("00010000"))
    assert read.hex(" ") == "68 01 00 00 00 00 00 68 11 04 33 33 34 33 b3 16"
    assert question("AAAAAAAAAAAA", 0x13).hex(" ") == "68 aa aa aa aa aa aa 68 13 00 df 16"
    assert question("123456789012", 0x13, wake_up=4).hex(" ") == "fe fe fe fe 68 12 90 78 56 34 12 68 13 00 99 16"
    following = question("000000000001", 0x12, identifier_bytes("0201FF00") + b"\x01")
    assert following.hex(" ") == "68 01 00 00 00 00 00 68 12 05 33 32 34 35 34 ea 16"


def test_an_answer_byte_by_byte() -> None:
    (frame,), why = frames(ENERGY)
    assert frame == Frame("000000000001", 0x91, bytes.fromhex("00000100 78563412"))
    assert (frame.function, frame.refused, frame.more, why) == (0x11, False, False, "")
    assert parse("00010000").value(frame.data[4:]) == 123456.78
    (refused,), _ = frames(bytes.fromhex("68 01 00 00 00 00 00 68 D1 01 35 D8 16"))
    assert (refused.function, refused.refused, refused.data) == (0x11, True, b"\x02")
    assert str(Refused(refused.data[0])) == "no such data (error 02H)"
    assert str(Refused(0)) == "unknown error (error 00H)"
    assert str(Refused(5)) == "other error, wrong password or no right (error 05H)"


def test_no_part_and_no_flipped_bit_is_an_answer() -> None:
    for size in range(len(ENERGY)):
        assert frames(ENERGY[:size])[0] == []
    for at in range(len(ENERGY)):
        for bit in range(8):
            spoiled = bytearray(ENERGY)
            spoiled[at] ^= 1 << bit
            found, why = frames(bytes(spoiled))
            assert found == [], (at, bit)
            assert why


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_an_answer_is_found_among_noise(before: bytes, after: bytes) -> None:
    """Noise may hold 68H; what begins there and never ends is passed over."""
    found, _ = frames(before + ENERGY + after)
    assert Frame("000000000001", 0x91, bytes.fromhex("0000010078563412")) in found


def test_questions_are_no_answers() -> None:
    echo = question("000000000001", 0x11, identifier_bytes("00010000"), wake_up=4)
    assert frames(echo)[0] == []
    assert len(frames(echo + ENERGY)[0]) == 1


@pytest.mark.parametrize(
    ("address", "data", "value"),
    [
        ("00010000", "78563412", 123456.78),
        ("00000000", "78563492", -123456.78),
        ("00020000", "78563412", 123456.78),
        ("02010100", "0123", 230.1),
        ("02020200", "345612", 125.634),
        ("02020200", "345692", -125.634),
        ("02030000", "345692", -12.5634),
        ("02060000", "9809", 0.998),
        ("02060100", "9889", -0.998),
        ("02800002", "9849", 49.98),
        ("02800007", "0582", -20.5),
        ("0280000A", "00010000", 100),
        ("0201FF00.0", "012302230323", 230.1),
        ("0201FF00.2", "012302230323", 230.3),
        ("0001FF00.1", "0000010078560000", 56.78),
        ("01010000", "345612 3014 2511 26", 12.5634),
        ("01010000.time", "345612 3014 2511 26", "2026-11-25T14:30"),
        ("0101FF00.1.time", "0000000000000000 345612 3014 2511 26", "2026-11-25T14:30"),
        ("04000101", "04261126", "2026-11-26"),
        ("04000102", "090513", "13:05:09"),
        ("04000402", "785634129078", "789012345678"),
        ("0400040B", "00000000303335445444", "DTD530"),
        ("04000501", "0180", 0x8001),
        ("0E010203:XX.XX", "4523", 23.45),
        ("0E010203.1:XX.XX", "00004523", 23.45),
        ("0E010203:±XX.XX", "45a3", -23.45),
        ("0E010203:A3", "434241", "ABC"),
        ("0E010203:T3", "414243", "ABC"),
        ("0E010203:H1", "81", 129),
    ],
)
def test_data_become_values(address: str, data: str, value: object) -> None:
    assert parse(address).value(bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    ("address", "data", "why"),
    [
        ("00010000", "ffffffff", "has no value"),
        ("02010100", "0a23", "no decimal digits: 230a"),
        ("02010100", "01", "1 bytes"),
        ("02010100", "012300", "3 bytes"),
        ("0201FF00.2", "01230223", "4 bytes"),
        ("04000101", "ffffffff", "has no value"),
    ],
)
def test_what_is_no_value_says_so(address: str, data: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(address).value(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("text", "kind", "unit"),
    [
        ("00010000", "number", "kW.h"),
        ("0003010C", "number", "kvar.h"),
        ("01020000", "number", "kW"),
        ("02010300", "number", "V"),
        ("02800007", "number", "Cel"),
        ("0280000A", "integer", "min"),
        ("01010000.time", "string", ""),
        ("04000402", "string", ""),
        ("04000501", "integer", ""),
    ],
)
def test_what_is_known_of_identifiers(text: str, kind: str, unit: str) -> None:
    found = parse(f"000000000001:{text}")
    assert (found.meter, found.value_type, found.unit) == ("000000000001", kind, unit)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no data identifier"),
        ("0001000", "no data identifier"),
        ("00000000000X:00010000", "no meter"),
        ("000000000001:00010000:XX.XX:1", "too many"),
        ("0E010203", "format of 0E010203 is not known"),
        ("02010000", "not known"),
        ("000100FF", "not known"),
        ("0201FF00", "is a block"),
        ("02010100.0", "is no block"),
        ("02010100.time", "has no time"),
        ("0E010203:XXX", "no format"),
        ("0E010203:XX.", "no format"),
        ("0E010203:A0", "no format"),
        ("0E010203.time:XX", "no format"),
    ],
)
def test_a_wrong_address_shows_a_right_one(text: str, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert why in caught.value.message
    assert caught.value.code == "connectors.address_invalid"
    assert caught.value.hint


def test_examples_are_right() -> None:
    assert parse(EXAMPLE).unit == "kW.h"
    assert parse("aaaaaaaaaaaa:00010000").meter == "AAAAAAAAAAAA"
    assert known("FFFFFFFF") is None
    assert parse_format("XXXXXXXXXXXXXXXXXX") is None
