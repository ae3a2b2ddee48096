"""Places: where things stand, a tree by the equipment levels of ISA-95 (IEC 62264-1, 5.3)."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.places.model import LEVELS, Level, NewPlace, Place, PlaceChange
    from millwright.devices.places.service import PlaceService
    from millwright.devices.places.store import PlaceStore

__getattr__ = exports(__name__)

__all__ = ["LEVELS", "Level", "NewPlace", "Place", "PlaceChange", "PlaceService", "PlaceStore"]
