"""What belongs to a prefix beside its form: documents, the applicant's certification, filings with nodes above."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import PurePath

from millwright.cases import Actor
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.desk import Desk
from millwright.identity.prefixes.model import (
    EDITABLE,
    FilingDocument,
    NewCertification,
    NewFiling,
    PrefixDetail,
    PrefixDocument,
)
from millwright.identity.prefixes.settings import PrefixesSettings
from millwright.identity.prefixes.store import Reader, Side
from millwright.identity.prefixes.view import document_of
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_REVIEW
from millwright.kernel import Clock, current_scope, new_id
from millwright.ledger import note
from millwright.parties import Session

SCHEMA = "millwright.prefix-filing/1"

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ofd": "application/ofd",
}
"""By the end of the name; everything else is bytes. A document is always sent to be saved, never to be shown."""

_UNPRINTABLE = re.compile(r'[\x00-\x1f\x7f"\\/]')


class Dossier:
    """Keeps these things; see :class:`.Prefixes` for whose."""

    def __init__(self, desk: Desk, clock: Clock, settings: PrefixesSettings) -> None:
        self._desk, self._store, self._clock, self._settings = desk, desk.store, clock, settings

    # --- documents -----------------------------------------------------------------------------------------------

    async def add_document(
        self, session: Session, prefix_id: str, name: str, content: bytes, side: Side
    ) -> PrefixDocument:
        """Add a file: the holder while the form can be changed, who decides at any time.

        Raises ``LimitExceeded`` (``prefixes.document_too_large``, ``prefixes.too_many_documents``), ``Invalid``
        (``prefixes.document_empty``), ``Conflict`` (``prefixes.not_editable``), ``NotFound``.
        """
        scope, row = current_scope().organisations, self._filed(name, content, session)

        def work() -> None:
            with self._desk.opened(prefix_id, side, scope) as opened:
                if side == "holder" and opened.row.state not in EDITABLE:
                    raise errors.not_editable(opened.row.state)
                if self._store.count_documents(opened.connection, prefix_id) >= self._settings.max_documents:
                    raise errors.too_many_documents(self._settings.max_documents)
                self._store.add_document(opened.connection, {**row, "prefix_id": prefix_id})
                opened.touch()
                opened.save()
            kept = {key: value for key, value in row.items() if key not in ("content", "digest")}
            whose = opened.row.organisation_id
            note(
                "prefix_document",
                str(row["id"]),
                str(row["name"]),
                after={**kept, "sha256": row["digest"]},
                organisation=whose,
            )

        await asyncio.to_thread(work)
        return PrefixDocument(**{field: row[field] for field in PrefixDocument.__struct_fields__})  # type: ignore[arg-type]  # the row has exactly these

    def _filed(self, name: str, content: bytes, session: Session) -> dict[str, object]:
        if not content:
            raise errors.document_empty()
        if len(content) > self._settings.max_document_kb * 1024:
            raise errors.document_too_large(self._settings.max_document_kb)
        clean = _UNPRINTABLE.sub("_", name).strip()[:200] or "document"
        return {
            "id": new_id("pfd"),
            "name": clean,
            "media_type": MEDIA_TYPES.get(PurePath(clean).suffix.lower(), "application/octet-stream"),
            "size": len(content),
            "digest": hashlib.sha256(content).hexdigest(),
            "added_ms": self._clock.now_ms(),
            "added_by": session.person.name,
            "content": content,
        }

    async def document(self, reader: Reader, prefix_id: str, document_id: str) -> tuple[PrefixDocument, bytes]:
        """A document and its content. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._store.find, prefix_id, reader)
        if row is None:
            raise errors.unknown(prefix_id)
        found = await asyncio.to_thread(self._store.find_document, prefix_id, document_id)
        if found is None:
            raise errors.part_unknown("document", document_id)
        return document_of(found), found.content

    async def remove_document(self, prefix_id: str, document_id: str) -> None:
        """Remove a file while the form can be changed. Raises ``NotFound``, ``Conflict``."""
        scope = current_scope().organisations

        def work() -> None:
            with self._desk.opened(prefix_id, "holder", scope) as opened:
                if opened.row.state not in EDITABLE:
                    raise errors.not_editable(opened.row.state)
                if (opened.row.certification or {}).get("document_id") == document_id:
                    raise errors.document_in_use(document_id)
                removed = self._store.remove_document(opened.connection, prefix_id, document_id)
                if removed is None:
                    raise errors.part_unknown("document", document_id)
                opened.touch()
                opened.save()
            note("prefix_document", document_id, removed.name, before={"name": removed.name},
                 organisation=opened.row.organisation_id)  # fmt: skip

        await asyncio.to_thread(work)

    # --- certification -------------------------------------------------------------------------------------------

    async def certify(
        self, session: Session, prefix_id: str, new: NewCertification, revision: int | None = None
    ) -> None:
        """Record that the applicant is certified. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_REVIEW.name)

        def work() -> None:
            with self._desk.opened(prefix_id, "registrar", scope, revision) as opened:
                if new.document_id and not self._store.has_document(opened.connection, prefix_id, new.document_id):
                    raise errors.part_unknown("document", new.document_id)
                opened.fire("certify", actor, comment=new.evidence, data={"certified_by": new.certified_by})
                opened.save(
                    certification={
                        "certified_by": new.certified_by.strip(),
                        "number": new.number,
                        "until_ms": new.until_ms,
                        "evidence": new.evidence,
                        "document_id": new.document_id,
                        "recorded_ms": opened.now_ms,
                        "recorded_by": session.person.name,
                    }
                )

        await asyncio.to_thread(work)

    async def revoke(self, session: Session, prefix_id: str, comment: str, revision: int | None = None) -> None:
        """Take the certification back; what is active stays so. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_REVIEW.name)

        def work() -> None:
            with self._desk.opened(prefix_id, "registrar", scope, revision) as opened:
                opened.fire("revoke_certification", actor, comment=comment)
                opened.save(certification=None)

        await asyncio.to_thread(work)

    # --- filings -------------------------------------------------------------------------------------------------

    async def file(
        self,
        session: Session,
        prefix_id: str,
        new: NewFiling,
        filing_id: str | None = None,
        revision: int | None = None,
    ) -> str:
        """Record a filing, or how one of that id stands now; returns its id. Raises ``NotFound``, ``Conflict``."""
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_ADMINISTER.name)
        row = {
            "id": filing_id or new_id("pff"),
            "prefix_id": prefix_id,
            "node": new.node.strip(),
            "number": new.number,
            "state": new.state,
            "filed_ms": new.filed_ms,
            "answered_ms": new.answered_ms,
            "answer": new.answer,
            "recorded_ms": self._clock.now_ms(),
            "recorded_by": session.person.name,
        }

        def work() -> None:
            with self._desk.opened(prefix_id, "registrar", scope, revision) as opened:
                data = {"filing_id": row["id"], "node": row["node"], "number": row["number"], "filing": row["state"]}
                opened.fire("file", actor, comment=new.answer[:1000], data=data)
                if not self._store.put_filing(opened.connection, row, fresh=filing_id is None):
                    raise errors.part_unknown("filing", filing_id or "")
                opened.save()

        await asyncio.to_thread(work)
        return str(row["id"])


def filing_document(detail: PrefixDetail, now_ms: int) -> FilingDocument:
    """What is filed with a node above."""
    form = detail.form
    return FilingDocument(
        schema=SCHEMA,
        at_ms=now_ms,
        prefix=detail.prefix,
        system=detail.system,
        key=detail.key,
        state=detail.state,
        granted_ms=detail.granted_ms,
        until_ms=detail.until_ms,
        organisation_id=detail.organisation_id,
        organisation_name=detail.organisation_name,
        credit_code=form.credit_code,
        contact=form.contact,
        industry=form.industry,
        use=form.use,
        registrar_id=detail.registrar_id,
        registrar_name=detail.registrar_name,
        parent=detail.parent,
        certification=detail.certification,
        documents=detail.documents,
        filings=detail.filings,
    )


def _actor(session: Session, right: str) -> Actor:
    return Actor(session.person.id, session.person.name, frozenset({right}))
