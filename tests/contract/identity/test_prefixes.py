"""Prefixes over each database: their life, who decides, who holds what, and what the index is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.identity.prefixes.handle_keys import HolderIndex
from millwright.identity.prefixes.keeper import PrefixKeeper
from millwright.identity.prefixes.model import NewFiling, PrefixForm
from millwright.identity.prefixes.office import reader_of
from millwright.identity.prefixes.store import Wanted
from millwright.identity.prefixes.tables import prefixes, registrars, states
from millwright.kernel import Conflict, Invalid, MillwrightError, NotFound, Outdated
from millwright.parties import AuthorityStore
from support.identifiers import open_records
from support.prefixes import MIGRATIONS as MIGRATIONS
from support.prefixes import Town, authority


class Recorder:
    def __init__(self) -> None:
        self.entries: list[object] = []

    async def record(self, entries: list[object]) -> None:
        self.entries += entries


@pytest.fixture
def town(records: Records) -> Town:
    return Town(records)


def keeper(town: Town) -> PrefixKeeper:
    return PrefixKeeper(town.prefixes, AuthorityStore(town.records), Recorder(), town.clock)  # type: ignore[arg-type]  # as it is used


def code(raised: pytest.ExceptionInfo[MillwrightError]) -> str:
    return raised.value.code


async def test_from_a_draft_to_its_end(town: Town) -> None:
    prefix_id = await town.apply("red", "88.118.8")
    sent = await town.submit("red", prefix_id)
    assert (sent.state, sent.registrar_id, sent.registrar_name) == ("submitted", "park", "park works")
    assert (await town.decide("park", prefix_id, "review", "return", comment="the name is wrong")).state == "returned"
    with town.as_("red", "prefixes:apply") as (who, _):
        form = PrefixForm(**{n: getattr(town.form("88.118.9"), n) for n in PrefixForm.__struct_fields__})
        assert (await town.prefixes.change(who, prefix_id, form)).prefix == "88.118.9"
    await town.submit("red", prefix_id)
    assert (await town.decide("park", prefix_id, "review", "approve")).state == "approved"
    assert town.index.known == {}
    await town.certify("park", prefix_id)
    until = town.clock.now_ms() + 60_000
    active = await town.administer("park", prefix_id, "activate", until)
    assert (active.state, active.certified, active.until_ms) == ("active", True, until)
    known = town.index.known["88.118.9"]
    assert (known.organisation_id, known.state, known.until_ms) == ("red", "active", until)
    assert (await town.administer("park", prefix_id, "suspend")).state == "suspended"
    assert town.index.known["88.118.9"].state == "suspended"
    assert (await town.administer("park", prefix_id, "resume")).state == "active"
    town.clock.advance(61)
    await keeper(town).look()
    assert town.index.known["88.118.9"].state == "expired"
    with town.as_("red", "prefixes:apply") as (who, by):
        asked = await town.prefixes.ask_renewal(who, by, prefix_id, town.clock.now_ms() + 9000, "a year more")
        assert (asked.state, asked.renewal_asked) == ("expired", True)
    renewed = await town.administer("park", prefix_id, "renew", town.clock.now_ms() + 9000)
    assert (renewed.state, renewed.renewal) == ("active", None)
    gone = await town.withdraw("red", prefix_id)
    assert gone.state == "withdrawn"
    assert town.index.known["88.118.9"].state == "expired"
    steps = [each.transition for each in gone.history]
    assert steps == [
        "open", "submit", "review", "return", "submit", "review", "approve", "certify", "activate", "suspend",
        "resume", "expire", "request_renewal", "renew", "withdraw",
    ]  # fmt: skip
    assert all(each.actor_name for each in gone.history)


async def test_nobody_decides_on_their_own(town: Town) -> None:
    prefix_id = await town.apply("red", "88.118.8")
    await town.submit("red", prefix_id)
    for stranger in ("red", "blue"):
        with pytest.raises(NotFound):
            await town.decide(stranger, prefix_id, "review")
        with pytest.raises(NotFound):
            await town.administer(stranger, prefix_id, "activate")
    with pytest.raises(NotFound):
        await town.withdraw("blue", prefix_id)
    assert (await town.decide("org_root", prefix_id, "review")).state == "in_review"  # above the park


async def test_what_lies_below_a_prefix_is_its_holders_to_give(town: Town) -> None:
    await town.activate("red", "88.118", "park")
    below = await town.apply("blue", "88.118.8")
    assert (await town.submit("blue", below)).registrar_id == "red"
    with pytest.raises(NotFound):
        await town.decide("park", below, "review")
    assert (await town.decide("red", below, "review", "approve")).parent == "88.118"
    seen = await town.prefixes.list(authority("red"), Wanted(side="registrar"))
    assert [each.prefix for each in seen.items] == ["88.118.8"]
    own = await town.apply("shop", "88.118.7")
    assert (await town.submit("shop", own)).registrar_id == "red"


async def test_a_prefix_has_one_holder(town: Town) -> None:
    await town.activate("red", "88.118.8", "park")
    for taken in ("88.118.8", "88.118", "88"):
        other = await town.apply("blue", taken)
        with pytest.raises(Conflict) as raised:
            await town.submit("blue", other)
        assert code(raised) == "prefixes.taken", taken
    assert (await town.submit("blue", await town.apply("blue", "88.118.80"))).state == "submitted"
    assert (await town.submit("red", await town.apply("red", "88.118"))).state == "submitted"  # above one's own
    again = await town.apply("red", "88.118.8")
    with pytest.raises(Conflict) as raised:
        await town.submit("red", again)
    assert code(raised) == "prefixes.already_applied"


@pytest.mark.parametrize(
    ("system", "held", "inside", "beside"),
    [
        ("gs1", "690123", "6901234", "690124"),
        ("oid", "1.2.156.3", "1.2.156.3.1", "1.2.156.31"),
        ("did", "did:web:example.com", "did:web:example.com:a", "did:web:example.comb"),
        ("ma", "156.1000", "156.1000.5", "156.10005"),
        ("ecode", "100641", "1006412", "100642"),
    ],
)
async def test_overlaps_in_every_system(town: Town, system: str, held: str, inside: str, beside: str) -> None:
    await town.activate("red", held, "park", system)
    sent = await town.submit("blue", await town.apply("blue", inside, system))
    assert sent.registrar_id == "red"
    sent = await town.submit("blue", await town.apply("blue", beside, system))
    assert sent.registrar_id == "park"


async def test_two_who_ask_at_once(town: Town) -> None:
    first, second = await town.apply("red", "88.5"), await town.apply("blue", "88.5.1")
    for on, each in (("red", first), ("blue", second)):
        await town.submit(on, each)
        await town.decide("park", each, "review")
    ends = await asyncio.gather(
        *(town.decide("park", each, "approve") for each in (first, second)), return_exceptions=True
    )
    assert sorted(isinstance(end, MillwrightError) for end in ends) == [False, True]
    with town.records.read() as connection:
        assert (
            len(connection.execute(sa.select(prefixes.c.held_key).where(prefixes.c.held_key.is_not(None))).all()) == 1
        )


async def test_a_form_is_whole_before_it_is_sent(town: Town) -> None:
    bare = await town.apply("red", "88.9", credit_code="", use="")
    with pytest.raises(Invalid) as raised:
        await town.submit("red", bare)
    assert code(raised) == "prefixes.form_incomplete"
    assert [each["pointer"] for each in raised.value.detail["missing"]] == ["/credit_code", "/use"]
    assert raised.value.detail["why_zh"].startswith("申请表缺少")
    with pytest.raises(Invalid) as wrong:
        await town.apply("red", "88.9", credit_code="91350100M000100Y44")
    assert code(wrong) == "parties.credit_code"


async def test_changes_rest_on_what_was_read(town: Town) -> None:
    prefix_id = await town.apply("red", "88.9")
    with town.as_("red", "prefixes:apply") as (who, by):
        before = (await town.prefixes.get(who, prefix_id)).revision
        document = await town.prefixes.dossier.add_document(by, prefix_id, "licence.pdf", b"%PDF", "holder")
        assert (document.media_type, document.size, len(document.digest)) == ("application/pdf", 4, 64)
        with pytest.raises(Outdated) as raised:
            await town.prefixes.submit(who, by, prefix_id, "", before)
        assert code(raised) == "prefixes.revision_stale"
        found, content = await town.prefixes.dossier.document(reader_of(who), prefix_id, document.id)
        assert (found.name, content) == ("licence.pdf", b"%PDF")
        with pytest.raises(NotFound):
            await town.prefixes.dossier.document(reader_of(authority("blue")), prefix_id, document.id)


async def test_no_certification_no_prefix(town: Town) -> None:
    prefix_id = await town.apply("red", "88.9")
    await town.submit("red", prefix_id)
    await town.decide("park", prefix_id, "review", "approve")
    with pytest.raises(Conflict) as raised:
        await town.administer("park", prefix_id, "activate")
    assert code(raised) == "prefixes.certification_missing"
    await town.certify("park", prefix_id, town.clock.now_ms() + 1000)
    town.clock.advance(2)
    with pytest.raises(Conflict):
        await town.administer("park", prefix_id, "activate")
    with pytest.raises(Invalid):
        await town.administer("park", prefix_id, "activate", town.clock.now_ms())


async def test_a_transfer_takes_everything_along(town: Town) -> None:
    prefix_id = await town.activate("red", "88.118", "park")
    waiting = await town.apply("shop", "88.118.8")
    await town.submit("shop", waiting)
    with town.as_("park", "prefixes:administer") as (who, by):
        with pytest.raises(NotFound):
            await town.prefixes.transfer(who, by, prefix_id, "org_root", "not below the park")
        moved = await town.prefixes.transfer(who, by, prefix_id, "blue", "sold")
    assert (moved.organisation_id, moved.state, moved.certification) == ("blue", "active", None)
    assert (moved.form.contact.name, moved.form.credit_code) == ("", "")
    assert town.index.known["88.118"].organisation_id == "blue"
    assert await _sees(town, "blue", prefix_id)
    assert not await _sees(town, "red", prefix_id)
    assert (await town.decide("blue", waiting, "review")).registrar_id == "blue"


async def _sees(town: Town, on: str, prefix_id: str) -> bool:
    try:
        await town.prefixes.get(authority(on), prefix_id)
    except NotFound:
        return False
    return True


async def test_who_sees_what(town: Town) -> None:
    draft = await town.apply("red", "88.9")
    inner = await town.apply("shop", "88.10")
    assert [await _sees(town, on, draft) for on in ("red", "park", "org_root", "blue")] == [True, False, False, False]
    await town.submit("red", draft)
    await town.submit("shop", inner)
    assert [await _sees(town, on, draft) for on in ("red", "park", "org_root", "blue")] == [True, True, True, False]
    # What a site asks its enterprise for is the enterprise's own.
    assert [await _sees(town, on, inner) for on in ("red", "park", "org_root", "blue")] == [True, False, False, False]
    page = await town.prefixes.list(authority("red"), Wanted(), limit=1)
    rest = await town.prefixes.list(authority("red"), Wanted(), limit=1, cursor=page.next)
    assert [each.id for each in (*page.items, *rest.items)] == [inner, draft]
    assert rest.next is None
    assert await town.prefixes.waiting(authority("park")) == 1
    assert (await town.prefixes.list(authority("red"), Wanted(text="88.10"))).items[0].id == inner


async def test_filings_are_kept(town: Town) -> None:
    prefix_id = await town.activate("red", "88.118", "park")
    with town.as_("park", "prefixes:administer") as (who, by):
        filing_id = await town.prefixes.dossier.file(by, prefix_id, NewFiling(node="88", state="sent", number="n1"))
        detail = await town.prefixes.seen(who, prefix_id, "registrar")
        assert (detail.filed, detail.filings[0].number) == (False, "n1")
        answered = NewFiling(node="88", state="accepted", number="n1", answer="ok")
        await town.prefixes.dossier.file(by, prefix_id, answered, filing_id)
        assert (await town.prefixes.seen(who, prefix_id, "registrar")).filed
        with pytest.raises(NotFound):
            await town.prefixes.dossier.file(by, prefix_id, answered, "pff_none")
    assert [each.id for each in (await town.prefixes.list(authority("red"), Wanted(filed=True))).items] == [prefix_id]


async def test_what_was_taken_back_can_be_had_by_others(town: Town) -> None:
    prefix_id = await town.activate("red", "88.118", "park")
    below = await town.activate("blue", "88.118.8", "red")
    with pytest.raises(Conflict) as early:
        await town.administer("park", prefix_id, "revoke")
    assert code(early) == "cases.wrong_state"
    await town.administer("park", prefix_id, "suspend")
    for holds in (town.administer("park", prefix_id, "revoke"), town.withdraw("red", prefix_id)):
        with pytest.raises(Conflict) as raised:
            await holds
        assert code(raised) == "prefixes.has_derived"
    await town.withdraw("blue", below)
    assert (await town.administer("park", prefix_id, "revoke")).state == "withdrawn"
    assert town.index.known["88.118"].state == "expired"
    again = await town.activate("blue", "88.118", "park")
    assert town.index.known["88.118"].organisation_id == "blue"
    with town.as_("park", "prefixes:review") as (who, _):
        warned = (await town.prefixes.get(who, again)).warnings
    assert "曾由其他组织持有" in warned[-1].text_zh
    approved = await town.apply("red", "88.119")
    await town.submit("red", approved)
    await town.decide("park", approved, "review", "approve", "reject")
    assert (await town.submit("blue", await town.apply("blue", "88.119"))).state == "submitted"


# --- the index -------------------------------------------------------------------------------------------------------


async def test_the_index_catches_up_after_a_crash(town: Town) -> None:
    town.index.away = True
    prefix_id = await town.activate("red", "88.118", "park")
    assert town.index.known == {}
    town.index.away = False
    await keeper(town).look()
    assert town.index.known["88.118"].state == "active"
    puts = town.index.puts
    await keeper(town).look()
    assert town.index.puts == puts  # nothing to tell
    town.index.known.clear()  # set aside and restored empty
    await town.prefixes.teller.tell_all()
    assert town.index.known["88.118"].organisation_id == "red"
    await town.administer("park", prefix_id, "suspend")
    assert town.index.known["88.118"].state == "suspended"


async def test_the_register_itself_is_told(town: Town, tmp_path: Path) -> None:
    register = open_records(tmp_path)
    town.prefixes.teller.index = HolderIndex(register)
    for system, prefix in (("handle", "88.118"), ("gs1", "690123"), ("did", "did:web:example.com")):
        await town.activate("red", prefix, "park", system, until_ms=town.clock.now_ms() + 9000)
    batches = register.batches
    await town.prefixes.teller.tell_all()
    assert register.batches == batches  # what is there already changes nothing
    with register.view() as view:
        for name in (b"88.118.8/pump", b"GS1/01/06901234567892", b"DID/did:web:example.com:a"):
            found = view.authority(name)
            assert found is not None, name
            assert (found.organisation_id, found.state, found.here) == ("red", "active", True)
    register.close()


async def test_an_older_state_never_stays_on_a_newer(town: Town) -> None:
    prefix_id = await town.activate("red", "88.118", "park")
    put, slow = town.index.put_prefix, [True]

    def late(prefix: object, *, who: str) -> None:
        if slow.pop() if slow else False:  # between reading and putting, somebody else changes and tells
            with town.records.begin() as connection:
                connection.execute(sa.update(states).values(state="expired", changed=states.c.changed + 1, told=99))
        put(prefix, who=who)  # type: ignore[arg-type]  # it is one

    town.index.put_prefix = late  # type: ignore[method-assign]  # a slow index
    await town.administer("park", prefix_id, "suspend")
    assert town.index.known["88.118"].state == "expired"


async def test_what_an_organisation_held_ends_with_it(town: Town) -> None:
    await town.activate("red", "88.118", "park")
    waiting = await town.apply("blue", "88.118.8")
    await town.submit("blue", waiting)
    with town.records.begin() as connection:
        # As an organisation's removal does it (`purge`), in the tables that are here.
        for table in (registrars, prefixes):
            connection.execute(sa.delete(table).where(table.c.organisation_id == "red"))
    await keeper(town).look()
    assert town.index.known["88.118"].state == "expired"
    with town.records.read() as connection:
        assert connection.execute(sa.select(registrars.c.organisation_id)).scalar_one() == "park"
