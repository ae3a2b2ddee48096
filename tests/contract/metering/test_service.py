"""Plans, subscriptions, limits and statements over a real database, in the scope of who asks."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from millwright import ledger, metering, parties
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Denied, Invalid, ManualClock, NotFound
from millwright.kernel.scope import EVERYTHING, Scope, within
from millwright.metering import (
    API_CALLS,
    MESSAGES,
    NO_CEILINGS,
    Batch,
    Calendar,
    CountStore,
    DepartedKeeper,
    LimitWatch,
    Metering,
)
from millwright.metering.model import (
    Limits,
    MeterPrice,
    NewPlan,
    NewSubscription,
    PlanDocument,
    Quota,
    RateLimits,
    Tier,
)
from millwright.metering.periods import HOUR_MS, month
from millwright.metering.statements import digest_of, frozen
from millwright.metering.store import DepartedStore, PlanStore
from millwright.metering.store.departed import depart
from millwright.metering.tables import statements
from millwright.parties import Authority, Node, Tree
from millwright.parties.authority import Held
from millwright.parties.permissions import of_role
from millwright.parties.store.organisations_tables import organisations

MIGRATIONS = [ledger.MIGRATIONS, parties.MIGRATIONS, metering.MIGRATIONS]
NODES = [("red", "org_root", "enterprise"), ("shop", "red", "site"), ("blue", "org_root", "enterprise")]
TREE = Tree([Node("org_root", None, "park", "Park"), *(Node(i, p, k, i) for i, p, k in NODES)])
CHINA = Calendar(8)
DOCUMENT = PlanDocument("A", monthly_fee="31", prices=[MeterPrice("messages", free=10, tiers=[Tier("0.01")])])


def authority(on: str) -> Authority:
    return Authority("p", [Held("g", on, "administrator", of_role("administrator"))], TREE, 0)


def scope_of(who: Authority) -> Scope:
    return who.scope("metering:manage")


@pytest.fixture
def clock() -> ManualClock:
    made = ManualClock()
    made.advance(CHINA.start_ms(month("2026-11").first) / 1000 + 30 * 3600 - made.now_ms() / 1000)
    return made


@pytest.fixture
def store(records: Records) -> CountStore:
    with records.begin() as connection:
        for number, (key, parent, kind) in enumerate(NODES):
            row = {"id": key, "parent_id": parent, "kind": kind, "name": key, "name_key": key, "suspended": False}
            path = "/" + "/".join(TREE.path(key)) + "/"
            connection.execute(organisations.insert(), [{**row, "path": path, "created_ms": number, "revision": 1}])
    return CountStore(records)


@pytest.fixture
def service(records: Records, clock: ManualClock) -> Metering:
    confined = records.scoped(EVERYTHING)
    confined._scope = None  # of the work at hand, as in the web role
    return Metering(confined, records, CHINA, clock, lambda: NO_CEILINGS)


def count(store: CountStore, organisation: str, quantity: int, hour: int, name: str = MESSAGES.name) -> None:
    store.record(f"{organisation}/{hour}/{name}", [Batch(1, {(organisation, name, hour): quantity})], 0)


async def test_a_month_is_the_nodes_own(service: Metering, store: CountStore) -> None:
    begins, ends = CHINA.hours(month("2026-10"))
    for hour, quantity in ((begins - 1, 1), (begins, 20), (ends - 1, 300), (ends, 4000)):
        count(store, "red", quantity, hour)
    who = authority("org_root")
    with within(scope_of(who)):
        plan = await service.add_plan(who, NewPlan(DOCUMENT, "org_root"), "Anna")
        await service.subscribe(who, "red", NewSubscription("2026-10-01", plan.id))
        draft = await service.draft(who, "red", "2026-10")
        usage = await service.usage(who, "org_root", "2026-10")
    assert draft.document.total == "34.10"
    messages = usage.meters[0]
    assert (messages.used, messages.days[0], messages.days[30], messages.forecast) == (320, 20, 300, None)
    assert {each.organisation_id: each.used for each in usage.organisations}["red"] == {"messages": 320}


async def test_statements_are_numbered_frozen_and_recounted(service: Metering, store: CountStore) -> None:
    count(store, "shop", 110, CHINA.hour_of(month("2026-10").first))
    who = authority("org_root")
    with within(scope_of(who)):
        plan = await service.add_plan(who, NewPlan(DOCUMENT, "org_root"), "Anna")
        for payer in ("red", "blue"):
            await service.subscribe(who, payer, NewSubscription("2026-10-01", plan.id))
        made = [await service.issue(who, payer, "2026-10", "Anna") for payer in ("red", "blue")]
        assert [each.number for each in made] == ["MW-202610-0001", "MW-202610-0002"]
        assert [each.document.total for each in made] == ["32.00", "31.00"]
        await service.change_plan(plan.id, PlanDocument("A", monthly_fee="99"), "Anna")
        assert (await service.verify(made[0].id or "")).equal
        with pytest.raises(Conflict) as twice:
            await service.issue(who, "red", "2026-10", "Anna")
        assert twice.value.code == "metering.statement_issued"
        with pytest.raises(Conflict) as closed:
            await service.subscribe(who, "shop", NewSubscription("2026-10-15", plan.id))
        assert closed.value.code == "metering.month_closed"
        await service.subscribe(who, "red", NewSubscription("2026-11-01", plan.id))
        assert (await service.draft(who, "red", "2026-11")).document.lines[0].amount == "99.00"
    red = authority("red")
    with within(scope_of(red)):
        assert [each.number for each in await service.statements(None)] == ["MW-202610-0001"]
        with pytest.raises(NotFound):
            await service.statement(made[1].id or "")


async def test_a_statement_of_a_fee_alone_without_use_is_equal(
    service: Metering, store: CountStore, records: Records
) -> None:
    who = authority("org_root")
    with within(scope_of(who)):
        fee = await service.add_plan(who, NewPlan(PlanDocument("Fee", monthly_fee="31"), "org_root"), "Anna")
        other = await service.add_plan(who, NewPlan(PlanDocument("Other", monthly_fee="62"), "org_root"), "Anna")
        await service.subscribe(who, "red", NewSubscription("2026-10-01", fee.id))
        await service.subscribe(who, "red", NewSubscription("2026-10-11", other.id))
        made = await service.issue(who, "red", "2026-10", "Anna")
        assert made.document.total == "52.00"
        assert [each.quantity for each in made.document.raw] == [0, 0]
        assert (await service.verify(made.id or "")).equal
        # One that was issued before a stretch had a row at least.
        text = frozen(msgspec.structs.replace(made.document, raw=[]))
        with records.begin() as connection:
            connection.execute(sa.update(statements).values(document=text, digest=digest_of(text)))
        assert (await service.verify(made.id or "")).equal


async def test_a_month_is_closed_by_the_statement_of_a_payer_above_that_one_may_not_see(
    service: Metering, store: CountStore
) -> None:
    root = authority("org_root")
    with within(scope_of(root)):
        plan = await service.add_plan(root, NewPlan(DOCUMENT, "org_root"), "Anna")
        await service.subscribe(root, "org_root", NewSubscription("2026-10-01", plan.id))
        await service.issue(root, "org_root", "2026-10", "Anna")
    red = authority("red")
    with within(scope_of(red)):
        own = await service.add_plan(red, NewPlan(DOCUMENT), "Bo")
        with pytest.raises(Conflict) as closed:
            await service.subscribe(red, "shop", NewSubscription("2026-10-15", own.id))
        assert closed.value.code == "metering.month_closed"
        await service.subscribe(red, "shop", NewSubscription("2026-11-01", own.id))


async def test_a_month_is_closed_by_the_statements_alone_that_would_change(
    service: Metering, store: CountStore
) -> None:
    root = authority("org_root")
    with within(scope_of(root)):
        plan = await service.add_plan(root, NewPlan(DOCUMENT, "org_root"), "Anna")
        other = await service.add_plan(root, NewPlan(PlanDocument("B", monthly_fee="62"), "org_root"), "Anna")
        for payer, day in (("org_root", "2026-09-01"), ("red", "2026-09-01"), ("red", "2026-10-01")):
            await service.subscribe(root, payer, NewSubscription(day, plan.id))
        await service.issue(root, "org_root", "2026-10", "Anna")
        for organisation, plan_id in (("red", None), ("blue", other.id), ("org_root", other.id)):
            with pytest.raises(Conflict) as closed:  # the root paid for it, or would have had to
                await service.subscribe(root, organisation, NewSubscription("2026-10-15", plan_id))
            assert closed.value.code == "metering.month_closed"
        await service.subscribe(root, "red", NewSubscription("2026-10-15", other.id))  # the root has no part in that
        assert (await service.issue(root, "red", "2026-10", "Anna")).document.total == "48.00"
        with pytest.raises(Conflict):
            await service.subscribe(root, "red", NewSubscription("2026-10-01", other.id))
        await service.subscribe(root, "red", NewSubscription("2026-09-15", other.id))  # holds until October


async def test_what_a_removed_organisation_used_goes_when_its_time_is_over(
    service: Metering, store: CountStore, records: Records, clock: ManualClock
) -> None:
    hour = clock.now_ms() // HOUR_MS
    for organisation in ("shop", "blue"):
        count(store, organisation, 5, hour)
    root = authority("org_root")
    with within(scope_of(root)):
        plan = await service.add_plan(root, NewPlan(DOCUMENT, "org_root"), "Anna")
        await service.subscribe(root, "shop", NewSubscription("2026-11-01", plan.id))
    with records.begin() as connection:
        depart(connection, "shop", clock.now_ms())
        connection.execute(organisations.delete().where(organisations.c.id == "shop"))
    keeper, departed = DepartedKeeper(records, clock), DepartedStore(records)
    assert departed.since(clock.now_ms()) == [Node("shop", "red", "site", "shop")]
    assert departed.since(clock.now_ms() + 1) == []
    clock.advance(730 * 86_400)
    await keeper.look()
    assert store.sums(hour, hour + 1) == {("shop", "messages"): 5, ("blue", "messages"): 5}
    clock.advance(2 * 86_400)
    await keeper.look()
    assert store.sums(hour, hour + 1) == {("blue", "messages"): 5}
    assert (departed.since(0), PlanStore(records).subscriptions()) == ([], {})


async def test_who_decides(service: Metering, store: CountStore) -> None:
    red = authority("red")
    with within(scope_of(red)):
        with pytest.raises(Denied):
            await service.set_limits(red, "red", Limits())
        with pytest.raises(NotFound):
            await service.set_limits(red, "blue", Limits())
        with pytest.raises(Invalid):
            await service.set_limits(red, "shop", Limits([Quota("wishes", 1)]))
        wanted = Limits([Quota("messages", 5, hard=True)], RateLimits(messages=2.5))
        await service.set_limits(red, "shop", wanted)
        assert await service.limits(red, "shop") == wanted
        own = await service.add_plan(red, NewPlan(DOCUMENT), "Bo")
        assert own.organisation_id == "red"
    root = authority("org_root")
    with within(scope_of(root)):
        for foreign in ("blue", "org_root"):
            with pytest.raises(NotFound):  # a plan is for its owner and those below
                await service.subscribe(root, foreign, NewSubscription("2026-11-01", own.id))


async def test_the_currency_changes_with_a_month(service: Metering, store: CountStore) -> None:
    who = authority("org_root")
    with within(scope_of(who)):
        yuan = await service.add_plan(who, NewPlan(DOCUMENT, "org_root"), "Anna")
        yen = await service.add_plan(who, NewPlan(PlanDocument("B", "JPY", 0, "1000"), "org_root"), "Anna")
        await service.subscribe(who, "red", NewSubscription("2026-10-01", yuan.id))
        with pytest.raises(Invalid) as caught:
            await service.subscribe(who, "red", NewSubscription("2026-11-10", yen.id))
        assert caught.value.code == "metering.currency_changed"
        await service.subscribe(who, "red", NewSubscription("2026-11-10", None))
        with pytest.raises(Invalid):  # also after some days without a plan
            await service.subscribe(who, "red", NewSubscription("2026-11-20", yen.id))
        with pytest.raises(Invalid) as no_day:
            await service.subscribe(who, "red", NewSubscription("2026-11-31", yen.id))
        assert no_day.value.code == "metering.day_invalid"
        await service.subscribe(who, "blue", NewSubscription("2026-11-10", yuan.id))
        with pytest.raises(Invalid):  # or before what is there already
            await service.subscribe(who, "blue", NewSubscription("2026-11-01", yen.id))
        await service.subscribe(who, "red", NewSubscription("2026-12-01", yen.id))
        assert (await service.draft(who, "red", "2026-12")).document.total == "1000"


async def test_limits_are_watched(records: Records, store: CountStore, service: Metering, clock: ManualClock) -> None:
    looks: list[int] = []
    watch = LimitWatch(records, CHINA, clock, 60, on_look=lambda: looks.append(1))
    await watch.start()
    assert watch.ceilings.find_exceeded("shop", ["messages"]) is None
    root = authority("org_root")
    with within(scope_of(root)):
        quotas = [Quota("messages", 100, hard=True), Quota("api_calls", 5, "day", hard=True)]
        await service.set_limits(root, "red", Limits(quotas))
    now = clock.now_ms() // HOUR_MS
    count(store, "shop", 60, now - 20)
    count(store, "red", 39, now)
    count(store, "shop", 5, now - 10, API_CALLS.name)  # yesterday, by the node's days
    ceilings = watch.read()
    assert ceilings.find_exceeded("shop", ["messages", "api_calls"]) is None
    assert [state.used for state in ceilings.states["red"]] == [99, 0]
    count(store, "shop", 1, now - 1)
    over = watch.read().find_exceeded("shop", ["messages"])
    assert over is not None
    assert over.ends_ms == CHINA.start_ms(month("2026-12").first)
    assert watch.read().find_exceeded("blue", ["messages"]) is None
    count(store, "red", 5, now - 19)  # from a backlog: seen within five minutes
    assert watch.read().states["red"][0].used == 100
    clock.advance(301)
    assert watch.read().states["red"][0].used == 105
    await watch.stop()
    assert looks
