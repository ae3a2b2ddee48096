"""Drills in a real Chromium: none yet, a rehearsal that is started and followed to its end, its figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "empty": "No drill was run yet", "start": "Rehearse", "restore": "Restore", "failover": "Failover",
        "go": "Start", "met": "Aims met", "aim": "aim 120 s", "last": "Last failover", "steps": "The mirror takes over",
    },
    "zh": {
        "empty": "尚未演练", "start": "开始预演", "restore": "恢复", "failover": "故障切换", "go": "开始",
        "met": "达到目标", "aim": "目标 120 秒", "last": "最近一次切换", "steps": "镜像接管",
    },
}  # fmt: skip


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"drills-{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("language", "size", "kind"),
    [("en", "desktop", "failover"), ("zh", "phone", "failover"), ("zh", "desktop", "restore")],
)
@pytest.mark.timeout(300)
def test_a_rehearsal_is_started_and_followed(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str, kind: str
) -> None:
    w = WORDS[language]
    node.administrator().close()
    with page(chromium, node.url, language, size) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/drills")
        at.get_by_text(w["empty"]).wait_for()
        shot(at, tmp_path, f"{language}-{size}-{kind}-1-empty")
        at.get_by_role("button", name=w["start"]).first.click()
        box = at.get_by_role("dialog")
        box.get_by_text(w[kind], exact=True).click()
        box.locator("#rto_s").fill("120")
        shot(at, tmp_path, f"{language}-{size}-{kind}-2-box")
        box.get_by_role("button", name=w["go"]).click()
        # Its steps come one after the other.
        at.get_by_test_id("drill-steps").locator("li").first.wait_for(timeout=60_000)
        shot(at, tmp_path, f"{language}-{size}-{kind}-3-running")
        at.locator('.ant-drawer [data-drill="passed"]').wait_for(timeout=180_000)
        if kind == "failover":
            at.get_by_test_id("drill-steps").get_by_text(w["steps"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{language}-{size}-{kind}-4-done")
        at.locator(".ant-drawer-close").click()
        at.get_by_text(w["aim"]).first.wait_for()
        at.get_by_text(w["met"]).first.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{language}-{size}-{kind}-5-list")
