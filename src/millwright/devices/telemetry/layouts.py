"""Layouts: messages of known names and types, read straight into numbers.

Devices repeat themselves. Once a device has sent the same names with the same types some times, a decoder made for just
that message reads the next ones: it looks up no name, builds no dictionary, and accepts exactly what the general way
would have taken for the same readings. All else (another name, a null, a text, digits that a double cannot hold) it
refuses, and the message goes the general way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Final
from weakref import WeakValueDictionary

import msgspec

from millwright.devices.telemetry.columns import EXACT, Shape
from millwright.devices.telemetry.times import EARLIEST_MS

_MOST_NAMES: Final = 256  # a decoder's search for a name out of order takes time by its number of names
_UNREADABLE: Final = re.compile('[\0-\x1f"\\\\\ud800-\udfff]')

_Number = Annotated[float, msgspec.Meta(gt=-EXACT, lt=EXACT)]
_Time = Annotated[int, msgspec.Meta(ge=EARLIEST_MS)]
_time_of: Final = attrgetter("time")
_values_of: Final = attrgetter("values")

_Key = tuple[tuple[str, ...], tuple[type, ...], str | None]


def is_readable(names: Sequence[str]) -> bool:
    """Whether there can be a layout of these names: not too many, and none that JSON writes with an escape."""
    return len(names) <= _MOST_NAMES and not any(map(_UNREADABLE.search, names))


class Reader:
    """Decodes messages of one layout; shared by all devices that send it, gone with the last of them.

    ``envelope`` is the name of the time beside ``values``, ``None`` for a flat message without a time.
    """

    __slots__ = ("__weakref__", "decode")

    def __init__(self, names: Sequence[str], types: Sequence[type], envelope: str | None) -> None:
        values = _struct(
            (f"value{number}", bool if kind is bool else _Number, name)
            for number, (name, kind) in enumerate(zip(names, types, strict=True))
        )
        message = values if envelope is None else _struct([("time", _Time, envelope), ("values", values, "values")])
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(message).decode


def _struct(fields: Iterable[tuple[str, Any, str]]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Message",
        [(name, kind, msgspec.field(name=encoded)) for name, kind, encoded in fields],
        gc=False,
        forbid_unknown_fields=True,
    )


_readers: WeakValueDictionary[_Key, Reader] = WeakValueDictionary()


class Layout:
    """One device's messages of a layout: how to read them, and the shape of their readings."""

    __slots__ = ("_reader", "shape", "timed")

    def __init__(self, shape: Shape, types: tuple[type, ...], envelope: str | None) -> None:
        key = (shape.names, types, envelope)
        reader = _readers.get(key)
        if reader is None:
            reader = _readers[key] = Reader(*key)
        self._reader = reader
        self.shape = shape
        self.timed = envelope is not None
        """Whether the messages state their time."""

    def read(self, payloads: Sequence[bytes], latest_ms: int) -> tuple[list[int] | None, Iterable[float]] | None:
        """The stated times (``None`` when there are none) and all values in a row.

        ``None`` when any payload is of another layout or states a time after ``latest_ms``.
        """
        decode = self._reader.decode
        try:
            messages = [decode(payload) for payload in payloads]
        except ValueError:  # msgspec's decoding and validation errors are ValueErrors
            return None
        if not self.timed:
            return None, chain.from_iterable(map(msgspec.structs.astuple, messages))
        times = list(map(_time_of, messages))
        if max(times, default=latest_ms) > latest_ms:
            return None
        return times, chain.from_iterable(map(msgspec.structs.astuple, map(_values_of, messages)))
