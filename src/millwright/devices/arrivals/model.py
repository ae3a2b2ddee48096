"""Arrivals as data. No secret is in them: of what a device presented, only the digest is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.models.model import PropertyType
from millwright.devices.registry.addresses import Dialect, ForeignAddress
from millwright.devices.registry.model import SparkplugBinding
from millwright.kernel import ROOT


class RefusedContact(Struct, frozen=True, kw_only=True):
    """An MQTT connection refused because its credential is unknown; the message on ``arrivals.refused``.

    ``digest`` is what adoption turns into a credential. ``username`` is the user name when a password came with it,
    else the masked token.
    """

    digest: bytes
    username: str
    client_id: str
    peer: str
    at_ms: int
    reason: str
    device_id: str | None = None
    """The registered device that has this user name: it presented a wrong password."""


class SparkplugContact(Struct, frozen=True, kw_only=True):
    """A Sparkplug device, not registered, was born below a registered edge node."""

    edge_id: str
    group_id: str
    edge_node_id: str
    device: str
    at_ms: int
    properties: tuple[ArrivalProperty, ...] = ()


class ChildContact(Struct, frozen=True, kw_only=True):
    """A device, not registered, that a registered gateway spoke for."""

    gateway_id: str
    dialect: Dialect
    product: str
    name: str
    type: str
    at_ms: int


class ArrivalProperty(Struct, frozen=True, kw_only=True):
    """A metric named in the birth."""

    name: str
    type: PropertyType = "number"
    unit: str | None = None


class Arrival(Struct, frozen=True, kw_only=True):
    """A device that made contact. Times are UTC ms; ``attempts`` counts contacts since the first.

    ``device_id`` set: a registered device of that user name came with a wrong password; adopting into it accepts the
    new one. ``parent_id``: the edge node or gateway that the device is below; ``address``: what that gateway calls it.
    """

    id: str
    kind: Literal["mqtt", "sparkplug", "gateway"]
    username: str | None
    client_id: str | None
    peer: str | None
    reason: str | None
    device_id: str | None
    parent_id: str | None
    sparkplug: SparkplugBinding | None
    properties: tuple[ArrivalProperty, ...]
    attempts: int
    first_ms: int
    last_ms: int
    organisation_id: str = ROOT
    address: ForeignAddress | None = None


class Adoption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to adopt: as a new device named ``name``, or into the device ``device_id`` that is registered already."""

    name: Annotated[str | None, Meta(description="Name of the new device.", examples=["pump-7"])] = None
    device_id: Annotated[str | None, Meta(description="Let this registered device in with that credential.")] = None
    title: str | None = None
    model_id: str | None = None
    place_id: str | None = None
    tags: tuple[str, ...] = ()
    sparkplug: Annotated[SparkplugBinding | None, Meta(description="Makes the new device a Sparkplug edge node.")] = (
        None
    )
