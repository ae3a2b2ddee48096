"""Identifiers as a file, in a form that an import takes: CSV, JSON lines, or an Arrow stream; some rows at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from millwright.identity.digital_link import LINK_TYPE
from millwright.identity.handle.model import Permission
from millwright.identity.handle.naming import fold
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records import Prefix, Records
from millwright.identity.registration import naming
from millwright.identity.registration.reading import is_suspended
from millwright.identity.registration.service import Registration
from millwright.identity.registration.values import Reader, is_field
from millwright.identity.search.index import SearchIndex
from millwright.identity.search.model import Among
from millwright.identity.search.service import question
from millwright.identity.templates import Template
from millwright.identity.templates.model import FIRST_INDEX, REPEATED_STEP, TEMPLATE_INDEX
from millwright.kernel.spreadsheet import safe_cell

ExportFormat: TypeAlias = Literal["csv", "jsonl", "arrow"]

MEDIA: Final[dict[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
}
_AT_ONCE: Final = 500
_PUBLIC = int(Permission.PUBLIC_READ)
_HEAD = ("identifier", "prefix", "template_id", "template_version", "version", "changed_ms")

Row = tuple[dict[str, Any], dict[str, list[str]]]
"""What is said of an identifier, and the texts of its fields."""


class Export:
    """Reads by the search index, and shows what the register says now."""

    def __init__(self, index: SearchIndex, register: Records, registration: Registration) -> None:
        self._index, self._register, self._registration = index, register, registration

    def rows(
        self, reader: Reader, text: str, among: Among, prefix: str | None, template_id: str | None
    ) -> Iterator[list[Row]]:
        """All that one may see, some at a time, those changed last first. Blocks."""
        match, before = question(text, {}), None
        folded = None if prefix is None else fold(prefix.encode())
        while True:
            found = self._index.find(
                match, reader.own, among=among, prefix=folded, template=template_id, before=before, limit=_AT_ONCE
            )
            if not found:
                return
            with self._register.view() as view:
                rows = []
                for _, key, changed_ms in found:
                    held = view.at_key(key)
                    owner = None if held is None else view.authority(held[0].handle)
                    if held is None or owner is None:
                        continue
                    if owner.organisation_id in reader.own or not is_suspended(view, held[0].handle):
                        row = self._row(held[0], held[1], changed_ms, owner, reader)
                        if row is not None:
                            rows.append(row)
            yield rows
            before = found[-1][0]

    def _row(self, record: StoredRecord, version: int, changed_ms: int, owner: Prefix, reader: Reader) -> Row | None:
        values = list(record.iter_plain())
        named = next((data.decode() for index, _, _, data in values if index == TEMPLATE_INDEX), "")
        template = self._registration.template_named(named)
        own, open_to_all = owner.organisation_id in reader.own, owner.state == "active"
        fields: dict[str, list[str]] = {}
        links = False
        numbers = {} if template is None else {each.number: each for each in template.document.fields}
        for index, permissions, kind, data in sorted(values):
            public = bool(permissions & _PUBLIC) and open_to_all
            field = numbers.get((index - FIRST_INDEX) % REPEATED_STEP) if is_field(index) else None
            if field is None:
                links = links or (kind == LINK_TYPE and public)
            elif field.visibility != "sealed" and (
                (public and field.visibility == "public") or reader.reads(field, owner.organisation_id)
            ):
                fields.setdefault(field.name, []).append(data.decode(errors="replace"))
        if not own and not fields and not links:
            return None
        template_id, _, number = named.partition("/")
        said = {
            "identifier": naming.shown(record.handle)[0], "prefix": owner.prefix, "template_id": template_id,
            "template_version": number, "version": version, "changed_ms": changed_ms,
        }  # fmt: skip
        return said, fields


def written(rows: Iterator[list[Row]], kind: ExportFormat, template: Template | None) -> Iterator[bytes]:
    """The rows as a file. With a template its fields are columns; without, all fields are one column of JSON."""
    if kind == "jsonl":
        return _json_lines(rows)
    names = None if template is None else [each.name for each in template.document.fields]
    return _csv(rows, names) if kind == "csv" else _arrow(rows, names)


def _columns(names: Sequence[str] | None) -> list[str]:
    return [*_HEAD, *(["fields"] if names is None else names)]


def _cells(row: Row, names: Sequence[str] | None) -> list[str]:
    said, fields = row
    cells = [str(said[name]) for name in _HEAD]
    if names is None:
        return [*cells, msgspec.json.encode(fields).decode()]
    return [*cells, *("\n".join(fields.get(name, ())) for name in names)]


def _csv(rows: Iterator[list[Row]], names: Sequence[str] | None) -> Iterator[bytes]:
    """No cell begins a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(_columns(names))
    for part in rows:
        writer.writerows([safe_cell(cell) for cell in _cells(row, names)] for row in part)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _json_lines(rows: Iterator[list[Row]]) -> Iterator[bytes]:
    for part in rows:
        yield b"".join(msgspec.json.encode({**said, "fields": fields}) + b"\n" for said, fields in part)


def _arrow(rows: Iterator[list[Row]], names: Sequence[str] | None) -> Iterator[bytes]:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in _columns(names)])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        for part in rows:
            if part:
                columns = list(zip(*(_cells(row, names) for row in part), strict=True))
                writer.write_batch(pa.record_batch([pa.array(each, pa.string()) for each in columns], schema))
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()
