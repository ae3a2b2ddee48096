"""Routes of exports of readings."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import File

from millwright.devices.history_export import ReadingExports
from millwright.devices.history_export.model import (
    NewReadingExport,
    ReadingExportInfo,
    ReadingExportPage,
    ReadingExportRun,
    ReadingExportRuns,
)
from millwright.devices.rights import READINGS_EXPORT
from millwright.parties import Session, authority_of, permit

Us = NamedDependency[ReadingExports]
Who = NamedDependency[Session]
Id = Annotated[str, PathParameter(description="The export's id.", max_length=64)]
RunId = Annotated[str, PathParameter(description="The run's id.", max_length=64)]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Items on a page.")]
_EXPORT = [permit(READINGS_EXPORT)]


class GivesFile(Operation):
    """Documents an answer that is a file."""

    def __post_init__(self) -> None:
        """Put the kinds of file into the document."""
        from millwright.devices.history_export.writing import MEDIA_TYPES

        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
            kinds = [kind.partition(";")[0] for kind in MEDIA_TYPES.values()]
            answer.content = {kind: OpenAPIMediaType(schema=schema) for kind in kinds}


class ReadingExportsController(Controller):
    """Exports: say what and when, follow the runs, have their files."""

    path = "/readings/exports"
    tags = ("History",)

    @get("/", summary="Exports of readings", operation_id="listReadingExports", guards=_EXPORT)
    async def page(self, reading_exports: Us, cursor: Cursor = None, limit: Limit = 50) -> ReadingExportPage:
        """Newest first, each with its newest run."""
        return await reading_exports.list(cursor=cursor, limit=limit)

    @post("/", summary="Make an export of readings", operation_id="addReadingExport", guards=_EXPORT)
    async def add(self, data: JSONBody[NewReadingExport], reading_exports: Us, session: Who) -> ReadingExportInfo:
        """It runs by its schedule, with the rights that whoever makes it has then; without one, by hand."""
        return await reading_exports.create(session, data)

    @get("/{reading_export_id:str}", summary="An export of readings", operation_id="getReadingExport", guards=_EXPORT)
    async def one(self, reading_export_id: Id, reading_exports: Us) -> ReadingExportInfo:
        """What it makes, when it runs next, and its newest run."""
        return await reading_exports.get(reading_export_id)

    @put(
        "/{reading_export_id:str}",
        summary="Save an export of readings",
        operation_id="changeReadingExport",
        guards=_EXPORT,
    )
    async def change(
        self, reading_export_id: Id, data: JSONBody[NewReadingExport], reading_exports: Us, session: Who
    ) -> ReadingExportInfo:
        """It belongs to who saves it from then on. A run under way ends as it began."""
        return await reading_exports.change(session, reading_export_id, data)

    @delete(
        "/{reading_export_id:str}",
        summary="Remove an export of readings",
        operation_id="deleteReadingExport",
        guards=_EXPORT,
    )
    async def remove(self, reading_export_id: Id, reading_exports: Us) -> None:
        """Its runs and files go with it. Not while it runs."""
        await reading_exports.remove(reading_export_id)

    @post(
        "/{reading_export_id:str}/run",
        summary="Run an export of readings",
        operation_id="runReadingExport",
        status_code=201,
        guards=_EXPORT,
    )
    async def run(self, reading_export_id: Id, reading_exports: Us) -> ReadingExportRun:
        """Now, as if it were due; with the rights of its owner."""
        return await reading_exports.run_now(reading_export_id)

    @get(
        "/{reading_export_id:str}/runs",
        summary="Runs of an export of readings",
        operation_id="listReadingExportRuns",
        guards=_EXPORT,
    )
    async def runs(
        self, reading_export_id: Id, reading_exports: Us, cursor: Cursor = None, limit: Limit = 50
    ) -> ReadingExportRuns:
        """Newest first."""
        return await reading_exports.runs(reading_export_id, cursor=cursor, limit=limit)

    @get(
        "/runs/{export_run_id:str}",
        summary="A run of an export of readings",
        operation_id="getReadingExportRun",
        guards=_EXPORT,
    )
    async def one_run(self, export_run_id: RunId, reading_exports: Us) -> ReadingExportRun:
        """How far it is."""
        return await reading_exports.get_run(export_run_id)

    @post(
        "/runs/{export_run_id:str}/cancel",
        summary="Cancel a run of an export of readings",
        operation_id="cancelReadingExportRun",
        status_code=200,
        guards=_EXPORT,
    )
    async def cancel(self, export_run_id: RunId, reading_exports: Us) -> ReadingExportRun:
        """There is no file then; what was new stays for the next run."""
        return await reading_exports.cancel(export_run_id)

    @get(
        "/runs/{export_run_id:str}/file",
        summary="The file of a run of an export of readings",
        operation_id="downloadReadingExport",
        guards=_EXPORT,
        operation_class=GivesFile,
    )
    async def file(self, export_run_id: RunId, request: Request[Any, Any, Any], reading_exports: Us) -> File:
        """For who may read all that is in it."""
        from millwright.devices.history_export.writing import MEDIA_TYPES

        path, name, kind = await reading_exports.file(export_run_id, authority_of(request))
        return File(path=path, filename=name, media_type=MEDIA_TYPES[kind])

    @get(
        "/runs/{export_run_id:str}/manifest",
        summary="What the file of a run holds",
        operation_id="getReadingExportManifest",
        guards=_EXPORT,
    )
    async def manifest(
        self, export_run_id: RunId, request: Request[Any, Any, Any], reading_exports: Us
    ) -> dict[str, Any]:
        """Window, rows, columns, size and SHA-256 of the file."""
        return await reading_exports.manifest(export_run_id, authority_of(request))
