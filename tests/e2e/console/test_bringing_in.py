"""Bringing history in and a gateway's devices, in a real Chromium: in English on a desktop, in Chinese on a phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

T = 1_700_000_000_000
SAID = {
    "en": {
        "try": "Try the whole file",
        "start": "Bring it in",
        "device": "Device",
        "below": "Devices behind this gateway",
    },
    "zh": {"try": "试运行整个文件", "start": "导入", "device": "设备", "below": "该网关下的设备"},
}


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"history-{name}.png"), full_page=True)


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
@pytest.mark.timeout(240)
def test_a_file_is_mapped_tried_and_brought_in(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    words = SAID[language]
    api = node.administrator()
    gateway = api.post("/devices", json={"name": "gw-1", "kind": "gateway", "address": {
        "dialect": "alibaba", "product_key": "a1Xy", "name": "gw01"}}).json()["id"]  # fmt: skip
    address = {"dialect": "alibaba", "product_key": "a1Zz", "name": "m1"}
    child = {"name": "meter-1", "kind": "gateway_device", "parent_id": gateway, "address": address}
    assert api.post("/devices", json=child).status_code == 201
    file = tmp_path / "past.csv"
    lines = [f"{T + at},{at / 10},{at % 2 == 0},{'ok' if at else ''}" for at in range(200)]
    file.write_text("\n".join(["time,pressure [kPa],running,state", *lines, "never,1,true,ok"]) + "\n")
    with page(chromium, node.url, language, size) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto(f"/devices/{gateway}?tab=about")
        at.get_by_text(words["below"]).wait_for()
        at.get_by_text("a1Xy / gw01").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"gateway-{language}")
        at.goto("/devices")
        at.locator('a[href="/readings/imports"]').click()
        at.locator('input[type="file"]').set_input_files(file)
        at.locator('[data-column="pressure [kPa]"]').wait_for()
        at.get_by_label(words["device"], exact=True).click()
        at.get_by_label(words["device"], exact=True).fill("meter")
        at.locator(".ant-select-item-option", has_text="meter-1").click()
        at.get_by_role("button", name=words["try"]).wait_for()
        at.locator(".ant-page-look, button").filter(has_text="重新预览" if language == "zh" else "Look again").click()
        at.get_by_test_id("preview").get_by_text("pressure").first.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"map-{language}")
        at.get_by_role("button", name=words["try"]).click()
        at.locator('[data-import="done"]').wait_for(timeout=60_000)
        shot(at, tmp_path, f"tried-{language}")
        at.get_by_role("button", name=words["start"], exact=True).click()
        at.locator('[data-count="readings"]').get_by_text("599").wait_for(timeout=60_000)
        at.locator('[data-import="done"]').wait_for(timeout=60_000)
        assert widest(at) <= 0
        shot(at, tmp_path, f"done-{language}")
    found = api.get("/devices", params={"q": "meter-1"}).json()["items"][0]["id"]

    def newest() -> dict[str, Any]:
        items = api.get("/readings/latest", params={"device_id": found}).json()["items"]
        return {each["property"]: each["value"] for each in items}

    wanted = {"pressure": 19.9, "running": False, "state": "ok"}
    node.wait_for("the page showed the trial's figures for a moment: history has it", lambda: newest() == wanted)
    api.close()
