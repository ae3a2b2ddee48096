"""Prefixes as people see them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from millwright.cases import Actor, Entry
from millwright.identity.prefixes.model import (
    EDITABLE,
    WORKFLOW,
    PrefixCertification,
    PrefixDetail,
    PrefixDocument,
    PrefixFiling,
    PrefixForm,
    PrefixInfo,
    PrefixStep,
    PrefixWarning,
    RenewalRequest,
)
from millwright.identity.prefixes.store import Row
from millwright.identity.prefixes.systems import read_prefix
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_APPLY, PREFIXES_REVIEW
from millwright.kernel import MillwrightError
from millwright.parties import Authority


def rights_on(row: Row, authority: Authority) -> frozenset[str]:
    """The permissions that somebody holds on a prefix: as its holder, and as who decides on it."""
    found = set()
    if authority.may(PREFIXES_APPLY.name, row.organisation_id):
        found.add(PREFIXES_APPLY.name)
    if row.registrar_id is not None:
        found |= {
            each.name for each in (PREFIXES_REVIEW, PREFIXES_ADMINISTER) if authority.may(each.name, row.registrar_id)
        }
    return frozenset(found)


def form_of(row: Row) -> PrefixForm:
    """The form as it was filled in."""
    return msgspec.convert(row.form, PrefixForm)


def certification_of(row: Row) -> PrefixCertification | None:
    """The applicant's certification."""
    return msgspec.convert(row.certification, PrefixCertification) if row.certification else None


def is_certified(certification: PrefixCertification | None, now_ms: int) -> bool:
    """Whether a certification is in force."""
    return certification is not None and (certification.until_ms is None or certification.until_ms > now_ms)


def info_of(row: Row, authority: Authority, now_ms: int) -> PrefixInfo:
    """A row as it stands in a list."""
    actor = Actor(authority.person_id, "", rights_on(row, authority))
    allowed = WORKFLOW.allowed(row.state, actor)
    if row.state in EDITABLE and PREFIXES_APPLY.name in actor.rights:
        allowed.insert(0, "change")
    return PrefixInfo(
        id=row.id,
        system=row.system,
        prefix=row.prefix,
        key=row.key,
        state=row.state,
        organisation_id=row.organisation_id,
        organisation_name=name_of(authority, row.organisation_id),
        registrar_id=row.registrar_id,
        registrar_name=None if row.registrar_id is None else name_of(authority, row.registrar_id),
        until_ms=row.until_ms,
        granted_ms=row.granted_ms,
        certified=is_certified(certification_of(row), now_ms),
        filed=row.filed,
        renewal_asked=row.renewal is not None,
        created_ms=row.created_ms,
        changed_ms=row.changed_ms,
        revision=row.revision,
        allowed=allowed,
    )


def detail_of(
    row: Row,
    authority: Authority,
    now_ms: int,
    *,
    documents: Sequence[Row],
    filings: Sequence[Row],
    history: Sequence[Entry],
    parent: str | None,
    warnings: list[PrefixWarning],
) -> PrefixDetail:
    """A row with all that belongs to it."""
    try:
        parts = list(read_prefix(row.system, row.prefix).parts)
    except MillwrightError:  # a rule became stricter since
        parts = []
    return PrefixDetail(
        **msgspec.structs.asdict(info_of(row, authority, now_ms)),
        form=form_of(row),
        parts=parts,
        parent=parent,
        warnings=warnings,
        certification=certification_of(row),
        renewal=msgspec.convert(row.renewal, RenewalRequest) if row.renewal else None,
        documents=[document_of(each) for each in documents],
        filings=[filing_of(each) for each in filings],
        history=[step_of(each) for each in history],
        site=None if row.site is None else base64.b64encode(row.site).decode(),
        resolver=row.resolver,
    )


def document_of(row: Row) -> PrefixDocument:
    """A document without its content."""
    return PrefixDocument(**{name: getattr(row, name) for name in PrefixDocument.__struct_fields__})


def filing_of(row: Row) -> PrefixFiling:
    """A filing."""
    return PrefixFiling(**{name: getattr(row, name) for name in PrefixFiling.__struct_fields__})


def step_of(entry: Entry) -> PrefixStep:
    """A line of history."""
    shown: dict[str, Any] = {name: getattr(entry, name) for name in PrefixStep.__struct_fields__}
    return PrefixStep(**shown)


def name_of(authority: Authority, organisation_id: str) -> str:
    """What an organisation is called; empty when it is gone."""
    node = authority.tree.nodes.get(organisation_id)
    return node.name if node else ""
