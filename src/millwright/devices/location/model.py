"""Plans, zones, readers, tags, rules of feedback and what happened, as the API shows them. Metres, UTC milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.commands.model import Value
from millwright.devices.location.states import EventKind
from millwright.kernel import ROOT

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Id = Annotated[str, Meta(max_length=64)]
Metres = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=128, description="An EPC in hexadecimal, a MAC, a name.")]
TagGroup = Annotated[str, Meta(max_length=64, description="A word that tags share; rules may be about it.")]


class NewFloorPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drawing of a floor, a hall, a yard; its lower left corner is 0, 0."""

    name: Name
    width_m: Annotated[float, Meta(gt=0, le=1_000_000, examples=[60])]
    height_m: Annotated[float, Meta(gt=0, le=1_000_000, examples=[40])]
    place_id: Annotated[Id | None, Meta(description="Where it is in the equipment tree (ISA-95).")] = None


class FloorPlan(NewFloorPlan, frozen=True, kw_only=True):
    """A plan. ``image_type``: of its picture, if it has one."""

    id: str
    image_type: str | None = None
    revision: int = 1
    organisation_id: str = ROOT


class Antenna(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An antenna of a reader, or a whole reader."""

    device_id: Id
    antenna: Annotated[Annotated[int, Meta(ge=0, le=65_535)] | None, Meta(description="Without it: all of them.")] = (
        None
    )


class Corner(Struct, frozen=True, array_like=True):
    """A point of a plan."""

    x_m: Metres
    y_m: Metres


class NewZone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where tags come and go: what some antennas see (``antennas``), or an area of a plan (``polygon``).

    A zone of antennas may have a polygon as well; it is drawn then, and does not count.
    """

    name: Name
    place_id: Annotated[Id | None, Meta(description="Where it is in the equipment tree (ISA-95).")] = None
    plan_id: Annotated[Id | None, Meta(description="The plan it is drawn on.")] = None
    antennas: Annotated[list[Antenna], Meta(max_length=256)] = []
    polygon: Annotated[list[Corner], Meta(max_length=500, description="Corners in metres, in order.")] = []
    z_min_m: Annotated[Metres | None, Meta(description="Only above this height.")] = None
    z_max_m: Annotated[Metres | None, Meta(description="Only below this height.")] = None
    enter_s: Annotated[
        Annotated[float, Meta(ge=0, le=3600)], Meta(description="How long a tag must be seen before it is inside.")
    ] = 0.0
    enter_reads: Annotated[
        Annotated[int, Meta(ge=1, le=1000)], Meta(description="How often it must be seen before it is inside.")
    ] = 2
    exit_s: Annotated[
        Annotated[float, Meta(ge=0.5, le=86_400)],
        Meta(description="How long it must be unseen, or outside of the area, before it has left."),
    ] = 10.0
    absent_s: Annotated[
        Annotated[float, Meta(ge=1, le=604_800)],
        Meta(description="Of an area: how long a tag may send nothing before it has left."),
    ] = 300.0
    dwell_s: Annotated[
        Annotated[float, Meta(ge=0, le=2_592_000)],
        Meta(description="After how long inside a dwell event comes; 0: none does."),
    ] = 0.0
    margin_m: Annotated[
        Annotated[float, Meta(ge=0, le=1000)],
        Meta(description="How far outside of the area a position must be to count as outside."),
    ] = 0.5
    margin_db: Annotated[
        Annotated[float, Meta(ge=0, le=60)],
        Meta(description="By how much the antennas of another zone must see it stronger to take it over."),
    ] = 6.0
    exclusive: Annotated[
        bool, Meta(description="A tag is in one such zone of antennas at a time, where it is seen strongest.")
    ] = True


class Zone(NewZone, frozen=True, kw_only=True):
    """A zone. ``certain``: every reader that sees into it is heard; ``inside``: how many tags are in it."""

    id: str
    certain: bool = False
    inside: int = 0
    revision: int = 1
    organisation_id: str = ROOT


class ReaderForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a device sees tags. What it publishes to ``millwright/v1/sightings`` counts, and these of its properties."""

    plan_id: Annotated[Id | None, Meta(description="The plan that it hangs on, and that its positions are on.")] = None
    x_m: Annotated[Metres | None, Meta(description="Where it hangs.")] = None
    y_m: Metres | None = None
    silence_s: Annotated[
        Annotated[float, Meta(ge=1, le=86_400)],
        Meta(description="It is lost when nothing at all came from it for so long."),
    ] = 60.0
    reads: Annotated[
        Annotated[str, Meta(max_length=255)],
        Meta(description="The property that carries whole reports as a text, as the LLRP connector delivers them."),
    ] = "reads"
    tag_property: Annotated[
        Annotated[str, Meta(max_length=255)] | None, Meta(description="The property that names the tag of a position.")
    ] = None
    x_property: Annotated[
        Annotated[str, Meta(max_length=255)] | None,
        Meta(description="The property with x in metres. Without `tag_property` the device itself is there."),
    ] = None
    y_property: Annotated[str, Meta(max_length=255)] | None = None
    z_property: Annotated[str, Meta(max_length=255)] | None = None


class Reader(ReaderForm, frozen=True, kw_only=True):
    """A reader, and how it is. ``clock_offset_ms``: added to the times it states, for its clock is wrong."""

    device_id: str
    device: str
    heard_ms: int | None = None
    lost: bool = False
    antennas_down: list[int] = []
    clock_offset_ms: int = 0
    sightings: int = 0
    late: int = 0
    organisation_id: str = ROOT


class TagForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tag is fixed to."""

    name: Annotated[str, Meta(max_length=128)] = ""
    group: TagGroup = ""
    device_id: Annotated[Id | None, Meta(description="The device that carries it.")] = None
    identifier: Annotated[
        Annotated[str, Meta(max_length=512)] | None, Meta(description="Any identifier: GS1, Handle, a serial number.")
    ] = None


class KnownTag(TagForm, frozen=True, kw_only=True):
    """A tag that somebody wrote something down about."""

    tag: str
    organisation_id: str = ROOT


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where a tag is now: in which zones since when, seen last by whom, and its position where one is known."""

    tag: str
    name: str
    group: str
    device_id: str | None
    identifier: str | None
    seen_ms: int
    reader_id: str
    antenna: int
    rssi_dbm: float | None
    plan_id: str | None
    x_m: float | None
    y_m: float | None
    z_m: float | None
    position_ms: int | None
    zones: list[InZone]
    organisation_id: str = ROOT


class InZone(Struct, frozen=True, kw_only=True):
    """Being in a zone. Not ``certain``: a reader is lost, nobody knows whether the tag is still there."""

    zone_id: str
    zone: str
    since_ms: int
    certain: bool


class WhereaboutsPage(Struct, frozen=True):
    """Tags by what was seen last; ``next`` continues the list."""

    items: list[Whereabouts]
    next: str | None


class LocationEvent(Struct, frozen=True, kw_only=True):
    """A tag came (``enter``), stayed (``dwell``) or left (``exit``); or a zone became ``uncertain`` or ``certain``.

    ``recorded_ms``: when this node knew. ``stay_ms``: how long it was inside. ``reason`` of an exit: ``moved``,
    ``absent``, ``removed`` (the zone was); of a zone: ``reader_lost``, ``reader_back``.
    """

    number: int
    kind: EventKind
    time_ms: int
    recorded_ms: int
    zone_id: str
    zone: str
    tag: str | None
    entered_ms: int | None
    stay_ms: int | None
    reader_id: str | None
    certain: bool
    reason: str
    organisation_id: str = ROOT


class LocationEventPage(Struct, frozen=True):
    """Events, newest first; ``next`` continues the list."""

    items: list[LocationEvent]
    next: str | None


class TrailPoint(Struct, frozen=True, kw_only=True):
    """Where a tag was. ``late``: it came after newer news, and changed nothing."""

    time_ms: int
    reader_id: str
    antenna: int
    plan_id: str | None
    x_m: float | None
    y_m: float | None
    z_m: float | None
    late: bool


class FeedbackForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a tag comes, stays or leaves: a command to a device.

    ``hold_s``: it is asked only if the tag is still there (or still gone) then. ``again_after_s``: not sooner after the
    last one of this rule. ``most_per_hour``: not oftener.
    """

    name: Name
    on: Literal["enter", "dwell", "exit"]
    zone_id: Id
    group: Annotated[TagGroup | None, Meta(description="Only tags of this group.")] = None
    tag: Annotated[Tag | None, Meta(description="Only this tag.")] = None
    device_id: Id
    kind: Literal["write", "call"] = "write"
    command: Annotated[str, Meta(min_length=1, max_length=256, description="The property or the service.")]
    value: Annotated[Value | None, Meta(description="What is written.")] = None
    inputs: dict[str, Value] = {}
    hold_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    again_after_s: Annotated[float, Meta(ge=0, le=86_400)] = 5.0
    most_per_hour: Annotated[int, Meta(ge=1, le=3600)] = 60
    enabled: bool = True


class Feedback(FeedbackForm, frozen=True, kw_only=True):
    """A rule of feedback; who made it is who asks for its commands."""

    id: str
    by_id: str
    by_name: str
    revision: int = 1
    organisation_id: str = ROOT


class Reaction(Struct, frozen=True, kw_only=True):
    """What a rule made of an event: ``waiting``, ``asked`` (see the command), ``refused``, or ``passed`` over."""

    number: int
    rule_id: str
    event_number: int
    tag: str
    due_ms: int
    state: Literal["waiting", "asked", "refused", "passed"]
    ended_ms: int | None = None
    command_id: str | None = None
    code: str | None = None
    text: str | None = None
