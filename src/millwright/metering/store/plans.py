"""Plans, who pays by which of them, and limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import Conflict
from millwright.metering.errors import no_such_plan
from millwright.metering.model import Bought, Limits, Plan, PlanDocument, Subscription
from millwright.metering.tables import limits, plans, subscriptions


class PlanStore:
    """Every method is one transaction, confined to the scope of the records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- plans ---------------------------------------------------------------------------------------------------

    def list(self) -> list[Plan]:
        """The newest version of every plan."""
        newest = sa.select(plans.c.id, sa.func.max(plans.c.version).label("version")).group_by(plans.c.id).subquery()
        query = (
            sa.select(plans)
            .join(newest, sa.and_(plans.c.id == newest.c.id, plans.c.version == newest.c.version))
            .order_by(plans.c.created_ms, plans.c.id)
        )
        with self._records.read() as connection:
            return [_plan(row) for row in connection.execute(query)]

    def get(self, plan_id: str, version: int | None = None) -> Plan:
        """A version of a plan, the newest without ``version``. Raises ``NotFound`` (``metering.plan_unknown``)."""
        query = sa.select(plans).where(plans.c.id == plan_id).order_by(plans.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(plans.c.version == version)
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise no_such_plan(plan_id)
        return _plan(row)

    def add(self, plan: Plan) -> None:
        """Add a version. Raises ``Conflict`` (``metering.plan_changed``) when somebody else added it meanwhile."""
        row = {
            "id": plan.id,
            "version": plan.version,
            "organisation_id": plan.organisation_id,
            "document": msgspec.to_builtins(plan.document),
            "created_ms": plan.created_ms,
            "created_by": plan.created_by,
        }
        try:
            with self._records.begin() as connection:
                connection.execute(sa.insert(plans), [row])
        except sa.exc.IntegrityError as error:
            raise Conflict(
                "Somebody else changed the plan meanwhile.", code="metering.plan_changed", hint="Look at it again."
            ) from error

    # --- subscriptions -------------------------------------------------------------------------------------------

    def subscriptions(self, organisations: Collection[str] | None = None) -> dict[str, Sequence[Subscription]]:
        """Every subscription, by organisation, oldest first."""
        query = sa.select(subscriptions).order_by(subscriptions.c.from_day)
        if organisations is not None:
            query = query.where(subscriptions.c.organisation_id.in_(sorted(organisations)))
        found: dict[str, Any] = {}
        with self._records.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.organisation_id, []).append(_subscription(row))
        return found

    def subscribe(self, subscription: Subscription) -> None:
        """Put a subscription in the place of the one that begins on the same day."""
        row = msgspec.to_builtins(subscription)
        with self._records.begin() as connection:
            connection.execute(
                sa.delete(subscriptions).where(
                    subscriptions.c.organisation_id == subscription.organisation_id,
                    subscriptions.c.from_day == subscription.from_day,
                )
            )
            connection.execute(sa.insert(subscriptions), [row])

    # --- limits --------------------------------------------------------------------------------------------------

    def limits(self) -> dict[str, Limits]:
        """The limits of every organisation that has any."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(limits.c.organisation_id, limits.c.document)).all()
        return {row.organisation_id: msgspec.convert(row.document, Limits) for row in rows}

    def put_limits(self, organisation_id: str, wanted: Limits, now_ms: int) -> None:
        """Put ``wanted`` in the place of an organisation's limits."""
        row = {"organisation_id": organisation_id, "document": msgspec.to_builtins(wanted), "changed_ms": now_ms}
        with self._records.begin() as connection:
            connection.execute(sa.delete(limits).where(limits.c.organisation_id == organisation_id))
            connection.execute(sa.insert(limits), [row])


def _plan(row: sa.Row[Any]) -> Plan:
    document = msgspec.convert(row.document, PlanDocument)
    return Plan(row.id, row.version, row.organisation_id, document, row.created_ms, row.created_by)


def _subscription(row: sa.Row[Any]) -> Subscription:
    return Subscription(
        row.organisation_id,
        row.from_day,
        row.plan_id,
        row.version,
        None if row.document is None else msgspec.convert(row.document, PlanDocument),
        msgspec.convert(row.bought, list[Bought]),
    )
