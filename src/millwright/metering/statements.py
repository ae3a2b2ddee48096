"""Statements: drawn up from raw counts and subscriptions, frozen when issued, recounted on demand."""

from __future__ import annotations

import asyncio
import builtins
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, new_id
from millwright.ledger import note
from millwright.metering.errors import no_plan_in_force
from millwright.metering.meters import meters
from millwright.metering.model import (
    Line,
    Raw,
    Statement,
    StatementDocument,
    StatementInfo,
    Subscription,
    Verification,
)
from millwright.metering.payers import Segment, segments, with_departed
from millwright.metering.periods import HOUR_MS, Calendar, Days, month
from millwright.metering.pricing import Stretch, price_stretch, total
from millwright.metering.store import CountStore, DepartedStore, PlanStore, StatementStore
from millwright.parties import Tree

_SETTLED_MS = HOUR_MS


class Statements:
    """Use cases of statements; the caller has checked who may.

    Of ``everything`` is read what the payer's subtree used and pays by, also organisations that were removed meanwhile;
    ``store`` is confined to the caller's scope.
    """

    def __init__(self, everything: Records, store: StatementStore, calendar: Calendar, clock: Clock) -> None:
        self._counts, self._plans = CountStore(everything), PlanStore(everything)
        self._departed, self._store = DepartedStore(everything), store
        self._calendar, self._clock = calendar, clock

    async def list(self, of_month: str | None = None) -> list[StatementInfo]:
        """The issued statements in scope, newest first. Raises ``Invalid`` (``metering.month_invalid``)."""
        if of_month is not None:
            month(of_month)
        return await asyncio.to_thread(self._store.list, of_month)

    async def get(self, statement_id: str) -> Statement:
        """An issued statement. Raises ``NotFound`` (``metering.statement_unknown``)."""
        return (await asyncio.to_thread(self._store.get, statement_id))[0]

    async def draft(self, tree: Tree, payer: str, of_month: str) -> Statement:
        """What the statement would say now.

        Raises ``NotFound`` (``metering.no_plan_in_force``) and ``Invalid`` (``metering.month_invalid``).
        """
        return Statement(await asyncio.to_thread(self._draw_up, tree, payer, of_month))

    async def issue(self, tree: Tree, payer: str, of_month: str, by: str) -> Statement:
        """Freeze the statement of a month that is over, under a number, and note it in the ledger.

        Raises ``Conflict`` (``metering.month_not_over``, ``metering.statement_issued``), and as :meth:`draft`.
        """
        days = month(of_month)
        now_ms = self._clock.now_ms()
        if now_ms < self._calendar.start_ms(days.end) + _SETTLED_MS:
            raise Conflict(
                f"{of_month} is not over, or has been for less than an hour.",
                code="metering.month_not_over",
                hint="Look at the draft meanwhile.",
            )
        document = await asyncio.to_thread(self._draw_up, tree, payer, of_month)
        text = frozen(document)
        made = Statement(document, new_id("stm"), None, now_ms, by, digest_of(text))
        number = await asyncio.to_thread(self._store.add, made, text)
        shown = {"number": number, "month": of_month, "total": document.total, "currency": document.currency}
        note("statement", made.id or "", number, after=shown | {"sha256": made.digest})
        return msgspec.structs.replace(made, number=number)

    async def verify(self, statement_id: str) -> Verification:
        """Recount an issued statement: its digest, its lines from its raw counts, and those from what is counted."""
        statement, text = await asyncio.to_thread(self._store.get, statement_id)
        return await asyncio.to_thread(self._verify, statement, text)

    # --- in a thread ---------------------------------------------------------------------------------------------

    def _draw_up(self, tree: Tree, payer: str, of_month: str) -> StatementDocument:
        days = month(of_month)
        tree = with_departed(tree, self._departed.since(self._calendar.start_ms(days.first)))
        subscriptions = self._plans.subscriptions(tree.subtree(payer))
        found = list(segments(tree, subscriptions, payer, days))
        if not found:
            raise no_plan_in_force(payer)
        raw = [row for segment in found for row in self._raw(tree, segment)]
        used = _distinct([segment.subscription for segment in found])
        lines = lines_of(raw, used, days, [(segment.days, segment.subscription) for segment in found])
        document = used[-1].document
        assert document is not None
        return StatementDocument(
            organisation_id=payer,
            organisation=tree.nodes[payer].name,
            month=of_month,
            utc_offset_h=self._calendar.offset_h,
            currency=document.currency,
            decimals=document.decimals,
            lines=lines,
            raw=raw,
            subscriptions=used,
            total=total(lines, document.decimals),
        )

    def _raw(self, tree: Tree, segment: Segment) -> builtins.list[Raw]:
        """Every count of the segment; also what is priced and was not used, so that a recount finds what came later.

        A segment has one row at least: its days are known from its rows.
        """
        sums = self._counts.sums(*self._calendar.hours(segment.days), segment.members)
        document = segment.subscription.document
        assert document is not None
        priced = {price.meter for price in document.prices}
        wanted = {(member, meter) for member in segment.members for meter in priced} | set(sums)
        if not wanted:
            wanted = {(segment.subscription.organisation_id, next(iter(meters())))}
        order = {name: number for number, name in enumerate(meters())}
        first, end = segment.days.first.isoformat(), segment.days.end.isoformat()
        return [
            Raw(member, tree.nodes[member].name, meter, first, end, sums.get((member, meter), 0))
            for member, meter in sorted(wanted, key=lambda each: (each[0], order.get(each[1], len(order)), each[1]))
        ]

    def _verify(self, statement: Statement, text: str) -> Verification:
        document = statement.document
        calendar = Calendar(document.utc_offset_h)
        recounted: dict[tuple[str, str], Mapping[tuple[str, str], int]] = {}
        for first, end in sorted({(row.first_day, row.end_day) for row in document.raw}):
            members = {row.organisation_id for row in document.raw if (row.first_day, row.end_day) == (first, end)}
            hours = calendar.hours(Days(date.fromisoformat(first), date.fromisoformat(end)))
            recounted[first, end] = self._counts.sums(*hours, members)
        differences: list[dict[str, Any]] = []
        for row in document.raw:
            now = recounted[row.first_day, row.end_day].get((row.organisation_id, row.meter), 0)
            if now != row.quantity:
                differences.append(msgspec.to_builtins(row) | {"counted_now": now})
        days, stretches = month(document.month), _periods(document.raw, document.subscriptions)
        lines = lines_of(document.raw, document.subscriptions, days, stretches)
        if lines != document.lines:  # issued when a stretch without a price and without use had no row
            stretches += _unwritten(days, stretches, document.subscriptions)
            lines = lines_of(document.raw, document.subscriptions, days, stretches)
        digest_equal = digest_of(text) == statement.digest
        lines_equal = lines == document.lines and total(lines, document.decimals) == document.total
        return Verification(
            digest_equal and lines_equal and not differences, digest_equal, lines_equal, not differences, differences
        )


def frozen(document: StatementDocument) -> str:
    """The text of a document that is kept and whose digest is noted: JSON with sorted names."""
    return msgspec.json.encode(document, order="sorted").decode()


def digest_of(text: str) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def lines_of(
    raw: Sequence[Raw], subscriptions: Sequence[Subscription], days: Days, parts: Sequence[tuple[Days, Subscription]]
) -> list[Line]:
    """The lines of a statement: one stretch for each subscription, over all its days of the month."""
    lines: list[Line] = []
    for subscription in subscriptions:
        mine = {(part.first.isoformat(), part.end.isoformat()) for part, each in parts if each == subscription}
        used: dict[str, int] = {}
        for row in raw:
            if (row.first_day, row.end_day) in mine:
                used[row.meter] = used.get(row.meter, 0) + row.quantity
        assert subscription.document is not None
        lines += price_stretch(
            Stretch(
                subscription.document,
                subscription.version or 0,
                subscription.bought,
                sum(len(part) for part, each in parts if each == subscription),
                len(days),
                used,
            )
        )
    return lines


def _periods(raw: Sequence[Raw], subscriptions: Sequence[Subscription]) -> list[tuple[Days, Subscription]]:
    spans = sorted({(row.first_day, row.end_day) for row in raw})
    return [
        (
            Days(date.fromisoformat(first), date.fromisoformat(end)),
            max((each for each in subscriptions if each.from_day <= first), key=lambda each: each.from_day),
        )
        for first, end in spans
    ]


def _unwritten(
    days: Days, stretches: Sequence[tuple[Days, Subscription]], subscriptions: Sequence[Subscription]
) -> list[tuple[Days, Subscription]]:
    """The days on which no stretch lies, each by the newest of the subscriptions that began until then."""
    written = {day for stretch, _ in stretches for day in stretch}
    found: list[tuple[Days, Subscription]] = []
    for day in days:
        begun = [each for each in subscriptions if each.from_day <= day.isoformat()]
        if day not in written and begun:
            found.append((Days(day, day + timedelta(days=1)), max(begun, key=lambda each: each.from_day)))
    return found


def _distinct(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    found: list[Subscription] = []
    for each in subscriptions:
        if each not in found:
            found.append(each)
    return found
