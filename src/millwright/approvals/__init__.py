"""Four-eyes approval: what an organisation's policy names is done only when a second person agrees.

Vocabulary: a *policy* names operations by the ledger's names (``devices.remove``); it holds on its organisation and
below, and adds to those above. A *request* for approval is kept until a *decider*, who is a person and not the
*requester*, approves or rejects; it is then *carried out* as the requester, with what that one may do at that time.

Invariants: a request is carried out at most once, whatever process dies; nobody decides their own; what a request holds
is sealed, and what is left of it once closed is what people may see; every step is in its case's history and in the
ledger.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.approvals.catalogue import Catalogue
    from millwright.approvals.demand import POLICY_ACTION, common
    from millwright.approvals.errors import body_too_large, emergency_refused, organisation_unclear
    from millwright.approvals.keeper import ApprovalsKeeper
    from millwright.approvals.model import Approval, Asked, Carrying, HeldRequest, Outcome, Requester
    from millwright.approvals.rights import APPROVALS_OVERRIDE
    from millwright.approvals.service import Approvals
    from millwright.approvals.settings import ApprovalsSettings

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "APPROVALS_OVERRIDE",
    "MIGRATIONS",
    "POLICY_ACTION",
    "Approval",
    "Approvals",
    "ApprovalsKeeper",
    "ApprovalsSettings",
    "Asked",
    "Carrying",
    "Catalogue",
    "HeldRequest",
    "Outcome",
    "Requester",
    "body_too_large",
    "common",
    "emergency_refused",
    "organisation_unclear",
]
