"""Mirrors over the network, on real brokers: what is copied, what a snapshot holds, who may take over."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from millwright.engines.nats import NatsConnection
from millwright.engines.nats.server import find_server
from millwright.identity.operation.mirrors import Mirrors
from millwright.identity.operation.store import OperationStore
from millwright.identity.operation.telling import MirrorTeller
from millwright.identity.records import Follower, Records, SigningKeys, StreamLog
from millwright.identity.records.comparing import StandingTeller, ask_standing
from millwright.identity.records.index import RecordIndex
from millwright.identity.records.log import STREAM, SUBJECT
from millwright.identity.records.mirroring import MirrorLog
from millwright.identity.records.snapshots import read_snapshot, write_snapshot
from millwright.kernel import Conflict, Corrupt, Denied, SystemClock, Unavailable
from millwright.kernel.scope import EVERYTHING
from support.handle import value
from support.identifiers import home, make_records, open_records, put
from support.measures import lift, take
from support.nats import RunningNats
from support.ports import free_port
from support.web import open_records as open_database

PREFIX = b"88.1"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[NatsConnection]:
    bus = NatsConnection(url, "test")
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


def keys(folder: Path, *trusted: SigningKeys) -> SigningKeys:
    return SigningKeys(folder / "identifiers.key", folder.name, [str(each.signer().verifier) for each in trusted])


@asynccontextmanager
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Records, Records, NatsConnection, NatsConnection, SigningKeys]]:
    """A primary with ten names, and a mirror of it that was not opened yet, each with a broker of its own."""
    folder = tmp_path / "primary"
    folder.mkdir()
    (tmp_path / "mirror").mkdir()
    async with (
        RunningNats(tmp_path / "a") as first,
        RunningNats(tmp_path / "b") as second,
        connected(first.url) as at_primary,
        connected(second.url) as at_mirror,
    ):
        own = keys(folder)
        primary = make_records(folder, StreamLog(at_primary), keys=own)
        await primary.start()
        await asyncio.to_thread(home, primary, PREFIX)
        await asyncio.to_thread(put, primary, *((PREFIX + b"/%d" % each, (value(1),)) for each in range(10)))
        log = MirrorLog(NatsConnection(first.url, "mirror"), at_mirror, tells=True)
        mirror = make_records(tmp_path / "mirror", log, mirror=True, keys=keys(tmp_path / "mirror", own))
        try:
            yield primary, mirror, at_primary, at_mirror, own
        finally:
            await mirror.stop()
            await primary.stop()


async def test_a_mirror_has_what_was_ordered_in_an_emergency(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, _, _, _):
        await mirror.start()
        measure = await asyncio.to_thread(take, primary, "suspend", "beginning", PREFIX.decode(), "88.1/1")
        await asyncio.to_thread(mirror.catch_up)
        with mirror.view() as view:
            assert view.effect(b"88.1/1") == view.effect(b"88.1/1x")
            effect = view.effect(b"88.1/1")
            assert effect is not None
            assert effect.suspended == measure
            assert view.effect(b"88.1/2") is None
        with pytest.raises(Denied):
            await asyncio.to_thread(lift, mirror, measure)
        await asyncio.to_thread(lift, primary, measure)
        await asyncio.to_thread(mirror.catch_up)
        with mirror.view() as view:
            assert view.effect(b"88.1/1") is None
        assert (mirror.position, mirror.digest) == (primary.position, primary.digest)
        assert await asyncio.to_thread(mirror.verify) == 10


async def test_a_mirror_copies_the_log_before_it_shows_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, at_primary, at_mirror, _):
        await mirror.start()
        assert (mirror.position, mirror.digest) == (primary.position, primary.digest)
        ends = [(await bus.state(STREAM)).last_sequence for bus in (at_primary, at_mirror)]
        assert ends == [primary.position] * 2
        for position in range(1, primary.position + 1):
            copied, original = await at_mirror.get(STREAM, position), await at_primary.get(STREAM, position)
            assert copied is not None
            assert original is not None
            assert copied.data == original.data
        with pytest.raises(Denied) as error:
            await asyncio.to_thread(put, mirror, (PREFIX + b"/x", (value(1),)))
        assert error.value.code == "records.mirror"


async def test_two_processes_of_a_mirror_copy_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, _, at_mirror, _):
        await mirror.start()
        log = MirrorLog(NatsConnection(mirror._log._primary._servers[0], "other"), at_mirror, tells=False)  # type: ignore[attr-defined]
        # In a folder of its own: LMDB is opened once in a process.
        other = make_records(tmp_path / "other", log, mirror=True, keys=mirror._keys)
        await other.start()
        for number in range(20, 40):
            await asyncio.to_thread(put, primary, (PREFIX + b"/%d" % number, (value(1),)))
            await asyncio.gather(*(asyncio.to_thread(each.catch_up) for each in (mirror, other)))
        assert mirror.digest == other.digest == primary.digest
        assert (await at_mirror.state(STREAM)).last_sequence == primary.position
        await other.stop()


async def test_a_mirror_that_began_with_a_snapshot_has_the_same_digest_and_goes_on_behind_it(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, at_primary, at_mirror, own):
        file = tmp_path / "file"
        made = write_snapshot(primary._current(), file, own, "primary", 1)
        assert (made.position, made.digest, made.handles) == (primary.position, primary.digest, 10)
        read_snapshot(file, tmp_path / "mirror" / "identifiers", mirror._keys)
        await asyncio.to_thread(put, primary, (PREFIX + b"/more", (value(1),)))
        await mirror.start()
        assert mirror.digest == primary.digest
        state = await at_mirror.state(STREAM)
        assert (state.first_sequence, state.last_sequence) == (primary.position, primary.position)
        # Equality at any position that both have been at.
        teller = StandingTeller(primary, at_primary, "primary")
        await teller.start()
        before = mirror.position
        await asyncio.to_thread(put, primary, (PREFIX + b"/even-more", (value(1),)))
        told = await ask_standing(at_primary, before)
        assert (told.position, told.at, told.digest) == (before + 1, before, mirror.digest)
        assert (await ask_standing(at_primary, 99)).digest == ""
        await teller.stop()


async def test_a_former_primary_does_not_mix_two_logs(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, _, at_mirror, own):
        # It was a primary, and its index is gone, or is still there.
        former = make_records(tmp_path / "former", StreamLog(at_mirror))
        await former.start()
        await asyncio.to_thread(home, former, b"99.1")
        await former.stop()
        await mirror.start()
        with pytest.raises(Conflict) as error:
            await asyncio.to_thread(mirror.catch_up)
        assert error.value.code == "records.other_log"
        await mirror.stop()
        log = MirrorLog(NatsConnection(mirror._log._primary._servers[0], "former"), at_mirror, tells=False)  # type: ignore[attr-defined]
        again = make_records(tmp_path / "former", log, mirror=True, keys=keys(tmp_path / "former", own))
        await again.start()
        with pytest.raises(Corrupt) as broken:
            await asyncio.to_thread(again.catch_up)
        assert "does not follow" in broken.value.message
        assert (await at_mirror.state(STREAM)).last_sequence == 1 < primary.position
        await again.stop()


def test_a_snapshot_that_was_changed_or_is_of_a_stranger_is_refused(tmp_path: Path) -> None:
    own = keys(tmp_path)
    records = open_records(tmp_path, keys=own)
    home(records, PREFIX)
    put(records, (PREFIX + b"/1", (value(1),)))
    records.close()
    index = RecordIndex(tmp_path / "identifiers", read_only=True)
    file = tmp_path / "file"
    write_snapshot(index, file, own, "test", 1)
    index.close()
    good = file.read_bytes()

    def refused(data: bytes, by: SigningKeys = own) -> str:
        file.write_bytes(data)
        with pytest.raises(Corrupt) as error:
            read_snapshot(file, tmp_path / "restored", by)
        assert not (tmp_path / "restored").exists()
        return str(error.value.detail["why"])

    (tmp_path / "stranger").mkdir()
    assert "not trusted" in refused(good, keys(tmp_path / "stranger"))
    at = good.index(b"88.1/1")
    assert "manifest" in refused(good[:at] + b"88.1/2" + good[at + 6 :])
    assert refused(good[: len(good) // 2])
    assert refused(b"nothing")
    with tarfile.open(file, "w") as tar:
        tar.add(tmp_path / "identifiers.key", "manifest")
    assert refused(file.read_bytes())
    file.write_bytes(good)
    assert read_snapshot(file, tmp_path / "restored", own).handles == 1


async def test_a_mirror_starts_and_serves_while_its_primary_is_away(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    async with RunningNats(tmp_path / "b") as second, connected(second.url) as at_mirror:
        log = MirrorLog(NatsConnection("nats://127.0.0.1:1", "mirror"), at_mirror, tells=True)
        mirror = make_records(tmp_path / "mirror", log, mirror=True)
        await mirror.start()
        with pytest.raises(Exception, match="does not answer"):
            await asyncio.to_thread(mirror.catch_up)
        await mirror.stop()


CONFINED = """
port: {port}
max_payload: 8MB
jetstream {{ store_dir: {folder} }}
authorization {{ users: [
  {{ user: node, password: x }}
  {{ user: mirror, password: y, permissions: {{
    publish: {{ allow: [
      "$JS.API.STREAM.INFO.IDENTITY", "$JS.API.CONSUMER.CREATE.IDENTITY.>", "$JS.API.CONSUMER.INFO.IDENTITY.>",
      "$JS.API.CONSUMER.DELETE.IDENTITY.>", "$JS.API.CONSUMER.MSG.NEXT.IDENTITY.>", "identity.state",
      "identity.snapshot" ] }}
    subscribe: {{ allow: ["identity.changed", "_INBOX.>"] }} }} }} ] }}
"""
"""As docs/guides/federate.md says."""


async def test_a_user_that_may_only_read_is_enough_for_a_mirror(tmp_path: Path) -> None:
    for each in ("primary", "mirror"):
        (tmp_path / each).mkdir()
    port = free_port()
    config = tmp_path / "nats.conf"
    config.write_text(CONFINED.format(port=port, folder=json.dumps(str(tmp_path / "streams"))))
    output = tmp_path / "nats.out"
    with output.open("w") as file:
        server = subprocess.Popen([str(find_server()), "-c", str(config)], stdout=file, stderr=file)
    try:
        async with asyncio.timeout(20):
            while "Server is ready" not in output.read_text():
                assert server.poll() is None, output.read_text()
                await asyncio.sleep(0.05)
        async with (
            connected(f"nats://node:x@127.0.0.1:{port}") as at_primary,
            connected(f"nats://mirror:y@127.0.0.1:{port}") as confined,
            RunningNats(tmp_path / "b") as second,
            connected(second.url) as at_mirror,
        ):
            own = keys(tmp_path / "primary")
            primary = make_records(tmp_path / "primary", StreamLog(at_primary), keys=own)
            await primary.start()
            await asyncio.to_thread(home, primary, PREFIX)
            log = MirrorLog(NatsConnection(f"nats://mirror:y@127.0.0.1:{port}", "mirror"), at_mirror, tells=True)
            mirror = make_records(tmp_path / "mirror", log, mirror=True, keys=keys(tmp_path / "mirror", own))
            teller = StandingTeller(primary, at_primary, "primary")
            await teller.start()
            await mirror.start()
            assert (await ask_standing(confined, mirror.position)).digest == mirror.digest == primary.digest
            with pytest.raises(Unavailable):
                await confined.append(SUBJECT, b"forged", timeout_s=0.5)
            assert (await at_primary.state(STREAM)).last_sequence == primary.position
            await mirror.stop()
            await teller.stop()
            await primary.stop()
    finally:
        server.terminate()
        server.wait(10)


async def test_a_mirror_tells_its_primary_how_far_it_is(tmp_path: Path) -> None:
    async with pair(tmp_path) as (primary, mirror, at_primary, at_mirror, _):
        await mirror.start()
        database = open_database(tmp_path / "records").scoped(EVERYTHING)
        heard = Mirrors(OperationStore(database), primary, at_primary, SystemClock())
        await heard.start()
        log = mirror.log
        assert isinstance(log, MirrorLog)
        teller = MirrorTeller(mirror, Follower(mirror, at_mirror, SystemClock()), log.primary, "copy")
        await teller.start()

        async def told(**wanted: object) -> None:
            for _ in range(400):
                listed = heard.listed()
                if any(all(getattr(each, name) == given for name, given in wanted.items()) for each in listed):
                    return
                await asyncio.sleep(0.05)
            raise AssertionError(heard.listed())

        await told(node="copy", state="equal", behind=0, handles=10)
        await asyncio.to_thread(put, primary, (PREFIX + b"/more", (value(1),)))
        await told(node="copy", state="behind", behind=1)
        await asyncio.to_thread(mirror.catch_up)
        await told(node="copy", state="equal", behind=0, handles=11)
        await teller.stop()
        await heard.stop()
        database.close()
