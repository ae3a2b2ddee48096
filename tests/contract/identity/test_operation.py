"""The history of resolution, findings, mirrors and unfiled prefixes over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from millwright.identity.operation.board import Board
from millwright.identity.operation.buckets import HOUR_MS, MINUTE_MS
from millwright.identity.operation.charging import Charging
from millwright.identity.operation.mirrors import Mirrors
from millwright.identity.operation.model import Candidate, MirrorTold, Told
from millwright.identity.operation.service import Operation
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.store import OperationStore
from millwright.identity.operation.tables import figures
from millwright.identity.operation.telling import MIRRORS, Teller, subject_of
from millwright.identity.operation.watch import Watch
from millwright.identity.prefixes.tables import filings, prefixes
from millwright.identity.records import Prefix
from millwright.identity.records import Records as Register
from millwright.kernel import ROOT, ManualClock, Scope, Unavailable
from millwright.kernel.scope import EVERYTHING, within
from millwright.metering import CountStore, Tally
from support.bus import LocalBus
from support.handle import value
from support.identifiers import home, open_records, put
from support.web import open_records as open_database

DAY_MS = 24 * HOUR_MS
SETTINGS = MonitoringSettings()


class Node:
    """What the web role has, over one database, and a register."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(folder / "records").scoped(EVERYTHING)
        self.register: Register = open_records(folder / "register")
        self.clock = ManualClock()
        self.bus = LocalBus()
        self.store = OperationStore(self.database)
        self.board = self.again()

    def again(self) -> Board:
        return Board(self.store, self.bus, self.clock, "n", SETTINGS)  # type: ignore[arg-type]

    def close(self) -> None:
        self.register.close()
        self.database.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    try:
        yield made
    finally:
        made.close()


def told(node: Node, number: int, count: int, process: str = "a", **more: Any) -> Told:
    now_ms = node.clock.now_ms()
    given: dict[str, Any] = {"counts": (("udp", "success", count), ("udp", "handle_not_found", 1)), "from_ms": now_ms}
    return Told(process=process, role="web", number=number, to_ms=now_ms, **(given | more))


async def test_what_is_told_twice_is_counted_once_and_survives_a_restart(node: Node) -> None:
    board = node.board
    await board.start()
    for process in ("a", "b"):
        first = told(node, 1, 10, process, minute=node.clock.now_ms() // MINUTE_MS, names=(("88.1/X", 10),))
        board.take(first)
        board.take(first)
    assert board.last_hour().outcomes() == {"success": 20, "handle_not_found": 2}
    assert board.rate_per_s() == 2.2
    await board.stop()

    again = node.again()
    await again.start()
    assert again.last_hour().outcomes() == {"success": 20, "handle_not_found": 2}
    assert again.last_hour().top() == {"88.1/X": (20, 0)}
    # A row that was written before the restart is added to, not written anew.
    again.take(told(node, 1, 5, "c"))
    await again.round()
    (hour,) = (await again.kept("hour", 0)).values()
    assert hour.outcomes() == {"success": 25, "handle_not_found": 3}
    await again.stop()


async def test_resolutions_are_counted_for_who_registered_the_name(node: Node) -> None:
    home(node.register, b"88.1", b"GS1:9506000", organisation_id="org_press")
    home(node.register, b"88.2", organisation_id="org_other")
    node.register.change_many(
        (), who="test", prefixes=[Prefix(prefix="88.3", organisation_id="org_far", state="active", site=b"elsewhere")]
    )
    counts = CountStore(node.database)
    tally = Tally(counts, node.clock, "web")
    charging = Charging(node.register, tally)
    board = Board(node.store, node.bus, node.clock, "n", SETTINGS, charging=charging)  # type: ignore[arg-type]
    await board.start()
    served = (
        (b"88.1", 10), (b"GS1/01/09506000134352", 2), (b"88.2", 3), (b"88.3", 4), (b"99.9", 5), (b"0.NA/88.1", 1),
    )  # fmt: skip
    first = msgspec.msgpack.encode(told(node, 1, 25, served=served))
    for _ in range(3):  # whose acknowledgement is lost
        await board._hear(first)
    await board._hear(msgspec.msgpack.encode(told(node, 2, 1, served=((b"88.2", 1),))))
    node.register.close()
    with pytest.raises(Unavailable):
        await board._hear(msgspec.msgpack.encode(told(node, 3, 1, served=((b"88.2", 7),))))
    assert board.last_hour().outcomes()["success"] == 26
    await tally.flush()
    hour = node.clock.now_ms() // HOUR_MS
    assert counts.sums(hour, hour + 1) == {("org_press", "resolutions"): 13, ("org_other", "resolutions"): 4}
    await board.stop()


async def test_the_history_is_bounded(node: Node) -> None:
    board = node.board
    for hour in range(40 * 24):
        if hour % 100:
            node.clock.advance(3600)
            continue
        for minute in range(60):
            board.take(told(node, hour * 60 + minute + 1, 1))
            node.clock.advance(60)
        await board.round()
    board._pruned_s = float("-inf")
    await board.round()
    with node.database.read() as connection:
        rows = connection.execute(sa.select(figures.c.span, figures.c.from_ms)).all()
    now_ms = node.clock.now_ms()
    assert all(row.from_ms >= now_ms - 31 * DAY_MS for row in rows)
    assert all(row.from_ms >= now_ms - 25 * HOUR_MS for row in rows if row.span == "minute")
    assert any(row.span == "hour" for row in rows)
    assert len(board.minutes()) <= 62


async def test_a_teller_waits_for_who_keeps_the_history(node: Node) -> None:
    watch = Watch(SETTINGS, node.clock, "resolver")
    teller = Teller(watch, node.bus, "n")
    watch.tick("udp", "limited", 3)
    with pytest.raises(Unavailable):
        await teller.tell()
    watch.tick("udp", "limited", 4)
    await node.board.start()
    await teller.tell()
    await teller.tell()
    assert node.board.last_hour().outcomes() == {"limited": 7}
    assert [each.role for each in node.board.processes()] == ["resolver"]
    assert list(node.bus._responders) == [subject_of("n")]
    await teller.stop()
    await node.board.stop()


def candidate(node: Node, period: int, **more: Any) -> Candidate:
    given: dict[str, Any] = {"kind": "scraping", "subject": "192.0.2.0/24", "evidence": {"asked": period}, "names": ()}
    return Candidate(period=period, at_ms=node.clock.now_ms(), **(given | more))


def test_a_finding_is_counted_and_not_doubled_until_a_day_after_it_was_acknowledged(node: Node) -> None:
    store = node.store
    assert store.note(candidate(node, 1))
    assert not store.note(candidate(node, 1, evidence={"asked": 7}))
    assert not store.note(candidate(node, 2))
    (row,) = store.findings("open")
    assert (row.times, row.evidence) == (2, {"asked": 2})
    assert store.acknowledge(row.id, node.clock.now_ms(), "ada", "a customer")
    assert not store.acknowledge(row.id, node.clock.now_ms(), "bob", "again")
    node.clock.advance(3600)
    assert not store.note(candidate(node, 3))
    assert [(row.state, row.times, row.comment) for row in store.findings(None)] == [("acknowledged", 3, "a customer")]
    node.clock.advance(86_401)
    assert store.note(candidate(node, 4))
    assert [row.state for row in store.findings(None)] == ["open", "acknowledged"]
    # Another kind about the same network is another finding.
    assert store.note(candidate(node, 4, kind="misses"))


async def test_networks_and_findings_are_removed_after_their_days(node: Node) -> None:
    store, board = node.store, node.board
    store.note(candidate(node, 1))
    store.note(candidate(node, 1, kind="guessing", subject="GS1/01/1"))
    node.clock.advance((SETTINGS.address_days * DAY_MS) / 1000 + 1)
    store.note(candidate(node, 9, kind="misses"))
    await board.round()
    assert {row.kind: row.subject for row in store.findings(None)} == {
        "scraping": "", "guessing": "GS1/01/1", "misses": "192.0.2.0/24",
    }  # fmt: skip
    node.clock.advance((SETTINGS.finding_days * DAY_MS) / 1000 + 1)
    board._pruned_s = float("-inf")
    await board.round()
    assert store.findings(None) == []


async def test_a_mirror_is_compared_and_missed(node: Node) -> None:
    register = node.register
    home(register, b"88.1")
    put(register, (b"88.1/a", (value(1),)))
    at, digest = register.position, register.digest
    mirrors = Mirrors(node.store, register, node.bus, node.clock)
    await mirrors.start()

    async def tells(**more: Any) -> str:
        given: dict[str, Any] = {"node": "m", "position": at, "digest": digest, "handles": 1, "lag_batches": 0}
        said = MirrorTold(**({"lag_ms": 0} | given | more))
        await node.bus.publish(MIRRORS, msgspec.json.encode(said))
        (found,) = mirrors.listed()
        return found.state

    assert await tells() == "equal"
    assert await tells(digest="00" * 32) == "differs"
    put(register, (b"88.1/b", (value(1),)), (b"88.1/c", (value(1),)))
    assert await tells(lag_batches=1, lag_ms=1500) == "behind"
    (found,) = mirrors.listed()
    assert (found.behind, found.lag_ms) == (register.position - at, 1500)
    assert await tells(position=999) == "unknown"
    await node.bus.publish(MIRRORS, b"nonsense")
    node.clock.advance(31)
    assert [each.state for each in mirrors.listed()] == ["silent"]
    await mirrors.stop()
    # It is missed by the next process, too.
    again = Mirrors(node.store, register, node.bus, node.clock)
    await again.start()
    assert [(each.node, each.state) for each in again.listed()] == [("m", "silent")]
    await again.stop()


def prefix_row(number: int, granted_ms: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"pfx_{number}", "organisation_id": "org_a", "system": "handle", "prefix": f"88.{number}",
        "key": f"88.{number}", "state": "active", "granted_ms": granted_ms, "created_ms": 0, "changed_ms": 0,
        "revision": 1, "form": {}, "filed": False, "search": "",
    } | more  # fmt: skip


def test_prefixes_without_an_accepted_filing_are_listed_when_they_are_old_enough(node: Node) -> None:
    now_ms = node.clock.now_ms()
    rows = [
        prefix_row(1, now_ms - 9 * DAY_MS),
        prefix_row(2, now_ms - 8 * DAY_MS, filed=True),
        prefix_row(3, now_ms - 8 * DAY_MS, state="suspended"),
        prefix_row(4, now_ms - 1 * DAY_MS),
        prefix_row(5, now_ms - 10 * DAY_MS),
    ]
    sent = {
        "id": "fil_1", "prefix_id": "pfx_1", "node": "88", "number": "", "state": "sent", "answer": "",
        "recorded_ms": 0, "recorded_by": "x",
    }  # fmt: skip
    with node.database.begin() as connection:
        connection.execute(sa.insert(prefixes), [{"granted_ms": 0} | row for row in rows])
        connection.execute(sa.insert(filings), [sent, sent | {"id": "fil_2", "state": "refused"}])
    found = node.store.unfiled(now_ms - 7 * DAY_MS)
    assert [(row.prefix, row.last_filing) for row in found] == [("88.5", None), ("88.1", "refused")]


async def test_who_sees_which_names(node: Node) -> None:
    register = node.register
    home(register, b"88.1", organisation_id="org_a")
    home(register, b"88.2", organisation_id="org_b")
    put(register, (b"88.1/Pump", (value(1),)), (b"88.2/Valve", (value(1),)))
    names = ("88.1/PUMP", "88.2/VALVE", "99.9/X")
    ends = {"from": "88.1/PUMP", "to": "88.2/VALVE", "asked": 3}
    node.store.note(candidate(node, 1, kind="enumeration", names=names, evidence=ends))
    node.store.note(candidate(node, 1, kind="counterfeit", subject="88.2/VALVE", names=names[1:2]))
    node.board.take(told(node, 1, 3, minute=node.clock.now_ms() // MINUTE_MS, names=tuple((each, 1) for each in names)))
    mirrors = Mirrors(node.store, register, node.bus, node.clock)
    operation = Operation(node.store, node.board, mirrors, register, node.clock, SETTINGS)

    async def seen(organisation: str) -> tuple[dict[str, Any], set[str]]:
        with within(Scope(frozenset({organisation}))):
            found = {each.kind: each for each in await operation.findings()}
            return found, {each.name for each in (await operation.hot("hour", 10)).items}

    mine, hot = await seen("org_a")
    assert hot == {"88.1/Pump"}
    assert set(mine) == {"enumeration"}
    finding = mine["enumeration"]
    assert (finding.names, finding.hidden, finding.prefixes) == (["88.1/Pump"], 2, ["88.1"])
    assert finding.evidence == {"from": "88.1/Pump", "asked": 3}
    theirs, hot = await seen("org_b")
    assert hot == {"88.2/Valve"}
    assert theirs["counterfeit"].subject == "88.2/Valve"
    assert theirs["enumeration"].evidence == {"to": "88.2/Valve", "asked": 3}
    # At the top: which network it is, and names that are nobody's.
    above, hot = await seen(ROOT)
    assert hot == {"99.9/X"}
    assert set(above) == {"enumeration"}
    assert (above["enumeration"].subject, above["enumeration"].names) == ("192.0.2.0/24", ["99.9/X"])
    assert above["enumeration"].evidence == {"asked": 3}
    assert (await seen("org_c")) == ({}, set())


async def test_what_is_told_late_is_counted_once_too(node: Node) -> None:
    board = node.board
    await board.start()
    late = told(node, 1, 10)
    node.clock.advance(3 * 3600)
    for _ in range(3):  # whose acknowledgement is lost
        await board._hear(msgspec.msgpack.encode(late))
    assert board.last_hour().outcomes() == {"success": 10, "handle_not_found": 1}
    await board.stop()
