"""Devices that speak HTTP: ThingsBoard's device API, and a route of our own that takes the token in a header.

- ``POST /api/v1/{token}/telemetry``, ``POST /api/v1/{token}/attributes``: one message, or an array of them.
- ``GET /api/v1/{token}/attributes?clientKeys=a,b&sharedKeys=c``: the newest values that are known.
- ``POST /api/v1/devices/{id}/telemetry`` with ``Authorization: Bearer <token>`` or ``X-Device-Token``.

What was answered 200 is in the stream ``INTAKE``, as with MQTT's PUBACK. Plain ASGI beside the node's own API: these
requests are of devices, not of people, and look at no session.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.device_http.app import DeviceHttp
    from millwright.devices.device_http.settings import DeviceHttpSettings
    from millwright.devices.device_http.taking import IntakeDesk

__getattr__ = exports(__name__)

__all__ = ["DeviceHttp", "DeviceHttpSettings", "IntakeDesk"]
