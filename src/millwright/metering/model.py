"""Price plans, subscriptions, limits, usage and statements as data.

Money is written as decimal text (``"0.80"``) and counted in exact fractions; nothing here is a float.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Money = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,8})?$", description="Decimal text, in the plan's currency.")]
Count = Annotated[int, Meta(ge=0, le=10**15)]
MeterName = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
DayText = Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])-\d\d$", description="A day, such as 2026-11-01.")]
OrganisationId = Annotated[str, Meta(min_length=1, max_length=64)]

Period = Literal["day", "month"]


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """``price`` for each ``per`` units of what lies in this tier; ``up_to`` null is the last one, without an end."""

    price: Money
    up_to: Annotated[int, Meta(ge=1, le=10**15)] | None = None


class Package(Struct, frozen=True, forbid_unknown_fields=True):
    """A block of ``units`` that is bought for ``price`` and month; what is left of it at the month's end is gone."""

    name: Name
    units: Annotated[int, Meta(ge=1, le=10**15)]
    price: Money


class MeterPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """What one meter costs: ``free`` units first, then those of bought packages, then tier by tier (graduated)."""

    meter: MeterName
    free: Count = 0
    per: Annotated[int, Meta(ge=1, le=10**12)] = 1
    tiers: Annotated[list[Tier], Meta(max_length=20)] = []
    packages: Annotated[list[Package], Meta(max_length=20)] = []


class PlanDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A price plan. ``decimals``: digits of the currency's smallest unit; amounts are rounded half up to it."""

    name: Name
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217.")] = "CNY"
    decimals: Annotated[int, Meta(ge=0, le=4)] = 2
    monthly_fee: Money = "0"
    prices: Annotated[list[MeterPrice], Meta(max_length=50)] = []


class Plan(Struct, frozen=True):
    """A version of a plan. Versions are never changed; a new one applies where it is subscribed to."""

    id: str
    version: int
    organisation_id: str
    document: PlanDocument
    created_ms: int
    created_by: str


class NewPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A plan to be offered by an organisation to those below it."""

    document: PlanDocument
    organisation_id: OrganisationId | None = None


class Bought(Struct, frozen=True, forbid_unknown_fields=True):
    """``count`` packages of one name, bought anew each month."""

    meter: MeterName
    package: Name
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class NewSubscription(Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan an organisation pays by from a day on, until the next subscription begins. No plan: it ends."""

    from_day: DayText
    plan_id: Annotated[str, Meta(max_length=64)] | None = None
    version: int | None = None
    bought: Annotated[list[Bought], Meta(max_length=50)] = []


class Subscription(Struct, frozen=True):
    """A plan in force for an organisation from ``from_day`` on; ``document`` is the version as it was then."""

    organisation_id: str
    from_day: str
    plan_id: str | None
    version: int | None
    document: PlanDocument | None
    bought: list[Bought]


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a meter an organisation and those below it may use in a day or month.

    Warned about from ``warn_percent`` on; a ``hard`` one refuses what is beyond it, a soft one only says so.
    """

    meter: MeterName
    limit: Annotated[int, Meta(ge=1, le=10**15)]
    period: Period = "month"
    hard: bool = False
    warn_percent: Annotated[int, Meta(ge=1, le=100)] = 80


Rate = Annotated[float, Meta(gt=0, le=1_000_000)]


class RateLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """How much a second: of the organisation with all below it, of each of its devices, of each caller. Null: any."""

    messages: Rate | None = None
    device_messages: Rate | None = None
    api_calls: Rate | None = None
    caller_api_calls: Rate | None = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What an organisation, with all below it, may use."""

    quotas: Annotated[list[Quota], Meta(max_length=50)] = []
    rates: RateLimits = field(default_factory=RateLimits)


class Line(Struct, frozen=True):
    """One line of a statement. ``kind``: ``fee``, ``free``, ``package`` or ``tier``; ``days`` of the month it is for.

    ``quantity`` in units of the meter, ``price`` for ``per`` of them, ``amount`` in the currency, both as decimal text.
    """

    kind: Literal["fee", "free", "package", "package_use", "tier"]
    plan: str
    version: int
    days: int
    meter: str | None
    quantity: int
    price: str
    per: int
    amount: str
    note: str = ""


class Raw(Struct, frozen=True):
    """What one organisation used of one meter in the days of one subscription: what the lines rest on."""

    organisation_id: str
    name: str
    meter: str
    first_day: str
    end_day: str
    quantity: int


class StatementDocument(Struct, frozen=True):
    """What is frozen when a statement is issued. ``total`` is tax-free."""

    organisation_id: str
    organisation: str
    month: str
    utc_offset_h: int
    currency: str
    decimals: int
    lines: list[Line]
    raw: list[Raw]
    subscriptions: list[Subscription]
    total: str


class Statement(Struct, frozen=True):
    """A statement: a draft (no number) or issued, then frozen with a number and the SHA-256 of its document."""

    document: StatementDocument
    id: str | None = None
    number: str | None = None
    issued_ms: int | None = None
    issued_by: str | None = None
    digest: str | None = None


class StatementInfo(Struct, frozen=True):
    """An issued statement in a list."""

    id: str
    number: str
    organisation_id: str
    organisation: str
    month: str
    currency: str
    total: str
    issued_ms: int
    digest: str


class Verification(Struct, frozen=True):
    """What recounting a statement found; ``equal``: digest, lines and raw counts are what was issued.

    ``differences`` names each count that is another one now.
    """

    equal: bool
    digest_equal: bool
    lines_equal: bool
    counts_equal: bool
    differences: list[dict[str, Any]]
