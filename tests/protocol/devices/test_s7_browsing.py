"""Browsing and seeking S7 controllers: python-snap7's server, and a CPU written octet by octet that lists nothing."""

from __future__ import annotations

import pytest

from millwright.devices.connectors.contract import Node
from millwright.devices.connectors.s7.connector import S7Connector
from millwright.devices.connectors.s7.seeking import controllers_at
from millwright.devices.connectors.s7.session import S7Session
from millwright.devices.connectors.s7.settings import S7Settings
from millwright.kernel import Invalid, Unavailable
from support.field_peer import Peer
from support.ports import free_port
from support.s7_wire import WireCpu


def settings(port: int) -> S7Settings:
    return S7Settings(host="127.0.0.1", port=port, timeout_s=10.0)


async def every(session: S7Session, parent: str | None = None) -> list[Node]:
    items: list[Node] = []
    cursor = None
    for _ in range(100):
        page = await session.browse(parent, cursor)
        items += page.items
        if page.next is None:
            return items
        cursor = page.next
    raise AssertionError("a search without end")


async def test_data_blocks_areas_and_values_of_a_cpu() -> None:
    port = free_port()
    async with Peer("s7_cpu.py", port):
        session = await S7Connector().open(settings(port))
        try:
            found = {node.address: node.description for node in await every(session)}
            assert found == {
                "I": "16 bytes", "Q": "16 bytes", "M": "64 bytes", "DB1": "1200 bytes", "DB7": "40 bytes"
            }  # fmt: skip
            parts = await every(session, "DB1")
            assert parts[0].address == "DB1[0-127]"
            assert parts[-1].address == "DB1[1152-1199]"
            words = {node.address: node for node in await every(session, "DB1[0-127]")}
            assert len(words) == 64
            assert (words["DB1.DBW2:INT"].value, words["DB1.DBW22:INT"].value) == (-1234, 1)
            types = {node.address: node.value for node in await every(session, "DB1.DBW4:INT")}
            assert types["DB1.DBD4:REAL"] == 21.5
            texts = {node.address: node.value for node in await every(session, "DB1.DBW40:INT")}
            assert texts["DB1.DBB40:STRING[20]"] == "Pump"
            assert {node.address: node.value for node in await every(session, "DB1.DBW0:INT")}["DB1.DBX0.3"] is True
            assert {node.address: node.value for node in await every(session, "M")}["MW10:INT"] == 77
            proposed = [
                node.address for parent in ("DB1.DBW40:INT", "MW10:INT") for node in await every(session, parent)
            ]
            samples = await session.read(proposed)
            assert [one.point_id for one in samples if one.quality < 192] == [], "what is proposed can be read"
            # The last word: what would reach beyond the block is not proposed.
            assert "DB7.DBD38:REAL" not in [node.address for node in await every(session, "DB7.DBW38:INT")]
            for nowhere in ("cellar", "DB", "X[0-5]"):
                with pytest.raises(Invalid):
                    await session.browse(nowhere)
        finally:
            await session.close()


async def test_a_cpu_that_lists_nothing_is_asked_for_its_data_blocks_twenty_at_a_time() -> None:
    async with WireCpu(size=1001) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        first = await session.browse()
        found = await every(session)
        await session.close()
    assert {node.address: node.description for node in found} == {"DB1": "1001 bytes"}
    assert first.note is not None
    assert "does not list" in first.note.en
    assert first.share is not None
    assert len(cpu.jobs) < 300, "it is asked gently"
    assert max(cpu.answers) <= 240


async def test_the_last_byte_of_an_odd_length_is_a_byte() -> None:
    async with WireCpu(size=13) as cpu:
        session = await S7Connector().open(settings(cpu.port))
        assert [node.address for node in await every(session, "DB1")][-2:] == ["DB1.DBW10:INT", "DB1.DBB12:BYTE"]
        last = [node.address for node in await every(session, "DB1.DBB12:BYTE")]
        assert last[:1] == ["DB1.DBB12:SINT"]
        await session.close()


async def test_a_controller_is_sought_in_its_rack() -> None:
    port = free_port()
    async with Peer("s7_cpu.py", port):
        # Its server takes every place: one controller is found, and not one a place.
        (found,) = await controllers_at("127.0.0.1", S7Connector().open, port)
        assert found.settings == {"host": "127.0.0.1", "rack": 0, "slot": 1, "port": port}
        assert found.detail.startswith("rack 0, slot 1")
    with pytest.raises(Unavailable):
        await controllers_at("127.0.0.1", S7Connector().open, port)
    async with WireCpu(connect_refused=True) as cpu:
        assert await controllers_at("127.0.0.1", S7Connector().open, cpu.port) == []
    async with WireCpu(slots={3}) as cpu:
        (found,) = await controllers_at("127.0.0.1", S7Connector().open, cpu.port)
        assert (found.settings["rack"], found.settings["slot"]) == (0, 3)
