"""The retention page: what a policy would do is seen before it does it, and then it does it."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.publish as publish
import pytest

from support.browser import chromium_path, page, widest
from support.node import NAME, PASSWORD, RunningNode

DAY_MS = 86_400_000
WORDS = {
    "en": {
        "empty": "Every reading is kept for ever",
        "add": "New policy",
        "one": "One device",
        "search": "Name, title or tag",
        "series": "Decides about 1 series of 1 device",
        "due": "2 readings are old enough to be removed",
        "not_due": "No reading is old enough to be removed.",
        "save_and": "Save and remove 2 readings",
        "save": "Save",
        "for_ever": "For ever",
        "up": "Try earlier",
        "edit": "Edit",
        "delete": "Delete",
        "removes": "This removes 2 readings that are kept now, for good.",
        "nothing": "Decides about nothing",
    },
    "zh": {
        "empty": "全部读数永久保存",
        "add": "新建策略",
        "one": "一台设备",
        "search": "名称、标题或标签",
        "series": "决定 1 台设备的 1 个序列",
        "due": "2 个读数已到期",
        "not_due": "没有读数到期。",
        "save_and": "保存并清除 2 个读数",
        "save": "保存",
        "for_ever": "永久",
        "up": "提前匹配",
        "edit": "编辑",
        "delete": "删除",
        "removes": "这将永久清除目前仍保存的 2 个读数。",
        "nothing": "不影响任何序列",
    },
}


@pytest.fixture
def node(tmp_path: Path) -> Any:
    chromium_path()
    with RunningNode(tmp_path, {"historian": {"retention_interval_s": 1}}) as running:
        yield running


def fill(node: RunningNode, api: httpx.Client) -> str:
    """A device with readings of today, and of forty and fifty days ago; its id."""
    device = api.post("/devices", json={"name": "kettle-1"}).json()["id"]
    token = api.post(f"/devices/{device}/credentials", json={}).json()["token"]
    now_ms = time.time_ns() // 1_000_000
    rows = [{"ts": now_ms - days * DAY_MS, "values": {"heat": float(days)}} for days in (50, 40, 0)]
    publish.single(
        "millwright/v1/telemetry",
        json.dumps(rows),
        qos=1,
        hostname="127.0.0.1",
        port=node.mqtt_port,
        auth={"username": token},
    )
    node.wait_for("three readings", lambda: len(readings(api, device)) == 3)
    return str(device)


def readings(api: httpx.Client, device: str) -> list[float]:
    now_ms = time.time_ns() // 1_000_000
    query = {"device_id": device, "property": "heat", "from_ms": now_ms - 90 * DAY_MS, "to_ms": now_ms + DAY_MS}
    return [item["value"] for item in api.get("/readings", params=query).json()["items"]]


def line(at: Any, position: int) -> Any:
    """The policy at a position: a row on a desk, a card on a phone."""
    return at.locator(f'[data-row-key="{position}"], [data-policy="{position}"]')


def policies(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/retention").json()["policies"]
    return found


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_a_policy_is_tried_saved_moved_and_deleted(node: RunningNode, chromium: Any, language: str, size: str) -> None:
    from playwright.sync_api import expect

    words = WORDS[language]
    api = node.administrator()
    device = fill(node, api)
    with page(chromium, node.url, language, size) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/retention")
        at.get_by_text(words["empty"]).wait_for()

        # First one that keeps everything for ever, so that the next is seen to go before it.
        at.get_by_role("button", name=words["add"]).click()
        box = at.get_by_role("dialog")
        box.get_by_text(words["for_ever"], exact=True).click()
        box.get_by_role("button", name=words["save"], exact=True).click()
        box.wait_for(state="hidden")

        at.get_by_role("button", name=words["add"]).click()
        box = at.get_by_role("dialog")
        box.get_by_text(words["one"], exact=True).click()
        box.get_by_role("combobox", name=words["one"]).fill("kett")
        at.get_by_title("kettle-1").click()
        box.locator("#days").fill("30")
        preview = box.get_by_test_id("retention-preview")
        preview.get_by_text(words["series"]).wait_for()
        preview.get_by_text(words["due"]).wait_for()
        assert widest(at) <= 0
        assert len(readings(api, device)) == 3, "looking changes nothing"
        box.get_by_role("button", name=words["save_and"]).wait_for()
        box.locator("#days").fill("100")
        preview.get_by_text(words["not_due"]).wait_for()
        box.get_by_role("button", name=words["save"], exact=True).click()
        box.wait_for(state="hidden")
        kept = policies(api)
        assert [(each["device_id"], each["keep_days"]) for each in kept] == [(device, 100), ("*", None)]

        # Behind the other it decides about nothing.
        line(at, 1).get_by_role("button", name=words["up"]).click()
        expect(line(at, 0)).to_contain_text(words["for_ever"])
        expect(line(at, 1)).to_contain_text(words["nothing"])
        assert [each["keep_days"] for each in policies(api)] == [None, 100]
        line(at, 1).get_by_role("button", name=words["edit"], exact=True).click()
        box = at.get_by_role("dialog")
        box.locator("#days").fill("30")
        box.get_by_role("button", name=words["save"], exact=True).click()
        box.wait_for(state="hidden")

        # Without the first the second removes readings: that is said before, and done after.
        line(at, 0).get_by_role("button", name=words["delete"], exact=True).click()
        asked = at.get_by_role("dialog").filter(has_text=words["removes"])
        asked.wait_for()
        assert len(readings(api, device)) == 3
        asked.get_by_role("button", name=words["delete"], exact=True).click()
        node.wait_for("the old readings are gone", lambda: readings(api, device) == [0.0])
        expect(line(at, 1)).to_have_count(0)
        line(at, 0).get_by_role("button", name=words["delete"], exact=True).click()
        at.get_by_role("dialog").get_by_role("button", name=words["delete"], exact=True).click()
        at.get_by_text(words["empty"]).wait_for()
    assert policies(api) == []
    api.close()


def test_who_may_not_change_it_sees_it_only(node: RunningNode, chromium: Any) -> None:
    with contextlib.closing(node.administrator()) as api:
        api.put("/retention", json={"policies": [{"device_id": "*", "property": "heat*", "keep_days": 31}]})
        viewer = {"name": "vera", "password": PASSWORD, "roles": ["viewer"]}
        assert api.post("/people", json=viewer).status_code == 201
    with page(chromium, node.url, "en") as at:
        login = {"name": "vera", "password": PASSWORD}
        assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok
        at.goto("/")
        at.get_by_role("link", name="Retention").click()
        at.get_by_text("31 days").wait_for()
        at.get_by_text("heat*").wait_for()
        assert at.get_by_role("button", name="Edit").count() == 0
        assert at.get_by_role("button", name="New policy").count() == 0
