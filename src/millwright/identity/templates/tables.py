"""Tables of metadata templates."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned, owned_through

_id = sa.String(40)

templates = sa.Table(
    "identity_templates",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", sa.String(256), nullable=False),
    sa.Column("published", sa.Integer, nullable=False),
    sa.Column("draft", sa.JSON(none_as_null=True)),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("uq_identity_templates_name", "organisation_id", "name_key", unique=True),
    info=owned(shared=True),
)
"""``published`` is the newest published version, 0 while there is none; ``draft`` what will be the next."""

versions = sa.Table(
    "identity_template_versions",
    metadata,
    sa.Column("template_id", _id, sa.ForeignKey("identity_templates.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("published_ms", sa.BigInteger, nullable=False),
    sa.Column("published_by", sa.String(128), nullable=False),
    info=owned_through(templates, "template_id"),
)
"""Never changed once written."""
