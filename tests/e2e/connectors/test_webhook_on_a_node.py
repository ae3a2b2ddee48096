"""A webhook on a real node: from the address to history, signed, once, and through the death of the host."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import RunningNode

TOKEN = "e2e-0123456789abcdef"
SECRET = "shared with the sender"


@pytest.mark.timeout(120)
def test_documents_become_history_once(tmp_path: Path) -> None:
    with RunningNode(tmp_path, {"connectors": {"first_retry_s": 0.1}}) as node:
        api = node.administrator()
        settings = {
            "token": TOKEN, "scheme": "github", "signing_secret": SECRET, "items_place": "events", "time_place": "at",
        }  # fmt: skip
        made = api.post("/connectors", json={"name": "cloud", "kind": "webhook", "settings": settings}).json()
        url = f"{node.url}/hooks/{made['id']}/{TOKEN}"
        assert TOKEN not in json.dumps(made)
        begin_ms = time.time_ns() // 1_000_000

        def post(number: int, *, to: str = url, sign: str = SECRET, size: int = 0, **headers: str) -> httpx.Response:
            event = {"at": begin_ms + number, "site": {"a": number, "b": -number}}
            body = json.dumps({"events": [event], "padding": "x" * size}).encode()
            signature = "sha256=" + hmac.new(sign.encode(), body, hashlib.sha256).hexdigest()
            return httpx.post(
                to, content=body, headers={"X-Hub-Signature-256": signature, **headers}, timeout=30, trust_env=False
            )

        first = node.wait_for(
            "it runs", lambda: (got := post(0)).json().get("code") == "connectors.webhook_unmapped" and got
        )
        assert first.status_code == 503
        tags = api.post("/connectors/browse", json={"connection_id": made["id"], "parent": "/site"}).json()["items"]
        assert [tag["address"] for tag in tags] == ["/site/a", "/site/b"]
        devices = []
        for tag in tags:  # one document, two devices
            thing = {"tags": [{"address": tag["address"], "name": "v"}], "device_name": f"cloud-{tag['name']}"}
            answer = api.post(f"/connectors/{made['id']}/things", json=thing)
            assert answer.status_code == 201, answer.text
            devices.append(answer.json()["device_id"])
        node.wait_for("both are mapped", lambda: post(0).json().get("readings") == 2)

        assert post(1, to=url + "x").status_code == 404
        assert post(1, to=f"{node.url}/hooks/con_nothing/{TOKEN}").status_code == 404
        assert post(1, sign="another").json()["code"] == "connectors.webhook_signature"
        assert post(1, size=1_000_001).json()["code"] == "devices.body_too_large"
        assert httpx.get(url, trust_env=False).status_code == 405
        assert post(1, **{"X-GitHub-Delivery": "id-1"}).json() == {"readings": 2, "repeated": False}
        assert post(1, **{"X-GitHub-Delivery": "id-1"}).json() == {"readings": 2 * 0, "repeated": True}

        taken, number = [1], 2
        deadline = time.monotonic() + 60
        killed = False
        while len(taken) < 120 and time.monotonic() < deadline:
            answer = post(number, **{"X-GitHub-Delivery": f"id-{number}"})
            if answer.status_code == 200:
                taken.append(number)
                number += 1
            else:
                assert answer.status_code in (503, 504), answer.text
                time.sleep(0.1)
            if len(taken) == 40 and not killed:
                killed = bool(node.kill("connectors"))
        assert len(taken) == 120
        query = {"property": "v", "from_ms": begin_ms + 1, "to_ms": begin_ms + 1000, "limit": 1000}
        for device_id, sign in zip(devices, (1, -1), strict=True):

            def rows(device_id: str = device_id) -> list[Any]:
                answer = api.get("/readings", params={"device_id": device_id, **query})
                return answer.json()["items"] if answer.status_code == 200 else []

            stored = node.wait_for("all is stored", lambda rows=rows: len(got := rows()) >= 120 and got)
            assert [(row["time_ms"] - begin_ms, row["value"]) for row in stored] == [(n, n * sign) for n in taken]

        told = api.get(f"/connectors/{made['id']}/deliveries", params={"limit": 1000}).json()
        codes = {each["code"] for each in told if each["outcome"] == "refused"}
        assert {"connectors.webhook_signature", "devices.body_too_large", "connectors.webhook_unmapped"} <= codes
        assert sum(each["outcome"] == "repeated" for each in told) >= 1
        trial = {"body": '{"events":[{"at":1750000000,"site":{"a":5}}]}'}
        (found,) = api.post(f"/connectors/{made['id']}/try", json=trial).json()
        assert (found["address"], found["value"], found["time_ms"]) == ("/site/a", 5, 1_750_000_000_000)
        assert TOKEN not in node.output()
