"""What use costs: pure arithmetic over plans, exact until a line is rounded.

Rules. A month's free units, packages and tier bounds belong to the whole month; a subscription that holds for some of
its days gets the share ``days / days of the month`` of each (units rounded down, in the node's favour by less than one
unit), of the monthly fee and of the price of packages. Use is priced by the subscription in force on its day: first the
free units, then those of bought packages, then tier by tier. Each line is rounded half up to the currency's smallest
unit; the total is the sum of the lines as rounded, so that whoever adds them up arrives at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from millwright.metering.errors import plan_invalid
from millwright.metering.meters import meters
from millwright.metering.model import Bought, Line, MeterPrice, PlanDocument


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of a month that one subscription holds for, and what was used in them, by meter."""

    document: PlanDocument
    version: int
    bought: Sequence[Bought]
    days: int
    days_of_month: int
    used: Mapping[str, int]

    @property
    def share(self) -> Fraction:
        """How much of the month it is."""
        return Fraction(self.days, self.days_of_month)


def check_plan(document: PlanDocument) -> None:
    """Raise ``Invalid`` (``metering.plan_invalid``) for a plan that cannot be counted with."""
    seen: set[str] = set()
    for number, price in enumerate(document.prices):
        where = f"/document/prices/{number}"
        if price.meter not in meters():
            raise plan_invalid(f"There is no meter {price.meter}.", f"{where}/meter")
        if price.meter in seen:
            raise plan_invalid(f"The meter {price.meter} is priced twice.", f"{where}/meter")
        seen.add(price.meter)
        _check_tiers(price, where)
        names = [package.name for package in price.packages]
        if len(set(names)) < len(names):
            raise plan_invalid("Two packages have one name.", f"{where}/packages")


def _check_tiers(price: MeterPrice, where: str) -> None:
    below = 0
    for number, tier in enumerate(price.tiers):
        last = number == len(price.tiers) - 1
        if (tier.up_to is None) != last:
            raise plan_invalid("The last tier, and only that, has no end.", f"{where}/tiers/{number}/up_to")
        if tier.up_to is not None:
            if tier.up_to <= below:
                raise plan_invalid("Each tier ends above the one before.", f"{where}/tiers/{number}/up_to")
            below = tier.up_to


def check_bought(document: PlanDocument, bought: Sequence[Bought]) -> None:
    """Raise ``Invalid`` (``metering.plan_invalid``) for packages the plan does not offer."""
    offered = {(price.meter, package.name) for price in document.prices for package in price.packages}
    for number, each in enumerate(bought):
        if (each.meter, each.package) not in offered:
            raise plan_invalid(f"The plan offers no package {each.package}.", f"/bought/{number}/package")


def money(exact: Fraction, decimals: int) -> str:
    """An amount, not negative, as decimal text, rounded half up."""
    scaled = exact * 10**decimals
    smallest = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return in_text(smallest, decimals)


def in_text(smallest: int, decimals: int) -> str:
    """So many of the smallest units as decimal text."""
    if not decimals:
        return str(smallest)
    whole, rest = divmod(smallest, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}"


def in_smallest(text: str, decimals: int) -> int:
    """Decimal text in smallest units, exactly."""
    scaled = Fraction(text) * 10**decimals
    assert scaled.denominator == 1, text
    return int(scaled)


def total(lines: Sequence[Line], decimals: int) -> str:
    """The sum of the lines as they stand."""
    return in_text(sum(in_smallest(line.amount, decimals) for line in lines), decimals)


def price_stretch(stretch: Stretch) -> list[Line]:
    """The lines of one stretch: the fee, then meter by meter."""
    document = stretch.document
    lines: list[Line] = []
    if Fraction(document.monthly_fee):
        amount = Fraction(document.monthly_fee) * stretch.share
        lines.append(_line(stretch, "fee", None, stretch.days, document.monthly_fee, stretch.days_of_month, amount))
    for price in document.prices:
        lines += _price_meter(stretch, price)
    return lines


def _price_meter(stretch: Stretch, price: MeterPrice) -> list[Line]:
    share, left = stretch.share, stretch.used.get(price.meter, 0)
    lines: list[Line] = []
    free = min(left, _part(price.free, share))
    if free:
        lines.append(_line(stretch, "free", price.meter, free, "0", 1, Fraction(0)))
        left -= free
    offered = {package.name: package for package in price.packages}
    for each in stretch.bought:
        if each.meter != price.meter or each.package not in offered:
            continue
        package = offered[each.package]
        amount = Fraction(package.price) * each.count * share
        lines.append(_line(stretch, "package", price.meter, each.count, package.price, 1, amount, package.name))
        covered = min(left, _part(package.units * each.count, share))
        if covered:
            lines.append(_line(stretch, "package_use", price.meter, covered, "0", 1, Fraction(0), package.name))
            left -= covered
    begins = 0
    for tier in price.tiers:
        if not left:
            break
        ends = None if tier.up_to is None else _part(tier.up_to, share)
        here = left if ends is None else min(left, ends - begins)
        if here:
            amount = Fraction(tier.price) * here / price.per
            lines.append(_line(stretch, "tier", price.meter, here, tier.price, price.per, amount))
            left -= here
        begins = begins if ends is None else ends
    return lines


def _part(units: int, share: Fraction) -> int:
    return units * share.numerator // share.denominator


def _line(
    stretch: Stretch,
    kind: str,
    meter: str | None,
    quantity: int,
    price: str,
    per: int,
    amount: Fraction,
    note: str = "",
) -> Line:
    document = stretch.document
    return Line(
        kind=kind,  # type: ignore[arg-type]  # one of the kinds, as the calls here name them
        plan=document.name,
        version=stretch.version,
        days=stretch.days,
        meter=meter,
        quantity=quantity,
        price=price,
        per=per,
        amount=money(amount, document.decimals),
        note=note,
    )
