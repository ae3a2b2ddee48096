"""Siemens S7 against python-snap7's server in a process, and against a CPU written octet by octet."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point
from millwright.devices.connectors.s7.connector import S7Connector
from millwright.devices.connectors.s7.settings import S7Settings
from millwright.kernel import Denied, Unavailable
from support.field_peer import Collected, Peer
from support.ports import free_port
from support.s7_wire import WireCpu


def settings(port: int, **more: object) -> S7Settings:
    return S7Settings(host="127.0.0.1", port=port, **({"timeout_s": 10.0} | more))


async def test_values_of_a_cpu_are_read_written_and_followed() -> None:
    port = free_port()
    async with Peer("s7_cpu.py", port) as cpu:
        session = await S7Connector().open(settings(port))
        try:
            wanted = {
                "DB1.DBD4:REAL": 21.5,
                "DB1.DBW2:INT": -1234,
                "DB1.DBX0.3": True,
                "DB1.DBX0.2": False,
                "MW10:INT": 77,
                "I0.0": True,
                "E0.1": False,
                "Q0.1": False,
                "DB1.DBB40:STRING[20]": "Pump",
                "DB1.DBX1100.0:LREAL": 2.5,
                "DB1.DBW20:INT[8]": json.dumps(list(range(8))),
            }
            samples = await session.read(list(wanted))
            assert {one.point_id: one.value for one in samples} == wanted
            assert {one.quality for one in samples} == {GOOD}
            missing = await session.read(["DB99.DBW0", "DB7.DBW40", "DB1.DBW0"])
            assert [one.quality for one in missing] == [BAD, BAD, GOOD]
            assert "does not exist" in missing[0].note
            assert "beyond" in missing[1].note

            for address, value in (
                ("DB1.DBD4:REAL", -3.25),
                # Its server writes the whole byte for whichever bit: others are tried octet by octet below.
                ("DB1.DBX0.0", True),
                ("Q0.0", True),
                ("DB1.DBB40:STRING[20]", "Valve 7"),
                ("DB1.DBW22:INT", 4711),
            ):
                await session.write(address, value)
                assert (await session.read([address]))[0].value == value
            with pytest.raises(Denied):
                await session.write("DB99.DBW0", 1)

            identity = await session.identify()
            assert identity.vendor == "Siemens"
            assert identity.product
            assert identity.fingerprint

            taken = Collected()
            points = [
                Point(id="real", address="DB1.DBD4:REAL", interval_ms=20),
                Point(id="gone", address="DB99.DBW0", interval_ms=20),
                Point(id="slow", address="MW10:INT", interval_ms=60_000),
            ]
            running = asyncio.create_task(session.run(points, taken))
            await taken.until(lambda one: one.point_id == "slow" and one.value == 77)
            await taken.until(lambda one: one.point_id == "gone" and one.quality == BAD)
            await cpu.tell("real 8.5")
            await taken.until(lambda one: one.value == 8.5)
            await cpu.kill()
            with pytest.raises(Unavailable):
                await running
        finally:
            await session.close()
    with pytest.raises(Unavailable) as unreachable:
        await S7Connector().open(settings(port))
    assert unreachable.value.code == "s7.unreachable"


async def test_a_cpu_that_hangs_is_given_up_and_taken_again_after_it_goes_on() -> None:
    port = free_port()
    async with Peer("s7_cpu.py", port) as cpu:
        session = await S7Connector().open(settings(port, timeout_s=0.5))
        cpu.signal(signal.SIGSTOP)
        with pytest.raises(Unavailable):
            await session.read(["MW10:INT"])
        await session.close()
        cpu.signal(signal.SIGCONT)
        session = await S7Connector().open(settings(port))
        assert (await session.read(["MW10:INT"]))[0].value == 77
        await session.close()


def expected(start: int, size: int) -> int:
    return int.from_bytes(bytes((start + at) % 251 for at in range(size)))


async def test_near_values_are_one_item_and_many_items_one_job_within_the_negotiated_length() -> None:
    async with WireCpu(pdu_length=240) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        near = [f"DB1.DBW{start}" for start in range(0, 40, 4)]
        assert [one.value for one in await session.read(near)] == [expected(start, 2) for start in range(0, 40, 4)]
        assert cpu.jobs == [[(1, 0, 38)]]
        cpu.jobs.clear()
        far = [f"DB1.DBD{start}" for start in range(0, 1900, 100)]
        assert [one.value for one in await session.read(far)] == [expected(start, 4) for start in range(0, 1900, 100)]
        assert [len(job) for job in cpu.jobs] == [19]
        cpu.jobs.clear()
        dense = [f"DB1.DBW{start}" for start in range(0, 1000, 2)]
        assert [one.value for one in await session.read(dense)] == [expected(start, 2) for start in range(0, 1000, 2)]
        assert len(cpu.jobs) == 5
        assert max(cpu.answers) <= 240
        (long,) = await session.read(["DB1.DBB0:BYTE[600]"])
        assert json.loads(str(long.value)) == [at % 251 for at in range(600)]
        odd = [f"DB1.DBB{start}" for start in range(1, 700, 50)]
        assert [one.value for one in await session.read(odd)] == [start % 251 for start in range(1, 700, 50)]
        await session.close()


async def test_one_value_that_is_not_there_does_not_take_its_neighbours_along() -> None:
    async with WireCpu(size=100) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        for _ in range(2):
            samples = await session.read(["DB1.DBW96", "DB1.DBW98", "DB1.DBW100", "DB2.DBW0"])
            assert [one.quality for one in samples] == [GOOD, GOOD, BAD, BAD]
            assert samples[0].value == expected(96, 2)
            assert "optimised" in samples[3].note
        assert len(cpu.jobs) == 3
        await session.close()


async def test_what_is_written_octet_by_octet() -> None:
    async with WireCpu() as cpu:
        session = await S7Connector().open(settings(cpu.port))
        await session.write("DB1.DBD4:REAL", 1.5)
        await session.write("DB1.DBX2.5", True)
        await session.write("DB1.DBB10:STRING[4]", "ab")
        with pytest.raises(Denied, match="does not exist"):
            await session.write("DB2.DBW0", 1)
        await session.close()
    assert cpu.written[:3] == [
        "05 01 12 0a 10 02 00 04 00 01 84 00 00 20 00 04 00 20 3f c0 00 00",
        "05 01 12 0a 10 01 00 01 00 01 84 00 00 15 00 03 00 01 01",
        "05 01 12 0a 10 02 00 04 00 01 84 00 00 50 00 04 00 20 04 02 61 62",
    ]


async def test_a_cpu_without_put_and_get_says_so() -> None:
    async with WireCpu(refuse=0x8104) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        (sample,) = await session.read(["DB1.DBW0"])
        assert (sample.quality, sample.note) == (BAD, "the CPU does not permit PUT/GET")
        with pytest.raises(Denied, match="PUT/GET") as refused:
            await session.write("DB1.DBW0", 1)
        assert "Permit PUT/GET" in refused.value.hint
        await session.close()


async def test_a_wrong_rack_or_slot_is_a_refused_connection() -> None:
    async with WireCpu(connect_refused=True) as cpu:
        with pytest.raises(Denied) as refused:
            await S7Connector().open(settings(cpu.port, slot=5))
    assert refused.value.code == "s7.connection_refused"


async def test_the_answer_to_a_job_that_was_given_up_is_skipped() -> None:
    async with WireCpu(stale_first=True) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        assert (await session.read(["DB1.DBB7"]))[0].value == 7
        assert (await session.read(["DB1.DBB9"]))[0].value == 9
        await session.close()


@pytest.mark.parametrize(
    "garbage",
    [
        "00",
        "32 03 00 00 NN NN 00 02 00 00 00 00 04 01",
        "32 03 00 00 NN NN 00 02 00 06 00 00 04 01 ff 04 00 20 01 02",
        "32 03 00 00 NN NN 00 02 00 06 00 00 04 02 ff 04 00 10 01 02",
        "32 03 00 00 NN NN 00 02 00 ff 00 00 04 01 ff 04 00 10 01 02",
        "32 03 00 00 NN NN 00 02 00 04 00 00 04 01 ff 04 00 10",
        "33 03 00 00 NN NN 00 02 00 06 00 00 04 01 ff 04 00 10 01 02",
    ],
)
async def test_an_answer_that_is_none_ends_the_session(garbage: str) -> None:
    async with WireCpu(garbage=garbage) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        with pytest.raises(Unavailable):
            await session.read(["DB1.DBW0"])
        await session.close()


async def test_a_cancelled_read_leaves_the_session_usable() -> None:
    async with WireCpu(hang=True) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        reading = asyncio.create_task(session.read(["DB1.DBW0"]))
        while not session.jobs_sent:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        cpu.hang = False
        assert (await session.read(["DB1.DBB3"]))[0].value == 3
        await session.close()
