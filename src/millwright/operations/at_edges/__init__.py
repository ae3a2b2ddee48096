"""Rules and alarms of devices at an edge: the edge judges, also while it is cut off, and tells what begins and ends.

The parent sends the rules that watch devices at the edge as a section of its desired state. It goes on judging by each
rule on each device until the edge says that the state which has both is in force there; taken back, it begins at once.
So for moments both judge, never nobody: of what both tell, the second is known by its time. Who begins to judge says of
each watch how it is at the first reading that leaves no doubt, so an alarm lives on from one to the other. The
edge numbers every beginning and end, in the transaction that writes it, and tells them in order; the parent writes them
with the number up to which it has heard, in one transaction. What people do with an alarm they do at the parent.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.operations.at_edges.hearing import EdgeAlarms
    from millwright.operations.at_edges.judging import EdgeJudges
    from millwright.operations.at_edges.put_back import take_in
    from millwright.operations.at_edges.rules import EdgeRules, RuleApplier
    from millwright.operations.at_edges.telling import AlarmsTeller, Outbox

__getattr__ = exports(__name__)

__all__ = ["AlarmsTeller", "EdgeAlarms", "EdgeJudges", "EdgeRules", "Outbox", "RuleApplier", "take_in"]
