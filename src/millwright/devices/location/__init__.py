"""Sensing and place: from what readers and positioning systems see to entry, dwell and exit, and back to machines.

Vocabulary: a *tag* is anything that is seen (an EPC, a beacon's address, a vehicle); a *reader* is a device that sees
tags, by *antennas* or as positions on a *plan*; a *sighting* is one tag seen once; a *zone* is what some antennas see,
or an area of a plan; a *stay* is a tag's time in a zone; a *reaction* is what a rule of *feedback* makes of an event.

Invariants: nobody leaves a zone because its reader is silent; an event is kept in the transaction that moves the
position in the intake, so none is lost and none doubled; a reaction becomes a command at most once.

Standards: GS1 LLRP 1.1 (its own connector), ISA-95 for places. Positions are metres, times UTC.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.location.decoder import SightingDecoder
    from millwright.devices.location.feedback import FeedbackStore
    from millwright.devices.location.keeper import Held, LocationKeeper
    from millwright.devices.location.keeping import TrackStore
    from millwright.devices.location.looking import LookStore
    from millwright.devices.location.reactor import Reactor
    from millwright.devices.location.service import Location
    from millwright.devices.location.settings import LocationSettings
    from millwright.devices.location.store import LocationStore
    from millwright.devices.location.worker import LocationWorker

__getattr__ = exports(__name__)

__all__ = [
    "FeedbackStore",
    "Held",
    "Location",
    "LocationKeeper",
    "LocationSettings",
    "LocationStore",
    "LocationWorker",
    "LookStore",
    "Reactor",
    "SightingDecoder",
    "TrackStore",
]
