"""Snapshots that a node keeps, and the log behind them, on a real broker: killed at each step, without room, broken."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from millwright.engines.nats import NatsConnection
from millwright.identity.records import Archive, Follower, Records, SigningKeys, StreamLog
from millwright.identity.records.log import STREAM
from millwright.identity.records.mirroring import MirrorLog
from millwright.identity.records.offering import SnapshotTeller
from millwright.kernel import ManualClock, SystemClock, Unavailable
from support.federation import wait_for
from support.handle import value
from support.identifiers import home, make_records, put
from support.nats import RunningNats

PREFIX = b"88.1"
DAY_MS = 86_400_000

DYING = """
import os, signal, sys
from millwright.cli.main import main
from millwright.identity.records import archive, log

step, moment = sys.argv[1].split()
owner = log.StreamLog if step == "trim" else archive.Archive if hasattr(archive.Archive, step) else archive
original = getattr(owner, step)

def dying(*given, **named):
    done = original(*given, **named) if moment == "behind" else None
    os.kill(os.getpid(), signal.SIGKILL)
    return done

setattr(owner, step, dying)
main(sys.argv[2:])
"""
"""The command line, killed before or behind one step."""


@dataclass
class Node:
    """A register over a real stream, whose first batches are forty days old."""

    folder: Path
    bus: NatsConnection
    records: Records
    archive: Archive
    keys: SigningKeys

    def cli(self, *arguments: str, dying: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", DYING, dying] if dying else [sys.executable, "-m", "millwright"]
        return subprocess.run(
            [*command, "--config", str(self.folder / "millwright.toml"), *arguments],
            capture_output=True, text=True, timeout=120, check=False, **more,
        )  # fmt: skip

    async def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(lambda: self.cli(*arguments, **more))

    async def first(self) -> int:
        return (await self.bus.state(STREAM)).first_sequence


@asynccontextmanager
async def node(tmp_path: Path, settings: str = "keep_log_days = 30") -> AsyncIterator[Node]:
    folder = tmp_path / "primary"
    folder.mkdir()
    async with RunningNats(tmp_path / "a") as broker:
        bus = NatsConnection(broker.url, "test")
        await bus.start()
        (folder / "millwright.toml").write_text(
            f'[node]\nname = "primary"\ndata = {json.dumps(str(folder))}\ndisk_stop_mb = 1\n'
            f"[nats]\nurl = {json.dumps(broker.url)}\n[identity]\n{settings}\n"
        )
        keys = SigningKeys(folder / "identifiers.key", "primary")
        archive = Archive(folder / "identifier-snapshots", keys, SystemClock(), node="primary")
        clock = ManualClock(SystemClock().now_ms() - 40 * DAY_MS)
        records = Records(
            folder / "identifiers", StreamLog(bus), clock, origin="primary", keys=keys, durable=False, archive=archive
        )
        await records.start()
        try:
            await asyncio.to_thread(home, records, PREFIX)
            for number in range(20):
                await asyncio.to_thread(put, records, (PREFIX + b"/%d" % number, (value(1),)))
            clock.advance(40 * DAY_MS / 1000)
            for number in range(15, 30):
                await asyncio.to_thread(put, records, (PREFIX + b"/%d" % number, (value(1, data=b"new"),)))
            yield Node(folder, bus, records, archive, keys)
        finally:
            await records.stop()
            await bus.stop()


async def from_nothing(at: Node, folder: Path) -> str:
    """The digest of an index that is made anew of what there is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    fresh = Records(
        folder / "identifiers", StreamLog(at.bus), SystemClock(), origin="primary", keys=at.keys, durable=False,
        archive=at.archive,
    )  # fmt: skip
    await fresh.start()
    try:
        return fresh.digest
    finally:
        await fresh.stop()


@pytest.mark.timeout(180)
async def test_killed_at_any_step_nothing_is_lost(tmp_path: Path) -> None:
    async with node(tmp_path, "keep_log_days = 30\nsnapshots_kept = 1") as at:
        for number, dying in enumerate(
            ["write_snapshot behind", "verify before", "read_snapshot behind", "prune before", "prune behind",
             "trim before", "trim behind"]
        ):  # fmt: skip
            await asyncio.to_thread(put, at.records, (PREFIX + b"/k%d" % number, (value(1),)))
            done = await at.run("identifiers", "archive", "--json", dying=dying)
            assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
            trimmed = dying == "trim behind"
            assert (await at.first() > 1) is trimmed
            assert await from_nothing(at, tmp_path / "fresh") == at.records.digest, dying
        done = await at.run("identifiers", "archive", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout)
        # Twenty-one batches are older than thirty days: the last of them stays, as what the next one follows.
        assert (said["first"], said["kept"], await at.first()) == (21, 1, 21)
        left = sorted(each.name for each in at.archive._folder.iterdir())
        assert [each.partition(".")[2] for each in left] == ["json", "snapshot", ""]
        assert await from_nothing(at, tmp_path / "fresh") == at.records.digest
        assert len(await asyncio.to_thread(at.records.history, PREFIX + b"/15")) == 2


async def test_a_log_is_not_trimmed_unless_the_settings_say_so(tmp_path: Path) -> None:
    async with node(tmp_path, "snapshots_kept = 2") as at:
        for number in range(3):
            await asyncio.to_thread(put, at.records, (PREFIX + b"/n%d" % number, (value(1),)))
            done = await at.run("identifiers", "archive", "--json")
            assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert (said["kept"], said["pruned"], said["first"], said["trims"]) == (2, 1, 1, False)


async def test_without_room_the_log_stays_and_it_is_said(tmp_path: Path) -> None:
    async with node(tmp_path) as at:

        def full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

        done = await at.run("identifiers", "archive", "--json", preexec_fn=full)
        assert json.loads(done.stdout)["error"]["code"] == "records.snapshot_no_room", done.stdout + done.stderr
        assert await at.first() == 1
        assert at.archive.kept() == []
        wanting = Archive(at.archive._folder, at.keys, SystemClock(), node="primary", spare_bytes=1 << 60)
        with pytest.raises(Exception, match=r"MB are free") as error:
            wanting.make(at.records._current())
        assert getattr(error.value, "code", "") == "records.snapshot_no_room"


async def test_a_broken_index_is_built_from_a_snapshot_and_the_rest_of_the_log(tmp_path: Path) -> None:
    async with node(tmp_path) as at:
        for number in range(2):
            await asyncio.to_thread(put, at.records, (PREFIX + b"/n%d" % number, (value(1),)))
            assert (await at.run("identifiers", "archive")).returncode == 0
        await asyncio.to_thread(put, at.records, (PREFIX + b"/rest", (value(1),)))
        assert await at.first() == 21
        # The newest snapshot is damaged: the one before it serves.
        newest = at.archive.path_of(at.archive.kept()[0])
        data = bytearray(newest.read_bytes())
        data[len(data) // 2] ^= 1
        newest.write_bytes(data)
        await asyncio.to_thread(at.records.rebuild)
        assert len(list(at.folder.glob("identifiers.broken-*"))) == 1
        with at.records.view() as view:
            assert view.find(PREFIX + b"/0") is not None
            assert view.find(PREFIX + b"/rest") is not None
        assert await from_nothing(at, tmp_path / "fresh") == at.records.digest
        # Without any, that is said, and nothing is answered wrongly.
        shutil.rmtree(at.archive._folder)
        with pytest.raises(Unavailable) as error:
            await asyncio.to_thread(at.records.rebuild)
        assert error.value.code == "records.log_trimmed"
        fresh = make_records(tmp_path / "fresh2", StreamLog(at.bus), keys=at.keys)
        await fresh.start()
        with pytest.raises(Unavailable, match="being built"), fresh.view() as view:
            view.find(PREFIX + b"/0")
        await fresh.stop()


@pytest.mark.parametrize("away", [True, False], ids=["was-away", "joins"])
async def test_a_mirror_that_the_log_does_not_reach_takes_a_snapshot(tmp_path: Path, *, away: bool) -> None:
    async with node(tmp_path) as at, RunningNats(tmp_path / "b") as second:
        own = NatsConnection(second.url, "mirror")
        await own.start()
        teller = SnapshotTeller(at.archive, at.bus)
        await teller.start()
        (tmp_path / "mirror").mkdir()
        keys = SigningKeys(tmp_path / "mirror" / "identifiers.key", "mirror", [str(at.keys.signer().verifier)])

        def mirror() -> tuple[Records, Follower]:
            log = MirrorLog(NatsConnection(at.bus._servers[0], "mirror"), own, tells=True, is_own=keys.is_own)
            records = make_records(tmp_path / "mirror", log, mirror=True, keys=keys)
            return records, Follower(records, own, SystemClock())

        if away:
            # It had eleven batches when it was cut off.
            records, _ = mirror()
            records._bring_up = _until(records, 11)  # type: ignore[method-assign]
            await records.start()
            await records.stop()
        assert (await at.run("identifiers", "archive")).returncode == 0
        await asyncio.to_thread(put, at.records, (PREFIX + b"/rest", (value(1),)))
        assert await at.first() == 21
        records, follower = mirror()
        await records.start()
        if away:
            with records.view() as view:
                assert view.find(PREFIX + b"/5") is not None  # it is served meanwhile
        await follower.start()
        await asyncio.to_thread(wait_for, "the mirror", lambda: records.position == at.records.position)
        assert records.digest == at.records.digest
        await asyncio.to_thread(wait_for, "its follower to know", lambda: not follower.problems())
        # What it keeps of the log goes on behind the snapshot.
        state = await own.state(STREAM)
        assert (state.first_sequence, state.last_sequence) == (at.records.position,) * 2
        await follower.stop()
        await records.stop()
        await teller.stop()
        await own.stop()


def _until(records: Records, position: int) -> Callable[..., bool]:
    """Reads the log up to a position only, as one that is cut off there."""

    def run(index: Any, within_s: float | None = None) -> bool:
        batches, fault = records._verified(records._log.page(1, position))
        assert fault is None
        records._log.keep([(at, message) for at, message, _ in batches])
        index.write(records._applying(batches, position))
        return True

    return run
