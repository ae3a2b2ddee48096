"""HTTP routes of registering identifiers; mounted below ``/api/v1``.

An identifier has slashes, colons and percent signs, so it never stands in a path: ``?identifier=``, in any form that
its code system has, percent-encoded as any value of a query is.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from millwright.identity.registration.bulk import api as bulk_api
from millwright.identity.registration.model import (
    CheckedIdentifier,
    IdentifierChange,
    IdentifierRecord,
    IdentifierVersions,
    NewIdentifier,
    RestoreVersion,
    RevealedFields,
    RevealFields,
)
from millwright.identity.registration.reading import reader_of
from millwright.identity.registration.service import Registration
from millwright.identity.registration.values import Reader
from millwright.identity.rights import IDENTIFIERS_READ, IDENTIFIERS_REGISTER, IDENTIFIERS_REVEAL
from millwright.kernel import etag, revision_of
from millwright.parties import Authority, IfMatch, Session, authority_of, chosen_organisation, permit

Us = NamedDependency[Registration]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Text = Annotated[
    str,
    QueryParameter(
        name="identifier", min_length=1, max_length=2048,
        description="The identifier in any form of its code system, or the name it is registered under.",
    ),
]  # fmt: skip
Why = Annotated[str, QueryParameter(max_length=500, description="Why; it is kept with the version.")]
_READ, _REGISTER, _REVEAL = [permit(IDENTIFIERS_READ)], [permit(IDENTIFIERS_REGISTER)], [permit(IDENTIFIERS_REVEAL)]


class IdentifiersController(Controller):
    """Registered identifiers: one at a time."""

    path = "/identifiers"
    tags = ("Identifiers",)

    @post("/", summary="Register an identifier", operation_id="addIdentifier", guards=_REGISTER)
    async def add(
        self, data: JSONBody[NewIdentifier], request: Asking, registration: Us, authority: Me, session: Who
    ) -> Response[IdentifierRecord]:
        """By a template: the whole identifier, or a prefix with a suffix to be made. It resolves when this answers."""
        return _tagged(await registration.add(authority, session, data, _reader(request)), 201)

    @get("/check", summary="Look at an identifier", operation_id="checkIdentifier", guards=_READ)
    async def check(self, identifier: Text, request: Asking, registration: Us) -> CheckedIdentifier:
        """What it is by the rules of its code system, and whether one may register it. Keeps nothing."""
        return await registration.check(identifier, _reader(request))

    @get("/record", summary="An identifier", operation_id="getIdentifier", guards=_READ)
    async def one(self, identifier: Text, request: Asking, registration: Us) -> Response[IdentifierRecord]:
        """What one may see of its record: public fields, those granted, and one's own; the header `ETag` carries its
        version."""
        return _tagged(await registration.get(identifier, _reader(request)))

    @patch("/record", summary="Change an identifier", operation_id="updateIdentifier", guards=_REGISTER)
    async def change(
        self,
        identifier: Text,
        data: JSONBody[IdentifierChange],
        request: Asking,
        registration: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[IdentifierRecord]:
        """Fields that are not named stay as they are, sealed ones too; every change is a version that is kept."""
        reader, version = _reader(request), revision_of(if_match)
        return _tagged(await registration.change(authority, session, identifier, data, version, reader))

    @delete("/record", summary="Remove an identifier", operation_id="deleteIdentifier", guards=_REGISTER)
    async def remove(
        self, identifier: Text, registration: Us, session: Who, reason: Why = "", if_match: IfMatch = None
    ) -> None:
        """It resolves no more. Its versions are kept, and its name is not given again."""
        await registration.remove(session, identifier, reason, revision_of(if_match))

    @get("/record/versions", summary="An identifier's versions", operation_id="listIdentifierVersions", guards=_READ)
    async def versions(
        self,
        identifier: Text,
        request: Asking,
        registration: Us,
        before: Annotated[int | None, QueryParameter(ge=1, description="Only versions older than this one.")] = None,
    ) -> IdentifierVersions:
        """What changed, when, by whom and why, newest first; of one's own identifiers, removed ones too."""
        return await registration.versions(identifier, _reader(request), before)

    @post("/record/restore", summary="Restore a version", operation_id="restoreIdentifier", status_code=200,
          guards=_REGISTER)  # fmt: skip
    async def restore(
        self,
        identifier: Text,
        data: JSONBody[RestoreVersion],
        request: Asking,
        registration: Us,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[IdentifierRecord]:
        """Make a former version the newest one; also how a removed identifier comes back."""
        version = revision_of(if_match)
        return _tagged(await registration.restore(session, identifier, data, version, _reader(request)))

    @post("/record/reveal", summary="Show sealed fields", operation_id="revealIdentifier", status_code=200,
          guards=_REVEAL)  # fmt: skip
    async def reveal(
        self, identifier: Text, data: JSONBody[RevealFields], request: Asking, registration: Us
    ) -> RevealedFields:
        """Sealed fields in the clear. Who saw them, and why, is an entry of the ledger."""
        return await registration.reveal(identifier, data, _reader(request))


def _reader(request: Asking) -> Reader:
    return reader_of(authority_of(request), chosen_organisation(request))


def _tagged(found: IdentifierRecord, status: int = 200) -> Response[IdentifierRecord]:
    return Response(found, status_code=status, headers=etag(found.version))


ROUTES: list[type[Controller]] = [IdentifiersController, *bulk_api.ROUTES]
