"""The emergency page in a real Chromium: suspend, see what the public sees, lift; the same from the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

PREFIX = "88.118.8"
SAID = """
title | Emergency | 应急处置
none | No measure is in force | 没有生效的处置
take | Take a measure | 发起处置
suspend | Suspend | 暂停
redirect | Redirect | 转向
announce | Announce | 通告
more | More | 更多
menu | Emergency … | 应急处置…
scope | For | 对象
whole | A whole prefix | 整个前缀
prefix | Prefix | 前缀
number | How many it touches | 影响数量
zh | Notice, Chinese | 通告（中文）
en | Notice, English | 通告（英文）
href | Address | 网址
weight | Weight | 级别
danger | Danger, recall | 危险、召回
reason | Reason | 原因
day | 24 h | 24 小时
suspended | Suspended | 已暂停解析
notice | Notice | 有通告
lift | Lift | 解除
lifted | Lifted | 已解除
public | does not resolve at present | 暂停解析
head | Important notice | 重要通告
said | Stop using it | 立即停止使用
"""
"""A word's key, and what it is in English and in Chinese."""
ROWS = [line.split(" | ") for line in SAID.strip().splitlines()]
WORDS = {"en": {key: said for key, said, _ in ROWS}, "zh": {key: said for key, _, said in ROWS}}
LANGUAGES = pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"emergency-{name}.png"), full_page=True)


def prepare(client: httpx.Client) -> None:
    """A prefix in force, and three pumps below it."""

    def send(method: str, path: str, body: Any) -> Any:
        answer = client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    contact = {"name": "李工", "telephone": "0591 1", "email": ""}
    form = {"system": "handle", "prefix": PREFIX, "credit_code": "91350100M000100Y43", "contact": contact}
    prefix = send("POST", "/prefixes", form | {"industry": "C34", "use": "水泵"})
    path = f"/prefixes/{prefix['id']}"
    for step in ("submit", "review", "approve"):
        send("POST", f"{path}/{step}", {})
    send("PUT", f"{path}/certification", {"certified_by": "CAICT"})
    send("POST", f"{path}/activate", {})
    document = {"name": "pump", "fields": [{"number": 1, "name": "name", "label": "Name", "label_zh": "名称"}]}
    template = send("POST", "/identifier-templates", document)["id"]
    send("POST", f"/identifier-templates/{template}/publish", {})
    for number in range(3):
        new = {"identifier": f"{PREFIX}/pump-{number}", "template_id": template, "fields": {"name": f"泵 {number}"}}
        send("POST", "/identifiers", new)


@LANGUAGES
@pytest.mark.timeout(240)
def test_what_is_wrong_is_stopped_and_told(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    client = node.administrator()
    prepare(client)
    client.close()
    pump = f"{PREFIX}/pump-1"
    with page(chromium, node.url, language, size, refused=(400, 404, 409, 410)) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/emergency")
        at.get_by_text(w["none"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-none")

        # From an identifier's own page: suspended, and the public is told so.
        at.goto(f"/identifiers/record?identifier={pump}")
        at.get_by_role("button", name=w["more"]).click()
        at.get_by_role("menuitem", name=w["menu"]).click()
        box = at.get_by_role("dialog")
        box.get_by_test_id("reach").wait_for()
        assert box.get_by_test_id("take-measure").is_disabled()
        box.get_by_label(w["reason"], exact=True).fill("批次 7 密封不良")
        box.get_by_role("button", name=w["day"]).click()
        shot(at, tmp_path, f"{size}-2-box")
        box.get_by_test_id("take-measure").click()
        box.wait_for(state="hidden")
        at.get_by_text("批次 7 密封不良").first.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-3-list")
        at.goto(f"/identifiers/record?identifier={pump}")
        banner = at.get_by_test_id("measures")
        banner.get_by_text(w["suspended"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-4-banner")
        assert at.goto(f"/id/{pump}?lang={language}").status == 410
        at.get_by_text(w["public"]).wait_for()
        assert at.get_by_text("泵 1").count() == 0
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-5-public")
        resolved = node.cli("identifiers", "measures", "--identifier", pump, "--json")
        assert resolved.returncode == 0, resolved.stdout + resolved.stderr
        assert [each["kind"] for each in json.loads(resolved.stdout)] == ["suspend"]

        # Lifted, all is as before.
        at.goto(f"/identifiers/record?identifier={pump}")
        at.get_by_test_id("measures").get_by_role("button", name=w["lift"]).click()
        box = at.get_by_role("dialog")
        box.get_by_label(w["reason"], exact=True).fill("已更换")
        box.get_by_role("button", name=w["lift"], exact=True).click()
        at.get_by_test_id("measures").wait_for(state="detached")
        assert at.goto(f"/id/{pump}").status == 200

        # A notice for a whole prefix takes the number; it stands on top of the page.
        at.goto("/emergency?take=announce")
        box = at.get_by_role("dialog")
        box.get_by_label(w["scope"], exact=True).click()
        at.get_by_title(w["whole"], exact=True).click()
        box.get_by_label(w["prefix"], exact=True).fill(PREFIX)
        box.get_by_test_id("reach").wait_for()
        box.get_by_label(w["weight"], exact=True).click()
        at.get_by_title(w["danger"], exact=True).click()
        box.get_by_label(w["zh"]).fill("立即停止使用")
        box.get_by_label(w["en"]).fill("Stop using it")
        box.get_by_label(w["reason"], exact=True).fill("召回 42")
        assert box.get_by_test_id("take-measure").is_disabled()
        box.get_by_label(w["number"]).fill("3")
        shot(at, tmp_path, f"{size}-6-prefix")
        box.get_by_test_id("take-measure").click()
        box.wait_for(state="hidden")
        at.goto(f"/id/{pump}?lang={language}")
        at.get_by_role("alert").get_by_text(w["head"]).wait_for()
        at.get_by_role("alert").get_by_text(w["said"]).wait_for()
        at.get_by_text("泵 1").first.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-7-notice")
        at.goto("/emergency?state=all")
        at.get_by_text("已更换").first.wait_for()
        shot(at, tmp_path, f"{size}-8-history")
        at.goto("/prefixes")
        at.get_by_text(PREFIX).first.click()
        at.get_by_test_id("measures").get_by_text(w["notice"]).wait_for()

    # The same from the command line; without a person it asks for a yes.
    asked = node.cli("identifiers", "redirect", PREFIX, "--prefix", "--to", "https://recall.example/", "--reason", "x")
    assert asked.returncode != 0
    assert "--yes" in asked.stderr
    taken = node.cli(
        "identifiers", "redirect", PREFIX, "--prefix", "--to", "https://recall.example/", "--reason", "x", "--yes",
        "--until", "2h", "--json",
    )  # fmt: skip
    assert taken.returncode == 0, taken.stdout + taken.stderr
    sent = httpx.get(f"{node.url}/id/{pump}", trust_env=False)
    assert (sent.status_code, sent.headers["location"]) == (307, "https://recall.example/")
    measure = json.loads(taken.stdout)["id"]
    assert node.cli("identifiers", "lift", measure, "--reason", "over").returncode == 0
    assert httpx.get(f"{node.url}/id/{pump}", trust_env=False).status_code == 200
    assert "redirect" in node.cli("identifiers", "measures", "--all").stdout
