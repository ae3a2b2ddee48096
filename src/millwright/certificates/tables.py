"""The domain's tables."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.secrets import sealed
from millwright.engines.sql import metadata, organisation, owned

KEY_PURPOSE = "certificates.authority"
"""What an authority's private key is sealed for, with the authority's id."""

_id = sa.String(40)

authorities = sa.Table(
    "certificates_authorities",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("origin", sa.String(10), nullable=False),
    sa.Column("subject", sa.String(400), nullable=False),
    sa.Column("algorithm", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("certificate", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("key", sa.Text, info=sealed(KEY_PURPOSE)),
    sa.Column("not_before_ms", sa.BigInteger, nullable=False),
    sa.Column("not_after_ms", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("active", sa.String(10), unique=True),
)
"""``chain``: the certificates above, root last, in PEM. ``active`` is ``root`` or ``issuing`` for the one in use."""

issued = sa.Table(
    "certificates_issued",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("authority_id", _id, sa.ForeignKey("certificates_authorities.id"), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("serial", sa.String(40), nullable=False, unique=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
    sa.Column("key_digest", sa.String(64), nullable=False, index=True),
    sa.Column("certificate", sa.Text, nullable=False),
    sa.Column("not_before_ms", sa.BigInteger, nullable=False),
    sa.Column("not_after_ms", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.String(10), nullable=False),
    sa.Column("revoked_ms", sa.BigInteger),
    sa.Column("reason", sa.String(30)),
    sa.Index("ix_certificates_issued_subject", "kind", "subject_id", "id"),
    organisation(index=True),
    sa.Index("ix_certificates_issued_revoked", "authority_id", "revoked_ms"),
    info=owned(kept=True),
)
"""A certificate belongs to the organisation of its device, a node's to the root. It is kept when that is removed, for
the list of what was revoked."""

codes = sa.Table(
    "certificates_codes",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("used_ms", sa.BigInteger),
    organisation(),
    sa.Index("ix_certificates_codes_subject", "kind", "subject_id"),
    info=owned(),
)
