"""Who may have a connection that reads files of the node's machine: only who runs the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.tenants import join, send
from support.web import running_web

FILES: dict[str, dict[str, Any]] = {
    "file_drop": {"folder": "/etc", "time_column": "time"},
    "sql_poll": {"url": "sqlite:////etc/passwd", "query": "SELECT 1 AS a"},
}


@pytest.mark.parametrize("kind", sorted(FILES))
async def test_an_enterprise_on_the_node_reads_no_files_of_it(tmp_path: Path, kind: str) -> None:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        organisation = {"parent_id": "org_root", "kind": "enterprise", "name": "Red"}
        red_id = (await send(root, "POST", "/organisations", organisation))["id"]
        invited = await send(root, "POST", f"/organisations/{red_id}/invitations", {"role": "administrator"})
        red = await join(web, invited["token"], "Red administrator")

        new = {"name": "files", "kind": kind, "settings": FILES[kind], "enabled": False}
        draft = {"kind": kind, "settings": FILES[kind]}
        for path, body in (("", new), ("/test", draft), ("/read", draft | {"addresses": ["a"]})):
            refused = await red.post(f"/api/v1/connectors{path}", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "connectors.node_only"), refused.text
        assert (await red.get("/api/v1/connectors")).json() == []

        assert (await send(root, "POST", "/connectors", new))["kind"] == kind
        simulated = {"name": "simulated", "kind": "simulator", "settings": {}, "enabled": False}
        assert (await send(red, "POST", "/connectors", simulated))["kind"] == "simulator"
