"""Peers that lie, hang, die and come late, byte by byte."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD
from millwright.devices.connectors.modbus.framing import crc
from millwright.kernel import Denied, Unavailable
from support.modbus import Liar, following, session, wire


def parts(question: bytes) -> tuple[int, int, bytes]:
    """Transaction, unit and PDU of a Modbus/TCP frame; written here without the codec."""
    transaction, _, _, unit = struct.unpack(">HHHB", question[:7])
    return transaction, unit, question[7:]


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def values(pdu: bytes, first: int = 100) -> bytes:
    """An honest answer to a read of registers: 100, 101, …"""
    count = int.from_bytes(pdu[3:5], "big")
    return bytes((pdu[0], 2 * count)) + struct.pack(f">{count}H", *range(first, first + count))


def honest(question: bytes) -> Sequence[bytes]:
    transaction, unit, pdu = parts(question)
    return [frame(transaction, unit, values(pdu))]


LIES: dict[str, tuple[Callable[[int, int, bytes], bytes], str]] = {
    "another transaction": (lambda t, u, p: frame(t + 1, u, values(p)), "no answer"),
    "another unit": (lambda t, u, p: frame(t, u + 1, values(p)), "unit 2"),
    "another function": (lambda t, u, p: frame(t, u, b"\x04" + values(p)[1:]), "function 4"),
    "too few bytes": (lambda t, u, p: frame(t, u, values(p)[:-1]), "asked were 4"),
    "too many bytes": (lambda t, u, p: frame(t, u, values(p) + b"\0"), "asked were 4"),
    "a wrong count": (lambda t, u, p: frame(t, u, bytes((3, 2)) + values(p)[2:]), "2 bytes announced"),
    "a busy device": (lambda t, u, p: frame(t, u, bytes((p[0] | 0x80, 6))), "server device busy (exception 6)"),
    "an unheard-of exception": (lambda t, u, p: frame(t, u, bytes((p[0] | 0x80, 77))), "exception 77"),
    "a long exception": (lambda t, u, p: frame(t, u, bytes((p[0] | 0x80, 2, 2))), "exception of 3 bytes"),
    "half a frame": (lambda t, u, p: frame(t, u, values(p))[:9], "no answer"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_bad_sample_and_the_next_truth_is_believed(lie: str) -> None:
    told, note = LIES[lie]
    liar = Liar(lambda question: [told(*parts(question))])
    async with liar.serving() as port, session(port=port, timeout_s=0.8) as opened:
        samples = await opened.read(["holding:0", "holding:1"])
        assert [(s.value, s.quality) for s in samples] == [(None, BAD)] * 2
        assert note in samples[0].note
    liar = Liar(lambda question: [told(*parts(question))] if len(liar.heard) == 1 else honest(question))
    if lie == "half a frame":
        return  # What follows half a frame is its other half; nobody can know better.
    async with liar.serving() as port, session(port=port, timeout_s=0.8) as opened:
        await opened.read(["holding:0"])
        assert [s.value for s in await opened.read(["holding:0", "holding:1"])] == [100, 101]


async def test_a_late_answer_is_not_taken_for_the_next() -> None:
    late: list[bytes] = []

    def answer(question: bytes) -> Sequence[bytes]:
        transaction, unit, pdu = parts(question)
        if not late:
            late.append(frame(transaction, unit, values(pdu, 7)))
            return []
        return [late[0], frame(transaction, unit, values(pdu, 100))]

    async with Liar(answer).serving() as port, session(port=port, timeout_s=0.7) as opened:
        assert [s.quality for s in await opened.read(["holding:0"])] == [BAD]
        assert [s.value for s in await opened.read(["holding:0"])] == [100]


async def test_an_answer_in_single_bytes_is_an_answer() -> None:
    liar = Liar(lambda question: [bytes((byte,)) for byte in honest(question)[0]])
    async with liar.serving() as port, session(port=port) as opened:
        assert [s.value for s in await opened.read(["holding:0", "holding:1"])] == [100, 101]


@pytest.mark.parametrize("noise", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\1\0\0\0\0\1", b"\0\1\0\0\xff\xff\1"])
async def test_what_is_no_modbus_ends_the_connection(noise: bytes) -> None:
    async with Liar(lambda _: [noise]).serving() as port, session(port=port) as opened:
        with pytest.raises(Unavailable) as caught:
            await opened.read(["holding:0"])
        assert caught.value.code == "connectors.lost"


@pytest.mark.parametrize("transport", ["tcp", "rtu_over_tcp"])
async def test_a_peer_that_hangs_up_ends_run_and_call(transport: str) -> None:
    async with Liar(lambda _: None).serving() as port:
        async with session(port=port, transport=transport) as opened:
            with pytest.raises(Unavailable):
                await opened.read(["holding:0"])
            with pytest.raises(Unavailable):
                await opened.write("holding:0", 1)
        async with session(port=port, transport=transport) as opened:
            with pytest.raises(Unavailable):
                async with following(opened, {"a": "holding:0"}) as followed:
                    await followed.until(lambda _: False)


async def test_a_lost_connection_is_noticed_between_two_readings() -> None:
    """The next reading is an hour away; nobody waits for it."""
    ended: list[bool] = []
    liar = Liar(honest)
    async with liar.serving() as port, session(port=port) as opened:
        with pytest.raises(Unavailable):
            async with following(opened, {"a": "holding:0"}, interval_ms=3_600_000) as followed:
                await followed.until(lambda seen: bool(seen.samples))
                liar._writers[0].close()
                await followed.until(lambda _: False)
        ended.append(True)
    assert ended


async def test_a_hung_peer_gives_bad_samples_and_then_an_end() -> None:
    async with Liar(lambda _: []).serving() as port, session(port=port, timeout_s=0.1, rest_s=0.1) as opened:
        with pytest.raises(Unavailable) as caught:
            async with following(opened, {"a": "holding:0"}) as followed:
                await followed.until(lambda _: False)
        assert caught.value.code == "connectors.no_answer"
        assert [(s.value, s.quality) for s in followed.samples] == [(None, BAD)]
        assert "no answer within 0.1 s" in followed.samples[0].note


@pytest.mark.parametrize("how", ["silent", "gateway says so"])
async def test_a_dead_unit_behind_a_gateway_does_not_hold_up_the_others(how: str) -> None:
    asked: list[int] = []

    def answer(question: bytes) -> Sequence[bytes]:
        transaction, unit, pdu = parts(question)
        asked.append(unit)
        if unit == 9:
            return [] if how == "silent" else [frame(transaction, unit, bytes((pdu[0] | 0x80, 11)))]
        return honest(question)

    points = {f"dead{n}": f"9:holding:{200 * n}" for n in range(20)} | {
        f"{unit}": f"{unit}:holding:0" for unit in (1, 2, 3)
    }
    async with (
        Liar(answer).serving() as port,
        session(port=port, timeout_s=1, rest_s=60) as opened,
        following(opened, points, interval_ms=20) as followed,
    ):
        await followed.until(lambda seen: all(len(seen.of(str(unit))) >= 30 for unit in (1, 2, 3)))
    assert {s.value for s in followed.of("1")} == {100}
    assert len([s for s in followed.samples if s.point_id.startswith("dead")]) >= 20
    assert {s.quality for s in followed.of("dead7")} == {BAD}
    # Twenty blocks of a dead unit cost one wait and not twenty each round.
    assert 3 * asked.count(9) < len(followed.of("1"))


async def test_a_unit_that_comes_back_is_read_again() -> None:
    back = asyncio.Event()

    def answer(question: bytes) -> Sequence[bytes]:
        return honest(question) if back.is_set() or parts(question)[1] == 1 else []

    async with (
        Liar(answer).serving() as port,
        session(port=port, timeout_s=0.1, rest_s=0.2) as opened,
        following(opened, {"a": "9:holding:0", "b": "holding:0"}) as followed,
    ):
        await followed.until(lambda seen: bool(seen.of("a")))
        back.set()
        await followed.until(lambda seen: seen.of("a")[-1].quality == GOOD)
    assert followed.of("a")[-1].value == 100


async def test_several_questions_are_under_way_where_allowed() -> None:
    """With ``at_once`` the second question goes out before the first is answered; answers may come in any order."""
    held: list[bytes] = []

    def answer(question: bytes) -> Sequence[bytes]:
        questions = [question[at : at + 12] for at in range(0, len(question), 12)]
        held.extend(questions)
        if len(held) < 2:
            return []
        out = [honest(each)[0] for each in reversed(held)]
        held.clear()
        return out

    async with Liar(answer).serving() as port, session(port=port, at_once=2, timeout_s=5) as opened:
        one, two = await asyncio.gather(opened.read(["1:holding:0"]), opened.read(["2:holding:0"]))
        assert [one[0].value, two[0].value] == [100, 100]


# --- writes ---------------------------------------------------------------------------------------------------------


class Registers:
    """A device with one register that may not do as it is told."""

    def __init__(self, **ways: bool) -> None:
        self.held = 5
        self.ways = ways
        self.functions: list[int] = []

    def __call__(self, question: bytes) -> Sequence[bytes]:
        transaction, unit, pdu = parts(question)
        self.functions.append(pdu[0])
        if pdu[0] == 3:
            if self.ways.get("write_only"):
                return [frame(transaction, unit, b"\x83\x02")]
            return [frame(transaction, unit, b"\x03\x02" + self.held.to_bytes(2, "big"))]
        if pdu[0] == 22:
            return [frame(transaction, unit, b"\x96\x01")]
        if pdu[0] in (6, 16):
            if not self.ways.get("stubborn"):
                self.held = int.from_bytes(pdu[-2:], "big")
            if self.ways.get("garbled"):
                return [frame(transaction, unit, pdu[:3] + b"\xff\xff")]
            if self.ways.get("silent"):
                return []
            return [frame(transaction, unit, pdu if pdu[0] == 6 else pdu[:5])]
        return [frame(transaction, unit, bytes((pdu[0] | 0x80, 1)))]


@pytest.mark.parametrize(
    ("ways", "error", "code"),
    [
        ({"stubborn": True}, Denied, "connectors.not_taken"),
        ({"garbled": True}, Unavailable, "connectors.unconfirmed"),
        ({"silent": True}, Unavailable, "connectors.unconfirmed"),
    ],
)
async def test_a_write_that_was_not_confirmed_is_none(ways: dict[str, bool], error: type[Exception], code: str) -> None:
    async with Liar(Registers(**ways)).serving() as port, session(port=port, timeout_s=0.3) as opened:
        with pytest.raises(error) as caught:
            await opened.write("holding:0", 9)
        assert caught.value.code == code  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ways", "settings", "functions"),
    [
        ({}, {}, [6, 3]),
        ({}, {"write_with": "multiple"}, [16, 3]),
        ({}, {"read_back": False}, [6]),
        ({"write_only": True}, {}, [6, 3]),
        ({"stubborn": True}, {"read_back": False}, [6]),
    ],
)
async def test_how_a_register_is_written(ways: dict[str, bool], settings: dict[str, Any], functions: list[int]) -> None:
    registers = Registers(**ways)
    async with Liar(registers).serving() as port, session(port=port, **settings) as opened:
        await opened.write("holding:0", 9)
    assert registers.functions == functions


async def test_without_mask_write_a_bit_is_read_changed_and_written() -> None:
    registers = Registers()
    async with Liar(registers).serving() as port, session(port=port) as opened:
        await opened.write("holding:0.3", True)
        assert registers.held == 5 | 8
        await opened.write("holding:0.0", False)
        assert registers.held == 12
    assert registers.functions == [22, 3, 6, 3, 3, 6, 3], "it is asked once whether it knows mask write"


# --- on a wire ------------------------------------------------------------------------------------------------------


class Wire:
    """The far end of a cable: answers whole questions of eight bytes with what it was told."""

    def __init__(self, far: int, answer: Callable[[bytes], Sequence[bytes]]) -> None:
        self.far, self.answer = far, answer
        self.heard = bytearray()
        self.gaps: list[float] = []
        self._last = 0.0
        asyncio.get_running_loop().add_reader(far, self._read)

    def _read(self) -> None:
        now = time.monotonic()
        self.heard += os.read(self.far, 4096)
        if len(self.heard) < 8:
            return
        question = bytes(self.heard[:8])
        assert crc(question[:6]) == question[6:]
        self.heard.clear()
        if self._last:
            self.gaps.append(now - self._last)
        for piece in self.answer(question):
            os.write(self.far, piece)
        self._last = time.monotonic()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.far)


def rtu(unit: int, pdu: bytes) -> bytes:
    return bytes((unit,)) + pdu + crc(bytes((unit,)) + pdu)


async def on_a_wire(answer: Callable[[bytes], Sequence[bytes]], **settings: Any) -> list[tuple[Any, str]]:
    with wire() as (far, path):
        peer = Wire(far, answer)
        try:
            async with session(transport="rtu", serial_port=path, **({"timeout_s": 0.5} | settings)) as opened:
                samples = await opened.read(["holding:0", "holding:1"])
                return [(sample.value, sample.note) for sample in samples]
        finally:
            peer.close()


async def test_rtu_among_noise_echo_and_the_frames_of_others() -> None:
    good = [(100, ""), (101, "")]
    assert await on_a_wire(lambda q: [rtu(1, values(q[1:6]))], timeout_s=10) == good
    assert await on_a_wire(lambda q: [b"\0\xff\1", rtu(1, values(q[1:6])), b"\0"], timeout_s=10) == good
    assert await on_a_wire(lambda q: [q, rtu(1, values(q[1:6]))], timeout_s=10) == good
    assert await on_a_wire(lambda q: [rtu(2, values(q[1:6], 7)), rtu(1, values(q[1:6]))], timeout_s=10) == good


async def test_rtu_lies_are_told_apart() -> None:
    async def note(answer: Callable[[bytes], Sequence[bytes]]) -> str:
        found = await on_a_wire(answer)
        assert {value for value, _ in found} == {None}
        return found[0][1]

    assert "check sum" in await note(lambda q: [rtu(1, values(q[1:6]))[:-1] + b"\0"])
    assert "no answer within" in await note(lambda q: [])
    assert "illegal data value (exception 3)" in await note(lambda q: [rtu(1, b"\x83\x03")])
    assert "are no answer" in await note(lambda q: [rtu(2, values(q[1:6]))])
    assert "are no answer" in await note(lambda q: [rtu(1, values(q[1:6]))[:5]])
    assert "are no answer" in await note(lambda q: [rtu(1, b"\x03\x02\0\7")])
    assert "without end" in await note(lambda q: [b"\xee" * 4000, b"\xee" * 4000])


async def test_rtu_keeps_silence_between_frames() -> None:
    with wire() as (far, path):
        peer = Wire(far, lambda q: [rtu(1, values(q[1:6]))])
        try:
            async with session(transport="rtu", serial_port=path, baud_rate=1200) as opened:
                for _ in range(4):
                    assert [s.value for s in await opened.read(["holding:0"])] == [100]
        finally:
            peer.close()
    assert min(peer.gaps) >= 3.5 * 11 / 1200 * 0.9


async def test_a_late_answer_on_a_wire_is_thrown_away_with_the_rest() -> None:
    """What comes while nobody asks belongs to nobody."""
    with wire() as (far, path):
        asked: list[bytes] = []

        def answer(question: bytes) -> Sequence[bytes]:
            asked.append(question)
            return [] if len(asked) == 1 else [rtu(1, values(question[1:6]))]

        peer = Wire(far, answer)
        try:
            async with session(transport="rtu", serial_port=path, timeout_s=0.7) as opened:
                assert [s.quality for s in await opened.read(["holding:0"])] == [BAD]
                os.write(far, rtu(1, values(asked[0][1:6], 7)))
                line = opened._link.line
                before = line.used_at
                for _ in range(2000):
                    if line.used_at != before:
                        break
                    await asyncio.sleep(0.005)
                assert [s.value for s in await opened.read(["holding:0"])] == [100]
        finally:
            peer.close()


async def test_the_answer_to_a_question_that_was_given_up_is_not_taken_for_the_next() -> None:
    with wire() as (far, path):
        asked: list[bytes] = []
        came = asyncio.Event()

        def answer(question: bytes) -> Sequence[bytes]:
            asked.append(question)
            came.set()
            return [] if len(asked) == 1 else [rtu(1, values(question[1:6], 200))]

        peer = Wire(far, answer)
        try:
            async with session(transport="rtu", serial_port=path, timeout_s=5) as opened:
                first = asyncio.ensure_future(opened.read(["holding:0"]))
                await came.wait()
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                second = asyncio.ensure_future(opened.read(["holding:50"]))
                await asyncio.sleep(0.05)
                os.write(far, rtu(1, values(asked[0][1:6], 100)))
                assert [sample.value for sample in await second] == [200]
        finally:
            peer.close()


async def test_a_pulled_adapter_is_a_lost_connection() -> None:
    import pty
    import tty

    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    path = os.ttyname(theirs)
    async with session(transport="rtu", serial_port=path) as opened:
        os.close(theirs)
        with pytest.raises(Unavailable):
            async with following(opened, {"a": "holding:0"}, interval_ms=3_600_000) as followed:
                os.close(ours)
                await followed.until(lambda _: False)
