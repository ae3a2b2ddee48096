"""Tables of prefixes. The life of each is a case of the same id; here is what lists, checks and the index need."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned, owned_through

_id = sa.String(40)

prefixes = sa.Table(
    "identity_prefixes",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("system", sa.String(12), nullable=False),
    sa.Column("prefix", sa.String(400), nullable=False),
    sa.Column("key", sa.String(400), nullable=False),
    sa.Column("held_key", sa.String(400), unique=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("granted_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("certification", sa.JSON(none_as_null=True)),
    sa.Column("renewal", sa.JSON(none_as_null=True)),
    sa.Column("filed", sa.Boolean, nullable=False),
    sa.Column("site", sa.LargeBinary),
    sa.Column("resolver", sa.String(400)),
    sa.Column("former", sa.String(10)),
    sa.Column("since_ms", sa.BigInteger),
    sa.Column("search", sa.Text, nullable=False),
    sa.Index("ix_identity_prefixes_organisation", "organisation_id", "id"),
    sa.Index("ix_identity_prefixes_key", "key"),
    sa.Index("ix_identity_prefixes_state", "state", "until_ms"),
    info=owned(),
)
"""``state``, ``revision`` and ``organisation_id`` repeat the case's, changed in the same transaction. ``held_key`` is
the key while nobody else gets it: the database itself holds that there is one holder."""

registrars = sa.Table(
    "identity_prefix_registrars",
    metadata,
    sa.Column("id", _id, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), primary_key=True),
    organisation(),
    sa.Index("ix_identity_prefix_registrars_organisation", "organisation_id", "id"),
    info=owned(),
)
"""Which organisation reviews and administers a prefix, from its submission on: the row is that organisation's."""

documents = sa.Table(
    "identity_prefix_documents",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("prefix_id", _id, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("added_ms", sa.BigInteger, nullable=False),
    sa.Column("added_by", sa.String(128), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    info=owned_through(prefixes, "prefix_id"),
)
"""In the records and not in files: so a backup, a removal and a transaction hold both."""

filings = sa.Table(
    "identity_prefix_filings",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("prefix_id", _id, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("node", sa.String(200), nullable=False),
    sa.Column("number", sa.String(200), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("filed_ms", sa.BigInteger),
    sa.Column("answered_ms", sa.BigInteger),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("recorded_ms", sa.BigInteger, nullable=False),
    sa.Column("recorded_by", sa.String(128), nullable=False),
    info=owned_through(prefixes, "prefix_id"),
)

states = sa.Table(
    "identity_prefix_states",
    metadata,
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("organisation_id", _id, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("site", sa.LargeBinary),
    sa.Column("resolver", sa.String(400)),
    sa.Column("former", sa.String(10)),
    sa.Column("since_ms", sa.BigInteger),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("told", sa.Integer, nullable=False),
    sa.Index("ix_identity_prefix_states_told", "told", "changed"),
)
"""What the index shall know of each prefix that was ever in force: written with the change, ``told`` afterwards. It
outlives the organisation, so that its prefixes end in the index too."""
