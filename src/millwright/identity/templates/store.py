"""Templates in the records, confined to the scope at hand; those of organisations above may be read too."""

from __future__ import annotations

import builtins
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.identity.templates import errors
from millwright.identity.templates.model import Template, TemplateDocument, TemplateInfo, TemplateVersion
from millwright.identity.templates.tables import templates, versions
from millwright.identity.templates.validation import check_successor

_joined = sa.select(templates, versions.c.document).outerjoin(
    versions, sa.and_(versions.c.template_id == templates.c.id, versions.c.version == templates.c.published)
)


class TemplateStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def page(
        self, text: str, *, retired: bool | None, published: bool | None, after: tuple[str, str] | None, limit: int
    ) -> builtins.list[TemplateInfo]:
        """Templates by name."""
        query = _joined
        if text:
            query = query.where(templates.c.name_key.contains(_key(text), autoescape=True))
        if retired is not None:
            query = query.where(templates.c.retired == retired)
        if published is not None:
            query = query.where(templates.c.published > 0 if published else templates.c.published == 0)
        if after is not None:
            key, last_id = after
            later = sa.and_(templates.c.name_key == key, templates.c.id > last_id)
            query = query.where(sa.or_(templates.c.name_key > key, later))
        query = query.order_by(templates.c.name_key, templates.c.id).limit(limit)
        with self._records.read() as connection:
            return [_info(row) for row in connection.execute(query)]

    def named(self, name: str) -> builtins.list[TemplateInfo]:
        """Templates of this name, whatever its case."""
        with self._records.read() as connection:
            return [_info(row) for row in connection.execute(_joined.where(templates.c.name_key == _key(name)))]

    def find(self, template_id: str) -> TemplateInfo | None:
        """A template."""
        with self._records.read() as connection:
            row = connection.execute(_joined.where(templates.c.id == template_id)).one_or_none()
        return None if row is None else _info(row)

    def versions(self, template_id: str) -> builtins.list[TemplateVersion]:
        """The published versions, newest first."""
        query = sa.select(versions).where(versions.c.template_id == template_id).order_by(versions.c.version.desc())
        with self._records.read() as connection:
            return [_version(row) for row in connection.execute(query)]

    def find_version(self, template_id: str, version: int | None) -> Template | None:
        """A published version, the newest for ``None``."""
        query = (
            sa.select(versions.c.version, versions.c.document, templates.c.organisation_id)
            .join(templates, templates.c.id == versions.c.template_id)
            .where(versions.c.template_id == template_id)
            .where(versions.c.version == (templates.c.published if version is None else version))
        )
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        document = msgspec.convert(row.document, TemplateDocument)
        return Template(id=template_id, version=row.version, document=document, organisation_id=row.organisation_id)

    def insert(self, template_id: str, organisation_id: str, draft: TemplateDocument, now_ms: int) -> None:
        """A new template with a draft. Raises ``Conflict`` (``templates.name_taken``)."""
        row = {
            "id": template_id, "organisation_id": organisation_id, "published": 0, "retired": False,
            "created_ms": now_ms, "changed_ms": now_ms, "revision": 1, **_drafted(draft),
        }  # fmt: skip
        try:
            with self._records.begin() as connection:
                connection.execute(sa.insert(templates), [row])
        except IntegrityError as error:
            raise errors.name_taken(draft.name) from error

    def set_draft(self, template_id: str, draft: TemplateDocument | None, now_ms: int, expected: int | None) -> None:
        """Keep what will be the next version; ``None`` discards it. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        try:
            with self._records.begin() as connection:
                row = _locked(connection, template_id, expected)
                if draft is None:
                    if row.draft is None:
                        raise errors.no_draft(template_id)
                    if not row.published:
                        raise errors.version_unknown(template_id, None)
                    values: dict[str, Any] = _renamed(_published(connection, row)) | {"draft": None}
                else:
                    _check_numbers(connection, template_id, draft)
                    # A published template keeps its name until the new version is published.
                    values = _drafted(draft) if not row.published else {"draft": msgspec.to_builtins(draft)}
                _write(connection, row, now_ms, **values)
        except IntegrityError as error:
            raise errors.name_taken(draft.name if draft else "") from error

    def publish(self, template_id: str, now_ms: int, by: str, expected: int | None) -> int:
        """Make the draft the next version. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        name = ""
        try:
            with self._records.begin() as connection:
                row = _locked(connection, template_id, expected)
                if row.draft is None:
                    raise errors.no_draft(template_id)
                draft = msgspec.convert(row.draft, TemplateDocument)
                if row.published and _published(connection, row) == draft:
                    raise errors.same_as_published(row.published)
                name = draft.name
                _check_numbers(connection, template_id, draft)
                version = int(row.published) + 1
                values = {"template_id": template_id, "version": version, "document": row.draft}
                connection.execute(sa.insert(versions), [{**values, "published_ms": now_ms, "published_by": by}])
                _write(connection, row, now_ms, published=version, draft=None, **_renamed(draft))
                return version
        except IntegrityError as error:
            raise errors.name_taken(name) from error

    def retire(self, template_id: str, now_ms: int, expected: int | None, *, retired: bool) -> None:
        """Offer it no more, or again. Raises ``NotFound``, ``Outdated``."""
        with self._records.begin() as connection:
            _write(connection, _locked(connection, template_id, expected), now_ms, retired=retired)

    def delete(self, template_id: str) -> None:
        """Remove one that was never published. Raises ``NotFound``, ``Conflict`` (``templates.published``)."""
        with self._records.begin() as connection:
            row = _locked(connection, template_id, None)
            if row.published:
                raise errors.in_use(template_id)
            if not connection.execute(sa.delete(templates).where(templates.c.id == template_id)).rowcount:
                raise errors.unknown(template_id)


def _locked(connection: sa.Connection, template_id: str, expected: int | None) -> sa.Row[Any]:
    row = connection.execute(sa.select(templates).where(templates.c.id == template_id).with_for_update()).one_or_none()
    if row is None:
        raise errors.unknown(template_id)
    if expected is not None and expected != row.revision:
        raise errors.stale(template_id, row.revision)
    return row


def _write(connection: sa.Connection, row: sa.Row[Any], now_ms: int, **values: Any) -> None:
    changed = {"changed_ms": now_ms, "revision": row.revision + 1, **values}
    done = connection.execute(sa.update(templates).where(templates.c.id == row.id).values(**changed))
    if not done.rowcount:  # shared from an organisation above: to be read only
        raise errors.unknown(row.id)


def _published(connection: sa.Connection, row: sa.Row[Any]) -> TemplateDocument:
    query = sa.select(versions.c.document).where(versions.c.template_id == row.id, versions.c.version == row.published)
    return msgspec.convert(connection.execute(query).scalar_one(), TemplateDocument)


def _check_numbers(connection: sa.Connection, template_id: str, draft: TemplateDocument) -> None:
    query = sa.select(versions.c.version, versions.c.document).where(versions.c.template_id == template_id)
    for row in connection.execute(query.order_by(versions.c.version)):
        check_successor(msgspec.convert(row.document, TemplateDocument), row.version, draft)


def _key(name: str) -> str:
    return name.casefold()


def _renamed(document: TemplateDocument) -> dict[str, Any]:
    return {"name": document.name, "name_key": _key(document.name)}


def _drafted(draft: TemplateDocument) -> dict[str, Any]:
    return {**_renamed(draft), "draft": msgspec.to_builtins(draft)}


def _info(row: sa.Row[Any]) -> TemplateInfo:
    draft = None if row.draft is None else msgspec.convert(row.draft, TemplateDocument)
    document = draft if row.document is None else msgspec.convert(row.document, TemplateDocument)
    assert document is not None
    return TemplateInfo(
        id=row.id, organisation_id=row.organisation_id, name=row.name, version=row.published, document=document,
        draft=draft, retired=row.retired, created_ms=row.created_ms, changed_ms=row.changed_ms, revision=row.revision,
    )  # fmt: skip


def _version(row: sa.Row[Any]) -> TemplateVersion:
    return TemplateVersion(
        template_id=row.template_id, version=row.version, document=msgspec.convert(row.document, TemplateDocument),
        published_ms=row.published_ms, published_by=row.published_by,
    )  # fmt: skip
