"""BACnet/IP against a device by bacpypes3 in a process, and against octets written by hand."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from millwright.devices.connectors.bacnet import discovery
from millwright.devices.connectors.bacnet.connector import BacnetConnector
from millwright.devices.connectors.bacnet.settings import BacnetSettings
from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Point
from millwright.kernel import Denied, Invalid, Unavailable
from support.field_peer import Collected, Peer
from support.ports import free_port


def settings(port: int, **more: object) -> BacnetSettings:
    return BacnetSettings(host="127.0.0.1", port=port, **({"timeout_s": 20.0} | more))


@pytest.mark.parametrize("kind", ["full", "plain"])
async def test_a_device_is_browsed_read_and_written(kind: str) -> None:
    port = free_port()
    async with Peer("bacnet_device.py", port, kind) as peer:
        session = await BacnetConnector().open(settings(port))
        try:
            identity = await session.identify()
            assert (identity.vendor, identity.product, identity.version) == ("Test", "Peer", "1.2")
            assert identity.note == "device 1001 Boiler house"
            page = await session.browse()
            again = await session.browse(None, page.next)
            nodes = {node.address: node for node in (*page.items, *again.items)}
            assert len(nodes) == 136
            first = nodes["analog-input:1"]
            assert (first.name, first.unit, first.type, first.value) == ("Supply temperature", "Cel", "number", 21.5)
            assert not first.writable
            assert nodes["analog-output:1"].writable

            wanted = {
                "AI:1": 21.5,
                "BI:1": True,
                "MV:1": 2,
                "characterstring-value:1": "early",
                "analog-input:1.units": "degrees-celsius",
                "device:1001.protocol-version": 1,
                **{f"AI:{number}": float(number) for number in range(100, 140)},
            }
            samples = await session.read(list(wanted))
            assert {one.point_id: one.value for one in samples} == wanted
            assert {one.quality for one in samples} == {GOOD}
            missing = await session.read(["AI:77", "AI:1.high-limit", "AI:1.nonsense", "AI:1"])
            assert [one.quality for one in missing] == [BAD, BAD, BAD, GOOD]

            await session.write("AO:1", 3.0)
            await session.write("AO:1@8", 42.0)
            assert (await session.read(["AO:1"]))[0].value == 42.0
            assert (await session.read(["AO:1.priority-array[8]"]))[0].value == 42.0
            await session.write("AO:1@8", None)
            assert (await session.read(["AO:1"]))[0].value == 3.0
            await session.write("AO:1", None)
            assert (await session.read(["AO:1"]))[0].value == 5.0
            await session.write("BO:1", True)
            assert (await session.read(["BO:1"]))[0].value is True
            with pytest.raises(Denied):
                await session.write("AI:77", 1.0)
            with pytest.raises(Invalid):
                await session.write("BO:1", 7)

            await peer.tell("fault analog-input,1 open-loop")
            await peer.tell("service analog-output,1 out")
            fault, out = await session.read(["AI:1", "AO:1"])
            assert (fault.quality, fault.note) == (BAD, "open-loop")
            assert (out.quality, out.note) == (UNCERTAIN, "out-of-service")
        finally:
            await session.close()


@pytest.mark.parametrize("kind", ["full", "plain"])
async def test_changes_come_by_subscription_or_by_polling(kind: str) -> None:
    port = free_port()
    async with Peer("bacnet_device.py", port, kind) as peer:
        session = await BacnetConnector().open(settings(port, check_interval_s=600))
        taken = Collected()
        interval = 86_400_000 if kind == "full" else 50
        points = [
            Point(id="temperature", address="AI:1", interval_ms=interval),
            Point(id="name", address="AI:1.object-name", interval_ms=interval),
            Point(id="gone", address="AI:77", interval_ms=interval),
        ]
        running = asyncio.create_task(session.run(points, taken))
        try:
            await taken.until(lambda one: one.value == 21.5)
            await taken.until(lambda one: one.value == "Supply temperature")
            await taken.until(lambda one: one.point_id == "gone" and one.quality == BAD)
            if kind == "full":
                async with asyncio.timeout(30):
                    await peer.heard_subscription()
            await peer.tell("set analog-input,1 30")
            await taken.until(lambda one: one.value == 30)
            await peer.tell("fault analog-input,1 over-range")
            await taken.until(lambda one: one.point_id == "temperature" and one.quality == BAD)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()


async def test_a_device_that_restarted_forgot_its_subscribers_and_is_noticed() -> None:
    port = free_port()
    async with Peer("bacnet_device.py", port) as peer:
        session = await BacnetConnector().open(settings(port, check_interval_s=4, timeout_s=30))
        taken = Collected()
        running = asyncio.create_task(
            session.run([Point(id="temperature", address="AI:1", interval_ms=86_400_000)], taken)
        )
        try:
            await taken.until(lambda one: one.value == 21.5)
            async with asyncio.timeout(30):
                await peer.heard_subscription()
            await peer.kill()
            async with Peer("bacnet_device.py", port) as other:
                await other.tell("set analog-input,1 33")
                await taken.until(lambda one: one.value == 33, 60)
                async with asyncio.timeout(30):
                    await other.heard_subscription()
                await other.tell("set analog-input,1 34")
                await taken.until(lambda one: one.value == 34, 60)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await session.close()


async def test_a_device_that_hangs_is_given_up() -> None:
    port = free_port()
    async with Peer("bacnet_device.py", port) as peer:
        session = await BacnetConnector().open(settings(port, timeout_s=1, check_interval_s=1))
        taken = Collected()
        running = asyncio.create_task(session.run([Point(id="temperature", address="AI:1")], taken))
        await taken.until(lambda one: one.value == 21.5)
        peer.signal(signal.SIGSTOP)
        with pytest.raises(Unavailable) as silent:
            async with asyncio.timeout(60):
                await running
        assert silent.value.code == "bacnet.silent"
        peer.signal(signal.SIGCONT)
        await session.close()


async def test_nobody_there_and_another_number() -> None:
    port = free_port()
    with pytest.raises(Unavailable):
        await BacnetConnector().open(settings(port, timeout_s=0.3))
    async with Peer("bacnet_device.py", port):
        with pytest.raises(Invalid) as other:
            await BacnetConnector().open(settings(port, device=7))
        assert other.value.code == "bacnet.device_unknown"
        session = await BacnetConnector().open(settings(port, device=1001))
        await session.close()
        found = await discovery.discover(1.0, "127.0.0.1", port, free_port())
        assert [dict(one.settings) for one in found] == [{"host": "127.0.0.1", "device": 1001, "port": port}]
        assert found[0].detail == "vendor 999"


async def test_nonsense_is_no_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.setblocking(False)
        loop = asyncio.get_running_loop()

        async def serve() -> None:
            for answer in (
                "",
                "81",
                "81 0a 00 04",
                "81 0a ff ff 01 00 30 01 0c",
                "00" * 50,
                "81 0a 00 09 01 00 71 01 09",
            ):
                _, peer = await loop.sock_recvfrom(device, 1500)
                await loop.sock_sendto(device, bytes.fromhex(answer), peer)

        serving = asyncio.create_task(serve())
        try:
            for _ in range(3):
                with pytest.raises((Unavailable, Invalid)):
                    await BacnetConnector().open(settings(device.getsockname()[1], timeout_s=0.4))
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize(
    ("octets", "title", "detail"),
    [
        ("81 0b 00 19 01 20 ff ff 00 ff 10 00 c4 02 00 03 e9 22 05 c4 91 00 22 03 e7", "Device 1001", "vendor 999"),
        ("81 0a 00 14 01 00 10 00 c4 02 00 00 05 22 01 e0 91 03 21 18", "Device 5", "vendor 24"),
        ("81 0b 00 18 01 08 00 07 01 05 10 00 c4 02 00 00 05 22 01 e0 91 03 21 18", "Device 5", "network 7"),
        ("81 04 00 1a 0a 00 00 09 ba c0 01 00 10 00 c4 02 00 00 05 22 01 e0 91 03 21 18", "10.0.0.9", "vendor 24"),
    ],
)
def test_i_am(octets: str, title: str, detail: str) -> None:
    found = discovery.read_i_am(bytes.fromhex(octets), ("10.0.0.5", 47808))
    assert found is not None
    assert title in found.title
    assert detail in found.detail
    assert "port" not in found.settings


@pytest.mark.parametrize(
    "octets", ["", "81", "81 0b 00 06 01 00", "81 0b 00 08 01 80 00 00", "82" + " 00" * 30, "81 0b 00 09 01 20 ff",
               "81 0a 00 14 01 00 10 00 c4 00 00 00 05 22 01 e0 91 03 21 18", "81 04 00 06 0a 00"]
)  # fmt: skip
def test_what_is_no_i_am(octets: str) -> None:
    assert discovery.read_i_am(bytes.fromhex(octets), ("10.0.0.5", 47808)) is None
