"""The link with the parent's own certificate: joined with its root, connected over TLS."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import httpx
import pytest

from support.edge import EdgeNode, Parent, enrol
from support.node import NAME, PASSWORD
from support.ports import free_port


@pytest.mark.timeout(180)
def test_an_edge_joins_a_parent_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    parent = Parent(tmp_path / "parent", {"tls": {"mode": "auto"}, "mqtt": {"tls_port": free_port()}})
    parent.url = parent.url.replace("http:", "https:")
    with parent:
        root = parent.data / "tls" / "ca.pem"
        trust = ssl.create_default_context(cafile=str(root))
        headers = {"Origin": parent.url}
        with httpx.Client(base_url=f"{parent.url}/api/v1", headers=headers, verify=trust, timeout=20) as api:
            api.post("/setup", json={"name": NAME, "password": PASSWORD, "code": parent.setup_code()})
            made = enrol(api)
            edge = EdgeNode(tmp_path / "edge", parent)
            edge.line.cut()
            code = made["enrolment"]["code"]
            distrusted = edge.cli("edge", "join", parent.url, code)
            assert "--ca" in distrusted.stderr
            assert edge.cli("--ca", str(root), "edge", "join", parent.url, code).returncode == 0
            assert json.loads((edge.data / "edge.json").read_text())["urls"][0].startswith("tls://")
            with edge:
                edge.wait_for("it is connected", lambda: api.get("/edges").json()[0]["state"] == "connected")
