"""The values of a record: put together from a template's fields and links, and read back for somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from millwright.identity.digital_link import LINK_TYPE, Link, link_value, read_links
from millwright.identity.handle.json_form import data_to_json
from millwright.identity.handle.model import HandleValue
from millwright.identity.registration.errors import invalid
from millwright.identity.registration.model import FIRST_LINK_INDEX, MOST_LINKS, OtherValue, Withheld
from millwright.identity.templates import Sealing, Template, TemplateField, decode, encode
from millwright.identity.templates.model import FIRST_INDEX, MOST_NUMBER, REPEATED_STEP, TEMPLATE_INDEX
from millwright.kernel import Corrupt, Invalid

_SECRET = b"HS_SECKEY"
"""A secret by which a native client shows who it is: nobody reads it here."""


def assemble(
    template: Template | None,
    fields: Mapping[str, Any],
    links: Sequence[Link],
    kept: Iterable[HandleValue] = (),
    *,
    sealing: Sealing | None = None,
) -> list[HandleValue]:
    """The values of a record, without times. ``kept`` are those of nobody's template.

    Raises ``Invalid`` (``templates.fields_invalid``, ``digital_link.link_invalid``, ``identifiers.invalid``).
    """
    values = list(kept)
    if template is not None:
        values += encode(template, fields, sealing=sealing)
    elif fields:
        raise invalid("/fields", "Fields are of a template, and none is named", "未指定模板，不能填写字段")
    for place, link in enumerate(links):
        try:
            values.append(link_value(FIRST_LINK_INDEX + place, link))
        except Invalid as error:
            detail = {**error.detail, "pointer": f"/links/{place}", "why_zh": "链接不符合要求"}
            raise Invalid(error.message, code=error.code, hint=error.hint, detail=detail) from error
    return values


def stamped(values: Iterable[HandleValue], before: Iterable[HandleValue], now_s: int) -> tuple[HandleValue, ...]:
    """The values with the time of their last change: now, or that of one before that says the same."""
    known = {each.index: each for each in before}
    found = []
    for value in values:
        old = known.get(value.index)
        kept = None if old is None else msgspec.structs.replace(value, timestamp_s=old.timestamp_s)
        found.append(kept if kept is not None and kept == old else msgspec.structs.replace(value, timestamp_s=now_s))
    return tuple(sorted(found, key=lambda each: each.index))


def is_field(index: int) -> bool:
    """Whether a value of this index is one of a template's field."""
    return index > FIRST_INDEX and 1 <= (index - FIRST_INDEX) % REPEATED_STEP <= MOST_NUMBER


def is_link(value: HandleValue) -> bool:
    """Whether it is a link that registration writes."""
    return FIRST_LINK_INDEX <= value.index < FIRST_LINK_INDEX + MOST_LINKS and value.is_type(LINK_TYPE)


def kept_of(values: Iterable[HandleValue]) -> list[HandleValue]:
    """The values that no template and no link stands for."""
    return [each for each in values if each.index != TEMPLATE_INDEX and not is_field(each.index) and not is_link(each)]


def field_numbers(template: Template) -> dict[int, TemplateField]:
    """The fields by their number."""
    return {field.number: field for field in template.document.fields}


def number_of(value: HandleValue) -> int:
    """The number of the field that a value is of."""
    return (value.index - FIRST_INDEX) % REPEATED_STEP


def sealed_values(template: Template, values: Iterable[HandleValue]) -> dict[str, bytes]:
    """The sealed values by the place they were sealed for."""
    numbers = {field.number for field in template.document.fields if field.visibility == "sealed"}
    return {
        f"{number_of(each)}/{(each.index - FIRST_INDEX) // REPEATED_STEP}": each.data
        for each in values
        if is_field(each.index) and number_of(each) in numbers
    }


def read_fields(template: Template, values: Sequence[HandleValue], *, sealing: Sealing | None = None) -> dict[str, Any]:
    """The fields of these values; one that the template cannot read is shown as its text."""
    try:
        return decode(template, values, sealing=sealing)
    except Corrupt:
        pass
    found: dict[str, Any] = {}
    numbers = field_numbers(template)
    for value in values:
        field = numbers.get(number_of(value)) if is_field(value.index) else None
        if field is None or (field.visibility == "sealed" and sealing is None):
            continue
        try:
            found |= decode(template, [each for each in values if number_of(each) == field.number], sealing=sealing)
        except Corrupt:
            if field.visibility != "sealed":
                found[field.name] = value.data.decode(errors="replace")
    return found


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads. ``own`` are the organisations whose identifiers may be seen, ``roles`` the roles held."""

    own: frozenset[str]
    roles: frozenset[str] = frozenset()
    revealing: frozenset[str] = frozenset()
    writing: frozenset[str] = frozenset()

    def reads(self, field: TemplateField, owner: str) -> bool:
        """Whether a field of an owner's record may be read, its seal and the public aside."""
        if owner in self.own:
            return True
        to = field.granted_to
        return to is not None and bool(self.own & set(to.organisations) or self.roles & set(to.roles))


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody sees of a record."""

    fields: dict[str, Any]
    withheld: dict[str, Withheld]
    links: list[Link]
    others: list[OtherValue]

    @property
    def anything(self) -> bool:
        """Whether there is anything to see."""
        return bool(self.fields or self.links or self.others)


def see(
    values: Sequence[HandleValue], template: Template | None, reader: Reader, owner: str, *, open_to_all: bool
) -> Seen:
    """What a reader sees. ``open_to_all``: the prefix is in force, so public values are shown to everybody."""
    own = owner in reader.own
    fields: list[HandleValue] = []
    withheld: dict[str, Withheld] = {}
    others: list[OtherValue] = []
    numbers = {} if template is None else field_numbers(template)
    for value in values:
        public = value.public and open_to_all
        field = numbers.get(number_of(value)) if is_field(value.index) else None
        if field is not None:
            if field.visibility == "sealed":
                if own:
                    withheld[field.name] = "sealed"
            elif (public and field.visibility == "public") or reader.reads(field, owner):
                fields.append(value)
            elif own:
                withheld[field.name] = "granted"
        elif value.index != TEMPLATE_INDEX and not is_link(value) and (own or public):
            data = None if value.is_type(_SECRET) else data_to_json(value.type, value.data)
            kind = value.type.decode(errors="replace")
            others.append(OtherValue(index=value.index, type=kind, data=data, public=value.public))
    shown = {} if template is None else read_fields(template, fields)
    links = read_links([each for each in values if is_link(each)]) if own or open_to_all else []
    return Seen(shown, withheld, links, others)
