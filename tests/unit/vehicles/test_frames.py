"""Messages of GB/T 32960 on the wire: cutting a stream into them whatever comes in between."""

from __future__ import annotations

import random
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.vehicles import times
from millwright.devices.vehicles.frames import Answer, FrameReader, answer_to, check_of, decode, encode
from millwright.devices.vehicles.vin import check_digit, find_fault
from support.vehicles import VIN, T, electric


@given(st.binary(max_size=700))
def test_the_check_byte_is_the_exclusive_or_of_all(body: bytes) -> None:
    assert check_of(body) == reduce(xor, body, 0)


@given(st.lists(st.tuples(st.binary(max_size=80), st.sampled_from((2016, 2025))), max_size=8), st.randoms())
def test_however_a_stream_is_cut_its_messages_come_out(parts: list[tuple[bytes, int]], luck: random.Random) -> None:
    sent = [encode(0x02, VIN, data, edition=edition) for data, edition in parts]
    stream, reader, found = b"".join(sent), FrameReader(), []
    while stream:
        size = luck.randint(1, len(stream))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert [each.raw for each in found] == sent
    assert [each.edition for each in found] == [edition for _, edition in parts]
    assert (reader.partial, reader.skipped) == (0, 0)


@pytest.mark.parametrize(
    "noise",
    [b"\0" * 50, b"#", b"$", b"###", b"hello ## world", b"GET / HTTP/1.1\r\n\r\n", b"##\x02\xfe", b"$$\x02\x09aa"],
)
def test_noise_between_messages_costs_no_message(noise: bytes) -> None:
    one, two = electric(), electric(time_ms=T + 1000)
    reader = FrameReader()
    assert [each.raw for each in reader.feed(noise + one + noise + two)] == [one, two]
    assert reader.skipped == 2 * len(noise)


def test_a_start_mark_with_a_lying_length_hides_no_message_behind_it() -> None:
    one, two = electric(), electric(time_ms=T + 1000)
    lie = b"##\x02\xfe" + VIN.encode() + b"\x01" + (len(one) + 10).to_bytes(2, "big")
    reader = FrameReader()
    assert [each.raw for each in reader.feed(lie + one + two) if each.sound] == [one, two]


def test_a_broken_message_is_told_and_the_next_one_read() -> None:
    broken = bytearray(electric())
    broken[40] ^= 0xFF
    reader = FrameReader()
    first, second = reader.feed(bytes(broken) + electric())
    assert (first.sound, second.sound) == (False, True)
    with pytest.raises(ValueError, match="check byte"):
        decode(bytes(broken))


def test_an_answer_keeps_head_and_time_alone() -> None:
    message = decode(electric())
    answer = decode(answer_to(message, Answer.SUCCESS))
    assert (answer.command, answer.vin, answer.answer, answer.data) == (0x02, VIN, 0x01, times.from_ms(T))
    assert answer.raw[:2] == b"##"


def test_times_are_of_gmt_plus_8() -> None:
    assert list(times.from_ms(T)) == [25, 6, 15, 23, 6, 40]  # 2025-06-15T15:06:40Z
    assert times.to_ms(times.from_ms(T)) == T
    for wrong in (bytes((25, 13, 1, 0, 0, 0)), bytes((25, 2, 30, 0, 0, 0)), bytes(6), b"\xff" * 6, b""):
        with pytest.raises(ValueError):
            times.to_ms(wrong)


def test_a_vin_has_a_check_digit() -> None:
    # The example of 49 CFR 565.15(c) and one of ISO 3779's own shape.
    assert check_digit("1M8GDM9AXKP042788") == "X"
    assert check_digit("11111111111111111") == "1"
    assert find_fault("1M8GDM9AXKP042788") is None
    assert find_fault("1M8GDM9A1KP042788") == "its check digit is 1, not X"
    assert find_fault("1M8GDM9AXKP04278O") == "'O' is no sign of a VIN"
    assert find_fault("short") == "a VIN has 17 signs, not 5"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("noise", [b"#", b"$", b"#a", b"##\x02\xfe"])
def test_noise_is_gone_through_once_however_many_marks_are_in_it(noise: bytes) -> None:
    stream, reader = noise * (1_000_000 // len(noise)), FrameReader()
    assert [each.raw for each in reader.feed(stream + b"." + electric())] == [electric()]
    assert reader.skipped == len(stream) + 1


def test_beyond_the_most_noise_nothing_is_looked_for() -> None:
    reader = FrameReader(most_skipped=1000)
    assert [each.raw for each in reader.feed(b"." * 900 + electric())] == [electric()]
    assert reader.feed(b"##.." * 300 + electric()) == []
    assert 1000 < reader.skipped < 1010
