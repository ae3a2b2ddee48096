"""What a message in a dialect says, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from millwright.devices.registry.addresses import Dialect
from millwright.devices.telemetry import Unreadable

_DIGITS: Final = 15


class Address(NamedTuple):
    """A device below a gateway. ``product`` is empty where the gateway's names stand alone."""

    dialect: Dialect
    product: str
    name: str


@dataclass(slots=True)
class Part:
    """What a message says of one device: of the sender when ``address`` is ``None``.

    ``payloads`` are telemetry as the JSON decoder takes it; ``online`` is said of a device below a gateway; ``type`` is
    the kind of device that the gateway names. ``letter`` is the message with this part alone, kept when the device is
    not known; ``None``: the message as it came.
    """

    address: Address | None = None
    payloads: list[bytes] = field(default_factory=list)
    online: bool | None = None
    type: str = ""
    letter: bytes | None = None


@dataclass(slots=True)
class Said:
    """A message: its parts, and what it asks for."""

    parts: list[Part] = field(default_factory=list)
    reply_topic: str = ""
    """Where the answer goes; empty: none is expected."""
    reply: bytes = b""
    question: AttributeQuestion | None = None
    answer: CommandAnswer | None = None


@dataclass(slots=True, frozen=True)
class CommandAnswer:
    """A device's answer to the command with this number: done or not, and with what.

    ``raw``: ThingsBoard's, of which any JSON is one.
    """

    address: Address
    number: int
    ok: bool = True
    value: Any = None
    outputs: Any = None
    text: str = ""
    raw: bytes | None = None


def number_of(found: Any) -> int:
    """The number that a command was sent with. Raises :class:`Unreadable` for one that was never given."""
    text = str(found)
    if isinstance(found, bool) or not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise Unreadable("dialect.answer_unasked", "It answers a command that was not given here.")
    return int(text)


@dataclass(slots=True, frozen=True)
class AttributeQuestion:
    """ThingsBoard's request for attributes: keys of a device; ``None``: all; and how the answer looks.

    ``address``: of a device below the sender.
    """

    topic: str
    client: tuple[str, ...] | None = ()
    shared: tuple[str, ...] | None = ()
    address: Address | None = None
    request_id: int | str | None = None
    single: bool = False
