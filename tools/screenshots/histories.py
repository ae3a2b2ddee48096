"""History in and out: a file of another system is brought in; a report is taken out each week."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

import httpx
from tools.screenshots.stage import Stage


def bring_in(stage: Stage) -> None:
    """A CSV of a meter: its columns, the trial, and what was taken."""
    at, api = stage.at, stage.api
    assert api.post("/devices", json={"name": "compressor-2"}).status_code == 201
    file = stage.folder / "compressor 2025.csv"
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    lines = ["time,pressure [kPa],temperature [Cel],running"]
    for minute in range(0, 3 * 1440, 5):
        when = (begin + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M")
        lines.append(f"{when},{700 + 20 * math.sin(minute / 200):.1f},{61 + minute % 7},{minute % 1440 > 360}".lower())
    lines.append("yesterday,700,60,true")
    file.write_text("\n".join(lines) + "\n")
    at.goto("/devices")
    at.locator('a[href="/readings/imports"]').click()
    at.locator('input[type="file"]').wait_for(state="attached")
    at.locator('input[type="file"]').set_input_files(file)
    at.locator('[data-column="pressure [kPa]"]').wait_for()
    at.get_by_label("Device", exact=True).click()
    at.get_by_label("Device", exact=True).fill("compressor")
    at.locator(".ant-select-item-option", has_text="compressor-2").click()
    at.get_by_role("button", name="Look again").click()
    at.get_by_test_id("preview").get_by_text("pressure").first.wait_for()
    stage.shot("import-map", height=1100)
    at.get_by_role("button", name="Try the whole file").click()
    at.locator('[data-import="done"]').wait_for(timeout=60_000)
    stage.shot("import-tried", height=620)
    at.get_by_role("button", name="Bring it in", exact=True).click()
    at.locator('[data-count="readings"]').get_by_text("2,592").wait_for(timeout=60_000)
    at.locator('[data-import="done"]').wait_for(timeout=60_000)
    stage.shot("import-done", height=560)


def take_out(stage: Stage) -> None:
    """An export for each Friday is made, run, and its file is there."""
    at, api = stage.at, stage.api
    device = api.post("/devices", json={"name": "boiler-1", "tags": ["boiler"]}).json()["id"]
    token = api.post(f"/devices/{device}/credentials", json={}).json()["token"]
    now = round(time.time() * 1000)
    readings = [
        {"ts": now - 60_000 * ago, "values": {"temperature": round(61 + 3 * math.sin(ago / 20), 2), "level": 2.4}}
        for ago in range(600)
    ]
    sent = httpx.post(f"{stage.node.url}/api/v1/{token}/telemetry", json=readings, trust_env=False)
    assert sent.status_code == 200
    stage.node.wait_for(
        "it is stored", lambda: len(api.get("/readings/latest", params={"device_id": device}).json()["items"]) == 2
    )
    at.goto("/devices")
    at.locator('a[href="/readings/exports"]').click()
    at.get_by_role("button", name="New export").first.wait_for()
    at.get_by_role("button", name="New export").first.click()
    box = at.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill("Shift book")
    box.get_by_label("Of which time").click()
    at.get_by_title("So many hours before").click()
    box.get_by_label("Hours", exact=True).fill("48")
    box.get_by_label("When", exact=True).click()
    at.get_by_title("Every week").click()
    box.get_by_label("On", exact=True).click()
    at.get_by_title("Friday").click()
    stage.shot("export-form", height=960)
    box.get_by_role("button", name="Create").click()
    box.get_by_role("button", name="Run now").click()
    box.locator('[data-run="done"]').wait_for(timeout=60_000)
    box.get_by_role("button", name="Run now", disabled=False).wait_for(timeout=30_000)
    stage.shot("export-runs")
