"""``GET /live``: Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from litestar.response import Stream as StreamResponse

from millwright.devices.rights import DEVICES_READ
from millwright.kernel import ROOT
from millwright.kernel.scope import within
from millwright.parties import Authority, Parties, Session, permit
from millwright.web.edge import secret_of
from millwright.web.live.hub import Hub
from millwright.web.live.stream import Sight
from millwright.web.services import Services

_MOST_DEVICES = 500

Devices = Annotated[
    list[Annotated[str, Parameter(max_length=64)]] | None,
    QueryParameter(
        name="device_id",
        required=False,
        max_items=_MOST_DEVICES,
        description="Devices whose readings are wanted; repeat it.",
        examples=[Example(value=["dev_01k9q3s7m4e8r2t6v0x1z3b5d7"])],
    ),
]


@get(
    "/live",
    summary="Live events",
    operation_id="watchLive",
    tags=["Live"],
    guards=[permit(DEVICES_READ)],
    media_type="text/event-stream",
)
async def live(
    request: Request[Any, Any, Any],
    session: NamedDependency[Session],
    parties: NamedDependency[Parties],
    hub: NamedDependency[Hub],
    services: NamedDependency[Services],
    device_id: Devices = None,
    organisation_id: Annotated[
        str | None, Parameter(description="Only of this organisation and those below.", max_length=64)
    ] = None,
) -> StreamResponse:
    """Server-Sent Events until the client leaves or its session ends.

    Events: `readings` of the devices asked for (`{"device_id", "readings": [[property, time_ms, value, quality]…]}`,
    thinned to one value per property and 200 ms), `alarm`, `command`, `location` and `presence` of the organisations
    that are seen; for those who see the whole node also `stats`, `arrivals`, `dead_letters`. Each carries one line of
    JSON. A client too slow to take everything gets the latest of each. A comment line comes every ten seconds when
    there is nothing else.
    """
    hub.check_room(session.person.id)
    secret = secret_of(request.scope)

    wanted = frozenset(device_id or ())

    async def look() -> Sight | None:
        # A session's secret is replaced when its person proves anew who they are; its stream goes on.
        by_cookie = session.method == "cookie"
        found = await (parties.find_by_id(session.id) if by_cookie else parties.find_session(secret))
        if found is None or found.restricted:
            return None
        return await _sight(await parties.authority(found), services, wanted, organisation_id)

    sight = await look() or Sight()
    return StreamResponse(
        hub.open(session.person.id, sight.readings, sight, look),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _sight(
    authority: Authority, services: Services, devices: frozenset[str], organisation_id: str | None
) -> Sight:
    with within(authority.scope("history:read", organisation_id)):
        known = await services.devices.registry.known(devices) if devices else {}
    return Sight(
        readings=frozenset(known),
        presence=authority.scope("devices:read", organisation_id).organisations,
        alarms=authority.scope("alarms:read", organisation_id).organisations,
        commands=authority.scope("commands:read", organisation_id).organisations,
        places=authority.scope("location:read", organisation_id).organisations,
        unknown=authority.may("arrivals:read", ROOT),
        node=authority.may("system:read", ROOT),
    )


ROUTES = [live]
"""What the web host mounts."""
