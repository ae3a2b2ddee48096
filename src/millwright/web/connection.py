"""Where devices connect, for everybody who tells a device so."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from millwright.parties import signed_in
from millwright.web.services import Connection, Services


@get(
    "/connection",
    summary="Where devices connect",
    operation_id="getConnection",
    tags=["Devices"],
    guards=[signed_in],
)
async def connection(services: NamedDependency[Services]) -> Connection:
    """The ports that the settings give the MQTT listener, plain and over TLS."""
    return services.connection


ROUTES = [connection]
"""What the web host mounts."""
