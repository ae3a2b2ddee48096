"""Quotas over a subtree, token buckets, periods, payers, forecasts."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.app.limits import QuotaProblems
from millwright.kernel import Invalid, ManualClock
from millwright.metering.limits import Buckets, work_out
from millwright.metering.meters import MESSAGES, STORED_BYTES
from millwright.metering.model import Limits, PlanDocument, Quota, RateLimits, Subscription
from millwright.metering.payers import payer_of, segments
from millwright.metering.periods import HOUR_MS, Calendar, Days, month
from millwright.metering.usage import forecast
from millwright.parties import Node, Tree

TREE = Tree(
    [
        Node("org_root", None, "park", "Park"),
        Node("red", "org_root", "enterprise", "Red"),
        Node("shop", "red", "site", "Shop"),
        Node("blue", "org_root", "enterprise", "Blue"),
    ]
)
ENDS = {"day": 1_000_000, "month": 9_000_000}


def test_a_quota_holds_for_the_sum_of_the_subtree_and_for_all_below() -> None:
    limits = {
        "org_root": Limits([Quota("messages", 100, hard=True)]),
        "blue": Limits([Quota("messages", 5, "day", hard=False)]),
    }
    month_sums = {("red", "messages"): 60, ("shop", "messages"): 39, ("blue", "points"): 1000}
    day_sums = {("blue", "messages"): 5}
    found = work_out(TREE, limits, {"day": day_sums, "month": month_sums}, ENDS)
    assert found.states["org_root"][0].used == 99
    assert found.states["org_root"][0].warned
    assert found.find_exceeded("shop", ["messages"]) is None
    month_sums["blue", "messages"] = 1
    found = work_out(TREE, limits, {"day": day_sums, "month": month_sums}, ENDS)
    for organisation in ("org_root", "red", "shop", "blue"):
        over = found.find_exceeded(organisation, ["points", "messages"])
        assert over is not None
        assert over.organisation_id == "org_root"
        assert over.error(8_000_000).retry_after_s == 1000
    assert found.find_exceeded("shop", ["points"]) is None
    assert found.states["blue"][0].exceeded  # soft: it is said, nobody is shut out by it


def test_a_quota_below_does_not_touch_its_neighbour() -> None:
    limits = {"red": Limits([Quota("messages", 10, hard=True)])}
    found = work_out(TREE, limits, {"day": {}, "month": {("shop", "messages"): 10}}, ENDS)
    assert found.find_exceeded("shop", ["messages"]) is not None
    assert found.find_exceeded("blue", ["messages"]) is None
    assert found.find_exceeded("org_root", ["messages"]) is None


def test_a_quota_that_is_nearly_used_up_is_a_problem_of_the_node() -> None:
    state = [work_out(TREE, {"red": Limits([Quota("messages", 10)])}, {"day": {}, "month": {}}, ENDS)]
    clock = ManualClock()
    problems = QuotaProblems(lambda: state[0], clock)
    assert problems.figures().problems == []
    began_ms = clock.now_ms()
    for used, code in ((7, ""), (8, "metering.quota_nearly_used_up"), (10, "metering.quota_used_up")):
        limits = {"red": Limits([Quota("messages", 10)])}
        state[0] = work_out(TREE, limits, {"day": {}, "month": {("shop", "messages"): used}}, ENDS)
        found = problems.figures().problems
        assert [each.code for each in found] == ([code] if code else [])
        clock.advance(1)
    assert found[0].since_ms == began_ms + 2000
    assert problems.figures().problems[0].since_ms == began_ms + 2000
    assert "Red: 10 of 10 messages a month, used up." in found[0].message


def test_rates_of_those_above_hold_too() -> None:
    limits = {"org_root": Limits(rates=RateLimits(messages=10)), "shop": Limits(rates=RateLimits(device_messages=1))}
    found = work_out(TREE, limits, {"day": {}, "month": {}}, ENDS)
    assert [holder for holder, _ in found.rates("shop")] == ["org_root", "shop"]
    assert [holder for holder, _ in found.rates("blue")] == ["org_root"]


def test_a_bucket_lets_its_rate_through_and_remembers_what_was_overdrawn() -> None:
    clock = ManualClock()
    buckets = Buckets(clock)
    bucket = buckets.get("x", 10)
    bucket.left -= 30  # a read that brought 30 messages: all are taken
    assert bucket.debt_s() == pytest.approx(2.0)
    clock.advance(2.0)
    assert buckets.get("x", 10).debt_s() == 0
    clock.advance(100)
    assert buckets.get("x", 10).left == 10  # never more than a second's worth


def test_full_buckets_are_forgotten_and_no_debt_is() -> None:
    clock = ManualClock()
    buckets = Buckets(clock, most=100)
    for number in range(100):
        buckets.get(f"{number}", 10).left -= 1000 if number < 10 else 1
    clock.advance(0.5)
    for number in range(200):
        buckets.get(f"new {number}", 10)
    assert [buckets.get(f"{number}", 10).debt_s() > 90 for number in range(10)] == [True] * 10
    assert len(buckets._known) == 210
    clock.advance(1)
    buckets.get("another", 10)
    assert len(buckets._known) == 11


@given(reads=st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_who_waits_out_the_debt_keeps_to_the_rate(reads: list[int]) -> None:
    clock = ManualClock()
    buckets, began_s = Buckets(clock), clock.monotonic_s()
    for read in reads:
        bucket = buckets.get("x", 50)
        bucket.left -= read
        clock.advance(bucket.debt_s())
    assert sum(reads) <= 50 * (clock.monotonic_s() - began_s) + 50 + 0.01


def test_days_begin_by_the_offset() -> None:
    china = Calendar(8)
    midnight = Calendar(0).start_ms(date(2026, 11, 1))
    assert china.month_at(midnight - 8 * HOUR_MS) == "2026-11"
    assert china.month_at(midnight - 8 * HOUR_MS - 1) == "2026-10"
    assert china.start_ms(date(2026, 11, 1)) == midnight - 8 * HOUR_MS
    first, end = china.hours(month("2026-02"))
    assert end - first == 28 * 24
    for wrong in ("2026-13", "26-01", "2026-1", "x"):
        with pytest.raises(Invalid):
            month(wrong)


def subscription(organisation: str, day: str, plan: str | None = "p") -> Subscription:
    return Subscription(organisation, day, plan, 1, PlanDocument(plan) if plan else None, [])


def test_the_nearest_with_a_plan_pays() -> None:
    known = {
        "org_root": [subscription("org_root", "2026-01-01")],
        "red": [subscription("red", "2026-11-11"), subscription("red", "2026-11-21", None)],
    }
    assert payer_of(TREE, known, "shop", date(2026, 11, 10)) == "org_root"
    assert payer_of(TREE, known, "shop", date(2026, 11, 11)) == "red"
    assert payer_of(TREE, known, "shop", date(2026, 11, 21)) == "org_root"
    assert payer_of(TREE, known, "shop", date(2025, 11, 21)) is None
    found = [
        (each.days.first.day, len(each.days), each.members)
        for each in segments(TREE, known, "org_root", month("2026-11"))
    ]
    everybody = ("blue", "org_root", "red", "shop")
    assert found == [(1, 10, everybody), (11, 10, ("blue", "org_root")), (21, 10, everybody)]
    mine = list(segments(TREE, known, "red", month("2026-11")))
    assert [(each.days, each.members) for each in mine] == [
        (Days(date(2026, 11, 11), date(2026, 11, 21)), ("red", "shop"))
    ]


def test_forecasts() -> None:
    calendar, days = Calendar(8), month("2026-11")
    now_ms = calendar.start_ms(date(2026, 11, 11))
    assert forecast(MESSAGES, {0: 60, 9: 40}, days, calendar, now_ms) == 300
    assert forecast(STORED_BYTES, {8: 100, 9: 110}, days, calendar, now_ms) == 210 + 20 * 110
    assert forecast(MESSAGES, {0: 60}, days, calendar, calendar.start_ms(days.end)) is None
