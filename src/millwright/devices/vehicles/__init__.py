"""Vehicles: terminals (车载终端) and platforms that speak GB/T 32960.3, taken in; and forwarded to a public platform.

Vocabulary: a *terminal* is the box in one vehicle, known by its VIN and the ICCID of its SIM card; a *platform* speaks
for many vehicles after it logged in with a name and a password; a *message* is one frame, from its start mark (``##``
of the edition of 2016, ``$$`` of 2025) to its check byte; a *report* is a message with values, *real-time* or
*re-issued* (补发) after a cut; an *item* is one of the groups of values in a report.

Invariants: a message is answered with *success* when it is in ``INTAKE``; it is kept there as it came and read by the
historian role, so what cannot be read becomes a dead letter and can be taken again. A value that its sender marked
abnormal or invalid is a *bad* reading without a value. Times in messages are GMT+8, everywhere else UTC.

A terminal is a device whose credential is the pair (VIN, ICCID); a platform is a gateway whose credential is its name
and password, and its vehicles are devices below it. Both wait among the arrivals until they are adopted.

Source: GB/T 32960.3-2016 and -2025; what could not be checked against their text is in ``layouts.UNVERIFIED``.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.vehicles.runs import VehicleRuns
    from millwright.devices.vehicles.server import VehicleServer
    from millwright.devices.vehicles.settings import VehiclesSettings

__getattr__ = exports(__name__)

__all__ = ["VehicleRuns", "VehicleServer", "VehiclesSettings"]
