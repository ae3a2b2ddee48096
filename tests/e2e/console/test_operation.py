"""Resolution monitoring in a real Chromium: from an empty page to a finding that somebody looked into."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode
from support.operation import CLOSED, GTIN, PREFIX, ask_http, ask_udp, fill

SAID = """
title | Resolution monitoring | 解析监测
none | Nothing was asked yet | 还没有查询
calm | Nothing abnormal is open | 没有未处理的异常
suspended | prefix suspended | 前缀已停用
enumeration | Names asked for one after another | 按顺序逐个查询标识
acknowledge | Acknowledge | 确认
comment | What was found out or done | 查明的情况或采取的措施
acknowledged | Acknowledged | 已确认
day | Day | 1 天
mirrors | No mirror was heard of | 没有镜像
"""
ROWS = [line.split(" | ") for line in SAID.strip().splitlines()]
WORDS = {"en": {key: said for key, said, _ in ROWS}, "zh": {key: said for key, _, said in ROWS}}


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"operation-{name}.png"), full_page=True)


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
@pytest.mark.timeout(240)
def test_what_is_asked_shows_and_what_is_abnormal_is_acknowledged(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    node.administrator().close()
    with page(chromium, node.url, language, size) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/identifier-operation")
        at.get_by_text(w["none"]).wait_for()
        at.get_by_text(w["calm"]).wait_for()
        at.get_by_text(w["mirrors"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-empty")

        fill(node)
        for pump in range(12):
            ask_udp(node, [f"{PREFIX}/pump-{pump:04d}"] * (60 // (pump + 1)))
        ask_udp(node, [f"{CLOSED}/x"] * 4 + [f"{PREFIX}/none"] * 7)
        ask_http(node, [f"/01/{GTIN}"] * 9 + [f"/id/{PREFIX}/pump-0001"] * 3)
        ask_udp(node, [f"{PREFIX}/pump-{each:04d}" for each in range(200, 360)], "127.9.9.9")

        # It shows by itself.
        at.get_by_test_id("causes").get_by_text(w["suspended"]).wait_for()
        finding = at.locator("[data-kind=enumeration]")
        finding.get_by_text(w["enumeration"]).wait_for()
        finding.get_by_text("127.9.9.0/24").wait_for()
        assert at.get_by_test_id("hot").get_by_role("link").first.inner_text() == f"{PREFIX}/pump-0000"
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-2-asked")

        at.get_by_text(w["day"], exact=True).first.click()
        finding.get_by_role("button", name=w["acknowledge"]).click()
        box = at.get_by_role("dialog")
        box.get_by_label(w["comment"]).fill("our own audit 自查")
        shot(at, tmp_path, f"{size}-3-acknowledge")
        box.get_by_test_id("take-acknowledge").click()
        box.wait_for(state="hidden")
        at.get_by_text(w["calm"]).wait_for()
        at.get_by_text(w["acknowledged"], exact=True).first.click()
        at.get_by_text("our own audit 自查").wait_for()

        at.get_by_test_id("hot").get_by_role("link").first.click()
        at.wait_for_url("**/identifiers/record?**")
        at.get_by_text(f"{PREFIX}/pump-0000").first.wait_for()
