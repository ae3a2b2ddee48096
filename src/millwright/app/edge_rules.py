"""How rules and alarms of devices at edges are joined, at the parent and at the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from millwright.app.node import Node
from millwright.devices.edge.down.model import MOST_REFUSALS, SectionRefusal, SectionReport
from millwright.operations.at_edges import RuleApplier

if TYPE_CHECKING:
    from millwright.devices.edge import EdgeStore
    from millwright.devices.edge.receiver import Answer
    from millwright.operations import RegistryDirectory
    from millwright.operations.at_edges import EdgeJudges, EdgeRules

RULES: Final = "rules"
"""The name of the section."""


def rules_of(node: Node) -> EdgeRules:
    """What chooses the rules that go down, at the parent."""
    from millwright.operations.at_edges import EdgeRules  # the edge, a small machine, does not pay for this

    return EdgeRules(node.records, _directory(node))


def judges_of(node: Node) -> EdgeJudges:
    """What edges judge, at the parent."""
    from millwright.devices.edge.in_force import HandedStates
    from millwright.operations.at_edges import EdgeJudges

    return EdgeJudges(HandedStates(node.records, node.clock).read, RULES)


def answers_of(node: Node, store: EdgeStore) -> dict[str, Answer]:
    """What edges may tell the parent besides frames and how they are."""
    from millwright.devices.edge import EdgeRecords
    from millwright.devices.edge.down.command_way import HeardCommands
    from millwright.devices.edge.down.reports import EdgeReports
    from millwright.operations.at_edges import EdgeAlarms

    alarms = EdgeAlarms(node.records, _directory(node), store.members, node.bus, node.clock)
    reports = EdgeReports(EdgeRecords(node.records), HeardCommands(node.records), node.bus, node.clock)
    return {**reports.answers, EdgeAlarms.name: alarms.take}


def rules_section(node: Node) -> Callable[[Any], SectionReport]:
    """What brings the rules about, at the edge."""
    applier = RuleApplier(node.records)

    def apply(documents: Any) -> SectionReport:
        in_force, refused = applier.apply(list(documents))
        told = [
            SectionRefusal(id=each.id, what=each.name, code=each.code, message=each.message, hint=each.hint)
            for each in refused[:MOST_REFUSALS]
        ]
        return SectionReport(name=RULES, desired=in_force + len(refused), in_force=in_force, refused=told)

    return apply


def _directory(node: Node) -> RegistryDirectory:
    from millwright.devices import Changes, DeviceStore, ModelStore
    from millwright.operations import RegistryDirectory

    return RegistryDirectory(DeviceStore(node.records), ModelStore(node.records), Changes(node.records, node.bus))
