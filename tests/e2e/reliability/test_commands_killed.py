"""Processes are killed while commands are under way: none is lost, and no call reaches the machine twice."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.commanded import MODEL, OWN, Device, obey, registered
from support.node import RunningNode

_ROUNDS = 1
_CALLS = 12
ENDS = {"confirmed", "timed_out"}


@pytest.mark.timeout(300)
def test_none_is_lost_and_none_sent_twice(tmp_path: Path) -> None:
    settings: dict[str, dict[str, Any]] = {"commands": {"timeout_s": 12.0}}
    with RunningNode(tmp_path, settings) as node, contextlib.closing(node.administrator()) as api:
        model = api.post("/models", json=MODEL).json()["id"]
        device_id, token = registered(api, "machine", model)
        asleep, sleeper_token = registered(api, "sleeper", model)
        waiting = [_asked(node, api, asleep, "service", n) for n in range(3)]
        asked: list[str] = []
        with Device(node.mqtt_port, token, obey).join(OWN) as device:
            for number, role in enumerate(["historian", "listener", "web"] * _ROUNDS):
                for at in range(_CALLS):
                    asked.append(_asked(node, api, device_id, "service" if at % 3 else "property", number * 100 + at))
                    if at == _CALLS // 2:
                        time.sleep(random.uniform(0, 0.15))
                        node.kill(role)
            node.wait_for("every command ends", lambda: _states(api, asked) <= ENDS, timeout_s=90)
            found = {each["id"]: each for each in _all(api, device_id)}
            assert set(found) == set(asked), "asked and kept are the same"
            calls = Counter(d["id"] for _, d in device.got if d["kind"] == "call")
            assert max(calls.values()) == 1, "a call is never sent twice"
            for command in found.values():
                if command["kind"] == "write":  # the same value again does no harm, and it is not given up easily
                    assert command["state"] in ENDS
                elif command["state"] == "confirmed":
                    assert calls[command["id"]] == 1
            confirmed = sum(command["state"] == "confirmed" for command in found.values())
            assert confirmed >= len(asked) - 6 * _ROUNDS, "a kill costs the answers that were on their way, no more"
        with Device(node.mqtt_port, sleeper_token, obey).join(OWN) as sleeper:
            node.wait_for("what waited is done", lambda: _states(api, waiting) == {"confirmed"}, timeout_s=30)
            assert [document["id"] for _, document in sleeper.got] == waiting
        ledger = node.wait_for("the ledger knows every end", lambda: _told(api, asked + waiting), timeout_s=30)
        assert max(ledger.values()) == 1


def _asked(node: RunningNode, api: httpx.Client, device_id: str, what: str, number: int) -> str:
    """Ask until it is answered; the key makes it one command however often the question had to be put."""
    how = "call" if what == "service" else "write"
    body: dict[str, Any] = (
        {"service": "restart", "inputs": {"delay_s": number % 60}}
        if how == "call"
        else {"property": "setpoint", "value": number % 100, "supersede": False}
    )
    headers = {"Idempotency-Key": f"{device_id}-{number}"}

    def once() -> str | None:
        with contextlib.suppress(httpx.HTTPError):
            answer = api.post(f"/devices/{device_id}/commands/{how}", json=body, headers=headers)
            if answer.status_code == 201:
                return str(answer.json()["id"])
            assert answer.status_code in (409, 500, 502, 503), answer.text
        return None

    found: str = node.wait_for(f"command {number} is asked", once, timeout_s=150)
    return found


def _all(api: httpx.Client, device_id: str) -> list[dict[str, Any]]:
    return list(api.get(f"/devices/{device_id}/commands", params={"limit": 500}).json()["items"])


def _states(api: httpx.Client, ids: list[str]) -> set[str]:
    with contextlib.suppress(httpx.HTTPError):
        return {api.get(f"/commands/{each}").json()["state"] for each in ids}
    return {"unknown"}


def _told(api: httpx.Client, ids: list[str]) -> Counter[str] | None:
    ends: Counter[str] = Counter()
    for each in ids:
        entries = api.get(f"/ledger/objects/command/{each}").json()["items"]
        ends[each] = sum(entry["action"] in ("commands.confirmed", "commands.timed_out") for entry in entries)
    return ends if min(ends.values()) >= 1 else None
