"""Routes of connectors below ``/api/v1``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import JSONBody, Parameter
from litestar.response import Stream
from msgspec import Meta, Struct

from millwright.devices.connectors.catalogue import Kinds
from millwright.devices.connectors.contract import NodePage
from millwright.devices.connectors.model import (
    BrowseRequest,
    ConnectionChange,
    ConnectionHealth,
    Draft,
    EdgeId,
    FieldConnection,
    FoundPeer,
    LiveValue,
    NewConnection,
    NewPoint,
    NewThing,
    PointChange,
    PointPage,
    PointReport,
    PointView,
    ReadRequest,
    ReadValue,
    Tested,
    Thing,
)
from millwright.devices.connectors.rights import CONNECTORS_READ, CONNECTORS_WRITE
from millwright.devices.connectors.service import Connectors
from millwright.devices.connectors.things import Scopes, Things
from millwright.devices.connectors.webhook.api import WebhooksController
from millwright.devices.rights import DEVICES_WRITE, MODELS_WRITE
from millwright.kernel import Denied, etag, revision_of
from millwright.parties import IfMatch, authority_of, chosen_organisation, permit

CSV = "text/csv"
_MOST_BYTES = 32 * 1024 * 1024
Id = Annotated[str, Parameter(description="The connection.", max_length=64)]
PointId = Annotated[str, Parameter(description="The point.", max_length=64)]


class PointsAdded(Struct, frozen=True):
    """How many points were added."""

    created: int


class PointsRemoved(Struct, frozen=True):
    """How many points were removed."""

    removed: int


class Discovery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to look for peers."""

    kind: Annotated[str, Meta(max_length=32, examples=["simulator"])]
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 5.0
    edge_id: Annotated[EdgeId | None, Meta(description="In whose network: an edge; null: this node's.")] = None
    at: Annotated[
        str,
        Meta(
            max_length=255,
            description="Of protocols that can `seek`: an address, or a network of at most 256 addresses that are "
            "asked one by one. Without it peers are called by broadcast, where the protocol can `discover`.",
            examples=["192.168.0.10", "192.168.0.0/28"],
        ),
    ] = ""


class PointSelection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which points: by id, or ``all``."""

    ids: Annotated[Sequence[str], Meta(max_length=10_000)] = ()
    all: bool = False


@dataclass
class TakesCsv(Operation):
    """The description of a route that reads a CSV file as its body."""

    def __post_init__(self) -> None:
        """Say what it takes."""
        content = {CSV: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))}
        self.request_body = RequestBody(content, required=True)


class ConnectorsController(Controller):
    """Field protocols: connections, and questions to what is at their other end."""

    path = "/connectors"
    tags = ("Connectors",)

    @get("/kinds", summary="Connectors installed", operation_id="listConnectorKinds", guards=[permit(CONNECTORS_READ)])
    async def kinds(self, connectors: NamedDependency[Connectors]) -> Kinds:
        """Every protocol with the fields of its settings; packages that cannot be loaded are named with the reason."""
        return await connectors.kinds()

    @post(
        "/test",
        summary="Test a connection",
        operation_id="testConnection",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
        reads=True,
    )
    async def test(self, data: JSONBody[Draft], connectors: NamedDependency[Connectors]) -> Tested:
        """Connect with these settings and ask the other side who it is. What keeps it from answering is the error."""
        return await connectors.test(data)

    @post(
        "/browse",
        summary="Browse a peer",
        operation_id="browsePeer",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
        reads=True,
    )
    async def browse(self, data: JSONBody[BrowseRequest], connectors: NamedDependency[Connectors]) -> NodePage:
        """What is below a node, in pages."""
        return await connectors.browse(data)

    @post(
        "/read",
        summary="Read values now",
        operation_id="readPeer",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
        reads=True,
    )
    async def read(self, data: JSONBody[ReadRequest], connectors: NamedDependency[Connectors]) -> list[ReadValue]:
        """The values of addresses, in their order; one that cannot be read is bad and says why."""
        return await connectors.read(data)

    @post(
        "/discover",
        summary="Look for peers",
        operation_id="discoverPeers",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
        reads=True,
    )
    async def discover(self, data: JSONBody[Discovery], connectors: NamedDependency[Connectors]) -> list[FoundPeer]:
        """Peers on the local network or at some addresses, with the settings that would connect to them."""
        return await connectors.discover(data.kind, data.timeout_s, data.edge_id, data.at)

    @get("/health", summary="Health", operation_id="listConnectionHealth", guards=[permit(CONNECTORS_READ)])
    async def health(self, connectors: NamedDependency[Connectors]) -> list[ConnectionHealth]:
        """How each connection does: state, last error in words, throughput, points good and bad, lag."""
        return await connectors.health()

    @get("/", summary="Connections", operation_id="listFieldConnections", guards=[permit(CONNECTORS_READ)])
    async def list_connections(self, connectors: NamedDependency[Connectors]) -> list[FieldConnection]:
        """Every connection, by name."""
        return await connectors.list()

    @post("/", summary="Add a connection", operation_id="addConnection", guards=[permit(CONNECTORS_WRITE)])
    async def add(
        self, data: JSONBody[NewConnection], connectors: NamedDependency[Connectors]
    ) -> Response[FieldConnection]:
        """Make a connection; it is opened within seconds if it is enabled. Nobody is asked: test it before."""
        return _tagged(await connectors.create(data), 201)

    @get(
        "/{connection_id:str}",
        summary="A connection",
        operation_id="getFieldConnection",
        guards=[permit(CONNECTORS_READ)],
    )
    async def connection(self, connection_id: Id, connectors: NamedDependency[Connectors]) -> Response[FieldConnection]:
        """One connection; the header `ETag` carries its revision. Secrets are named and not shown."""
        return _tagged(await connectors.get(connection_id))

    @patch(
        "/{connection_id:str}",
        summary="Change a connection",
        operation_id="updateConnection",
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def update(
        self,
        connection_id: Id,
        data: JSONBody[ConnectionChange],
        connectors: NamedDependency[Connectors],
        if_match: IfMatch = None,
    ) -> Response[FieldConnection]:
        """Change what is named; takes effect within seconds and disturbs no other connection."""
        return _tagged(await connectors.change(connection_id, data, expected=revision_of(if_match)))

    @delete(
        "/{connection_id:str}",
        summary="Remove a connection",
        operation_id="deleteConnection",
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def remove(
        self, connection_id: Id, connectors: NamedDependency[Connectors], if_match: IfMatch = None
    ) -> None:
        """Remove a connection and its points; devices and their history stay."""
        await connectors.delete(connection_id, expected=revision_of(if_match))

    @post(
        "/{connection_id:str}/program",
        summary="Acknowledge another program",
        operation_id="acknowledgeProgram",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def acknowledge(
        self, connection_id: Id, connectors: NamedDependency[Connectors]
    ) -> Response[FieldConnection]:
        """Say that somebody has looked at the program that runs on the other side now."""
        return _tagged(await connectors.acknowledge(connection_id))

    @post(
        "/{connection_id:str}/things",
        summary="Map tags to a device",
        operation_id="mapTags",
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def map_tags(
        self,
        connection_id: Id,
        data: JSONBody[NewThing],
        things: NamedDependency[Things],
        request: Request[Any, Any, Any],
    ) -> Thing:
        """Make a device, and a model if asked for, from ticked tags, with a point for each; or add to a device.

        A new device or model takes the permission to make one, too.
        """
        authority, chosen = authority_of(request), chosen_organisation(request)
        scopes = Scopes(authority.scope(DEVICES_WRITE.name, chosen), authority.scope(MODELS_WRITE.name, chosen))
        for wanted, scope, permission in (
            (data.device_name, scopes.devices, DEVICES_WRITE),
            (data.model_name, scopes.models, MODELS_WRITE),
        ):
            if wanted and not scope:
                raise Denied(
                    f"This takes the permission {permission.name}.",
                    code="parties.permission_required",
                    hint="Map the tags to a device that is there, or ask somebody who may make one.",
                )
        return await things.make(connection_id, data, scopes)


class PointsController(Controller):
    """The points of a connection."""

    path = "/connectors/{connection_id:str}/points"
    tags = ("Connectors",)

    @get("/", summary="Points", operation_id="listPoints", guards=[permit(CONNECTORS_READ)])
    async def points(
        self,
        connection_id: Id,
        connectors: NamedDependency[Connectors],
        cursor: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=64)] = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 200,
    ) -> PointPage:
        """Points in the order in which they were made, in pages."""
        return await connectors.points(connection_id, cursor, limit)

    @post("/", summary="Add points", operation_id="addPoints", guards=[permit(CONNECTORS_WRITE)])
    async def add(
        self,
        connection_id: Id,
        data: JSONBody[Annotated[list[NewPoint], Meta(max_length=10_000)]],
        connectors: NamedDependency[Connectors],
    ) -> PointsAdded:
        """Add points, all or none."""
        return PointsAdded(await connectors.add_points(connection_id, data))

    @get("/live", summary="Live values", operation_id="listLiveValues", guards=[permit(CONNECTORS_READ)])
    async def live(self, connection_id: Id, connectors: NamedDependency[Connectors]) -> list[LiveValue]:
        """The newest value of each point as the connection delivered it; empty while it does not run."""
        return await connectors.live(connection_id)

    @post(
        "/import",
        summary="Import points",
        operation_id="importPoints",
        status_code=200,
        request_max_body_size=_MOST_BYTES,
        operation_class=TakesCsv,
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def import_points(
        self,
        connection_id: Id,
        request: Request[Any, Any, Any],
        connectors: NamedDependency[Connectors],
        dry_run: Annotated[bool, Parameter(description="Only report what would be refused.")] = False,
    ) -> PointReport:
        """Send `text/csv` (first line: address, device, property, interval_ms, deadband, scale, offset, writable).

        Rows that can be taken are; the report names the others with their reasons.
        """
        return await connectors.import_points(connection_id, await request.body(), dry_run=dry_run)

    @get(
        "/export",
        summary="Points as CSV",
        operation_id="exportPoints",
        media_type=CSV,
        guards=[permit(CONNECTORS_READ)],
    )
    async def export_points(self, connection_id: Id, connectors: NamedDependency[Connectors]) -> Stream:
        """The points as CSV that can be imported again. Starts with a byte order mark, for spreadsheets."""
        await connectors.get(connection_id)
        return Stream(
            _encoded(connectors, connection_id),
            media_type=CSV,
            headers={"Content-Disposition": 'attachment; filename="points.csv"'},
        )

    @post(
        "/remove",
        summary="Remove points",
        operation_id="removePoints",
        status_code=200,
        guards=[permit(CONNECTORS_WRITE)],
    )
    async def remove(
        self, connection_id: Id, data: JSONBody[PointSelection], connectors: NamedDependency[Connectors]
    ) -> PointsRemoved:
        """Remove points by their ids, or all."""
        return PointsRemoved(await connectors.remove_points(connection_id, None if data.all else data.ids))

    @patch("/{point_id:str}", summary="Change a point", operation_id="updatePoint", guards=[permit(CONNECTORS_WRITE)])
    async def update(
        self,
        connection_id: Id,
        point_id: PointId,
        data: JSONBody[PointChange],
        connectors: NamedDependency[Connectors],
    ) -> PointView:
        """Change what is named."""
        return await connectors.change_point(connection_id, point_id, data)

    @delete("/{point_id:str}", summary="Remove a point", operation_id="deletePoint", guards=[permit(CONNECTORS_WRITE)])
    async def delete_point(self, connection_id: Id, point_id: PointId, connectors: NamedDependency[Connectors]) -> None:
        """Remove one point; the history of its property stays."""
        await connectors.remove_points(connection_id, [point_id])


def _tagged(connection: FieldConnection, status_code: int = 200) -> Response[FieldConnection]:
    return Response(connection, headers=etag(connection.revision), status_code=status_code)


async def _encoded(connectors: Connectors, connection_id: str) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf"
    async for part in connectors.export_points(connection_id):
        yield part.encode()


ROUTES = [ConnectorsController, PointsController, WebhooksController]
"""What the web host mounts."""
