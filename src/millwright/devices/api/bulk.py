"""Routes that take or give many devices at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromQuery, Parameter
from litestar.response import Stream

from millwright.devices.api.devices import Text
from millwright.devices.errors import invalid
from millwright.devices.registry import DeviceQuery, ImportReport, Kind, Status
from millwright.devices.rights import DEVICES_READ, DEVICES_WRITE
from millwright.devices.service import DevicesService
from millwright.parties import permit

CSV = "text/csv"
_MOST_BYTES = 64 * 1024 * 1024


@dataclass
class TakesRows(Operation):
    """The description of a route that reads its body by itself."""

    def __post_init__(self) -> None:
        """Say what it takes."""
        # Of any kind: a row that is no object is refused by itself, and the others are taken.
        rows = Schema(type=OpenAPIType.ARRAY, items=Schema())
        row: dict[str, Any] = {"name": "pump-7", "title": "Cooling pump 7", "tags": ["cooling"]}
        content = {
            "application/json": OpenAPIMediaType(schema=rows, examples={"row": Example(value=[row])}),
            CSV: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING)),
        }
        self.request_body = RequestBody(content, required=True)


class ImportController(Controller):
    """Devices in and out as files."""

    path = "/devices"
    tags = ["Devices"]  # noqa: RUF012

    @post(
        "/import",
        summary="Register many devices",
        operation_id="importDevices",
        status_code=200,
        request_max_body_size=_MOST_BYTES,
        operation_class=TakesRows,
        guards=[permit(DEVICES_WRITE)],
    )
    async def import_devices(
        self,
        request: Request[Any, Any, Any],
        devices: NamedDependency[DevicesService],
        issue: Annotated[bool, Parameter(description="Issue a token to each; the report shows it this once.")] = False,
        dry_run: Annotated[bool, Parameter(description="Only report what would be refused.")] = False,
    ) -> ImportReport:
        """Send `text/csv` (first line: name, title, model, place, tags, kind, …) or a JSON array of rows.

        Rows that can be registered are, all in one transaction; the report names the others with their reasons.
        """
        data = await request.body()
        if request.content_type[0] == CSV:
            return await devices.registry.import_csv(data, issue=issue, dry_run=dry_run)
        try:
            rows = msgspec.json.decode(data, type=list[Any])
        except msgspec.DecodeError as error:
            raise invalid(
                f"The body is no JSON array of rows: {error}",
                "",
                code="devices.import_unreadable",
                hint="Send rows as a JSON array, or CSV as text/csv.",
            ) from error
        return await devices.registry.import_json(rows, issue=issue, dry_run=dry_run)

    @get(
        "/export",
        summary="Devices as CSV",
        operation_id="exportDevices",
        media_type=CSV,
        guards=[permit(DEVICES_READ)],
    )
    async def export_devices(
        self,
        devices: NamedDependency[DevicesService],
        q: Text = None,
        place_id: Text = None,
        model_id: Text = None,
        status: FromQuery[Status | None] = None,
        tag: Text = None,
        kind: FromQuery[Kind | None] = None,
    ) -> Stream:
        """The devices that fit, as CSV that can be imported again. Starts with a byte order mark, for spreadsheets."""
        query = DeviceQuery(q=q, place_id=place_id, model_id=model_id, status=status, tag=tag, kind=kind)
        return Stream(
            _encoded(devices, query),
            media_type=CSV,
            headers={"Content-Disposition": 'attachment; filename="devices.csv"'},
        )


async def _encoded(devices: DevicesService, query: DeviceQuery) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf"
    async for part in devices.registry.export_csv(query):
        yield part.encode()
