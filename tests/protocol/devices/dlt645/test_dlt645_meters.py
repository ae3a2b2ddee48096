"""The connector against simulated meters, over a pair of pseudo terminals and TCP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD
from millwright.devices.connectors.dlt645.connector import Dlt645Connector
from millwright.devices.connectors.dlt645.settings import Dlt645Settings
from millwright.kernel import Invalid, Unavailable, Unsupported
from support.dlt645 import Line, Meter, by_serial, by_tcp
from support.modbus import following

FULL = {
    "00010000": "78563412",
    "0001FF00": "78563412 00010000 00020000 00030000 00040000",
    "02010100": "0123",
    "0201FF00": "0123 0223 0323",
    "01010000": "345612 3014251126",
    "04800003": "00" * 23 + "534B524F57204D5550",
    "0400040B": "00000000303335445444",
    "04800001": "00" * 29 + "312E32",
    "04000402": "785634129078",
}


def meter(number: str = "000000000001", **more: Any) -> Meter:
    return Meter(number, FULL, **more)


@pytest.fixture(params=[by_serial, by_tcp])
def reach(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_values_of_two_meters_are_read_and_followed(reach: Any) -> None:
    one, two = meter(), Meter("112233445566", {"00010000": "01000000", "02010100": "0022"})
    line = Line(one, two)
    addresses = [
        "000000000001:00010000",
        "000000000001:0201FF00.1",
        "112233445566:00010000",
        "000000000001:01010000.time",
        "112233445566:02010100",
        "000000000001:0201FF00.0",
    ]
    async with reach(line, pause_ms=0) as opened:
        samples = await opened.read(addresses)
        assert [sample.point_id for sample in samples] == addresses
        assert [s.value for s in samples] == [123456.78, 230.2, 0.01, "2026-11-25T14:30", 220.0, 230.1]
        assert one.asked.count("0201FF00") == 1, "a block is asked for once"
        assert line.heard.startswith(b"\xfe\xfe\xfe\xfe\x68")
        async with following(opened, {address: address for address in addresses}, interval_ms=20) as followed:
            await followed.until(lambda seen: all(len(seen.of(address)) >= 3 for address in addresses))
        assert {(s.value, s.quality, s.time_ms) for s in followed.of(addresses[2])} == {(0.01, GOOD, None)}


async def test_an_answer_in_many_frames_is_put_together(reach: Any) -> None:
    split = meter(most=3)
    async with reach(Line(split), pause_ms=0) as opened:
        samples = await opened.read([f"000000000001:0001FF00.{n}" for n in range(5)])
    assert [sample.value for sample in samples] == [123456.78, 1.0, 2.0, 3.0, 4.0]
    assert split.asked == ["0001FF00"] * 7


async def test_the_one_meter_of_a_line_needs_no_number(reach: Any) -> None:
    async with reach(Line(meter("123456789012")), pause_ms=0) as opened:
        (sample,) = await opened.read(["02010100"])
        assert sample.value == 230.1
        found = await opened.identify()
    assert found.vendor == "PUM WORKS"
    assert (found.product, found.version, found.serial) == ("DTD530", "2.1", "789012345678")
    assert found.note == "meter 123456789012"
    assert found.fingerprint


async def test_what_a_meter_does_not_know_is_bad_and_told_once() -> None:
    known = meter()
    async with (
        by_serial(Line(known), pause_ms=0) as opened,
        following(opened, {"a": "02800002", "b": "02010100"}, interval_ms=20) as followed,
    ):
        await followed.until(lambda seen: len(seen.of("b")) >= 5)
    assert [(s.value, s.quality, s.note) for s in followed.of("a")] == [(None, BAD, "no such data (error 02H)")]
    assert known.asked.count("02800002") == 1, "the question costs time on the line"


async def test_a_dead_meter_does_not_hold_up_the_others() -> None:
    dead = meter("999900000001")
    dead.silent = True
    points = {
        f"dead{n}": f"999900000001:{identifier}" for n, identifier in enumerate(("00010000", "02010100", "01010000"))
    }
    async with (
        by_serial(Line(meter(), dead), pause_ms=0, timeout_s=0.5) as opened,
        following(opened, points | {"a": "000000000001:02010100"}, interval_ms=20) as followed,
    ):
        await followed.until(lambda seen: len(seen.of("a")) >= 20 and len(seen.samples) >= 23)
        assert {s.quality for s in followed.of("dead2")} == {BAD}
        dead.silent = False
        await followed.until(lambda seen: seen.of("dead0")[-1].quality == GOOD)
    assert followed.of("dead0")[-1].value == 123456.78


async def test_nobody_on_the_line_ends_the_session() -> None:
    async with by_tcp(Line(), timeout_s=0.1, rest_s=0.1, pause_ms=0) as opened:
        assert "no meter says its address: no answer" in (await opened.identify()).note
        with pytest.raises(Unavailable) as caught:
            async with following(opened, {"a": "02010100"}, interval_ms=20) as followed:
                await followed.until(lambda _: False)
        assert caught.value.code == "connectors.no_answer"
        assert [s.note for s in followed.samples] == ["no answer within 0.1 s"]


def resummed(frame: bytes) -> bytes:
    return frame[:-2] + bytes((sum(frame[:-2]) & 0xFF,)) + frame[-1:]


LIES: dict[str, tuple[Callable[[bytes], Sequence[bytes]], str]] = {
    "a wrong sum": (lambda a: [a[:-2] + bytes((a[-2] ^ 1, 0x16))], "check sum"),
    "no end": (lambda a: [a[:-1] + b"\x17"], "check sum"),
    "half an answer": (lambda a: [a[:9]], "no answer"),
    "another meter": (lambda a: [resummed(a[:1] + b"\x02" + a[2:])], "meter 000000000002"),
    "another function": (lambda a: [resummed(a[:8] + b"\x94" + a[9:])], "control 94H"),
    "another identifier": (lambda a: [resummed(a[:10] + b"\x34" + a[11:])], "does not fit"),
    "a long refusal": (lambda a: [resummed(a[:8] + b"\xd1" + a[9:])], "control D1H"),
    "the question again": (
        lambda a: [bytes.fromhex("6801000000000068110433333433B316")],
        "no answer",
    ),
    "noise without end": (lambda a: [b"\x68" * 3000, b"\x68" * 3000], "without end"),
    "nothing": (lambda a: [], "no answer within"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_bad_sample_and_the_next_truth_is_believed(lie: str) -> None:
    spoil, note = LIES[lie]
    liar = meter()
    liar.spoil = spoil
    async with by_serial(Line(liar), pause_ms=0, timeout_s=0.5) as opened:
        (sample,) = await opened.read(["000000000001:02010100"])
        assert (sample.value, sample.quality) == (None, BAD)
        assert note in sample.note
        liar.spoil = lambda answer: [answer]
        (sample,) = await opened.read(["000000000001:02010100"])
        assert sample.value == 230.1


@pytest.mark.parametrize("number", [0, 2])
async def test_frames_out_of_order_are_no_answer(number: int) -> None:
    liar = meter(most=4)

    def spoil(answer: bytes) -> Sequence[bytes]:
        if answer[8] & 0x1F != 0x12:
            return [answer]
        return [resummed(answer[:-3] + bytes((number + 0x33,)) + answer[-2:])]

    liar.spoil = spoil
    async with by_serial(Line(liar), pause_ms=0, timeout_s=0.5) as opened:
        (sample,) = await opened.read(["000000000001:0001FF00.4"])
    assert (sample.value, sample.quality) == (None, BAD)


async def test_frames_without_end_are_given_up() -> None:
    liar = meter(most=4)
    liar.data["0001FF00"] = bytes(1100 * 4)
    async with by_tcp(Line(liar), pause_ms=0) as opened:
        (sample,) = await opened.read(["000000000001:0001FF00.4"])
    assert sample.note == "frames without end"


async def test_an_answer_among_noise_in_single_bytes_is_read() -> None:
    slow = meter()
    slow.spoil = lambda answer: [b"\x00\x68\xff", *(bytes((byte,)) for byte in b"\xfe\xfe" + answer), b"\x00"]
    async with by_serial(Line(slow), pause_ms=0) as opened:
        (sample,) = await opened.read(["000000000001:00010000"])
    assert sample.value == 123456.78


async def test_settings_and_limits() -> None:
    with pytest.raises(Invalid):
        await Dlt645Connector().open(Dlt645Settings())
    with pytest.raises(Invalid):
        await Dlt645Connector().open(Dlt645Settings(transport="tcp"))
    async with by_tcp(Line()) as opened:
        with pytest.raises(Unsupported):
            await opened.write("000000000001:00010000", 1)
        with pytest.raises(Invalid):
            await opened.read(["nonsense"])
    assert Dlt645Connector().check_address("000000000001:02010100") == "number"
