"""The page "Network" in a real Chromium: from an unseen node to its network, a scan, and on a phone in Chinese."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode


@pytest.mark.timeout(180)
def test_from_an_unseen_node_to_its_network(chromium: Any, tmp_path: Path) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    if not (Path(__file__).parents[3] / "src" / "millwright" / "web" / "console" / "index.html").exists():
        pytest.skip("the console is not built: run `python hatch_build.py`")
    with RunningNode(tmp_path, {"network": {"interval_s": 1}}) as node:
        node.administrator().close()
        assert not (node.data / "network.wanted").exists()
        with page(chromium, node.url, "en", "desktop", refused=(403,)) as at:
            _sign_in(at, node)
            at.goto("/networks")
            at.get_by_role("link", name="millwright", exact=True).click()
            at.get_by_text("Nothing is seen yet").wait_for()
            at.screenshot(path=str(folder / "network-1-unseen.png"))
            at.get_by_role("button", name="Watch").first.click()
            at.get_by_role("heading", name="IPv6 readiness").wait_for(timeout=40_000)
            at.locator("[data-topology]").wait_for()
            interfaces = at.locator("section", has=at.get_by_role("heading", name="Interfaces"))
            assert "127.0.0.1/8" in interfaces.inner_text()
            assert re.search(r"MQTT tcp/\d+", interfaces.inner_text())
            at.get_by_role("button", name="Scan a subnet").click()
            at.get_by_role("textbox", name="Subnet").fill("8.8.8.0/24")
            at.locator(".ant-modal-footer .ant-btn-primary").click()
            at.get_by_text("8.8.8.0/24 is not a private network.").wait_for()
            at.get_by_role("textbox", name="Subnet").fill("169.254.77.0/30")
            at.locator(".ant-modal-footer .ant-btn-primary").click()
            at.get_by_text(re.compile(r"169\.254\.77\.0/30: \d+ hosts answered")).wait_for(timeout=40_000)
            with at.expect_download() as download:
                at.get_by_role("button", name="Export CSV").click()
            assert Path(download.value.path()).read_text(encoding="utf-8-sig").startswith("kind,name")
            at.screenshot(path=str(folder / "network-2-seen.png"), full_page=True)
            assert widest(at) <= 0
            at.get_by_role("link", name="Charts and history").click()
            at.get_by_text("network-of-millwright").first.wait_for()
        with page(chromium, node.url, "zh", "phone") as at:
            _sign_in(at, node)
            at.goto("/networks")
            at.get_by_text("现场网络").first.wait_for()
            at.locator("a.card").first.click()
            at.get_by_role("heading", name="IPv6 就绪度").wait_for()
            at.screenshot(path=str(folder / "network-3-phone.png"), full_page=True)
            assert widest(at) <= 0
            at.get_by_role("button", name="停止监测").click()
            at.get_by_text("未监测").wait_for()
        node.wait_for("the process ends", lambda: node.find_process("network") is None)


def _sign_in(at: Any, node: RunningNode) -> None:
    done = at.context.request.post(
        f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
    )
    assert done.ok
