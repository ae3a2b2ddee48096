"""Prices: free units, packages, tiers, proration, rounding; every figure worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.kernel import Invalid
from millwright.metering.model import Bought, Line, MeterPrice, Package, PlanDocument, Tier
from millwright.metering.pricing import Stretch, check_bought, check_plan, in_smallest, money, price_stretch, total

TIERS = [Tier("0.80", 1_000_000), Tier("0.50", 5_000_000), Tier("0.20")]
PLAN = PlanDocument(
    "基础",
    monthly_fee="300.00",
    prices=[
        MeterPrice("messages", free=100_000, per=10_000, tiers=TIERS, packages=[Package("M1", 1_000_000, "60.00")]),
        MeterPrice("api_calls", free=10, tiers=[Tier("0.005")]),
    ],
)


def stretch(used: dict[str, int], *, days: int = 30, bought: list[Bought] | None = None) -> Stretch:
    return Stretch(PLAN, 1, bought or [], days, 30, used)


def short(lines: list[Line]) -> list[tuple[str, str | None, int, str]]:
    return [(line.kind, line.meter, line.quantity, line.amount) for line in lines]


def test_free_units_come_first_then_tier_by_tier() -> None:
    # 100,000 free; 1,000,000 at 0.80, 4,000,000 at 0.50 and 900,000 at 0.20 for 10,000.
    lines = price_stretch(stretch({"messages": 6_000_000}))
    assert short(lines) == [
        ("fee", None, 30, "300.00"),
        ("free", "messages", 100_000, "0.00"),
        ("tier", "messages", 1_000_000, "80.00"),
        ("tier", "messages", 4_000_000, "200.00"),
        ("tier", "messages", 900_000, "18.00"),
    ]
    assert total(lines, 2) == "598.00"
    assert sum(line.quantity for line in lines if line.meter == "messages") == 6_000_000


def test_packages_are_used_after_the_free_units_and_paid_whether_used_or_not() -> None:
    lines = price_stretch(stretch({"messages": 1_200_000}, bought=[Bought("messages", "M1", 2)]))
    assert short(lines)[1:] == [
        ("free", "messages", 100_000, "0.00"),
        ("package", "messages", 2, "120.00"),
        ("package_use", "messages", 1_100_000, "0.00"),
    ]
    unused = price_stretch(stretch({}, bought=[Bought("messages", "M1", 1)]))
    assert short(unused)[1:] == [("package", "messages", 1, "60.00")]


def test_a_part_of_the_month_has_its_share_of_everything() -> None:
    # 10 of 30 days: a third of fee, free units (33,333), package price and units, and tier bounds (333,333).
    lines = price_stretch(stretch({"messages": 1_000_000}, days=10, bought=[Bought("messages", "M1", 1)]))
    assert short(lines) == [
        ("fee", None, 10, "100.00"),
        ("free", "messages", 33_333, "0.00"),
        ("package", "messages", 1, "20.00"),
        ("package_use", "messages", 333_333, "0.00"),
        ("tier", "messages", 333_333, "26.67"),  # 26.66664
        ("tier", "messages", 300_001, "15.00"),  # 15.00005
    ]


def test_a_line_is_rounded_half_up_and_the_total_adds_the_rounded_lines() -> None:
    assert money(Fraction("0.005"), 2) == "0.01"
    assert money(Fraction("0.00499999"), 2) == "0.00"
    assert money(Fraction("2.5"), 0) == "3"
    lines = price_stretch(stretch({"api_calls": 13}))  # 3 × 0.005
    assert short(lines)[-1] == ("tier", "api_calls", 3, "0.02")
    assert total(lines, 2) == "300.02"


@given(
    used=st.integers(0, 10**12),
    days=st.integers(1, 30),
    count=st.integers(0, 5),
)
def test_no_unit_is_lost_and_lines_add_up(used: int, days: int, count: int) -> None:
    bought = [Bought("messages", "M1", count)] if count else []
    lines = price_stretch(stretch({"messages": used}, days=days, bought=bought))
    assert sum(line.quantity for line in lines if line.kind in ("free", "package_use", "tier")) == used
    assert in_smallest(total(lines, 2), 2) == sum(in_smallest(line.amount, 2) for line in lines)


@given(used=st.integers(0, 10**9), more=st.integers(0, 10**6))
def test_more_use_never_costs_less(used: int, more: int) -> None:
    def cost(quantity: int) -> int:
        return in_smallest(total(price_stretch(stretch({"messages": quantity})), 2), 2)

    assert cost(used + more) >= cost(used) - 2  # two lines may round the other way by half a smallest unit


@pytest.mark.parametrize(
    ("price", "pointer"),
    [
        (MeterPrice("wishes"), "/document/prices/0/meter"),
        (MeterPrice("messages", tiers=[Tier("1", 10)]), "/document/prices/0/tiers/0/up_to"),
        (MeterPrice("messages", tiers=[Tier("1"), Tier("2")]), "/document/prices/0/tiers/0/up_to"),
        (MeterPrice("messages", tiers=[Tier("1", 9), Tier("2", 9), Tier("3")]), "/document/prices/0/tiers/1/up_to"),
        (MeterPrice("messages", packages=[Package("a", 1, "1"), Package("a", 2, "1")]), "/document/prices/0/packages"),
    ],
)
def test_a_plan_that_cannot_be_counted_with_is_refused(price: MeterPrice, pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_plan(PlanDocument("x", prices=[price]))
    assert caught.value.code == "metering.plan_invalid"
    assert caught.value.detail["pointer"] == pointer


def test_a_package_that_is_not_offered_cannot_be_bought() -> None:
    check_bought(PLAN, [Bought("messages", "M1")])
    with pytest.raises(Invalid):
        check_bought(PLAN, [Bought("api_calls", "M1")])
