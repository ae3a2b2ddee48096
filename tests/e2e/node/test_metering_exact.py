"""``kill -9`` in the middle of everything: the statement shows exactly what history holds and clients were answered."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.node import RunningNode
from support.qos1 import CountingDevice


@pytest.mark.timeout(240)
def test_counts_are_exact_whoever_dies(tmp_path: Path) -> None:
    with RunningNode(tmp_path, {"metering": {"flush_s": 0.2}}) as node:
        api = node.administrator()
        _plan(api)
        before = _used(api)
        device = api.post("/devices", json={"name": "counter"}).json()
        token = api.post(f"/devices/{device['id']}/credentials", json={}).json()["token"]
        counter = CountingDevice(node.mqtt_port, token, "counter")
        with counter:
            for name in ("historian", "listener", "historian", "nats-server", "listener"):
                time.sleep(1.2)
                killed = node.kill(name)
                node.wait_for(
                    f"{name} is back",
                    lambda name=name, killed=killed: (p := node.find_process(name)) is not None and p.pid != killed,
                )
            time.sleep(1)
            counter.finish()
        sent = len(counter.acknowledged)
        assert sent > 500
        assert sent == len(counter.times)
        node.wait_for("everything in history", lambda: _in_history(api, device["id"], counter) == sent, timeout_s=40)
        used = node.wait_for(
            "everything counted", lambda: (now := _used(api)) and now["points"] >= sent and now, timeout_s=30
        )
        time.sleep(3)  # what would be counted twice would be by now
        used = _used(api)
        assert used["points"] - before["points"] == sent, "readings"
        assert used["messages"] - before["messages"] == sent, "messages"

        calls = used["api_calls"]
        answered = sum(api.get("/devices").status_code == 200 for _ in range(40))
        time.sleep(0.5)
        assert _used(api)["api_calls"] == calls + answered + 1  # and the question before it

        draft = api.get("/metering/draft").json()["document"]
        lines = {line["meter"]: line for line in draft["lines"] if line["kind"] == "tier"}
        raw = {row["meter"]: row["quantity"] for row in draft["raw"]}
        assert raw["points"] == lines["points"]["quantity"] == sent
        assert raw["messages"] == lines["messages"]["quantity"] == sent
        assert draft["total"] == _rounded(sent)
        shown = json.loads(node.cli("usage", "--json").stdout)
        assert {each["meter"]: each["used"] for each in shown["meters"]}["messages"] == sent

        # A web process that is killed forgets the calls of its last moment at most, and never counts one twice.
        calls = _used(api)["api_calls"]
        more = sum(api.get("/devices").status_code == 200 for _ in range(30))
        killed = node.kill("web")
        node.wait_for("web is back", lambda: (p := node.find_process("web")) is not None and p.pid != killed)
        node.wait_for("an answer", lambda: _answers(api))
        time.sleep(0.5)
        assert calls <= _used(api)["api_calls"] <= calls + 1 + more + _asked[0]
        api.close()


_asked = [0]


def _answers(api: httpx.Client) -> bool:
    _asked[0] += 1
    try:
        return api.get("/devices").status_code == 200
    except httpx.HTTPError:
        return False


def _rounded(sent: int) -> str:
    """Two lines of ``sent`` at 0.50 for 1,000, each rounded half up to cents."""
    cents = (sent * 50 * 2 + 1000) // 2000
    return f"{2 * cents // 100}.{2 * cents % 100:02d}"


def _plan(api: httpx.Client) -> None:
    prices = [{"meter": meter, "per": 1000, "tiers": [{"price": "0.50"}]} for meter in ("messages", "points")]
    made = api.post("/metering/plans", json={"document": {"name": "exact", "prices": prices}}).json()
    subscription = {"from_day": "2026-01-01", "plan_id": made["id"]}
    answer = api.put("/metering/organisations/org_root/subscription", json=subscription)
    assert answer.status_code == 200, answer.text


def _used(api: httpx.Client) -> dict[str, int]:
    answer = api.get("/metering/usage")
    assert answer.status_code == 200, answer.text
    return {each["meter"]: each["used"] for each in answer.json()["meters"]}


def _in_history(api: httpx.Client, device_id: str, counter: CountingDevice) -> int:
    found: set[int] = set()
    query: dict[str, Any] = {
        "device_id": device_id,
        "property": "n",
        "from_ms": min(counter.times.values()),
        "to_ms": max(counter.times.values()) + 1,
        "limit": 10_000,
    }
    while True:
        reply = api.get("/readings", params=query)
        if reply.status_code != 200:
            return -1
        found |= {row["time_ms"] for row in reply.json()["items"]}
        if reply.json()["next"] is None:
            return len(found)
        query["cursor"] = reply.json()["next"]
