"""The connector of LLRP against a reader: reports, antennas, clocks, loss, and readers that lie."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from millwright.devices.connectors import conformance
from millwright.devices.connectors.contract import BAD, Point, Sample
from millwright.devices.connectors.llrp import wire
from millwright.devices.connectors.llrp.connector import LlrpConnector
from millwright.devices.connectors.llrp.settings import LlrpSettings
from millwright.kernel import Denied, Unavailable
from support.llrp_reader import LlrpReader, Seen, llrp_reader, tlv
from support.mqtt import until

EPC96 = "E28011700000020D1F2A3B4C"
LONG = "3500A1B2C3D4E5F60718293A4B5C6D7E"


def settings(reader: LlrpReader, **more: Any) -> LlrpSettings:
    return LlrpSettings(host="127.0.0.1", port=reader.port, **{"keepalive_s": 0.3, "report_ms": 50} | more)


class Delivered(list[Sample]):
    async def __call__(self, samples: Sequence[Sample]) -> None:
        self.extend(samples)

    def sightings(self) -> list[dict[str, Any]]:
        """Those of the point ``r``."""
        texts = [json.loads(str(each.value)) for each in self if each.point_id == "r"]
        return [sighting for text in texts for sighting in text["sightings"]]


@asynccontextmanager
async def following(reader: LlrpReader, *addresses: str, **more: Any) -> AsyncIterator[tuple[Delivered, Any]]:
    session = await LlrpConnector().open(settings(reader, **more))
    points = [Point(id="r", address="reads"), *(Point(id=each, address=each) for each in addresses)]
    delivered = Delivered()
    running = asyncio.create_task(session.run(points, delivered))
    try:
        yield delivered, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def test_conformance() -> None:
    async with llrp_reader(tags=[Seen(EPC96)]) as reader:
        await conformance.check(
            LlrpConnector(),
            msgspec.to_builtins(settings(reader)),
            addresses=["reads", "tags", "antenna/1"],
            bad_address="antenna/99",
            malformed="tag/7",
            kill=reader.stop,
        )


async def test_what_a_reader_sees_is_reported() -> None:
    async with llrp_reader(tags=[Seen(EPC96, 2, -61), Seen(LONG, 4, -40)]) as reader:
        async with following(reader, "tags", "reads/4") as (delivered, _):
            await until(lambda: len(delivered.sightings()) >= 4, 20)
            sightings = {each["epc"]: each for each in delivered.sightings()}
            assert sightings.keys() == {EPC96, LONG}
            assert (sightings[EPC96]["antenna"], sightings[EPC96]["rssi"], sightings[EPC96]["count"]) == (2, -61, 3)
            assert sightings[EPC96]["ts"] - sightings[EPC96]["first"] in (299, 300, 301)
            await until(lambda: any(each.point_id == "tags" and each.value == 2 for each in delivered), 20)
            of_four = [each.value for each in delivered if each.point_id == "reads/4"]
            assert EPC96 not in str(of_four)
            assert LONG in str(of_four)
            times = [each.time_ms for each in delivered if each.point_id == "r" and each.time_ms is not None]
            assert times == sorted(set(times)), "every report has a time of its own"
        kinds = [kind for kind, _ in reader.got if kind != 72]
        assert kinds == [1, 2, 3, 21, 20, 24, 22, 21, 14]


async def test_an_empty_field_gives_signs_of_life() -> None:
    async with llrp_reader() as reader, following(reader) as (delivered, _):
        await until(lambda: len([each for each in delivered if each.point_id == "r"]) >= 3, 20)
        assert delivered.sightings() == []
        await until(lambda: reader.acknowledged >= 2, 20)


async def test_a_reader_without_a_clock_states_no_times() -> None:
    async with llrp_reader(tags=[Seen(EPC96)], utc=False) as reader, following(reader) as (delivered, _):
        await until(lambda: bool(delivered.sightings()), 20)
        assert "ts" not in delivered.sightings()[0]
        assert {each.time_ms for each in delivered} == {None}


async def test_antennas_and_exceptions_are_told() -> None:
    async with llrp_reader() as reader, following(reader, "antenna/3", "exception") as (delivered, _):
        await until(lambda: any(kind == 22 for kind, _ in reader.got), 20)
        reader.antenna(3, connected=False)
        reader.exception("the PA is too hot")
        await until(lambda: any(each.value == "the PA is too hot" for each in delivered), 20)
        assert [each.value for each in delivered if each.point_id == "antenna/3"] == [True, False]
        reports = [json.loads(str(each.value)) for each in delivered if each.point_id == "r"]
        assert reports[-1]["antennas_down"] == [3]
        reader.antenna(3, connected=True)
        await until(lambda: [each.value for each in delivered if each.point_id == "antenna/3"][-1] is True, 20)


async def test_a_crowd_is_reported_in_parts() -> None:
    crowd = [Seen(f"{0xE200 << 80 | number:024X}") for number in range(500)]
    async with llrp_reader(tags=crowd) as reader, following(reader) as (delivered, _):
        await until(lambda: len({each["epc"] for each in delivered.sightings()}) == 500, 20)
        assert max(len(str(each.value)) for each in delivered) < 8000, "a text value may have 8 KB"


async def test_nothing_more_is_read_while_many_reads_wait() -> None:
    crowd = [Seen(f"{number:024X}") for number in range(9_000)]
    async with llrp_reader(tags=crowd) as reader:
        session = await LlrpConnector().open(settings(reader))
        held, delivered = asyncio.Event(), Delivered()

        async def slow(samples: Sequence[Sample]) -> None:
            if any(json.loads(str(each.value))["sightings"] for each in samples):
                await held.wait()
            await delivered(samples)

        running = asyncio.create_task(session.run([Point(id="r", address="reads")], slow))
        try:
            await until(lambda: not session._link.room.is_set(), 30)
            assert 20_000 < session._reads_waiting <= 30_000
            assert sum(len(each) for each in session._pending) == session._reads_waiting
            reader.tags = []
            held.set()
            await until(lambda: session._link.room.is_set() and not session._reads_waiting, 30)
            assert len(delivered.sightings()) >= 3 * 9_000
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()


def test_a_report_of_too_many_tags_is_none() -> None:
    read = tlv(240, b"\x8d" + bytes(12))
    assert len(wire.reads_of(read * wire.MOST_READS)) == wire.MOST_READS
    with pytest.raises(wire.Malformed):
        wire.reads_of(read * (wire.MOST_READS + 1))


async def test_version_1_1_is_agreed_on() -> None:
    async with llrp_reader(tags=[Seen(EPC96)]) as reader, following(reader, version="1.1") as (delivered, _):
        await until(lambda: bool(delivered.sightings()), 20)
        assert reader.got[0] == (47, b"\x02")


async def test_a_reader_that_is_taken_says_so() -> None:
    async with llrp_reader() as reader, following(reader):
        with pytest.raises(Unavailable, match="taken") as refused:
            await LlrpConnector().open(settings(reader))
        assert refused.value.code == "llrp.taken"


async def test_a_refusal_is_told_in_the_reader_s_words() -> None:
    async with llrp_reader(refuse={20: (401, "antenna 9?")}) as reader, following(reader) as (_, running):
        with pytest.raises(Denied, match="antenna 9"):
            await asyncio.wait_for(running, 20)


async def test_no_sign_of_life_is_the_end() -> None:
    async with llrp_reader() as reader, following(reader, keepalive_s=0.2, timeout_s=0.2) as (_, running):
        reader.mute = True
        with pytest.raises(Unavailable, match="no sign of life"):
            await asyncio.wait_for(running, 20)


async def test_a_cut_is_the_end_and_the_reader_takes_us_again() -> None:
    async with llrp_reader(tags=[Seen(EPC96)]) as reader:
        async with following(reader) as (delivered, running):
            await until(lambda: bool(delivered.sightings()), 20)
            reader.drop()
            with pytest.raises(Unavailable):
                await asyncio.wait_for(running, 20)
        async with following(reader) as (delivered, _):
            await until(lambda: bool(delivered.sightings()), 20)


def _cut(data: bytes) -> bytes:
    return data[:-3] if data[1] == 61 else data


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "a length of 3": lambda data: data[:2] + b"\x00\x00\x00\x03" + data[6:] if data[1] == 61 else data,
    "a length of 2 GB": lambda data: data[:2] + b"\x7f\xff\xff\xff" + data[6:] if data[1] == 61 else data,
    "another version": lambda data: b"\x1c" + data[1:] if data[1] == 61 else data,
    "a parameter beyond the end": lambda data: data[:12] + b"\x0f\xff" + data[14:] if data[1] == 61 else data,
    "a parameter of no length": lambda data: data[:12] + b"\x00\x00" + data[14:] if data[1] == 61 else data,
    "a tag without an EPC": lambda data: struct.pack(">HII", 1 << 10 | 61, 14, 1) + tlv(240) if data[1] == 61 else data,
    "an EPC that is cut off": lambda data: (
        struct.pack(">HII", 1 << 10 | 61, 22, 1) + tlv(240, tlv(241, b"\x01\x00\xaa\xbb")) if data[1] == 61 else data
    ),
    "HTTP": lambda _: b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("how", SPOILED)
async def test_what_is_no_llrp_is_refused(how: str) -> None:
    async with llrp_reader(tags=[Seen(EPC96)]) as reader:
        reader.spoil = SPOILED[how]
        with pytest.raises(Unavailable) as refused:
            async with following(reader) as (_, running):
                await asyncio.wait_for(running, 20)
        assert refused.value.code in ("llrp.malformed", "llrp.no_greeting")
        assert refused.value.hint


async def test_something_that_only_listens_is_no_reader() -> None:
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.transport.abort()
        gone.set()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable) as refused:
            await LlrpConnector().open(LlrpSettings(host="127.0.0.1", port=port, timeout_s=0.3))
        assert refused.value.code == "llrp.no_greeting"
        await asyncio.wait_for(gone.wait(), 20)


async def test_an_antenna_that_is_not_there_is_bad() -> None:
    async with llrp_reader(antennas=2) as reader, following(reader, "reads/7") as (delivered, _):
        await until(lambda: any(each.point_id == "reads/7" for each in delivered), 20)
        assert next(each for each in delivered if each.point_id == "reads/7").quality == BAD


@pytest.mark.parametrize("data", [b"", b"\x04", b"\x81", b"\xff\x00", b"\x00\xf0\x00\x03", b"\x00\xf0\x00\x05"])
def test_octets_that_are_no_parameters(data: bytes) -> None:
    if not data:
        assert wire.reads_of(data) == []
        return
    with pytest.raises(wire.Malformed):
        wire.reads_of(data)
