"""A device, as the API shows it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from millwright.devices.errors import invalid
from millwright.devices.names import clean_name, clean_title
from millwright.devices.registry.addresses import ForeignAddress, check_foreign
from millwright.kernel import ROOT

Kind = Literal["device", "sparkplug_edge", "sparkplug_device", "gateway", "gateway_device"]
Status = Literal["online", "offline", "never"]

MAX_TAGS = 50


class SparkplugBinding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address in Sparkplug (3.0, clause 4.1): an edge node, or with ``device_id`` a device below it."""

    group_id: str
    edge_node_id: str
    device_id: str | None = None


class PresenceState(Struct, frozen=True, kw_only=True):
    """Whether the device is connected; all null while it was never seen."""

    online: bool = False
    since_ms: int | None = None
    last_seen_ms: int | None = None
    reason: str | None = None


NEVER = PresenceState()
"""Of a device that was never seen."""


class Device(Struct, frozen=True, kw_only=True):
    """A registered device. ``revision`` grows with every change and is its ETag.

    ``address`` is its name on the platform it comes from; ``registers``: a gateway may register devices unasked.
    """

    id: str
    name: str
    title: str | None
    model_id: str | None
    model_version: int | None
    place_id: str | None
    place_path: str | None
    tags: tuple[str, ...]
    kind: Kind
    parent_id: str | None
    sparkplug: SparkplugBinding | None
    disabled: bool
    presence: PresenceState
    created_ms: int
    revision: int
    alarms_active: int = 0
    organisation_id: str = ROOT
    address: ForeignAddress | None = None
    registers: bool = False
    edge_id: str | None = None


class NewDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device to be registered. One below an edge node or gateway names that as ``parent_id``."""

    name: Annotated[str, Meta(description="Unique; compared without case.", examples=["pump-7"])]
    title: Annotated[str | None, Meta(description="For people.", examples=["Cooling pump 7"])] = None
    model_id: str | None = None
    model_version: Annotated[int, Meta(description="Null: the latest.", ge=1)] | None = None
    place_id: str | None = None
    tags: Annotated[tuple[str, ...], Meta(examples=[["cooling", "critical"]])] = ()
    kind: Kind = "device"
    parent_id: str | None = None
    sparkplug: SparkplugBinding | None = None
    disabled: bool = False
    address: Annotated[
        ForeignAddress | None, Meta(description="Its name on the platform it comes from; a gateway's device needs one.")
    ] = None
    registers: Annotated[
        bool, Meta(description="A gateway with this right registers the devices it speaks for, unasked.")
    ] = True
    edge_id: Annotated[str | None, Meta(description="The edge it connects to; null: this node.")] = None


class DeviceChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a device; absent keys stay. A ``sparkplug`` address makes a plain device an edge node."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    model_id: str | UnsetType | None = UNSET
    model_version: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    place_id: str | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    sparkplug: SparkplugBinding | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    kind: (
        Annotated[
            Literal["device", "gateway"],
            Meta(description="Makes a plain device a gateway, or a gateway a plain device."),
        ]
        | UnsetType
    ) = UNSET
    address: ForeignAddress | UnsetType | None = UNSET
    registers: bool | UnsetType = UNSET
    edge_id: Annotated[str | UnsetType | None, Meta(description="The edge it connects to; null: this node.")] = UNSET


class DeviceQuery(Struct, frozen=True, kw_only=True):
    """Which devices to list. ``q`` is looked for in name, title, tags and id; a place includes all below it."""

    q: str | None = None
    place_id: str | None = None
    model_id: str | None = None
    status: Status | None = None
    tag: str | None = None
    kind: Kind | None = None
    parent_id: str | None = None
    property: str | None = None
    edge_id: str | None = None


class DevicePage(Struct, frozen=True, kw_only=True):
    """Devices by name, and where the next page starts (``None``: this was the last)."""

    items: list[Device]
    next: str | None


class DeviceCounts(Struct, frozen=True, kw_only=True):
    """How many devices there are, by presence."""

    total: int
    online: int
    offline: int
    never: int


def check(new: NewDevice, pointer: str = "") -> NewDevice:
    """``new`` with clean names and sorted tags. Raises ``Invalid`` with a pointer below ``pointer``."""
    return structs.replace(
        new,
        name=check_name(new.name, f"{pointer}/name"),
        title=clean_title(new.title, f"{pointer}/title"),
        tags=clean_tags(new.tags, f"{pointer}/tags"),
        sparkplug=check_binding(new, f"{pointer}/sparkplug"),
    )


def check_name(name: str, pointer: str) -> str:
    """A device's name: it serves as an MQTT user name, so it must not look like a device's id or a token."""
    clean = clean_name(name, pointer)
    if clean.lower().startswith(("dev_", "mwd_", "mwt_")):
        raise invalid(
            "A device's name cannot start like an id or a token (dev_, mwd_, mwt_).",
            pointer,
            code="devices.name_invalid",
        )
    return clean


def clean_tags(tags: tuple[str, ...], pointer: str) -> tuple[str, ...]:
    """The tags, each once, sorted."""
    if len(tags) > MAX_TAGS:
        raise invalid(f"More than {MAX_TAGS} tags.", pointer, code="devices.tag_invalid")
    return tuple(sorted({clean_name(tag, f"{pointer}/{number}", most=64) for number, tag in enumerate(tags)}))


def check_binding(new: NewDevice, pointer: str) -> SparkplugBinding | None:
    """The Sparkplug address when it fits the kind of device."""
    binding = new.sparkplug
    if new.address is not None:
        check_foreign(new.address, new.kind, pointer.removesuffix("sparkplug") + "address")
    if new.kind in ("device", "gateway"):
        if binding is not None or new.parent_id is not None:
            raise invalid("A plain device or gateway has no Sparkplug address and no parent.", pointer)
        return None
    if new.kind == "gateway_device":
        if binding is not None or new.parent_id is None or new.address is None:
            raise invalid("A gateway's device needs the gateway as parent_id and its address.", pointer)
        return None
    if binding is None:
        raise invalid(f"A {new.kind} needs its Sparkplug address.", pointer)
    if new.kind == "sparkplug_edge" and (binding.device_id is not None or new.parent_id is not None):
        raise invalid("An edge node's address has no device_id, and it has no parent.", pointer)
    if new.kind == "sparkplug_device" and (binding.device_id is None or new.parent_id is None):
        raise invalid("A Sparkplug device needs its device_id and the edge node as parent_id.", pointer)
    check_address(binding, pointer)
    return binding


def check_address(binding: SparkplugBinding, pointer: str) -> None:
    """Each part is one level of a topic: not empty, no ``+``, ``/``, ``#`` (Sparkplug 3.0, clause 4.1)."""
    for key in ("group_id", "edge_node_id", "device_id"):
        value = getattr(binding, key)
        if value is None:
            continue
        clean_name(value, f"{pointer}/{key}", most=255)
        if set("+/#") & set(value):
            raise invalid("A Sparkplug name contains +, / or #.", f"{pointer}/{key}", code="devices.sparkplug_name")
    if binding.group_id == "STATE":
        raise invalid("No group is named STATE.", f"{pointer}/group_id", code="devices.sparkplug_name")
