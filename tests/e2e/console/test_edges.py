"""The edges page in a real Chromium: enrolled, joined, looked at, given a device, revoked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.edge import EdgeNode, Parent, chromium_parent
from support.node import NAME, PASSWORD

WORDS = {
    "en": {"enrol": "Enrol an edge", "name": "Name", "waiting": "Not joined", "revoke": "Revoke"},
    "zh": {"enrol": "接入边缘节点", "name": "名称", "waiting": "未加入", "revoke": "吊销"},
}  # fmt: skip


@pytest.mark.timeout(240)
def test_from_a_code_to_a_revoked_edge(chromium: Any, tmp_path: Path) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    with chromium_parent(tmp_path / "parent") as parent:
        parent.administrator().close()
        first = _enrol(chromium, parent, "en", "desktop", folder)
        edge = EdgeNode(tmp_path / "edge", parent)
        assert edge.join(first).returncode == 0
        try:
            with edge:
                _look_and_revoke(chromium, parent, "en", "desktop", folder)
        finally:
            edge.line.cut()
        _enrol(chromium, parent, "zh", "phone", folder)


def _signed_in(at: Any, parent: Parent) -> None:
    done = at.context.request.post(
        f"{parent.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": parent.url}
    )
    assert done.ok


def _enrol(chromium: Any, parent: Parent, language: str, size: str, folder: Path) -> str:
    """Enrol an edge by the console; returns the code that it shows once."""
    words = WORDS[language]
    with page(chromium, parent.url, language, size) as at:
        _signed_in(at, parent)
        at.goto("/edges")
        at.get_by_role("button", name=words["enrol"]).first.click()
        at.get_by_label(words["name"]).fill(f"hall {size}")
        at.locator(".ant-modal-footer .ant-btn-primary").click()
        snippet = at.locator(".snippet").first
        snippet.wait_for()
        shown = re.search(r"millwright edge join (\S+) (mwe_[\w-]+)", snippet.inner_text())
        assert shown is not None
        assert shown[1] == parent.url
        at.screenshot(path=str(folder / f"edges-{size}-1-code.png"))
        at.locator(".ant-modal-footer").get_by_role("button").click()
        at.get_by_text(f"hall {size}").first.wait_for()
        at.get_by_text(words["waiting"], exact=True).first.wait_for()
        assert widest(at) <= 0
        at.screenshot(path=str(folder / f"edges-{size}-2-list.png"))
        return shown[2]


def _look_and_revoke(chromium: Any, parent: Parent, language: str, size: str, folder: Path) -> None:
    words = WORDS[language]
    with page(chromium, parent.url, language, size) as at:
        _signed_in(at, parent)
        at.goto("/edges")
        at.locator('[data-state="connected"]').first.wait_for()
        at.get_by_text(f"hall {size}").first.click()
        drawer = at.locator(".ant-drawer")
        drawer.get_by_text("in force since").wait_for()
        assert widest(at) <= 0
        at.screenshot(path=str(folder / f"edges-{size}-3-detail.png"))
        drawer.get_by_role("button", name=words["revoke"]).click()
        at.locator(
            ".ant-modal-confirm-btns .ant-btn-dangerous, .ant-modal-confirm-btns .ant-btn-color-dangerous"
        ).click()
        drawer.locator('[data-state="revoked"]').wait_for()
