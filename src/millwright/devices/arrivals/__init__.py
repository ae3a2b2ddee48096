"""Arrivals: devices that made contact and are not registered, waiting to be adopted or dismissed."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.arrivals.model import Adoption, Arrival, ChildContact, RefusedContact, SparkplugContact
    from millwright.devices.arrivals.service import ArrivalService
    from millwright.devices.arrivals.store import ArrivalStore
    from millwright.devices.arrivals.worker import SUBJECT, ArrivalWorker

__getattr__ = exports(__name__)

__all__ = [
    "SUBJECT",
    "Adoption",
    "Arrival",
    "ArrivalService",
    "ArrivalStore",
    "ArrivalWorker",
    "ChildContact",
    "RefusedContact",
    "SparkplugContact",
]
