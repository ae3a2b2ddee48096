"""Filing over each database: with the change or not at all, once whoever dies, one at a time, later after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from millwright import metering
from millwright.cases import Actor
from millwright.engines import secrets
from millwright.engines.secrets import SecretsSettings, open_secrets, purpose_of
from millwright.engines.sql import Records
from millwright.identity.filing import FilingAgent, FilingSettings, NodeSigner, Outbox, Receiving, Reporter, SentStore
from millwright.identity.filing.client import ClockWrong, NotTaken
from millwright.identity.filing.documents import bare_digest, read
from millwright.identity.filing.model import Filing, FilingAnswer, FilingDesk
from millwright.identity.filing.tables import TOKENS, filers, received, sent, uppers
from millwright.identity.prefixes.tables import prefixes
from millwright.identity.records import SigningKeys
from millwright.kernel import Conflict, ManualClock, Unavailable
from millwright.parties import AuthorityStore
from support.prefixes import MIGRATIONS as PREFIX_MIGRATIONS
from support.prefixes import Town, session

MIGRATIONS = [secrets.MIGRATIONS, *PREFIX_MIGRATIONS, metering.MIGRATIONS]
SETTINGS = FilingSettings(retry_first_s=5.0, retry_most_s=60.0)


class Recorder:
    async def record(self, entries: list[object]) -> None:
        pass


class Nowhere(Outbox):
    """Of the node above: it has none above itself, though one database serves for both."""

    def pass_on(self, *_: object, **__: object) -> int:
        return 0


class Direct:
    """A client that needs no network: the node above is an object. ``fault`` is called behind each delivery."""

    def __init__(self, receiving: Receiving) -> None:
        self.receiving, self.calls = receiving, 0
        self.fault: Callable[[], None] = lambda: None
        self.away = False

    def _need(self) -> None:
        self.calls += 1
        if self.away:
            raise Unavailable("away", code="filing.upper_away")

    async def desk(self) -> FilingDesk:
        self._need()
        return await self.receiving.desk(session("filer"))

    async def file(self, document: str) -> FilingAnswer:
        self._need()
        try:
            answer = await self.receiving.file(session("filer"), document)
        except Conflict as error:  # as the client reads it from the wire
            raise NotTaken(error.code, error.message) from error
        self.fault()
        return answer

    async def answers(self, ids: list[str]) -> list[FilingAnswer]:
        self._need()
        return await self.receiving.answers(session("filer"), ids)


class Agent(FilingAgent):
    direct: Direct

    def client(self, upper: Any) -> Any:
        return self.direct


class Two:
    """A node below and one above, in one database, for their tables are others; each with a key of its own."""

    def __init__(self, records: Records, folder: Path, policy: str = "automatic") -> None:
        self.records, self.clock, self.folder = records, ManualClock(), folder
        self.outbox = Outbox(self.clock)
        self.town = Town(records, clock=self.clock, told=self.outbox)
        above = NodeSigner(SigningKeys(folder / "above.key", "above"), "above")
        below = self.below = NodeSigner(SigningKeys(folder / "below.key", "below"), "below")
        receiving = Receiving(records, AuthorityStore(records), above, Nowhere(self.clock), self.clock, SETTINGS)
        self.direct = Direct(receiving)
        self.secrets = open_secrets(SecretsSettings(), records, folder, self.clock)
        self.secrets.prepare()
        self.store = SentStore(records)
        row = {
            "id": "upn_1", "name": "Above", "url": "http://above", "ca": "", "public_key": None, "systems": [],
            "prefixes": [], "enabled": True, "report_every_h": 0, "attempts": 0, "next_ms": 0, "answered_ms": None,
            "problem": None, "created_ms": 0, "changed_ms": 0, "revision": 1,
            "token": self.secrets.seal(purpose_of(TOKENS, "upn_1"), b"t"),
        }  # fmt: skip
        filer = {
            "id": "flr_1", "organisation_id": "park", "holder_id": "red", "person_id": "per_filer", "name": "below",
            "public_key": below.key, "key_digest": bare_digest(below.key), "policy": policy, "suspended": False,
            "node": "", "report_every_ms": None, "reported_ms": None, "seen_ms": None, "created_ms": 0, "revision": 1,
        }  # fmt: skip
        with records.begin() as connection:
            connection.execute(sa.insert(uppers), [row])
            connection.execute(sa.insert(filers), [filer])

    def agent(self) -> Agent:
        """A process that sends."""
        reporter = Reporter(self.records, None, self.below, self.clock)  # type: ignore[arg-type]  # no reports here
        made = Agent(
            self.store, self.town.prefixes, AuthorityStore(self.records), self.secrets, self.below, reporter,
            Recorder(), self.clock, SETTINGS,  # type: ignore[arg-type]  # as it is used
        )  # fmt: skip
        made.direct = self.direct
        return made

    def rows(self, table: sa.Table) -> list[Any]:
        with self.records.read() as connection:
            return list(connection.execute(sa.select(table).order_by(table.c.id)))


@pytest.fixture
def two(records: Records, tmp_path: Path) -> Two:
    return Two(records, tmp_path)


async def test_a_change_that_fails_files_nothing(two: Two) -> None:
    prefix_id = await two.town.activate("red", "88.118.8", "park")
    assert [each.event for each in two.rows(sent)] == ["activate"]
    with pytest.raises(Conflict):
        await two.town.administer("park", prefix_id, "resume")  # it is active
    assert len(two.rows(sent)) == 1

    class Stop(Exception):
        pass

    with pytest.raises(Stop), two.town.prefixes.desk.opened_by_node(prefix_id) as opened:
        opened.fire("suspend", Actor("x", "x", is_system=True), comment="c")
        opened.save()
        raise Stop
    assert len(two.rows(sent)) == 1
    assert two.rows(prefixes)[0].state == "active"


async def test_who_dies_behind_the_delivery_delivers_nothing_twice(two: Two) -> None:
    await two.town.activate("red", "88.118.8", "park")
    died = 0

    def die() -> None:
        nonlocal died
        died += 1
        if died < 3:
            raise asyncio.CancelledError  # the process ends, after the node above has it

    two.direct.fault = die
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, len(two.rows(received))) == ("waiting", 1)
    first = row.document
    await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, row.document, row.attempts) == ("accepted", first, 3)
    (taken,) = two.rows(received)
    assert (taken.state, taken.current, taken.serial) == ("accepted", True, 1)


async def test_several_agents_send_each_once_and_in_order(two: Two) -> None:
    ids = [await two.town.activate("red", f"88.118.{number}", "park") for number in range(3)]
    for prefix_id in ids:
        await two.town.administer("park", prefix_id, "suspend")
    agents = [two.agent() for _ in range(3)]
    for _ in range(4):
        await asyncio.gather(*(each.look() for each in agents))
        two.clock.advance(1)
    assert {each.state for each in two.rows(sent)} == {"accepted"}
    taken = two.rows(received)
    assert len(taken) == 6
    for number in range(3):
        mine = sorted((each for each in taken if each.prefix == f"88.118.{number}"), key=lambda each: each.received_ms)
        assert sorted(each.prefix_state for each in mine) == ["active", "suspended"]
        assert [each.prefix_state for each in sorted(mine, key=lambda each: each.sequence)] == ["active", "suspended"]
        assert [each.current for each in sorted(mine, key=lambda each: each.sequence)] == [False, True]
        assert len({each.number for each in mine}) == 1
    assert sorted(each.serial for each in taken if each.serial) == [1, 2, 3]


async def test_a_node_that_is_away_is_tried_later_and_later(two: Two) -> None:
    for number in range(20):
        await two.town.activate("red", f"88.118.{number}", "park")
    two.direct.away = True
    waits = []
    for _ in range(8):
        before = two.direct.calls
        await two.agent().look()
        assert two.direct.calls == before + 1  # twenty wait, one is tried
        (upper,) = two.rows(uppers)
        waits.append((upper.next_ms - two.clock.now_ms()) / 1000)
        assert upper.problem["code"] == "filing.upper_away"
        await two.agent().look()  # too early
        assert two.direct.calls == before + 1
        two.clock.advance(waits[-1] + 0.001)
    assert 3.7 <= waits[0] <= 6.3
    assert all(0.75 * 60 <= each <= 1.25 * 60 for each in waits[4:])
    assert len(set(waits)) == len(waits)  # by chance, so that a thousand nodes do not come at once
    since = upper.problem["since_ms"]
    assert since < two.clock.now_ms() - 100_000

    # A month later it is back: everything arrives, in order.
    two.clock.advance(30 * 86_400)
    two.direct.away = False
    await two.agent().look()
    assert {each.state for each in two.rows(sent)} == {"accepted"}
    assert len(two.rows(received)) == 20
    (upper,) = two.rows(uppers)
    assert (upper.problem, upper.attempts) == (None, 0)


async def test_it_is_asked_again_until_it_is_decided(records: Records, tmp_path: Path) -> None:
    two = Two(records, tmp_path, "review")
    await two.town.activate("red", "88.118.8", "park")
    await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, two.direct.calls) == ("received", 2)  # the desk for its key, and the filing
    two.clock.advance(31)
    await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, two.direct.calls) == ("received", 3)
    receiving = two.direct.receiving
    with receiving.cases.begin() as transaction:
        taken = two.rows(received)[0]
        transaction.get(taken.id)
        receiving.decide(transaction, taken, "accept", Actor("x", "x", is_system=True), "")
    two.clock.advance(60)
    await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, row.next_ms) == ("accepted", None)
    assert row.number.startswith("above-2025-")
    # A later filing is taken behind it, and an earlier sequence is not.
    with records.begin() as connection:
        connection.execute(sa.update(sent).values(state="waiting", next_ms=0, document=None, sequence=1, answer=None))
    await two.agent().look()
    (row,) = two.rows(sent)
    assert (row.state, row.next_ms) == ("failed", None)
    assert "filing.id_taken" in row.reason


async def test_what_was_signed_by_a_wrong_clock_is_signed_again(two: Two) -> None:
    await two.town.activate("red", "88.118.8", "park")
    two.clock.jump(86_400)  # this node's clock is a day ahead
    ahead = two.clock.now_ms()
    two.direct.file, real = wrong_clock, two.direct.file  # type: ignore[method-assign]  # for one answer
    await two.agent().look()
    (row,), (upper,) = two.rows(sent), two.rows(uppers)
    assert (row.state, row.document) == ("waiting", None)
    assert "clock" in upper.problem["message"]
    two.clock.jump(-86_400)  # and with it the moment of the next attempt
    two.direct.file = real  # type: ignore[method-assign]
    await two.agent().look()
    (row,) = two.rows(sent)
    assert row.state == "accepted"
    assert read(row.document, Filing).signed_ms < ahead
    assert two.rows(uppers)[0].problem is None


async def wrong_clock(_document: str) -> FilingAnswer:
    raise ClockWrong("signed 86400 s from now, by this clock")
