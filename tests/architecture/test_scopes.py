"""What makes forgetting a scope impossible: each of these fails when the way around is opened."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from millwright.engines.sql import metadata, owner_of

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "millwright"
sys.path.insert(0, str(ROOT))

from tools.reference.permissions_page import application, route_rights  # noqa: E402

NODES_OWN = {
    "parties_": "decides scopes, so it cannot be confined by them; its stores name their organisations",
    "devices_counters": "a counter",
    "devices_releases": "what edges may run is the node's matter; their routes take a permission on the root",
    "devices_rollouts": "what edges may run is the node's matter; their routes take a permission on the root",
    "devices_location_positions": "up to where the intake was taken",
    "certificates_authorities": "they sign for everybody; their routes take permissions on the root",
    "secrets_keys": "data keys of the whole database, wrapped; no route shows them",
    "operations_revisions": "a counter",
    "operations_heard": "how far each edge was heard",
    "operations_untold": "what waits for the edge's parent; no route shows it",
    "ledger_disclosures": "found by the ids of entries, which are confined",
    "ledger_intents": "what the writer waits for; no route shows them",
    "metering_departed": "where organisations were that are no more",
    "metering_positions": "how far each source is counted",
    "metering_numbers": "a counter",
    "identity_filing_uppers": "nodes above are the node's own; their routes take a permission on the root",
    "identity_filing_reports_sent": "reports of the whole node to those",
    "identity_prefix_states": "what the index of resolution is told, which is public; outlives its organisation",
    "identity_figures": "counts of the whole node; names in them are shown by whose prefix they lie below",
    "identity_findings": "about names of several organisations; each is shown its own part of one",
    "identity_mirrors": "who follows the node's log; shown by a permission on the root",
    "web_answers": "found by person and key alone",
}
"""Tables that belong to no organisation, by the beginning of their name, and why."""


def test_every_route_states_what_it_takes() -> None:
    with application() as app:
        rights = list(route_rights(app))
    assert [f"{each.method} {each.path}" for each in rights if each.takes is None] == []
    public = {f"{each.method} {each.path}" for each in rights if each.takes == "public"}
    assert public == {
        "GET /healthz",
        "GET /readyz",
        "GET /api/v1/setup",
        "POST /api/v1/setup",
        "POST /api/v1/session",
        "POST /api/v1/snms/identity/token",
        "POST /api/v1/session/second",
        "GET /api/v1/session/ways",
        "POST /api/v1/session/passkey/challenge",
        "POST /api/v1/session/passkey",
        "GET /api/v1/session/oidc/{provider}",
        "GET /api/v1/session/oidc/{provider}/callback",
        "POST /api/v1/session/oidc/{provider}/logout",
        "POST /api/v1/invitations/read",
        "POST /api/v1/invitations/accept",
        # What others trust this node by, and what they distrust: a root and a CRL are public by their nature.
        "GET /api/v1/certificates/root",
        "GET /api/v1/certificates/crl/{authority_id}",
        "GET /.well-known/est/cacerts",
        # For devices: proved by a device's token, one-time code or certificate, and in the scope of that device alone.
        "POST /api/v1/enrolment",
        "POST /api/v1/enrolment/renewal",
        "POST /api/v1/edge-joining",  # opened by a one-time code
        "POST /.well-known/est/simpleenroll",
        "POST /.well-known/est/simplereenroll",
    }


def test_every_table_says_whose_its_rows_are() -> None:
    with application():  # imports every domain
        pass
    strangers = [
        table.name
        for table in metadata.sorted_tables
        if owner_of(table) is None and not table.name.startswith(tuple(NODES_OWN))
    ]
    assert strangers == [], "declare info=owned() or owned_through(), or name the table above with its reason"
    for table in metadata.sorted_tables:
        owner = owner_of(table)
        if owner is not None:
            assert owner.column in table.columns, table.name
            assert not table.columns[owner.column].nullable, table.name


def test_only_the_composition_root_sees_everything() -> None:
    used = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(r"\bEVERYTHING\b", path.read_text(encoding="utf-8"))
        and path.relative_to(SOURCE).parts[0] != "app"
        and path != SOURCE / "kernel" / "scope.py"
    ]
    assert used == []


def test_nobody_reaches_around_the_confinement() -> None:
    """The unconfined engine, and scopes made by hand, are for the engine and the composition root."""
    around = re.compile(r"\.engine\.(?:connect|begin|raw_connection)\(|unlimited=True|create_engine\(")
    used = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if around.search(path.read_text(encoding="utf-8"))
        and not path.is_relative_to(SOURCE / "engines" / "sql")
        # The databases of others, by a connection of somebody who may make this node call out.
        and not path.is_relative_to(SOURCE / "devices" / "connectors" / "sql_poll")
        and path != SOURCE / "kernel" / "scope.py"
    ]
    assert used == []
