"""Use cases of sensing and place: plans, zones, readers and tags, and asking who is where. No HTTP, no SQL."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from millwright.devices.location import errors
from millwright.devices.location.feedback import FeedbackStore
from millwright.devices.location.geometry import area
from millwright.devices.location.looking import EventFilter, LookStore
from millwright.devices.location.model import (
    Feedback,
    FeedbackForm,
    FloorPlan,
    KnownTag,
    LocationEvent,
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
from millwright.devices.location.sightings import clean_tag
from millwright.devices.location.store import LocationStore
from millwright.devices.names import clean_name
from millwright.kernel import Clock, new_id
from millwright.ledger import Actor, note

_MOST_IMAGE: Final = 5_000_000
_MOST_PIXELS: Final = 40_000_000
_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


class Location:
    """Sets up and asks, in the scope of the request at hand."""

    def __init__(self, store: LocationStore, look: LookStore, feedback: FeedbackStore, clock: Clock) -> None:
        self._store, self._look, self._feedback, self._clock = store, look, feedback, clock

    # --- plans -------------------------------------------------------------------------------------------------------

    async def plans(self) -> list[FloorPlan]:
        """Every plan by name."""
        return await asyncio.to_thread(self._store.plans)

    async def add_plan(self, new: NewFloorPlan) -> FloorPlan:
        """Add a plan. Raises ``Invalid``, ``NotFound`` (place), ``Conflict`` (name)."""
        new = msgspec.structs.replace(new, name=clean_name(new.name))
        plan = await asyncio.to_thread(self._store.add_plan, new_id("flo"), new)
        _note("plan", plan.id, plan.name, plan.organisation_id, None, plan)
        return plan

    async def change_plan(self, plan_id: str, new: NewFloorPlan, expected: int | None) -> FloorPlan:
        """Change a plan; its picture stays. Raises ``NotFound``, ``Invalid``, ``Conflict``, ``Outdated``."""
        new = msgspec.structs.replace(new, name=clean_name(new.name))
        before = await asyncio.to_thread(self._store.plan, plan_id)
        plan = await asyncio.to_thread(self._store.change_plan, plan_id, new, expected)
        _note("plan", plan.id, plan.name, plan.organisation_id, before, plan)
        return plan

    async def delete_plan(self, plan_id: str) -> None:
        """Remove a plan that nothing is on. Raises ``NotFound``, ``Conflict``."""
        plan = await asyncio.to_thread(self._store.delete_plan, plan_id)
        _note("plan", plan.id, plan.name, plan.organisation_id, plan, None)

    async def picture(self, plan_id: str) -> tuple[bytes, str]:
        """The plan's picture and its media type. Raises ``NotFound``."""
        found = await asyncio.to_thread(self._store.picture, plan_id)
        if found is None:
            raise errors.unknown("picture", plan_id)
        return found

    async def set_picture(self, plan_id: str, image: bytes) -> FloorPlan:
        """Give the plan a picture. Raises ``NotFound``, ``Invalid`` (``location.image_invalid``)."""
        await asyncio.to_thread(self._store.plan, plan_id)
        media_type = await asyncio.to_thread(_type_of, image)
        plan = await asyncio.to_thread(self._store.set_picture, plan_id, image, media_type)
        note("plan", plan.id, plan.name, after={"image_bytes": len(image)}, organisation=plan.organisation_id)
        return plan

    # --- zones -------------------------------------------------------------------------------------------------------

    async def zones(self) -> list[Zone]:
        """Every zone by name."""
        return await asyncio.to_thread(self._store.zones)

    async def zone(self, zone_id: str) -> Zone:
        """One zone. Raises ``NotFound``."""
        return await asyncio.to_thread(self._store.zone, zone_id)

    async def add_zone(self, new: NewZone) -> Zone:
        """Add a zone. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
        zone = await asyncio.to_thread(self._store.add_zone, new_id("zon"), _checked(new))
        _note("zone", zone.id, zone.name, zone.organisation_id, None, zone)
        return zone

    async def change_zone(self, zone_id: str, new: NewZone, expected: int | None) -> Zone:
        """Change a zone. Raises ``Invalid``, ``NotFound``, ``Conflict``, ``Outdated``."""
        before = await asyncio.to_thread(self._store.zone, zone_id)
        zone = await asyncio.to_thread(self._store.change_zone, zone_id, _checked(new), expected)
        _note("zone", zone.id, zone.name, zone.organisation_id, before, zone)
        return zone

    async def delete_zone(self, zone_id: str) -> None:
        """Remove a zone, with its rules of feedback; its events stay. Raises ``NotFound``."""
        zone = await asyncio.to_thread(self._store.delete_zone, zone_id)
        _note("zone", zone.id, zone.name, zone.organisation_id, zone, None)

    # --- readers and tags --------------------------------------------------------------------------------------------

    async def readers(self) -> list[Reader]:
        """Every reader by name."""
        return await asyncio.to_thread(self._store.readers)

    async def set_reader(self, device_id: str, form: ReaderForm) -> Reader:
        """Let a device be a reader. Raises ``NotFound``, ``Invalid`` (``location.reader_invalid``)."""
        if (form.x_property is None) != (form.y_property is None):
            raise errors.reader_invalid("A position takes both properties, x and y.", "/y_property")
        if form.x_property is not None and form.plan_id is None:
            raise errors.reader_invalid("Positions are on a plan; name it.", "/plan_id")
        reader = await asyncio.to_thread(self._store.set_reader, device_id, form, self._clock.now_ms())
        after = msgspec.to_builtins(form)
        note("reader", device_id, reader.device, after=after, organisation=reader.organisation_id)
        return reader

    async def delete_reader(self, device_id: str) -> None:
        """Let a device be no reader any more. Raises ``NotFound``."""
        reader = await asyncio.to_thread(self._store.delete_reader, device_id)
        note("reader", device_id, reader.device, before={"reader": True}, organisation=reader.organisation_id)

    async def tags(self) -> list[KnownTag]:
        """Every tag that something is known of."""
        return await asyncio.to_thread(self._store.tags)

    async def set_tag(self, tag: str, form: TagForm) -> KnownTag:
        """Write down what a tag is fixed to. Raises ``Invalid``, ``NotFound`` (device)."""
        name = _tag(tag)
        await asyncio.to_thread(self._store.set_tags, [(name, form)])
        known = await asyncio.to_thread(self._store.tag, name)
        note("tag", name, known.name, after=msgspec.to_builtins(form), organisation=known.organisation_id)
        return known

    async def set_tags(self, rows: Sequence[tuple[str, TagForm]]) -> int:
        """Write down many, all or none. Raises ``Invalid``, ``NotFound``."""
        await asyncio.to_thread(self._store.set_tags, [(_tag(tag), form) for tag, form in rows])
        note("tag", "import", "import", after={"rows": len(rows)})
        return len(rows)

    async def delete_tag(self, tag: str) -> None:
        """Forget what is known of a tag. Raises ``NotFound``."""
        known = await asyncio.to_thread(self._store.delete_tag, tag.upper())
        before = {"name": known.name, "group": known.group, "device_id": known.device_id}
        note("tag", known.tag, known.name, before=before, organisation=known.organisation_id)

    # --- who is where ------------------------------------------------------------------------------------------------

    async def whereabouts(
        self,
        *,
        zone_id: str | None = None,
        plan_id: str | None = None,
        text: str = "",
        cursor: str | None = None,
        limit: int = 100,
    ) -> WhereaboutsPage:
        """Who is where now, the one seen last first."""
        certain = {zone.id: zone.certain for zone in await self.zones()}
        at, _, tag = (cursor or "").partition(":")
        after = (int(at), tag) if at.isascii() and at.isdigit() else None
        return await asyncio.to_thread(
            lambda: self._look.whereabouts(
                certain, zone_id=zone_id, plan_id=plan_id, text=text.strip(), cursor=after, limit=limit
            )
        )

    async def events(self, wanted: EventFilter, *, cursor: str | None = None, limit: int = 100) -> LocationEventPage:
        """What happened, newest first."""
        before = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else None
        return await asyncio.to_thread(lambda: self._look.events(wanted, before=before, limit=limit))

    async def iter_events(self, wanted: EventFilter) -> AsyncIterator[list[LocationEvent]]:
        """All that match, newest first, a page at a time."""
        pages = self._look.pages(wanted)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            yield page

    async def trail(self, tag: str, from_ms: int, to_ms: int, limit: int) -> list[TrailPoint]:
        """Where a tag was, oldest first. Raises ``NotFound``."""
        return await asyncio.to_thread(self._look.trail, tag.upper(), from_ms, to_ms, limit)

    # --- feedback ----------------------------------------------------------------------------------------------------

    async def rules(self) -> list[Feedback]:
        """Every rule by name."""
        return await asyncio.to_thread(self._feedback.rules)

    async def add_rule(self, form: FeedbackForm, by: Actor) -> Feedback:
        """Add a rule. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
        form = _rule(form)
        rule = await asyncio.to_thread(self._feedback.add, new_id("fbk"), form, (by.id, by.name or by.id))
        _note("location_rule", rule.id, rule.name, rule.organisation_id, None, rule)
        return rule

    async def change_rule(self, rule_id: str, form: FeedbackForm, by: Actor, expected: int | None) -> Feedback:
        """Change a rule; whoever does is who asks from now on. Raises ``Invalid``, ``NotFound``, ``Conflict``."""
        form = _rule(form)
        before = await asyncio.to_thread(self._feedback.rule, rule_id)
        rule = await asyncio.to_thread(self._feedback.change, rule_id, form, (by.id, by.name or by.id), expected)
        _note("location_rule", rule.id, rule.name, rule.organisation_id, before, rule)
        return rule

    async def delete_rule(self, rule_id: str) -> None:
        """Remove a rule. Raises ``NotFound``."""
        rule = await asyncio.to_thread(self._feedback.delete, rule_id)
        _note("location_rule", rule.id, rule.name, rule.organisation_id, rule, None)

    async def reactions(self, rule_id: str, limit: int) -> list[Reaction]:
        """What a rule made of events, newest first. Raises ``NotFound``."""
        return await asyncio.to_thread(self._feedback.reactions, rule_id, limit)


def _note(kind: str, key: str, name: str, organisation: str, before: Any, after: Any) -> None:
    def plain(value: Any) -> dict[str, Any] | None:
        return None if value is None else {k: v for k, v in msgspec.to_builtins(value).items() if k not in _PASSING}

    note(kind, key, name, before=plain(before), after=plain(after), organisation=organisation)


_PASSING: Final = frozenset({"inside", "certain", "revision"})


def _checked(new: NewZone) -> NewZone:
    if not new.antennas and not new.polygon:
        raise errors.zone_invalid("A zone needs antennas, or a polygon on a plan.", "/polygon")
    if new.polygon:
        if new.plan_id is None:
            raise errors.zone_invalid("A polygon is drawn on a plan; name it.", "/plan_id")
        if len(new.polygon) < 3 or area([(corner.x_m, corner.y_m) for corner in new.polygon]) < 0.01:
            raise errors.zone_invalid("A polygon needs three corners and some area.", "/polygon")
    if new.z_min_m is not None and new.z_max_m is not None and new.z_min_m >= new.z_max_m:
        raise errors.zone_invalid("The lower height is not below the upper one.", "/z_max_m")
    return msgspec.structs.replace(new, name=clean_name(new.name))


def _rule(form: FeedbackForm) -> FeedbackForm:
    if form.kind == "write" and form.value is None:
        raise errors.feedback_invalid("Writing a property takes a value.", "/value")
    return msgspec.structs.replace(form, name=clean_name(form.name))


def _tag(tag: str) -> str:
    try:
        return clean_tag(tag)
    except ValueError as error:
        raise errors.tag_invalid(str(error)) from error


def _type_of(image: bytes) -> str:
    """The media type of a picture, looked at by Pillow. Raises ``Invalid``."""
    from PIL import Image, UnidentifiedImageError

    if not image:
        raise errors.image_invalid("it is empty.")
    if len(image) > _MOST_IMAGE:
        raise errors.image_invalid(f"it has {len(image)} bytes.")
    try:
        with Image.open(io.BytesIO(image), formats=list(_TYPES)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise errors.image_invalid(f"it has {opened.width} × {opened.height} pixels.")
            opened.verify()
            return _TYPES[str(opened.format)]
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        raise errors.image_invalid("it is no such picture, or damaged.") from error
