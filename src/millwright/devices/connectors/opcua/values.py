"""Values and status codes of the protocol as ours, and back (IEC 62541-6, 5.1.2; IEC 62541-4, 7.39)."""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from asyncua import ua
from asyncua.ua.status_codes import get_name_and_doc

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Value, ValueType
from millwright.kernel import Invalid

_SEVERITY = {0: GOOD, 1: UNCERTAIN}
_OVERFLOW = 0x0480
"""Info type *data value* with the bit that says that values were thrown away."""

INTEGERS: dict[ua.VariantType, tuple[int, int]] = {
    ua.VariantType.SByte: (-(1 << 7), (1 << 7) - 1),
    ua.VariantType.Byte: (0, (1 << 8) - 1),
    ua.VariantType.Int16: (-(1 << 15), (1 << 15) - 1),
    ua.VariantType.UInt16: (0, (1 << 16) - 1),
    ua.VariantType.Int32: (-(1 << 31), (1 << 31) - 1),
    ua.VariantType.UInt32: (0, (1 << 32) - 1),
    ua.VariantType.Int64: (-(1 << 63), (1 << 63) - 1),
    ua.VariantType.UInt64: (0, (1 << 64) - 1),
}
FLOATS = frozenset({ua.VariantType.Float, ua.VariantType.Double})
TEXTS = frozenset(
    {
        ua.VariantType.String,
        ua.VariantType.LocalizedText,
        ua.VariantType.DateTime,
        ua.VariantType.Guid,
        ua.VariantType.ByteString,
        ua.VariantType.XmlElement,
        ua.VariantType.NodeId,
        ua.VariantType.ExpandedNodeId,
        ua.VariantType.QualifiedName,
        ua.VariantType.StatusCode,
    }
)
_LARGEST_FLOAT = 3.402_823_466_385_288_6e38


def quality_of(status: int) -> int:
    """Our quality of a status code: its two highest bits say it."""
    return _SEVERITY.get(status >> 30, BAD)


@lru_cache(maxsize=512)
def status_name(status: int) -> str:
    """The standard's name of a status code; its number when it has none."""
    name = get_name_and_doc(status & 0xFFFF_0000)[0] if status else "Good"
    return name if status & 0xFFFF_0000 == 0 or name != "UnknownUaError" else f"0x{status:08X}"


@lru_cache(maxsize=512)
def describe(status: int) -> str:
    """What a status that is not bad has to say; empty when it is plainly good."""
    said = status_name(status) if status & 0xFFFF_0000 else ""
    if status & _OVERFLOW == _OVERFLOW:
        lost = "Overflow: the server threw older values away"
        return f"{said}; {lost}" if said else lost
    return said


def type_of(kind: ua.VariantType | None) -> ValueType | None:
    """Our type of a built-in one."""
    if kind is ua.VariantType.Boolean:
        return "boolean"
    if kind in INTEGERS:
        return "integer"
    if kind in FLOATS:
        return "number"
    return "string" if kind in TEXTS else None


def plain(variant: ua.Variant | None, element: tuple[int, ...] | None = None) -> tuple[Value, str]:
    """The value as ours, and why there is none.

    An array is JSON text; with ``element`` it is that element, also when the server sent more than it was asked for.
    """
    if variant is None or variant.Value is None:
        return None, "" if element is None else "there is no such element"
    value = variant.Value
    if isinstance(value, list):
        if element is None:
            return msgspec.json.encode(_listed(value)).decode(), ""
        value = _element(value, element)
        if value is None:
            return None, "there is no such element"
    return _scalar(value)


def _element(value: Any, element: tuple[int, ...]) -> Any:
    alone = _alone(value)
    if alone is not None:
        return alone
    for place in element:
        if not isinstance(value, list) or place >= len(value):
            return None
        value = value[place]
    return None if isinstance(value, list) else value


def _alone(value: Any) -> Any:
    """What is in lists of length one, which a range of one element comes as; ``None`` if there is more."""
    while isinstance(value, list):
        if len(value) != 1:
            return None
        value = value[0]
    return value


def _listed(values: list[Any]) -> list[Any]:
    return [_listed(value) if isinstance(value, list) else _scalar(value)[0] for value in values]


def _scalar(value: Any) -> tuple[Value, str]:
    if isinstance(value, bool | int | str):
        return (int(value) if type(value) is not bool and isinstance(value, int) else value), ""
    if isinstance(value, float):
        return (value, "") if math.isfinite(value) else (None, f"the value is {value}")
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat().replace("+00:00", "Z"), ""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode(), ""
    if isinstance(value, ua.LocalizedText):
        return value.Text, ""
    if isinstance(value, ua.QualifiedName):
        return f"{value.NamespaceIndex}:{value.Name}", ""
    if isinstance(value, ua.NodeId):
        return value.to_string(), ""
    if isinstance(value, ua.StatusCode):
        return status_name(value.value), ""
    if isinstance(value, uuid.UUID):
        return str(value), ""
    if value is None:
        return None, ""
    if isinstance(value, ua.XmlElement):
        return value.Value, ""
    if isinstance(value, ua.Variant):
        return plain(value)
    return None, f"a structure ({type(value).__name__}) is not read; follow its parts, where the server shows them"


def variant_of(value: Value, kind: ua.VariantType, name: str) -> ua.Variant:
    """``value`` as the type that the other side wants. Raises ``Invalid`` (``connectors.opcua_value``)."""
    if value is None:
        raise unfit(name, value, kind, "there is no value")
    if kind is ua.VariantType.Boolean:
        if isinstance(value, bool) or value in (0, 1):
            return ua.Variant(bool(value), kind)
        raise unfit(name, value, kind, "it is true or false")
    if kind in INTEGERS:
        return ua.Variant(_integer(value, kind, name), kind)
    if kind in FLOATS:
        if isinstance(value, bool | str):
            raise unfit(name, value, kind, "it is a number")
        number = float(value)
        if not math.isfinite(number) or (kind is ua.VariantType.Float and abs(number) > _LARGEST_FLOAT):
            raise unfit(name, value, kind, "it is too large")
        return ua.Variant(number, kind)
    if not isinstance(value, str):
        raise unfit(name, value, kind, "it is a text")
    try:
        return ua.Variant(_text(value, kind), kind)
    except (ValueError, binascii.Error, KeyError, ua.UaError) as error:
        raise unfit(name, value, kind, _FORMS.get(kind, "this type cannot be written")) from error


_FORMS = {
    ua.VariantType.DateTime: "it is a time as in 2026-03-01T06:30:00Z",
    ua.VariantType.Guid: "it is a GUID",
    ua.VariantType.ByteString: "it is base64",
    ua.VariantType.NodeId: "it is a node id as in ns=2;s=Name",
}


def _integer(value: float | int | bool | str, kind: ua.VariantType, name: str) -> int:
    if isinstance(value, bool | str) or value != value or (isinstance(value, float) and not value.is_integer()):
        raise unfit(name, value, kind, "it is a whole number")
    low, high = INTEGERS[kind]
    if not low <= value <= high:
        raise unfit(name, value, kind, f"it is from {low} to {high}")
    return int(value)


def _text(value: str, kind: ua.VariantType) -> Any:
    match kind:
        case ua.VariantType.String:
            return value
        case ua.VariantType.LocalizedText:
            return ua.LocalizedText(value)
        case ua.VariantType.DateTime:
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read
        case ua.VariantType.Guid:
            return uuid.UUID(value)
        case ua.VariantType.ByteString:
            return base64.b64decode(value, validate=True)
        case ua.VariantType.NodeId:
            return ua.NodeId.from_string(value)
    raise KeyError(kind)


def unfit(name: str, value: Value, kind: ua.VariantType | None, why: str) -> Invalid:
    """The value does not fit what the other side wants."""
    type_name = kind.name if kind is not None else "an unknown type"
    return Invalid(
        f"{value!r} does not fit {name}, which is {type_name}.",
        code="connectors.opcua_value",
        hint=f"Give a value that fits: {why}.",
        detail={"type": type_name},
    )
