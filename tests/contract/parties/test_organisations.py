"""Organisations, grants, consents and invitations over a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright import approvals, cases, certificates, devices, historian, identity, metering, operations
from millwright import parties as domain
from millwright.engines import secrets
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, Denied, Invalid, ManualClock, NotFound
from millwright.parties import Authority, Opened, Parties
from millwright.parties.grants.model import (
    Group,
    GroupChange,
    NewConsent,
    NewGrant,
    NewGroup,
    NewInvitation,
    NewRole,
    RoleChange,
)
from millwright.parties.organisations.model import NewOrganisation, OrganisationChange
from millwright.parties.store.organisations_tables import organisations, roles
from support.sealing import sealing

DOMAINS = (secrets, domain, metering, cases, certificates, approvals, devices, historian, identity, operations)
MIGRATIONS = [Path(each.__file__).parent / "migrations" for each in DOMAINS]
PASSWORD = "copper kettles whistle"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def parties(records: Records, clock: ManualClock) -> Parties:
    return Parties(records, clock, secrets=sealing(records, clock))


class Province:
    """A province, a city in it, two enterprises in the city, a site of the first; an administrator of each."""

    def __init__(self, parties: Parties) -> None:
        self.parties = parties
        self.ids = {"province": ROOT}
        self.people: dict[str, Opened] = {}

    async def build(self) -> Province:
        code = await self.parties.new_setup_code()
        assert code is not None
        self.people["province"] = await self.parties.set_up("province", PASSWORD, code)
        await self.parties.organisations.change(await self.may("province"), ROOT, OrganisationChange(kind="province"))
        await self.add("city", "province", "city")
        for name in ("red", "blue"):
            await self.add(name, "city", "enterprise")
            await self.invite("province", name, name)
        await self.add("site", "red", "site", by="red")
        return self

    async def may(self, name: str) -> Authority:
        return await self.parties.authority(self.people[name].session)

    async def add(self, name: str, parent: str, kind: str, by: str = "province") -> None:
        new = NewOrganisation(parent_id=self.ids[parent], kind=kind, name=name)  # type: ignore[arg-type]  # a kind
        self.ids[name] = (await self.parties.organisations.create(await self.may(by), new)).id

    async def invite(self, by: str, organisation: str, name: str, role: str = "administrator") -> None:
        made = await self.parties.grants.invite(await self.may(by), self.ids[organisation], NewInvitation(role))
        opened = await self.parties.accept(made.token, None, name=name, password=PASSWORD)
        assert opened is not None
        self.people[name] = opened

    async def seen(self, name: str, permission: str) -> set[str]:
        scope = (await self.may(name)).scope(permission)
        return {each for each, key in self.ids.items() if key in scope}


@pytest.fixture
async def province(parties: Parties) -> Province:
    return await Province(parties).build()


async def test_data_stops_above_an_enterprise_and_the_tree_does_not(province: Province) -> None:
    assert await province.seen("province", "people:read") == {"province", "city"}
    assert await province.seen("province", "organisations:read") == {"province", "city", "red", "blue", "site"}
    assert await province.seen("red", "people:read") == {"red", "site"}
    assert await province.seen("red", "organisations:read") == {"red", "site"}


async def test_an_enterprise_consents_and_withdraws(province: Province, clock: ManualClock) -> None:
    red, parties = province.ids["red"], province.parties
    new = NewConsent(ROOT, ["people:read"], clock.now_ms() + 60_000)
    given = await parties.organisations.consent(await province.may("red"), red, new)
    assert await province.seen("province", "people:read") == {"province", "city", "red", "site"}
    assert await province.seen("province", "people:manage") == {"province", "city"}
    clock.advance(61)
    assert await province.seen("province", "people:read") == {"province", "city"}
    clock.advance(-61)
    parties.forget()
    await parties.organisations.withdraw(await province.may("red"), red, given.id)
    assert await province.seen("province", "people:read") == {"province", "city"}
    with pytest.raises(Invalid):
        await parties.organisations.consent(await province.may("red"), red, NewConsent(province.ids["blue"], ["x"]))
    with pytest.raises(NotFound):
        await parties.organisations.consent(await province.may("province"), red, NewConsent(ROOT, ["people:read"]))


async def test_those_above_appoint_the_first_administrator_and_no_other(province: Province) -> None:
    with pytest.raises(NotFound):
        await province.invite("province", "red", "spy")
    with pytest.raises(NotFound):
        await province.invite("province", "red", "spy", "viewer")
    grant = NewGrant(province.ids["red"], "administrator", person_id=province.people["province"].session.person.id)
    with pytest.raises(NotFound):
        await province.parties.grants.add_grant(await province.may("province"), grant)


async def test_nobody_gives_what_they_do_not_have(province: Province) -> None:
    parties, red = province.parties, province.ids["red"]
    role = await parties.grants.add_role(
        await province.may("red"), NewRole(red, "clerk", ["people:read", "people:manage"])
    )
    await province.invite("red", "red", "clerk", role.id)
    clerk = await province.may("clerk")
    assert clerk.permissions() == {"people:read", "people:manage"}
    me = province.people["clerk"].session.person.id
    for wanted in ("administrator", "engineer"):
        with pytest.raises(Denied) as caught:
            await parties.grants.add_grant(clerk, NewGrant(red, wanted, person_id=me))
        assert caught.value.code == "parties.beyond_own"
    with pytest.raises(Denied):
        await parties.grants.add_role(clerk, NewRole(red, "more", ["organisations:manage"]))
    strong = NewGroup(red, "strong", [])
    group = await parties.grants.add_group(await province.may("red"), strong)
    await parties.grants.add_grant(await province.may("red"), NewGrant(red, "administrator", group_id=group.id))
    with pytest.raises(Denied):
        await parties.grants.change_group(clerk, group.id, GroupChange("strong", [me]))
    assert (await parties.grants.add_grant(clerk, NewGrant(red, role.id, person_id=me))).role_name == "clerk"


async def test_a_grant_ends_by_itself_and_through_a_group(province: Province, clock: ManualClock) -> None:
    parties, red = province.parties, province.ids["red"]
    await province.invite("red", "red", "guest", "viewer")
    me = province.people["guest"].session.person.id
    administrator = await province.may("red")
    await parties.grants.add_grant(administrator, NewGrant(red, "auditor", me, None, clock.now_ms() + 60_000))
    assert (await province.may("guest")).may("people:read", red)
    clock.advance(61)
    assert not (await province.may("guest")).may("people:read", red)
    group = await parties.grants.add_group(administrator, NewGroup(red, "audit", [me]))
    await parties.grants.add_grant(await province.may("red"), NewGrant(red, "auditor", group_id=group.id))
    guest = await province.may("guest")
    assert guest.may("people:read", red)
    why = await parties.grants.why(guest, province.people["guest"].session, me, "people:read", red)
    assert [(each.role_name, each.group_name) for each in why.reasons] == [("auditor", "audit")]
    await parties.grants.change_group(await province.may("red"), group.id, GroupChange("audit", []))
    assert not (await province.may("guest")).may("people:read", red)


async def test_a_group_and_a_role_stay_as_old_as_they_are(
    province: Province, records: Records, clock: ManualClock
) -> None:
    grants, red = province.parties.grants, province.ids["red"]
    me = province.people["red"].session.person.id
    role = await grants.add_role(await province.may("red"), NewRole(red, "clerk", ["people:read"]))
    group = await grants.add_group(await province.may("red"), NewGroup(red, "audit", []))
    assert group.created_ms == clock.now_ms()
    clock.advance(60)
    changed = await grants.change_group(await province.may("red"), group.id, GroupChange(" auditors ", [me, me]))
    assert changed == Group(group.id, red, "auditors", [me], group.created_ms)
    assert await grants.groups(await province.may("red")) == [changed]
    await grants.change_role(await province.may("red"), role.id, RoleChange("reader", ["people:read"]))
    with records.read() as connection:
        kept = connection.execute(sa.select(roles.c.name, roles.c.created_ms).where(roles.c.id == role.id)).one()
    assert tuple(kept) == ("reader", group.created_ms)


async def test_who_fills_a_group_holds_what_it_is_granted_and_no_other_group(province: Province) -> None:
    grants, red = province.parties.grants, province.ids["red"]
    clerk = await grants.add_role(await province.may("red"), NewRole(red, "clerk", ["people:read", "people:manage"]))
    await province.invite("red", "red", "clerk", clerk.id)
    high, low = [await grants.add_group(await province.may("red"), NewGroup(red, name, [])) for name in ("a", "b")]
    await grants.add_grant(await province.may("red"), NewGrant(red, "administrator", group_id=high.id))
    await grants.add_grant(await province.may("red"), NewGrant(red, clerk.id, group_id=low.id))
    me = province.people["clerk"].session.person.id
    assert (await grants.change_group(await province.may("clerk"), low.id, GroupChange("b", [me]))).person_ids == [me]
    with pytest.raises(Denied):
        await grants.change_group(await province.may("clerk"), high.id, GroupChange("a", [me]))


async def test_an_invitation_works_once_and_not_for_ever(province: Province, clock: ManualClock) -> None:
    parties = province.parties
    made = await parties.grants.invite(await province.may("red"), province.ids["red"], NewInvitation("viewer"))
    assert (await parties.grants.read_invitation(made.token)).organisation_name == "red"
    assert await parties.accept(made.token, None, name="once", password=PASSWORD) is not None
    late = await parties.grants.invite(await province.may("red"), province.ids["red"], NewInvitation("viewer"))
    clock.advance(8 * 86_400)
    for token in (made.token, late.token, "mwi_nonsense"):
        with pytest.raises(NotFound) as caught:
            await parties.accept(token, None, name="twice", password=PASSWORD)
        assert caught.value.code == "parties.invitation_unknown"


async def test_who_belongs_to_two_is_disabled_by_neither(province: Province) -> None:
    parties = province.parties
    await province.invite("red", "red", "both", "viewer")
    made = await parties.grants.invite(await province.may("blue"), province.ids["blue"], NewInvitation("viewer"))
    assert await parties.accept(made.token, province.people["both"].session) is None
    person = province.people["both"].session.person.id
    assert await province.seen("both", "organisations:read") == {"red", "site", "blue"}
    for change in ({"disabled": True}, {"password": "kettles of copper"}, {"name": "x"}):
        with pytest.raises(Denied) as caught:
            await parties.people.update(await province.may("red"), person, **change)  # type: ignore[arg-type]
        assert caught.value.code == "parties.person_of_others"
    with pytest.raises(Denied) as caught:
        await parties.second_factors.reset(await province.may("red"), person)
    assert caught.value.code == "parties.person_of_others"
    assert await parties.find_session(province.people["both"].secret) is not None
    await parties.organisations.leave(await province.may("red"), province.ids["red"], person)
    assert await parties.find_session(province.people["both"].secret) is None
    province.people["both"] = await parties.sign_in("both", PASSWORD)
    assert await province.seen("both", "organisations:read") == {"blue"}
    await parties.people.update(await province.may("blue"), person, disabled=True)


async def test_somebody_is_removed_for_good_by_who_keeps_all_of_them(province: Province) -> None:
    parties = province.parties
    await province.invite("red", "red", "leaving", "engineer")
    leaving = province.people["leaving"]
    person = leaving.session.person.id
    token = await parties.people.add_token(leaving.session, await province.may("leaving"), "t", ["viewer"])
    for stranger in ("province", "blue", "leaving"):
        with pytest.raises(NotFound):
            await parties.people.remove(await province.may(stranger), person)
    joined = await parties.grants.invite(await province.may("blue"), province.ids["blue"], NewInvitation("viewer"))
    await parties.accept(joined.token, leaving.session)
    with pytest.raises(Denied) as caught:
        await parties.people.remove(await province.may("red"), person)
    assert caught.value.code == "parties.person_of_others"
    await parties.organisations.leave(await province.may("blue"), province.ids["blue"], person)
    leaving = await parties.sign_in("leaving", PASSWORD)
    await parties.people.remove(await province.may("red"), person)
    assert await parties.find_session(leaving.secret) is None
    assert await parties.find_session(token.token) is None
    assert person not in {each.id for each in await parties.people.list_people(await province.may("red"))}
    await province.invite("red", "red", "leaving", "viewer")  # the name is free again


async def test_nobody_removes_themselves_or_the_last_administrator(province: Province) -> None:
    parties = province.parties
    red = province.people["red"].session.person.id
    with pytest.raises(Conflict) as caught:
        await parties.people.remove(await province.may("red"), red)
    assert caught.value.code == "parties.person_oneself"
    await province.invite("red", "red", "second", "administrator")
    await parties.people.remove(await province.may("second"), red)
    role = await parties.grants.add_role(
        await province.may("second"), NewRole(province.ids["red"], "keeper", ["people:manage", "people:read"])
    )
    await province.invite("second", "red", "keeper", role.id)
    with pytest.raises(Conflict) as caught:
        await parties.people.remove(await province.may("keeper"), province.people["second"].session.person.id)
    assert caught.value.code == "parties.last_administrator"


async def test_second_factors_are_reset_only_by_who_manages_the_person(province: Province) -> None:
    parties = province.parties
    await province.invite("red", "red", "lost", "viewer")
    lost = province.people["lost"]
    for stranger in ("province", "blue", "lost"):
        with pytest.raises(NotFound):
            await parties.second_factors.reset(await province.may(stranger), lost.session.person.id)
    assert await parties.find_session(lost.secret) is not None
    await parties.second_factors.reset(await province.may("red"), lost.session.person.id)
    assert await parties.find_session(lost.secret) is None


async def test_a_newcomer_by_invitation_meets_the_same_rules(province: Province) -> None:
    parties = province.parties
    await province.invite("blue", "blue", "copa", "viewer")
    made = await parties.grants.invite(await province.may("red"), province.ids["red"], NewInvitation("viewer"))
    with pytest.raises(Conflict) as caught:
        await parties.accept(made.token, None, name="сора", password=PASSWORD)
    assert caught.value.code == "parties.name_lookalike"
    with pytest.raises(Invalid) as weak:
        await parties.accept(made.token, None, name="new", password="short ones")
    assert weak.value.code == "parties.password_weak"


async def test_the_last_administrator_stays(province: Province) -> None:
    person = province.people["red"].session.person.id
    with pytest.raises(Conflict) as caught:
        await province.parties.organisations.leave(await province.may("red"), province.ids["red"], person)
    assert caught.value.code == "parties.last_administrator"


async def test_suspending_shuts_out_and_resuming_lets_in(province: Province) -> None:
    parties, red = province.parties, province.ids["red"]
    with pytest.raises(Denied) as caught:
        await parties.organisations.change(await province.may("red"), red, OrganisationChange(suspended=True))
    assert caught.value.code == "parties.organisation_own"
    with pytest.raises(Denied):
        await parties.organisations.change(await province.may("red"), red, OrganisationChange(kind="city"))
    await parties.organisations.change(await province.may("province"), red, OrganisationChange(suspended=True))
    assert (await province.may("red")).permissions() == frozenset()
    assert "red" in await province.seen("province", "organisations:manage")
    await parties.organisations.change(await province.may("province"), red, OrganisationChange(suspended=False))
    assert await province.seen("red", "people:read") == {"red", "site"}


async def test_moving_takes_what_is_below_along(province: Province, records: Records) -> None:
    parties = province.parties
    await province.add("town", "province", "city")
    change = OrganisationChange(parent_id=province.ids["town"])
    await parties.organisations.change(await province.may("province"), province.ids["red"], change)
    with records.read() as connection:
        rows = connection.execute(sa.select(organisations.c.id, organisations.c.path)).all()
    paths = {row.id: row.path for row in rows}
    names = [ROOT, province.ids["town"], province.ids["red"], province.ids["site"]]
    assert paths[province.ids["site"]] == f"/{'/'.join(names)}/"
    with pytest.raises((Conflict, NotFound, Denied)):
        loop = OrganisationChange(parent_id=province.ids["site"])
        await parties.organisations.change(await province.may("province"), province.ids["red"], loop)
    with pytest.raises(NotFound):
        away = OrganisationChange(parent_id=province.ids["blue"])
        await parties.organisations.change(await province.may("red"), province.ids["site"], away)


async def test_only_what_is_suspended_and_empty_below_is_removed(province: Province) -> None:
    parties, red, site = province.parties, province.ids["red"], province.ids["site"]
    above = province
    for key, code in ((red, "parties.organisation_in_use"), (site, "parties.organisation_active")):
        with pytest.raises(Conflict) as caught:
            await parties.organisations.delete(await above.may("province"), key)
        assert caught.value.code == code
    for key in (site, red):
        await parties.organisations.change(await above.may("province"), key, OrganisationChange(suspended=True))
        await parties.organisations.delete(await above.may("province"), key)
    assert (await province.may("red")).permissions() == frozenset()
    assert await province.seen("blue", "people:read") == {"blue"}


@pytest.mark.parametrize(
    ("code", "character"),
    [
        ("91350100M000100Y44", 18),
        ("91350100M00010OY43", 15),
        ("9135O100M000100Y43", 5),
        ("9135", 5),
        ("913A0100M000100Y43", 4),
    ],
)
async def test_a_credit_code_is_checked(province: Province, code: str, character: int) -> None:
    new = NewOrganisation(parent_id=ROOT, kind="enterprise", name="x", code=code)
    with pytest.raises(Invalid) as caught:
        await province.parties.organisations.create(await province.may("province"), new)
    assert caught.value.code == "parties.credit_code"
    assert caught.value.detail["character"] == character


async def test_a_right_credit_code_is_kept_once(province: Province) -> None:
    new = NewOrganisation(parent_id=ROOT, kind="enterprise", name="x", code=" 91350100m000100y43 ")
    made = await province.parties.organisations.create(await province.may("province"), new)
    assert made.code == "91350100M000100Y43"
    with pytest.raises(Conflict) as caught:
        other = NewOrganisation(parent_id=ROOT, kind="enterprise", name="y", code=made.code)
        await province.parties.organisations.create(await province.may("province"), other)
    assert caught.value.code == "parties.credit_code_taken"
