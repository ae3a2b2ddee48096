"""Use cases of registering and changing one identifier. No HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import UNSET, structs, to_builtins

from millwright.engines.sql import Records as Sql
from millwright.identity.digital_link import Link, read_links
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.records import Change, RecordsView, StoredRecord
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.model import Written
from millwright.identity.registration import errors, naming
from millwright.identity.registration.model import (
    IdentifierChange,
    IdentifierRecord,
    NewIdentifier,
    RestoreVersion,
)
from millwright.identity.registration.reading import RecordReader, own_versions
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.registration.serials import SerialStore
from millwright.identity.registration.several import Plan, Wanted, write_plans
from millwright.identity.registration.values import (
    Reader,
    assemble,
    is_link,
    kept_of,
    read_fields,
    sealed_values,
    stamped,
)
from millwright.identity.templates import Template, Templates
from millwright.kernel import Clock, Conflict, MillwrightError, Scope, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Session

_ATTEMPTS = 20
_MOST_VERSIONS = 200


class Registration(RecordReader):
    """The room's service. What is written is confined by the scope at hand to the prefixes of its organisations.

    ``templates`` are those of the scope; ``sql`` sees everything.
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
        super().__init__(register, sql, seals)
        self._templates, self._serials, self._clock = templates, serials, clock

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
        plan = self._plan_add(authority, new, template, text, current_scope())
        return self._made(plan, session, new.reason, reader)

    def _plan_add(
        self, authority: Authority, new: NewIdentifier, template: Template | None, text: str, scope: Scope
    ) -> Plan:
        _, name = naming.read_identifier(text)
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

        return Plan(name, change, owner, None, values)

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
        plan = self._plan_change(authority, text, wanted, template, expected, current_scope())
        return self._made(plan, session, wanted.reason, reader)

    def _plan_change(
        self,
        authority: Authority,
        text: str,
        wanted: IdentifierChange,
        template: Template | None,
        expected: int | None,
        scope: Scope,
    ) -> Plan:
        _, name = naming.read_identifier(text)

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            owner = self._own_record(cast(IndexView, view), name, text, scope, before, expected)
            assert before is not None
            after = self._changed(authority, name, owner, before, wanted, template)
            plan.owner, plan.before, plan.after = owner, before.values, after
            return after

        plan = Plan(name, change)
        return plan

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
        plan = self._plan_remove(text, expected, current_scope())
        self._write(plan.name, plan.change, session, reason)
        self._note_made(plan)

    def _plan_remove(self, text: str, expected: int | None, scope: Scope) -> Plan:
        _, name = naming.read_identifier(text)

        def change(view: RecordsView, before: StoredRecord | None) -> None:
            plan.owner = self._own_record(cast(IndexView, view), name, text, scope, before, expected)
            assert before is not None
            plan.before = before.values

        plan = Plan(name, change)
        return plan

    async def write_many(
        self, authority: Authority, session: Session, wanted: Sequence[Wanted], reason: str = ""
    ) -> list[MillwrightError | None]:
        """Register, change and remove many, each by itself; returns for each why it was refused.

        What of it is written together, is so all or not at all. Raises as :meth:`.Records.batch` when nothing was
        written.
        """
        return await asyncio.to_thread(self._write_many, authority, session, wanted, reason)

    def _write_many(
        self, authority: Authority, session: Session, wanted: Sequence[Wanted], reason: str
    ) -> list[MillwrightError | None]:
        scope = current_scope()
        plans: list[Plan | MillwrightError] = []
        for each in wanted:
            try:
                if each.what is None:
                    plan = self._plan_remove(each.text, None, scope)
                elif isinstance(each.what, NewIdentifier):
                    plan = self._plan_add(authority, each.what, each.template, each.text, scope)
                else:
                    plan = self._plan_change(authority, each.text, each.what, each.template, None, scope)
                plans.append(plan)
            except MillwrightError as error:
                plans.append(error)
        return write_plans(self.register, plans, self._note_made, who=session.person.id, reason=reason)

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
            versions = own_versions(index, name, owner)
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

    def _made(self, plan: Plan, session: Session, reason: str, reader: Reader) -> IdentifierRecord:
        written = self._write(plan.name, plan.change, session, reason)
        self._note_made(plan)
        assert plan.owner is not None
        assert plan.after is not None
        record = StoredRecord.build(written.name, plan.after)
        return _told_now(self.shown(record, plan.owner, reader, written.version), self._clock.now_ms(), session)

    def _note_made(self, plan: Plan) -> None:
        assert plan.owner is not None
        self._note(plan.name, plan.owner, plan.before, plan.after)

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


def _told_now(found: IdentifierRecord, now_ms: int, session: Session) -> IdentifierRecord:
    registered_ms = now_ms if found.version == 1 else None
    return structs.replace(found, registered_ms=registered_ms, changed_ms=now_ms, changed_by=session.person.id)
