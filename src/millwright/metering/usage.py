"""Usage of a month as people look at it: sums, days, sub-organisations, quotas, forecast. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from millwright.metering.limits import QuotaState
from millwright.metering.meters import Meter, MeterKind
from millwright.metering.model import PlanDocument, Quota
from millwright.metering.periods import HOUR_MS, Calendar, Days
from millwright.parties import Tree


class QuotaView(Struct, frozen=True):
    """A quota that holds here. ``organisation_id`` is whose it is (this one or one above); ``used`` is by that one."""

    organisation_id: str
    quota: Quota
    used: int
    warned: bool
    exceeded: bool
    ends_ms: int


class MeterUsage(Struct, frozen=True):
    """A meter in a month. ``days`` has the use of each day; ``free`` are the plan's free units, null without a plan.

    ``forecast`` is what the month will come to if it goes on as it did; null when the month is over or yet to come.
    """

    meter: str
    unit: str
    kind: MeterKind
    text: str
    text_zh: str
    used: int
    free: int | None
    forecast: int | None
    days: list[int]


class OrganisationUsage(Struct, frozen=True):
    """What one organisation used itself, by meter, without those below it."""

    organisation_id: str
    name: str
    parent_id: str | None
    used: dict[str, int]


class Usage(Struct, frozen=True):
    """What an organisation used with all below it, in a month. ``payer_id``: who pays for it, by ``plan``.

    ``quotas`` are shown with the running month only.
    """

    organisation_id: str
    organisation: str
    month: str
    utc_offset_h: int
    days: int
    payer_id: str | None
    payer: str | None
    plan: str | None
    currency: str | None
    meters: list[MeterUsage]
    quotas: list[QuotaView]
    organisations: list[OrganisationUsage]


def usage_of_meter(
    meter: Meter, by_day: Mapping[int, int], days: Days, plan: PlanDocument | None, calendar: Calendar, now_ms: int
) -> MeterUsage:
    """One meter; ``by_day`` counts days of the month from 0."""
    used = sum(by_day.values())
    price = next((each for each in plan.prices if each.meter == meter.name), None) if plan is not None else None
    return MeterUsage(
        meter.name,
        meter.unit,
        meter.kind,
        meter.text,
        meter.text_zh,
        used,
        price.free if price is not None else None,
        forecast(meter, by_day, days, calendar, now_ms),
        [by_day.get(number, 0) for number in range(len(days))],
    )


def forecast(meter: Meter, by_day: Mapping[int, int], days: Days, calendar: Calendar, now_ms: int) -> int | None:
    """What the running month will come to: by the hours gone, of a snapshot by its newest day for each day to come."""
    first_ms, end_ms = calendar.start_ms(days.first), calendar.start_ms(days.end)
    if not first_ms < now_ms < end_ms:
        return None
    used = sum(by_day.values())
    if meter.kind == "snapshot":
        newest = max((number for number, quantity in by_day.items() if quantity), default=None)
        return used if newest is None else used + by_day[newest] * (len(days) - 1 - newest)
    gone_ms = max(now_ms - first_ms, HOUR_MS)
    return used * (end_ms - first_ms) // gone_ms


def quotas_shown(states: Sequence[QuotaState]) -> list[QuotaView]:
    """Quotas as they are shown."""
    return [
        QuotaView(each.organisation_id, each.quota, each.used, each.warned, each.exceeded, each.ends_ms)
        for each in states
    ]


def organisations_shown(
    tree: Tree, members: Sequence[str], sums: Mapping[tuple[str, str], int]
) -> list[OrganisationUsage]:
    """Each organisation with what it used itself, parents before those below them."""
    found: dict[str, dict[str, int]] = {member: {} for member in members}
    for (member, meter), quantity in sums.items():
        if member in found:
            found[member][meter] = quantity
    return [
        OrganisationUsage(member, tree.nodes[member].name, tree.nodes[member].parent_id, used)
        for member, used in found.items()
    ]
