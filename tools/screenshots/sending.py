"""What others send by themselves: documents to a webhook, reports of vehicles."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tools.screenshots.stage import Stage, in_background

from support.ports import free_port  # isort: skip
from support.vehicles import ICCID, VIN, Terminal, electric  # isort: skip

ENDING = "3f9c2e71b08d4a65"
FLEET = [
    {"vin": VIN, "iccid": ICCID, "name": "bus 11"},
    {"vin": "LFV2A21K6A3098765", "iccid": "-", "name": "bus 12"},
]
VEHICLES_PORT = free_port()


def webhooks(stage: Stage) -> None:
    """A laboratory sends its results; what was sent, and what the points make of a document."""
    at, api = stage.at, stage.api
    settings = {"token": ENDING, "items_place": "results", "time_place": "at"}
    asked = {"name": "Laboratory", "kind": "webhook", "settings": settings, "enabled": True}
    made = api.post("/connectors", json=asked).json()["id"]
    url = f"{stage.node.url}/hooks/{made}/{ENDING}"

    def send(body: object, **headers: str) -> httpx.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(url, content=data, headers={"Content-Type": "application/json", **headers}, trust_env=False)

    def result(number: int) -> dict[str, Any]:
        moment = f"2026-11-26T08:{number:02}:00Z"
        return {"results": [{"at": moment, "hardness": 58 + number / 10, "surface": {"ra": 0.8, "rz": 4.1}}]}

    stage.node.wait_for("it runs", lambda: send(result(0)).json().get("code") == "connectors.webhook_unmapped")
    tags = [{"address": "/hardness", "name": "hardness"}, {"address": "/surface/ra", "name": "ra"}]
    thing = {"tags": tags, "device_name": "Hardness tester"}
    assert api.post(f"/connectors/{made}/things", json=thing).status_code == 201
    stage.node.wait_for("it is mapped", lambda: send(result(1)).json().get("readings") == 2)
    for number in range(2, 5):
        assert send(result(number), **{"Idempotency-Key": f"r-{number}"}).status_code == 200
    assert send(result(4), **{"Idempotency-Key": "r-4"}).json()["repeated"]
    assert send(b'{"results": [').status_code == 400
    at.goto(f"/connectors?connection={made}&show=deliveries")
    at.locator('[data-outcome="refused"]').first.wait_for()
    stage.shot("webhook-deliveries", height=760)
    at.goto(f"/connectors?connection={made}&show=try")
    at.get_by_label("Document").fill(json.dumps(result(9), indent=2))
    at.get_by_role("tabpanel").get_by_role("button", name="Try").click()
    at.get_by_text("58.9").first.wait_for()
    stage.shot("webhook-try", height=760)


@asynccontextmanager
async def _driving() -> AsyncIterator[Terminal]:
    terminal = await Terminal.logged_in(VEHICLES_PORT)
    await terminal.ask(electric(time_ms=time.time_ns() // 1_000_000))
    try:
        yield terminal
    finally:
        await terminal.close()


def vehicles(stage: Stage) -> None:
    """One bus reports, one was never there, one is not known."""
    at, api = stage.at, stage.api
    assert len(api.post("/vehicles", json=FLEET).json()["registered"]) == len(FLEET)
    with in_background(_driving):
        at.goto("/vehicles")
        at.locator('[data-presence="online"]').first.wait_for()
        at.get_by_text("bus 12").first.wait_for()
        stage.shot("vehicles", height=560)
        at.get_by_role("link", name="bus 11").first.click()
        at.get_by_text("State of charge").first.wait_for()
        stage.shot("vehicles-live", height=760)
