"""What mirrors answer is counted at their primary, once, whoever is away, killed, or says something else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from millwright.engines.sql import Records
from millwright.identity.operation.board import Board
from millwright.identity.operation.charging import Charging
from millwright.identity.operation.mirror_usage import MIRROR_USAGE, MirrorUsage, MirrorUsageDesk, UsageTold
from millwright.identity.operation.model import Told
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.store import OperationStore
from millwright.kernel import ROOT, Invalid, ManualClock, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.metering import MESSAGES, RESOLUTIONS, CountStore
from millwright.parties.store.organisations import OrganisationStore
from support.bus import LocalBus
from support.identifiers import home, open_records
from support.web import open_records as open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Records]:
    made = open_database(tmp_path / "records").scoped(EVERYTHING)
    store = OrganisationStore(made)
    for name in ("press", "mill"):
        store.insert({
            "id": f"org_{name}", "parent_id": ROOT, "kind": "enterprise", "name": name, "name_key": name,
            "revision": 1, "created_ms": 0, "suspended": False,
        })  # fmt: skip
    yield made
    made.close()


class Line(LocalBus):
    """The bus of the primary as a mirror has it: questions or their answers may be lost on it."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = self.unanswered = False

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 10.0) -> bytes:
        if not self.lost:
            answer = await super().request(subject, payload, timeout_s=timeout_s)
            if not self.unanswered:
                return answer
        raise Unavailable("Nobody answered.", code="engines.nats_unavailable", hint="")


def sums(database: Records) -> dict[str, int]:
    found = CountStore(database).sums(0, 10**6)
    assert {meter for _, meter in found} <= {RESOLUTIONS.name}
    return {organisation: count for (organisation, _), count in found.items()}


async def test_what_a_mirror_answers_is_counted_where_its_names_come_from(tmp_path: Path, database: Records) -> None:
    register, own, clock, bus = (
        open_records(tmp_path / "register"),
        open_database(tmp_path / "own"),
        ManualClock(),
        Line(),
    )
    home(register, b"88.1", organisation_id="org_press")
    home(register, b"88.2", organisation_id="org_mill")
    desk = MirrorUsageDesk(CountStore(database), bus, clock)
    await desk.start()
    usage = MirrorUsage(tmp_path / "usage.json", bus)
    await usage.start()
    store, settings = OperationStore(own.scoped(EVERYTHING)), MonitoringSettings()
    board = Board(store, bus, clock, "mirror", settings, charging=Charging(register, usage))
    await board.start()
    told = Told(process="p", role="resolver", number=1, from_ms=0, to_ms=1, served=((b"88.1", 3), (b"88.2", 1)))
    for _ in range(2):  # its acknowledgement was lost
        await board._hear(msgspec.msgpack.encode(told))
    usage.count(MESSAGES, "org_press", 1000)
    await usage.tell()
    assert sums(database) == {"org_press": 3, "org_mill": 1}
    await board._hear(msgspec.msgpack.encode(msgspec.structs.replace(told, number=2)))
    await board.stop()
    await usage.stop()
    assert sums(database) == {"org_press": 6, "org_mill": 2}
    await desk.stop()
    register.close()
    own.close()


async def test_whatever_is_lost_and_whoever_is_killed_it_counts_once(tmp_path: Path, database: Records) -> None:
    chance, bus = random.Random(7), Line()
    desk = MirrorUsageDesk(CountStore(database), bus, ManualClock())
    await desk.start()
    wanted: Counter[str] = Counter()
    usage = MirrorUsage(tmp_path / "usage.json", bus, every_s=1000)
    await usage.start()
    for _ in range(300):
        bus.lost, bus.unanswered = chance.random() < 0.4, chance.random() < 0.3
        for _ in range(chance.randrange(3)):
            organisation, count = chance.choice(("org_press", "org_mill")), chance.randrange(1, 9)
            usage.count(RESOLUTIONS, organisation, count)
            wanted[organisation] += count
        try:
            await usage.tell()
        except Unavailable:
            if chance.random() < 0.2:  # killed: another goes on with what the file has
                assert usage._task is not None
                usage._task.cancel()
                usage = MirrorUsage(tmp_path / "usage.json", bus, every_s=1000)
                await usage.start()
    bus.lost = bus.unanswered = False
    await usage.stop()
    assert sums(database) == wanted
    await desk.stop()


async def test_more_organisations_than_fit_into_a_message(tmp_path: Path, database: Records) -> None:
    bus = Line()
    desk = MirrorUsageDesk(CountStore(database), bus, ManualClock())
    await desk.start()
    usage = MirrorUsage(tmp_path / "usage.json", bus)
    await usage.start()
    for number in range(12_000):
        usage.count(RESOLUTIONS, f"org_{number}", 1)
    usage.count(RESOLUTIONS, "org_press", 2)
    usage.count(RESOLUTIONS, "org_mill", 4)
    await usage.stop()
    assert sums(database) == {"org_press": 2, "org_mill": 4}, "nothing is counted for who is not known"
    await desk.stop()


async def test_a_file_that_is_not_what_it_was_is_said(
    tmp_path: Path, database: Records, caplog: pytest.LogCaptureFixture
) -> None:
    bus, path = Line(), tmp_path / "usage.json"
    desk = MirrorUsageDesk(CountStore(database), bus, ManualClock())
    await desk.start()
    path.write_text('{"source": "mirror_1", "number"')
    usage = MirrorUsage(path, bus)
    await usage.start()
    assert str(path) in caplog.text
    usage.count(RESOLUTIONS, "org_mill")
    await usage.stop()
    assert sums(database) == {"org_mill": 1}
    await desk.stop()


@pytest.mark.parametrize(
    "payload",
    [
        b"nonsense",
        msgspec.msgpack.encode(UsageTold("", 1, {"org_mill": 1})),
        msgspec.msgpack.encode(UsageTold("m", 0, {"org_mill": 1})),
        msgspec.msgpack.encode(UsageTold("m", 1, {"org_mill": -5})),
        msgspec.msgpack.encode(UsageTold("m", 1, {"org_mill": 10**13})),
        msgspec.msgpack.encode(UsageTold("m", 1, {f"org_{each}": 1 for each in range(5_001)})),
    ],
)
async def test_what_no_mirror_says_is_refused(database: Records, payload: bytes) -> None:
    bus = Line()
    desk = MirrorUsageDesk(CountStore(database), bus, ManualClock())
    await desk.start()
    with pytest.raises(Invalid) as caught:
        await bus.request(MIRROR_USAGE, payload)
    assert caught.value.code == "operation.unreadable"
    assert sums(database) == {}
    await desk.stop()
