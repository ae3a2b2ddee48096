"""Rules and alarms of devices at an edge: the edge judges, also while it is cut off, and tells what begins and ends.

The parent sends the rules that watch devices at the edge as a section of its desired state. As long as the edge says
that all of them are in force there, the parent does not judge these devices itself, so no alarm is raised twice. The
edge numbers every beginning and end, in the transaction that writes it, and tells them in order; the parent writes them
with the number up to which it has heard, in one transaction. What people do with an alarm they do at the parent.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.operations.at_edges.hearing import EdgeAlarms
    from millwright.operations.at_edges.rules import EdgeRules, RuleApplier
    from millwright.operations.at_edges.telling import AlarmsTeller, Outbox

__getattr__ = exports(__name__)

__all__ = ["AlarmsTeller", "EdgeAlarms", "EdgeRules", "Outbox", "RuleApplier"]
