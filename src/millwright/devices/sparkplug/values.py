"""Metric values by datatype (Sparkplug 3.0, sections 6.4.16 and 6.4.17) as what history keeps.

Arrays, DataSets and templates flatten like nested JSON: ``name.0``, ``name.<row>.<column>``, ``name.<member>``. Bytes
and files are kept as base64 text. Signed integers travel as two's complement in an unsigned field.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

import numpy as np

from millwright.devices.telemetry import Unreadable
from millwright.historian import BOOLEAN, NUMBER, TEXT, Kind

Scalar = float | int | bool | str


class DataType(IntEnum):
    """Datatypes of metrics and of DataSet columns."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATE_TIME = 13
    TEXT = 14
    UUID = 15
    DATA_SET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATE_TIME_ARRAY = 34


_SIGNED: Final = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
_UNSIGNED: Final = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATE_TIME: 64,
}
_TEXTS: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
_ARRAYS: Final = {
    DataType.INT8_ARRAY: "<i1",
    DataType.INT16_ARRAY: "<i2",
    DataType.INT32_ARRAY: "<i4",
    DataType.INT64_ARRAY: "<i8",
    DataType.UINT8_ARRAY: "<u1",
    DataType.UINT16_ARRAY: "<u2",
    DataType.UINT32_ARRAY: "<u4",
    DataType.UINT64_ARRAY: "<u8",
    DataType.FLOAT_ARRAY: "<f4",
    DataType.DOUBLE_ARRAY: "<f8",
    DataType.DATE_TIME_ARRAY: "<i8",
}
_KNOWN: Final = frozenset(map(int, DataType))
_DEEPEST: Final = 8
"""Templates in templates; protobuf's own limit is a hundred messages."""


def kind_of(datatype: int) -> Kind:
    """What readings of a datatype are; for a null, which has no value to tell."""
    if datatype == DataType.BOOLEAN:
        return BOOLEAN
    return TEXT if datatype in _TEXTS else NUMBER


def iter_values(name: str, datatype: int, metric: Any) -> Iterator[tuple[str, Scalar | None]]:
    """The values in ``metric``, each under its flat name. Raises :class:`Unreadable` for a value of another type."""
    field = metric.WhichOneof("value")
    if datatype not in _KNOWN or datatype == DataType.UNKNOWN:
        raise Unreadable("sparkplug.metric", f"The metric {name[:80]!r} has the unknown datatype {datatype}.")
    if field is None:
        raise _mismatch(name, datatype, "no value")
    raw = getattr(metric, field)
    if datatype == DataType.DATA_SET:
        if field != "dataset_value":
            raise _mismatch(name, datatype, field)
        yield from _data_set(name, raw)
    elif datatype in _ARRAYS or datatype in (DataType.BOOLEAN_ARRAY, DataType.STRING_ARRAY):
        if field != "bytes_value":
            raise _mismatch(name, datatype, field)
        for index, value in enumerate(_array(name, DataType(datatype), raw)):
            yield f"{name}.{index}", value
    else:
        yield name, _scalar(name, datatype, field, raw)


def iter_members(name: str, metric: Any) -> Iterator[tuple[str, Any]]:
    """The members of a template instance, those of templates in it too, each under its flat name.

    A definition, and an instance that is null, has none. Raises :class:`Unreadable` for one that is malformed.
    """
    pending = [(name, metric, 1)]
    while pending:
        flat, each, depth = pending.pop()
        if each.is_null:
            continue
        if each.WhichOneof("value") != "template_value":
            raise _mismatch(flat, DataType.TEMPLATE, each.WhichOneof("value") or "no value")
        if depth > _DEEPEST:
            raise Unreadable("sparkplug.metric", f"The template {flat[:80]!r} is nested more than {_DEEPEST} deep.")
        if each.template_value.is_definition:
            continue
        for member in each.template_value.metrics:
            if not member.name:
                raise Unreadable("sparkplug.metric", f"A member of the template {flat[:80]!r} has no name.")
            inner = f"{flat}.{member.name}"
            if member.datatype == DataType.TEMPLATE or member.WhichOneof("value") == "template_value":
                pending.append((inner, member, depth + 1))
            else:
                yield inner, member


def _scalar(name: str, datatype: int, field: str, raw: Any) -> Scalar | None:
    if field in ("int_value", "long_value"):
        if datatype in _SIGNED:
            return _signed(name, datatype, int(raw))
        if datatype in _UNSIGNED and raw >> _UNSIGNED[DataType(datatype)]:
            raise _mismatch(name, datatype, str(raw))
        if datatype in _UNSIGNED or datatype in (DataType.FLOAT, DataType.DOUBLE):
            return int(raw)
        if datatype == DataType.BOOLEAN:
            return bool(raw)
    elif field in ("float_value", "double_value"):
        if datatype in (DataType.FLOAT, DataType.DOUBLE):
            return float(raw) if np.isfinite(raw) else None
    elif field == "boolean_value":
        if datatype == DataType.BOOLEAN:
            return bool(raw)
    elif field == "string_value":
        if datatype in _TEXTS:
            return str(raw)
    elif field == "bytes_value" and datatype in (DataType.BYTES, DataType.FILE):
        return base64.b64encode(raw).decode()
    raise _mismatch(name, datatype, field)


def _signed(name: str, datatype: int, raw: int) -> int:
    """Two's complement in the type's own width, as the specification has it, or in that of the field, as Tahu does."""
    width = _SIGNED[DataType(datatype)]
    half = 1 << (width - 1)
    if raw < half:
        return raw
    for bits in (width, 32, 64):
        if (1 << bits) - half <= raw < 1 << bits:
            return raw - (1 << bits)
    raise _mismatch(name, datatype, str(raw))


def _array(name: str, datatype: DataType, raw: bytes) -> list[Any]:
    try:
        if datatype is DataType.STRING_ARRAY:
            return [part.decode() for part in raw.split(b"\0")[:-1]]
        if datatype is DataType.BOOLEAN_ARRAY:
            (count,) = struct.unpack_from("<I", raw)
            bits = np.unpackbits(np.frombuffer(raw, np.uint8, offset=4))
            if count > len(bits):
                raise ValueError(f"{count} booleans announced, {len(bits)} bits present")
            return [bool(bit) for bit in bits[:count]]
        values = np.frombuffer(raw, np.dtype(_ARRAYS[datatype]))
        if values.dtype.kind == "f":
            return [value if np.isfinite(value) else None for value in values.tolist()]
        return list(values.tolist())
    except (ValueError, struct.error) as error:
        raise Unreadable("sparkplug.metric", f"The array {name[:80]!r} is malformed: {error}.") from None


def _data_set(name: str, table: Any) -> Iterator[tuple[str, Scalar | None]]:
    if len(table.columns) != len(table.types):
        raise Unreadable("sparkplug.metric", f"The DataSet {name[:80]!r} has columns without a type.")
    for number, row in enumerate(table.rows):
        if len(row.elements) != len(table.columns):
            raise Unreadable("sparkplug.metric", f"Row {number} of the DataSet {name[:80]!r} has another length.")
        for column, datatype, element in zip(table.columns, table.types, row.elements, strict=True):
            field = element.WhichOneof("value")
            flat = f"{name}.{number}.{column}"
            if datatype not in _KNOWN:
                raise _mismatch(flat, 0, f"datatype {datatype}")
            yield flat, None if field is None else _scalar(flat, datatype, field, getattr(element, field))


def _mismatch(name: str, datatype: int, field: str) -> Unreadable:
    return Unreadable(
        "sparkplug.metric", f"The metric {name[:80]!r} of type {DataType(datatype).name} carries {field}."
    )
