"""No operation escapes four-eyes approval: what is nameable follows from the routes; one gate stands before all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from millwright.engines.secrets.rotation import sealed_columns
from millwright.engines.sql import metadata
from millwright.web.app import pass_gate
from millwright.web.holding import Gate, nameable_routes
from millwright.web.holding.owners import ELSEWHERE, TABLES
from millwright.web.holding.routes import SAFE

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.reference.permissions_page import application, route_rights  # noqa: E402


@pytest.fixture(scope="module")
def app() -> Iterator[Litestar]:
    with application() as made:
        yield made


def test_every_changing_route_that_takes_a_permission_is_nameable(app: Litestar) -> None:
    nameable = {(each.method, each.path) for each in nameable_routes(app)}
    left = {
        f"{each.method} {each.path}"
        for each in route_rights(app)
        if each.method not in SAFE
        and each.takes not in ("public", "signed in")
        and (each.method, each.path) not in nameable
    }
    assert left == {
        "POST /api/v1/approvals/{approval_id}/approve",
        "POST /api/v1/approvals/{approval_id}/reject",
        "POST /api/v1/rules/test",  # reads, though it is sent by POST
        "POST /api/v1/retention/preview",
        "POST /api/v1/connectors/test",
        "POST /api/v1/connectors/browse",
        "POST /api/v1/connectors/read",
        "POST /api/v1/connectors/discover",
        "POST /api/v1/connectors/{connection_id}/try",
        "POST /api/v1/codes/parse",
        "POST /api/v1/codes/convert",
        "POST /api/v1/prefixes/check",
        "POST /api/v1/identifier-templates/{template_id}/check",
        "POST /api/v1/identifiers/measures/preview",
        "POST /api/v1/carriers/sheet",
        "POST /api/v1/carriers/read",
    }
    assert len(nameable) > 40


def test_every_nameable_route_is_in_the_catalogue_under_the_ledgers_name(app: Litestar) -> None:
    catalogue = app.state.services.approvals.catalogue
    routes = {route for each in catalogue.list() for route in each.routes}
    assert routes == {f"{each.method} {each.path}" for each in nameable_routes(app)}
    wanted = ["devices.remove", "grants.add", "organisations.remove", "certificates.authorities.import"]
    assert catalogue.check(wanted) == sorted(wanted)


def test_one_gate_stands_before_every_handler(app: Litestar) -> None:
    assert isinstance(app.state.gate, Gate)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                gates = [layer.before_request for layer in handler.ownership_layers if layer.before_request]
                assert len(gates) == 1, f"{route.path} has a before_request of its own, which would replace the gate"
                assert gates[0] is pass_gate, route.path
        else:
            assert not route.path.startswith("/api"), "no gate stands before what is mounted as plain ASGI"


def test_whose_a_named_thing_is_can_be_told(app: Litestar) -> None:
    named = {
        parameter.name
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for parameter in route.path_parameters.values()
        if route.path_format in {each.path for each in nameable_routes(app)}
    }
    assert named - set(TABLES) - set(ELSEWHERE) == set(), "name its table in web/holding/owners.py, or why it has none"
    for _, table in TABLES.values():
        assert "id" in metadata.tables[table].c, table


def test_what_is_kept_is_sealed() -> None:
    kept = {f"{table.name}.{column.name}" for table, column, _ in sealed_columns(metadata)}
    assert {"approvals_requests.request", "approvals_requests.answer"} <= kept
