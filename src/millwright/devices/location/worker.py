"""The tracker at work: follows the intake from where it was taken, and keeps what comes of it, a step at a time.

It has no reader of its own at the broker: the position is in the records, with what came of it. While messages wait,
time is the one of their reception, so that a restart after an hour does not take the hour for absence.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from millwright.devices.intake import INTAKE, decode_frame
from millwright.devices.location.feedback import FeedbackStore, Trigger
from millwright.devices.location.keeping import Step, TrackStore
from millwright.devices.location.layout import arrange
from millwright.devices.location.model import LocationEvent
from millwright.devices.location.reading import reports_of
from millwright.devices.location.settings import LocationSettings
from millwright.devices.location.store import LocationStore
from millwright.devices.location.tracker import Tracker
from millwright.engines.nats import NatsConnection, StreamMessage
from millwright.kernel import Clock, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

EVENTS: Final = "events.location"
"""Every event, once it is kept: :class:`LocationEvent` as JSON."""

_FETCH: Final = 64
_KEEP_S: Final = 0.25
_LOOK_S: Final = 1.0
_RETRY_S: Final = 1.0
_MARGIN_MS: Final = 2_000
"""How long a message may be on its way from a listener into the stream, before its absence says anything."""
_MANY: Final = 20_000
_FORGET_S: Final = 3_600.0
_TOLD_MS: Final = 600_000
"""How long it is told that a tag was not followed."""


class LocationWorker:
    """Runs in the role ``location``; a :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        bus: NatsConnection,
        store: LocationStore,
        track: TrackStore,
        feedback: FeedbackStore,
        clock: Clock,
        settings: LocationSettings,
    ) -> None:
        self._bus, self._store, self._track, self._feedback = bus, store, track, feedback
        self._clock, self._settings = clock, settings
        self.tracker = Tracker(most_tags=settings.most_tags)
        self._triggers: Sequence[Trigger] = ()
        self._groups: dict[tuple[str, str], str] = {}
        self._revision = -1
        self._looked_s = self._kept_s = 0.0
        self._forgot_s = float("-inf")
        self._stream = ""
        self._taken = self._kept = self._sightings_kept = 0
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[list[LocationEvent]] | None = None
        self._complained = False
        self.events = 0
        self.missed = 0

    async def start(self) -> None:
        """Begin to follow."""
        await self._bus.ensure_stream(INTAKE)
        self._task = asyncio.create_task(self._forever(), name="location tracker")

    async def stop(self) -> None:
        """Stop. What was not kept is taken again the next time."""
        await end(self._task)
        self._task = None
        if self._writing is not None:  # a thread goes on whoever waits for it: the next tracker must find what it wrote
            await asyncio.wait((self._writing,))
            self._writing = None

    def counters(self) -> dict[str, float]:
        """What was taken, and what came of it."""
        return {
            "location_sightings": self.tracker.sightings,
            "location_late": self.tracker.late,
            "location_events": self.events,
            "location_missed": self.missed,
            "location_unfollowed": self.tracker.unfollowed,
            "location_reactions_surplus": self._track.surplus,
        }

    def gauges(self) -> dict[str, float]:
        """How many tags are known, and readers lost."""
        lost = sum(1 for state in self.tracker.readers.values() if state.lost)
        return {"location_tags": len(self.tracker.tags), "location_readers_lost": lost}

    def problems(self) -> list[dict[str, Any]]:
        """Organisations that are full: tags of theirs were not followed of late."""
        full = {
            organisation_id: at_ms
            for organisation_id, at_ms in self.tracker.full.items()
            if self.tracker.now_ms - at_ms < _TOLD_MS
        }
        if not full:
            return []
        names = ", ".join(sorted(full)[:3])
        message = (
            f"{len(full)} organisations ({names}) have {self._settings.most_tags} tags; new ones are not followed."
        )
        hint = "Look for a reader that makes tags up; else raise [location] most_tags."
        return [{"code": "location.tags_full", "message": message, "hint": hint, "since_ms": min(full.values())}]

    async def _forever(self) -> None:
        while True:
            try:
                await self._follow()
            except MillwrightError as error:
                if not self._complained:
                    self._complained = True
                    logger.warning("places are not followed: %s %s", error.message, error.hint)
            except Exception:
                logger.exception("following places failed; it begins again from what was kept")
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        """From what was kept on, until something fails."""
        await self._recall()
        follower = await self._bus.follow(INTAKE.name, self._taken + 1)
        try:
            while True:
                found = await follower.fetch(_FETCH, wait_s=_KEEP_S)
                if self._complained:
                    self._complained = False
                    logger.info("places are followed again")
                await self._look()
                for message in found:
                    self._take(message)
                if not found:
                    await self._idle()
                overdue = time.monotonic() - self._kept_s >= _KEEP_S
                if overdue or self.tracker.sightings - self._sightings_kept >= _MANY:
                    await self._keep()
        finally:
            await follower.close()

    async def _recall(self) -> None:
        state = await self._bus.state(INTAKE.name)
        self._stream = state.created
        position = await asyncio.to_thread(self._track.position, self._stream)
        self._taken = state.first_sequence - 1 if position is None else position
        if position is not None and state.first_sequence > position + 1 and state.messages:
            self.missed += state.first_sequence - position - 1
            logger.warning("%d frames left the intake before they were followed", self.missed)
            self._taken = state.first_sequence - 1
        self._kept = self._taken if position is None else position
        self.tracker = Tracker(most_tags=self._settings.most_tags)
        self._sightings_kept = 0
        self._revision = -1
        await self._look(now=True)
        tags, readers = await asyncio.to_thread(self._track.memory)
        self.tracker.recall(tags, readers)
        self.tracker.rearrange(self.tracker.layout)  # a zone may have been removed meanwhile

    async def _look(self, *, now: bool = False) -> None:
        """Take up another layout when it was changed."""
        now_s = time.monotonic()
        if not now and now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        if await asyncio.to_thread(self._store.revision) == self._revision:
            return
        self._revision, readers, zones = await asyncio.to_thread(self._store.specs)
        self._triggers = await asyncio.to_thread(self._feedback.triggers)
        known = await asyncio.to_thread(self._store.tags)
        self._groups = {(tag.organisation_id, tag.tag): tag.group for tag in known if tag.group}
        layout = arrange(readers, zones)
        if now:
            self.tracker.layout = layout
        else:
            self.tracker.rearrange(layout)

    def _take(self, message: StreamMessage) -> None:
        """Take a frame. A damaged one is passed over: the historian buries it."""
        self._taken = message.sequence
        try:
            frame = decode_frame(message.data)
        except ValueError:
            return
        for run in frame.runs:
            reader = self.tracker.layout.readers.get(run.device_id)
            if reader is None or run.received_ms < reader.created_ms:
                continue
            told = False
            for report in reports_of(run, reader):
                told = True
                self.tracker.report(reader, report, run.received_ms)
            if not told:
                self.tracker.heard(reader, run.received_ms)

    async def _idle(self) -> None:
        """Nothing waits: time is that of the clock. A stream that was made anew is followed anew."""
        state = await self._bus.state(INTAKE.name)
        if state.created != self._stream:
            await self._keep()
            raise Unavailable(
                "The intake was made anew.", code="location.intake_new", hint="It is followed from its beginning."
            )
        if state.last_sequence <= self._taken:
            self.tracker.tick(self._clock.now_ms() - _MARGIN_MS)

    async def _keep(self) -> None:
        """Write what came of the intake since the last time, and tell it."""
        self._kept_s = time.monotonic()
        happened, trail = self.tracker.take()
        tags, self.tracker.changed_tags = self.tracker.changed_tags, set()
        readers, self.tracker.changed_readers = self.tracker.changed_readers, set()
        if not (happened or trail or tags or readers or self._taken - self._kept >= _FETCH):
            return
        specs = self.tracker.layout.readers
        step = Step(
            self._stream,
            self._taken,
            happened,
            trail,
            [self.tracker.tags[key] for key in tags],
            {each: (specs[each].organisation_id, self.tracker.readers[each]) for each in readers if each in specs},
        )
        now_ms = self._clock.now_ms()
        writing = asyncio.to_thread(self._track.keep, step, self._triggers, self._groups, now_ms)
        self._writing = asyncio.create_task(writing)
        told = await asyncio.shield(self._writing)
        self._kept, self._sightings_kept = self._taken, self.tracker.sightings
        self.events += len(told)
        await self._tell(told)
        await self._forget(now_ms)

    async def _tell(self, told: Sequence[LocationEvent]) -> None:
        try:
            for event in told:
                await self._bus.publish(EVENTS, msgspec.json.encode(event))
        except MillwrightError as error:
            logger.debug("events of places are not told: %s", error.message)

    async def _forget(self, now_ms: int) -> None:
        if time.monotonic() - self._forgot_s < _FORGET_S:
            return
        self._forgot_s = time.monotonic()
        events_ms = now_ms - round(self._settings.events_days * 86_400_000)
        trail_ms = now_ms - round(self._settings.trail_days * 86_400_000)
        await asyncio.to_thread(self._track.forget, events_ms, trail_ms)
        for key in [key for key, tag in self.tracker.tags.items() if tag.seen_ms < min(events_ms, trail_ms)]:
            if not self.tracker.tags[key].stays:
                self.tracker.forget(key)
