"""A connector that leaks, as a package of somebody else: the process ends itself, comes back, other machines go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.bad_connector import install
from support.field_page import FieldPage, field_page
from support.node import RunningNode
from support.reliability import history

TOKEN = "field-token"
TESTS = Path(__file__).parents[2]


class NodeWithBadConnector(RunningNode):
    """The package is on the path of every process."""

    def environ(self) -> dict[str, str]:
        found = super().environ()
        path = [str(self.folder / "packages"), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**found, "PYTHONPATH": os.pathsep.join(path)}


@pytest.mark.timeout(180)
def test_a_connector_that_leaks(tmp_path: Path) -> None:
    install(tmp_path / "packages")
    settings = {"connectors": {"memory_mb": 128, "first_retry_s": 0.2, "cancel_s": 0.5}}
    with field_page(TOKEN) as page, NodeWithBadConnector(tmp_path, settings) as node:
        api = node.administrator()
        device_id = _follow(api, page)
        node.wait_for("values", lambda: history(api, device_id, "n"))
        pid = _pid(node)
        leaking = _connect(api, "bad", {"leak_mb_s": 50}, "x")
        node.wait_for("the process is another", lambda: _pid(node) not in (0, pid), timeout_s=60)
        assert api.delete(f"/connectors/{leaking}").status_code in (200, 204)
        served = page.served
        node.wait_for(
            "the other machine's values",
            lambda: max((row["value"] for row in history(api, device_id, "n") or ()), default=0) > served,
            timeout_s=60,
        )
        assert "memory_mb = 128" in (node.data / "logs" / "connectors.log").read_text()
        api.close()


def _pid(node: RunningNode) -> int:
    process = node.find_process("connectors")
    return process.pid if process is not None else 0


def _connect(api: httpx.Client, kind: str, settings: dict[str, Any], address: str) -> str:
    made = api.post("/connectors", json={"name": f"{kind} {settings}"[:60], "kind": kind, "settings": settings})
    assert made.status_code == 201, made.text
    tags = [{"address": address, "type": "number", "interval_ms": 200, "property": "n"}]
    thing = {"tags": tags, "device_name": f"of {made.json()['id']}"}
    reply = api.post(f"/connectors/{made.json()['id']}/things", json=thing)
    assert reply.status_code == 201, reply.text
    return str(made.json()["id"])


def _follow(api: httpx.Client, page: FieldPage) -> str:
    connection_id = _connect(api, "http_poll", {"url": page.url, "token": TOKEN}, "/n")
    found = api.get("/devices", params={"q": f"of {connection_id}"}).json()["items"]
    return str(next(each["id"] for each in found if each["name"] == f"of {connection_id}"))
