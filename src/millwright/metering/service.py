"""Use cases of metering: usage, plans, subscriptions, limits, statements. No HTTP, no SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Invalid, NotFound, new_id
from millwright.ledger import note
from millwright.metering.errors import above_only, no_such_plan
from millwright.metering.limits import Ceilings
from millwright.metering.meters import get_meter, meters
from millwright.metering.model import (
    Limits,
    NewPlan,
    NewSubscription,
    Plan,
    PlanDocument,
    Statement,
    StatementInfo,
    Subscription,
    Verification,
)
from millwright.metering.payers import in_force, payer_of, with_departed
from millwright.metering.periods import Calendar, month
from millwright.metering.pricing import check_bought, check_plan
from millwright.metering.rights import METERING_MANAGE, METERING_READ, PLANS_MANAGE
from millwright.metering.statements import Statements
from millwright.metering.store import CountStore, DepartedStore, PlanStore, StatementStore
from millwright.metering.store.departed import depart
from millwright.metering.usage import Usage, organisations_shown, quotas_shown, usage_of_meter
from millwright.parties import Authority, Organisations, Permission, Tree


class Metering:
    """What the routes ask for.

    Plans and issued statements are read in the scope of the request (``records``); counts of ``everything``, for what
    was removed is in nobody's scope, after a check of whose they are. ``ceilings`` gives what is limited now.
    """

    def __init__(
        self, records: Records, everything: Records, calendar: Calendar, clock: Clock, ceilings: Callable[[], Ceilings]
    ) -> None:
        self._plans, self._counts = PlanStore(records), CountStore(everything)
        self._whole_plans, self._whole_statements = PlanStore(everything), StatementStore(everything)
        self._departed = DepartedStore(everything)
        self._calendar, self._clock, self._ceilings = calendar, clock, ceilings
        self._statements = Statements(everything, StatementStore(records), calendar, clock)

    def follow(self, organisations: Organisations) -> None:
        """Keep what removed organisations used for who pays for it."""
        organisations.store.leaving.append(
            lambda connection, organisation_id: depart(connection, organisation_id, self._clock.now_ms())
        )

    # --- usage ---------------------------------------------------------------------------------------------------

    async def usage(self, authority: Authority, organisation_id: str, of_month: str | None) -> Usage:
        """What an organisation used with all below it. Raises ``NotFound`` and ``Invalid``."""
        _need(authority, METERING_READ, organisation_id)
        return await asyncio.to_thread(self._usage, authority, organisation_id, of_month)

    def _usage(self, authority: Authority, organisation_id: str, of_month: str | None) -> Usage:
        now_ms = self._clock.now_ms()
        named = of_month or self._calendar.month_at(now_ms)
        days = month(named)
        tree = with_departed(authority.tree, self._departed.since(self._calendar.start_ms(days.first)))
        members = tree.subtree(organisation_id)
        hours = self._calendar.hours(days)
        by_day = self._counts.days(*hours, members)
        subscriptions = self._whole_plans.subscriptions(tree.path(organisation_id))
        day = min(max(self._calendar.day_of(now_ms), days.first), days.end - timedelta(days=1))
        payer = payer_of(tree, subscriptions, organisation_id, day)
        force = in_force(subscriptions[payer], day) if payer is not None else None
        plan = force.document if force is not None else None
        scope = authority.scope(METERING_READ.name)
        holders = [each for each in tree.path(organisation_id) if each in scope]
        states = [state for each in holders for state in self._ceilings().states.get(each, ())]
        return Usage(
            organisation_id=organisation_id,
            organisation=tree.nodes[organisation_id].name,
            month=named,
            utc_offset_h=self._calendar.offset_h,
            days=len(days),
            payer_id=payer if payer in scope else None,
            payer=tree.nodes[payer].name if payer is not None and payer in scope else None,
            plan=plan.name if plan is not None else None,
            currency=plan.currency if plan is not None else None,
            meters=[
                usage_of_meter(
                    meter,
                    {number: used for (name, number), used in by_day.items() if name == meter.name},
                    days,
                    plan,
                    self._calendar,
                    now_ms,
                )
                for meter in meters().values()
            ],
            quotas=quotas_shown(states if named == self._calendar.month_at(now_ms) else []),
            organisations=organisations_shown(tree, members, self._counts.sums(*hours, members)),
        )

    # --- plans ---------------------------------------------------------------------------------------------------

    async def plans(self) -> list[Plan]:
        """The newest version of each plan in scope."""
        return await asyncio.to_thread(self._plans.list)

    async def plan(self, plan_id: str, version: int | None = None) -> Plan:
        """A version of a plan. Raises ``NotFound`` (``metering.plan_unknown``)."""
        return await asyncio.to_thread(self._plans.get, plan_id, version)

    async def add_plan(self, authority: Authority, new: NewPlan, by: str) -> Plan:
        """Add a plan. Raises ``Invalid`` (``metering.plan_invalid``) and ``NotFound``."""
        check_plan(new.document)
        owner = new.organisation_id or authority.scope(PLANS_MANAGE.name).home or ""
        _need(authority, PLANS_MANAGE, owner)
        made = Plan(new_id("pln"), 1, owner, new.document, self._clock.now_ms(), by)
        await asyncio.to_thread(self._plans.add, made)
        note("plan", made.id, new.document.name, after=new.document, organisation=owner)
        return made

    async def change_plan(self, plan_id: str, document: PlanDocument, by: str) -> Plan:
        """Add a version of a plan; who pays by an older one goes on with that. Raises as :meth:`add_plan`."""
        before = await self.plan(plan_id)
        check_plan(document)
        made = Plan(plan_id, before.version + 1, before.organisation_id, document, self._clock.now_ms(), by)
        await asyncio.to_thread(self._plans.add, made)
        note("plan", plan_id, document.name, before=before.document, after=document, organisation=made.organisation_id)
        return made

    # --- who pays by which plan ----------------------------------------------------------------------------------

    async def subscriptions(self, authority: Authority, organisation_id: str) -> list[Subscription]:
        """The subscriptions of an organisation, oldest first. Raises ``NotFound``."""
        _need(authority, METERING_READ, organisation_id)
        found = await asyncio.to_thread(self._plans.subscriptions, [organisation_id])
        return list(found.get(organisation_id, ()))

    async def subscribe(self, authority: Authority, organisation_id: str, new: NewSubscription) -> Subscription:
        """Let an organisation pay by a plan from a day on.

        Raises ``NotFound``, ``Denied`` (``metering.above_only``), ``Invalid`` and ``Conflict``
        (``metering.month_closed``: a statement that this would change was issued already).
        """
        _need_above(authority, organisation_id)
        _check_day(new.from_day)
        plan = await self.plan(new.plan_id, new.version) if new.plan_id is not None else None
        if plan is not None and plan.organisation_id not in authority.tree.path(organisation_id):
            raise no_such_plan(plan.id)
        if plan is not None:
            check_bought(plan.document, new.bought)
        made = Subscription(
            organisation_id,
            new.from_day,
            plan.id if plan else None,
            plan.version if plan else None,
            plan.document if plan else None,
            new.bought if plan else [],
        )
        if await asyncio.to_thread(self._is_closed, authority.tree, made):
            raise Conflict(
                "A statement that this would change was issued already.",
                code="metering.month_closed",
                hint="Begin in a month that has no statement yet.",
            )
        known = (await asyncio.to_thread(self._plans.subscriptions, [organisation_id])).get(organisation_id, ())
        _check_currency([each for each in known if each.from_day != new.from_day], made)
        await asyncio.to_thread(self._plans.subscribe, made)
        shown = {"from_day": made.from_day, "plan_id": made.plan_id, "version": made.version, "bought": made.bought}
        note("subscription", organisation_id, authority.tree.nodes[organisation_id].name, after=shown)
        return made

    def _is_closed(self, tree: Tree, made: Subscription) -> bool:
        """Whether who pays by what changes on a day of a statement that was issued to who pays before or after."""
        of = made.organisation_id
        payers = tree.path(of)  # whoever pays may lie above what the caller sees
        issued = self._whole_statements.issued(payers, made.from_day[:7])
        before = self._whole_plans.subscriptions(payers) if issued else {}
        known = before.get(of, ())
        after = {**before, of: [*(each for each in known if each.from_day != made.from_day), made]}
        return any(
            payer in (payer_of(tree, before, of, day), payer_of(tree, after, of, day))
            for payer, of_month in issued
            for day in month(of_month)
            if in_force(known, day) != in_force(after[of], day)
        )

    # --- limits --------------------------------------------------------------------------------------------------

    async def limits(self, authority: Authority, organisation_id: str) -> Limits:
        """The limits of an organisation. Raises ``NotFound``."""
        _need(authority, METERING_READ, organisation_id)
        return (await asyncio.to_thread(self._plans.limits)).get(organisation_id, Limits())

    async def set_limits(self, authority: Authority, organisation_id: str, wanted: Limits) -> Limits:
        """Replace the limits of an organisation; they hold within seconds.

        Raises ``NotFound``, ``Denied`` (``metering.above_only``) and ``Invalid`` (``metering.meter_unknown``).
        """
        _need_above(authority, organisation_id)
        for quota in wanted.quotas:
            get_meter(quota.meter)
        before = (await asyncio.to_thread(self._plans.limits)).get(organisation_id, Limits())
        await asyncio.to_thread(self._plans.put_limits, organisation_id, wanted, self._clock.now_ms())
        note("limits", organisation_id, authority.tree.nodes[organisation_id].name, before=before, after=wanted)
        return wanted

    # --- statements ----------------------------------------------------------------------------------------------

    async def statements(self, of_month: str | None) -> list[StatementInfo]:
        """The issued statements in scope."""
        return await self._statements.list(of_month)

    async def statement(self, statement_id: str) -> Statement:
        """An issued statement. Raises ``NotFound``."""
        return await self._statements.get(statement_id)

    async def draft(self, authority: Authority, organisation_id: str, of_month: str | None) -> Statement:
        """What an organisation's statement would say now. Raises ``NotFound`` and ``Invalid``."""
        _need(authority, METERING_READ, organisation_id)
        named = of_month or self._calendar.month_at(self._clock.now_ms())
        return await self._statements.draft(authority.tree, organisation_id, named)

    async def issue(self, authority: Authority, organisation_id: str, of_month: str, by: str) -> Statement:
        """Issue an organisation's statement. Raises ``NotFound``, ``Denied``, ``Conflict`` and ``Invalid``."""
        _need_above(authority, organisation_id)
        return await self._statements.issue(authority.tree, organisation_id, of_month, by)

    async def verify(self, statement_id: str) -> Verification:
        """Recount a statement. Raises ``NotFound``."""
        return await self._statements.verify(statement_id)


def _need(authority: Authority, permission: Permission, organisation_id: str) -> None:
    if not authority.may(permission.name, organisation_id):
        raise NotFound(
            "There is no such organisation here.",
            code="metering.organisation_unknown",
            hint="Name an organisation in which you may do this.",
        )


def _need_above(authority: Authority, organisation_id: str) -> None:
    """Whoever decides about an organisation may do so at the one above it; at the top the operator decides."""
    _need(authority, METERING_MANAGE, organisation_id)
    parent = authority.tree.nodes[organisation_id].parent_id
    if parent is not None and not authority.may(METERING_MANAGE.name, parent):
        raise above_only()


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"There is no day {text}.",
            code="metering.day_invalid",
            hint="Write year, month and day: 2026-11-01.",
            detail={"pointer": "/from_day"},
        ) from None


def _check_currency(known: list[Subscription], made: Subscription) -> None:
    """One statement is in one currency: another one begins with a month."""
    ordered = sorted([*known, made], key=lambda each: each.from_day)
    for number, each in enumerate(ordered):
        first = f"{each.from_day[:7]}-01"
        for earlier, following in pairwise(ordered[: number + 1]):
            if following.from_day > first and _differ(earlier, each):
                raise Invalid(
                    "The currency can change at the beginning of a month only.",
                    code="metering.currency_changed",
                    hint="Begin on the first day of a month.",
                )


def _differ(one: Subscription, other: Subscription) -> bool:
    if one.document is None or other.document is None:
        return False
    return (one.document.currency, one.document.decimals) != (other.document.currency, other.document.decimals)
