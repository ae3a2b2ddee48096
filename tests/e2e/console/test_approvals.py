"""Four eyes in the console: one person asks in English at a desk, another approves in Chinese on a phone."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode


def keep(tab: Any, name: str) -> None:
    """A screenshot, where somebody asked for one."""
    folder = os.environ.get("MILLWRIGHT_TEST_SCREENSHOTS")
    if folder:
        tab.wait_for_timeout(400)
        tab.screenshot(path=f"{folder}/{name}.png")


def sign_in(tab: Any, user: str, labels: tuple[str, str, str]) -> None:
    """Sign in by the form."""
    tab.goto("/")
    tab.get_by_label(labels[0]).fill(user)
    tab.get_by_label(labels[1]).fill(PASSWORD)
    tab.get_by_role("button", name=labels[2]).click()
    tab.wait_for_url(lambda url: "sign" not in url)


@pytest.mark.timeout(180)
def test_one_asks_and_another_approves(node: RunningNode, chromium: Any) -> None:
    with contextlib.closing(node.administrator()) as api:
        person = {"name": "bo", "password": PASSWORD, "roles": ["administrator"], "language": "zh"}
        assert api.post("/people", json=person).status_code == 201
        device = api.post("/devices", json={"name": "kiln-7"}).json()["id"]

        with page(chromium, node.url, "en") as desk:
            sign_in(desk, NAME, ("User name", "Password", "Sign in"))
            desk.get_by_role("link", name="Approvals").click()
            desk.get_by_text("Nothing waits for you").wait_for()
            keep(desk, "approvals-empty-en")
            desk.get_by_role("button", name="What takes approval").click()
            drawer = desk.get_by_role("dialog")
            drawer.get_by_text("2 people may decide here").wait_for()
            drawer.get_by_role("combobox", name="Operations").fill("devices.remove")
            desk.get_by_title("devices.remove", exact=False).first.click()
            desk.keyboard.press("Escape")
            drawer.get_by_role("button", name="Save").click()
            drawer.get_by_text("Last changed by").wait_for()
            keep(desk, "approvals-policy-en")
            desk.goto(f"/devices/{device}?tab=about")
            desk.get_by_role("button", name="Actions").click()
            desk.get_by_role("menuitem", name="Delete").click()
            desk.get_by_role("dialog").get_by_role("button", name="Delete").click()
            desk.get_by_text("Sent for approval").wait_for()
            keep(desk, "approvals-sent-en")
            assert api.get(f"/devices/{device}").status_code == 200
            desk.get_by_role("link", name="Look at the request").click()
            detail = desk.get_by_test_id("approval-detail")
            detail.get_by_role("button", name="Withdraw").wait_for()
            assert detail.get_by_role("button", name="Approve").count() == 0
            detail.get_by_label("Why it is needed").fill("It was scrapped.")
            detail.get_by_role("button", name="Add comment").click()
            detail.get_by_text("It was scrapped.").first.wait_for()
            keep(desk, "approvals-mine-en")

            with page(chromium, node.url, "zh", "phone") as phone:
                sign_in(phone, "bo", ("用户名", "密码", "登录"))
                phone.get_by_role("button", name="菜单").click()
                phone.get_by_role("link", name="审批 1").wait_for()
                keep(phone, "approvals-menu-zh")
                phone.get_by_role("link", name="审批 1").click()
                phone.get_by_role("button", name="删除设备").wait_for()
                assert widest(phone) <= 0
                keep(phone, "approvals-list-zh")
                phone.get_by_role("button", name="删除设备").click()
                phone.get_by_test_id("approval-detail").get_by_text("It was scrapped.").wait_for()
                phone.get_by_test_id("approval-detail").get_by_role("button", name="批准").click()
                phone.get_by_label("意见").fill("现场确认")
                keep(phone, "approvals-decide-zh")
                phone.get_by_test_id("decide").click()
                phone.get_by_text("已批准并执行").wait_for()
                phone.get_by_test_id("approval-detail").get_by_text("现场确认").first.wait_for()
                assert widest(phone) <= 0
                keep(phone, "approvals-done-zh")

            assert api.get(f"/devices/{device}").status_code == 404
            detail.get_by_text("Decided by").wait_for()
            detail.locator("[data-state=done]").wait_for()
            keep(desk, "approvals-done-en")
