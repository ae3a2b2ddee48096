"""The command line where an operation takes a second person."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from support.node import PASSWORD, RunningNode


def test_a_command_that_waits_says_so_and_another_person_approves(tmp_path: Path) -> None:
    with RunningNode(tmp_path) as node, contextlib.closing(node.administrator()) as ada:
        made = ada.post("/people", json={"name": "bo", "password": PASSWORD, "roles": ["administrator"]})
        assert made.status_code == 201, made.text
        assert ada.put("/organisations/org_root/approval-policy", json={"actions": ["devices.remove"]}).is_success
        token = ada.post("/tokens", json={"name": "cli", "roles": ["administrator"]}).json()["token"]
        assert node.cli("devices", "add", "kiln").returncode == 0

        held = node.cli("devices", "remove", "kiln", "--yes")
        assert held.returncode == 8, held.stdout + held.stderr
        assert "Held: This takes a second person: devices.remove waits as apr_" in held.stderr
        again = node.cli("devices", "remove", "kiln", "--yes", "--json")
        assert again.returncode == 8
        approval: dict[str, Any] = json.loads(again.stdout)["error"]["detail"]["approval"]
        assert (approval["state"], approval["object_name"]) == ("asked", "kiln")

        listed = node.cli("--token", token, "approvals", "list", "--view", "waiting")
        assert approval["id"] in listed.stdout
        assert "DELETE /api/v1/devices/" in node.cli("approvals", "show", approval["id"]).stdout
        own = node.cli("approvals", "approve", approval["id"])
        assert (own.returncode, "Nobody decides what they asked for" in own.stderr) == (3, True)
        done = node.cli("--token", token, "approvals", "approve", approval["id"], "--comment", "seen", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["state"] == "done"
        assert "kiln" not in node.cli("devices", "list").stdout

        assert node.cli("devices", "add", "oven").returncode == 0
        waiting = json.loads(node.cli("devices", "remove", "oven", "--yes", "--json").stdout)["error"]["detail"]
        refused = node.cli("--token", token, "approvals", "reject", waiting["approval"]["id"], "--comment", "in use")
        assert (refused.returncode, refused.stdout.strip()) == (0, "rejected")
        assert "oven" in node.cli("devices", "list").stdout
