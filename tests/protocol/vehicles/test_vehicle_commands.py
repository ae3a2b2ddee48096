"""Commands to terminals over real sockets and a real broker: sent once, answered, kept as they were answered."""

from __future__ import annotations

import asyncio

import msgspec

from millwright.devices.mqtt.delivery import FIND, FOUND, Ask, Deliver, Delivered, Found, subject_of
from millwright.devices.vehicles import downward, writing
from millwright.devices.vehicles.frames import Answer, Command, Message, answer_to, encode
from millwright.devices.vehicles.links import LinkClient, LinkDesk
from millwright.devices.vehicles.topics import DOWN
from millwright.engines.nats import NatsConnection
from support.intake import stored_runs
from support.mqtt import until
from support.nats import RunningNats
from support.vehicles import ICCID, VIN, T, Terminal, electric, running_server


class Asker:
    """What the worker of commands does, over the bus."""

    def __init__(self, bus: NatsConnection) -> None:
        self.bus = bus
        self.found: asyncio.Queue[Found] = asyncio.Queue()

    async def start(self) -> None:
        await self.bus.start()

        async def take(_subject: str, payload: bytes) -> None:
            self.found.put_nowait(msgspec.msgpack.decode(payload, type=Found))

        await self.bus.subscribe(FOUND, take)

    async def find(self, device_id: str) -> Found:
        body = msgspec.msgpack.encode([Ask("cmd_1", device_id, ["millwright/v1/commands/request", DOWN])])
        while True:
            await self.bus.publish(FIND, body)
            try:
                return await asyncio.wait_for(self.found.get(), 1)
            except TimeoutError:
                continue

    async def send(self, found: Found, attempt: str, device_id: str, payload: bytes | None) -> str:
        body = msgspec.msgpack.encode(Deliver(attempt, found.boot, device_id, DOWN, payload))
        raw = await self.bus.request(subject_of(found.listener), body, timeout_s=5)
        return msgspec.msgpack.decode(raw, type=Delivered).result


async def heard(terminal: Terminal) -> Message:
    found = await terminal.answer()
    assert found is not None
    return found


async def test_a_command_reaches_its_terminal_once_and_its_answer_is_kept_under_its_number(nats: RunningNats) -> None:
    asker = Asker(NatsConnection(nats.url, "asker"))
    await asker.start()
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        found = await asker.find("dev_car")
        assert found.choices == {"cmd_1": 1}

        setting = downward.encode("write", "terminal.report_period", 7, 10, {})
        assert await asker.send(found, "a.1", "dev_car", setting) == "taken"
        assert await asker.send(found, "a.1", "dev_car", setting) == "taken", "what is asked again is not done again"
        first = await heard(terminal)
        assert (first.command, first.answer, first.vin) == (Command.SET, Answer.COMMAND, VIN)
        assert first.data[6:].hex(" ") == "01 02 00 0a"

        # A second of the same kind at once: it has a time of its own, so that each answer finds its question.
        assert (
            await asker.send(found, "b.1", "dev_car", downward.encode("write", "terminal.report_period", 8, 20, {}))
            == "taken"
        )
        second = await heard(terminal)
        assert second.clock != first.clock
        terminal.send(answer_to(second, Answer.ERROR))
        terminal.send(electric() + answer_to(first, Answer.SUCCESS))
        assert (await heard(terminal)).command == Command.REALTIME, "reports are answered in between"
        await until(lambda: server.committer.uncommitted_bytes == 0)

        assert (
            await asker.send(
                found, "c.1", "dev_car", downward.encode("call", "query_parameters", 9, None, {"names": "firmware"})
            )
            == "taken"
        )
        query = await heard(terminal)
        # This terminal states a time of its own; one command alone is under way that it can mean.
        told = encode(query.command, VIN, bytes(6) + bytes.fromhex("01 08 31 2e 32 00 00"), answer=Answer.SUCCESS)
        terminal.send(told)
        terminal.send(answer_to(query, Answer.SUCCESS))  # nobody asked twice
        await until(lambda: server.refused["unasked_answer"] == 1)
        await until(lambda: server.committer.uncommitted_bytes == 0)
        assert await asker.send(found, "d.1", "dev_other", setting) == "absent"
        await terminal.close()
        await until(lambda: server.find_connected("dev_car", DOWN) is None)
        assert await asker.send(found, "e.1", "dev_car", setting) == "absent"
    await asker.bus.stop()
    kept = {run.topic: run.payloads for run in await stored_runs(nats.url) if "/answer/" in run.topic}
    assert kept == {
        "gbt32960/answer/8": [answer_to(second, Answer.ERROR)],
        "gbt32960/answer/7": [answer_to(first, Answer.SUCCESS)],
        "gbt32960/answer/9": [told],
    }


async def test_a_platform_takes_no_commands_and_who_is_there_is_told(nats: RunningNats) -> None:
    bus = NatsConnection(nats.url, "asker")
    await bus.start()
    async with running_server(nats.url) as server:
        desk = LinkDesk(bus, "n1", server.links)
        await desk.start()
        client = LinkClient(bus, "n1")
        platform = await Terminal.open(server.port)
        assert (await platform.ask(writing.platform_login("CODE", T, 1, "city", "secret"))).answer == Answer.SUCCESS
        terminal = await Terminal.logged_in(server.port, VIN, ICCID)
        await terminal.ask(electric())
        assert server.find_connected("dev_city", DOWN) is None
        found = await client.find(["dev_car", "dev_nobody"])
        assert found is not None
        links = {each.device_id: each for each in found.links}
        assert links.keys() == {"dev_car", "dev_city"}
        assert (links["dev_car"].name, links["dev_car"].kind, links["dev_car"].messages) == (VIN, "vehicle", 2)
        assert (found.vehicles, found.platforms) == (1, 1)
        await terminal.close()
        await platform.close()
        await desk.stop()
        assert await LinkClient(bus, "n2").find() is None, "a role that does not run is no error"
    await bus.stop()
