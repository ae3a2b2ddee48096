"""Routes of releases for edges and of their roll-outs, below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from millwright.devices.edge.upgrade.model import NewRelease, NewRollout, Release, Rollout, Sent
from millwright.devices.edge.upgrade.service import Releases
from millwright.devices.rights import EDGES_UPGRADE
from millwright.parties import TakesBytes, permit

Us = NamedDependency[Releases]
Id = Annotated[str, PathParameter(description="Its id.", max_length=64)]
_UPGRADE = [permit(EDGES_UPGRADE)]


class EdgeReleasesController(Controller):
    """Versions for edges."""

    path = "/edge-releases"
    tags = ["Edges"]  # noqa: RUF012

    @get("/", summary="Releases for edges", operation_id="listEdgeReleases", guards=_UPGRADE)
    async def list_releases(self, releases: Us) -> list[Release]:
        """The newest first."""
        return await releases.list()

    @put(
        "/files/{file:str}",
        summary="Send a wheel",
        operation_id="sendEdgeReleaseFile",
        status_code=200,
        guards=_UPGRADE,
        operation_class=TakesBytes,
    )
    async def send(
        self,
        file: Annotated[str, PathParameter(description="The file's name.", max_length=200)],
        request: Request[Any, Any, Any],
        releases: Us,
        offset: Annotated[int, QueryParameter(ge=0, description="How many bytes were sent before.")] = 0,
    ) -> Sent:
        """As `application/octet-stream`: the whole file, or part after part of at most 16 MB with its `offset`."""
        return await releases.send(file, offset, await request.body())

    @post("/", summary="Make a release", operation_id="addEdgeRelease", guards=_UPGRADE)
    async def add(self, data: JSONBody[NewRelease], releases: Us) -> Release:
        """Of files that were sent: millwright's wheel, and those of packages that changed; the node signs them."""
        return await releases.create(data)

    @delete("/{release_id:str}", summary="Remove a release", operation_id="deleteEdgeRelease", guards=_UPGRADE)
    async def remove(self, release_id: Id, releases: Us) -> None:
        """It leaves the shelf with its roll-outs; edges that run it go on."""
        await releases.remove(release_id)


class EdgeRolloutsController(Controller):
    """Releases on their way to edges."""

    path = "/edge-rollouts"
    tags = ["Edges"]  # noqa: RUF012

    @get("/", summary="Roll-outs to edges", operation_id="listEdgeRollouts", guards=_UPGRADE)
    async def list_rollouts(self, releases: Us) -> list[Rollout]:
        """The newest first, with how far each edge is."""
        return await releases.rollouts()

    @post("/", summary="Roll a release out", operation_id="addEdgeRollout", guards=_UPGRADE)
    async def add(self, data: JSONBody[NewRollout], releases: Us) -> Rollout:
        """Group after group; an edge that fails goes back by itself and ends the roll-out for its organisation.

        One of the node's own organisation ends it for all.
        """
        return await releases.begin(data)

    @post(
        "/{rollout_id:str}/stop",
        summary="Stop a roll-out",
        operation_id="stopEdgeRollout",
        status_code=200,
        guards=_UPGRADE,
    )
    async def stop(self, rollout_id: Id, releases: Us) -> Rollout:
        """No further edge begins; what an edge tries now comes to its end there."""
        return await releases.stop(rollout_id)


ROUTES = [EdgeReleasesController, EdgeRolloutsController]
