"""Attributes of the interface from and to the fields of a template. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millwright.identity.registration.model import IdentifierRecord
from millwright.identity.registration.values import field_numbers
from millwright.identity.snms import errors
from millwright.identity.snms.facts import FORMAT, RESERVED_INDEX
from millwright.identity.snms.model import SnmsAttribute, SnmsData
from millwright.identity.templates import Template, TemplateField
from millwright.identity.templates.model import FIRST_INDEX, MOST_NUMBER, REPEATED_STEP
from millwright.identity.templates.values import Refused, read_cell, write_value

_SECRETS = frozenset({"HS_SECKEY", "HS_PUBKEY", "HS_ADMIN"})


def fields_of(template: Template, value: Sequence[SnmsAttribute]) -> dict[str, Any]:
    """The fields that attributes stand for; an empty text is a field without a value (``None``).

    Raises ``Invalid`` (``snms.index_reserved``, ``snms.index_unknown``, ``snms.type_differs``, …).
    """
    numbers = field_numbers(template)
    seen: set[int] = set()
    listed: dict[str, list[tuple[int, Any]]] = {}
    for each in value:
        index = each.index
        if index == RESERVED_INDEX:
            raise errors.index_reserved()
        field = _field_at(numbers, index)
        if field is None:
            raise errors.index_unknown(index)
        if index in seen:
            raise errors.index_twice(index)
        seen.add(index)
        if each.data.format.lower() != FORMAT:
            raise errors.format_unknown(index, each.data.format)
        wanted = field.value_type.decode()
        if each.type.casefold() not in (wanted.casefold(), field.name.casefold()):
            raise errors.type_differs(index, each.type, wanted)
        listed.setdefault(field.name, []).append((index, _read(field, index, each.data.value)))
    found: dict[str, Any] = {}
    for name, values in listed.items():
        given = [one for _, one in sorted(values, key=lambda each: each[0]) if one is not None]
        field = template.field(name)
        assert field is not None
        found[name] = (given or None) if field.repeated else (given[0] if given else None)
    return found


def attributes_of(found: IdentifierRecord, template: Template | None) -> list[SnmsAttribute]:
    """What somebody may see of a record, by index; its links and what only machines of Handle need are left out."""
    shown: list[SnmsAttribute] = []
    for field in () if template is None else template.document.fields:
        given = found.fields.get(field.name)
        values = given if isinstance(given, list) and field.repeated else [] if given is None else [given]
        shown += [_attribute(field, place, each) for place, each in enumerate(values)]
    for other in found.values:
        data = other.data.get("value") if isinstance(other.data, dict) else None
        if other.type not in _SECRETS and isinstance(data, str):
            shown.append(SnmsAttribute(index=other.index, type=other.type, data=SnmsData(value=data)))
    return sorted(shown, key=lambda each: each.index)


def _field_at(numbers: dict[int, TemplateField], index: int) -> TemplateField | None:
    place, number = divmod(index - FIRST_INDEX, REPEATED_STEP)
    if not 1 <= number <= MOST_NUMBER or place < 0:
        return None
    field = numbers.get(number)
    return None if field is None or (place and not field.repeated) else field


def _read(field: TemplateField, index: int, text: str) -> Any:
    if text == "":
        return None
    if field.type == "text":
        return text  # with the spaces around it, which a cell of a table has not
    try:
        return read_cell(field, text)
    except Refused as why:
        raise errors.value_refused(index, why.why, why.why_zh) from why


def _attribute(field: TemplateField, place: int, value: Any) -> SnmsAttribute:
    try:
        text = write_value(field, value).decode()
    except Refused:  # kept by an older rule: it is shown as the text that it is
        text = str(value)
    index = field.index + place * REPEATED_STEP
    return SnmsAttribute(index=index, type=field.value_type.decode(), data=SnmsData(value=text))
