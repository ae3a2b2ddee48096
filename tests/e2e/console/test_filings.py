"""Filing in a real Chromium: a node is admitted above, connected below, files a prefix, and it is reviewed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

SAID = """
noFilers | No node below is admitted | 尚未准入下级节点
admit | Admit a node below | 准入下级节点
name | Name | 名称
holder | May file prefixes of | 可报送其前缀的组织
save | Save | 保存
done | Done | 完成
noSent | Nothing was filed yet | 尚未报送备案
connect | Connect a node above | 连接上级节点
url | Address | 地址
token | Token | 令牌
test | Test the connection | 测试连接
tested | takes the token | 令牌有效
waitingAbove | has not decided yet | 尚未作出决定
accept | Accept | 同意备案
refuse | Refuse | 拒绝
valid | Signature right | 签名有效
proof | Download the proof | 下载备案凭证
export | Export CSV | 导出 CSV
"""
ROWS = [line.split(" | ") for line in SAID.strip().splitlines()]
WORDS = {"en": {key: said for key, said, _ in ROWS}, "zh": {key: said for key, _, said in ROWS}}
LANGUAGES = pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
QUICK = {
    "filing": {"look_s": 0.2, "retry_first_s": 0.2, "retry_most_s": 1.0, "poll_s": 0.5},
    "prefixes": {"require_certification": False},
}


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"filings-{name}.png"), full_page=True)


def sign_in(at: Any, node: RunningNode) -> None:
    """A session by the API."""
    signed_in = at.context.request.post(
        f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
    )
    assert signed_in.ok


def granted(client: Any, prefix: str) -> str:
    """A prefix in force, made by the API."""
    contact = {"name": "李工", "telephone": "0591 1", "email": ""}
    form = {"system": "handle", "prefix": prefix, "credit_code": "91350100M000100Y43", "contact": contact}
    made = client.post("/prefixes", json=form | {"industry": "C34 通用设备制造业", "use": "水泵"}).json()
    for step in ("submit", "review", "approve", "activate"):
        assert client.post(f"/prefixes/{made['id']}/{step}", json={}).status_code == 200
    return str(made["id"])


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[RunningNode, RunningNode]]:
    (tmp_path / "below").mkdir()
    (tmp_path / "above").mkdir()
    with (
        RunningNode(tmp_path / "below", {"node": {"name": "enterprise"}, **QUICK}) as below,
        RunningNode(tmp_path / "above", {"node": {"name": "secondary"}, **QUICK}) as above,
    ):
        yield below, above


@LANGUAGES
@pytest.mark.timeout(300)
def test_a_prefix_is_filed_and_reviewed(
    nodes: tuple[RunningNode, RunningNode], chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    below, above = nodes
    w = WORDS[language]
    with closing(below.administrator()) as client, closing(above.administrator()) as client_above:
        granted(client_above, "88.118")
        prefix_id = granted(client, "88.118.8")
        with page(chromium, above.url, language, size) as up, page(chromium, below.url, language, size) as at:
            # Above, the node below is admitted; its token is shown once.
            sign_in(up, above)
            up.goto("/filings?tab=filers")
            up.get_by_text(w["noFilers"]).wait_for()
            assert widest(up) <= 0
            shot(up, tmp_path, f"{size}-1-no-filers")
            up.get_by_role("button", name=w["admit"]).first.click()
            box = up.get_by_role("dialog")
            box.get_by_label(w["name"], exact=True).fill("红星水泵厂")
            box.get_by_label(w["holder"]).click()
            up.locator(".ant-select-item-option").first.click()
            shot(up, tmp_path, f"{size}-2-admit")
            box.get_by_role("button", name=w["save"], exact=True).click()
            token = up.locator(".snippet").first.inner_text().strip()
            assert token.startswith("mwt_")
            shot(up, tmp_path, f"{size}-3-token")
            up.get_by_role("button", name=w["done"], exact=True).click()

            # Below, the node above is connected and tested.
            sign_in(at, below)
            at.goto("/filings")
            at.get_by_text(w["noSent"]).wait_for()
            assert widest(at) <= 0
            shot(at, tmp_path, f"{size}-4-nothing-sent")
            at.get_by_role("button", name=w["connect"]).click()
            at.get_by_role("button", name=w["connect"]).first.click()
            box = at.get_by_role("dialog")
            box.get_by_label(w["name"], exact=True).fill("省二级节点")
            box.get_by_label(w["url"], exact=True).fill(above.url)
            box.get_by_label(w["token"], exact=True).fill(token)
            shot(at, tmp_path, f"{size}-5-connect")
            box.get_by_role("button", name=w["save"], exact=True).click()
            at.locator('[data-upper="well"]').wait_for()
            at.get_by_role("button", name=w["test"]).click()
            at.get_by_test_id("checked").get_by_text(w["tested"]).wait_for()
            at.locator('[data-report="accepted"]').wait_for(timeout=60_000)
            assert widest(at) <= 0
            shot(at, tmp_path, f"{size}-6-upper")

            # The prefix was in force already: it is filed, and waits for a review.
            at.goto("/filings")
            at.locator('[data-filing="received"]').first.wait_for(timeout=60_000)
            at.get_by_role("button", name="88.118.8").first.click()
            at.get_by_text(w["waitingAbove"]).wait_for()
            shot(at, tmp_path, f"{size}-7-sent")

            up.goto("/filings?tab=received")
            up.get_by_role("button", name="88.118.8").first.click()
            up.get_by_role("button", name=w["accept"], exact=True).wait_for()
            assert widest(up) <= 0
            shot(up, tmp_path, f"{size}-8-received")
            up.get_by_role("button", name=w["accept"], exact=True).click()
            up.get_by_test_id("take-step").click()
            up.locator('.ant-drawer [data-filing="accepted"]').first.wait_for()
            up.keyboard.press("Escape")
            with up.expect_download() as taken:
                up.get_by_role("button", name=w["export"]).click()
            assert "李工" in Path(taken.value.path()).read_text("utf-8-sig")
            shot(up, tmp_path, f"{size}-9-register")
            up.goto("/filings?tab=filers")
            up.get_by_role("button", name="红星水泵厂").first.click()
            up.get_by_test_id("reports").wait_for()
            assert widest(up) <= 0
            shot(up, tmp_path, f"{size}-10-filer")

            # The receipt comes down, with its number and every signature checked.
            at.goto(f"/prefixes/{prefix_id}")
            at.get_by_test_id("sent-filing").locator('[data-filing="accepted"]').wait_for(timeout=60_000)
            at.get_by_test_id("sent-filing").get_by_role("button").first.click()
            chain = at.get_by_test_id("chain").locator("li")
            chain.nth(2).wait_for()
            assert [each.get_attribute("data-trusted") for each in chain.all()] == ["true"] * 3
            assert at.get_by_text(w["valid"]).count() == 3
            shot(at, tmp_path, f"{size}-11-chain")
            with at.expect_download() as taken:
                at.get_by_role("button", name=w["proof"]).click()
            proof = Path(taken.value.path())
            key = above.cli("identifiers", "key").stdout.strip()
            done = below.cli("identifiers", "filing", "verify", str(proof), "--key", key)
            assert done.returncode == 0, done.stdout + done.stderr
