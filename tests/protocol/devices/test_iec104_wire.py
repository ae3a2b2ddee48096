"""IEC 60870-5-104 octet by octet: windows, timers, and stations that send nonsense, hang or lie."""

from __future__ import annotations

import asyncio

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point
from millwright.devices.connectors.iec104.connector import Iec104Connector
from millwright.devices.connectors.iec104.settings import Iec104Settings
from millwright.kernel import Denied, Unavailable
from support.field_peer import Collected
from support.iec104_wire import STARTDT_ACT, TESTFR_ACT, TESTFR_CON, Wire, WireStation, frame

INTERROGATION = "64 01 06 00 01 00 00 00 00 14"
INTERROGATION_CON = "64 01 07 00 01 00 00 00 00 14"
INTERROGATION_TERM = "64 01 0a 00 01 00 00 00 00 14"
SINGLE = "01 01 03 00 01 00 e9 03 00 01"
"""M_SP_NA_1, spontaneous, station 1, object 1001, on."""


def settings(station: WireStation, **more: object) -> Iec104Settings:
    given = {"timeout_s": 10.0, "t1_s": 10.0, "t2_s": 5.0, "t3_s": 30.0} | more
    return Iec104Settings(hosts=(f"127.0.0.1:{station.port}",), **given)


async def answer_interrogation(wire: Wire, send: int, receive: int, *asdus: str) -> int:
    """Confirm, send what there is, terminate; the next sequence number."""
    for asdu in (INTERROGATION_CON, *asdus, INTERROGATION_TERM):
        await wire.information(send, receive, asdu)
        send += 1
    return send


async def until_lost(session) -> Unavailable:
    with pytest.raises(Unavailable) as lost:
        await session.run([Point(id="p", address="1:1001")], Collected())
    await session.close()
    return lost.value


async def test_a_station_that_never_starts_data_transfer_is_given_up_after_t1() -> None:
    async def serve(wire: Wire) -> None:
        assert await wire.hear() == STARTDT_ACT

    async with WireStation(serve) as station:
        with pytest.raises(Unavailable) as error:
            await Iec104Connector().open(settings(station, t1_s=0.3))
    assert error.value.code == "iec104.link_silent"
    assert "STARTDT" in error.value.message


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("69 04 01 00 00 00", "begins with 69"),
        ("68 03 01 00 00", "length 3"),
        ("68 fe 01 00 00", "length 254"),
        ("68 04 00 00 00 00", "without an ASDU"),
        ("68 04 01 00 01 00", "S frame"),
        ("68 04 03 00 00 00", "control octet 03"),
        ("68 04 47 00 00 00", "control octet 47"),
        ("68 04 83 01 00 00", "control octets 83 01"),
        ("68 05 43 00 00 00 00", "5 octets instead of 4"),
        ("68 04 07 00 00 00", "STARTDT_ACT"),
        ("68 04 01 00 04 00", "acknowledgement of 2"),
        (frame(1, 0, SINGLE), "frame 1 instead of 0"),
        (frame(0, 5, SINGLE), "acknowledgement of 5"),
        (frame(0, 0, SINGLE) + frame(0, 0, SINGLE), "frame 0 instead of 1"),
        ("48 54 54 50 2f 31 2e 31 20 34 30 30", "begins with 48"),
    ],
)
async def test_a_wrong_frame_ends_the_connection_and_says_why(sent: str, words: str) -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        await wire.say(sent)

    async with WireStation(serve) as station:
        lost = await until_lost(await Iec104Connector().open(settings(station)))
    assert lost.code == "iec104.link_malformed"
    assert words in lost.message


@pytest.mark.parametrize(
    "broken",
    [
        "01",
        "01 02 03 00 01 00 e9 03 00 01",
        "01 00 03 00 01 00",
        "0d 81 03 00 01 00 e9 03 00 00 00",
        "01 01 03 00 01 00 e9 03 00 01 01",
        "7e 01 0d 00 01 00 00 00 00 01",
        "00 01 03 00 01 00 e9 03 00 01",
        "27 01 03 00 01 00 e9 03 00 01",
    ],
)
async def test_an_asdu_that_cannot_be_read_is_skipped_and_the_next_is_taken(broken: str) -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        send = await answer_interrogation(wire, 0, 1)
        await wire.information(send, 1, broken)
        await wire.information(send + 1, 1, SINGLE)

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        taken = Collected()
        running = asyncio.create_task(session.run([Point(id="p", address="1:1001")], taken))
        assert await taken.until(lambda one: one.value is True)
        assert session.skipped == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_values_marked_as_a_test_are_no_values() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        send = await answer_interrogation(wire, 0, 1, SINGLE)
        await wire.information(send, 1, "01 01 83 00 01 00 e9 03 00 00")
        await wire.information(send + 1, 1, "01 01 03 00 01 00 ea 03 00 01")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        taken = Collected()
        points = [Point(id="p", address="1:1001"), Point(id="q", address="1:1002")]
        running = asyncio.create_task(session.run(points, taken))
        await taken.until(lambda one: one.point_id == "q" and one.quality == GOOD)
        assert {one.value for one in taken.samples if one.point_id == "p"} == {True}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_we_acknowledge_after_w_frames_and_after_t2() -> None:
    heard: list[str] = []

    async def serve(wire: Wire) -> None:
        await wire.start()
        for number in range(4):
            await wire.information(number, 0, SINGLE)
        heard.append(await wire.hear())
        await wire.information(4, 0, SINGLE)
        heard.append(await wire.hear())

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, w=4, t2_s=0.3))
        async with asyncio.timeout(30):
            while len(heard) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await session.close()
    assert heard == ["68 04 01 00 08 00", "68 04 01 00 0a 00"]


async def test_a_silent_station_is_tested_after_t3_and_given_up_after_t1() -> None:
    tests = 0

    async def serve(wire: Wire) -> None:
        nonlocal tests
        await wire.start()
        await wire.hear()
        await answer_interrogation(wire, 0, 1, SINGLE)
        await wire.say(TESTFR_ACT)
        while (heard := await wire.hear()) != TESTFR_CON:
            assert heard
        while tests < 3:
            heard = await wire.hear()
            if heard == TESTFR_ACT:
                tests += 1
                if tests < 3:
                    await wire.say(TESTFR_CON)

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, t3_s=0.2, t1_s=0.5))
        lost = await until_lost(session)
    assert tests == 3
    assert lost.code == "iec104.link_silent"
    assert "TESTFR_ACT" in lost.message


async def test_what_is_not_delivered_is_not_acknowledged() -> None:
    acknowledged: list[int] = []
    full = asyncio.Event()

    async def serve(wire: Wire) -> None:
        await wire.start()
        assert (await wire.hear()).endswith(INTERROGATION)
        send = await answer_interrogation(wire, 0, 1)
        for number in range(send, 20):
            await wire.information(number, 1, SINGLE)
        while heard := await wire.hear():
            if heard.startswith("68 04 01 00"):
                acknowledged.append(int.from_bytes(bytes.fromhex(heard)[4:6], "little") // 2)

    async def deliver(samples) -> None:
        if any(one.value is True for one in samples):
            full.set()
            await release.wait()

    release = asyncio.Event()
    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, w=1, t2_s=0.1))
        running = asyncio.create_task(session.run([Point(id="p", address="1:1001")], deliver))
        async with asyncio.timeout(30):
            await full.wait()
            await asyncio.sleep(0.5)
            assert max(acknowledged) <= 2
            release.set()
            while max(acknowledged) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_a_command_that_is_not_confirmed_may_have_been_carried_out() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        assert (await wire.hear())[18:] == "2d 01 06 00 01 00 89 13 00 01"
        await wire.say("68 04 01 00 02 00")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, timeout_s=0.4))
        with pytest.raises(Unavailable) as error:
            await session.write("1:5001:C_SC_NA_1", True)
        await session.close()
    assert error.value.code == "iec104.unconfirmed"


async def test_a_command_that_is_not_even_acknowledged_ends_the_connection() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, t1_s=0.3))
        with pytest.raises(Unavailable) as error:
            await session.write("1:5001:C_SC_NA_1", True)
        await session.close()
    assert error.value.code == "iec104.link_silent"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("47", "negative confirmation"),
        ("6c", "unknown type"),
        ("6d", "unknown cause"),
        ("6e", "unknown common"),
        ("6f", "unknown info"),
    ],
)
async def test_a_refusal_says_in_words_what_the_station_said(cause: str, words: str) -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        await wire.information(0, 1, f"2d 01 {cause} 00 01 00 89 13 00 81")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        with pytest.raises(Denied, match=words):
            await session.write("1:5001:C_SC_NA_1:select", True)
        await session.close()


async def test_select_then_execute_then_termination_on_the_wire() -> None:
    heard: list[str] = []

    async def serve(wire: Wire) -> None:
        await wire.start()
        heard.append((await wire.hear())[18:])
        await wire.information(0, 1, "32 01 07 00 01 00 89 13 00 00 00 c0 3f 80")
        heard.append((await wire.hear())[18:])
        await wire.information(1, 2, "32 01 07 00 01 00 89 13 00 00 00 c0 3f 00")
        await wire.information(2, 2, "32 01 0a 00 01 00 89 13 00 00 00 c0 3f 00")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, wait_for_termination=True))
        await session.write("1:5001:C_SE_NC_1:select", 1.5)
        await session.close()
    assert heard == [
        "32 01 06 00 01 00 89 13 00 00 00 c0 3f 80",
        "32 01 06 00 01 00 89 13 00 00 00 c0 3f 00",
    ]


async def test_we_send_no_more_than_k_frames_unacknowledged() -> None:
    heard: list[str] = []

    async def serve(wire: Wire) -> None:
        await wire.start()
        heard.append(await wire.hear())
        heard.append(await wire.hear())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await wire.hear()
        await wire.say("68 04 01 00 04 00")
        heard.append(await wire.hear())
        for number, address in enumerate(("01", "02", "03")):
            await wire.information(number, 3, f"2d 01 07 00 01 00 {address} 00 00 01")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, k=2))
        await asyncio.gather(*(session.write(f"1:{number}:C_SC_NA_1", True) for number in (1, 2, 3)))
        await session.close()
    assert [one[18:] for one in heard] == [f"2d 01 06 00 01 00 0{number} 00 00 01" for number in (1, 2, 3)]


async def test_a_restarted_station_is_interrogated_again() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        assert (await wire.hear()).endswith(INTERROGATION)
        send = await answer_interrogation(wire, 0, 1, SINGLE)
        await wire.information(send, 1, "46 01 04 00 01 00 00 00 00 01")
        while not (heard := await wire.hear()).endswith(INTERROGATION):
            assert heard
        await answer_interrogation(wire, send + 1, 2, "01 01 14 00 01 00 e9 03 00 00")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        taken = Collected()
        running = asyncio.create_task(session.run([Point(id="p", address="1:1001:M_SP_NA_1")], taken))
        await taken.until(lambda one: one.value is True)
        await taken.until(lambda one: one.value is False)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_an_unanswered_interrogation_is_a_bad_value_and_changes_are_still_taken() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        await wire.say("68 04 01 00 02 00")
        await asyncio.sleep(1)
        await wire.information(0, 1, SINGLE)

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station, timeout_s=0.3))
        taken = Collected()
        running = asyncio.create_task(session.run([Point(id="p", address="1:1001:M_SP_NA_1")], taken))
        bad = await taken.until(lambda one: one.quality == BAD)
        assert bad.note == "the interrogation was not answered"
        await taken.until(lambda one: one.value is True)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_a_selection_that_is_given_up_before_execution_is_taken_back() -> None:
    heard: list[str] = []
    executed, taken_back = asyncio.Event(), asyncio.Event()

    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        await wire.information(0, 1, "2d 01 07 00 01 00 89 13 00 81")
        heard.append((await wire.hear())[18:])
        executed.set()
        heard.append((await wire.hear())[18:])
        taken_back.set()

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        writing = asyncio.create_task(session.write("1:5001:C_SC_NA_1:select", True))
        async with asyncio.timeout(30):
            await executed.wait()
            writing.cancel()
            await taken_back.wait()
        assert (await asyncio.gather(writing, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        await session.close()
    assert heard == ["2d 01 06 00 01 00 89 13 00 01", "2d 01 08 00 01 00 89 13 00 81"]


async def test_a_fault_of_our_own_ends_the_connection_instead_of_leaving_it_unread() -> None:
    async def serve(wire: Wire) -> None:
        await wire.start()
        await wire.hear()
        await wire.information(0, 1, SINGLE)

    def fail(number: int, octets: bytes) -> None:
        raise RuntimeError("on purpose")

    async with WireStation(serve) as station:
        session = await Iec104Connector().open(settings(station))
        session.link._take = fail
        lost = await until_lost(session)
    assert lost.code == "iec104.link_malformed"
