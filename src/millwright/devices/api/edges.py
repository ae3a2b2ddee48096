"""Routes of edges; joining needs no session: the one-time code opens it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.edge import Edge, EdgeChange, EdgeEnrolled, EdgeEnrolment, Edges, Joined, JoinRequest, NewEdge
from millwright.devices.rights import EDGES_READ, EDGES_WRITE
from millwright.parties import permit

Id = Annotated[str, Parameter(description="The edge.", max_length=64)]
_PUBLIC: list[dict[str, list[str]]] = [{}]


class EdgesController(Controller):
    """Nodes below this one."""

    path = "/edges"
    tags = ["Edges"]  # noqa: RUF012

    @get("/", summary="Edges", operation_id="listEdges", guards=[permit(EDGES_READ)])
    async def list_edges(self, edges: NamedDependency[Edges]) -> list[Edge]:
        """Every edge by name, with what it said last and what it lacks."""
        return await edges.list()

    @post("/", summary="Enrol an edge", operation_id="addEdge", guards=[permit(EDGES_WRITE)])
    async def add(
        self, request: Request[Any, Any, Any], data: JSONBody[NewEdge], edges: NamedDependency[Edges]
    ) -> EdgeEnrolled:
        """A new edge with a one-time code, shown this once, and the command to type at the edge's machine."""
        return await edges.create(data, _origin(request))

    @get("/{edge_id:str}", summary="An edge", operation_id="getEdge", guards=[permit(EDGES_READ)])
    async def edge(self, edge_id: Id, edges: NamedDependency[Edges]) -> Edge:
        """One edge."""
        return await edges.get(edge_id)

    @patch("/{edge_id:str}", summary="Change an edge", operation_id="updateEdge", guards=[permit(EDGES_WRITE)])
    async def update(self, edge_id: Id, data: JSONBody[EdgeChange], edges: NamedDependency[Edges]) -> Edge:
        """Rename it, or say where it stands."""
        return await edges.change(edge_id, data)

    @delete("/{edge_id:str}", summary="Remove an edge", operation_id="deleteEdge", guards=[permit(EDGES_WRITE)])
    async def remove(self, edge_id: Id, edges: NamedDependency[Edges]) -> None:
        """Remove an edge that has no devices; what it forwarded stays."""
        await edges.delete(edge_id)

    @post(
        "/{edge_id:str}/code",
        summary="Make a new code",
        operation_id="addEdgeCode",
        guards=[permit(EDGES_WRITE)],
    )
    async def renew(self, request: Request[Any, Any, Any], edge_id: Id, edges: NamedDependency[Edges]) -> EdgeEnrolment:
        """For a code that was lost, or a machine that is replaced: who uses it takes the edge over."""
        return await edges.renew(edge_id, _origin(request))

    @post(
        "/{edge_id:str}/revocation",
        summary="Revoke an edge",
        operation_id="revokeEdge",
        guards=[permit(EDGES_WRITE)],
    )
    async def revoke(self, edge_id: Id, edges: NamedDependency[Edges]) -> Edge:
        """Its link ends within seconds, and its code and key are worthless."""
        return await edges.revoke(edge_id)


class EdgeJoiningController(Controller):
    """The door for the edge's machine."""

    path = "/edge-joining"
    tags = ["Edges"]  # noqa: RUF012
    security = _PUBLIC

    @post("/", summary="Join as an edge", operation_id="joinEdge")
    async def join(
        self, request: Request[Any, Any, Any], data: JSONBody[JoinRequest], edges: NamedDependency[Edges]
    ) -> Joined:
        """For `millwright edge join`: a one-time code and a public key, for where and how to connect."""
        return await edges.join(data, request.url.hostname or "")


def _origin(request: Request[Any, Any, Any]) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
