"""Requests and policies over each database; asked, decided and carried out without HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from millwright import approvals as domain
from millwright import cases, ledger, parties
from millwright.approvals import Approvals, ApprovalsKeeper, ApprovalsSettings, Asked, Carrying, Outcome, Requester
from millwright.approvals.tables import policies, requests
from millwright.engines import secrets
from millwright.engines.secrets import Rotation, SecretsSettings, open_secrets
from millwright.engines.sql import Records, owner_of
from millwright.kernel import Conflict, Denied, ManualClock, NotFound, Unavailable
from millwright.ledger import Sealed
from millwright.ledger.errors import unavailable
from millwright.parties import Authority, Parties, Session

MIGRATIONS = [secrets.MIGRATIONS, ledger.MIGRATIONS, parties.MIGRATIONS, cases.MIGRATIONS, domain.MIGRATIONS]
ROOT = "org_root"
PASSWORD = "copper kettles whistle"


class Desk:
    """The service with two people, and a kind of request that counts how often it was carried out."""

    def __init__(self, records: Records, folder: Path) -> None:
        self.clock = ManualClock()
        self.secrets = open_secrets(SecretsSettings(), records, folder, self.clock)
        self.secrets.prepare()
        self.parties = Parties(records, self.clock, secrets=self.secrets)
        self.records = records
        self.approvals = Approvals(records, self.secrets, self.parties, self.clock, ApprovalsSettings())
        self.approvals.carry_out_by("test", self.carry_out)
        self.carried: list[Carrying] = []
        self.outcome = Outcome(201, b'{"token":"only for Anna"}', "application/json", shown={"made": True})
        self.people: dict[str, tuple[Session, Authority]] = {}

    async def carry_out(self, carrying: Carrying) -> Outcome:
        self.carried.append(carrying)
        await asyncio.sleep(0.02)
        return self.outcome

    async def open(self) -> Desk:
        code = await self.parties.new_setup_code()
        assert code is not None
        anna = (await self.parties.set_up("Anna", PASSWORD, code)).session
        mine = await self.parties.authority(anna)
        await self.parties.people.add(mine, "Bo", PASSWORD, ["administrator"], None, ROOT)
        bo = (await self.parties.sign_in("Bo", PASSWORD)).session
        self.people = {"anna": (anna, mine), "bo": (bo, await self.parties.authority(bo))}
        return self

    async def ask(self, what: str = "secret words") -> str:
        session, authority = self.people["anna"]
        asked = Asked(
            action="commands.send",
            organisation_id=ROOT,
            requester=Requester(session.person.id, session.person.name, session.id, "cookie"),
            kind="test",
            what={"words": what},
            shown={"body": {"words": "…"}},
        )
        return (await self.approvals.ask(authority, asked)).id

    async def approve(self, approval_id: str, by: str = "bo") -> str:
        session, authority = self.people[by]
        return (await self.approvals.approve(authority, session, approval_id, "")).state


@pytest.fixture
async def desk(records: Records, tmp_path: Path) -> Desk:
    return await Desk(records, tmp_path / "keys").open()


async def test_asked_approved_and_carried_out(desk: Desk) -> None:
    found = await desk.ask()
    assert await desk.approve(found) == "done"
    (carrying,) = desk.carried
    assert (carrying.what, carrying.approver_name, carrying.requester.name) == ({"words": "secret words"}, "Bo", "Anna")
    with pytest.raises(Conflict):
        await desk.approve(found)
    assert len(desk.carried) == 1


async def test_of_many_at_once_one_carries_it_out(desk: Desk) -> None:
    found = await desk.ask()
    answers = await asyncio.gather(*(desk.approve(found) for _ in range(6)), return_exceptions=True)
    assert answers.count("done") == 1
    assert all(isinstance(each, Conflict) for each in answers if each != "done")
    assert len(desk.carried) == 1


async def test_the_same_at_once_waits_once(desk: Desk) -> None:
    assert len(set(await asyncio.gather(*(desk.ask() for _ in range(6))))) == 1
    assert await desk.ask("other words") != await desk.ask()


async def test_nothing_asked_or_answered_is_readable_in_the_database(desk: Desk) -> None:
    found = await desk.ask()

    def kept() -> str:
        with desk.records.read() as connection:
            return str(connection.execute(sa.select(requests)).all())

    assert "secret words" not in kept()
    await desk.approve(found)
    assert "only for Anna" not in kept()
    (session, mine), (_, theirs) = desk.people["anna"], desk.people["bo"]
    with pytest.raises(NotFound):
        await desk.approvals.take_answer(theirs, found)
    taken = await asyncio.gather(*(desk.approvals.take_answer(mine, found) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in taken) == ["ApprovalAnswer", "NotFound", "NotFound", "NotFound"]
    detail = await desk.approvals.get(theirs, found)
    assert (detail.body, detail.answer) == ({"words": "…"}, {"made": True})
    assert session.person.id == detail.requester_id
    assert "secret words" not in desk.secrets.open(f"approvals.request:{found}", _request(desk, found)).decode()


async def test_what_was_asked_cannot_be_guessed_by_what_is_kept_openly(desk: Desk) -> None:
    """Neither by the digest that people see nor by what names the case, for who can try every short secret."""
    what = {"words": "1234"}
    first = await desk.ask("1234")
    assert await desk.ask("1234") == first  # it is known to wait all the same
    session, _ = desk.people["anna"]
    case = desk.approvals.cases.get(first)
    guess = hashlib.sha256(msgspec.json.encode(["test", what], order="deterministic")).hexdigest()
    named = hashlib.sha256(f"{session.person.id} {session.id} {guess}".encode()).hexdigest()
    assert not {guess, named} & {case.cause, case.data["digest"], desk.approvals.store.get(first).digest}
    digests = [case.data["digest"]]
    assert await desk.approve(first) == "done"
    assert "salt" not in desk.secrets.open(f"approvals.request:{first}", _request(desk, first)).decode()
    second = await desk.ask("1234")
    digests += [desk.approvals.cases.get(second).data["digest"]]
    assert len(set(digests)) == 2


def _only(table: sa.Table) -> sa.MetaData:
    """The one table, for the databases here have none of other domains'."""
    alone = sa.MetaData()
    table.to_metadata(alone)
    return alone


def _request(desk: Desk, approval_id: str) -> str:
    found: str = desk.approvals.store.get(approval_id).request
    return found


async def test_sealed_requests_survive_a_rotation_of_keys(desk: Desk) -> None:
    found = await desk.ask()
    rotation = Rotation(desk.records, desk.secrets, desk.clock, _only(requests))
    before = _request(desk, found)
    rotation.begin()
    rotation.finish()
    assert _request(desk, found) != before
    assert await desk.approve(found) == "done"


async def test_who_asks_does_not_decide(desk: Desk) -> None:
    with pytest.raises(Denied) as caught:
        await desk.approve(await desk.ask(), by="anna")
    assert caught.value.code == "approvals.own_request"
    assert desk.carried == []


async def test_time_runs_out(desk: Desk) -> None:
    found = await desk.ask()
    desk.clock.advance(24 * 3600 - 1)
    assert desk.approvals.store.in_state("asked", expired_ms=desk.clock.now_ms()) == []
    desk.clock.advance(2)
    assert desk.approvals.store.in_state("asked", expired_ms=desk.clock.now_ms()) == [found]
    with pytest.raises(Conflict) as caught:
        await desk.approve(found)
    assert caught.value.code == "approvals.expired"
    assert desk.carried == []


async def test_one_that_fails_says_so(desk: Desk) -> None:
    desk.outcome = Outcome(409, b"{}", "application/problem+json", code="x.y", message="It changed.")
    found = await desk.ask()
    assert await desk.approve(found) == "failed"
    detail = await desk.approvals.get(desk.people["anna"][1], found)
    assert detail.result is not None
    assert (detail.result.status, detail.result.code, detail.result.message) == (409, "x.y", "It changed.")


async def test_words_with_a_nul_are_kept_without_it(desk: Desk) -> None:
    found = await desk.ask()
    (anna, mine), (bo, theirs) = desk.people["anna"], desk.people["bo"]
    await desk.approvals.comment(mine, anna, found, "be\0cause")
    await desk.approvals.reject(theirs, bo, found, "n\0o")
    detail = await desk.approvals.get(mine, found)
    assert [each.comment for each in detail.history] == ["", "because", "no"]


async def test_lists_by_page(desk: Desk) -> None:
    made = [await desk.ask(str(number)) for number in range(5)]
    (_, mine), (_, theirs) = desk.people["anna"], desk.people["bo"]
    first = await desk.approvals.list(theirs, "waiting", limit=3)
    rest = await desk.approvals.list(theirs, "waiting", cursor=first.next, limit=3)
    assert {each.id for each in [*first.items, *rest.items]} == set(made)
    assert (len(first.items), rest.next) == (3, None)
    assert (await desk.approvals.list(mine, "waiting")).items == []
    assert len((await desk.approvals.list(mine, "mine")).items) == 5
    assert (await desk.approvals.list(theirs, "decided")).items == []
    assert (await desk.approvals.summary(theirs)).waiting == 5


async def test_policies_and_their_end(desk: Desk) -> None:
    desk.approvals.catalogue.add("commands.send", "Send a command")
    session, authority = desk.people["anna"]
    assert await desk.approvals.demanded(authority, "commands.send", [ROOT]) == set()
    policy = await desk.approvals.policies.put(authority, session, ROOT, ["commands.send"])
    assert (policy.actions, policy.deciders) == (["commands.send"], 2)
    assert await desk.approvals.demanded(authority, "commands.send", [ROOT]) == {ROOT}
    await desk.ask()
    for table in (policies, requests):  # all of it goes with its organisation
        owner = owner_of(table)
        assert owner is not None
        assert (owner.column, owner.kept) == ("organisation_id", False)


async def test_what_expired_while_the_ledger_was_away_is_told_later(desk: Desk) -> None:
    class Recorded:
        """A recorder that is away at first."""

        def __init__(self) -> None:
            self.away, self.actions = True, list[str]()

        async def record(self, entries: Sequence[Sealed]) -> None:
            if self.away:
                raise unavailable("away")
            self.actions += [str(each.entry["action"]) for each in entries]

    recorder = Recorded()
    keeper = ApprovalsKeeper(desk.approvals, recorder, desk.clock)  # type: ignore[arg-type]  # what is used of it
    found = await desk.ask()
    desk.clock.advance(desk.approvals.settings.expires_hours * 3600 + 1)
    with pytest.raises(Unavailable):
        await keeper.look()
    assert (await desk.approvals.get(desk.people["anna"][1], found)).state == "expired"
    recorder.away = False
    await keeper.look()
    await keeper.look()
    assert recorder.actions == ["approvals.expire"]
