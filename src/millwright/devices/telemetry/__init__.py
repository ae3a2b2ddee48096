"""Telemetry: from intake frames to readings.

Vocabulary: a *frame* is what a listener appended to ``INTAKE``; a *run* is a stretch of it by one device on one topic;
a *reading* is one value of one property. A message is read whole or kept whole as a *dead letter*; nothing is dropped.

What JSON may look like, and what becomes of the odd cases:

- ``{"name": value}``, ``{"ts": time, "values": {…}}``, ``{"time": …, "values": {…}, "quality": …}``, arrays of these.
  Nested objects and arrays flatten to ``a.b`` and ``a.0``. Of a repeated key the last one counts.
- ``ts``/``time``: milliseconds since 1970 or ISO 8601; see :mod:`.times`. A time that is not plausible is replaced by
  the receive time and its readings are *uncertain*. A message without a time takes the receive time; messages of one
  device in the same millisecond take consecutive milliseconds.
- ``null`` is kept as a *bad* reading without a value. Outside the declared limits, of another type than declared, or
  an integer beyond ±2^53: kept, *uncertain*. A property the model does not declare is kept and marked unknown.
- A text is kept as it is. NaN and Infinity are no JSON (RFC 8259 §6): dead letter. A UTF-8 byte order mark is skipped.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.telemetry.collector import Collector
    from millwright.devices.telemetry.decoder import JSON_TOPICS, SPARKPLUG_PREFIX, Decoder, RunDecoder, new_decoder
    from millwright.devices.telemetry.errors import REASONS, Unreadable
    from millwright.devices.telemetry.json_decoder import JsonDecoder
    from millwright.devices.telemetry.model import (
        Arrival,
        ChildHeard,
        DeclaredProperty,
        Decoded,
        Directory,
        KnownDevice,
        Outgoing,
        PresenceChange,
        PropertyType,
        Question,
    )
    from millwright.devices.telemetry.repeats import RepeatMemory
    from millwright.devices.telemetry.settings import TelemetrySettings

__getattr__ = exports(__name__)

__all__ = [
    "Arrival",
    "ChildHeard",
    "Collector",
    "DeclaredProperty",
    "Decoded",
    "Decoder",
    "Directory",
    "JSON_TOPICS",
    "JsonDecoder",
    "KnownDevice",
    "Outgoing",
    "PresenceChange",
    "PropertyType",
    "Question",
    "REASONS",
    "RepeatMemory",
    "RunDecoder",
    "SPARKPLUG_PREFIX",
    "TelemetrySettings",
    "Unreadable",
    "new_decoder",
]
