"""Connections of a parent that run at an edge: sealed, shown, asked about, cut off, killed and refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.edge import EdgeNode, Parent, add_device, enrol
from support.field_page import FieldPage, field_page
from support.reliability import history

TOKEN = "token-that-nobody-but-the-edge-may-read"


@pytest.fixture(scope="module")
def page() -> Iterator[FieldPage]:
    with field_page(TOKEN) as found:
        yield found


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Parent, EdgeNode, httpx.Client, str]]:
    folder = tmp_path_factory.mktemp("field")
    with Parent(folder / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        settings = {"edge": {"parent_reaches": "network"}, "connectors": {"first_retry_s": 0.2, "most_retry_s": 1.0}}
        edge = EdgeNode(folder / "edge", parent, settings)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        with edge:
            edge_id = made["edge"]["id"]
            edge.wait_for("the link", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "connected")
            yield parent, edge, api, edge_id
            edge.line.cut()
        api.close()


def health(api: httpx.Client, connection_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in api.get("/connectors/health").json() if each["connection_id"] == connection_id
    )
    return found


def contains(folder: Path, secret: str) -> list[Path]:
    return [
        path for path in folder.rglob("*") if path.is_file() and path.exists() and secret.encode() in path.read_bytes()
    ]


@pytest.mark.timeout(240)
def test_a_connection_at_an_edge(nodes: tuple[Parent, EdgeNode, httpx.Client, str], page: FieldPage) -> None:
    parent, edge, api, edge_id = nodes
    settings = {"url": page.url, "token": TOKEN}
    # A question goes through the link with its secret sealed; what the machine says comes back, good or bad.
    asked = {"kind": "http_poll", "settings": settings, "edge_id": edge_id}
    tested = api.post("/connectors/test", json=asked)
    assert tested.status_code == 200, tested.text
    wrong = api.post("/connectors/test", json={**asked, "settings": {**settings, "token": "wrong"}})
    assert wrong.status_code >= 400
    assert page.refused
    found = api.post("/connectors/discover", json={"kind": "simulator", "edge_id": edge_id, "timeout_s": 1})
    assert found.status_code == 200, found.text

    made = api.post(
        "/connectors", json={"name": "meter", "kind": "http_poll", "settings": settings, "edge_id": edge_id}
    )
    assert made.status_code == 201, made.text
    connection_id = made.json()["id"]
    assert (made.json()["edge_id"], made.json()["secrets"]) == (edge_id, ["token"])
    browsed = api.post("/connectors/browse", json={"connection_id": connection_id})
    assert browsed.status_code == 200, browsed.text
    tags = [{"address": "/n", "type": "integer", "interval_ms": 100}]
    thing = api.post(f"/connectors/{connection_id}/things", json={"tags": tags, "device_name": "meter 1"})
    assert thing.status_code == 201, thing.text
    device_id = thing.json()["device_id"]
    assert api.get(f"/devices/{device_id}").json()["edge_id"] == edge_id
    # A device that is not at the edge cannot be fed from there.
    elsewhere, _ = add_device(api, "elsewhere")
    point = {"address": "/n", "device_id": elsewhere, "property": "n"}
    refused = api.post(f"/connectors/{connection_id}/points", json=[point])
    assert refused.json()["code"] == "connectors.device_elsewhere", refused.text

    def values() -> list[int]:
        return [row["value"] for row in history(api, device_id, "n") or []]

    parent.wait_for("values rise", lambda: len(values()) > 5, 30)
    parent.wait_for("the parent sees how it does", lambda: health(api, connection_id)["state"] == "running", 30)
    parent.wait_for("throughput", lambda: health(api, connection_id)["samples_per_s"] > 1)
    live = api.get(f"/connectors/{connection_id}/points/live").json()
    assert live[0]["value"] > 0
    assert parent.find_process("connectors") is None, "it runs at the edge and not here"

    # Cut off it goes on, also when its host is killed; at the parent it is lost, and a question says why.
    edge.line.cut()
    parent.wait_for("it is lost", lambda: health(api, connection_id)["state"] == "lost", 40)
    assert health(api, connection_id)["error"]["code"] == "devices.edge_away"
    away = api.post("/connectors/test", json=asked)
    assert (away.status_code, away.json()["code"]) == (503, "devices.edge_away"), away.text
    before = page.served
    edge.kill("connectors")
    edge.wait_for("another host asks", lambda: page.served > before + 5, 30)
    # What is changed meanwhile is in force when the link is back.
    named = api.patch(f"/connectors/{connection_id}", json={"name": "meter of hall 3"})
    assert named.status_code == 200, named.text
    other = api.patch(f"/connectors/{connection_id}", json={"settings": {"url": page.url + "?x"}})
    assert other.json()["code"] == "connectors.secrets_needed", other.text
    kept = page.served
    parent.kill("edges")
    edge.kill("edge")
    edge.line.join()
    parent.wait_for("it runs again", lambda: health(api, connection_id)["state"] == "running", 40)
    parent.wait_for("what was read meanwhile came", lambda: max(values()) > kept, 30)
    seen = values()
    assert len(seen) == len(set(seen)), "nothing came twice"

    assert contains(parent.data, TOKEN) == []
    assert contains(edge.data, TOKEN) == []

    disabled = api.patch(f"/connectors/{connection_id}", json={"enabled": False})
    assert disabled.status_code == 200
    parent.wait_for("it is stopped", lambda: health(api, connection_id)["state"] == "stopped", 20)
    assert api.delete(f"/edges/{edge_id}").json()["code"] == "devices.edge_in_use"
    # Back at the parent its secrets have to be given again: nobody here can read them.
    back = api.patch(f"/connectors/{connection_id}", json={"edge_id": None})
    assert back.json()["code"] == "connectors.secrets_needed"
    whole = {"edge_id": None, "settings": settings, "enabled": True}
    assert api.patch(f"/connectors/{connection_id}", json=whole).status_code == 200
    served = page.served
    parent.wait_for("it runs here", lambda: health(api, connection_id)["state"] == "running", 30)
    parent.wait_for("it asks", lambda: page.served > served)
    # Nor do they go to an edge by themselves: whoever keeps its machine would have them.
    there = api.patch(f"/connectors/{connection_id}", json={"edge_id": edge_id})
    assert there.json()["code"] == "connectors.secrets_needed", there.text
    assert api.get(f"/connectors/{connection_id}").json()["edge_id"] is None
    assert api.delete(f"/connectors/{connection_id}").status_code == 204


@pytest.mark.timeout(120)
def test_an_edge_refuses_what_its_keeper_does_not_allow(
    nodes: tuple[Parent, EdgeNode, httpx.Client, str], tmp_path: Path
) -> None:
    parent, _, api, edge_id = nodes
    files = {"folder": str(tmp_path)}
    asked = {"kind": "file_drop", "settings": files, "edge_id": edge_id}
    tested = api.post("/connectors/test", json=asked)
    assert (tested.status_code, tested.json()["code"]) == (403, "connectors.edge_policy"), tested.text
    made = api.post("/connectors", json={"name": "files", **asked})
    assert made.status_code == 201, made.text
    connection_id = made.json()["id"]
    parent.wait_for("it is refused", lambda: health(api, connection_id)["state"] == "refused", 20)
    assert health(api, connection_id)["error"]["code"] == "connectors.edge_policy"

    def section() -> dict[str, Any]:
        said = api.get(f"/edges/{edge_id}").json()["status"]["sections"]
        return next((each for each in said if each["name"] == "connections"), {})

    parent.wait_for("the edge says what it lacks", lambda: section().get("refused"), 20)
    assert section()["desired"] - section()["in_force"] == 1
    assert section()["refused"][0]["what"] == "files"
    assert "connections" in api.get(f"/edges/{edge_id}").json()["lacks"]
    assert api.delete(f"/connectors/{connection_id}").status_code == 204
    parent.wait_for("nothing lacks", lambda: not section().get("refused"), 20)
