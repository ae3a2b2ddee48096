"""Reading answers with many values (IEC 62541-6, 5.2): what asyncua's general decoder is too slow, or too strict, for.

A notification of 5,000 values is the load of a connection, so values of fixed size are unpacked by one precompiled
``struct`` for each combination of what a DataValue may contain, without an object for each layer. Values of other types
are left to asyncua. The order of the optional fields is the standard's (source picoseconds come right behind the source
time), which the general decoder does not keep.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.ua_binary import (
    extensionobject_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    variant_from_binary,
)

from millwright.devices.connectors.contract import BAD, GOOD, Sample
from millwright.devices.connectors.opcua.values import describe, plain, quality_of, status_name
from millwright.kernel import Unavailable

EPOCH_TICKS = 116_444_736_000_000_000
"""1970 in the standard's ticks of 100 ns since 1601."""

_FIXED = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
"""Built-in types of fixed size that are read without asyncua, and how."""

_FLOATS = (10, 11)
_INT32 = Struct("<i").unpack_from
_UINT32 = Struct("<I").unpack_from
_INT64 = Struct("<q").unpack_from
_HEAD = Struct("<IBB").unpack_from
_NOTIFICATION = Struct("<Iqi").unpack_from
_DATA_CHANGE = ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary
_STATUS_CHANGE = ua.ObjectIds.StatusChangeNotification_Encoding_DefaultBinary
_MOST = 10_000_000
"""Longest list that is believed."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a DataValue with one mask and one scalar type lies in memory: what to unpack, and where its parts are."""

    unpack: Any
    size: int
    status: int
    time: int
    is_float: bool


_LAYOUTS: dict[int, _Layout | None] = {}


def _layout(mask: int, kind: int) -> _Layout | None:
    form = _FIXED.get(kind)
    if form is None or not mask & 1 or mask > 0x3F:
        return None
    shape, count, status, source, server = "<" + form, 1, 0, 0, 0
    if mask & 0x02:
        shape, status, count = shape + "I", count, count + 1
    if mask & 0x04:
        shape, source, count = shape + "q", count, count + 1
    if mask & 0x10:
        shape, count = shape + "H", count + 1
    if mask & 0x08:
        shape, server, count = shape + "q", count, count + 1
    if mask & 0x20:
        shape += "H"
    packed = Struct(shape)
    return _Layout(packed.unpack_from, packed.size, status, source or server, kind in _FLOATS)


def read_items(
    data: bytes, position: int, count: int, names: Mapping[int, str], parts: Mapping[int, Any], into: list[Sample]
) -> int:
    """Read ``count`` MonitoredItemNotifications from ``position`` and append samples; returns where they end.

    ``names``: the point of each client handle; items of other handles are passed over. ``parts``: the element of an
    array that a handle stands for.
    """
    layouts, append = _LAYOUTS, into.append
    padded = data + b"\0\0"  # the last item may be shorter than the head that is looked at
    for _ in range(count):
        handle, mask, kind = _HEAD(padded, position)
        key = mask << 8 | kind
        try:
            layout = layouts[key]
        except KeyError:
            layout = layouts[key] = _layout(mask, kind)
        name = names.get(handle)
        if layout is None:
            sample, position = read_value(data, position + 4, name or "", parts.get(handle))
            if name is not None:
                append(sample)
            continue
        fields = layout.unpack(data, position + 6)
        position += 6 + layout.size
        if name is None:
            continue
        ticks = fields[layout.time] if layout.time else 0
        time_ms = (ticks - EPOCH_TICKS) // 10_000 if ticks > EPOCH_TICKS else None
        value = fields[0]
        if layout.status and (status := fields[layout.status]):
            append(_judged(name, value, time_ms, status))
        elif layout.is_float and value - value != 0.0:
            append(Sample(name, None, time_ms, BAD, f"the value is {value}"))
        else:
            append(Sample(name, value, time_ms))
    return position


def _judged(name: str, value: Any, time_ms: int | None, status: int) -> Sample:
    quality = quality_of(status)
    if quality == BAD:
        return Sample(name, None, time_ms, BAD, status_name(status))
    if isinstance(value, float) and value - value != 0.0:
        return Sample(name, None, time_ms, BAD, f"the value is {value}")
    return Sample(name, value, time_ms, quality, describe(status))


def read_value(data: bytes, position: int, name: str, element: tuple[int, ...] | None = None) -> tuple[Sample, int]:
    """One DataValue of any kind as a sample, and where it ends."""
    variant, status, ticks, position = read_data_value(data, position)
    time_ms = (ticks - EPOCH_TICKS) // 10_000 if ticks > EPOCH_TICKS else None
    quality = quality_of(status)
    if quality == BAD:
        return Sample(name, None, time_ms, BAD, status_name(status)), position
    value, why = plain(variant, element)
    if why:
        return Sample(name, None, time_ms, BAD, why), position
    return Sample(name, value, time_ms, quality, describe(status)), position


def read_data_value(data: bytes, position: int) -> tuple[ua.Variant | None, int, int, int]:
    """One DataValue: variant, status, time in ticks (the source's, else the server's, else 0), and where it ends."""
    mask, variant, status, source, server = data[position], None, 0, 0, 0
    position += 1
    if mask & 0x01:
        buffer = Buffer(data, position)
        variant = variant_from_binary(buffer)
        position = buffer.cur_pos
    if mask & 0x02:
        (status,) = _UINT32(data, position)
        position += 4
    if mask & 0x04:
        (source,) = _INT64(data, position)
        position += 8
    if mask & 0x10:
        position += 2
    if mask & 0x08:
        (server,) = _INT64(data, position)
        position += 8
    if mask & 0x20:
        position += 2
    return variant, status, source or server, position


def _list(data: bytes, position: int) -> tuple[int, int]:
    (count,) = _INT32(data, position)
    if count > _MOST:
        raise NotEnoughData(f"a list of {count}")
    return max(0, count), position + 4


def _body(answer: Buffer) -> tuple[bytes, int]:
    """The bytes of an answer, and where its parameters begin."""
    data = bytes(answer)
    buffer = Buffer(data)
    nodeid_from_binary(buffer)
    header = struct_from_binary(ua.ResponseHeader, buffer)
    header.ServiceResult.check()
    return data, buffer.cur_pos


def _extension(data: bytes, position: int) -> tuple[int, int, int]:
    """The number of the type of an extension object, and where its body begins and ends."""
    buffer = Buffer(data, position)
    found = nodeid_from_binary(buffer)
    kind = found.Identifier if isinstance(found.Identifier, int) and not found.NamespaceIndex else 0
    position = buffer.cur_pos
    if not data[position]:
        return kind, position + 1, position + 1
    (size,) = _INT32(data, position + 1)
    return kind, position + 5, position + 5 + max(0, size)


def values_of_read(answer: Buffer, names: list[str], elements: list[tuple[int, ...] | None]) -> list[Sample]:
    """The samples of a ReadResponse, in the order of ``names``."""
    data, position = _body(answer)
    count, position = _list(data, position)
    samples = []
    for name, element in zip(names[:count], elements, strict=False):
        sample, position = read_value(data, position, name, element)
        samples.append(sample)
    return samples


def variants_of_read(answer: Buffer) -> list[tuple[ua.Variant | None, int]]:
    """Variant and status of each result of a ReadResponse."""
    data, position = _body(answer)
    count, position = _list(data, position)
    found = []
    for _ in range(count):
        variant, status, _ticks, position = read_data_value(data, position)
        found.append((variant, status))
    return found


def history_of_read(answer: Buffer, name: str, element: tuple[int, ...] | None) -> tuple[list[Sample], bytes, int]:
    """The samples of the first result of a HistoryReadResponse, its continuation point, and its status."""
    data, position = _body(answer)
    count, position = _list(data, position)
    if not count:
        return [], b"", int(ua.StatusCodes.BadNoData)
    (status,) = _UINT32(data, position)
    size, position = _list(data, position + 4)
    point = data[position : position + size]
    _, position, end = _extension(data, position + size)
    samples: list[Sample] = []
    if position < end:
        count, position = _list(data, position)
        for _ in range(count):
            sample, position = read_value(data, position, name, element)
            samples.append(sample)
    return samples, point, status


@dataclass(slots=True)
class Publication:
    """A PublishResponse: what one subscription had to say."""

    subscription: int
    sequence: int
    more: bool
    is_keep_alive: bool
    samples: list[Sample]
    ended: int | None
    """The status by which the server ended the subscription."""


def read_publication(answer: Buffer, names: Mapping[int, Mapping[int, str]], parts: Mapping[int, Any]) -> Publication:
    """Read a PublishResponse. ``names``: for each subscription the points of its client handles."""
    data, position = _body(answer)
    (subscription,) = _UINT32(data, position)
    count, position = _list(data, position + 4)
    position += 4 * count
    more = bool(data[position])
    found = read_message(data, position + 1, names.get(subscription, {}), parts)
    found.subscription, found.more = subscription, more
    return found


def read_republished(answer: Buffer, names: Mapping[int, str], parts: Mapping[int, Any]) -> Publication:
    """Read a RepublishResponse."""
    data, position = _body(answer)
    return read_message(data, position, names, parts)


def read_message(data: bytes, position: int, names: Mapping[int, str], parts: Mapping[int, Any]) -> Publication:
    """Read a NotificationMessage."""
    sequence, _, count = _NOTIFICATION(data, position)
    position += 16
    found = Publication(0, sequence, False, count <= 0, [], None)
    for _ in range(max(0, count)):
        kind, position, end = _extension(data, position)
        if kind == _DATA_CHANGE and position < end:
            items, start = _list(data, position)
            read_items(data, start, items, names, parts, found.samples)
        elif kind == _STATUS_CHANGE and position < end:
            (found.ended,) = _UINT32(data, position)
        position = end
    return found


def guard(url: str, error: BaseException) -> Unavailable:
    """What an answer that cannot be read becomes."""
    return Unavailable(
        f"{url} answered with bytes that are not OPC UA ({type(error).__name__}: {error}).",
        code="connectors.opcua_garbled",
        hint="If it happens again, record the traffic: the server or something on the way is broken.",
    )


UNREADABLE = (
    struct.error,
    IndexError,
    NotEnoughData,
    ValueError,
    TypeError,
    KeyError,
    RecursionError,
    OverflowError,
    ua.UaError,
)
"""What reading of garbled bytes raises."""

__all__ = [
    "GOOD",
    "UNREADABLE",
    "Publication",
    "extensionobject_from_binary",
    "guard",
    "history_of_read",
    "read_data_value",
    "read_items",
    "read_message",
    "read_publication",
    "read_republished",
    "read_value",
    "values_of_read",
    "variants_of_read",
]
