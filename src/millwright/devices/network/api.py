"""Routes of the network of sites."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.network.model import (
    KnownNeighbours,
    NewScan,
    ScanOrder,
    SiteDetail,
    SiteNetwork,
    Watching,
)
from millwright.devices.network.rights import NETWORK_READ, NETWORK_SCAN, NETWORK_WRITE
from millwright.devices.network.service import Networks
from millwright.parties import permit, session_of

CSV = "text/csv"
Id = Annotated[str, Parameter(description="The site: an edge, or `node-` and the name of this node.", max_length=80)]


class NetworksController(Controller):
    """The network of this node and of its edges."""

    path = "/networks"
    tags = ("Networks",)

    @get("/", summary="Sites", operation_id="listNetworks", guards=[permit(NETWORK_READ)])
    async def list_networks(self, networks: NamedDependency[Networks]) -> list[SiteNetwork]:
        """This node and every edge, with how the network of each is."""
        return await networks.list()

    @get("/{site_id:str}", summary="A site", operation_id="getNetwork", guards=[permit(NETWORK_READ)])
    async def network(self, site_id: Id, networks: NamedDependency[Networks]) -> SiteDetail:
        """All that a site reported last: interfaces, routes, neighbours, links, protocols, switches, findings."""
        return await networks.get(site_id)

    @put(
        "/{site_id:str}/watching",
        summary="Watch a site",
        operation_id="watchNetwork",
        guards=[permit(NETWORK_WRITE)],
    )
    async def watch(self, site_id: Id, data: JSONBody[Watching], networks: NamedDependency[Networks]) -> SiteDetail:
        """Watch the site and keep its figures as readings of a device, which is registered the first time; or end it.

        This node looks at its network only while it is watched; an edge looks at its own anyway.
        """
        return await networks.watch(site_id, data.watched)

    @post(
        "/{site_id:str}/neighbours/known",
        summary="Know neighbours",
        operation_id="knowNeighbours",
        status_code=200,
        guards=[permit(NETWORK_WRITE)],
    )
    async def know(
        self, site_id: Id, data: JSONBody[KnownNeighbours], networks: NamedDependency[Networks]
    ) -> SiteDetail:
        """Say which neighbours belong there; each other one that comes after the first hour is a finding."""
        return await networks.know(site_id, data)

    @post(
        "/{site_id:str}/scans",
        summary="Scan a subnet",
        operation_id="scanNetwork",
        guards=[permit(NETWORK_SCAN)],
    )
    async def scan(
        self,
        request: Request[Any, Any, Any],
        site_id: Id,
        data: JSONBody[NewScan],
        networks: NamedDependency[Networks],
    ) -> ScanOrder:
        """Ask every address of a private subnet by echo, slowly, from the site; the site's report has the outcome."""
        return await networks.scan(site_id, data, session_of(request).person.name)

    @get(
        "/{site_id:str}/export",
        summary="A site as CSV",
        operation_id="exportNetwork",
        media_type=CSV,
        guards=[permit(NETWORK_READ)],
    )
    async def export(self, site_id: Id, networks: NamedDependency[Networks]) -> Response[str]:
        """What the site reported last, a row for each interface, link, neighbour, protocol, switch and finding."""
        headers = {"Content-Disposition": 'attachment; filename="network.csv"'}
        return Response(await networks.export_csv(site_id), media_type=CSV, headers=headers)


ROUTES = [NetworksController]
"""What the web host mounts."""
