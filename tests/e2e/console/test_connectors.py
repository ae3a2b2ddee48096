"""Connecting a machine by the console: from a protocol to live values, with the simulated machine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData

from support.browser import page, widest
from support.modbus import device as modbus_device
from support.modbus import pymodbus_server
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


@contextmanager
def modbus_unit() -> Iterator[int]:
    """pymodbus's server in a loop of its own, 21.5 as a float in holding registers 100 and 101; yields its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    cells = [SimData(100, values=[0x41AC, 0], datatype=DataType.REGISTERS)]
    server = pymodbus_server(modbus_device(1, holding=cells))
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


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


def test_a_machine_is_found_and_its_points_are_edited_with_a_way_back(node: RunningNode, chromium: Any) -> None:
    api = node.administrator()
    device = api.post("/devices", json={"name": "press"}).json()["id"]
    made = api.post("/connectors", json={"name": "press", "kind": "simulator", "enabled": False}).json()["id"]
    points = [{"address": f"sine/{at}", "device_id": device, "property": f"s{at}"} for at in (1, 2, 3)]
    assert api.post(f"/connectors/{made}/points", json=points).status_code == 201

    def kept() -> list[tuple[str, float | None, int]]:
        items = api.get(f"/connectors/{made}/points").json()["items"]
        return sorted((each["property"], each["scale"], each["interval_ms"]) for each in items)

    with page(chromium, node.url, "en", "desktop") as at:
        enter(at, node)
        at.get_by_role("button", name=WORDS["en"]["add"]).first.click()
        box = at.get_by_role("dialog")
        box.locator('[data-kind="modbus"]').click()
        box.get_by_label("Host", exact=True).wait_for()
        assert box.get_by_label("Baud rate").count() == 0
        box.get_by_label("Transport", exact=True).click()
        at.get_by_title("rtu", exact=True).click()
        box.get_by_label("Baud rate").wait_for()
        assert box.get_by_label("Host", exact=True).count() == 0
        box.get_by_role("button", name="Back").click()
        box.locator('[data-kind="simulator"]').click()
        box.get_by_role("button", name="Look on the network").click()
        box.locator("[data-found]").first.click()
        assert box.get_by_label(WORDS["en"]["name"]).input_value()
        box.get_by_role("button", name="Close").click()
        at.goto(f"/connectors?connection={made}")
        box = at.get_by_role("dialog")
        row = box.locator("tr").filter(has_text="s1")
        row.get_by_role("button", name="Edit").click()
        form = at.get_by_role("dialog").last
        form.get_by_label("Property").fill("speed")
        form.get_by_label("Factor").fill("0.1")
        form.get_by_role("button", name="Save").click()
        at.get_by_role("button", name="Undo").wait_for()
        assert kept() == [("s2", None, 1000), ("s3", None, 1000), ("speed", 0.1, 1000)]
        at.get_by_role("button", name="Undo").click()
        node.wait_for("it is as before", lambda: kept()[0] == ("s1", None, 1000))
        box.locator("thead .ant-checkbox-input").check()
        box.get_by_role("button", name="Edit 3 points").click()
        at.get_by_role("dialog").last.get_by_label("Read every, ms").fill("250")
        at.get_by_role("dialog").last.get_by_role("button", name="Save").click()
        node.wait_for("all are changed", lambda: {each[2] for each in kept()} == {250})
        box.get_by_role("button", name="Remove 3 points").click()
        node.wait_for("all are removed", lambda: kept() == [])
        at.get_by_role("button", name="Undo").last.click()
        node.wait_for("all are back", lambda: [each[2] for each in kept()] == [250, 250, 250])
    api.close()


def test_a_modbus_unit_is_searched_and_its_registers_are_ticked_as_what_they_mean(
    node: RunningNode, chromium: Any
) -> None:
    node.administrator().close()
    with modbus_unit() as port, page(chromium, node.url, "zh", "phone") as at:
        enter(at, node)
        at.get_by_role("button", name=WORDS["zh"]["add"]).first.click()
        box = at.get_by_role("dialog")
        box.locator('[data-kind="modbus"]').click()
        box.get_by_label(WORDS["zh"]["name"]).fill("meter")
        box.get_by_label("主机", exact=True).fill("127.0.0.1")
        box.get_by_label("端口", exact=True).fill(str(port))
        box.get_by_role("button", name=WORDS["zh"]["test"]).click()
        box.get_by_text("Pump Works", exact=False).first.wait_for()
        box.get_by_role("button", name=WORDS["zh"]["next"]).click()
        # Silence must not end the search for units before it is stopped, nor hold up what was found.
        for step in ("单元 1", "保持寄存器", "100–101", "holding 100 (40101)"):
            row = box.locator(".ant-tree-treenode").filter(has_text=step).first
            row.locator(".ant-tree-switcher").click()
        leaf = box.locator(".ant-tree-treenode").filter(has_text="float32 abcd").first
        leaf.get_by_text("21.5").wait_for()
        assert widest(at) <= 0
        leaf.locator(".ant-tree-checkbox").click()
        box.get_by_role("button", name=WORDS["zh"]["next"]).click()
        box.get_by_role("button", name=WORDS["zh"]["finish"], exact=True).click()
        box.locator("[data-live]").filter(has_text="21.5").first.wait_for()
