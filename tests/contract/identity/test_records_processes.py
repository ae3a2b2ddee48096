"""Processes that write identifiers at once, and die: nothing acknowledged is lost, nothing is made twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from support.handle import value
from support.identifier_writer import COUNTER, count_of
from support.identifiers import home, put, records_over
from support.nats import RunningNats

WRITER = str(Path(__file__).parents[2] / "support" / "identifier_writer.py")


async def writer(url: str, folder: Path, name: str, count: int, *more: str) -> asyncio.subprocess.Process:
    command = [sys.executable, WRITER, url, str(folder), name, str(count), *more]
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def acknowledged(process: asyncio.subprocess.Process, heard: bytes = b"") -> int:
    out, _ = await process.communicate()
    out = heard + out
    return int(out.split()[-1]) if out.split() else 0


def check(url: str, folder: Path, names: dict[str, int], at_most_more: int = 0) -> tuple[str, int]:
    """The digest and the counter of a register in which each writer has all that it was told it has."""
    with records_over(url, folder) as records:
        with records.view() as view:
            counted = count_of(view.find(COUNTER))
            held = {
                name: [each for each in view.iter_handles(b"10.1") if f"/{name}-".encode() in each] for name in names
            }
        for name, count in names.items():
            assert count <= len(held[name]) <= count + at_most_more
        assert counted == sum(len(each) for each in held.values())
        assert [each.version for each in records.history(COUNTER)] == list(range(1, counted + 1))
        assert records.position == counted
        assert records.verify() == counted + 1
        return records.digest, counted


async def test_two_processes_write_in_turns(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats") as server:
        processes = [await writer(server.url, tmp_path, name, 60) for name in ("anna", "bert")]
        assert await asyncio.gather(*map(acknowledged, processes)) == [60, 60]
        digest, counted = await asyncio.to_thread(check, server.url, tmp_path, {"anna": 60, "bert": 60})
        assert counted == 120
        # From the log alone comes the same.
        (tmp_path / "identifiers").rename(tmp_path / "elsewhere")
        assert await asyncio.to_thread(check, server.url, tmp_path, {"anna": 60, "bert": 60}) == (digest, 120)


async def test_killed_between_acknowledgement_and_commit(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats") as server:
        for turn in range(3):
            process = await writer(server.url, tmp_path, f"turn{turn}", 5, "die")
            assert await acknowledged(process) == 4
            assert process.returncode == -signal.SIGKILL
        # The log has what nobody was told; the index follows, whoever comes next.
        _, counted = await asyncio.to_thread(check, server.url, tmp_path, {f"turn{turn}": 5 for turn in range(3)})
        assert counted == 15


async def test_a_measure_is_not_lost_between_acknowledgement_and_commit(tmp_path: Path) -> None:
    def prepare() -> None:
        with records_over(server.url, tmp_path) as records:
            home(records, b"10.1")

    def suspended(folder: Path) -> tuple[str, list[str]]:
        with records_over(server.url, folder) as records, records.view() as view:
            effects = {name: view.effect(f"10.1/{name}-1".encode()) for name in ("anna", "bert")}
            assert [name for name, effect in effects.items() if effect is None or effect.suspended is None] == []
            records.verify()
            return records.digest, [each.id for each in view.iter_measures()]

    async with RunningNats(tmp_path / "nats") as server:
        await asyncio.to_thread(prepare)
        for name in ("anna", "bert"):
            process = await writer(server.url, tmp_path, name, 3, "die", "measure")
            assert await acknowledged(process) == 2
            assert process.returncode == -signal.SIGKILL
        found = await asyncio.to_thread(suspended, tmp_path)
        assert found[1] == ["mea_anna", "mea_bert"]
        # From the log alone comes the same.
        (tmp_path / "identifiers").rename(tmp_path / "elsewhere")
        assert await asyncio.to_thread(suspended, tmp_path) == found


async def test_killed_at_any_moment(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats") as server:
        told: dict[str, int] = {}
        for turn in range(3):
            names = [f"{name}{turn}" for name in ("anna", "bert")]
            processes = [await writer(server.url, tmp_path, name, 10_000) for name in names]
            assert processes[0].stdout is not None
            heard = [await asyncio.wait_for(processes[0].stdout.readline(), 60), b""]  # they are at work
            await asyncio.sleep(1.0 + 0.17 * turn)
            for process in processes:
                process.kill()
            told |= dict(zip(names, await asyncio.gather(*map(acknowledged, processes, heard)), strict=True))
        assert sum(told.values()) > 3
        await asyncio.to_thread(check, server.url, tmp_path, told, 1)


async def test_a_broker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    def write(records_count: int) -> int:
        done = 0
        with records_over(server.url, tmp_path) as records:
            for number in range(records_count):
                put(records, (b"10.1/%d" % number, (value(1),)))
                done += 1
                if number == 20:
                    asyncio.run_coroutine_threadsafe(again(), loop).result(30)
            assert records.position == done
            assert records.verify() == done
        return done

    async def again() -> None:
        await server.kill()
        await server.start()
        await asyncio.sleep(0.5)

    loop = asyncio.get_running_loop()
    async with RunningNats(tmp_path / "nats") as server:
        assert await asyncio.to_thread(write, 40) == 40
