"""What decoding needs to know of a device, and what it gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from millwright.devices.dead_letters.model import DeadLetter
from millwright.historian import ReadingBatch, SeriesInfo
from millwright.kernel import ROOT

PropertyType = Literal["number", "integer", "boolean", "string"]


@dataclass(frozen=True, slots=True)
class DeclaredProperty:
    """A property as the device's thing model declares it; ``unit`` is UCUM, the limits are inclusive."""

    name: str
    type: PropertyType = "number"
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A registered device as the decoder sees it."""

    device_id: str
    properties: Mapping[str, DeclaredProperty] = field(default_factory=dict)
    group_id: str | None = None
    """Sparkplug binding: set together with ``edge_node_id``."""
    edge_node_id: str | None = None
    organisation_id: str = ROOT
    """Whose the device is: what it sends counts there."""
    kind: str = "device"
    disabled: bool = False
    """It comes in by itself no more; what a gateway or edge node says for it is refused where it is read."""
    registers: bool = False
    """A gateway that may register the devices it speaks for."""
    dialect: str | None = None
    """Of the platform it comes from; ``realm`` and ``foreign_name`` are its address there."""
    realm: str | None = None
    foreign_name: str | None = None


class Directory(Protocol):
    """Finds registered devices; answers from memory, for it is asked on the hot path.

    Both methods raise ``Unavailable`` when they have to ask the records and those do not answer.
    """

    def find_device(self, device_id: str) -> KnownDevice | None:
        """The device, or ``None`` when no such device is registered."""
        ...

    def find_sparkplug_device(self, edge_id: str, name: str) -> str | None:
        """The id of the Sparkplug device called ``name`` below the edge node ``edge_id``, or ``None``."""
        ...


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """A device said (or its edge node said for it) that it is there, or gone, at ``at_ms``."""

    device_id: str
    online: bool
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An unregistered Sparkplug device heard below a registered edge node."""

    edge_id: str
    group_id: str
    edge_node_id: str
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChildHeard:
    """An unregistered device that a gateway speaks for; ``product`` is empty where the gateway's names stand alone."""

    gateway_id: str
    dialect: str
    product: str
    name: str
    type: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Question:
    """A device asks for its newest values: the answer that ``write`` makes of them goes to ``topic``."""

    device_id: str
    topic: str
    write: Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An MQTT message to be published to devices."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(slots=True)
class Decoded:
    """What a number of frames held. ``counts`` are additions to the node's counters."""

    batch: ReadingBatch
    new_series: list[SeriesInfo] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    presence: list[PresenceChange] = field(default_factory=list)
    arrivals: list[Arrival | ChildHeard] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    last_seen: dict[str, int] = field(default_factory=dict)
    """Device id → receive time (UTC ms) of its newest message in these frames."""
    counts: Counter[str] = field(default_factory=Counter)
    usage: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """(organisation, hour of reception) → [messages, readings] that these frames add."""
    answers: list[Any] = field(default_factory=list)
    """What devices said about commands, in order: as :mod:`millwright.devices.commands` reads it."""
    questions: list[Question] = field(default_factory=list)
