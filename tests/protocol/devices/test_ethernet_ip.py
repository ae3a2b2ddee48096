"""EtherNet/IP against cpppo's simulator in a process, and against a Logix controller written octet by octet."""

from __future__ import annotations

import asyncio
import json

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point
from millwright.devices.connectors.ethernet_ip import discovery
from millwright.devices.connectors.ethernet_ip.connector import EthernetIpConnector
from millwright.devices.connectors.ethernet_ip.settings import EthernetIpSettings
from millwright.kernel import Denied, Invalid, Unavailable
from support.field_peer import Collected, Peer
from support.logix_wire import LogixWire
from support.ports import free_port


def settings(port: int, **more: object) -> EthernetIpSettings:
    return EthernetIpSettings(host="127.0.0.1", port=port, **({"timeout_s": 10.0} | more))


async def test_declared_tags_of_a_simulator_are_read_written_followed_and_lost() -> None:
    port = free_port()
    async with Peer("cpppo_controller.py", port) as controller:
        session = await EthernetIpConnector().open(settings(port, tags="declared"))
        try:
            for address, value in (
                ("Count:DINT", 77),
                ("Speeds[3]:REAL", 1.5),
                ("On:BOOL", True),
                ("Big:LINT", 2**40),
                ("Ratio:LREAL", 0.1),
                ("Small[399]:INT", -5),
            ):
                await session.write(address, value)
                assert (await session.read([address]))[0].value == value
            several = [
                "Count:DINT",
                "Nothing:DINT",
                "Speeds[3]:REAL",
                "Big:LINT",
                *(f"Small[{n}]:INT" for n in range(99)),
            ]
            samples = await session.read(several)
            assert [one.value for one in samples[:4]] == [77, None, 1.5, 2**40]
            assert (samples[1].quality, samples[1].note) == (BAD, "no such tag")
            (array,) = await session.read(["Speeds[2]{3}:REAL"])
            assert json.loads(str(array.value)) == [0.0, 1.5, 0.0]
            with pytest.raises(Denied, match="no such tag"):
                await session.write("Nothing:DINT", 1)
            with pytest.raises(Invalid):
                await session.write("Count:DINT", 2**31)
            with pytest.raises(Invalid, match="no type"):
                await session.read(["Count"])
            assert "LOGIX" in (await session.identify()).product
            found = await discovery.discover(1.0, "127.0.0.1", port)
            assert [one.settings["host"] for one in found] == ["127.0.0.1"]

            taken = Collected()
            points = [Point(id="count", address="Count:DINT", interval_ms=20)]
            running = asyncio.create_task(session.run(points, taken))
            await taken.until(lambda one: one.value == 77)
            await session.write("Count:DINT", 78)
            await taken.until(lambda one: one.value == 78)
            await controller.kill()
            with pytest.raises(Unavailable):
                await running
        finally:
            await session.close()
    with pytest.raises(Unavailable) as unreachable:
        await EthernetIpConnector().open(settings(port, tags="declared"))
    assert unreachable.value.code == "ethernet_ip.unreachable"


async def test_a_simulator_that_does_not_tell_its_tags_is_said_to_need_them_declared() -> None:
    port = free_port()
    async with Peer("cpppo_controller.py", port):
        with pytest.raises(Unavailable, match="cannot be used") as error:
            await EthernetIpConnector().open(settings(port, timeout_s=3))
    assert "declared" in error.value.hint


async def test_tags_that_a_controller_tells_are_browsed_read_and_written() -> None:
    async with LogixWire() as controller:
        session = await EthernetIpConnector().open(settings(controller.port))
        try:
            top = {node.address: node for node in (await session.browse()).items}
            assert set(top) == {"Program:Main", "Speed", "Counts", "Flags", "Tank1", "Title"}
            assert (top["Speed"].kind, top["Speed"].type, top["Speed"].writable) == ("variable", "number", True)
            assert top["Title"].type == "string"
            assert [node.address for node in (await session.browse("Program:Main")).items] == ["Program:Main.Step"]
            members = (await session.browse("Tank1")).items
            assert [(node.address, node.type) for node in members] == [
                ("Tank1.Level", "number"),
                ("Tank1.Running", "boolean"),
                ("Tank1.Setpoint", "integer"),
            ]
            elements = (await session.browse("Counts")).items
            assert [node.address for node in elements] == [f"Counts[{index}]" for index in range(4)]

            wanted = {
                "Speed": 12.5,
                "Counts[1]": -2,
                "Counts[0].0": True,
                "Flags[2]": True,
                "Flags[3]": False,
                "Tank1.Level": 3.5,
                "Tank1.Running": True,
                "Tank1.Setpoint": 70,
                "Title": "Mill",
                "Program:Main.Step": 7,
            }
            samples = await session.read(list(wanted))
            assert {one.point_id: one.value for one in samples} == wanted
            assert {one.quality for one in samples} == {GOOD}
            assert controller.multi >= 1
            (whole,) = await session.read(["Tank1"])
            assert json.loads(str(whole.value))["Setpoint"] == 70

            for address, value in (
                ("Speed", -1.5),
                ("Counts[3]", 99),
                ("Tank1.Setpoint", 71),
                ("Title", "Saw"),
                ("Program:Main.Step", 8),
                ("Counts[0].4", True),
            ):
                await session.write(address, value)
                assert (await session.read([address]))[0].value == value
            assert (await session.read(["Counts[0]"]))[0].value == 17
            missing = await session.read(["Gone", "Tank1.Gone", "Speed"])
            assert [one.quality for one in missing] == [BAD, BAD, GOOD]
            with pytest.raises(Invalid):
                await session.write("Tank1", "x")
            with pytest.raises(Invalid):
                await session.write("Title", "x" * 83)
            controller.read_only = True
            with pytest.raises(Denied):
                await session.write("Speed", 1.0)
            said = await session.identify()
            assert said.note == "remote run", "a program without a name is none"
            before = said.fingerprint
        finally:
            await session.close()
        controller.tags["Speed"] = (0xC4, 0)
        session = await EthernetIpConnector().open(settings(controller.port))
        assert (await session.identify()).fingerprint != before
        await session.close()


@pytest.mark.parametrize("fault", ["hang", "cut"])
async def test_a_controller_that_hangs_or_leaves_in_mid_frame_is_given_up(fault: str) -> None:
    async with LogixWire() as controller:
        session = await EthernetIpConnector().open(settings(controller.port, timeout_s=0.5))
        assert (await session.read(["Speed"]))[0].value == 12.5
        setattr(controller, fault, True)
        for _ in range(2):
            with pytest.raises(Unavailable) as lost:
                await session.read(["Speed"])
            assert lost.value.code == "ethernet_ip.connection_lost"
        await session.close()


async def test_closing_ends_what_still_waits() -> None:
    async with LogixWire() as controller:
        session = await EthernetIpConnector().open(settings(controller.port, timeout_s=60))
        controller.hang = True
        reading = asyncio.create_task(session.read(["Speed"]))
        await asyncio.sleep(0.05)
        await session.close()
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await reading


def test_identities_that_are_none() -> None:
    for octets in (b"", b"\x63\x00", bytes(60), b"\x63\x00" + bytes(22) + b"\x01\x00\x0c\x00\x05\x00" + bytes(5)):
        assert discovery.read_identity(octets, "10.0.0.1") is None
