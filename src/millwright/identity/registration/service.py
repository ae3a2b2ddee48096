"""Use cases of registering, reading and changing one identifier. No HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from msgspec import UNSET, structs, to_builtins

from millwright.engines.sql import Records as Sql
from millwright.identity.digital_link import Link, read_links
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.records import Change, RecordsView, StoredRecord
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.model import Written
from millwright.identity.registration import errors, naming
from millwright.identity.registration.history import differences, operation_of
from millwright.identity.registration.model import (
    CheckedIdentifier,
    IdentifierChange,
    IdentifierRecord,
    IdentifierVersion,
    IdentifierVersions,
    NewIdentifier,
    RestoreVersion,
    RevealedFields,
    RevealFields,
    TemplateRef,
)
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.registration.serials import SerialStore
from millwright.identity.registration.values import (
    Reader,
    assemble,
    is_link,
    kept_of,
    read_fields,
    sealed_values,
    see,
    stamped,
)
from millwright.identity.rights import IDENTIFIERS_READ, IDENTIFIERS_REGISTER, IDENTIFIERS_REVEAL
from millwright.identity.templates import Template, Templates, template_of
from millwright.identity.templates.store import TemplateStore
from millwright.kernel import Clock, Conflict, Scope, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Session

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


class Registration:
    """The room's service. What is written is confined by the scope at hand to the prefixes of its organisations.

    ``templates`` are those of the scope; ``sql`` sees everything, for a record that somebody else registered is read
    by the template it names.
    """

    def __init__(
        self,
        register: Records,
        templates: Templates,
        serials: SerialStore,
        sql: Sql,
        seals: ValueSeals,
        clock: Clock,
    ) -> None:
        self.register, self.seals = register, seals
        self._templates, self._serials, self._clock = templates, serials, clock
        self._library = TemplateStore(sql)
        self._known: dict[tuple[str, int], Template] = {}

    # --- looking -----------------------------------------------------------------------------------------------------

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
        where it was the reader's own), ``Conflict`` (``identifiers.prefix_suspended`` …) for a public one."""
        return await asyncio.to_thread(self._get, text, reader)

    def _get(self, text: str, reader: Reader) -> IdentifierRecord:
        _, name = naming.read_identifier(text)
        with self.register.view() as view:
            owner, record, versions = self._seen_by(view, name, text, reader)
            details = (view.history(name)[-_MOST_VERSIONS:]) if owner.organisation_id in reader.own else []
        found = self.shown(record, owner, reader, versions)
        if not found.own and not (found.fields or found.links or found.values):
            raise errors.unknown(text)
        if details:
            return _told(found, details[0].at_ms if details[0].version == 1 else None, details[-1])
        return found

    def _seen_by(self, view: IndexView, name: bytes, text: str, reader: Reader) -> tuple[Prefix, StoredRecord, int]:
        owner, record = view.authority(name), view.find(name)
        version = view.version(name)
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
            found = view.history(name) if owner is not None and owner.organisation_id in reader.own else []
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

    # --- writing -----------------------------------------------------------------------------------------------------

    async def add(self, authority: Authority, session: Session, new: NewIdentifier, reader: Reader) -> IdentifierRecord:
        """Register an identifier.

        Raises ``Invalid`` (``identity.code_unknown``, ``templates.fields_invalid``, ``identifiers.invalid`` …),
        ``NotFound`` (``identifiers.no_prefix``, ``templates.unknown``), ``Conflict`` (``identifiers.exists``,
        ``identifiers.name_used``, ``identifiers.prefix_suspended`` …), and as :meth:`.Records.change_many`.
        """
        if (new.identifier is None) == (new.prefix is None) or (new.prefix is None) != (new.suffix is None):
            why = "Give either the identifier, or a prefix with the suffix to make"
            raise errors.invalid("/identifier", why, "请给出完整标识，或给出前缀及后缀的生成方式")
        template = None
        if new.template_id is not None:
            template = await self._templates.for_registration(new.template_id, new.template_version)
        return await asyncio.to_thread(self._add, authority, session, new, template, reader)

    def _add(
        self, authority: Authority, session: Session, new: NewIdentifier, template: Template | None, reader: Reader
    ) -> IdentifierRecord:
        scope = current_scope()
        if new.identifier is not None:
            return self._add_one(authority, session, new, template, new.identifier, reader)
        assert new.prefix is not None
        assert new.suffix is not None
        with self.register.view() as view:
            entry = view.find_prefix(new.prefix.encode())
        if entry is None or entry.organisation_id not in scope:
            raise errors.not_yours(new.prefix)
        write, key = naming.writer(entry.prefix, new.suffix), naming.serial_key(entry.prefix, new.suffix)
        for _ in range(_ATTEMPTS):
            number = self._serials.take(entry.organisation_id, key) if naming.counts(new.suffix) else 0
            try:
                return self._add_one(authority, session, new, template, write(number), reader)
            except Conflict as error:
                if error.code not in ("identifiers.exists", "identifiers.name_used"):
                    raise
        raise errors.all_taken(entry.prefix)

    def _add_one(
        self,
        authority: Authority,
        session: Session,
        new: NewIdentifier,
        template: Template | None,
        text: str,
        reader: Reader,
    ) -> IdentifierRecord:
        _, name = naming.read_identifier(text)
        scope = current_scope()
        with self.register.view() as view:
            owner = writable(view, name, text, scope)
        self._check_template(authority, template, owner)
        sealing = self.seals.of(name, owner.organisation_id)
        values = stamped(assemble(template, new.fields, new.links, sealing=sealing), (), self._now_s())

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            found = cast(IndexView, view)
            self._need_same(owner, writable(found, name, text, scope))
            if before is not None:
                raise errors.exists(text)
            if version := found.version(name):
                raise errors.once_removed(text, version)
            return values

        written = self._write(name, change, session, new.reason)
        self._note(name, owner, None, values)
        record = StoredRecord.build(written.name, values)
        return _told_now(self.shown(record, owner, reader, written.version), self._clock.now_ms(), session)

    async def change(
        self,
        authority: Authority,
        session: Session,
        text: str,
        wanted: IdentifierChange,
        expected: int | None,
        reader: Reader,
    ) -> IdentifierRecord:
        """Change a record. Raises as :meth:`add`, and ``NotFound`` (``identifiers.unknown``), ``Outdated``."""
        template: Template | None = None
        if wanted.template_id is not UNSET:
            version = None if wanted.template_version is UNSET else wanted.template_version
            template = await self._templates.for_registration(wanted.template_id, version)
        return await asyncio.to_thread(self._change, authority, session, text, wanted, template, expected, reader)

    def _change(
        self,
        authority: Authority,
        session: Session,
        text: str,
        wanted: IdentifierChange,
        template: Template | None,
        expected: int | None,
        reader: Reader,
    ) -> IdentifierRecord:
        _, name = naming.read_identifier(text)
        scope = current_scope()
        found: dict[str, Any] = {}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            owner = self._own_record(cast(IndexView, view), name, text, scope, before, expected)
            assert before is not None
            after = self._changed(authority, name, owner, before, wanted, template)
            found.update(owner=owner, before=before.values, after=after)
            return after

        written = self._write(name, change, session, wanted.reason)
        owner = found["owner"]
        self._note(name, owner, found["before"], found["after"])
        record = StoredRecord.build(written.name, found["after"])
        return _told_now(self.shown(record, owner, reader, written.version), self._clock.now_ms(), session)

    def _changed(
        self,
        authority: Authority,
        name: bytes,
        owner: Prefix,
        before: StoredRecord,
        wanted: IdentifierChange,
        template: Template | None,
    ) -> tuple[HandleValue, ...]:
        former = self.template_of(before.values)
        if template is None and wanted.template_version is not UNSET and former is not None:
            template = self._library.find_version(former.id, wanted.template_version) or former
        template = template or former
        if template is not former:
            self._check_template(authority, template, owner)
        links = None if wanted.links is UNSET else wanted.links
        return self.merged(name, owner, before, template, wanted.fields, links, now_s=self._now_s())

    def merged(
        self,
        name: bytes,
        owner: Prefix,
        before: StoredRecord,
        template: Template | None,
        fields: Mapping[str, Any],
        links: Sequence[Link] | None,
        *,
        now_s: int,
    ) -> tuple[HandleValue, ...]:
        """The values of a record with some fields and, unless they are ``None``, links in the place of what it has.

        Raises as :func:`.values.assemble`.
        """
        values = before.values
        former = self.template_of(values)
        known: dict[str, Any] = {}
        sealed: Mapping[str, bytes] = {}
        if former is not None:
            sealed = sealed_values(former, values)
            known = read_fields(former, values, sealing=self.seals.of(name, owner.organisation_id))
            if template is not former and template is not None:
                known = {key: value for key, value in known.items() if template.field(key) is not None}
        known |= fields
        chosen = _links_of(values) if links is None else links
        sealing = self.seals.of(name, owner.organisation_id, sealed)
        return stamped(assemble(template, known, chosen, kept_of(values), sealing=sealing), values, now_s)

    async def remove(self, session: Session, text: str, reason: str, expected: int | None) -> None:
        """Remove a record; its versions are kept. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        await asyncio.to_thread(self._remove, session, text, reason, expected)

    def _remove(self, session: Session, text: str, reason: str, expected: int | None) -> None:
        _, name = naming.read_identifier(text)
        scope = current_scope()
        found: dict[str, Any] = {}

        def change(view: RecordsView, before: StoredRecord | None) -> None:
            found["owner"] = self._own_record(cast(IndexView, view), name, text, scope, before, expected)
            found["before"] = before

        self._write(name, change, session, reason)
        self._note(name, found["owner"], found["before"].values, None)

    async def restore(
        self, session: Session, text: str, wanted: RestoreVersion, expected: int | None, reader: Reader
    ) -> IdentifierRecord:
        """Make a former version the newest one, of a removed record too. Raises ``NotFound``, ``Conflict``."""
        return await asyncio.to_thread(self._restore, session, text, wanted, expected, reader)

    def _restore(
        self, session: Session, text: str, wanted: RestoreVersion, expected: int | None, reader: Reader
    ) -> IdentifierRecord:
        _, name = naming.read_identifier(text)
        scope = current_scope()
        found: dict[str, Any] = {}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            index = cast(IndexView, view)
            owner = writable(index, name, text, scope)
            versions = index.history(name)
            if not versions:
                raise errors.unknown(text)
            if expected is not None and expected != versions[-1].version:
                raise errors.stale(text, versions[-1].version)
            chosen = next((each for each in versions if each.version == wanted.version), None)
            if chosen is None or chosen.record is None:
                raise errors.version_unknown(text, wanted.version)
            was = () if before is None else before.values
            after = stamped(chosen.record.values, was, self._now_s())
            found.update(owner=owner, before=None if before is None else was, after=after)
            return after

        written = self._write(name, change, session, wanted.reason or f"version {wanted.version}")
        self._note(name, found["owner"], found["before"], found["after"])
        record = StoredRecord.build(written.name, found["after"])
        shown = self.shown(record, found["owner"], reader, written.version)
        return _told_now(shown, self._clock.now_ms(), session)

    # --- what all of them do -----------------------------------------------------------------------------------------

    def _own_record(
        self,
        view: IndexView,
        name: bytes,
        text: str,
        scope: Scope,
        before: StoredRecord | None,
        expected: int | None,
    ) -> Prefix:
        """The prefix of a record that may be changed."""
        owner = view.authority(name)
        if owner is None or owner.organisation_id not in scope:
            raise errors.unknown(text)
        version = view.version(name)
        if before is None:
            raise errors.removed(text, version) if version else errors.unknown(text)
        if expected is not None and expected != version:
            raise errors.stale(text, version)
        check_open(owner)
        return owner

    def _need_same(self, owner: Prefix, now: Prefix) -> None:
        """The holder did not change since the values were made for it."""
        if owner.organisation_id != now.organisation_id:
            raise errors.not_yours(now.prefix)

    def _check_template(self, authority: Authority, template: Template | None, owner: Prefix) -> None:
        if template is not None and template.organisation_id not in authority.tree.path(owner.organisation_id):
            raise errors.template_elsewhere(template.id)

    def _write(self, name: bytes, change: Callable[..., Any], session: Session, reason: str) -> Written:
        return self.register.change_many([(name, cast(Change, change))], who=session.person.id, reason=reason)[0]

    def _note(
        self, name: bytes, owner: Prefix, before: Sequence[HandleValue] | None, after: Sequence[HandleValue] | None
    ) -> None:
        note(
            "identifier", name.decode(), naming.shown(name)[0], before=self._noted(before), after=self._noted(after),
            organisation=owner.organisation_id,
        )  # fmt: skip

    def _noted(self, values: Sequence[HandleValue] | None) -> dict[str, Any] | None:
        """What the ledger says of a record: what is public, and of the rest that it is there and since when."""
        if values is None:
            return None
        template = self.template_of(values)
        found: dict[str, Any] = {"template": None if template is None else f"{template.id}/{template.version}"}
        public = [each for each in values if each.public]
        if template is not None:
            found["fields"] = read_fields(template, public)
        if links := _links_of(values):
            found["links"] = to_builtins(links)
        found["withheld"] = {str(each.index): each.timestamp_s for each in values if not each.public}
        return found

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000


def writable(view: IndexView, name: bytes, text: str, scope: Scope) -> Prefix:
    """The prefix a name stands under, where somebody may register. Raises ``NotFound`` (``identifiers.no_prefix``),
    ``Conflict`` (``identifiers.prefix_suspended``, ``identifiers.prefix_expired``, ``identifiers.kept_elsewhere``)."""
    owner = view.authority(name)
    if owner is None or owner.organisation_id not in scope:
        raise errors.not_yours(text)
    check_open(owner)
    return owner


def check_open(owner: Prefix) -> None:
    """Raise unless names of the prefix are registered here at present."""
    if owner.state != "active":
        raise errors.prefix_closed(owner.prefix, owner.state)
    if owner.site:
        raise errors.kept_elsewhere(owner.prefix)


def _links_of(values: Sequence[HandleValue]) -> list[Link]:
    return read_links([each for each in values if is_link(each)])


def _reference(template: Template | None, named: tuple[str, int] | None) -> TemplateRef | None:
    if template is None:
        return None if named is None else TemplateRef(id=named[0], version=named[1])
    document = template.document
    return TemplateRef(
        id=template.id, version=template.version, name=document.name, title=document.title, title_zh=document.title_zh
    )


def _told(found: IdentifierRecord, registered_ms: int | None, last: Any) -> IdentifierRecord:
    return structs.replace(found, registered_ms=registered_ms, changed_ms=last.at_ms, changed_by=last.who)


def _told_now(found: IdentifierRecord, now_ms: int, session: Session) -> IdentifierRecord:
    registered_ms = now_ms if found.version == 1 else None
    return structs.replace(found, registered_ms=registered_ms, changed_ms=now_ms, changed_by=session.person.id)
