"""The account page: sessions that end elsewhere, tokens that are shown once, the password, the language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "other": "End",
        "others": "End all others",
        "this": "This one",
        "new_token": "New token",
        "roles": "Roles",
        "create": "Create",
        "once": "it is shown this once",
        "kept": "I have copied it",
        "revoke": "Revoke",
        "none": "No tokens yet",
        "old": "Present password",
        "new": "New password",
        "change": "Change password",
        "changed": "Password changed",
        "wrong": "The old password is wrong.",
    },
    "zh": {
        "other": "结束",
        "others": "结束其他会话",
        "this": "本会话",
        "new_token": "新建令牌",
        "roles": "角色",
        "create": "创建",
        "once": "只显示这一次",
        "kept": "已复制",
        "revoke": "吊销",
        "none": "还没有令牌",
        "old": "当前密码",
        "new": "新密码",
        "change": "修改密码",
        "changed": "密码已修改",
        "wrong": "当前密码不正确",
    },
}


def sign_in(node: RunningNode, password: str = PASSWORD) -> httpx.Client:
    """Another browser of the same person."""
    client = node.client()
    assert client.post("/session", json={"name": NAME, "password": password}).status_code == 201
    return client


def enter(at: Any, node: RunningNode) -> None:
    answer = at.context.request.post(
        f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
    )
    assert answer.ok
    at.goto("/account")


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_sessions_end_and_tokens_are_shown_once(node: RunningNode, chromium: Any, language: str, size: str) -> None:
    from playwright.sync_api import expect

    words = WORDS[language]
    node.administrator().close()
    first, second = sign_in(node), sign_in(node)
    with page(chromium, node.url, language, size) as at:
        enter(at, node)
        at.get_by_text(words["this"], exact=True).wait_for()
        assert widest(at) <= 0
        # One, then all the others; this one goes on.
        ends = at.get_by_role("button", name=words["other"], exact=True)
        before = 3  # two opened here, one by the administrator of the tests
        expect(ends).to_have_count(before)
        ends.first.click()
        at.get_by_role("dialog").get_by_role("button", name=words["other"], exact=True).click()
        expect(ends).to_have_count(before - 1)
        at.get_by_role("button", name=words["others"]).click()
        at.get_by_role("dialog").get_by_role("button", name=words["others"]).click()
        expect(ends).to_have_count(0)
        assert [each.get("/session").status_code for each in (first, second)] == [401, 401]

        at.get_by_text(words["none"]).wait_for()
        at.get_by_role("button", name=words["new_token"]).click()
        box = at.get_by_role("dialog")
        box.locator("#name").fill("grafana")
        box.get_by_role("button", name=words["create"]).click()
        shown = at.get_by_role("dialog").filter(has_text=words["once"])
        secret = shown.locator(".snippet").inner_text().strip()
        assert secret.startswith("mwt_")
        at.keyboard.press("Escape")
        assert shown.is_visible(), "a key pressed by mistake must not lose it"
        shown.get_by_role("button", name=words["kept"]).click()
        shown.wait_for(state="hidden")
        assert secret not in at.content()

        with httpx.Client(base_url=f"{node.url}/api/v1", headers={"Authorization": f"Bearer {secret}"}) as program:
            assert program.get("/session").json()["person"]["roles"] == ["viewer"]
            assert program.post("/places", json={"name": "Works", "level": "site"}).status_code == 403
            [made] = [token for token in program.get("/tokens").json() if token["name"] == "grafana"]
            ends_at = datetime.fromtimestamp(made["expires_ms"] / 1000, UTC)
            assert abs(ends_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(hours=1)
            mine = at.get_by_role("button", name=words["revoke"], exact=True).first
            mine.click()
            at.get_by_role("dialog").get_by_role("button", name=words["revoke"], exact=True).click()
            at.get_by_text(words["none"]).wait_for()
            node.wait_for("the token has ended", lambda: program.get("/session").status_code == 401)
    for client in (first, second):
        client.close()


def test_the_password_is_changed_and_what_went_wrong_is_said_in_chinese(node: RunningNode, chromium: Any) -> None:
    words, changed = WORDS["zh"], "brass levers hum along"
    node.administrator().close()
    elsewhere = sign_in(node)
    with page(chromium, node.url, "zh", refused=(403,)) as at:
        enter(at, node)
        at.get_by_label(words["old"]).fill("not the password")
        at.get_by_label(words["new"]).fill(changed)
        at.get_by_role("button", name=words["change"]).click()
        at.get_by_text(words["wrong"]).wait_for()
        at.get_by_label(words["old"]).fill(PASSWORD)
        at.get_by_role("button", name=words["change"]).click()
        at.get_by_text(words["changed"]).wait_for()
        at.get_by_text("English", exact=True).last.click()
        at.get_by_role("heading", name="My account").wait_for()
    assert elsewhere.get("/session").status_code == 401
    elsewhere.close()
    again = sign_in(node, changed)
    assert again.get("/session").json()["person"]["language"] == "en"
    again.close()
