"""The ground floor: time, ids, errors, settings, life cycle, and the port of the message bus.

Nothing here does I/O beyond reading a settings file, and nothing here knows a domain.
"""

from millwright.kernel.bus import Bus, Handler, Responder, Unsubscribe
from millwright.kernel.clock import Clock, ManualClock, SystemClock, to_iso
from millwright.kernel.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    LimitExceeded,
    MillwrightError,
    NotFound,
    Outdated,
    Unavailable,
    Unsupported,
)
from millwright.kernel.ids import new_id, new_secret
from millwright.kernel.lifecycle import Lifecycle, Part, Repeat, end
from millwright.kernel.on_demand import OnDemand, Spawn
from millwright.kernel.queue_worker import QueueWorker
from millwright.kernel.revisions import etag, revision_of
from millwright.kernel.scope import ROOT, Scope, current_scope

__all__ = [
    "Bus",
    "Clock",
    "Conflict",
    "Corrupt",
    "Denied",
    "Handler",
    "Invalid",
    "Lifecycle",
    "LimitExceeded",
    "ManualClock",
    "MillwrightError",
    "NotFound",
    "OnDemand",
    "Outdated",
    "Part",
    "QueueWorker",
    "ROOT",
    "Repeat",
    "Responder",
    "Scope",
    "Spawn",
    "SystemClock",
    "Unavailable",
    "Unsubscribe",
    "Unsupported",
    "current_scope",
    "end",
    "etag",
    "new_id",
    "new_secret",
    "revision_of",
    "to_iso",
]
