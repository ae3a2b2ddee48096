"""An edge in a network of its own: its parent sees that network, also what went wrong while the link was cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.edge import EdgeNode, Parent, enrol
from support.netns import Lab, need_namespaces
from support.ports import free_port
from support.reliability import history


class FarEdge(EdgeNode):
    """An edge whose processes run in a network namespace."""

    namespace = ""

    def command(self, *arguments: str) -> list[str]:
        inside = ["ip", "netns", "exec", self.namespace] if arguments == ("up",) else []
        return [*inside, *super().command(*arguments)]


@pytest.fixture
def lab() -> Iterator[Lab]:
    need_namespaces()
    with Lab() as made:
        yield made


@pytest.mark.timeout(240)
def test_the_parent_sees_an_edges_network_and_what_the_cut_hid(lab: Lab, tmp_path: Path) -> None:
    here = lab.uplink()
    port = free_port()
    parent = Parent(tmp_path / "parent", {"edges": {"host": "0.0.0.0", "port": port}})
    with parent:
        api = parent.administrator()
        made = enrol(api)
        edge_id = made["edge"]["id"]
        edge = FarEdge(tmp_path / "edge", parent, {"network": {"interval_s": 1}, "edge": {"console": True}})
        edge.namespace = lab.site
        edge.line.cut()
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        file = edge.data / "edge.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "urls": [f"nats-leaf://{here}:{port}"]}))
        with edge:
            _look(api, parent, edge_id, here)
            device_id = api.put(f"/networks/{edge_id}/watching", json={"watched": True}).json()["site"]["device_id"]
            up = "link.10.77.0.2.up"
            parent.wait_for("figures come", lambda: newest(api, device_id, up)[1:] == (True, True))
            lab.ip("-n", lab.site, "link", "set", "up0", "down")
            parent.wait_for("the edge is cut off", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "cut")
            lab.ip("-n", lab.far, "link", "set", "far0", "down")
            parent.wait_for("the edge itself sees it", lambda: at_edge(lab, edge, device_id)[up] is False, timeout_s=60)
            before = newest(api, device_id, up)
            assert before[1] is True
            lab.ip("-n", lab.far, "link", "set", "far0", "up")
            parent.wait_for("and its end", lambda: at_edge(lab, edge, device_id)[up] is True, timeout_s=60)
            lab.ip("-n", lab.site, "link", "set", "up0", "up")
            parent.wait_for("the link is back", lambda: newest(api, device_id, up)[0] > before[0], timeout_s=60)
            parent.wait_for("the past comes", lambda: False in values(api, device_id, up), timeout_s=60)
            scanned = parent.cli("network", "scan", "hall 3", "10.77.0.0/29", "--per-s", "50", timeout_s=90)
            assert "10.77.0.2" in scanned.stdout, scanned.stderr
            refused = parent.cli("network", "scan", "hall 3", "9.9.9.0/24")
            assert "not a private network" in refused.stderr
            shown = parent.cli("network", "show", "hall 3")
            assert "gateway" in shown.stdout
            assert "parent" in shown.stdout
            exported = parent.cli("network", "export", "hall 3").stdout
            assert "link,10.77.0.2,4," in exported
            assert api.get("/dead-letters").json()["items"] == []
        api.close()


def _look(api: httpx.Client, parent: Parent, edge_id: str, here: str) -> None:
    def links() -> dict[str, Any]:
        report = api.get(f"/networks/{edge_id}").json()["report"] or {"links": []}
        return {each["peer"]: each for each in report["links"]}

    parent.wait_for("its links are known", lambda: links().get(here, {}).get("state") == "ok")
    parent.wait_for("its gateway too", lambda: links().get("10.77.0.2", {}).get("state") == "ok")
    found = links()
    assert found[here]["role"] == "parent"
    assert found[here]["protocols"]
    assert found["10.77.0.2"]["role"] == "gateway"
    site = next(each for each in api.get("/networks").json() if each["id"] == edge_id)
    assert (site["name"], site["kind"], site["fresh"], site["links_down"]) == ("hall 3", "edge", True, 0)


def values(api: httpx.Client, device_id: str, name: str) -> list[Any]:
    """The readings of a property, oldest first."""
    return [each["value"] for each in history(api, device_id, name) or ()]


def newest(api: httpx.Client, device_id: str, name: str) -> tuple[int, Any, bool]:
    """Time and value of the newest reading, and whether there is one."""
    rows = history(api, device_id, name) or []
    return (rows[-1]["time_ms"], rows[-1]["value"], True) if rows else (0, None, False)


def at_edge(lab: Lab, edge: EdgeNode, device_id: str) -> dict[str, Any]:
    """The newest values by the edge's own history, asked on its machine."""
    command = edge.command("readings", "latest", device_id, "--json")
    said = json.loads(lab.inside(lab.site, "env", "-u", "MILLWRIGHT_DATA", *command))
    return {each["property"]: each["value"] for each in said}
