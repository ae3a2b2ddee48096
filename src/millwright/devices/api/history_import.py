"""Routes of imports of readings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from millwright.devices.history_import import ReadingImports
from millwright.devices.history_import.model import (
    NewReadingImport,
    PreviewRequest,
    ReadingImportInfo,
    ReadingImportPage,
    ReadingImportSettings,
    ReadingPreview,
    RefusedReadings,
)
from millwright.devices.rights import READINGS_IMPORT
from millwright.parties import Session, TakesBytes, permit

Us = NamedDependency[ReadingImports]
Who = NamedDependency[Session]
Id = Annotated[str, PathParameter(description="The import's id.", max_length=64)]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)]
_IMPORT = [permit(READINGS_IMPORT)]


class ReadingImportsController(Controller):
    """Imports: make one, send its file in parts, look at it, start it, follow it."""

    path = "/readings/imports"
    tags = ("History",)

    @get("/", summary="Imports of readings", operation_id="listReadingImports", guards=_IMPORT)
    async def page(
        self,
        reading_imports: Us,
        cursor: Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Imports on a page.")] = 50,
    ) -> ReadingImportPage:
        """Newest first. They are kept for 30 days with their file and report."""
        return await reading_imports.list(cursor=cursor, limit=limit)

    @post("/", summary="Begin an import of readings", operation_id="addReadingImport", guards=_IMPORT)
    async def add(self, data: JSONBody[NewReadingImport], reading_imports: Us, session: Who) -> ReadingImportInfo:
        """Then send the file, look at its preview, and start the import."""
        return await reading_imports.create(session, data)

    @get("/{reading_import_id:str}", summary="An import of readings", operation_id="getReadingImport", guards=_IMPORT)
    async def one(self, reading_import_id: Id, reading_imports: Us) -> ReadingImportInfo:
        """How far it is."""
        return await reading_imports.get(reading_import_id)

    @delete(
        "/{reading_import_id:str}",
        summary="Forget an import of readings",
        operation_id="deleteReadingImport",
        guards=_IMPORT,
    )
    async def remove(self, reading_import_id: Id, reading_imports: Us) -> None:
        """Its file and report go; readings stay. Not while it is under way."""
        await reading_imports.remove(reading_import_id)

    @put(
        "/{reading_import_id:str}/file",
        summary="Send the file of readings",
        operation_id="sendReadingImportFile",
        status_code=200,
        guards=_IMPORT,
        operation_class=TakesBytes,
    )
    async def send(
        self,
        reading_import_id: Id,
        request: Request[Any, Any, Any],
        reading_imports: Us,
        offset: Annotated[int, QueryParameter(ge=0, description="How many bytes were sent before.")] = 0,
    ) -> ReadingImportInfo:
        """As `application/octet-stream`: the whole file, or part after part of at most 16 MB with its `offset`."""
        await reading_imports.get(reading_import_id)
        return await reading_imports.append(reading_import_id, offset, await request.body())

    @post(
        "/{reading_import_id:str}/preview",
        summary="Look at a file of readings",
        operation_id="previewReadingImport",
        status_code=200,
        guards=_IMPORT,
    )
    async def preview(
        self, reading_import_id: Id, data: JSONBody[PreviewRequest], reading_imports: Us
    ) -> ReadingPreview:
        """Its columns, and its first readings by the settings; without them, by what its columns' names say."""
        return await reading_imports.preview(reading_import_id, data.settings)

    @post(
        "/{reading_import_id:str}/start",
        summary="Start an import of readings",
        operation_id="startReadingImport",
        status_code=200,
        guards=_IMPORT,
    )
    async def start(
        self, reading_import_id: Id, data: JSONBody[ReadingImportSettings], reading_imports: Us
    ) -> ReadingImportInfo:
        """Begins as soon as those before are done. After a dry run the same file can be started for good."""
        return await reading_imports.begin(reading_import_id, data)

    @post(
        "/{reading_import_id:str}/pause",
        summary="Pause an import of readings",
        operation_id="pauseReadingImport",
        status_code=200,
        guards=_IMPORT,
    )
    async def pause(self, reading_import_id: Id, reading_imports: Us) -> ReadingImportInfo:
        """Behind the part at hand."""
        return await reading_imports.pause(reading_import_id)

    @post(
        "/{reading_import_id:str}/resume",
        summary="Go on with an import of readings",
        operation_id="resumeReadingImport",
        status_code=200,
        guards=_IMPORT,
    )
    async def resume(self, reading_import_id: Id, reading_imports: Us) -> ReadingImportInfo:
        """From where it was paused."""
        return await reading_imports.resume(reading_import_id)

    @post(
        "/{reading_import_id:str}/cancel",
        summary="Cancel an import of readings",
        operation_id="cancelReadingImport",
        status_code=200,
        guards=_IMPORT,
    )
    async def cancel(self, reading_import_id: Id, reading_imports: Us) -> ReadingImportInfo:
        """Behind the part at hand; what is in history stays."""
        return await reading_imports.cancel(reading_import_id)

    @get(
        "/{reading_import_id:str}/refused",
        summary="Refused rows of readings",
        operation_id="listRefusedReadings",
        guards=_IMPORT,
    )
    async def refused(
        self,
        reading_import_id: Id,
        reading_imports: Us,
        cursor: Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Rows on a page.")] = 100,
    ) -> RefusedReadings:
        """Line, column, cell and reason, in the order of the file."""
        return await reading_imports.refused(reading_import_id, cursor, limit)

    @get(
        "/{reading_import_id:str}/refused/file",
        summary="Refused rows of readings as a file",
        operation_id="downloadRefusedReadings",
        media_type="text/csv; charset=utf-8",
        guards=_IMPORT,
    )
    async def refused_file(self, reading_import_id: Id, reading_imports: Us) -> Stream:
        """The whole report as CSV."""
        parts = await reading_imports.refused_csv(reading_import_id)
        headers = {"Content-Disposition": f'attachment; filename="refused-{reading_import_id}.csv"'}
        return Stream(_in_thread(parts), media_type="text/csv; charset=utf-8", headers=headers)


async def _in_thread(parts: Iterator[str]) -> AsyncIterator[bytes]:
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part.encode()
