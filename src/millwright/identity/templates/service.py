"""Use cases of metadata templates. Works in the scope at hand."""

from __future__ import annotations

import asyncio
import base64
import binascii
import builtins
from typing import Any

from millwright.engines.sql import Records
from millwright.identity.templates import errors, ready
from millwright.identity.templates.coding import encode
from millwright.identity.templates.model import (
    FieldsToCheck,
    Template,
    TemplateDocument,
    TemplateInfo,
    TemplatePage,
    TemplateVersion,
)
from millwright.identity.templates.store import TemplateStore
from millwright.identity.templates.validation import check
from millwright.kernel import ROOT, Clock, Invalid, current_scope, new_id
from millwright.ledger import note

_MOST_PAGE = 200


class Templates:
    """Keeps templates; a version once published is never changed."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self.store = TemplateStore(records)
        self._clock = clock

    async def list(
        self,
        text: str = "",
        *,
        retired: bool | None = None,
        published: bool | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> TemplatePage:
        """Templates by name: one's own, and those that organisations above share."""
        limit, after = min(limit, _MOST_PAGE), None if cursor is None else _decode(cursor)
        found = await asyncio.to_thread(
            self.store.page, text, retired=retired, published=published, after=after, limit=limit + 1
        )
        items = found[:limit]
        return TemplatePage(items, _encode(items[-1]) if len(found) > limit else None)

    async def named(self, name: str) -> builtins.list[TemplateInfo]:
        """Templates of this name, whatever its case: one's own, and those that organisations above share."""
        return await asyncio.to_thread(self.store.named, name)

    async def get(self, template_id: str) -> TemplateInfo:
        """A template. Raises ``NotFound`` (``templates.unknown``)."""
        found = await asyncio.to_thread(self.store.find, template_id)
        if found is None:
            raise errors.unknown(template_id)
        return found

    async def version(self, template_id: str, version: int | None = None) -> Template:
        """A published version to encode and decode by, the newest without ``version``.

        Raises ``NotFound`` (``templates.version_unknown``).
        """
        found = await asyncio.to_thread(self.store.find_version, template_id, version)
        if found is None:
            raise errors.version_unknown(template_id, version)
        return found

    async def for_registration(self, template_id: str, version: int | None = None) -> Template:
        """The same, to register something new by. Raises ``Conflict`` (``templates.retired``) too."""
        info = await self.get(template_id)
        if info.retired:
            raise errors.retired(info.name)
        return await self.version(template_id, version)

    async def versions(self, template_id: str) -> builtins.list[TemplateVersion]:
        """The published versions, newest first. Raises ``NotFound``."""
        await self.get(template_id)
        return await asyncio.to_thread(self.store.versions, template_id)

    async def create(self, document: TemplateDocument, organisation_id: str | None = None) -> TemplateInfo:
        """A new template with a draft. Raises ``Invalid`` (``templates.document_invalid``), ``Conflict``."""
        whose = organisation_id or current_scope().home or ROOT
        template_id = new_id("tpl")
        await asyncio.to_thread(self.store.insert, template_id, whose, check(document), self._clock.now_ms())
        return await self._noted(template_id, None)

    async def set_draft(self, template_id: str, document: TemplateDocument, revision: int | None) -> TemplateInfo:
        """Keep what will be the next version. Raises ``Invalid``, ``NotFound``, ``Conflict``, ``Outdated``."""
        before, clean = await self.get(template_id), check(document)
        await asyncio.to_thread(self.store.set_draft, template_id, clean, self._clock.now_ms(), revision)
        return await self._noted(template_id, before)

    async def discard_draft(self, template_id: str, revision: int | None) -> TemplateInfo:
        """Forget the draft. Raises ``NotFound``, ``Conflict`` (``templates.no_draft``), ``Outdated``."""
        before = await self.get(template_id)
        await asyncio.to_thread(self.store.set_draft, template_id, None, self._clock.now_ms(), revision)
        return await self._noted(template_id, before)

    async def publish(self, template_id: str, by: str, revision: int | None) -> TemplateInfo:
        """Make the draft the next version.

        Raises ``NotFound``, ``Outdated``, ``Conflict`` (``templates.no_draft``, ``templates.unchanged``,
        ``templates.number_reused``, ``templates.name_taken``).
        """
        before = await self.get(template_id)
        await asyncio.to_thread(self.store.publish, template_id, self._clock.now_ms(), by, revision)
        return await self._noted(template_id, before)

    async def retire(self, template_id: str, revision: int | None, *, retired: bool) -> TemplateInfo:
        """Offer it no more, or again. Raises ``NotFound``, ``Outdated``."""
        before = await self.get(template_id)
        await asyncio.to_thread(self.store.retire, template_id, self._clock.now_ms(), revision, retired=retired)
        return await self._noted(template_id, before)

    async def delete(self, template_id: str) -> None:
        """Remove one that was never published. Raises ``NotFound``, ``Conflict`` (``templates.published``)."""
        before = await self.get(template_id)
        await asyncio.to_thread(self.store.delete, template_id)
        note("identifier_template", template_id, before.name, before=before)

    async def check(self, template_id: str, given: FieldsToCheck) -> dict[str, Any]:
        """The fields as they would be read back. Raises ``Invalid`` (``templates.fields_invalid``), ``NotFound``.

        A draft that was published meanwhile is the newest version by now, so that is what is tried.
        """
        info = await self.get(template_id)
        if given.draft and info.draft is not None:
            template = Template(id=template_id, version=info.version + 1, document=info.draft)
        else:
            template = await self.version(template_id, given.version)
        encode(template, given.fields, sealing=_AsItIs())
        empty: tuple[Any, ...] = (None, [])
        return {name: value for name, value in given.fields.items() if value not in empty}

    def ready(self) -> builtins.list[ready.ReadyTemplate]:
        """Templates that come with the package, to begin with."""
        return ready.ready_templates()

    async def _noted(self, template_id: str, before: TemplateInfo | None) -> TemplateInfo:
        after = await self.get(template_id)
        note("identifier_template", template_id, after.name, before=before, after=after)
        return after


class _AsItIs:
    """Seals nothing: for what is only tried."""

    def seal(self, place: str, plain: bytes) -> bytes:  # noqa: ARG002 - of the protocol
        return plain

    def open(self, place: str, sealed: bytes) -> bytes:  # noqa: ARG002 - of the protocol
        return sealed


def _encode(last: TemplateInfo) -> str:
    return base64.urlsafe_b64encode(f"{last.id} {last.name.casefold()}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        last_id, space, key = text.partition(" ")
        if not space or "\0" in text:
            raise ValueError(text)
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            "This cursor was not made by this list.",
            code="templates.bad_cursor",
            hint="Use `next` of the page before, unchanged.",
        ) from error
    return key, last_id
