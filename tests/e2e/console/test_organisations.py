"""A second enterprise on a node: its first administrator joins by a link and finds what is theirs."""

from __future__ import annotations

import contextlib
from typing import Any

from support.browser import page
from support.node import RunningNode


def test_an_enterprise_is_made_and_let_in(node: RunningNode, chromium: Any) -> None:
    with contextlib.closing(node.administrator()) as api:
        new = {"parent_id": "org_root", "kind": "enterprise", "name": "红星机械", "code": "91350100M000100Y43"}
        made = api.post("/organisations", json=new)
        assert made.status_code == 201, made.text
        link = api.post(f"/organisations/{made.json()['id']}/invitations", json={"role": "administrator"}).json()
        assert api.post("/devices", json={"name": "of the root"}).status_code == 201
    with page(chromium, node.url, "zh") as at:
        at.goto(f"/invitation#{link['token']}")
        at.get_by_role("heading", name="加入 红星机械").wait_for()
        at.get_by_label("用户名").fill("李雷")
        at.get_by_label("密码").fill("a long enough passphrase")
        at.get_by_role("button", name="加入", exact=True).click()
        at.get_by_role("heading", name="总览", exact=True).wait_for()
        at.goto("/devices")
        at.get_by_role("heading", name="设备", exact=True).wait_for()
        assert at.get_by_text("of the root").count() == 0
        at.goto("/people")
        at.get_by_role("button", name="权限").click()
        at.get_by_role("code").filter(has_text="devices:read").wait_for()
        at.get_by_role("button", name="红星机械").first.click()
        at.get_by_text("依据: 管理员 于 红星机械").wait_for()
