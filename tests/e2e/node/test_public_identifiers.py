"""A running node answers everybody about its identifiers over HTTP, and notes who changed one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from millwright.identity.handle import Reference
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.records import Records
from millwright.kernel import ROOT
from support.handle import SECRET, admin_value, value
from support.identifiers import home, put, records_over
from support.node import RunningNode
from support.resolution import SHIRT, SHIRT_VALUES

PREFIX = b"88.118.8"
ADMIN = Reference(b"0.NA/" + PREFIX, 300)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def records(node: RunningNode) -> Iterator[Records]:
    with records_over(node.nats_url, node.data) as found:
        home(found, PREFIX, b"GS1:9506000", organisation_id=ROOT)
        secret = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
        put(found, (b"0.NA/" + PREFIX, (admin_value(ADMIN), secret)), (b"GS1" + SHIRT.encode(), SHIRT_VALUES))
        yield found


@pytest.fixture
def client(node: RunningNode) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        yield client


def test_what_is_written_elsewhere_is_resolved_at_once(client: httpx.Client, records: Records) -> None:
    assert client.get("/api/handles/77.1/x").json()["responseCode"] == 301
    assert client.get("/api/handles/88.118.8/pump-1").json()["responseCode"] == 100
    put(records, (PREFIX + b"/pump-1", (value(1),)))
    assert client.get("/api/handles/88.118.8/PUMP-1").json()["values"][0]["type"] == "URL"
    assert client.get(SHIRT).headers["location"] == "https://shop.example/shirt"
    assert client.get("/.well-known/gs1resolver").json()["supportedPrimaryKeys"] == ["all"]


def test_the_page_names_who_is_responsible(client: httpx.Client, records: Records, node: RunningNode) -> None:
    with closing(node.administrator()) as api:
        name = next(each["name"] for each in api.get("/organisations").json() if each["id"] == ROOT)
    page = client.get(f"/id{SHIRT.replace('/01/', '/')}")
    assert page.status_code == 200
    assert name in page.text
    assert "vermilion" not in page.text


def test_a_change_over_http_is_in_the_ledger(client: httpx.Client, records: Records, node: RunningNode) -> None:
    given = {"authorization": "Basic " + base64.b64encode(b"300%3A0.NA/88.118.8:" + SECRET).decode()}
    answer = client.put(
        "/api/handles/88.118.8/by-http", json=[{"index": 1, "type": "NOTE", "data": "x"}], headers=given
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    with records.view() as view:
        assert view.find(PREFIX + b"/by-http")

    def entry() -> bool:
        with closing(node.administrator()) as api:
            items = api.get("/ledger/entries", params={"limit": 50}).json()["items"]
        return any(each["target"]["id"] == "88.118.8/by-http" for each in items if each.get("target"))

    assert node.wait_for("the entry of the change", entry)
