"""From typed fields to handle values and back, by a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from millwright.identity.handle import HandleValue, Permission
from millwright.identity.templates import errors
from millwright.identity.templates.errors import FieldProblem
from millwright.identity.templates.model import (
    FIRST_INDEX,
    MOST_REPEATED,
    REPEATED_STEP,
    TEMPLATE_INDEX,
    TEMPLATE_TYPE,
    Template,
    TemplateField,
)
from millwright.identity.templates.values import Refused, read_cell, read_value, write_value

_PUBLIC = int(Permission.PUBLIC_READ | Permission.ADMIN_READ | Permission.ADMIN_WRITE)
_PERMISSIONS = {
    "public": _PUBLIC,
    "granted": int(Permission.ADMIN_READ | Permission.ADMIN_WRITE),
    "sealed": int(Permission.ADMIN_WRITE),
}
"""A sealed value is read by nobody over the Handle protocol, not by an administrator either."""


class Sealing(Protocol):
    """Keeps sealed fields of one record encrypted; ``place`` names the field and which of its values it is."""

    def seal(self, place: str, plain: bytes) -> bytes:
        """The value, encrypted."""
        ...

    def open(self, place: str, sealed: bytes) -> bytes:
        """What :meth:`seal` was given. Raises ``Corrupt``."""
        ...


def encode(template: Template, fields: Mapping[str, Any], *, sealing: Sealing | None = None) -> tuple[HandleValue, ...]:
    """The handle values of a record's fields, by index, with the one that names the template.

    ``None`` and an empty list are as if the field were not there. Raises ``Invalid`` (``templates.fields_invalid``)
    with every problem, ``Unsupported`` (``templates.sealing_missing``) for a sealed field without ``sealing``.
    """
    named = f"{template.id}/{template.version}".encode()
    values = [HandleValue(index=TEMPLATE_INDEX, type=TEMPLATE_TYPE, data=named, permissions=_PUBLIC)]
    known = {field.name for field in template.document.fields}
    problems = [_problem(str(name), None, _no_such_field()) for name in fields if name not in known]
    for field in template.document.fields:
        given = fields.get(field.name)
        for place, value in enumerate(_listed(field, given, problems)):
            try:
                data = write_value(field, value)
            except Refused as why:
                problems.append(_problem(field.name, place if field.repeated else None, why))
                continue
            if field.visibility == "sealed" and not problems:
                if sealing is None:
                    raise errors.sealing_missing(field.name)
                data = sealing.seal(_place(field, place), data)
            values.append(field_value(field, place, data))
    if problems:
        raise errors.fields_invalid(problems)
    return tuple(sorted(values, key=lambda each: each.index))


def decode(template: Template, values: Iterable[HandleValue], *, sealing: Sealing | None = None) -> dict[str, Any]:
    """The fields that handle values hold, in the template's order. Other values are left out, and so are sealed ones
    without ``sealing``; a value that one may not read may be missing.

    Raises ``Corrupt`` (``templates.value_broken``) for what the template cannot read.
    """
    by_number: dict[int, list[tuple[int, HandleValue]]] = {}
    for value in values:
        if value.index > FIRST_INDEX:
            place, number = divmod(value.index - FIRST_INDEX, REPEATED_STEP)
            by_number.setdefault(number, []).append((place, value))
    found: dict[str, Any] = {}
    for field in template.document.fields:
        held = sorted(by_number.get(field.number, []), key=lambda each: each[0])
        if not held or (field.visibility == "sealed" and sealing is None):
            continue
        read = [_read(field, place, value, sealing) for place, value in held]
        found[field.name] = read if field.repeated else read[0]
    return found


def template_of(values: Iterable[HandleValue]) -> tuple[str, int] | None:
    """The id and version of the template that a record was registered by."""
    for value in values:
        if value.index == TEMPLATE_INDEX and value.is_type(TEMPLATE_TYPE):
            template_id, _, version = value.data.decode(errors="replace").partition("/")
            if version.isascii() and version.isdigit():
                return template_id, int(version)
    return None


def read_cells(template: Template, cells: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a row of a table stands for; empty cells are left out. Values of a repeated field stand in lines.

    Raises ``Invalid`` (``templates.fields_invalid``) with every problem.
    """
    found: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, cell in cells.items():
        field = template.field(name)
        if field is None:
            problems.append(_problem(name, None, _no_such_field()))
            continue
        parts = cell.splitlines() if field.repeated else [cell]
        try:
            read = [read_cell(field, part) for part in parts if part.strip()]
        except Refused as why:
            problems.append(_problem(name, None, why))
            continue
        if read:
            found[name] = read if field.repeated else read[0]
    if problems:
        raise errors.fields_invalid(problems)
    return found


def _no_such_field() -> Refused:
    return Refused("the template has no such field", "模板没有该字段")


def _listed(field: TemplateField, given: Any, problems: list[FieldProblem]) -> list[Any]:
    """The values of a field; notes what is wrong with their number."""
    if given is None or (field.repeated and given == []):
        if field.required:
            problems.append(_problem(field.name, None, Refused("it is required", "必填")))
        return []
    if not field.repeated:
        if field.required and given == "":
            problems.append(_problem(field.name, None, Refused("it is required", "必填")))
            return []
        return [given]
    if not isinstance(given, list | tuple):
        problems.append(_problem(field.name, None, Refused("it is repeated: give a list", "可重复字段应为列表")))
        return []
    if len(given) > MOST_REPEATED:
        why = Refused(f"it has more than {MOST_REPEATED} values", f"超过 {MOST_REPEATED} 个值")
        problems.append(_problem(field.name, None, why))
        return []
    return list(given)


def field_value(field: TemplateField, place: int, data: bytes) -> HandleValue:
    """The handle value of one value of a field; ``place`` is which of them, ``data`` what :func:`.write_value` made."""
    return HandleValue(
        index=field.index + place * REPEATED_STEP,
        type=field.value_type,
        data=data,
        permissions=_PERMISSIONS[field.visibility],
        ttl=field.ttl,
    )


def _read(field: TemplateField, place: int, value: HandleValue, sealing: Sealing | None) -> Any:
    data = value.data
    if field.visibility == "sealed" and sealing is not None:
        data = sealing.open(_place(field, place), data)
    try:
        return read_value(field, data)
    except Refused as why:
        raise errors.value_broken(field.name, value.index, why.why) from why


def _place(field: TemplateField, place: int) -> str:
    return f"{field.number}/{place}"


def _problem(field: str, place: int | None, why: Refused) -> FieldProblem:
    escaped = field.replace("~", "~0").replace("/", "~1")
    pointer = f"/{escaped}" if place is None else f"/{escaped}/{place}"
    return FieldProblem(field=field, pointer=pointer, why=why.why, why_zh=why.why_zh)
