"""Routes of sensing and place below ``/api/v1/location``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.response import Stream
from msgspec import Meta, Struct

from millwright.devices.location import errors
from millwright.devices.location.export import CSV, iter_csv
from millwright.devices.location.looking import EventFilter
from millwright.devices.location.model import (
    Feedback,
    FeedbackForm,
    FloorPlan,
    KnownTag,
    LocationEventPage,
    NewFloorPlan,
    NewZone,
    Reaction,
    Reader,
    ReaderForm,
    TagForm,
    TrailPoint,
    WhereaboutsPage,
    Zone,
)
from millwright.devices.location.rights import LOCATION_FEEDBACK, LOCATION_READ, LOCATION_WRITE
from millwright.devices.location.service import Location
from millwright.devices.location.states import EventKind
from millwright.devices.service import DevicesService
from millwright.kernel import NotFound, etag, revision_of
from millwright.kernel.scope import within
from millwright.ledger import Actor
from millwright.parties import IfMatch, Session, TakesBytes, authority_of, chosen_organisation, permit

_MOST_MS = 4_102_444_800_000
Id = Annotated[str, Parameter(max_length=64)]
TagName = Annotated[str, Parameter(description="The tag, as its reader sends it.", max_length=128)]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Time = Annotated[int | None, QueryParameter(ge=0, le=_MOST_MS, description="UTC milliseconds; bounds time_ms.")]
Kinds = Annotated[
    list[EventKind] | None, QueryParameter(name="kind", description="Only these kinds; repeat it.", max_items=5)
]
OfTag = Annotated[str | None, QueryParameter(description="Only of this tag.", max_length=128)]
OfZone = Annotated[str | None, QueryParameter(description="Only of this zone.", max_length=64)]


class TagRow(TagForm, frozen=True, kw_only=True):
    """A tag and what it is fixed to."""

    tag: Annotated[str, Meta(min_length=1, max_length=128)]


class TagsTaken(Struct, frozen=True):
    """How many tags were written down."""

    tags: int


class PlansController(Controller):
    """Plans: drawings that zones and positions are on."""

    path = "/location/plans"
    tags = ["Location"]  # noqa: RUF012

    @get("/", summary="Plans", operation_id="listPlans", guards=[permit(LOCATION_READ)])
    async def plans(self, location: NamedDependency[Location]) -> list[FloorPlan]:
        """Every plan by name."""
        return await location.plans()

    @post("/", summary="Add a plan", operation_id="addPlan", guards=[permit(LOCATION_WRITE)])
    async def add(self, data: JSONBody[NewFloorPlan], location: NamedDependency[Location]) -> Response[FloorPlan]:
        """A plan of so many metres; its picture comes after it."""
        return _tagged(await location.add_plan(data), 201)

    @put("/{floor_plan_id:str}", summary="Change a plan", operation_id="updatePlan", guards=[permit(LOCATION_WRITE)])
    async def change(
        self,
        floor_plan_id: Id,
        data: JSONBody[NewFloorPlan],
        location: NamedDependency[Location],
        if_match: IfMatch = None,
    ) -> Response[FloorPlan]:
        """Put this in the plan's place; its picture stays."""
        return _tagged(await location.change_plan(floor_plan_id, data, revision_of(if_match)))

    @delete("/{floor_plan_id:str}", summary="Remove a plan", operation_id="deletePlan", guards=[permit(LOCATION_WRITE)])
    async def remove(self, floor_plan_id: Id, location: NamedDependency[Location]) -> None:
        """Remove a plan that no zone and no reader is on."""
        await location.delete_plan(floor_plan_id)

    @get(
        "/{floor_plan_id:str}/picture",
        summary="The picture of a plan",
        operation_id="getPlanPicture",
        media_type="image/png",
        guards=[permit(LOCATION_READ)],
    )
    async def picture(self, floor_plan_id: Id, location: NamedDependency[Location]) -> Response[bytes]:
        """PNG, JPEG or WebP, as it was sent."""
        image, media_type = await location.picture(floor_plan_id)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
        return Response(image, media_type=media_type, headers=headers)

    @put(
        "/{floor_plan_id:str}/picture",
        summary="Give a plan a picture",
        operation_id="setPlanPicture",
        request_max_body_size=6 * 1024 * 1024,
        operation_class=TakesBytes,
        guards=[permit(LOCATION_WRITE)],
    )
    async def set_picture(
        self, floor_plan_id: Id, request: Request[Any, Any, Any], location: NamedDependency[Location]
    ) -> FloorPlan:
        """The body is a PNG, JPEG or WebP of at most 5 MB, sent as `application/octet-stream`."""
        return await location.set_picture(floor_plan_id, await request.body())


class ZonesController(Controller):
    """Zones: where tags come and go."""

    path = "/location/zones"
    tags = ["Location"]  # noqa: RUF012

    @get("/", summary="Zones", operation_id="listZones", guards=[permit(LOCATION_READ)])
    async def zones(self, location: NamedDependency[Location]) -> list[Zone]:
        """Every zone by name, with how many tags are in it and whether that is certain."""
        return await location.zones()

    @post("/", summary="Add a zone", operation_id="addZone", guards=[permit(LOCATION_WRITE)])
    async def add(self, data: JSONBody[NewZone], location: NamedDependency[Location]) -> Response[Zone]:
        """What some antennas see, or an area of a plan. It holds within two seconds."""
        return _tagged(await location.add_zone(data), 201)

    @get("/{zone_id:str}", summary="A zone", operation_id="getZone", guards=[permit(LOCATION_READ)])
    async def zone(self, zone_id: Id, location: NamedDependency[Location]) -> Response[Zone]:
        """The zone; its ETag goes with a change."""
        return _tagged(await location.zone(zone_id))

    @put("/{zone_id:str}", summary="Change a zone", operation_id="updateZone", guards=[permit(LOCATION_WRITE)])
    async def change(
        self, zone_id: Id, data: JSONBody[NewZone], location: NamedDependency[Location], if_match: IfMatch = None
    ) -> Response[Zone]:
        """Put this in the zone's place; who is inside stays inside until seen to leave."""
        return _tagged(await location.change_zone(zone_id, data, revision_of(if_match)))

    @delete("/{zone_id:str}", summary="Remove a zone", operation_id="deleteZone", guards=[permit(LOCATION_WRITE)])
    async def remove(self, zone_id: Id, location: NamedDependency[Location]) -> None:
        """Remove a zone with its rules of feedback; its events stay."""
        await location.delete_zone(zone_id)


class ReadersController(Controller):
    """Readers: devices that see tags."""

    path = "/location/readers"
    tags = ["Location"]  # noqa: RUF012

    @get("/", summary="Readers", operation_id="listReaders", guards=[permit(LOCATION_READ)])
    async def readers(self, location: NamedDependency[Location]) -> list[Reader]:
        """Every reader, and how it is."""
        return await location.readers()

    @put(
        "/{device_id:str}", summary="Make a device a reader", operation_id="setReader", guards=[permit(LOCATION_WRITE)]
    )
    async def set_reader(
        self, device_id: Id, data: JSONBody[ReaderForm], location: NamedDependency[Location]
    ) -> Reader:
        """What it says from now on counts."""
        return await location.set_reader(device_id, data)

    @delete(
        "/{device_id:str}",
        summary="Let a device be no reader",
        operation_id="deleteReader",
        guards=[permit(LOCATION_WRITE)],
    )
    async def remove(self, device_id: Id, location: NamedDependency[Location]) -> None:
        """The device stays; what it says of tags counts no more."""
        await location.delete_reader(device_id)


class TagsController(Controller):
    """Tags: what they are fixed to, and where they are."""

    path = "/location/tags"
    tags = ["Location"]  # noqa: RUF012

    @get("/", summary="Known tags", operation_id="listTags", guards=[permit(LOCATION_READ)])
    async def tags_(self, location: NamedDependency[Location]) -> list[KnownTag]:
        """Every tag that somebody wrote something down about."""
        return await location.tags()

    @post("/", summary="Write many tags down", operation_id="setTags", status_code=200, guards=[permit(LOCATION_WRITE)])
    async def set_many(
        self,
        data: JSONBody[Annotated[list[TagRow], Meta(min_length=1, max_length=10_000)]],
        location: NamedDependency[Location],
    ) -> TagsTaken:
        """What each is fixed to; all of them or none."""
        rows = [
            (row.tag, TagForm(name=row.name, group=row.group, device_id=row.device_id, identifier=row.identifier))
            for row in data
        ]
        return TagsTaken(await location.set_tags(rows))

    @put("/{tag:str}", summary="Write a tag down", operation_id="setTag", guards=[permit(LOCATION_WRITE)])
    async def set_tag(self, tag: TagName, data: JSONBody[TagForm], location: NamedDependency[Location]) -> KnownTag:
        """What it is fixed to, and the group it belongs to."""
        return await location.set_tag(tag, data)

    @delete("/{tag:str}", summary="Forget a tag", operation_id="deleteTag", guards=[permit(LOCATION_WRITE)])
    async def remove(self, tag: TagName, location: NamedDependency[Location]) -> None:
        """Forget what is known of it; it is followed all the same."""
        await location.delete_tag(tag)

    @get("/{tag:str}/trail", summary="The trail of a tag", operation_id="getTrail", guards=[permit(LOCATION_READ)])
    async def trail(
        self,
        tag: TagName,
        location: NamedDependency[Location],
        from_ms: Annotated[int, QueryParameter(ge=0, le=_MOST_MS)] = 0,
        to_ms: Annotated[int, QueryParameter(ge=0, le=_MOST_MS)] = _MOST_MS,
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1000,
    ) -> list[TrailPoint]:
        """Where it was, oldest first; of more than `limit` points the newest."""
        return await location.trail(tag, from_ms, to_ms, limit)


class WhereaboutsController(Controller):
    """Who is where, and what happened."""

    path = "/location"
    tags = ["Location"]  # noqa: RUF012

    @get("/now", summary="Who is where", operation_id="listWhereabouts", guards=[permit(LOCATION_READ)])
    async def now(
        self,
        location: NamedDependency[Location],
        zone_id: OfZone = None,
        plan_id: Annotated[str | None, QueryParameter(description="Only on this plan.", max_length=64)] = None,
        text: Annotated[
            str, QueryParameter(name="q", description="In tag, name or identifier; or a group.", max_length=200)
        ] = "",
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> WhereaboutsPage:
        """Tags, the one seen last first, with their zones and positions."""
        return await location.whereabouts(zone_id=zone_id, plan_id=plan_id, text=text, cursor=cursor, limit=limit)

    @get(
        "/events", summary="Entries, stays and exits", operation_id="listLocationEvents", guards=[permit(LOCATION_READ)]
    )
    async def events(
        self,
        location: NamedDependency[Location],
        tag: OfTag = None,
        zone_id: OfZone = None,
        kinds: Kinds = None,
        from_ms: Time = None,
        to_ms: Time = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> LocationEventPage:
        """Newest first. `GET /live` tells them as they happen."""
        return await location.events(_filter(tag, zone_id, kinds, from_ms, to_ms), cursor=cursor, limit=limit)

    @get(
        "/events/export",
        summary="Entries, stays and exits as CSV",
        operation_id="exportLocationEvents",
        media_type=CSV,
        guards=[permit(LOCATION_READ)],
    )
    async def export(
        self,
        location: NamedDependency[Location],
        tag: OfTag = None,
        zone_id: OfZone = None,
        kinds: Kinds = None,
        from_ms: Time = None,
        to_ms: Time = None,
    ) -> Stream:
        """Every event that matches, as CSV in UTF-8; a cell never begins a formula."""
        pages = location.iter_events(_filter(tag, zone_id, kinds, from_ms, to_ms))
        headers = {"Content-Disposition": 'attachment; filename="location-events.csv"'}
        return Stream(iter_csv(pages), media_type=CSV, headers=headers)


class FeedbackController(Controller):
    """Rules of feedback: tags that come and go move machines."""

    path = "/location/rules"
    tags = ["Location"]  # noqa: RUF012

    @get("/", summary="Rules of feedback", operation_id="listLocationRules", guards=[permit(LOCATION_READ)])
    async def rules(self, location: NamedDependency[Location]) -> list[Feedback]:
        """Every rule by name."""
        return await location.rules()

    @post("/", summary="Add a rule of feedback", operation_id="addLocationRule", guards=[permit(LOCATION_FEEDBACK)])
    async def add(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[FeedbackForm],
        location: NamedDependency[Location],
        devices: NamedDependency[DevicesService],
        session: NamedDependency[Session],
    ) -> Response[Feedback]:
        """When a tag comes, stays or leaves: a command, guarded by interlocks and locks as any other. Who makes the
        rule must be allowed to give the command."""
        await _may_command(request, data, devices)
        return _tagged(await location.add_rule(data, _by(session)), 201)

    @put(
        "/{feedback_id:str}",
        summary="Change a rule of feedback",
        operation_id="updateLocationRule",
        guards=[permit(LOCATION_FEEDBACK)],
    )
    async def change(
        self,
        feedback_id: Id,
        request: Request[Any, Any, Any],
        data: JSONBody[FeedbackForm],
        location: NamedDependency[Location],
        devices: NamedDependency[DevicesService],
        session: NamedDependency[Session],
        if_match: IfMatch = None,
    ) -> Response[Feedback]:
        """Put this in the rule's place; it is in your name from now on."""
        await _may_command(request, data, devices)
        return _tagged(await location.change_rule(feedback_id, data, _by(session), revision_of(if_match)))

    @delete(
        "/{feedback_id:str}",
        summary="Remove a rule of feedback",
        operation_id="deleteLocationRule",
        guards=[permit(LOCATION_FEEDBACK)],
    )
    async def remove(self, feedback_id: Id, location: NamedDependency[Location]) -> None:
        """Remove a rule and the list of what it made; its commands stay."""
        await location.delete_rule(feedback_id)

    @get(
        "/{feedback_id:str}/reactions",
        summary="What a rule made of events",
        operation_id="listReactions",
        guards=[permit(LOCATION_READ)],
    )
    async def reactions(
        self, feedback_id: Id, location: NamedDependency[Location], limit: Limit = 100
    ) -> list[Reaction]:
        """Newest first: commands asked for, and events it let be, with the reason."""
        return await location.reactions(feedback_id, limit)


async def _may_command(request: Request[Any, Any, Any], form: FeedbackForm, devices: DevicesService) -> None:
    await devices.registry.get(form.device_id)
    permission = "commands:write" if form.kind == "write" else "commands:call"
    with within(authority_of(request).scope(permission, chosen_organisation(request))):
        try:
            await devices.registry.get(form.device_id)
        except NotFound:
            raise errors.command_denied(permission) from None


def _by(session: Session) -> Actor:
    return Actor("person", session.person.id, session.person.name)


def _filter(
    tag: str | None, zone_id: str | None, kinds: list[EventKind] | None, from_ms: int | None, to_ms: int | None
) -> EventFilter:
    return EventFilter(tag.upper() if tag else None, zone_id, tuple(kinds or ()), from_ms, to_ms)


def _tagged(thing: Any, status: int = 200) -> Response[Any]:
    return Response(thing, status_code=status, headers=etag(thing.revision))


ROUTES = [
    PlansController,
    ZonesController,
    ReadersController,
    TagsController,
    WhereaboutsController,
    FeedbackController,
]
"""What the web host mounts."""
