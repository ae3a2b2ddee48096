"""``GET /live``: Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Parameter, QueryParameter
from litestar.response import Stream as StreamResponse

from millwright.parties import Parties, Session, require_session
from millwright.web.edge import secret_of
from millwright.web.live.hub import Hub

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
    guards=[require_session],
    media_type="text/event-stream",
)
async def live(
    request: Request[Any, Any, Any],
    session: NamedDependency[Session],
    parties: NamedDependency[Parties],
    hub: NamedDependency[Hub],
    device_id: Devices = None,
) -> StreamResponse:
    """Server-Sent Events until the client leaves or its session ends.

    Events: `readings` of the devices asked for (`{"device_id", "readings": [[property, time_ms, value, quality]…]}`,
    thinned to one value per property and 200 ms), `alarm`, `presence`, `stats`, `arrivals`, `dead_letters` of the whole
    node. Each carries one line of JSON. A client too slow to take everything gets the latest of each. A comment line
    comes every ten seconds when there is nothing else.
    """
    hub.check_room(session.person.id)
    secret = secret_of(request.scope)

    async def valid() -> bool:
        # A session's secret is replaced when its person proves anew who they are; its stream goes on.
        if session.method == "cookie":
            return await parties.find_by_id(session.id) is not None
        return await parties.find_session(secret) is not None

    return StreamResponse(
        hub.open(session.person.id, frozenset(device_id or ()), valid),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


ROUTES = [live]
"""What the web host mounts."""
