"""Routes of the history: newest values, readings, buckets, retention.

Times are UTC milliseconds. A number is an IEEE 754 binary64, so an integer beyond ±2^53 is rounded to the nearest one
that can be kept; NaN and the infinities, which JSON cannot carry, are shown as null.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import msgspec
import pyarrow as pa
from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from millwright.historian.columns import values
from millwright.historian.export import ARROW, CSV, arrow_of_buckets, csv_of_buckets, iter_arrow, iter_csv
from millwright.historian.model import Value
from millwright.historian.query import (
    AGGREGATES,
    MOST_READINGS,
    Aggregate,
    BucketSeries,
    Range,
)
from millwright.historian.reading import History
from millwright.historian.retention import MOST_POLICIES, PolicyStore, RetentionPolicy, RetentionPreview
from millwright.historian.rights import HISTORY_READ, RETENTION_READ, RETENTION_WRITE
from millwright.historian.rpc import HistorianClient
from millwright.kernel import ROOT, Invalid, current_scope
from millwright.ledger import note
from millwright.parties import permit

_POLICIES_EXAMPLE = [
    {"device_id": "*", "property": "vibration.*", "keep_days": 31},
    {"device_id": "*", "property": "energy*", "keep_days": None},
    {"device_id": "*", "property": "*", "keep_days": 730},
]
"""Vibration for a month, energy for ever, the rest for two years."""

_MOST_LATEST = 1_000
_EXPORT_PAGE = 20_000

DeviceId = Annotated[str, QueryParameter(description="The device.", min_length=1, max_length=255)]
Property = Annotated[str, QueryParameter(name="property", description="Name of the property.", min_length=1)]
FromMs = Annotated[int, QueryParameter(description="Start of the range, UTC milliseconds; belongs to it.")]
ToMs = Annotated[int, QueryParameter(description="End of the range, UTC milliseconds; does not belong to it.")]
Format = Annotated[
    Literal["json", "csv", "arrow"],
    QueryParameter(
        name="format", description="`csv` and `arrow` (an Arrow IPC stream) are streamed whole, of any length."
    ),
]


class LatestValue(msgspec.Struct, frozen=True):
    """The newest reading of a property. Quality: 192 good, 64 uncertain, 0 bad."""

    device_id: str
    property: str
    time_ms: int
    received_ms: int
    value: Value
    quality: int


class LatestValues(msgspec.Struct, frozen=True):
    """The newest reading of every property of the devices asked for."""

    items: list[LatestValue]


class ReadingItem(msgspec.Struct, frozen=True):
    """One reading. Quality: 192 good, 64 uncertain, 0 bad."""

    time_ms: int
    value: Value
    quality: int
    received_ms: int


class ReadingPage(msgspec.Struct, frozen=True):
    """Readings in order; ``next`` is the cursor of the next page, or null."""

    items: list[ReadingItem]
    next: str | None


class BucketColumns(msgspec.Struct, frozen=True, omit_defaults=True):
    """Buckets of one property, in columns that run parallel to ``time_ms`` (the start of each bucket).

    Empty buckets are left out. A bucket whose aggregates are null breaks the line: nothing came for longer than
    ``gap_ms``, or only readings of bad quality, which ``bad`` counts and no aggregate contains. ``twm`` is the
    time-weighted mean: each value holds until the next one.
    """

    property: str
    time_ms: list[int]
    count: list[int]
    bad: list[int]
    unit: str | None
    gap_ms: int | None
    min: list[float | None] | msgspec.UnsetType = msgspec.UNSET
    max: list[float | None] | msgspec.UnsetType = msgspec.UNSET
    mean: list[float | None] | msgspec.UnsetType = msgspec.UNSET
    first: list[float | None] | msgspec.UnsetType = msgspec.UNSET
    last: list[float | None] | msgspec.UnsetType = msgspec.UNSET
    twm: list[float | None] | msgspec.UnsetType = msgspec.UNSET


class Buckets(msgspec.Struct, frozen=True):
    """Properties of one device over one range, reduced to buckets of equal width."""

    from_ms: int
    to_ms: int
    width_ms: int
    series: list[BucketColumns]


class RetentionPolicies(msgspec.Struct, frozen=True):
    """How long readings are kept: the first policy that matches a series decides; none matching keeps for ever."""

    policies: Annotated[list[RetentionPolicy], msgspec.Meta(max_length=MOST_POLICIES, examples=[_POLICIES_EXAMPLE])]


@dataclass
class InThreeForms(Operation):
    """The description of a route that also answers in CSV and Arrow."""

    def __post_init__(self) -> None:
        """Add them to what the answer's type tells."""
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            for kind in (CSV, ARROW):
                answer.content[kind] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


class ReadingsController(Controller):
    """What the historian holds."""

    path = "/readings"
    tags = ("History",)

    @get("/latest", summary="Newest values", guards=[permit(HISTORY_READ)])
    async def latest(
        self,
        history: NamedDependency[History],
        device_id: Annotated[
            list[str], QueryParameter(description="The devices; repeat it.", min_items=1, max_items=_MOST_LATEST)
        ],
    ) -> LatestValues:
        """The newest reading (by source time) of every property of the devices."""
        found = await history.latest(device_id)
        return LatestValues(
            [LatestValue(r.device_id, r.property, r.time_ms, r.received_ms, r.value, r.quality) for r in found]
        )

    @get("/", summary="Readings", operation_class=InThreeForms, guards=[permit(HISTORY_READ)])
    async def readings(
        self,
        history: NamedDependency[History],
        device_id: DeviceId,
        property_name: Property,
        from_ms: FromMs,
        to_ms: ToMs,
        limit: Annotated[int, QueryParameter(description="Readings on a page.", ge=1, le=MOST_READINGS)] = 1_000,
        cursor: Annotated[str | None, QueryParameter(description="`next` of the page before.")] = None,
        order: Annotated[Literal["asc", "desc"], QueryParameter(description="Oldest or newest first.")] = "asc",
        form: Format = "json",
    ) -> Response[ReadingPage]:
        """Readings of one property one by one: a page of JSON, or the whole range as CSV or Arrow."""
        wanted = Range(from_ms, to_ms)
        wanted.check()
        descending = order == "desc"
        if form != "json":
            pages = await _begun(
                await history.iter_raw(device_id, property_name, wanted, _EXPORT_PAGE, descending=descending)
            )
            body, kind = (iter_csv(pages), CSV) if form == "csv" else (iter_arrow(pages), ARROW)
            return cast("Response[Any]", Stream(body, media_type=kind, headers=_attached(f"readings.{form}")))
        if cursor is not None:
            wanted = _from_cursor(wanted, cursor, descending)
        table, bound = await history.raw(device_id, property_name, wanted, limit, descending=descending)
        columns = (table.column(name).to_pylist() for name in ("time_ms", "quality", "received_ms"))
        items = [
            ReadingItem(time, value, quality, received)
            for (time, quality, received), value in zip(zip(*columns, strict=True), values(table), strict=True)
        ]
        return Response(ReadingPage(items, None if bound is None else str(bound)))

    @get("/buckets", summary="Readings in buckets", operation_class=InThreeForms, guards=[permit(HISTORY_READ)])
    async def buckets(
        self,
        history: NamedDependency[History],
        device_id: DeviceId,
        property_names: Annotated[
            list[str], QueryParameter(name="property", description="Names of properties; repeat it.", min_items=1)
        ],
        from_ms: FromMs,
        to_ms: ToMs,
        buckets: Annotated[int, QueryParameter(description="Most buckets to answer: the pixels of the chart.")] = 500,
        aggregates: Annotated[
            str, QueryParameter(description=f"Comma separated, of {', '.join(AGGREGATES)}.")
        ] = "min,max,mean",
        gap_ms: Annotated[
            int | None,
            QueryParameter(description="A longer silence is a gap. Left out: three times the median spacing."),
        ] = None,
        form: Format = "json",
    ) -> Response[Buckets]:
        """Properties of one device, reduced to at most so many buckets; as fast for a year as for a day."""
        names = list(dict.fromkeys(property_names))
        wanted = Range(from_ms, to_ms)
        query, found, entries = await history.buckets(
            device_id, names, wanted, buckets, _aggregates(aggregates), gap_ms
        )
        if form != "json":
            write, kind = (csv_of_buckets, CSV) if form == "csv" else (arrow_of_buckets, ARROW)
            file = Response(write(names, query, found), media_type=kind, headers=_attached(f"buckets.{form}"))
            return cast("Response[Any]", file)
        units = {entry.property: entry.unit for entry in entries}
        series = [_columns(name, units.get(name), each) for name, each in zip(names, found, strict=True)]
        return Response(Buckets(from_ms, to_ms, query.width_ms, series))


class RetentionController(Controller):
    """How long readings are kept."""

    path = "/retention"
    tags = ("History",)

    @get("/", summary="Retention policies", guards=[permit(RETENTION_READ)])
    async def policies(self, retention: NamedDependency[PolicyStore]) -> RetentionPolicies:
        """The policies of the organisation, in the order in which they are tried."""
        return RetentionPolicies(await asyncio.to_thread(retention.list, current_scope().home or ROOT))

    @put("/", summary="Set the retention policies", guards=[permit(RETENTION_WRITE)])
    async def replace(
        self,
        retention: NamedDependency[PolicyStore],
        data: JSONBody[RetentionPolicies],
    ) -> RetentionPolicies:
        """Put these policies in the place of all those of the organisation: what its devices sent that expires by them
        is removed within the hour, for good."""
        organisation_id = current_scope().home or ROOT
        before = await asyncio.to_thread(retention.list, organisation_id)
        await asyncio.to_thread(retention.replace, data.policies, organisation_id)
        note("retention", organisation_id, before={"policies": before}, after=data, organisation=organisation_id)
        return data

    @post(
        "/preview",
        guards=[permit(RETENTION_WRITE)],
        summary="What retention policies would do",
        opt={"reads": True},
        status_code=200,
    )
    async def preview(
        self,
        historian: NamedDependency[HistorianClient],
        data: JSONBody[RetentionPolicies],
    ) -> RetentionPreview:
        """For each policy the series it decides about and the readings it would remove now. Changes nothing."""
        return await historian.preview_retention(data.policies, current_scope().home or ROOT)


ROUTES: Sequence[type[Controller]] = (ReadingsController, RetentionController)
"""What the web host mounts below ``/api/v1``."""


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


async def _begun(pages: AsyncIterator[pa.Table]) -> AsyncIterator[pa.Table]:
    """The same pages with the first one already there, so that a historian that is away is a 503 and no broken file."""
    first = await anext(pages, None)

    async def joined() -> AsyncIterator[pa.Table]:
        if first is not None:
            yield first
        async for table in pages:
            yield table

    return joined()


def _from_cursor(wanted: Range, cursor: str, descending: bool) -> Range:
    if not (cursor.lstrip("-").isascii() and cursor.lstrip("-").isdigit() and len(cursor) < 20):
        raise Invalid(
            "The cursor is not one of this list.", code="historian.cursor_invalid", hint="Use `next` as it came."
        )
    bound = int(cursor)
    narrowed = Range(wanted.from_ms, bound) if descending else Range(bound, wanted.to_ms)
    if not wanted.from_ms <= bound <= wanted.to_ms or narrowed.from_ms == narrowed.to_ms:
        raise _cursor_invalid()
    return narrowed


def _cursor_invalid() -> Invalid:
    return Invalid(
        "The cursor does not belong to this range.",
        code="historian.cursor_invalid",
        hint="Send `next` as it came, with the same from_ms, to_ms and order.",
    )


def _aggregates(text: str) -> tuple[Aggregate, ...]:
    names = dict.fromkeys(part.strip() for part in text.split(","))
    unknown = [name for name in names if name not in AGGREGATES]
    if unknown:
        raise Invalid(
            f"Unknown aggregates: {', '.join(unknown)}.",
            code="historian.aggregate_unknown",
            hint=f"Choose from {', '.join(AGGREGATES)}.",
        )
    return tuple(name for name in AGGREGATES if name in names)


def _columns(name: str, unit: str | None, found: BucketSeries) -> BucketColumns:
    return BucketColumns(
        name,
        found.time_ms,
        found.count,
        found.bad,
        unit,
        found.gap_ms,
        **{aggregate: column for aggregate, column in found.values.items() if aggregate != "count"},
    )
