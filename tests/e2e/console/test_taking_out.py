"""Taking history out, in a real Chromium: made, run, and its file had on a desktop; seen in Chinese on a phone."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode


def sign_in(at: Any, node: RunningNode) -> None:
    login = {"name": NAME, "password": PASSWORD}
    assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"exports-{name}.png"))


@pytest.mark.timeout(240)
def test_an_export_is_made_run_and_fetched(node: RunningNode, chromium: Any, tmp_path: Path) -> None:
    api = node.administrator()
    sender = api.post("/devices", json={"name": "sender"}).json()["id"]
    token = api.post(f"/devices/{sender}/credentials", json={}).json()["token"]
    sent = httpx.post(f"{node.url}/api/v1/{token}/telemetry", json={"speed": 7, "state": "on"}, trust_env=False)
    assert sent.status_code == 200
    node.wait_for(
        "it is stored", lambda: len(api.get("/readings/latest", params={"device_id": sender}).json()["items"]) == 2
    )
    with page(chromium, node.url, "en", "desktop") as at:
        sign_in(at, node)
        at.goto("/devices")
        at.locator('a[href="/readings/exports"]').click()
        at.get_by_role("button", name="New export").click()
        box = at.get_by_role("dialog")
        box.get_by_label("Name", exact=True).fill("shift book")
        box.get_by_label("Of which time").click()
        at.get_by_title("So many hours before").click()
        box.get_by_label("Hours", exact=True).fill("48")
        box.get_by_label("When", exact=True).click()
        at.get_by_title("Every week").click()
        box.get_by_label("On", exact=True).click()
        at.get_by_title("Friday").click()
        shot(at, tmp_path, "form")
        box.get_by_role("button", name="Create").click()
        box.get_by_role("button", name="Run now").click()
        box.locator('[data-run="done"]').wait_for(timeout=60_000)
        with at.expect_download() as taken:
            box.get_by_role("button", name="Download").click()
        target = tmp_path / "taken.csv"
        taken.value.save_as(target)
        assert taken.value.suggested_filename.startswith("shift-book-")
        rows = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))
        assert [(each["property"], each["value"]) for each in rows] == [("speed", "7"), ("state", "on")]
        shot(at, tmp_path, "runs")
    [made] = api.get("/readings/exports").json()["items"]
    assert made["settings"]["schedule"] == {"every": "week", "at": "01:00", "weekday": 5, "day": 1}
    # What is open while it is removed may be asked for once more.
    with page(chromium, node.url, "zh", "phone", refused=(404,)) as at:
        sign_in(at, node)
        at.goto("/readings/exports")
        at.get_by_text("shift book").click()
        at.get_by_role("dialog").get_by_text("已完成").first.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, "phone")
        at.get_by_role("button", name="删除此导出").click()
        at.get_by_role("dialog").last.get_by_role("button", name="删除此导出").click()
        at.get_by_text("还没有导出任务").wait_for()
    assert api.get("/readings/exports").json()["items"] == []
    api.close()
