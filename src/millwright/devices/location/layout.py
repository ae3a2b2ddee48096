"""What the tracker goes by: readers and zones as they are configured now, indexed for the hot path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from millwright.devices.location.geometry import Box, Point, box_of, contains, distance

ANY_ANTENNA = -1
"""Stands for every antenna of a reader."""


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """A device that sees tags. It is lost when nothing came from it for ``silence_ms``."""

    device_id: str
    organisation_id: str
    silence_ms: int = 60_000
    created_ms: int = 0
    plan_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    reads: str = "reads"
    """The property that carries whole reports, for readers whose values come by a connection."""
    names: tuple[str | None, str | None, str | None, str | None] = (None, None, None, None)
    """The properties that carry tag, x, y and z, for positioning systems that send telemetry. Without one for the tag,
    the device says where it is itself."""


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A zone: antennas that see into it, or an area of a plan.

    ``enter_ms`` and ``enter_reads``: how long and how often a tag must be seen before it is inside. ``exit_ms``: how
    long it must be unseen, or outside, before it has left. ``absent_ms``: of an area, how long it may be silent.
    """

    id: str
    name: str
    organisation_id: str
    plan_id: str | None = None
    antennas: frozenset[tuple[str, int]] = frozenset()
    polygon: tuple[Point, ...] = ()
    z_min_m: float | None = None
    z_max_m: float | None = None
    enter_ms: int = 0
    enter_reads: int = 2
    exit_ms: int = 10_000
    absent_ms: int = 300_000
    dwell_ms: int = 0
    margin_m: float = 0.5
    exclusive: bool = True
    margin_db: float = 6.0
    box: Box | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Know the box around the area."""
        if self.polygon:
            object.__setattr__(self, "box", box_of(self.polygon))

    @property
    def unseen_ms(self) -> int:
        """How long a tag may be unseen before it has left."""
        return self.exit_ms if self.antennas else self.absent_ms

    def holds(self, x: float, y: float, z: float | None) -> bool:
        """Whether a position lies in the area."""
        return self._is_near(x, y, 0.0) and self._at_height(z) and contains(self.polygon, x, y)

    def is_left(self, x: float, y: float, z: float | None) -> bool:
        """Whether a position lies clearly outside: farther from the border than the margin."""
        if not self._at_height(z) or not self._is_near(x, y, self.margin_m):
            return True
        return not contains(self.polygon, x, y) and distance(self.polygon, x, y) > self.margin_m

    def _is_near(self, x: float, y: float, margin_m: float) -> bool:
        """Whether the position is in the box around the area, or so near to it: quickly asked."""
        if self.box is None:
            return False
        x1, y1, x2, y2 = self.box
        return x1 - margin_m <= x <= x2 + margin_m and y1 - margin_m <= y <= y2 + margin_m

    def _at_height(self, z: float | None) -> bool:
        if z is None:
            return True
        return (self.z_min_m is None or z >= self.z_min_m) and (self.z_max_m is None or z <= self.z_max_m)


@dataclass(slots=True)
class Layout:
    """Readers and zones by what is asked for while tracking."""

    readers: dict[str, ReaderSpec] = field(default_factory=dict)
    zones: dict[str, ZoneSpec] = field(default_factory=dict)
    by_antenna: dict[tuple[str, int], tuple[ZoneSpec, ...]] = field(default_factory=dict)
    by_plan: dict[str, tuple[ZoneSpec, ...]] = field(default_factory=dict)
    by_reader: dict[str, tuple[ZoneSpec, ...]] = field(default_factory=dict)
    watching: dict[str, frozenset[str]] = field(default_factory=dict)
    """Zone → the readers that must be heard before it is believed that somebody left."""

    def zones_seen_by(self, device_id: str, antenna: int) -> tuple[ZoneSpec, ...]:
        """The zones that the antenna sees into."""
        own = self.by_antenna.get((device_id, antenna), ())
        return own + self.by_antenna.get((device_id, ANY_ANTENNA), ())


def arrange(readers: Iterable[ReaderSpec], zones: Iterable[ZoneSpec]) -> Layout:
    """Index readers and zones. Antennas of devices that are no readers (any more) are left out."""
    layout = Layout({reader.device_id: reader for reader in readers}, {zone.id: zone for zone in zones})
    by_antenna: dict[tuple[str, int], list[ZoneSpec]] = {}
    by_plan: dict[str, list[ZoneSpec]] = {}
    by_reader: dict[str, list[ZoneSpec]] = {}
    for zone in layout.zones.values():
        if zone.antennas:
            for antenna in sorted(zone.antennas):
                if antenna[0] in layout.readers:
                    by_antenna.setdefault(antenna, []).append(zone)
            watching = {device_id for device_id, _ in zone.antennas} & layout.readers.keys()
        else:
            by_plan.setdefault(zone.plan_id or "", []).append(zone)
            watching = {each.device_id for each in layout.readers.values() if each.plan_id == zone.plan_id}
        layout.watching[zone.id] = frozenset(watching)
        for device_id in watching:
            by_reader.setdefault(device_id, []).append(zone)
    layout.by_antenna = {key: tuple(found) for key, found in by_antenna.items()}
    layout.by_plan = {key: tuple(found) for key, found in by_plan.items()}
    layout.by_reader = {key: tuple(found) for key, found in by_reader.items()}
    return layout
