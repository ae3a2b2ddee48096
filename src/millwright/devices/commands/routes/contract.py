"""The ports: a route that carries commands, and a connector's points as a route sees them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct

from millwright.devices.commands.model import Outcome, Value
from millwright.devices.commands.store import Addressed


class Reach(Struct, frozen=True, kw_only=True):
    """A way that is open to a device now. ``token`` is what the route needs to use it, kept with the attempt."""

    route: str
    token: dict[str, Any] = {}


class Delivery(Struct, frozen=True, kw_only=True):
    """What became of one attempt.

    ``sent``: the device's connection has it. ``acknowledged``: the device took it. ``confirmed``: its effect was seen.
    ``not_sent``: certainly not, it may be tried again. ``unknown``: nobody can tell. ``failed``: it cannot be done.
    """

    status: Literal["sent", "acknowledged", "confirmed", "not_sent", "unknown", "failed"]
    outcome: Outcome | None = None
    value: Value | None = None
    outputs: dict[str, Any] | None = None


class Route(Protocol):
    """Carries commands to devices.

    ``idempotent`` says whether an attempt of which nobody knows may be repeated: of a write, since the same value twice
    is the same value; never of a call.
    """

    name: str

    def idempotent(self, each: Addressed) -> bool:
        """Whether the command may be sent again when nobody knows whether it was sent."""
        ...

    async def deliver(self, each: Addressed, reach: Reach) -> Delivery:
        """Make one attempt. Raises nothing for what can go wrong on the way: that is a delivery."""
        ...

    async def recall(self, each: Addressed, reach: Reach) -> Delivery:
        """What became of an attempt that a process that died had begun; sends nothing."""
        ...


class ConnectorPoint(NamedTuple):
    """A device's property or service as a point of a connection."""

    connection_id: str
    address: str
    writable: bool


class Written(Struct, frozen=True, kw_only=True):
    """What writing or calling came to: ``accepted`` by the machine, ``read_back`` when it was read again."""

    accepted: bool
    read_back: Value | None = None
    outputs: dict[str, Any] | None = None
    message: str = ""


class ConnectorRoute(Protocol):
    """The points of connectors, for commands. Every method may raise ``MillwrightError``."""

    async def find(self, device_id: str, name: str) -> ConnectorPoint | None:
        """The point that the device's property (or service) is mapped to."""
        ...

    async def write(self, connection_id: str, address: str, value: Value, timeout_s: float) -> Written:
        """Write it. Raises ``Unavailable`` when the machine does not answer: then nobody knows."""
        ...

    async def call(self, connection_id: str, address: str, inputs: dict[str, Value], timeout_s: float) -> Written:
        """Call a method. Raises ``Unsupported`` when the protocol has none, ``Unavailable`` as :meth:`write`."""
        ...
