"""HTTP routes of imports of identifiers; mounted below ``/api/v1``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from millwright.identity.registration.bulk.model import (
    ImportColumn,
    ImportInfo,
    ImportPage,
    ImportSettings,
    ImportState,
    NewImport,
    RefusedPage,
)
from millwright.identity.registration.bulk.service import Imports
from millwright.identity.rights import IDENTIFIERS_REGISTER
from millwright.parties import Authority, Session, TakesBytes, permit

Us = NamedDependency[Imports]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Id = Annotated[str, PathParameter(description="The import's id.", max_length=64)]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)]
_REGISTER = [permit(IDENTIFIERS_REGISTER)]


class ImportsController(Controller):
    """Imports: make one, send its file in parts, look at its columns, start it, follow it."""

    path = "/identifiers/imports"
    tags = ("Identifiers",)

    @get("/", summary="Imports", operation_id="listIdentifierImports", guards=_REGISTER)
    async def page(
        self,
        imports: Us,
        wanted: Annotated[ImportState | None, QueryParameter(name="state", description="Only in this state.")] = None,
        cursor: Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Imports on a page.")] = 50,
    ) -> ImportPage:
        """Newest first. They are kept for 30 days with their file and report."""
        return await imports.list(cursor=cursor, state=wanted, limit=limit)

    @post("/", summary="Begin an import", operation_id="addIdentifierImport", guards=_REGISTER)
    async def add(self, data: JSONBody[NewImport], imports: Us, session: Who) -> ImportInfo:
        """Then send the file, and start the import."""
        return await imports.create(session, data)

    @get("/{import_id:str}", summary="An import", operation_id="getIdentifierImport", guards=_REGISTER)
    async def one(self, import_id: Id, imports: Us) -> ImportInfo:
        """How far it is."""
        return await imports.get(import_id)

    @delete("/{import_id:str}", summary="Forget an import", operation_id="deleteIdentifierImport", guards=_REGISTER)
    async def remove(self, import_id: Id, imports: Us) -> None:
        """Its file and report go; identifiers stay. Not while it is under way."""
        await imports.remove(import_id)

    @put("/{import_id:str}/file", summary="Send the file", operation_id="sendIdentifierImportFile", status_code=200,
         guards=_REGISTER, operation_class=TakesBytes)  # fmt: skip
    async def send(
        self,
        import_id: Id,
        request: Request[Any, Any, Any],
        imports: Us,
        offset: Annotated[int, QueryParameter(ge=0, description="How many bytes were sent before.")] = 0,
    ) -> ImportInfo:
        """As `application/octet-stream`: the whole file, or part after part of at most 16 MB with its `offset`. What
        was lost on the way is sent again from `file_bytes` on."""
        await imports.get(import_id)
        return await imports.append(import_id, offset, await request.body())

    @get("/{import_id:str}/columns", summary="The file's columns", operation_id="listIdentifierImportColumns",
         guards=_REGISTER)  # fmt: skip
    async def columns(
        self,
        import_id: Id,
        imports: Us,
        template_id: Annotated[str | None, QueryParameter(max_length=64, description="To take them for.")] = None,
    ) -> list[ImportColumn]:
        """With some cells of each, and the field that each would be taken for by its name."""
        return await imports.columns(import_id, template_id)

    @post("/{import_id:str}/start", summary="Start an import", operation_id="startIdentifierImport", status_code=200,
          guards=_REGISTER)  # fmt: skip
    async def start(self, import_id: Id, data: JSONBody[ImportSettings], imports: Us, authority: Me) -> ImportInfo:
        """Begins as soon as those before are done. After a dry run the same file can be started for good."""
        return await imports.begin(authority, import_id, data)

    @post("/{import_id:str}/cancel", summary="Cancel an import", operation_id="cancelIdentifierImport",
          status_code=200, guards=_REGISTER)  # fmt: skip
    async def cancel(self, import_id: Id, imports: Us) -> ImportInfo:
        """Behind the batch at hand; what is registered stays."""
        return await imports.cancel(import_id)

    @get("/{import_id:str}/refused", summary="Refused rows", operation_id="listRefusedIdentifierRows",
         guards=_REGISTER)  # fmt: skip
    async def refused(
        self,
        import_id: Id,
        imports: Us,
        cursor: Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Rows on a page.")] = 100,
    ) -> RefusedPage:
        """Line, column, field and reason, in the order of the file."""
        return await imports.refused(import_id, cursor, limit)

    @get("/{import_id:str}/refused/file", summary="Refused rows as a file",
         operation_id="downloadRefusedIdentifierRows", media_type="text/csv; charset=utf-8",
         guards=_REGISTER)  # fmt: skip
    async def refused_file(self, import_id: Id, imports: Us) -> Stream:
        """The whole report as CSV."""
        parts = await imports.refused_csv(import_id)
        headers = {"Content-Disposition": f'attachment; filename="refused-{import_id}.csv"'}
        return Stream(in_thread(parts), media_type="text/csv; charset=utf-8", headers=headers)


async def in_thread(parts: Iterator[Any]) -> AsyncIterator[bytes]:
    """What an iterator that blocks yields."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part.encode() if isinstance(part, str) else part


ROUTES: list[type[Controller]] = [ImportsController]
