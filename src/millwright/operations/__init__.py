"""Operations: rules watch readings, alarms tell people, and people answer.

Vocabulary: a *rule* is a condition on a property of one device or of every device of a model; a *watch* is a rule on
one device; an *alarm* is one cause (rule, device, property) from its first occurrence until it has returned and is
acknowledged; an *occurrence* is one time the condition began; *evidence* is the readings kept with an alarm.

Standards: ANSI/ISA-18.2-2016 and IEC 62682 for states, deadband and delays (without latching, shelving and
suppression).

Invariants: one alarm is open for a cause at a time; an alarm is durable before the reading that raised it is
acknowledged; what is evaluated again after a crash changes nothing; evaluation never waits for the database.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.operations.alarms import EVENTS, AlarmFilter, AlarmPage, Alarms, AlarmSummary, alarm_of
    from millwright.operations.directory import RegistryDirectory
    from millwright.operations.model import (
        Alarm,
        AlarmState,
        Condition,
        Directory,
        Limit,
        Priority,
        PropertyFact,
        RateOfChange,
        Rule,
        RuleDraft,
        Scope,
        Stale,
        Subject,
    )
    from millwright.operations.rehearsal import Rehearsal
    from millwright.operations.rules import RULES_CHANGED, RulePage, Rules
    from millwright.operations.settings import OperationsSettings
    from millwright.operations.store import RuleStore
    from millwright.operations.worker import AlarmWorker

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "EVENTS",
    "RULES_CHANGED",
    "Alarm",
    "AlarmFilter",
    "AlarmPage",
    "AlarmState",
    "AlarmSummary",
    "AlarmWorker",
    "Alarms",
    "Condition",
    "Directory",
    "Limit",
    "MIGRATIONS",
    "OperationsSettings",
    "Priority",
    "PropertyFact",
    "RateOfChange",
    "RegistryDirectory",
    "Rehearsal",
    "Rule",
    "RuleDraft",
    "RulePage",
    "RuleStore",
    "Rules",
    "Scope",
    "Stale",
    "Subject",
    "alarm_of",
]
