"""From the cells of a row to the stored form of a record, quickly: everything that is the same for all rows is worked
out once. What comes out is what :func:`.values.assemble` and :meth:`.StoredRecord.build` make of the same fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from millwright.identity.codes import Code
from millwright.identity.codes.systems import SYSTEMS
from millwright.identity.digital_link import Link, link_value
from millwright.identity.handle.model import HandleValue, encode_value
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records.authority import ROOMS
from millwright.identity.registration.bulk.errors import columns_wrong
from millwright.identity.registration.model import FIRST_LINK_INDEX
from millwright.identity.registration.naming import checked_name, read_identifier
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.templates import Template, TemplateField
from millwright.identity.templates.coding import field_value
from millwright.identity.templates.model import MOST_REPEATED, REPEATED_STEP, TEMPLATE_INDEX, TEMPLATE_TYPE
from millwright.identity.templates.values import Refused, read_cell, write_value
from millwright.kernel import Invalid, MillwrightError
from millwright.kernel.spreadsheet import plain_cell

IDENTIFIER: Final = "identifier"
FIELDS: Final = "fields."
LINKS: Final = "links."
_IDENTIFIERS = frozenset({"identifier", "handle", "code", "标识", "标识编码", "编码", "标识码", "handle标识"})
_GUESSES: Final = 50_000
_REPEATING: Final = frozenset({"date", "quantity", "integer", "number", "boolean", "enum"})
"""Types of fields whose values come again and again: what a cell was written as is remembered."""
_REMEMBERED: Final = 2_000

_HANDLE = re.compile(r"([0-9]+(?:\.[0-9A-Za-z]+)+)/[0-9A-Za-z._~:@!*'()/-]+")
_SERIAL = re.compile(r"(.*(?:\(01\)|/01/)[0-9]{14}(?:\(21\)|/21/))([0-9A-Z]{1,20})")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a cell, or with the row."""

    code: str
    reason: str
    reason_zh: str = ""
    column: str = ""
    field: str = ""


class RowRefused(Exception):
    """A row that cannot be registered, with every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].reason)
        self.problems = problems


def problem_of(error: MillwrightError, column: str = "") -> Problem:
    """The reason that an error says."""
    return Problem(error.code, error.message, str(error.detail.get("why_zh", "")), column)


def guess_targets(columns: Sequence[str], template: Template) -> dict[str, str]:
    """What columns are by their names: of the identifier, and of fields by name or label."""
    names: dict[str, str] = {}
    for field in reversed(template.document.fields):
        for name in (field.label_zh, field.label, field.name):
            if name:
                names[name.strip().casefold()] = FIELDS + field.name
    found = {}
    for column in columns:
        key = column.strip().casefold()
        if key in names:
            found[column] = names[key]
        elif key in _IDENTIFIERS:
            found[column] = IDENTIFIER
        elif key.startswith((LINKS, FIELDS)) and template.field(column[len(FIELDS) :]) is not None:
            found[column] = column.strip()
    return found


def check_targets(targets: Mapping[str, str], columns: Sequence[str], template: Template, *, made: bool) -> None:
    """Raise ``Invalid`` (``identifiers.import_columns``) unless these columns make records of the template.

    ``made``: identifiers are made, so that no column has them.
    """
    used = [target for target in targets.values() if target]
    missing = [column for column in targets if column not in columns]
    if missing:
        raise columns_wrong(f"The file has no column {missing[0]!r}", f"文件中没有列“{missing[0]}”")
    twice = next((each for each in used if used.count(each) > 1 and not each.startswith(LINKS)), None)
    if twice is not None:
        raise columns_wrong(f"Two columns are {twice}", f"有两列都对应 {twice}")
    for target in used:
        if target == IDENTIFIER or (target.startswith(LINKS) and len(target) > len(LINKS)):
            continue
        if not target.startswith(FIELDS) or template.field(target[len(FIELDS) :]) is None:
            raise columns_wrong(f"The template has no {target}", f"模板中没有 {target}")
    if (IDENTIFIER in used) == made:
        if made:
            raise columns_wrong("Identifiers are made, and a column has them too", "标识既自动生成又由列给出")
        raise columns_wrong("No column has the identifier, and none is to be made", "没有标识列，也未设置自动生成")
    lacking = [each for each in template.document.fields if each.required and FIELDS + each.name not in used]
    if lacking:
        said = lacking[0].label_zh or lacking[0].name
        raise columns_wrong(f"No column has the required field {lacking[0].name}", f"缺少必填字段“{said}”对应的列")


class Names:
    """Names of identifiers, as :func:`.naming.read_identifier` tells them; quicker where many have the same beginning.

    A handle whose prefix was understood as one before is its own name; the serial number of a product whose number was
    understood before, in digits and capitals, is as it stands. Everything else is parsed.
    """

    def __init__(self) -> None:
        self._handles: set[str] = set()
        self._products: dict[str, bytes] = {}

    def read(self, text: str) -> bytes:
        """The name. Raises ``Invalid``, ``Unsupported``."""
        text = text.strip()
        plain = _HANDLE.fullmatch(text)
        if plain is not None and plain[1] in self._handles and len(text) <= 1000:
            return text.encode()
        product = _SERIAL.fullmatch(text)
        if product is not None and (head := self._products.get(product[1])) is not None:
            return head + product[2].encode()
        name = self._name(text)
        if plain is not None and name == text.encode():
            self._handles.add(plain[1])
        elif product is not None and name.startswith(b"GS1/") and name.endswith(b"/21/" + product[2].encode()):
            self._products[product[1]] = name.removesuffix(product[2].encode())
        if len(self._handles) + len(self._products) > _GUESSES:
            self._handles.clear()
            self._products.clear()
        return name

    def _name(self, text: str) -> bytes:
        if text.partition("/")[0].upper().encode() not in ROOMS:
            code = self._parse(text)
            if code is not None:
                return checked_name(text, code)
        return read_identifier(text)[1]

    def _parse(self, text: str) -> Code | None:
        """What ``parse_any`` finds: the first system that the text looks like, and that takes it."""
        for system in SYSTEMS:
            if system.likely(text):
                try:
                    return system.parse(text)
                except Invalid:
                    continue
        return None


class RowEncoder:
    """Encodes the rows of one file. ``owner_of`` tells whose a name is, for sealed fields."""

    def __init__(
        self,
        template: Template,
        columns: Sequence[str],
        targets: Mapping[str, str],
        now_s: int,
        seals: ValueSeals,
        owner_of: Callable[[bytes], str],
    ) -> None:
        self._seals, self._owner_of, self._now_s = seals, owner_of, now_s
        self._names = Names()
        self.template = template
        place = {target: columns.index(column) for column, target in targets.items() if target}
        self._identifier = place.get(IDENTIFIER)
        self._identifier_column = "" if self._identifier is None else columns[self._identifier]
        self._fields = [
            (field, place[FIELDS + field.name], columns[place[FIELDS + field.name]], _writer(field, now_s))
            for field in sorted(template.document.fields, key=lambda each: each.number)
            if FIELDS + field.name in place
        ]
        self._links = [
            (columns.index(column), column, target[len(LINKS) :])
            for column, target in targets.items()
            if target.startswith(LINKS)
        ]
        named = HandleValue(
            index=TEMPLATE_INDEX, type=TEMPLATE_TYPE, data=f"{template.id}/{template.version}".encode(),
            timestamp_s=now_s, permissions=field_value(TEMPLATE_FIELD, 0, b"").permissions,
        )  # fmt: skip
        self._named = (TEMPLATE_INDEX, encode_value(named))

    def identifier(self, cells: Sequence[str]) -> str:
        """The identifier that a row names."""
        place = self._identifier
        return plain_cell(cells[place].strip()) if place is not None and place < len(cells) else ""

    def encode(self, identifier: str, cells: Sequence[str]) -> StoredRecord:
        """The record of a row. Raises ``RowRefused`` with every reason."""
        problems: list[Problem] = []
        name = b""
        if not identifier:
            column = self._identifier_column
            problems.append(Problem("identifiers.no_identifier", "There is no identifier.", "没有标识", column))
        else:
            try:
                name = self._names.read(identifier)
            except MillwrightError as error:
                problems.append(problem_of(error, self._identifier_column))
        public, restricted = [self._named], []
        width = len(cells)
        for field, place, column, write in self._fields:
            cell = cells[place] if place < width else ""
            if not cell or cell.isspace():
                if field.required:
                    problems.append(Problem("templates.fields_invalid", "it is required", "必填", column, field.name))
                continue
            try:
                values = write(cell)
                if field.visibility == "sealed":
                    if not problems:
                        restricted += self._sealed(name, field, values)
                elif field.visibility == "public":
                    public += values
                else:
                    restricted += values
            except Refused as why:
                problems.append(Problem("templates.fields_invalid", why.why, why.why_zh, column, field.name))
            except MillwrightError as error:
                problems.append(problem_of(error, column))
        if self._links:
            self._encode_links(cells, public, problems)
        if problems:
            raise RowRefused(problems)
        public.sort()
        restricted.sort()
        return StoredRecord.pack(name, [each[1] for each in public], [each[1] for each in restricted])

    def _sealed(self, name: bytes, field: TemplateField, values: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        sealing = self._seals.of(name, self._owner_of(name))
        found = []
        for place, (index, data) in enumerate(values):
            value = field_value(field, place, sealing.seal(f"{field.number}/{place}", data))
            found.append((index, _stamped(value, self._now_s)))
        return found

    def _encode_links(self, cells: Sequence[str], public: list[tuple[int, bytes]], problems: list[Problem]) -> None:
        place = 0
        for at, column, kind in self._links:
            href = plain_cell(cells[at].strip()) if at < len(cells) else ""
            if not href:
                continue
            try:
                value = link_value(FIRST_LINK_INDEX + place, Link(link_type=kind, href=href, title=column))
            except MillwrightError as error:
                problems.append(Problem(error.code, error.message, "链接不符合要求", column))
                continue
            public.append((value.index, _stamped(value, self._now_s)))
            place += 1

    def read(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Link]]:
        """The fields and links of a row that :meth:`encode` took, as they are given to registration."""
        fields: dict[str, Any] = {}
        for field, place, _, _ in self._fields:
            cell = plain_cell(cells[place]) if place < len(cells) else ""
            read = [read_cell(field, part) for part in _parts(field, cell)]
            if read:
                fields[field.name] = read if field.repeated else read[0]
        links = [
            Link(link_type=kind, href=href, title=column)
            for at, column, kind in self._links
            if (href := plain_cell(cells[at].strip()) if at < len(cells) else "")
        ]
        return fields, links


TEMPLATE_FIELD: Final = TemplateField(number=1, name="template")
"""A public field: the value that names the template may be read as one."""


def _stamped(value: HandleValue, now_s: int) -> bytes:
    data = encode_value(value)
    return data[:4] + now_s.to_bytes(4, "big") + data[8:]


def _parts(field: TemplateField, cell: str) -> list[str]:
    parts = cell.splitlines() if field.repeated else [cell]
    return [each for each in parts if each.strip()]


def _writer(field: TemplateField, now_s: int) -> Callable[[str], list[tuple[int, bytes]]]:
    """Writes a cell as encoded values with their indexes; of a sealed field, as the plain data."""
    sealed = field.visibility == "sealed"
    empty = _stamped(field_value(field, 0, b""), now_s)
    before, after = empty[: len(empty) - 8], empty[len(empty) - 4 :]
    index = field.index
    plain_text = field.type == "text" and field.minimum is None and field.maximum is None and field.pattern is None

    def data_of(cell: str) -> bytes:
        text = plain_cell(cell.strip())
        if plain_text and len(text) < 16_000 and text.isprintable():
            return text.encode()
        return write_value(field, read_cell(field, text))

    def write(cell: str) -> list[tuple[int, bytes]]:
        data = data_of(cell)
        return [(index, data if sealed else before + len(data).to_bytes(4, "big") + data + after)]

    def write_all(cell: str) -> list[tuple[int, bytes]]:
        parts = _parts(field, plain_cell(cell))
        if len(parts) > MOST_REPEATED:
            raise Refused(f"it has more than {MOST_REPEATED} values", f"超过 {MOST_REPEATED} 个值")
        found = []
        for place, part in enumerate(parts):
            data = data_of(part)
            if not sealed:
                data = _stamped(field_value(field, place, data), now_s)
            found.append((index + place * REPEATED_STEP, data))
        return found

    if field.repeated:
        return write_all
    return _remembering(write) if field.type in _REPEATING and not sealed else write


def _remembering(write: Callable[[str], list[tuple[int, bytes]]]) -> Callable[[str], list[tuple[int, bytes]]]:
    known: dict[str, list[tuple[int, bytes]]] = {}

    def write_once(cell: str) -> list[tuple[int, bytes]]:
        found = known.get(cell)
        if found is None:
            found = write(cell)
            if len(known) >= _REMEMBERED:
                known.clear()
            if len(cell) <= 64:
                known[cell] = found
        return found

    return write_once
