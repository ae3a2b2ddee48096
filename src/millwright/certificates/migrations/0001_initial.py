"""Authorities, certificates issued, one-time enrolment codes."""

import sqlalchemy as sa
from alembic import op

revision = "certificates_0001"
down_revision = None
branch_labels = ("certificates",)
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "certificates_authorities",
        sa.Column("id", _id, primary_key=True),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("algorithm", sa.String(20), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
        sa.Column("not_after_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("active", sa.String(10), unique=True),
    )
    op.create_table(
        "certificates_issued",
        sa.Column("id", _id, primary_key=True),
        sa.Column("authority_id", _id, sa.ForeignKey("certificates_authorities.id"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(40), nullable=False, unique=True),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("key_digest", sa.String(64), nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
        sa.Column("not_after_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("reason", sa.String(30)),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_index("ix_certificates_issued_organisation_id", "certificates_issued", ["organisation_id"])
    op.create_index("ix_certificates_issued_subject", "certificates_issued", ["kind", "subject_id", "id"])
    op.create_index("ix_certificates_issued_key_digest", "certificates_issued", ["key_digest"])
    op.create_index("ix_certificates_issued_revoked", "certificates_issued", ["authority_id", "revoked_ms"])
    op.create_table(
        "certificates_codes",
        sa.Column("id", _id, primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_index("ix_certificates_codes_subject", "certificates_codes", ["kind", "subject_id"])
