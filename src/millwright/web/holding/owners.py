"""Whose the things are that a request names.

Asked only for operations that a policy names somewhere. Reads on the connection of the request, so what its scope does
not contain is not found: then the handler is run and answers as ever, for it cannot touch the thing either.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import Records, metadata, owner_of

TABLES = {
    "device_id": ("dev", "devices_devices"),
    "place_id": ("plc", "devices_places"),
    "edge_id": ("edge", "devices_edges"),
    "site_id": ("network", "devices_networks"),
    "model_id": ("mod", "devices_models"),
    "connection_id": ("con", "devices_connections"),
    "point_id": ("pnt", "devices_points"),
    "credential_id": ("crd", "devices_credentials"),
    "arrival_id": ("arr", "devices_arrivals"),
    "rule_id": ("rul", "operations_rules"),
    "alarm_id": ("alm", "cases_cases"),
    "certificate_id": ("crt", "certificates_issued"),
    "organisation_id": ("org", "parties_organisations"),
    "person_id": ("per", "parties_people"),
    "grant_id": ("grt", "parties_grants"),
    "group_id": ("grp", "parties_groups"),
    "role_id": ("rol", "parties_roles"),
    "invitation_id": ("inv", "parties_invitations"),
    "consent_id": ("cst", "parties_consents"),
    "plan_id": ("pln", "metering_plans"),
    "review_id": ("pfx", "identity_prefix_registrars"),
    "prefix_id": ("pfx", "identity_prefixes"),
    "document_id": ("pfd", "identity_prefix_documents"),
    "filing_id": ("pff", "identity_prefix_filings"),
    "sent_id": ("fil", "identity_filings_sent"),
    "received_id": ("rcv", "identity_filings_received"),
    "filer_id": ("flr", "identity_filers"),
    "template_id": ("tpl", "identity_templates"),
    "import_id": ("imp", "identity_imports"),
    "command_id": ("cmd", "devices_commands"),
    "interlock_id": ("ilk", "devices_interlocks"),
    "lock_id": ("lck", "devices_locks"),
    "reading_import_id": ("him", "devices_reading_imports"),
    "reading_export_id": ("hex", "devices_reading_exports"),
    "export_run_id": ("hxr", "devices_reading_export_runs"),
    "floor_plan_id": ("flo", "devices_location_plans"),
    "zone_id": ("zon", "devices_location_zones"),
    "feedback_id": ("fbk", "devices_location_rules"),
}
"""Path parameter → the prefix of such ids, and the table whose ``id`` it is. ``review_id`` names a prefix as what its
registrar decides on, whose row that is."""

ELSEWHERE = {
    "subject": "whose personal values the ledger erases: the node's own",
    "finding_id": "of abnormal look-ups, which may be about names of several organisations",
    "sequence": "of a dead letter, which is in a stream",
    "upper_id": "nodes above are the node's own",
    "authority_id": "authorities are the node's own",
    "release_id": "what edges may run is the node's own",
    "rollout_id": "what edges may run is the node's own",
    "file": "of a release for edges, the node's own",
    "tag": "a name that tags of several organisations may have",
    "measure_id": "measures are in the register of identifiers",
}
"""Path parameters that name no row of somebody's: such a request counts for all that its permission reaches."""

_BY_PREFIX = {prefix: parameter for parameter, (prefix, _) in TABLES.items()}
_ID = re.compile(r"([a-z]{2,6})_[0-9a-z_]{1,60}\Z")
_MOST_IDS = 10_000


@dataclass(frozen=True, slots=True)
class Thing:
    """Something named: its organisations (a person belongs to several), and what it is called."""

    organisation_ids: frozenset[str]
    name: str


class Owners:
    """Looks things up; blocks. Works in the scope of the request."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, parameter: str, ids: Collection[str], seen: Collection[str]) -> dict[str, Thing]:
        """Those of ``ids`` that there are in the scope, and in ``seen`` for what no scope confines."""
        table = metadata.tables[TABLES[parameter][1]]
        name = table.c.name if "name" in table.c else sa.literal("")
        if table.name == "parties_people":
            member = metadata.tables["parties_memberships"]
            query = sa.select(table.c.id, member.c.organisation_id, name).join(member, member.c.person_id == table.c.id)
        elif table.name == "parties_organisations":
            query = sa.select(table.c.id, table.c.id.label("organisation_id"), name)
        else:
            column, joined = _organisation_of(table)
            query = sa.select(table.c.id, column.label("organisation_id"), name).select_from(joined)
        found: dict[str, tuple[set[str], str]] = {}
        wanted = sorted(ids)
        with self._records.read() as connection:
            for start in range(0, len(wanted), 500):
                for row in connection.execute(query.where(table.c.id.in_(wanted[start : start + 500]))):
                    found.setdefault(row[0], (set(), row[2] or ""))[0].add(row[1])
        things = {key: Thing(frozenset(theirs & set(seen)), name) for key, (theirs, name) in found.items()}
        return {key: thing for key, thing in things.items() if thing.organisation_ids}

    def named_in(self, document: Any, seen: Collection[str]) -> set[str]:
        """The organisations of everything that a body names by its id."""
        by_parameter: dict[str, set[str]] = {}
        for text in _first(_texts(document), _MOST_IDS):
            match = _ID.match(text)
            if match and match[1] in _BY_PREFIX:
                by_parameter.setdefault(_BY_PREFIX[match[1]], set()).add(text)
        return {
            organisation_id
            for parameter, ids in by_parameter.items()
            for thing in self.find(parameter, ids, seen).values()
            for organisation_id in thing.organisation_ids
        }


def _organisation_of(table: sa.Table) -> tuple[sa.ColumnElement[str], sa.FromClause]:
    """The column that names the organisation of the table's rows, and what it is selected from."""
    owner, joined, current = owner_of(table), table, table
    while owner is not None and owner.parent is not None:
        parent = owner.parent
        joined = joined.join(parent, parent.c.id == current.c[owner.column])  # type: ignore[assignment]
        current, owner = parent, owner_of(parent)
    return current.c.organisation_id, joined


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _first(texts: Iterable[str], most: int) -> Iterator[str]:
    for position, text in enumerate(texts):
        if position >= most:
            return
        yield text
