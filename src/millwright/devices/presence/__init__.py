"""Presence: which devices are connected now, since when, and how that changed.

The truth it keeps: a device is told offline within 6 s after its listener died, and otherwise within 1.5 × its MQTT
keep-alive. A Sparkplug device is online while its edge node is and its last birth was not followed by a death.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.presence.model import PresenceEvent, PresenceRow
    from millwright.devices.presence.store import PresenceStore
    from millwright.devices.presence.tracker import PresenceTracker
    from millwright.devices.presence.worker import PresenceWorker

__getattr__ = exports(__name__)

__all__ = ["PresenceEvent", "PresenceRow", "PresenceStore", "PresenceTracker", "PresenceWorker"]
