"""A dead letter: one received message that could not be read, kept whole with the reason."""

from __future__ import annotations

import msgspec

from millwright.engines.nats import StreamSpec

DEAD_LETTERS = StreamSpec(
    name="DEAD_LETTERS",
    subjects=("dead.>",),
    max_bytes=1 << 30,
    max_age_s=30 * 86_400,
    discard_old=True,
)
"""One GiB or thirty days of unread messages; beyond that the oldest go."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A message nobody could read.

    ``reason`` is a stable dotted code (``telemetry.not_json``), ``text`` says it for a person. ``received_ms`` (UTC) is
    the time its readings will carry when it is replayed and has no time of its own. ``flags`` are the intake frame's.
    """

    reason: str
    text: str
    device_id: str
    topic: str
    payload: bytes
    received_ms: int
    flags: int = 0


def subject_of(letter: DeadLetter) -> str:
    """The stream subject ``dead.<reason, dots as dashes>.<device id>``: both can be filtered and counted."""
    return f"dead.{reason_token(letter.reason)}.{_token(letter.device_id)}"


def reason_token(reason: str) -> str:
    """A reason as one subject token, whatever it holds: what somebody looks for is no wildcard."""
    return _token(reason.replace(".", "-"))


def reason_of(subject: str) -> str:
    """The reason in a subject made by :func:`subject_of`."""
    return subject.split(".")[1].replace("-", ".")


def device_of(subject: str) -> str | None:
    """The device id in a subject made by :func:`subject_of`, ``None`` when the sender is unknown."""
    token = subject.split(".", 2)[2]
    return None if token == _NOBODY else token


def device_token(device_id: str) -> str:
    """A device id as one subject token."""
    return _token(device_id)


_NOBODY = "-"


def _token(text: str) -> str:
    clean = "".join(char if char.isalnum() or char in "_-" else "_" for char in text)
    return clean or _NOBODY


encode = msgspec.msgpack.Encoder().encode
"""A dead letter as it lies in the stream."""
decode = msgspec.msgpack.Decoder(DeadLetter).decode
"""The dead letter in the bytes of a stream message."""
