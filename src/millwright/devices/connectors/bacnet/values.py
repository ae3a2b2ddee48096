"""Values and quality of BACnet objects as ours. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from millwright.kernel import Invalid

from ..contract import BAD, GOOD, UNCERTAIN, Sample, Value
from .address import VALUES, Address


def to_value(one: Address, value: Any) -> Value:
    """A value of the protocol as ours; what has no other form is text."""
    chosen = getattr(value, "_choice", None)
    if chosen is not None:
        value = getattr(value, chosen)
    if value is None:
        return None
    if one.value_type == "boolean":
        return str(value) in ("active", "1", "True")
    # Enumerated values are whole numbers in the library too; their names say more.
    if hasattr(value, "asn1") or type(value).__name__ == "Null":
        return None if type(value).__name__ == "Null" else str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        text = str(value)
        return int(value) if text.lstrip("-").isdigit() else text
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "_bitstring_names"):
        return str(value) or "none"
    if isinstance(value, list):
        return json.dumps([to_value(one, part) for part in value], ensure_ascii=False)
    return str(value)


def sample(point_id: str, one: Address, told: Mapping[str, Any]) -> Sample:
    """A sample of what a device told of an object: present value, status flags, reliability."""
    if one.key not in told:
        return Sample(point_id, None, None, BAD, "no such object or property")
    value = to_value(one, told[one.key])
    if value is None:
        return Sample(point_id, None, None, BAD, "no value")
    if not one.is_present_value:
        return Sample(point_id, value)
    flags = {flag for flag in str(told.get("status-flags", "")).replace("[", "").replace("]", "").split(";") if flag}
    reliability = str(told.get("reliability", "no-fault-detected"))
    if "fault" in flags or reliability != "no-fault-detected":
        return Sample(point_id, value, None, BAD, reliability if reliability != "no-fault-detected" else "fault")
    words = [flag for flag in ("overridden", "out-of-service") if flag in flags]
    if words:
        return Sample(point_id, value, None, UNCERTAIN, ", ".join(words))
    return Sample(point_id, value, None, GOOD)


def to_write(one: Address, value: Value) -> Any:
    """What is written for a value; ``None`` gives a priority up. Raises ``Invalid`` (``bacnet.value_invalid``)."""
    if value is None:
        return None
    wanted = VALUES.get(one.type) if one.is_present_value else None
    if wanted == "boolean":
        if isinstance(value, int | float) and value in (0, 1):
            return "active" if value else "inactive"
        raise _wrong(value, "true or false")
    if wanted in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _wrong(value, "a number")
        if wanted == "integer" and (value != int(value) or (value < 1 and one.type.startswith("multi-state"))):
            raise _wrong(value, "a whole number, for a multi-state object from 1")
        return int(value) if wanted == "integer" else float(value)
    if wanted == "string" and not isinstance(value, str):
        raise _wrong(value, "a text")
    return value


def _wrong(value: Value, wanted: str) -> Invalid:
    return Invalid(
        f"{value!r} does not fit: the object takes {wanted}.", code="bacnet.value_invalid", hint=f"Give {wanted}."
    )
