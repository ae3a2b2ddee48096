"""General purpose inputs and outputs of a reader: their states, and the octets that ask for and set them.

GS1 LLRP 1.1, clauses 13.2.4 (GPIOCapabilities), 14.2.6 (GPIPortCurrentState, GPOWriteData) and 14.2.7.5.2 (GPIEvent).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from . import wire

GPIO_CAPABILITIES, GPI_STATE, GPO_DATA, GPI_EVENT = wire.GPIO_CAPABILITIES, 225, 219, 248
_CONFIG: Final = {"gpi": 9, "gpo": 10}
"""What GET_READER_CONFIG asks for."""
_HIGH, _LOW = 1, 0


@dataclass(frozen=True, slots=True)
class PortEvent:
    """An input that changed, and when by the reader's clock."""

    number: int
    high: bool
    at_ms: int | None


@dataclass(slots=True)
class Ports:
    """What is known of a reader's ports. An input that is switched off has no state."""

    inputs: dict[int, bool | None] = field(default_factory=dict)
    outputs: dict[int, bool | None] = field(default_factory=dict)
    off: set[int] = field(default_factory=set)

    def learn(self, body: bytes) -> None:
        """Take what GET_READER_CONFIG_RESPONSE says. Raises :class:`wire.Malformed`."""
        for kind, value in wire.iter_parameters(body):
            if kind == GPI_STATE:
                number, flags, state = wire.unpack(">HBB", value)
                self.off.discard(number) if flags & 0x80 else self.off.add(number)
                self.inputs[number] = state == _HIGH if flags & 0x80 and state in (_LOW, _HIGH) else None
            elif kind == GPO_DATA:
                number, flags = wire.unpack(">HB", value)
                self.outputs[number] = bool(flags & 0x80)

    def expect(self, inputs: int, outputs: int) -> None:
        """There are so many of both, by the reader's capabilities."""
        for number in range(1, inputs + 1):
            self.inputs.setdefault(number, None)
        for number in range(1, outputs + 1):
            self.outputs.setdefault(number, None)


def ask_for(kind: str) -> bytes:
    """GET_READER_CONFIG: the states of all inputs (``gpi``) or outputs (``gpo``)."""
    return struct.pack(">HBHH", 0, _CONFIG[kind], 0, 0)


def output(number: int, high: bool) -> bytes:
    """SET_READER_CONFIG: set an output; nothing else of the reader is changed."""
    return b"\x00" + wire.parameter(GPO_DATA, struct.pack(">HB", number, 0x80 if high else 0))


def inputs_on(numbers: list[int]) -> bytes:
    """SET_READER_CONFIG: switch inputs on, so that they tell their changes."""
    return b"\x00" + b"".join(wire.parameter(GPI_STATE, struct.pack(">HBB", number, 0x80, 0)) for number in numbers)
