"""Commands in the console: set and confirmed, called; a lock and an interlock stand in the way."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest

from support.browser import page, widest
from support.commanded import MODEL, OWN, Device, obey, registered
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "user": "User name", "password": "Password", "sign_in": "Sign in", "set": "Set", "new": "New value",
        "reason": "Reason", "send": "Send", "call": "Call", "confirmed": "Confirmed", "lock": "Lock out",
        "locked": "The device is locked", "doing": "What is being done", "refused": "speed is 50",
        "add": "Add an interlock",
        "name": "Name", "save": "Save", "property": "Property", "value": "Value",
    },
    "zh": {
        "user": "用户名", "password": "密码", "sign_in": "登录", "set": "设置", "new": "新值",
        "reason": "原因", "send": "下发", "call": "调用", "confirmed": "已确认", "lock": "检修挂锁",
        "locked": "设备已挂锁", "doing": "正在进行的作业", "refused": "speed 当前为 50", "add": "添加联锁",
        "name": "名称", "save": "保存", "property": "属性", "value": "值",
    },
}  # fmt: skip


def keep(tab: Any, name: str) -> None:
    """A screenshot, where somebody asked for one."""
    folder = os.environ.get("MILLWRIGHT_TEST_SCREENSHOTS")
    if folder:
        tab.screenshot(path=f"{folder}/{name}.png", full_page=True)


def press(tab: Any, name: str) -> None:
    """A button by its words; Ant Design parts two Chinese characters by a space."""
    spaced = " ".join(name) if len(name) == 2 and not name.isascii() else name
    for each in (name, spaced):
        found = tab.get_by_role("button", name=each, exact=True)
        if found.count():
            found.first.click()
            return
    tab.get_by_role("button", name=name).first.click()  # an icon beside the words is part of the name


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_a_machine_is_commanded(node: RunningNode, chromium: Any, language: str, size: str) -> None:
    words = WORDS[language]
    with contextlib.closing(node.administrator()) as api:
        model = api.post("/models", json={**MODEL, "name": f"pump {language}"}).json()["id"]
        device_id, token = registered(api, f"pump-{language}", model)
    with (
        Device(node.mqtt_port, token, obey).join(OWN) as device,
        page(chromium, node.url, language, size, refused=(409,)) as tab,
    ):
        device.values(setpoint=20, speed=50, mode="auto", count=3)
        tab.goto("/")
        tab.get_by_label(words["user"]).fill(NAME)
        tab.get_by_label(words["password"]).fill(PASSWORD)
        tab.get_by_role("button", name=words["sign_in"]).click()
        tab.wait_for_url(lambda url: "sign" not in url)
        tab.goto(f"/devices/{device_id}?tab=commands")
        line = tab.locator('[data-property="setpoint"]')
        line.get_by_text("20 kPa").wait_for()
        press(line, words["set"])
        box = tab.get_by_role("dialog")
        box.get_by_label(words["new"]).fill("42.5")
        box.get_by_label(words["reason"]).fill("warm-up")
        box.get_by_text("42.5 kPa").wait_for()
        keep(tab, f"commands-set-{language}")
        press(box, words["send"])
        tab.locator('[data-state="confirmed"]').wait_for()
        assert device.got[0][1]["value"] == 42.5
        press(tab, words["call"])
        tab.get_by_role("dialog").get_by_label("delay_s").fill("5")
        press(tab.get_by_role("dialog"), "Send" if language == "en" else words["send"])
        tab.locator('[data-state="confirmed"]').nth(1).wait_for()
        assert widest(tab) <= 0
        tab.get_by_text("= 42.5 kPa").click()
        drawer = tab.locator(".ant-drawer")
        drawer.get_by_text("warm-up").first.wait_for()
        keep(tab, f"commands-course-{language}")
        tab.keyboard.press("Escape")
        press(tab, words["add"])
        box = tab.get_by_role("dialog")
        box.get_by_label(words["name"], exact=True).fill("standstill")
        box.get_by_label(words["property"], exact=True).click()
        tab.locator(".ant-select-item-option", has_text="speed").click()
        box.get_by_label(words["value"]).first.fill("10")
        keep(tab, f"commands-interlock-{language}")
        press(box, words["save"])
        tab.locator(".insets .mono", has_text="speed < 10").wait_for()
        press(tab.locator('[data-property="setpoint"]'), words["set"])
        tab.get_by_role("dialog").get_by_label(words["new"]).fill("5")
        press(tab.get_by_role("dialog"), words["send"])
        tab.get_by_text(words["refused"]).first.wait_for()
        keep(tab, f"commands-refused-{language}")
        tab.goto(f"/devices/{device_id}?tab=commands")
        press(tab, words["lock"])
        tab.get_by_role("dialog").get_by_label(words["doing"]).fill("bearing")
        press(tab.get_by_role("dialog"), words["lock"])
        tab.get_by_text(words["locked"]).wait_for()
        tab.wait_for_timeout(300)
        keep(tab, f"commands-locked-{language}")
        assert widest(tab) <= 0
        assert len(device.got) == 2
