"""What the index is told of a record."""

from __future__ import annotations

from typing import Final

from millwright.identity.digital_link import LINK_TYPE
from millwright.identity.handle.model import Permission
from millwright.identity.handle.records import StoredRecord
from millwright.identity.registration.values import is_field
from millwright.identity.search.index import Doc
from millwright.identity.search.tokens import field_words, words
from millwright.identity.templates.model import FIRST_INDEX, REPEATED_STEP, TEMPLATE_INDEX, Visibility
from millwright.identity.templates.store import TemplateStore

_PUBLIC = int(Permission.PUBLIC_READ)
_INTERNAL = (b"HS_", b"MW_")
_MOST_OTHER: Final = 2_000
_REMEMBERED: Final = 50_000
_SHORT: Final = 40

Fields = dict[int, tuple[str, Visibility]]


class DocumentMaker:
    """Makes what the index is told. ``library`` sees every template. Not for several threads at once."""

    def __init__(self, library: TemplateStore) -> None:
        self._library = library
        self._fields: dict[bytes, Fields] = {}
        self._words: dict[tuple[str, bytes], str] = {}

    def make(self, key: bytes, record: StoredRecord, prefix: bytes, changed_ms: int) -> Doc:
        """The document of a record. Raises ``Corrupt``."""
        values = list(record.iter_plain())
        named = next((data for index, _, _, data in values if index == TEMPLATE_INDEX), b"")
        fields = self._fields_of(named)
        public = words(record.handle.decode(errors="replace"))
        own: list[str] = []
        shown = False
        for index, permissions, kind, data in values:
            readable = bool(permissions & _PUBLIC)
            field = fields.get((index - FIRST_INDEX) % REPEATED_STEP) if is_field(index) else None
            if field is not None:
                name, visibility = field
                if visibility == "sealed":
                    continue
                if visibility == "public" and readable:
                    shown = True
                    public.append(self._said(name, data))
                else:
                    own.append(self._said(name, data))
            elif readable and index != TEMPLATE_INDEX and not kind.upper().startswith(_INTERNAL):
                shown = True
                if kind.upper() != LINK_TYPE and len(data) <= _MOST_OTHER:
                    public.append(self._said("", data))
        template = named.partition(b"/")[0].decode(errors="replace")[:64]
        return Doc(key, prefix, template, changed_ms, " ".join(public), " ".join(own), shown=shown)

    def _said(self, field: str, data: bytes) -> str:
        """The words of a value, and their marks; those of short values, which occur again, are remembered."""
        known = self._words.get((field, data))
        if known is not None:
            return known
        found = words(data.decode(errors="replace"))
        said = " ".join([*found, *field_words(field, found)] if field else found)
        if len(data) <= _SHORT:
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            self._words[field, data] = said
        return said

    def _fields_of(self, named: bytes) -> Fields:
        known = self._fields.get(named)
        if known is None:
            template_id, _, version = named.decode(errors="replace").partition("/")
            found = self._library.find_version(template_id, int(version)) if version.isdigit() else None
            document = None if found is None else found.document
            known = {} if document is None else {each.number: (each.name, each.visibility) for each in document.fields}
            if named and found is None:
                return known  # it may be known later
            self._fields[named] = known
        return known
