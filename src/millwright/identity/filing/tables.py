"""Tables of filing.

Below: the nodes above, what is filed with them, and the reports to them. Above: the nodes below that may file, what
they filed, and their reports. What a signed document says is kept as it was signed.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from millwright.engines.secrets import sealed
from millwright.engines.sql import metadata, organisation, owned

_id = sa.String(40)
_name = sa.String(200)
_key = sa.String(400)
_digest = sa.String(64)
_time = sa.BigInteger
_json = sa.JSON(none_as_null=True)

TOKENS: Final = "identity.filing_tokens"
"""What the token for a node above is sealed for."""

uppers = sa.Table(
    "identity_filing_uppers",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", _name, nullable=False),
    sa.Column("url", sa.String(400), nullable=False),
    sa.Column("token", sa.Text, nullable=False, info=sealed(TOKENS)),
    sa.Column("ca", sa.Text, nullable=False),
    sa.Column("public_key", sa.String(400)),
    sa.Column("systems", sa.JSON, nullable=False),
    sa.Column("prefixes", sa.JSON, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("report_every_h", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_ms", _time, nullable=False),
    sa.Column("answered_ms", _time),
    sa.Column("problem", _json),
    sa.Column("created_ms", _time, nullable=False),
    sa.Column("changed_ms", _time, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)
"""The nodes above, this node's own. Nothing is sent there before ``next_ms``; ``problem``: why it failed last."""

sent = sa.Table(
    "identity_filings_sent",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("upper_id", _id, nullable=False),
    sa.Column("upper_name", _name, nullable=False),
    sa.Column("prefix_id", _id, nullable=False, index=True),
    sa.Column("received_id", _id, index=True),
    sa.Column("system", sa.String(12), nullable=False),
    sa.Column("prefix", _key, nullable=False),
    sa.Column("key", _key, nullable=False, index=True),
    sa.Column("event", sa.String(12), nullable=False),
    sa.Column("sequence", _time, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("document", sa.Text),
    sa.Column("upper_key", sa.String(400)),
    sa.Column("answer", _json),
    sa.Column("number", _name, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("polls", sa.Integer, nullable=False),
    sa.Column("next_ms", _time),
    sa.Column("prepared_ms", _time, nullable=False),
    sa.Column("sent_ms", _time),
    sa.Column("answered_ms", _time),
    sa.Index("ix_identity_filings_sent_due", "upper_id", "next_ms"),
    sa.Index("uq_identity_filings_sent_sequence", "upper_id", "key", "sequence", unique=True),
    sa.Index("ix_identity_filings_sent_organisation", "organisation_id", "id"),
    info=owned(kept=True),
)
"""What is filed, written in the transaction of the change; it outlives the organisation, so that the end of its
prefixes is filed too. ``next_ms`` null: nothing more is to be done. ``received_id``: what is passed on from below."""

reports_sent = sa.Table(
    "identity_filing_reports_sent",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("upper_id", _id, sa.ForeignKey("identity_filing_uppers.id", ondelete="CASCADE"), nullable=False),
    sa.Column("from_ms", _time, nullable=False),
    sa.Column("to_ms", _time, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("document", sa.Text),
    sa.Column("upper_key", sa.String(400)),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("receipt", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("made_ms", _time, nullable=False),
    sa.Column("answered_ms", _time),
    sa.Index("uq_identity_filing_reports_sent_period", "upper_id", "to_ms", unique=True),
)

filers = sa.Table(
    "identity_filers",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("holder_id", _id, nullable=False),
    sa.Column("person_id", _id, nullable=False, unique=True),
    sa.Column("name", _name, nullable=False),
    sa.Column("public_key", sa.String(400)),
    sa.Column("key_digest", _digest, unique=True),
    sa.Column("policy", sa.String(12), nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("node", _name, nullable=False),
    sa.Column("report_every_ms", _time),
    sa.Column("reported_ms", _time),
    sa.Column("seen_ms", _time),
    sa.Column("created_ms", _time, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    info=owned(),
)
"""Nodes below: ``organisation_id`` receives what they file, ``holder_id`` is whose prefixes they may file,
``person_id`` the account of their token. ``key_digest`` is of the bare key: no two nodes have one key."""

received = sa.Table(
    "identity_filings_received",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("filer_id", _id, nullable=False),
    sa.Column("filer_name", _name, nullable=False),
    sa.Column("filing_id", _id, nullable=False),
    sa.Column("digest", _digest, nullable=False),
    sa.Column("system", sa.String(12), nullable=False),
    sa.Column("prefix", _key, nullable=False),
    sa.Column("key", _key, nullable=False),
    sa.Column("holder", _name, nullable=False),
    sa.Column("event", sa.String(12), nullable=False),
    sa.Column("prefix_state", sa.String(12), nullable=False),
    sa.Column("sequence", _time, nullable=False),
    sa.Column("at_ms", _time, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Column("number", _name, nullable=False),
    sa.Column("serial", sa.Integer),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("receipts", sa.JSON, nullable=False),
    sa.Column("received_ms", _time, nullable=False),
    sa.Column("decided_ms", _time),
    sa.Column("search", sa.Text, nullable=False),
    sa.Index("uq_identity_filings_received_filing", "filer_id", "filing_id", unique=True),
    sa.Index("ix_identity_filings_received_key", "filer_id", "key", "sequence"),
    sa.Index("ix_identity_filings_received_organisation", "organisation_id", "id"),
    sa.Index("ix_identity_filings_received_serial", "serial"),
    info=owned(),
)
"""What nodes below filed; the life of each is a case of the same id. ``current``: the newest accepted of its prefix."""

reports_received = sa.Table(
    "identity_filing_reports",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("filer_id", _id, nullable=False),
    sa.Column("report_id", _id, nullable=False),
    sa.Column("digest", _digest, nullable=False),
    sa.Column("from_ms", _time, nullable=False),
    sa.Column("to_ms", _time, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),
    sa.Column("received_ms", _time, nullable=False),
    sa.Column("strange", sa.Integer, nullable=False),
    sa.Index("uq_identity_filing_reports_period", "filer_id", "to_ms", unique=True),
    sa.Index("ix_identity_filing_reports_organisation", "organisation_id", "filer_id"),
    info=owned(),
)
"""``strange``: how many prefixes of a report are not the reporter's here."""
