"""The rules a model's document keeps beyond its shape; each error points at the value (RFC 6901)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from millwright.devices.errors import invalid
from millwright.devices.models.model import ModelDocument, Parameter, PropertySpec
from millwright.devices.names import clean_name, clean_title
from millwright.kernel import Invalid, units

MAX_PROPERTIES = 2000
"""Most properties, events or services of one model."""

_NAME_BYTES = 256


def parse(data: bytes) -> ModelDocument:
    """The document in JSON. Raises ``Invalid`` (``devices.model_invalid``), with a pointer where one is known."""
    try:
        document = msgspec.json.decode(data, type=ModelDocument)
    except msgspec.DecodeError as error:
        message, _, where = str(error).partition(" - at `")
        pointer = where.rstrip("`").removeprefix("$").replace("[", "/").replace("]", "").replace(".", "/")
        raise invalid(message, pointer, code="devices.model_invalid") from error
    return check(document)


def check(document: ModelDocument) -> ModelDocument:
    """``document`` with clean names. Raises ``Invalid`` at the first rule broken."""
    cleaned: dict[str, Any] = {
        "name": clean_name(document.name),
        "title": clean_title(document.title),
        "title_zh": clean_title(document.title_zh, "/title_zh"),
    }
    _check_list(document.properties, "/properties")
    for number, found in enumerate(document.properties):
        _check_value(found, f"/properties/{number}")
    _check_list(document.events, "/events")
    for number, event in enumerate(document.events):
        _check_parameters(event.parameters, f"/events/{number}/parameters")
    _check_list(document.services, "/services")
    for number, service in enumerate(document.services):
        _check_parameters(service.inputs, f"/services/{number}/inputs")
        _check_parameters(service.outputs, f"/services/{number}/outputs")
    return msgspec.structs.replace(document, **cleaned)


def _check_parameters(parameters: Sequence[Parameter], pointer: str) -> None:
    _check_list(parameters, pointer)
    for number, parameter in enumerate(parameters):
        _check_value(parameter, f"{pointer}/{number}")


def _check_list(items: Sequence[Any], pointer: str) -> None:
    if len(items) > MAX_PROPERTIES:
        raise invalid(f"More than {MAX_PROPERTIES} entries.", pointer, code="devices.model_invalid")
    seen: set[str] = set()
    for number, item in enumerate(items):
        where = f"{pointer}/{number}"
        name = item.name
        if not name or len(name.encode("utf-8", "replace")) > _NAME_BYTES or not name.isprintable():
            raise invalid(
                f"A name must have 1 to {_NAME_BYTES} bytes of printable text.",
                f"{where}/name",
                code="devices.name_invalid",
            )
        if name in seen:
            raise invalid(f"The name {name!r} occurs twice.", f"{where}/name", code="devices.model_name_twice")
        seen.add(name)
        clean_title(item.title, f"{where}/title")
        clean_title(item.title_zh, f"{where}/title_zh")


def _check_value(found: PropertySpec | Parameter, pointer: str) -> None:
    numeric = found.type in ("number", "integer")
    for key in ("unit", "minimum", "maximum"):
        value = getattr(found, key)
        if value is None:
            continue
        if not numeric:
            raise invalid(
                f"A {found.type} has no {key}.", f"{pointer}/{key}", code="devices.model_invalid", hint="Remove it."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise invalid(f"The {key} is not a finite number.", f"{pointer}/{key}", code="devices.model_invalid")
    if found.unit is not None:
        try:
            units.check(found.unit)
        except Invalid as error:
            raise Invalid(
                error.message, code=error.code, hint=error.hint, detail={**error.detail, "pointer": f"{pointer}/unit"}
            ) from error
    if found.minimum is not None and found.maximum is not None and found.minimum > found.maximum:
        raise invalid("The minimum is above the maximum.", f"{pointer}/minimum", code="devices.model_range")
