"""Connections and points, as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from millwright.devices.connectors.contract import Identity, Value, ValueType
from millwright.kernel import ROOT

PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: neither a database nor a table of people takes them."""

Interval = Annotated[int, Meta(description="About how often the value is read.", ge=10, le=86_400_000)]
Address = Annotated[
    str,
    Meta(
        description="In the protocol's own notation.",
        min_length=1,
        max_length=1024,
        pattern=PRINTABLE,
        examples=["sine/1"],
    ),
]
PropertyName = Annotated[str, Meta(min_length=1, max_length=255, pattern=PRINTABLE, examples=["temperature"])]
EdgeId = Annotated[str, Meta(max_length=64)]
Settings = Annotated[
    Mapping[str, Any], Meta(description="As the kind's fields say. Secrets are taken and never shown again.")
]


class FieldConnection(Struct, frozen=True, kw_only=True):
    """A configured use of a connector. ``revision`` is its ETag.

    ``secrets`` names the secret settings that are set; their values are sealed and never shown. ``program_changed``:
    what runs on the other side is not what it was, and nobody has acknowledged that yet.
    """

    id: str
    name: str
    kind: str
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    enabled: bool
    place_id: str | None
    program_changed: bool
    points: int
    created_ms: int
    revision: int
    organisation_id: str = ROOT
    edge_id: str | None = None


class NewConnection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A connection to be made."""

    name: Annotated[str, Meta(description="Unique; compared without case.", examples=["Press line PLC"])]
    kind: Annotated[str, Meta(max_length=32, examples=["simulator"])]
    settings: Settings = {}
    enabled: bool = True
    place_id: str | None = None
    edge_id: Annotated[EdgeId | None, Meta(description="The edge it runs at; null: this node.")] = None


class ConnectionChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; absent keys stay. ``settings`` replaces them all, but a secret that is left out stays as it is
    and one that is null is removed."""

    name: str | UnsetType = UNSET
    settings: Settings | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    place_id: str | UnsetType | None = UNSET
    edge_id: EdgeId | UnsetType | None = UNSET


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which peer to ask: a connection, or a kind with settings that are not kept; or a connection with other settings,
    whose secrets are used where none are given."""

    connection_id: Annotated[str, Meta(max_length=64)] | None = None
    kind: Annotated[str, Meta(max_length=32, examples=["simulator"])] | None = None
    settings: Settings | None = None
    edge_id: Annotated[
        EdgeId | None, Meta(description="An edge to ask from; null: where the connection runs, or this node.")
    ] = None


class BrowseRequest(Draft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to browse: what is below ``parent``, at the top without one; ``cursor`` continues a page."""

    parent: Annotated[str, Meta(max_length=1024)] | None = None
    cursor: Annotated[str, Meta(max_length=4096)] | None = None


class ReadRequest(Draft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Addresses to be read now."""

    addresses: Annotated[Sequence[Address], Meta(min_length=1, max_length=1000)]


class PeerIdentity(Struct, frozen=True, kw_only=True):
    """What the other side says of itself; texts are empty where the protocol has no such question."""

    vendor: str = ""
    product: str = ""
    version: str = ""
    serial: str = ""
    fingerprint: str = ""
    note: str = ""

    @classmethod
    def of(cls, identity: Identity) -> PeerIdentity:
        """What a connector said."""
        return cls(**structs.asdict(identity))


class FoundPeer(Struct, frozen=True, kw_only=True):
    """A peer on the local network, with the settings that would connect to it."""

    title: str
    settings: Mapping[str, Any]
    detail: str = ""


class Tested(Struct, frozen=True, kw_only=True):
    """What a test found: what the other side says of itself, how long connecting took and one question takes."""

    identity: PeerIdentity
    open_ms: float
    latency_ms: float


class ReadValue(Struct, frozen=True, kw_only=True):
    """A value read just now."""

    address: str
    value: Value
    time_ms: int | None
    quality: int
    note: str


class PointView(Struct, frozen=True, kw_only=True):
    """A point: what is read at ``address`` becomes a property of a device: value × ``scale`` + ``offset``."""

    id: str
    connection_id: str
    address: str
    device_id: str
    device: str
    property: str
    interval_ms: int
    deadband: float
    scale: float | None
    offset: float | None
    writable: bool


class NewPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point to be followed."""

    address: Address
    device_id: Annotated[str, Meta(max_length=64)]
    property: PropertyName
    interval_ms: Interval = 1000
    deadband: Annotated[float, Meta(description="Smaller changes are not recorded.", ge=0)] = 0.0
    scale: Annotated[float | None, Meta(description="Factor from the raw value to that of the property.")] = None
    offset: Annotated[float | None, Meta(description="Added after the factor.")] = None
    writable: bool = False


class PointChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a point; absent keys stay."""

    address: Address | UnsetType = UNSET
    device_id: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    property: PropertyName | UnsetType = UNSET
    interval_ms: Interval | UnsetType = UNSET
    deadband: Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    scale: float | UnsetType | None = UNSET
    offset: float | UnsetType | None = UNSET
    writable: bool | UnsetType = UNSET


class PointPage(Struct, frozen=True, kw_only=True):
    """Points in the order in which they were made, and where the next page starts."""

    items: Sequence[PointView]
    next: str | None


class RefusedPoint(Struct, frozen=True, kw_only=True):
    """A row that was not taken; ``row`` counts from 1, without the header."""

    row: int
    address: str
    code: str
    reason: str


class PointReport(Struct, frozen=True, kw_only=True):
    """What an import of points did."""

    created: int
    refused: Sequence[RefusedPoint]
    dry_run: bool = False


class Tag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ticked node that becomes a property: its name is made from ``name`` unless ``property`` says it."""

    address: Address
    name: Annotated[str, Meta(max_length=255)] = ""
    property: PropertyName | None = None
    type: ValueType | None = None
    unit: Annotated[str, Meta(max_length=64)] | None = None
    description: Annotated[str, Meta(max_length=500)] = ""
    writable: bool = False
    interval_ms: Interval = 1000
    deadband: Annotated[float, Meta(ge=0)] = 0.0


class NewThing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tags to be mapped: to the device ``device_id``, or to a new one ``device_name``, with a model ``model_name`` made
    from the tags, ``model_id``, or none."""

    tags: Annotated[Sequence[Tag], Meta(min_length=1, max_length=5000)]
    device_id: Annotated[str, Meta(max_length=64)] | None = None
    device_name: Annotated[str, Meta(max_length=128)] | None = None
    model_id: Annotated[str, Meta(max_length=64)] | None = None
    model_name: Annotated[str, Meta(max_length=128)] | None = None
    place_id: Annotated[str, Meta(max_length=64)] | None = None


class Thing(Struct, frozen=True, kw_only=True):
    """What was made or used for the tags."""

    device_id: str
    device_name: str
    model_id: str | None
    points: int


State = Literal["connecting", "running", "lost", "refused", "stopped"]
"""``lost``: to be tried again soon. ``refused``: the settings are wrong, or we are not let in; tried slowly."""


class Trouble(Struct, frozen=True, kw_only=True):
    """Something that is wrong with a connection, in words."""

    code: str
    message: str
    hint: str = ""
    at_ms: int = 0


class ConnectionHealth(Struct, frozen=True, kw_only=True):
    """How a connection does. ``recent``: samples a second, two seconds apart, the newest last, over two minutes.

    ``lag_ms``: between a value's own time and its receipt, of the newest values; null where none has a time.
    """

    connection_id: str
    state: State = "stopped"
    since_ms: int | None = None
    error: Trouble | None = None
    problems: Sequence[Trouble] = ()
    reconnects: int = 0
    samples: int = 0
    samples_per_s: float = 0.0
    points: int = 0
    points_good: int = 0
    points_bad: int = 0
    lag_ms: float | None = None
    recent: Sequence[float] = ()
    identity: PeerIdentity | None = None
    reported_ms: Annotated[int | None, Meta(description="When the edge that it runs at said so.")] = None


class LiveValue(Struct, frozen=True, kw_only=True):
    """The newest value of a point, as it was delivered (before scale and offset)."""

    point_id: str
    value: Value
    time_ms: int | None
    received_ms: int
    quality: int
    note: str
