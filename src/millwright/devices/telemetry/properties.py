"""The properties of one device as its messages show them: identities, what the model says, message shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.telemetry.columns import EXACT, UNLIMITED, Shape, is_inexact
from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.layouts import Layout
from millwright.devices.telemetry.model import DeclaredProperty, KnownDevice
from millwright.devices.telemetry.receive_clock import ReceiveClock
from millwright.devices.telemetry.repeats import owner_key
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.historian import BOOLEAN, GOOD, NUMBER, TEXT, UNCERTAIN, Kind, SeriesInfo, series_id

NAME_BYTES: Final = 256
"""Longest property name in UTF-8."""

_KINDS: Final[Mapping[type, Kind]] = {float: NUMBER, int: NUMBER, bool: BOOLEAN, str: TEXT}
_FITTING: Final[Mapping[str, Kind]] = {"number": NUMBER, "integer": NUMBER, "boolean": BOOLEAN, "string": TEXT}


@dataclass(slots=True)
class Property:
    """A property a device has sent: the series it fills, its declaration if any, the kinds already announced."""

    name: str
    series: int
    declared: DeclaredProperty | None
    unit: str | None
    announced: set[Kind] = field(default_factory=set)

    def fits(self, kind: Kind) -> bool:
        """Whether the model expects that kind (an undeclared property takes any)."""
        return self.declared is None or _FITTING[self.declared.type] is kind

    @property
    def limits(self) -> tuple[float, float]:
        """Declared limits, infinite where there is none."""
        if self.declared is None:
            return UNLIMITED
        low, high = self.declared.minimum, self.declared.maximum
        return (UNLIMITED[0] if low is None else low, UNLIMITED[1] if high is None else high)

    @property
    def kind(self) -> Kind:
        """What a reading without a value counts as: the declared kind, or a number."""
        return NUMBER if self.declared is None else _FITTING[self.declared.type]

    @staticmethod
    def kind_of(value: float | bool | str) -> Kind:
        """What ``value`` is."""
        return _KINDS[type(value)]

    @property
    def integral(self) -> bool:
        """Whether the model declares whole numbers."""
        return self.declared is not None and self.declared.type == "integer"

    def quality(self, value: float | bool | str, quality: int = GOOD) -> int:
        """``quality``, lowered to uncertain when ``value`` breaks the model or loses digits."""
        kind = _KINDS[type(value)]
        if kind is NUMBER and not isinstance(value, str):
            low, high = self.limits
            doubtful = not low <= value <= high or (self.integral and value != value // 1)
            doubtful = doubtful or (abs(value) >= EXACT and is_inexact(value))
        else:
            doubtful = False
        return min(quality, UNCERTAIN) if doubtful or not self.fits(kind) else quality


@dataclass(slots=True)
class DeviceProperties:
    """What the decoder remembers of one device.

    ``shapes`` maps the names, value types and envelope of a flat message to its shape; ``layouts`` are those it sends
    often, the most usual ones first.
    """

    device: KnownDevice
    settings: TelemetrySettings
    new: list[SeriesInfo] = field(default_factory=list)
    """Series not announced before are added here; the collector's list, shared by all devices."""
    by_name: dict[str, Property] = field(default_factory=dict)
    shapes: dict[tuple[tuple[str, ...], tuple[type, ...], str | None], Shape] = field(default_factory=dict)
    layouts: list[Layout] = field(default_factory=list)
    clock: ReceiveClock = field(default_factory=ReceiveClock)
    owner: int = 0
    """The device's key in the memory of repeatable messages."""

    def __post_init__(self) -> None:
        self.owner = owner_key(self.device.device_id)

    def find(self, name: str) -> Property:
        """The property called ``name``, made when it is new. Raises :class:`Unreadable` when a bound forbids it."""
        found = self.by_name.get(name)
        return self._add(name) if found is None else found

    def _add(self, name: str) -> Property:
        if not name or "\0" in name or len(name.encode()) > NAME_BYTES:
            raise Unreadable(
                "telemetry.property_name",
                f"A property name must have 1 to {NAME_BYTES} bytes of UTF-8 without NUL; this one is {name[:40]!r}.",
            )
        if len(self.by_name) >= self.settings.device_properties:
            raise Unreadable(
                "telemetry.device_property_limit",
                f"The device already has {len(self.by_name)} properties; {name[:40]!r} would be one more.",
            )
        declared = self.device.properties.get(name)
        added = Property(name, series_id(self.device.device_id, name), declared, declared.unit if declared else None)
        self.by_name[name] = added
        return added

    def announce(self, found: Property, kind: Kind) -> None:
        """Put the series into ``new`` the first time it carries values of ``kind``."""
        if kind not in found.announced:
            found.announced.add(kind)
            self.new.append(
                SeriesInfo.of(
                    self.device.device_id, found.name, kind, unit=found.unit, known=found.declared is not None
                )
            )

    def describe(self, name: str, unit: str | None) -> None:
        """Note the unit that the device itself states; announces the series again when that is news."""
        found = self.find(name)
        if unit and found.unit is None:
            found.unit = unit
            found.announced.clear()

    def learn(self, names: Iterable[str], types: Iterable[type]) -> Shape:
        """A shape for a message with these names and value types (numbers and booleans)."""
        properties = [self.find(name) for name in names]
        kinds = [_KINDS[kind] for kind in types]
        for found, kind in zip(properties, kinds, strict=True):
            self.announce(found, kind)
        return Shape(
            names=[found.name for found in properties],
            series=[found.series for found in properties],
            kinds=kinds,
            qualities=[GOOD if found.fits(kind) else UNCERTAIN for found, kind in zip(properties, kinds, strict=True)],
            limits=[found.limits for found in properties],
            integral=[found.integral for found in properties],
        )
