"""Certificates in the console: from a pasted request to the revoked list, in both languages, on desk and phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.certificates import make_request
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "user": "User name", "password": "Password", "sign_in": "Sign in", "issue": "Issue a certificate",
        "request": "Certificate request", "issued": "The certificate is issued.", "done": "Done", "valid": "Valid",
        "revoke": "Revoke", "revoked": "Revoked", "code": "One-time code", "authority": "Certificate authority",
    },
    "zh": {
        "user": "用户名", "password": "密码", "sign_in": "登录", "issue": "签发证书",
        "request": "证书请求", "issued": "证书已签发。", "done": "完成", "valid": "有效",
        "revoke": "吊销", "revoked": "已吊销", "code": "一次性注册码", "authority": "证书颁发机构",
    },
}  # fmt: skip


def keep(tab: Any, name: str) -> None:
    """A screenshot, where somebody asked for one."""
    folder = os.environ.get("MILLWRIGHT_TEST_SCREENSHOTS")
    if folder:
        tab.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_a_certificate_is_issued_shown_and_revoked(
    node: RunningNode, chromium: Any, language: str, size: str, tmp_path: Path
) -> None:
    words = WORDS[language]
    api = node.administrator()
    device = api.post("/devices", json={"name": "pump-7"}).json()["id"]
    api.close()
    with page(chromium, node.url, language, size) as tab:
        tab.goto("/")
        tab.get_by_label(words["user"]).fill(NAME)
        tab.get_by_label(words["password"]).fill(PASSWORD)
        tab.get_by_role("button", name=words["sign_in"]).click()
        tab.wait_for_url(lambda url: "sign" not in url)
        tab.goto(f"/devices/{device}?tab=connection")
        tab.get_by_role("button", name=words["issue"]).click()
        tab.get_by_label(words["request"]).fill(make_request(tmp_path))
        keep(tab, f"certificates-issue-{language}")
        tab.get_by_role("dialog").get_by_role("button", name=words["issue"]).click()
        tab.get_by_text(words["issued"]).wait_for()
        tab.get_by_role("dialog").get_by_role("button", name=words["done"]).click()
        tab.get_by_text(words["valid"], exact=True).first.wait_for()
        assert widest(tab) <= 0
        keep(tab, f"certificates-device-{language}")
        tab.get_by_role("button", name=words["code"]).click()
        tab.get_by_text("mwe_").first.wait_for()
        keep(tab, f"certificates-code-{language}")
        tab.get_by_role("dialog").get_by_role("button", name=words["done"]).click()
        tab.get_by_role("button", name=words["revoke"]).first.click()
        tab.get_by_role("dialog").get_by_role("button", name=words["revoke"]).click()
        tab.get_by_text(words["revoked"], exact=True).first.wait_for()
        tab.goto("/system")
        tab.get_by_text(words["authority"]).wait_for()
        tab.get_by_text(device).wait_for()
        assert widest(tab) <= 0
        keep(tab, f"certificates-system-{language}")
