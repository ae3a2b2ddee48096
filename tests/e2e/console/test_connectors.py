"""Connecting a machine by the console: from a protocol to live values, with the simulated machine."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "add": "Connect a machine", "name": "Name of the connection", "test": "Test connection", "next": "Next",
        "finish": "Connect", "done": "Done", "off": "Switch off", "stopped": "Off",
    },
    "zh": {
        "add": "接入机器", "name": "连接名称", "test": "测试连接", "next": "下一步", "finish": "接入", "done": "完成",
        "off": "停用", "stopped": "已停用",
    },
}  # fmt: skip


def enter(at: Any, node: RunningNode) -> None:
    login = {"name": NAME, "password": PASSWORD}
    assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok
    at.goto("/connectors")


def test_a_machine_is_connected_within_two_minutes(node: RunningNode, chromium: Any) -> None:
    node.administrator().close()
    for language, size in (("en", "desktop"), ("zh", "phone")):
        words = WORDS[language]
        with page(chromium, node.url, language, size) as at:
            enter(at, node)
            began = time.monotonic()
            at.get_by_role("button", name=words["add"]).first.click()
            box = at.get_by_role("dialog")
            box.locator('[data-kind="simulator"]').click()
            box.get_by_label(words["name"]).fill(f"press {size}")
            box.get_by_role("button", name=words["test"]).click()
            box.get_by_text("Simulated machine", exact=False).first.wait_for()
            box.get_by_role("button", name=words["next"]).click()
            box.get_by_text("sine", exact=True).wait_for()
            for signal in ("sine", "counter"):
                row = box.locator(".ant-tree-treenode").filter(has_text=signal).first
                row.locator(".ant-tree-switcher").click()
                leaf = box.locator(".ant-tree-treenode").filter(has_text=f"{signal}_1").first
                leaf.locator(".ant-tree-checkbox").click()
            box.get_by_role("button", name=words["next"]).click()
            box.get_by_role("button", name=words["finish"], exact=True).click()
            box.locator('[data-live="sine_1"], [data-live="counter_1"]').first.wait_for()
            assert time.monotonic() - began < 120
            assert widest(at) <= 0
            box.get_by_role("button", name=words["done"]).click()
            row = at.locator('[data-state="running"]').first
            row.wait_for()
            at.get_by_text(f"press {size}").first.click()
            at.get_by_role("button", name=words["off"], exact=True).click()
            at.get_by_role("dialog").get_by_role("tab").nth(1).click()
            at.get_by_role("dialog").get_by_text(words["stopped"], exact=False).first.wait_for()
            assert widest(at) <= 0
    api = node.administrator()
    devices = api.get("/devices").json()["items"]
    assert {each["name"] for each in devices} == {"press desktop", "press phone"}
    for device in devices:
        rows = api.get("/readings/latest", params={"device_id": device["id"]}).json()["items"]
        assert {row["property"] for row in rows} == {"sine_1", "counter_1"}
        assert all(row["value"] == pytest.approx(row["value"]) for row in rows)
    api.close()
