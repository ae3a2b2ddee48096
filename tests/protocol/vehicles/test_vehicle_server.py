"""The server of vehicles over real sockets and a real broker: what terminals and platforms do, right and wrong."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.mqtt import ListenerTls
from millwright.devices.vehicles import times, writing
from millwright.devices.vehicles.frames import Answer, Command, encode
from millwright.kernel import Unavailable
from support.intake import stored_runs
from support.mqtt import until
from support.nats import RunningNats
from support.tls import certificate, needs_openssl
from support.vehicles import ICCID, OTHER_VIN, VIN, Known, ListedDoor, T, Terminal, electric, running_server


async def test_what_is_answered_is_stored_as_it_came(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        sent = [electric(time_ms=T + 1000 * number, command=2 + number % 2) for number in range(50)]
        terminal.send(b"".join(sent))
        answers = [await terminal.answer() for _ in sent]
        assert {each.answer for each in answers if each} == {Answer.SUCCESS}
        assert [each.data for each in answers if each] == [times.from_ms(T + 1000 * number) for number in range(50)]
        bye = await terminal.ask(writing.logout(VIN, T, 1))
        assert (bye.answer, bye.command) == (Answer.SUCCESS, Command.LOGOUT)
        await terminal.close()
        await until(lambda: server.stats()["gauges"]["connections"] == 0)
    runs = await stored_runs(nats.url)
    assert {(run.device_id, run.topic) for run in runs} == {("dev_car", "gbt32960/2016")}
    payloads = [payload for run in runs for payload in run.payloads]
    assert payloads == [writing.login(VIN, T, 1, ICCID), *sent, writing.logout(VIN, T, 1)]


async def test_heartbeat_and_time_are_answered(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        beat = await terminal.ask(encode(Command.HEARTBEAT, VIN, b""))
        assert (beat.answer, beat.data) == (Answer.SUCCESS, b"")
        told = await terminal.ask(encode(Command.TIME, VIN, b""))
        assert abs(times.to_ms(told.data) - server.clock.now_ms()) < 60_000
        await terminal.close()


class Closed:
    """An intake that takes nothing until it is opened."""

    def __init__(self, intake: Any) -> None:
        self._intake, self.open = intake, False

    async def commit(self, frame: bytes, message_id: str) -> None:
        if not self.open:
            raise Unavailable("closed", code="test.closed")
        await self._intake.commit(frame, message_id)


async def test_nothing_is_answered_before_it_is_durable(nats: RunningNats) -> None:
    gates: list[Closed] = []
    async with running_server(nats.url, wrap_intake=lambda intake: gates.append(Closed(intake)) or gates[0]) as server:
        terminal = await Terminal.open(server.port)
        terminal.send(writing.login(VIN, T, 1, ICCID) + electric())
        await until(lambda: server.committer.retries > 1)
        with pytest.raises(TimeoutError):
            await terminal.answer(timeout_s=0.2)
        gates[0].open = True
        first, second = await terminal.answer(), await terminal.answer()
        assert first is not None
        assert second is not None
        assert (first.command, second.command) == (Command.LOGIN, Command.REALTIME)
        await terminal.close()


async def test_who_is_unknown_does_not_get_in(nats: RunningNats) -> None:
    async with running_server(nats.url, login_tries=2) as server:
        terminal = await Terminal.open(server.port)
        assert (await terminal.ask(electric())).answer == Answer.ERROR  # before it logged in
        assert (await terminal.ask(encode(Command.HEARTBEAT, VIN, b""))).answer == Answer.ERROR
        assert (await terminal.ask(writing.login(VIN, T, 1, "another card"))).answer == Answer.ERROR
        told = await terminal.ask(writing.login("LUNKNOWN000000001", T, 1, ICCID, edition=2025))
        assert told.answer == Answer.VIN_UNKNOWN
        assert await terminal.answer() is None
        await terminal.close()
        busy = ListedDoor(busy=True)
        server.door = busy
        terminal = await Terminal.open(server.port)
        for _ in range(5):  # nobody's fault, so it may try again
            assert (await terminal.ask(writing.login(VIN, T, 1, ICCID))).answer == Answer.ERROR
        busy.busy = False
        assert (await terminal.ask(writing.login(VIN, T, 1, ICCID))).answer == Answer.SUCCESS
        await terminal.close()
        assert server.refused["before_login"] == 2
    assert [run.device_id for run in await stored_runs(nats.url)] == ["dev_car"]


async def test_a_second_login_of_a_vin(nats: RunningNats) -> None:
    door = ListedDoor()
    door.known[VIN, "a second terminal"] = Known("dev_car")
    async with running_server(nats.url, door) as server:
        first = await Terminal.logged_in(server.port)
        thief = await Terminal.open(server.port)
        told = await thief.ask(writing.login(VIN, T, 1, "a second terminal"))
        assert told.answer == Answer.VIN_TWICE
        assert (await first.ask(electric())).answer == Answer.SUCCESS
        again = await Terminal.logged_in(server.port)  # the same terminal: its old connection is dead
        assert await first.answer() is None
        assert (await again.ask(electric())).answer == Answer.SUCCESS
        assert (await again.ask(writing.login(VIN, T, 2, ICCID))).answer == Answer.SUCCESS  # on the same connection
        assert server.stats()["gauges"]["vehicles"] == 1
        assert server.closed["taken_over"] == 1
        for each in (first, thief, again):
            await each.close()


async def test_a_terminal_speaks_for_its_own_vehicle_alone(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        assert (await terminal.ask(electric(OTHER_VIN))).answer == Answer.ERROR
        assert (await terminal.ask(electric())).answer == Answer.SUCCESS
        assert server.refused["foreign_vin"] == 1
        await terminal.close()


async def test_a_report_without_its_time_is_refused(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        for command in (Command.REALTIME, Command.REISSUED, Command.LOGOUT):
            assert (await terminal.ask(encode(command, VIN, bytes(5)))).answer == Answer.ERROR
        assert server.refused["without_time"] == 3
        await terminal.close()
    assert [run.payloads for run in await stored_runs(nats.url)] == [[writing.login(VIN, T, 1, ICCID)]]


async def test_a_platform_speaks_for_many(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        platform = await Terminal.open(server.port)
        assert (await platform.ask(writing.platform_login("CITY", T, 1, "city", "wrong"))).answer == Answer.ERROR
        assert (await platform.ask(writing.platform_login("CITY", T, 1, VIN[:12], ICCID))).answer == Answer.ERROR
        assert (await platform.ask(writing.platform_login("CITY", T, 1, "city", "secret"))).answer == Answer.SUCCESS
        for vin in (VIN, OTHER_VIN):
            assert (await platform.ask(writing.login(vin, T, 1, ICCID))).answer == Answer.SUCCESS
            assert (await platform.ask(electric(vin))).answer == Answer.SUCCESS
            assert (await platform.ask(encode(Command.HEARTBEAT, vin, b""))).answer == Answer.SUCCESS
        assert (await platform.ask(writing.platform_logout("CITY", T, 1))).answer == Answer.SUCCESS
        assert await platform.answer() is None
        await platform.close()
    runs = await stored_runs(nats.url)
    assert {run.device_id for run in runs} == {"dev_city"}
    assert b"secret" not in b"".join(payload for run in runs for payload in run.payloads)


async def test_a_gateways_credential_makes_no_vehicle(nats: RunningNats) -> None:
    door = ListedDoor({(VIN, ICCID): Known("dev_gw", gateway=True), ("car", "secret"): Known("dev_car")})
    async with running_server(nats.url, door) as server:
        terminal = await Terminal.open(server.port)
        assert (await terminal.ask(writing.login(VIN, T, 1, ICCID))).answer == Answer.ERROR
        assert (await terminal.ask(writing.platform_login("C", T, 1, "car", "secret"))).answer == Answer.ERROR
        await terminal.close()


async def test_encrypted_data_is_refused_clearly(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port)
        assert (await terminal.ask(encode(Command.REALTIME, VIN, bytes(64), encryption=3))).answer == Answer.ERROR
        told = await terminal.ask(encode(Command.REALTIME, VIN, bytes(64), encryption=5, edition=2025))
        assert told.answer == Answer.DECRYPTION
        (problem,) = server.stats()["problems"]
        assert problem["code"] == "vehicles.encrypted"
        assert "SM4" in problem["message"]
        await terminal.close()


async def test_noise_and_damage_cost_no_good_message(nats: RunningNats) -> None:
    async with running_server(nats.url, max_noise_bytes=1024) as server:
        terminal = await Terminal.logged_in(server.port)
        damaged = bytearray(electric(time_ms=T + 1000))
        damaged[60] ^= 1
        terminal.send(b"\xff" * 100 + electric() + bytes(damaged) + electric(time_ms=T + 2000) + b"noise##")
        terminal.send(electric(time_ms=T + 3000))
        told = [await terminal.answer() for _ in range(4)]
        answers = {(each.answer, each.data) for each in told if each}
        assert answers == {
            (Answer.SUCCESS, times.from_ms(T)), (Answer.ERROR, times.from_ms(T + 1000)),
            (Answer.SUCCESS, times.from_ms(T + 2000)), (Answer.SUCCESS, times.from_ms(T + 3000)),
        }  # fmt: skip
        assert server.noise_bytes == 107
        terminal.send(b"GET / HTTP/1.1\r\n" * 100)
        assert await terminal.answer() is None
        assert server.closed["noise"] == 1
        await terminal.close()


async def test_who_says_too_little_is_let_go(nats: RunningNats) -> None:
    async with running_server(nats.url, login_s=0.5, frame_s=0.5, idle_s=1.5) as server:
        silent = await Terminal.open(server.port)
        half = await Terminal.logged_in(server.port)
        half.send(electric()[:-1])  # and never the rest
        dripping = await Terminal.open(server.port)
        idle = await Terminal.logged_in(server.port, OTHER_VIN)
        dripping.send(b"##")
        for each in (silent, half, dripping, idle):
            assert await each.answer() is None
            await each.close()
        assert server.closed["message_too_slow"] >= 1
        assert server.closed["keep_alive"] == 1
        assert server.stats()["gauges"]["connections_waiting"] == 0


async def test_who_reads_no_answers_is_let_go(nats: RunningNats) -> None:
    async with running_server(nats.url) as server:
        terminal = await Terminal.logged_in(server.port, limit=1024)
        beat = encode(Command.HEARTBEAT, VIN, b"") * 2000
        with pytest.raises((ConnectionError, TimeoutError)):
            async with asyncio.timeout(60):
                while not server.closed["slow_reader"]:
                    terminal.send(beat)
                    await terminal._writer.drain()
                raise ConnectionResetError
        await until(lambda: server.closed["slow_reader"] == 1)
        await terminal.close()


async def test_a_flood_is_read_at_its_rate_and_loses_nothing(nats: RunningNats) -> None:
    class Slow:
        def take(self, principal: Any, messages: int) -> float:
            return 0.02 if messages else 0.0

    async with running_server(nats.url, pacer=Slow(), max_uncommitted_mb=1) as server:
        terminal = await Terminal.logged_in(server.port)
        sent = [electric(time_ms=T + 1000 * number) for number in range(4000)]
        terminal.send(b"".join(sent))
        answers = [await terminal.answer() for _ in sent]
        assert all(each and each.answer == Answer.SUCCESS for each in answers)
        assert server.rate_holds > 1
        await terminal.close()
    assert sum(len(run.payloads) for run in await stored_runs(nats.url)) == 4001


async def test_connections_are_bounded(nats: RunningNats) -> None:
    async with running_server(nats.url, max_connections=3, max_new_per_address=2) as server:
        waiting = [await Terminal.open(server.port) for _ in range(3)]
        await until(lambda: server.closed["refused"] == 1)
        told = [
            await each.ask(writing.login(vin, T, 1, ICCID))
            for each, vin in zip(waiting, (VIN, OTHER_VIN), strict=False)
        ]
        assert [each.answer for each in told] == [Answer.SUCCESS] * 2
        more = [await Terminal.open(server.port) for _ in range(2)]
        await until(lambda: server.closed["refused"] == 2)
        assert "vehicles.connections_full" in {each["code"] for each in server.stats()["problems"]}
        for each in waiting + more:
            await each.close()


async def test_who_is_revoked_has_to_go(nats: RunningNats) -> None:
    door = ListedDoor()
    async with running_server(nats.url, door) as server:
        terminal = await Terminal.logged_in(server.port)
        await server.reauthenticate("dev_car")
        assert (await terminal.ask(electric())).answer == Answer.SUCCESS
        del door.known[VIN, ICCID]
        await server.reauthenticate(None)
        assert await terminal.answer() is None
        await terminal.close()


@needs_openssl
async def test_over_tls(nats: RunningNats, tmp_path: Path) -> None:
    from support.ports import free_port

    chain, key = certificate(tmp_path / "tls", "IP:127.0.0.1")
    tls = ListenerTls(chain, key)
    context = ssl.create_default_context(cafile=str(chain))
    async with running_server(nats.url, port=0, tls=tls, tls_port=free_port()) as server:
        terminal = await Terminal.logged_in(server.tls_port, ssl=context)
        assert (await terminal.ask(electric())).answer == Answer.SUCCESS
        await terminal.close()
