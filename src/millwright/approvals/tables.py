"""Tables of approvals. What a request holds and what it was answered with are kept sealed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from millwright.engines.secrets import sealed
from millwright.engines.sql import metadata, organisation, owned

REQUEST: Final = "approvals.request"
ANSWER: Final = "approvals.answer"
CAUSE: Final = "approvals.cause"
_id = sa.String(40)

policies = sa.Table(
    "approvals_policies",
    metadata,
    organisation(primary_key=True),
    sa.Column("actions", sa.JSON, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.String(128), nullable=False),
    info=owned(),
)

requests = sa.Table(
    "approvals_requests",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("requester_id", _id, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("request", sa.Text, info=sealed(REQUEST)),
    sa.Column("answer", sa.Text, info=sealed(ANSWER)),
    sa.Index("ix_approvals_requests_requester", "requester_id", "id"),
    sa.Index("ix_approvals_requests_organisation", "organisation_id", "id"),
    sa.Index("ix_approvals_requests_state", "state", "expires_ms"),
    info=owned(),
)
"""``id`` is that of the case; ``state`` repeats the case's, changed in the same transaction, so that lists need one
table. ``request``: all that was asked while it is open, afterwards what people may see of it. ``answer``: until its
requester took it."""
