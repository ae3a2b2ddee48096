"""Queries of metering over the records, by what they are about."""

from millwright.metering.store.counts import Batch, CountStore
from millwright.metering.store.departed import DepartedStore
from millwright.metering.store.plans import PlanStore
from millwright.metering.store.statements import StatementStore

__all__ = ["Batch", "CountStore", "DepartedStore", "PlanStore", "StatementStore"]
