"""What the routes of prefixes share: dependencies, parameters, bodies, answers."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta, Struct

from millwright.identity.prefixes.model import PrefixDetail, PrefixDocument
from millwright.identity.prefixes.service import Prefixes
from millwright.identity.prefixes.store import Side
from millwright.identity.records.model import Former
from millwright.kernel import etag, revision_of
from millwright.parties import Authority, IfMatch, Session

Us = NamedDependency[Prefixes]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Id = Annotated[str, PathParameter(description="The prefix's id.", max_length=64)]
Part = Annotated[str, PathParameter(description="The id of what belongs to the prefix.", max_length=64)]
FileName = Annotated[str, QueryParameter(min_length=1, max_length=200, description="What the file is called.")]


class Step(Struct, frozen=True):
    """Who takes a step on a prefix, and the revision it rests on."""

    prefixes: Prefixes
    authority: Authority
    session: Session
    revision: int | None

    async def decided(self, prefix_id: str, step: str, comment: str, former: Former = "") -> Response[PrefixDetail]:
        """A step of a review."""
        found = await self.prefixes.decide(
            self.authority, self.session, prefix_id, step, comment, self.revision, former
        )
        return tagged(found)

    async def administered(
        self, prefix_id: str, step: str, comment: str, until_ms: int | None = None
    ) -> Response[PrefixDetail]:
        """A step of a prefix that was approved."""
        found = await self.prefixes.administer(
            self.authority, self.session, prefix_id, step, comment, until_ms=until_ms, revision=self.revision
        )
        return tagged(found)

    async def seen(self, prefix_id: str, status: int = 200) -> Response[PrefixDetail]:
        """The prefix as who decides on it sees it now."""
        return tagged(await self.prefixes.seen(self.authority, prefix_id, "registrar"), status)


def step_of(prefixes: Us, authority: Me, session: Who, if_match: IfMatch = None) -> Step:
    """The dependency ``step`` of routes. Raises ``Invalid`` (``kernel.etag_invalid``)."""
    return Step(prefixes, authority, session, revision_of(if_match))


TakenStep = NamedDependency[Step]
STEP = {"step": Provide(step_of, sync_to_thread=False)}


class PrefixComment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody has to say."""

    text: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


async def added(
    request: Asking, prefixes: Prefixes, session: Session, prefix_id: str, name: str, side: Side
) -> PrefixDocument:
    """Keep the body of a request as a document."""
    return await prefixes.dossier.add_document(session, prefix_id, name, await request.body(), side)


def tagged(detail: PrefixDetail, status: int = 200) -> Response[PrefixDetail]:
    """An answer with its revision as ETag."""
    return Response(detail, status_code=status, headers=etag(detail.revision))
