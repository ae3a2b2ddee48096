"""A listener in several processes, of which one is killed or hangs: nothing acknowledged is lost, and nobody is two."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from millwright.devices.intake import FLAG_WILL
from millwright.devices.mqtt import codec
from millwright.devices.mqtt.packets import Subscribe, Will
from support.intake import stored_payloads, stored_runs
from support.mqtt import RawClient, connect_bytes, publish_bytes, until
from support.mqtt5 import Raw5
from support.mqtt_processes import devices_of
from support.nats import RunningNats
from support.ports import free_port

pytestmark = pytest.mark.alone

FIRST, SECOND = devices_of(1)[0], devices_of(2)[0]

PROCESS = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from support.mqtt_processes import one_process
asyncio.run(one_process(*sys.argv[2:]))
"""


@asynccontextmanager
async def process(
    nats: RunningNats, folder: Path, port: int, number: int, hang_s: float = 60
) -> AsyncIterator[asyncio.subprocess.Process]:
    support = str(Path(__file__).parents[2])
    arguments = (nats.url, str(folder), str(port), str(number), "2", str(hang_s))
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, support, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert started.stdout is not None
        assert await asyncio.wait_for(started.stdout.readline(), 30) == b"ready\n"
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def signed_in(
    port: int, client_id: str, device: str, *, clean: bool = True, will: Will | None = None
) -> RawClient:
    """A client, tried until the process that serves it is there."""
    data = connect_bytes(client_id, username=f"device:{device}", clean=clean, will=will, keep_alive_s=0)
    for _ in range(400):
        client = None
        try:
            client = await RawClient.open(port, data)
            first, body = await client.packet(10)
        except (OSError, EOFError, TimeoutError):
            if client is not None:
                await client.close()
            await asyncio.sleep(0.05)
            continue
        assert (first, body[1]) == (0x20, 0)
        return client
    raise AssertionError(f"{client_id} was not let in")


class Sender:
    """Publishes numbers with QoS 1, comes back when its connection breaks, and repeats what was not acknowledged."""

    def __init__(self, device: str) -> None:
        self.device, self.sent, self.breaks = device, 0, 0
        self.acknowledged: set[bytes] = set()

    async def run(self, port: int, stop: asyncio.Event) -> None:
        unacknowledged: dict[int, bytes] = {}
        while not stop.is_set() or unacknowledged:
            client = await signed_in(port, "sender", self.device, clean=False)
            for packet_id, payload in unacknowledged.items():
                client.send(publish_bytes("plant/a", payload, 1, packet_id, duplicate=True))
            try:
                while not stop.is_set() or unacknowledged:
                    while len(unacknowledged) < 50 and not stop.is_set():
                        self.sent += 1
                        payload = b"%b:%d" % (self.device.encode(), self.sent)
                        unacknowledged[self.sent] = payload
                        client.send(publish_bytes("plant/a", payload, 1, self.sent))
                    first, body = await client.packet(30)
                    assert first == 0x40
                    self.acknowledged.add(unacknowledged.pop(int.from_bytes(body, "big"), b""))
                    await asyncio.sleep(0.001)
            except (OSError, EOFError, RuntimeError):  # uvloop raises the last on a closed socket
                self.breaks += 1
            await client.close()


class Taker:
    """Takes what comes on ``plant/#`` with QoS 1 in a session that outlives its connection."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.got: set[bytes] = set()
        self.ready = asyncio.Event()

    async def run(self, port: int) -> None:
        began = False
        while True:
            client = await signed_in(port, "taker", self.device, clean=False)
            try:
                if not began:
                    client.send(codec.encode_subscribe(Subscribe(1, [("plant/#", 1), ("wills/#", 1)])))
                    assert (await client.packet())[0] == 0x90
                    began = True
                    self.ready.set()
                while True:
                    first, body = await client.packet(3600)
                    assert first & 0xF0 == 0x30
                    size = 2 + int.from_bytes(body[:2], "big")
                    self.got.add(body[size + 2 :])
                    number = int.from_bytes(body[size : size + 2], "big")
                    client.send(codec.encode_acknowledgements([0x40020000 | number]))
            except (OSError, EOFError, RuntimeError):  # uvloop raises the last on a closed socket
                pass
            finally:
                await client.close()


async def grew(sender: Sender, by: int) -> None:
    before = len(sender.acknowledged)
    await until(lambda: len(sender.acknowledged) >= before + by, 60)


async def test_kill_9_of_one_process_under_load_loses_nothing_and_does_not_hold_up_the_other(
    nats: RunningNats, tmp_path: Path
) -> None:
    port, stop = free_port(), asyncio.Event()
    senders, takers = [Sender(FIRST), Sender(SECOND)], [Taker(FIRST), Taker(SECOND)]
    async with process(nats, tmp_path, port, 1), contextlib.AsyncExitStack() as stack:
        second = await stack.enter_async_context(process(nats, tmp_path, port, 2))
        tasks = [asyncio.create_task(taker.run(port)) for taker in takers]
        await asyncio.gather(*(taker.ready.wait() for taker in takers))
        sending = [asyncio.create_task(sender.run(port, stop)) for sender in senders]
        mortal = await signed_in(port, "mortal", SECOND, will=Will("wills/second", b"gone", 1, True))
        later = await Raw5.connect(
            port,
            "later",
            username=f"device:{SECOND}",
            session_expiry_s=600,
            will=Will("wills/later", b"back in time", 1, False, b"", 300),
        )
        for sender in senders:
            await grew(sender, 300)
        second.kill()
        await second.wait()
        await grew(senders[0], 300)  # while the other is away, for whose session it all is too
        assert not senders[0].breaks
        await stack.enter_async_context(process(nats, tmp_path, port, 2))
        again = await Raw5.connect(port, "later", username=f"device:{SECOND}", session_expiry_s=600, clean=False)
        assert again.connack[0]
        for sender in senders:
            await grew(sender, 300)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*sending), 60)
        told = senders[0].acknowledged | senders[1].acknowledged
        for taker in takers:
            await until(lambda taker=taker: told <= taker.got and b"gone" in taker.got, 60)  # type: ignore[misc]
            assert b"back in time" not in taker.got
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        retained = await signed_in(port, "retained", FIRST)
        retained.send(codec.encode_subscribe(Subscribe(1, [("wills/second", 0)])))
        assert await retained.packet() == (0x90, b"\x00\x01\x00")
        assert (await retained.packet())[1][-4:] == b"gone"
        for client in (mortal, later, again, retained):
            await client.close()
    assert (senders[0].breaks, senders[1].breaks) == (0, 1)
    assert told <= set(await stored_payloads(nats.url))
    wills = [run for run in await stored_runs(nats.url) if run.flags & FLAG_WILL]
    assert [(run.topic, run.device_id) for run in wills] == [("wills/second", SECOND)]


async def test_a_process_that_hangs_is_killed_before_another_serves_its_devices(
    nats: RunningNats, tmp_path: Path
) -> None:
    port = free_port()
    async with process(nats, tmp_path, port, 1, hang_s=2), process(nats, tmp_path, port, 2, hang_s=2) as second:
        client = await signed_in(port, "c", SECOND, clean=False)
        client.send(codec.encode_subscribe(Subscribe(1, [("plant/#", 1)])))
        assert (await client.packet())[0] == 0x90
        sender = await signed_in(port, "s", FIRST)
        second.send_signal(signal.SIGSTOP)
        sender.send(publish_bytes("plant/a", b"into the silence", 1, 1))
        assert await asyncio.wait_for(second.wait(), 30) == -signal.SIGKILL
        assert await sender.packet(10) == (0x40, b"\x00\x01")
        async with process(nats, tmp_path, port, 2, hang_s=2):
            back = await signed_in(port, "c", SECOND, clean=False)
            first, body = await back.packet()
            assert (first & 0xF0, body[-16:]) == (0x30, b"into the silence")
            for each in (client, back, sender):
                await each.close()
