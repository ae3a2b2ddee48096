"""Reading records for somebody: one, its versions, its sealed fields; and the templates that they name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import structs, to_builtins

from millwright.engines.sql import Records as Sql
from millwright.identity.handle.measured import suspension_of
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.model import Version
from millwright.identity.registration import errors, naming
from millwright.identity.registration.history import differences, operation_of
from millwright.identity.registration.model import (
    CheckedIdentifier,
    IdentifierRecord,
    IdentifierVersion,
    IdentifierVersions,
    RevealedFields,
    RevealFields,
    TemplateRef,
)
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.registration.values import (
    Reader,
    read_fields,
    see,
)
from millwright.identity.rights import IDENTIFIERS_READ, IDENTIFIERS_REGISTER, IDENTIFIERS_REVEAL
from millwright.identity.templates import Template, template_of
from millwright.identity.templates.store import TemplateStore
from millwright.ledger import note
from millwright.parties import Authority

_ATTEMPTS = 20
_MOST_VERSIONS = 200


def reader_of(authority: Authority, within: str | None = None) -> Reader:
    """Who reads, and where; ``within``: an organisation to narrow it to."""
    roles = {each.role for each in authority.held if each.alive(authority.at_ms) and each.role.startswith("rol_")}
    return Reader(
        own=authority.scope(IDENTIFIERS_READ.name, within).organisations,
        roles=frozenset(roles),
        revealing=authority.scope(IDENTIFIERS_REVEAL.name, within).organisations,
        writing=authority.scope(IDENTIFIERS_REGISTER.name, within).organisations,
    )


class RecordReader:
    """Reads the register for somebody. ``sql`` sees everything, for a record that somebody else registered is read by
    the template it names."""

    def __init__(self, register: Records, sql: Sql, seals: ValueSeals) -> None:
        self.register, self.seals = register, seals
        self._library = TemplateStore(sql)
        self._known: dict[tuple[str, int], Template] = {}

    async def check(self, text: str, reader: Reader) -> CheckedIdentifier:
        """What a text is and whether it can be registered. Raises ``Invalid``, ``Unsupported``."""
        return await asyncio.to_thread(self._check, text, reader)

    def _check(self, text: str, reader: Reader) -> CheckedIdentifier:
        code, name = naming.read_identifier(text)
        with self.register.view() as view:
            owner = view.authority(name)
            version, there = view.version(name), view.find(name) is not None
        standing: Literal["free", "registered", "removed", "no_prefix", "closed"] = "free"
        if owner is None or owner.organisation_id not in reader.writing:
            standing = "no_prefix"
        elif there:
            standing = "registered"
        elif version:
            standing = "removed"
        elif owner.state != "active" or owner.site:
            standing = "closed"
        named = None if standing == "no_prefix" or owner is None else owner.prefix
        return CheckedIdentifier(
            identifier=naming.shown(name)[0], name=name.decode(), system=code.system, kind=code.kind,
            standing=standing, prefix=named,
        )  # fmt: skip

    async def get(self, text: str, reader: Reader) -> IdentifierRecord:
        """One identifier as a reader sees it. Raises ``NotFound`` (``identifiers.unknown``, ``identifiers.removed``
        where it was the reader's own), ``Conflict`` (``identifiers.prefix_suspended`` …) for others'."""
        return await asyncio.to_thread(self._get, text, reader)

    def _get(self, text: str, reader: Reader) -> IdentifierRecord:
        _, name = naming.read_identifier(text)
        with self.register.view() as view:
            owner, record, versions = self._seen_by(view, name, text, reader)
            details = own_versions(view, name, owner)[-_MOST_VERSIONS:] if owner.organisation_id in reader.own else []
        found = self.shown(record, owner, reader, versions)
        if not found.own and not (found.fields or found.links or found.values):
            raise errors.unknown(text)
        if details:
            return _told(found, details[0].at_ms if details[0].version == 1 else None, details[-1])
        return found

    def _seen_by(self, view: IndexView, name: bytes, text: str, reader: Reader) -> tuple[Prefix, StoredRecord, int]:
        owner, record = view.authority(name), view.find(name)
        version = view.version(name)
        if owner is not None and owner.state != "active" and owner.organisation_id not in reader.own:
            # Of whatever stands there, so that it tells nothing of what does.
            raise errors.prefix_closed(owner.prefix, owner.state)
        if owner is not None and owner.organisation_id not in reader.own and is_suspended(view, name):
            raise errors.suspended(text)
        if owner is None or (record is None and owner.organisation_id not in reader.own):
            raise errors.unknown(text)
        if record is None:
            raise errors.removed(text, version) if version else errors.unknown(text)
        return owner, record, version

    def shown(self, record: StoredRecord, owner: Prefix, reader: Reader, version: int) -> IdentifierRecord:
        """A record as a reader sees it."""
        values = record.values
        template = self.template_of(values)
        own = owner.organisation_id in reader.own
        open_to_all = owner.state == "active"
        seen = see(values, template, reader, owner.organisation_id, open_to_all=open_to_all)
        identifier, system, kind = naming.shown(record.handle)
        return IdentifierRecord(
            identifier=identifier, name=record.handle.decode(errors="replace"), system=system, kind=kind,
            prefix=owner.prefix, prefix_state=owner.state, organisation_id=owner.organisation_id,
            template=_reference(template, template_of(values)), fields=seen.fields, withheld=seen.withheld,
            links=seen.links, values=seen.others, version=version, own=own,
            writable=owner.organisation_id in reader.writing and open_to_all and not owner.site,
        )  # fmt: skip

    def template_of(self, values: Sequence[HandleValue]) -> Template | None:
        """The template that values name, whoever's it is."""
        named = template_of(values)
        return None if named is None else self._template(named)

    def template_named(self, text: str) -> Template | None:
        """The template that a record names: ``tpl_…/3``."""
        template_id, _, version = text.partition("/")
        return self._template((template_id, int(version))) if version.isdigit() else None

    def _template(self, named: tuple[str, int]) -> Template | None:
        found = self._known.get(named)
        if found is None:
            found = self._library.find_version(*named)
            if found is not None:
                self._known[named] = found
        return found

    async def versions(self, text: str, reader: Reader, before: int | None = None) -> IdentifierVersions:
        """The versions of one's own identifier, newest first, older than ``before``. Raises ``NotFound``."""
        return await asyncio.to_thread(self._versions, text, reader, before)

    def _versions(self, text: str, reader: Reader, before: int | None) -> IdentifierVersions:
        _, name = naming.read_identifier(text)
        with self.register.view() as view:
            owner = view.authority(name)
            own = owner is not None and owner.organisation_id in reader.own
            found = own_versions(view, name, owner) if owner is not None and own else []
        if owner is None or not found:
            raise errors.unknown(text)
        chosen = [each for each in found if before is None or each.version < before]
        items = []
        for place in range(len(chosen) - 1, max(-1, len(chosen) - 1 - _MOST_VERSIONS), -1):
            version, former = chosen[place], chosen[place - 1] if place else None
            was = None if former is None else former.record
            items.append(
                IdentifierVersion(
                    version=version.version, operation=operation_of(version, former), at_ms=version.at_ms,
                    who=version.who, origin=version.origin, reason=version.reason, position=version.position,
                    changes=differences(self._plain(was, owner, reader), self._plain(version.record, owner, reader)),
                )
            )  # fmt: skip
        shown, _, _ = naming.shown(name)
        return IdentifierVersions(identifier=shown, name=name.decode(), items=items, more=len(items) < len(chosen))

    def _plain(self, record: StoredRecord | None, owner: Prefix, reader: Reader) -> dict[str, Any]:
        """A record in the form in which two are compared: what is shown, and for the rest what it is known by."""
        if record is None:
            return {}
        values = record.values
        template = self.template_of(values)
        seen = see(values, template, reader, owner.organisation_id, open_to_all=True)
        found: dict[str, Any] = {f"fields/{name}": value for name, value in seen.fields.items()}
        if template is not None:
            hidden = set(seen.withheld)
            for field in template.document.fields:
                if field.name in hidden:
                    held = [each.data for each in values if (each.index - field.index) % 10_000 == 0]
                    found[f"withheld/{field.name}"] = held
        if named := template_of(values):
            found["template"] = f"{named[0]}/{named[1]}"
        if seen.links:
            found["links"] = to_builtins(seen.links)
        for each in seen.others:
            found[f"value/{each.index}"] = to_builtins(each)
        return found

    async def reveal(self, text: str, wanted: RevealFields, reader: Reader) -> RevealedFields:
        """Sealed fields in the clear, noted in the ledger. Raises ``NotFound``, ``Corrupt``."""
        return await asyncio.to_thread(self._reveal, text, wanted, reader)

    def _reveal(self, text: str, wanted: RevealFields, reader: Reader) -> RevealedFields:
        _, name = naming.read_identifier(text)
        with self.register.view() as view:
            owner, record = view.authority(name), view.find(name)
        if owner is None or record is None or owner.organisation_id not in reader.revealing:
            raise errors.unknown(text)
        template = self.template_of(record.values)
        sealing = self.seals.of(name, owner.organisation_id)
        names = set()
        fields: dict[str, Any] = {}
        if template is not None:
            names = {each.name for each in template.document.fields if each.visibility == "sealed"}
            names &= set(wanted.fields) or names
            fields = read_fields(template, record.values, sealing=sealing)
        found = {key: value for key, value in fields.items() if key in names}
        note(
            "identifier", name.decode(), naming.shown(name)[0],
            after={"revealed": sorted(found), "reason": wanted.reason}, organisation=owner.organisation_id,
        )  # fmt: skip
        return RevealedFields(identifier=naming.shown(name)[0], name=name.decode(), fields=found)


def own_versions(view: IndexView, name: bytes, owner: Prefix) -> list[Version]:
    """The versions of a name that are its present holder's, oldest first."""
    return [each for each in view.history(name) if each.at_ms >= owner.since_ms]


def is_suspended(view: IndexView, name: bytes) -> bool:
    """Whether a measure keeps a name from being shown to others than its own."""
    return view.measured and suspension_of(view, name) is not None


def _reference(template: Template | None, named: tuple[str, int] | None) -> TemplateRef | None:
    if template is None:
        return None if named is None else TemplateRef(id=named[0], version=named[1])
    document = template.document
    return TemplateRef(
        id=template.id, version=template.version, name=document.name, title=document.title, title_zh=document.title_zh
    )


def _told(found: IdentifierRecord, registered_ms: int | None, last: Any) -> IdentifierRecord:
    return structs.replace(found, registered_ms=registered_ms, changed_ms=last.at_ms, changed_by=last.who)
