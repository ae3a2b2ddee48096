"""Use cases of the interface, all of them by registration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import structs

from millwright.identity.registration import Registration
from millwright.identity.registration.errors import not_yours, unknown
from millwright.identity.registration.model import IdentifierChange, IdentifierRecord, NewIdentifier
from millwright.identity.registration.naming import read_identifier
from millwright.identity.registration.several import Wanted
from millwright.identity.registration.values import Reader
from millwright.identity.snms import errors, templates
from millwright.identity.snms.facts import MOST, RESERVED_INDEX, RESERVED_TYPE
from millwright.identity.snms.model import (
    SnmsAttribute,
    SnmsData,
    SnmsDetail,
    SnmsEntry,
    SnmsNewTemplate,
    SnmsTemplate,
    SnmsTemplateKey,
)
from millwright.identity.snms.values import attributes_of, fields_of
from millwright.identity.templates import Template, Templates
from millwright.kernel import MillwrightError, NotFound, current_scope
from millwright.ledger import Actor, acted_by
from millwright.parties import Authority, Parties, Session

Operation = Literal["add", "change", "remove"]
_REASON = "SNMS"
"""Stands with the versions that are made here."""


class Snms:
    """Looks up and writes identifiers for programs that know the interface of secondary nodes."""

    def __init__(self, registration: Registration, library: Templates, parties: Parties) -> None:
        self._registration, self._templates, self._parties = registration, library, parties

    async def check_token(self, username: str, token: str, address: str) -> None:
        """Raise ``Denied`` (``snms.credentials_wrong``) unless it is a living API token of the account."""
        session = await self._parties.find_session(token, address) if token.isascii() else None
        if session is None or session.method != "token":
            raise errors.credentials_wrong()
        if session.person.name.casefold() != username.strip().casefold():
            raise errors.credentials_wrong()
        home = (await self._parties.authority(session)).home()
        acted_by(Actor("token", session.person.id, session.person.name, session.id), home)

    async def detail(self, handle: str | None, reader: Reader) -> SnmsDetail:
        """An identifier as a reader sees it. Raises as :meth:`.Registration.get`."""
        if not handle:
            raise errors.handle_missing()
        found = await self._registration.get(handle, reader)
        template = None
        if found.template is not None:
            named = f"{found.template.id}/{found.template.version}"
            template = await asyncio.to_thread(self._registration.template_named, named)
        name = _template_name(found)
        value = [SnmsAttribute(index=RESERVED_INDEX, type=RESERVED_TYPE, data=SnmsData(value=name), auth="1")]
        value += attributes_of(found, template)
        return SnmsDetail(
            prefix=found.name.partition("/")[0] if found.system == "handle" else found.prefix,
            handle=found.identifier,
            template_version=name,
            value=value,
        )

    async def add(self, authority: Authority, session: Session, entry: SnmsEntry, reader: Reader) -> None:
        """Register one. Raises as :meth:`.Registration.add`, and what is in :mod:`.errors`."""
        template = await self._template(authority, self._holder(entry.handle), entry.template_version)
        new = _what("add", template, entry)
        assert isinstance(new, NewIdentifier)
        new = structs.replace(new, template_id=template.id, template_version=template.version)
        await self._registration.add(authority, session, new, reader)

    async def change(self, authority: Authority, session: Session, entry: SnmsEntry, reader: Reader) -> None:
        """Change one; attributes that are not named stay. Raises as :meth:`.Registration.change`, and as above."""
        template = await self._template(authority, self._holder(entry.handle, known=True), entry.template_version)
        change = _what("change", template, entry)
        assert isinstance(change, IdentifierChange)
        change = structs.replace(change, template_id=template.id, template_version=template.version)
        await self._registration.change(authority, session, entry.handle, change, None, reader)

    async def remove(self, session: Session, handle: str) -> None:
        """Remove one. Raises as :meth:`.Registration.remove`."""
        if not handle:
            raise errors.handle_missing()
        await self._registration.remove(session, handle, _REASON, None)

    async def write_many(
        self, operation: Operation, authority: Authority, session: Session, entries: Sequence[SnmsEntry | str]
    ) -> list[MillwrightError | None]:
        """Do it to each by itself; returns for each why it was refused. Raises ``Invalid`` (``snms.too_many``), and as
        :meth:`.Registration.write_many`."""
        if len(entries) > MOST:
            raise errors.too_many(len(entries))
        holders = await asyncio.to_thread(self._holders, operation, entries)
        chosen: dict[tuple[str, str], Template | MillwrightError] = {}
        for entry, holder in zip(entries, holders, strict=True):
            if isinstance(holder, str) and not isinstance(entry, str):
                key = (holder, entry.template_version)
                if key not in chosen:
                    chosen[key] = await self._template_or_why(authority, *key)
        asked = await asyncio.to_thread(_wanted, operation, entries, holders, chosen)
        wanted = [each for each in asked if isinstance(each, Wanted)]
        refused = iter(await self._registration.write_many(authority, session, wanted, _REASON))
        return [next(refused) if isinstance(each, Wanted) else each for each in asked]

    async def template(self, authority: Authority, prefix: str, name: str) -> SnmsTemplate:
        """The template of this name for a prefix. Raises ``NotFound`` (``snms.template_unknown``,
        ``snms.prefix_unknown``)."""
        return templates.shown(prefix, await self._template(authority, self._holder_of(prefix), name))

    async def add_template(self, session: Session, new: SnmsNewTemplate) -> None:
        """Make a template for the holder of a prefix, and publish it. Raises ``Invalid``, ``NotFound``, ``Conflict``
        (``templates.name_taken``)."""
        document = templates.document_of(new)
        made = await self._templates.create(document, self._holder_of(new.prefix))
        await self._templates.publish(made.id, session.person.id, None)

    async def change_template(self, authority: Authority, session: Session, new: SnmsNewTemplate) -> None:
        """Publish a template anew, with items added, changed and left out. Raises as above, and ``Conflict``
        (``snms.template_draft``)."""
        found = await self._template(authority, self._holder_of(new.prefix), new.version)
        if (await self._templates.get(found.id)).draft is not None:
            raise errors.template_draft(new.version)
        document = templates.changed(found.document, new)
        if document != found.document:
            await self._templates.set_draft(found.id, document, None)
            await self._templates.publish(found.id, session.person.id, None)

    async def retire_template(self, authority: Authority, key: SnmsTemplateKey) -> None:
        """Offer a template no more: identifiers by it stay as they are. Raises ``NotFound``."""
        found = await self._template(authority, self._holder_of(key.prefix), key.version)
        await self._templates.retire(found.id, None, retired=True)

    def _holder_of(self, prefix: str) -> str:
        """Whose a prefix is. Raises ``NotFound`` (``snms.prefix_unknown``)."""
        with self._registration.register.view() as view:
            entry = view.find_prefix(prefix.encode(errors="replace"))
        if entry is None or entry.organisation_id not in current_scope():
            raise errors.prefix_unknown(prefix)
        return entry.organisation_id

    def _holders(self, operation: Operation, entries: Sequence[SnmsEntry | str]) -> list[str | MillwrightError]:
        """Whose each is, or why it is nobody's."""
        found: list[str | MillwrightError] = []
        for entry in entries:
            handle = entry if isinstance(entry, str) else entry.handle
            try:
                found.append(self._holder(handle, known=operation != "add"))
            except MillwrightError as error:
                found.append(error)
        return found

    def _holder(self, handle: str, *, known: bool = False) -> str:
        """The organisation under whose prefix a name stands, one of the scope. Raises ``NotFound``
        (``identifiers.no_prefix``; ``identifiers.unknown`` of what shall be ``known``)."""
        if not handle:
            raise errors.handle_missing()
        _, name = read_identifier(handle)
        with self._registration.register.view() as view:
            owner = view.authority(name)
        if owner is None or owner.organisation_id not in current_scope():
            raise unknown(handle) if known else not_yours(handle)
        return owner.organisation_id

    async def _template_or_why(self, authority: Authority, owner: str, name: str) -> Template | MillwrightError:
        try:
            return await self._template(authority, owner, name)
        except MillwrightError as error:
            return error

    async def _template(self, authority: Authority, owner: str, name: str) -> Template:
        """The template of this name, or id, that is nearest to the holder. Raises ``NotFound``, ``Conflict``."""
        if name.startswith("tpl_"):
            try:
                return await self._templates.for_registration(name)
            except NotFound:
                raise errors.template_unknown(name) from None
        path = authority.tree.path(owner)
        found = [
            each
            for each in await self._templates.named(name)
            if each.organisation_id in path and each.version and not each.retired
        ]
        if not found:
            raise errors.template_unknown(name)
        nearest = max(found, key=lambda each: (path.index(each.organisation_id), each.name == name))
        return await self._templates.version(nearest.id)


def _wanted(
    operation: Operation,
    entries: Sequence[SnmsEntry | str],
    holders: Sequence[str | MillwrightError],
    chosen: Mapping[tuple[str, str], Template | MillwrightError],
) -> list[Wanted | MillwrightError]:
    """What is to become of each, or why it is refused."""
    found: list[Wanted | MillwrightError] = []
    for entry, holder in zip(entries, holders, strict=True):
        if isinstance(holder, MillwrightError):
            found.append(holder)
            continue
        if isinstance(entry, str):
            found.append(Wanted(entry, None))
            continue
        template = chosen[holder, entry.template_version]
        if isinstance(template, MillwrightError):
            found.append(template)
            continue
        try:
            found.append(Wanted(entry.handle, _what(operation, template, entry), template))
        except MillwrightError as error:
            found.append(error)
    return found


def _what(operation: Operation, template: Template, entry: SnmsEntry) -> NewIdentifier | IdentifierChange:
    fields = fields_of(template, entry.value)
    if operation == "add":
        given = {name: value for name, value in fields.items() if value is not None}
        return NewIdentifier(identifier=entry.handle, fields=given, reason=_REASON)
    return IdentifierChange(fields=fields, reason=_REASON)


def _template_name(found: IdentifierRecord) -> str:
    if found.template is None:
        return ""
    return found.template.name or found.template.id
