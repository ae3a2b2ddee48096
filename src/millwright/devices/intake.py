"""What a listener hands to the historian: frames of messages, durable in the stream ``INTAKE``.

A *run* is what one connection sent in a row with the same topic and flags; a *frame* gathers the runs of all
connections for a few milliseconds and is one JetStream message on ``intake.<listener id>``. A device's PUBACK leaves
after the frame that holds its message was acknowledged, so what was acknowledged is in the stream.

A frame is at most 1 MiB, except that a single larger message travels in a frame of its own.
"""

from __future__ import annotations

import msgspec

from millwright.engines.nats import StreamSpec

FRAME_VERSION = 1
"""Version of the frame's layout, its first element."""

FLAG_ACKNOWLEDGED = 0b0001
"""The messages came with QoS 1 or 2; ``packet_ids`` is filled."""
FLAG_DUPLICATE = 0b0010
"""The sender marked them as repeated (MQTT's DUP): they may have been taken before."""
FLAG_RETAINED = 0b0100
"""The sender asked to retain them."""
FLAG_WILL = 0b1000
"""A Last Will: published by the listener because the connection ended without a DISCONNECT; has no packet id."""
FLAG_REPLAYED = 0b10000
"""A dead letter taken again: neither a repetition nor part of a Sparkplug sequence."""
FLAG_STAMPED = 0b100000
"""An edge gave the run times of its own: ``received_ms`` and what :func:`slots_of` its payloads take."""
FLAG_CROWDED = 0b1000000
"""An edge had no time left for messages without one of their own: too many came too fast. They are refused."""

INTAKE = StreamSpec(name="INTAKE", subjects=("intake.>",))
"""On disk, refuses new frames when full, nothing expires: the historian trims what it has stored."""


class Run(msgspec.Struct, array_like=True, gc=False):
    """Consecutive messages of one connection with the same topic and flags.

    ``received_ms`` is UTC; ``flags`` joins ``FLAG_…``; ``packet_ids`` is parallel to ``payloads``, or empty for QoS 0.
    """

    device_id: str
    topic: str
    received_ms: int
    flags: int
    payloads: list[bytes]
    packet_ids: list[int] = []


class Frame(msgspec.Struct, array_like=True, gc=False):
    """One message of ``INTAKE``: the runs that listener ``listener`` took in one commit."""

    version: int
    listener: str
    runs: list[Run]


def subject_of(listener_id: str) -> str:
    """The subject that the listener's frames are appended to."""
    return f"intake.{listener_id}"


def slots_of(payload: bytes) -> int:
    """How many times a message may use that states none: one, or one for each object of a list."""
    return max(1, payload.count(b"{")) if payload[:64].lstrip()[:1] == b"[" else 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def encode_frame(frame: Frame) -> bytes:
    """The frame as msgpack."""
    return _encoder.encode(frame)


def decode_frame(data: bytes) -> Frame:
    """The frame in ``data``. Raises ``msgspec.DecodeError`` or ``msgspec.ValidationError`` when it is none."""
    return _decoder.decode(data)
