"""Metering: what each organisation uses, what that costs, and how much it may use.

Vocabulary: a *meter* is a thing that is counted, by organisation and hour; a *plan* says what use costs; a
*subscription* lets an organisation pay by a plan from a day on, for itself and for those below it without one (it is
their *payer*); a *statement* is what a payer owes for a month, frozen when it is issued. A *quota* bounds what may be
used in a day or month, a *rate* what may be used in a second; both hold for the sum of a subtree.

Invariants: a message or reading is counted once, whoever dies when; an issued statement never changes, and its lines
add up to its total and follow from its raw counts; limits never drop what was accepted; who pays does not decide on
plans, limits or statements of their own.

Standards: UCUM for units, ISO 4217 for currencies, RFC 4180 for CSV, draft-ietf-httpapi-ratelimit-headers.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.metering.keeper import DepartedKeeper
    from millwright.metering.limits import INTAKE_METERS, NO_CEILINGS, Buckets, Ceilings
    from millwright.metering.meters import (
        API_CALLS,
        APP_SECONDS,
        MESSAGES,
        POINTS,
        RESOLUTIONS,
        STORED_BYTES,
        Meter,
        meter,
    )
    from millwright.metering.periods import Calendar
    from millwright.metering.service import Metering
    from millwright.metering.settings import MeteringSettings
    from millwright.metering.store import Batch, CountStore, PlanStore
    from millwright.metering.tally import StreamTally, Tally
    from millwright.metering.watch import LimitWatch

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "API_CALLS",
    "APP_SECONDS",
    "INTAKE_METERS",
    "MESSAGES",
    "MIGRATIONS",
    "NO_CEILINGS",
    "POINTS",
    "RESOLUTIONS",
    "STORED_BYTES",
    "Batch",
    "Buckets",
    "Calendar",
    "Ceilings",
    "CountStore",
    "DepartedKeeper",
    "LimitWatch",
    "Meter",
    "Metering",
    "MeteringSettings",
    "PlanStore",
    "StreamTally",
    "Tally",
    "meter",
]
