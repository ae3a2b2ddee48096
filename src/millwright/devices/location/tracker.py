"""From sightings to entry, dwell and exit. No I/O and no clock of its own: what happens follows from what was read.

Time is that of the readers, corrected (:mod:`.clocks`). Nobody leaves because a reader is silent: an absence is
believed only when every reader that sees into the zone was heard, without a gap, for as long as the zone's ``exit_ms``
after the tag was seen last. A tag that is seen elsewhere has left, whoever is silent.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from millwright.devices.location.layout import Layout, ReaderSpec, ZoneSpec, arrange
from millwright.devices.location.sightings import Report, Sighting
from millwright.devices.location.states import (
    EventKind,
    Happening,
    ReaderState,
    Reason,
    Spot,
    Stay,
    TagState,
    TrailStep,
)

_RSSI_TAU_MS: Final = 2_000
_POSITION_TAU_MS: Final = 800
_FASTEST_M_S: Final = 15.0
_OUTLIERS: Final = 3
_QUIET_MS: Final = 2_000
_TRAIL_M: Final = 0.5
_TRAIL_MS: Final = 10_000
_TRAIL_READER_MS: Final = 60_000
_SPOT_KEPT_MS: Final = 600_000

Key = tuple[str, str]
"""Organisation and tag."""


class Tracker:
    """Follows every tag of the node; :meth:`take` hands over what happened since the last call.

    Of one organisation ``most_tags``: what is seen first beyond them is ``unfollowed``, and counted in ``full``.
    """

    def __init__(self, layout: Layout | None = None, most_tags: int = 100_000) -> None:
        self._most_tags = most_tags
        self._tags_of: Counter[str] = Counter()
        self.unfollowed = 0
        self.full: dict[str, int] = {}
        """Organisation → when a tag of it was not followed last."""
        self.layout = layout or arrange((), ())
        self.tags: dict[Key, TagState] = {}
        self.readers: dict[str, ReaderState] = {}
        self.now_ms = 0
        self.changed_tags: set[Key] = set()
        self.changed_readers: set[str] = set()
        self.sightings = self.late = 0
        self._happened: list[Happening] = []
        self._trail: list[TrailStep] = []
        self._watched: dict[str, list[tuple[int, Key]]] = {}

    # --- configuration and memory --------------------------------------------------------------------------------

    def recall(self, tags: Iterable[TagState], readers: dict[str, ReaderState]) -> None:
        """Go on from what was kept."""
        self.readers.update(readers)
        for state in tags:
            key = (state.organisation_id, state.tag)
            self.tags[key] = state
            self._tags_of[state.organisation_id] += 1
            for zone_id, stay in state.stays.items():
                zone = self.layout.zones.get(zone_id)
                stay.watched = False
                if zone is not None:
                    self._watch(zone, key, stay)

    def forget(self, key: Key) -> None:
        """Know nothing of a tag any more."""
        if self.tags.pop(key, None) is not None:
            self._tags_of[key[0]] -= 1

    def rearrange(self, layout: Layout) -> None:
        """Go by another layout from now on. Whoever is in a zone that is gone has left it."""
        old, self.layout = self.layout, layout
        for key, state in self.tags.items():
            for zone_id in [each for each in state.stays if each not in layout.zones]:
                stay = state.stays.pop(zone_id)
                self.changed_tags.add(key)
                if stay.inside:
                    name = old.zones[zone_id].name if zone_id in old.zones else zone_id
                    self._happened.append(_exit(state, zone_id, name, stay, stay.last_ms, "removed", certain=False))
        for zone_id in [each for each in self._watched if each not in layout.zones]:
            del self._watched[zone_id]

    def take(self) -> tuple[list[Happening], list[TrailStep]]:
        """What happened since the last call, and where tags were."""
        taken = self._happened, self._trail
        self._happened, self._trail = [], []
        return taken

    def is_certain(self, zone_id: str) -> bool:
        """Whether every reader that sees into the zone is heard."""
        watching = self.layout.watching.get(zone_id, frozenset())
        zone = self.layout.zones.get(zone_id)
        return zone is not None and bool(watching) and not any(self._is_blind(each, zone) for each in watching)

    # --- what readers say ----------------------------------------------------------------------------------------

    def heard(self, reader: ReaderSpec, received_ms: int) -> None:
        """A message of any kind came from the reader: it works."""
        self._advance(reader, received_ms, received_ms)

    def report(self, reader: ReaderSpec, report: Report, received_ms: int) -> None:
        """Take a report that came at ``received_ms``."""
        state = self._reader(reader.device_id)
        self.now_ms = max(self.now_ms, received_ms)
        stated = [each.stated_ms for each in report.sightings if each.stated_ms is not None]
        newest_ms = max(stated, default=None) if report.stated_ms is None else max([report.stated_ms, *stated])
        if newest_ms is not None:
            state.clock.note(newest_ms, received_ms)
        for sighting in report.sightings:
            own_ms = sighting.stated_ms if sighting.stated_ms is not None else report.stated_ms
            time_ms = received_ms if own_ms is None else state.clock.true_ms(own_ms, received_ms)
            self._see(reader, state, sighting, time_ms)
        if report.antennas_down is not None and set(report.antennas_down) != set(state.antennas_down):
            self._antennas(reader, state, sorted(report.antennas_down), received_ms)
        heard_ms = received_ms if newest_ms is None else state.clock.true_ms(newest_ms, received_ms)
        self._advance(reader, heard_ms, received_ms)

    def tick(self, now_ms: int) -> None:
        """Time went by, and everything received until ``now_ms`` was taken: who is silent is lost."""
        self.now_ms = max(self.now_ms, now_ms)
        for device_id, reader in self.layout.readers.items():
            state = self.readers.get(device_id)
            if state is None or state.lost or self.now_ms - state.received_ms <= reader.silence_ms:
                continue
            before = self._certain(reader)
            state.lost = True
            self.changed_readers.add(device_id)
            self._tell_certainty(reader, before, state.received_ms, "reader_lost")

    # --- sightings -----------------------------------------------------------------------------------------------

    def _see(self, reader: ReaderSpec, state: ReaderState, sighting: Sighting, time_ms: int) -> None:
        self.sightings += 1
        state.sightings += 1
        key = (reader.organisation_id, sighting.tag)
        tag = self.tags.get(key)
        if tag is None:
            if self._tags_of[reader.organisation_id] >= self._most_tags:
                self.unfollowed += 1
                self.full[reader.organisation_id] = self.now_ms
                return
            self._tags_of[reader.organisation_id] += 1
            tag = self.tags[key] = TagState(reader.organisation_id, sighting.tag)
        self.changed_tags.add(key)
        if time_ms >= tag.seen_ms:
            tag.seen_ms, tag.reader_id, tag.antenna = time_ms, reader.device_id, sighting.antenna
            tag.rssi_dbm = sighting.rssi_dbm
        if sighting.x_m is not None and sighting.y_m is not None:
            self._see_position(reader, state, tag, sighting, time_ms)
        else:
            self._see_antenna(reader, state, tag, sighting, time_ms)

    def _see_antenna(
        self, reader: ReaderSpec, state: ReaderState, tag: TagState, sighting: Sighting, time_ms: int
    ) -> None:
        at = f"{reader.device_id}/{sighting.antenna}"
        spot = tag.spots.get(at)
        if spot is not None and time_ms <= spot.time_ms:
            if time_ms < spot.time_ms:
                self._late(state, tag, reader, sighting, time_ms)
            return
        if spot is None:
            if len(tag.spots) > 16:
                self._forget_spots(tag, time_ms)
            tag.spots[at] = Spot(time_ms, sighting.rssi_dbm)
        else:
            spot.rssi_dbm = _smooth(spot.rssi_dbm, sighting.rssi_dbm, time_ms - spot.time_ms, _RSSI_TAU_MS)
            spot.time_ms = time_ms
        if time_ms < tag.seen_ms - _QUIET_MS:
            self._late(state, tag, reader, sighting, time_ms)
        elif reader.device_id != tag.trail_reader_id or time_ms - tag.trail_ms >= _TRAIL_READER_MS:
            self._step(tag, reader, sighting.antenna, time_ms, reader.plan_id, reader.x_m, reader.y_m, None)
        for zone in self.layout.zones_seen_by(reader.device_id, sighting.antenna):
            self._seen_in(zone, tag, reader, time_ms)

    def _see_position(
        self, reader: ReaderSpec, state: ReaderState, tag: TagState, sighting: Sighting, time_ms: int
    ) -> None:
        x, y, z = sighting.x_m, sighting.y_m, sighting.z_m
        assert x is not None
        assert y is not None
        if time_ms <= tag.position_ms:
            if time_ms < tag.position_ms:
                self._late(state, tag, reader, sighting, time_ms)
            return
        passed_ms = time_ms - tag.position_ms
        if tag.x_m is None or tag.y_m is None or tag.plan_id != reader.plan_id or passed_ms > 10 * _POSITION_TAU_MS:
            tag.outliers = 0
        elif math.hypot(x - tag.x_m, y - tag.y_m) > 1.0 + _FASTEST_M_S * passed_ms / 1000:
            tag.outliers += 1
            if tag.outliers < _OUTLIERS:
                return  # nobody moves so fast: believed when it is said again
            tag.outliers = 0
        else:
            tag.outliers = 0
            x = _smoothed(tag.x_m, x, passed_ms, _POSITION_TAU_MS)
            y = _smoothed(tag.y_m, y, passed_ms, _POSITION_TAU_MS)
        if tag.plan_id != reader.plan_id:
            self._leave_plan(tag, time_ms)
        tag.plan_id, tag.x_m, tag.y_m, tag.z_m, tag.position_ms = reader.plan_id, x, y, z, time_ms
        moved_m = math.inf
        if tag.trail_x_m is not None and tag.trail_y_m is not None:
            moved_m = math.hypot(x - tag.trail_x_m, y - tag.trail_y_m)
        if moved_m >= _TRAIL_M or time_ms - tag.trail_ms >= _TRAIL_MS:
            self._step(tag, reader, sighting.antenna, time_ms, reader.plan_id, x, y, z)
        for zone in self.layout.by_plan.get(reader.plan_id or "", ()):
            if zone.organisation_id != tag.organisation_id:
                continue
            stay = tag.stays.get(zone.id)
            if zone.holds(x, y, z):
                self._seen_in(zone, tag, reader, time_ms)
            elif stay is not None and zone.is_left(x, y, z):
                self._seen_outside(zone, tag, stay, time_ms)

    def _late(self, state: ReaderState, tag: TagState, reader: ReaderSpec, sighting: Sighting, time_ms: int) -> None:
        """What is older than what is known changes nothing; it is kept in the trail."""
        state.late += 1
        self.late += 1
        x, y = (sighting.x_m, sighting.y_m) if sighting.x_m is not None else (reader.x_m, reader.y_m)
        self._trail.append(
            TrailStep(
                organisation_id=tag.organisation_id,
                tag=tag.tag,
                time_ms=time_ms,
                reader_id=reader.device_id,
                antenna=sighting.antenna,
                plan_id=reader.plan_id,
                x_m=x,
                y_m=y,
                z_m=sighting.z_m,
                late=True,
            )
        )

    def _step(
        self,
        tag: TagState,
        reader: ReaderSpec,
        antenna: int,
        time_ms: int,
        plan_id: str | None,
        x_m: float | None,
        y_m: float | None,
        z_m: float | None,
    ) -> None:
        tag.trail_ms, tag.trail_x_m, tag.trail_y_m, tag.trail_reader_id = time_ms, x_m, y_m, reader.device_id
        self._trail.append(
            TrailStep(
                organisation_id=tag.organisation_id,
                tag=tag.tag,
                time_ms=time_ms,
                reader_id=reader.device_id,
                antenna=antenna,
                plan_id=plan_id,
                x_m=x_m,
                y_m=y_m,
                z_m=z_m,
            )
        )

    # --- zones ---------------------------------------------------------------------------------------------------

    def _seen_in(self, zone: ZoneSpec, tag: TagState, reader: ReaderSpec, time_ms: int) -> None:
        stay = tag.stays.get(zone.id)
        if stay is None or (not stay.inside and time_ms - stay.last_ms > zone.unseen_ms):
            watched = stay is not None and stay.watched
            stay = tag.stays[zone.id] = Stay(time_ms, time_ms, watched=watched)
        elif time_ms > stay.last_ms:
            stay.last_ms = time_ms
            stay.reads += 1
            stay.out_ms = 0
        if not stay.inside:
            ready = stay.reads >= zone.enter_reads and time_ms - stay.since_ms >= zone.enter_ms
            if ready and self._wins(zone, tag, time_ms):
                self._enter(zone, tag, stay, reader, time_ms)
        if stay.inside and zone.dwell_ms and not stay.dwelled and stay.last_ms - stay.since_ms >= zone.dwell_ms:
            stay.dwelled = True
            at_ms = stay.since_ms + zone.dwell_ms
            self._tell("dwell", zone, tag, at_ms, stay, reader.device_id, certain=self.is_certain(zone.id))
        self._watch(zone, (tag.organisation_id, tag.tag), stay)

    def _seen_outside(self, zone: ZoneSpec, tag: TagState, stay: Stay, time_ms: int) -> None:
        if not stay.inside:
            del tag.stays[zone.id]
            return
        if not stay.out_ms:
            stay.out_ms = time_ms
        if time_ms - stay.out_ms >= zone.exit_ms:
            self._exit(zone.id, tag, stay, max(stay.since_ms, min(stay.last_ms, stay.out_ms)), "moved", certain=True)

    def _wins(self, zone: ZoneSpec, tag: TagState, time_ms: int) -> bool:
        """Whether the zone may have the tag: no other zone that shares nothing holds it more strongly."""
        if not zone.antennas or not zone.exclusive:
            return True
        for other in self._rivals(zone, tag):
            stay = tag.stays[other.id]
            if stay.last_ms > time_ms + _QUIET_MS:
                return False  # it has been there since: this is old news
            if time_ms - stay.last_ms >= max(_QUIET_MS, zone.enter_ms):
                continue
            mine, theirs = self._strength(zone, tag, time_ms), self._strength(other, tag, time_ms)
            if mine is None or theirs is None or mine < theirs + zone.margin_db:
                return False
        return True

    def _rivals(self, zone: ZoneSpec, tag: TagState) -> list[ZoneSpec]:
        found = []
        for zone_id, stay in tag.stays.items():
            other = self.layout.zones.get(zone_id)
            if other is not None and stay.inside and other.antennas and other.exclusive and other is not zone:
                found.append(other)
        return found

    def _strength(self, zone: ZoneSpec, tag: TagState, time_ms: int) -> float | None:
        best: float | None = None
        for device_id, antenna in zone.antennas:
            for at, spot in tag.spots.items():
                seen_by, _, number = at.rpartition("/")
                if seen_by != device_id or (antenna >= 0 and int(number) != antenna) or spot.rssi_dbm is None:
                    continue
                if abs(time_ms - spot.time_ms) <= _QUIET_MS and (best is None or spot.rssi_dbm > best):
                    best = spot.rssi_dbm
        return best

    def _enter(self, zone: ZoneSpec, tag: TagState, stay: Stay, reader: ReaderSpec, time_ms: int) -> None:
        at_ms = stay.since_ms
        if zone.antennas and zone.exclusive:
            for other in self._rivals(zone, tag):
                left = tag.stays[other.id]
                if left.last_ms > at_ms:
                    at_ms = time_ms  # both saw it for a while: it moved when this one had become the stronger
                self._exit(other.id, tag, left, max(left.since_ms, min(left.last_ms, at_ms)), "moved", certain=True)
        stay.inside, stay.since_ms = True, at_ms
        self._tell("enter", zone, tag, at_ms, stay, reader.device_id, certain=True)

    def _leave_plan(self, tag: TagState, time_ms: int) -> None:
        """A tag that is seen on another plan has left the areas of the old one."""
        for zone_id, stay in list(tag.stays.items()):
            zone = self.layout.zones.get(zone_id)
            if zone is None or zone.antennas or zone.plan_id != tag.plan_id:
                continue
            if stay.inside:
                self._exit(zone_id, tag, stay, min(stay.last_ms, time_ms), "moved", certain=True)
            else:
                del tag.stays[zone_id]

    def _exit(self, zone_id: str, tag: TagState, stay: Stay, at_ms: int, reason: Reason, *, certain: bool) -> None:
        del tag.stays[zone_id]
        zone = self.layout.zones.get(zone_id)
        name = zone.name if zone is not None else zone_id
        self._happened.append(_exit(tag, zone_id, name, stay, at_ms, reason, certain=certain))

    def _tell(
        self, kind: EventKind, zone: ZoneSpec, tag: TagState, at_ms: int, stay: Stay, reader_id: str, *, certain: bool
    ) -> None:
        self._happened.append(
            Happening(
                kind=kind,
                time_ms=at_ms,
                organisation_id=tag.organisation_id,
                zone_id=zone.id,
                zone=zone.name,
                tag=tag.tag,
                entered_ms=stay.since_ms,
                stay_ms=at_ms - stay.since_ms if kind == "dwell" else None,
                reader_id=reader_id,
                certain=certain,
            )
        )

    # --- absence -------------------------------------------------------------------------------------------------

    def _watch(self, zone: ZoneSpec, key: Key, stay: Stay) -> None:
        if not stay.watched:
            stay.watched = True
            heapq.heappush(self._watched.setdefault(zone.id, []), (stay.last_ms + zone.unseen_ms, key))

    def _advance(self, reader: ReaderSpec, heard_ms: int, received_ms: int) -> None:
        """The reader's word goes to ``heard_ms``: whoever it has not seen since may have left."""
        state = self._reader(reader.device_id)
        self.changed_readers.add(reader.device_id)
        self.now_ms = max(self.now_ms, received_ms)
        if heard_ms - state.heard_ms > reader.silence_ms:
            state.resumed_ms = heard_ms
        state.heard_ms = max(state.heard_ms, heard_ms)
        state.received_ms = max(state.received_ms, received_ms)
        if state.lost and self.now_ms - state.received_ms <= reader.silence_ms:
            before = self._certain(reader)
            state.lost = False
            self._tell_certainty(reader, before, heard_ms, "reader_back")
        for zone in self.layout.by_reader.get(reader.device_id, ()):
            if self._watched.get(zone.id):
                self._look_for_absent(zone)

    def _look_for_absent(self, zone: ZoneSpec) -> None:
        watching = self.layout.watching[zone.id]
        states = [self.readers.get(each) for each in watching]
        if any(self._is_blind(each, zone) for each in watching):
            return
        heard_ms = min(state.heard_ms for state in states if state is not None)
        resumed_ms = max(state.resumed_ms for state in states if state is not None)
        heap = self._watched[zone.id]
        while heap and heap[0][0] <= heard_ms:
            _, key = heapq.heappop(heap)
            tag = self.tags.get(key)
            stay = tag.stays.get(zone.id) if tag is not None else None
            if tag is None or stay is None:
                continue
            due_ms = max(stay.last_ms, resumed_ms) + zone.unseen_ms
            if due_ms > heard_ms:
                heapq.heappush(heap, (due_ms, key))
                continue
            self.changed_tags.add(key)
            if stay.inside:
                self._exit(zone.id, tag, stay, stay.last_ms, "absent", certain=resumed_ms <= stay.last_ms)
            else:
                del tag.stays[zone.id]

    # --- who can be seen -----------------------------------------------------------------------------------------

    def _reader(self, device_id: str) -> ReaderState:
        state = self.readers.get(device_id)
        if state is None:
            state = self.readers[device_id] = ReaderState()
        return state

    def _is_blind(self, device_id: str, zone: ZoneSpec) -> bool:
        state = self.readers.get(device_id)
        if state is None or state.lost or not state.heard_ms:
            return True
        if not state.antennas_down or not zone.antennas:
            return False
        used = {antenna for at, antenna in zone.antennas if at == device_id}
        return any(antenna < 0 or antenna in state.antennas_down for antenna in used)

    def _certain(self, reader: ReaderSpec) -> dict[str, bool]:
        return {zone.id: self.is_certain(zone.id) for zone in self.layout.by_reader.get(reader.device_id, ())}

    def _antennas(self, reader: ReaderSpec, state: ReaderState, down: list[int], at_ms: int) -> None:
        before = self._certain(reader)
        if set(state.antennas_down) - set(down):
            state.resumed_ms = max(state.resumed_ms, at_ms)
        state.antennas_down = down
        self._tell_certainty(reader, before, at_ms, "reader_lost" if down else "reader_back")

    def _tell_certainty(self, reader: ReaderSpec, before: dict[str, bool], at_ms: int, reason: Reason) -> None:
        for zone in self.layout.by_reader.get(reader.device_id, ()):
            certain = self.is_certain(zone.id)
            if certain != before[zone.id]:
                self._happened.append(
                    Happening(
                        kind="certain" if certain else "uncertain",
                        time_ms=at_ms,
                        organisation_id=zone.organisation_id,
                        zone_id=zone.id,
                        zone=zone.name,
                        reader_id=reader.device_id,
                        certain=certain,
                        reason="reader_back" if certain else reason,
                    )
                )

    @staticmethod
    def _forget_spots(tag: TagState, time_ms: int) -> None:
        for at in [each for each, spot in tag.spots.items() if time_ms - spot.time_ms > _SPOT_KEPT_MS]:
            del tag.spots[at]


def _exit(
    tag: TagState, zone_id: str, name: str, stay: Stay, at_ms: int, reason: Reason, *, certain: bool
) -> Happening:
    return Happening(
        kind="exit",
        time_ms=at_ms,
        organisation_id=tag.organisation_id,
        zone_id=zone_id,
        zone=name,
        tag=tag.tag,
        entered_ms=stay.since_ms,
        stay_ms=max(0, at_ms - stay.since_ms),
        reader_id=tag.reader_id,
        certain=certain,
        reason=reason,
    )


def _smooth(old: float | None, new: float | None, passed_ms: int, tau_ms: int) -> float | None:
    if old is None or new is None:
        return new if new is not None else old
    return _smoothed(old, new, passed_ms, tau_ms)


def _smoothed(old: float, new: float, passed_ms: int, tau_ms: int) -> float:
    return new + (old - new) * math.exp(-passed_ms / tau_ms)
