"""Drills: proof, by doing it, that the register survives the loss of its primary and can be restored from its copies.

Vocabulary: a *drill* runs *steps* and measures. *RTO* is the time from the loss to the first change that is
acknowledged again (of a restore: from the beginning to the first answer), *RPO* what was acknowledged before the loss
and is missing after it. *Aims* are what the operator wants of both. A *rehearsal* works on copies and leaves the node
as it is; a *live* drill is the real thing.

Invariants: a report is kept of every drill, also of one that failed or was interrupted; one runs at a time.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.drills.book import DrillBook
    from millwright.identity.drills.model import Aims, Drill, DrillKind, DrillPage, DrillStep, Measured, NewDrill
    from millwright.identity.drills.service import Drills

__getattr__ = exports(__name__)

__all__ = ["Aims", "Drill", "DrillBook", "DrillKind", "DrillPage", "DrillStep", "Drills", "Measured", "NewDrill"]
