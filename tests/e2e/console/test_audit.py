"""The audit page, an object's history and a proof checked by the browser itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import RunningNode

NAME, PASSWORD = "Anna", "copper kettles whistle"
WORDS = {
    "en": {"user": "User name", "password": "Password", "sign_in": "Sign in", "audit": "Audit", "proof": "Proof",
           "changed": "Changed a device", "right": "This browser checked it", "history": "History",
           "none": "No entry matches"},
    "zh": {"user": "用户名", "password": "密码", "sign_in": "登录", "audit": "审计", "proof": "证明",
           "changed": "修改设备", "right": "已由本浏览器验证", "history": "变更历史", "none": "没有匹配的记录"},
}  # fmt: skip
SHOTS = os.environ.get("MILLWRIGHT_TEST_SCREENSHOTS", "")


def shot(of: Any, name: str) -> None:
    if SHOTS:
        of.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_what_was_done_is_found_and_proved(node: RunningNode, chromium: Any, language: str, size: str) -> None:
    api = node.administrator()
    device = api.post("/devices", json={"name": "pump-7", "title": "Pump"}).json()
    api.patch(f"/devices/{device['id']}", json={"title": "Cooling pump", "tags": ["cooling", "critical"]})
    rule = {
        "name": "Too hot", "scope": {"device_id": device["id"]}, "property": "temperature",
        "condition": {"kind": "limit", "high": 80}, "priority": "high",
    }  # fmt: skip
    made = api.post("/rules", json=rule).json()
    person = {"name": NAME, "password": PASSWORD, "roles": ["administrator"]}
    assert api.post("/people", json=person).status_code in (201, 409)
    node.wait_for("the entries", lambda: len(api.get("/ledger/entries").json()["items"]) >= 5)
    api.close()
    words = WORDS[language]
    with page(chromium, node.url, language, size) as tab:
        tab.goto("/sign-in")
        tab.get_by_label(words["user"]).fill(NAME)
        tab.get_by_label(words["password"], exact=True).fill(PASSWORD)
        tab.get_by_role("button", name=words["sign_in"]).click()
        tab.wait_for_url(lambda url: "sign-in" not in url)

        tab.goto("/audit")
        tab.get_by_role("heading", name=words["audit"]).wait_for()
        tab.get_by_text(words["changed"]).first.wait_for()
        shot(tab, f"audit-{language}-{size}")
        assert widest(tab) <= 0
        tab.get_by_text(words["changed"]).first.click()
        tab.locator(".differences ins").filter(has_text="Cooling pump").wait_for()
        shot(tab, f"entry-{language}-{size}")
        tab.get_by_role("tab", name=words["proof"]).click()
        tab.get_by_text(words["right"]).wait_for()
        assert tab.locator("[data-proof]").get_attribute("data-proof") == "right"
        shot(tab, f"proof-{language}-{size}")

        tab.goto("/audit?q=nothingofthiskind")
        tab.get_by_text(words["none"]).wait_for()

        tab.goto(f"/devices/{device['id']}?tab=history")
        tab.get_by_text(words["changed"]).first.wait_for()
        shot(tab, f"history-{language}-{size}")
        tab.goto(f"/rules?rule={made['id']}")
        tab.get_by_role("heading", name=words["history"]).scroll_into_view_if_needed()
        shot(tab, f"rule-{language}-{size}")
