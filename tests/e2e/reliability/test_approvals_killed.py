"""The web process is killed around an approval: what was asked is done once, or is said to be unknown; never twice."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import PASSWORD, RunningNode

ENDED = ("done", "failed")


@pytest.mark.timeout(300)
def test_no_kill_makes_it_happen_twice(tmp_path: Path) -> None:
    settings = {"approvals": {"execute_timeout_s": 1}}
    with RunningNode(tmp_path, settings) as node, contextlib.closing(node.administrator()) as ada:
        person = {"name": "bo", "password": PASSWORD, "roles": ["administrator"]}
        assert ada.post("/people", json=person).status_code == 201
        policy = {"actions": ["devices.credentials.add"]}
        assert ada.put("/organisations/org_root/approval-policy", json=policy).status_code == 200
        ended: list[str] = []
        for round_, wait_s in enumerate((0.0, 0.006, 0.012, 0.02)):
            device = ada.post("/devices", json={"name": f"kiln-{round_}"}).json()["id"]
            asked = ada.post(f"/devices/{device}/credentials", json={}).json()["approval"]["id"]
            bo = node.client()
            assert bo.post("/session", json={"name": "bo", "password": PASSWORD}).status_code == 201
            sent = threading.Thread(target=_approve, args=(bo, asked))
            sent.start()
            time.sleep(wait_s)
            node.kill("web")
            sent.join()
            node.wait_for("the web process is back", lambda i=asked: _reads(ada, i))
            if _reads(ada, asked)["state"] == "asked":  # killed before the decision was kept
                answer = bo.post(f"/approvals/{asked}/approve", json={})
                assert answer.status_code == 200, answer.text
            found = node.wait_for("it ends", lambda i=asked: _ended(ada, i), timeout_s=40)
            credentials = ada.get(f"/devices/{device}/credentials").json()
            if found["state"] == "done":
                assert len(credentials) == 1, found
            else:
                assert found["result"]["code"] == "approvals.unknown_end", found
                assert len(credentials) <= 1, found
            ended.append(found["state"])
            bo.close()
        assert set(ended) <= set(ENDED)


def _approve(client: httpx.Client, approval_id: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        client.post(f"/approvals/{approval_id}/approve", json={})


def _reads(client: httpx.Client, approval_id: str) -> dict[str, Any] | None:
    with contextlib.suppress(httpx.HTTPError):
        answer = client.get(f"/approvals/{approval_id}")
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            return found
    return None


def _ended(client: httpx.Client, approval_id: str) -> dict[str, Any] | None:
    found = _reads(client, approval_id)
    return found if found and found["state"] in ENDED else None
