import asyncio
from pathlib import Path

from millwright.plant.connection import Address, Connection
from support.intake import stored_payloads
from support.mqtt import running_listener
from support.nats import RunningNats
from support.ports import free_port


async def test_what_a_plant_sends_before_the_node_listens_arrives_once(tmp_path: Path) -> None:
    port = free_port()
    connection = Connection(Address("127.0.0.1", port, tls=False), "plant", "token")
    connection.start()
    payloads = [b"%d" % number for number in range(300)]
    sending = asyncio.create_task(
        asyncio.to_thread(lambda: [connection.publish("millwright/v1/telemetry", payload) for payload in payloads])
    )
    try:
        async with RunningNats(tmp_path) as nats:
            await asyncio.sleep(0.3)
            async with running_listener(nats.url, port=port) as listener:
                await asyncio.wait((sending,), timeout=60)
                assert await asyncio.to_thread(connection.drain, 20), (connection.connected, listener.closed)
                await sending
            assert await stored_payloads(nats.url) == payloads
    finally:
        await asyncio.to_thread(connection.stop)  # also ends a sender that waits, which would hold up every later test


async def test_a_sender_that_waits_ends_with_its_connection() -> None:
    connection = Connection(Address("127.0.0.1", free_port(), tls=False), "plant", "token")

    def send_much() -> None:
        for _ in range(300):
            connection.publish("millwright/v1/telemetry", b"1")

    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        sending = group.create_task(asyncio.to_thread(send_much))
        await asyncio.sleep(0.2)
        assert not sending.done()
        await asyncio.to_thread(connection.stop)
        await sending
