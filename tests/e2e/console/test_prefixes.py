"""Prefixes and templates in a real Chromium: an application until it is filed, a template until its second version."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

CODE = "91350100M000100Y43"
SAID = """
empty | No prefixes yet | 还没有前缀
apply | Apply for a prefix | 申请前缀
prefix | Prefix | 前缀
wrong | Character 5 | 第 5 个字符
free | It can be had | 可以申请
draft | Save the draft | 保存草稿
submit | Submit | 提交
code | Unified social credit code | 统一社会信用代码
name | Contact: Name | 联系人: 姓名
telephone | Telephone | 电话
industry | Industry | 所属行业
use | What it is for | 用途
edit | Edit | 修改
save | Save | 保存
review | Take into review | 受理
approve | Approve | 批准
certify | Certify | 认证
by | Certified by | 认证机构
activate | Activate | 启用
filing | Record a filing | 登记备案
node | Filed with | 备案节点
number | Filing number | 备案编号
more | More | 更多
steps | More steps | 更多操作
suspend | Suspend | 停用
resume | Resume | 恢复
reason | Reason | 原因
comment | Comment (optional) | 意见（可选）
preview | Look at it: | 预览:
new | New template | 新建模板
begin | Begin with this | 以此开始
fields | Fields | 字段
try | Try | 试填
versions | Versions | 版本
publish | Publish | 发布
add | Add a field | 添加字段
field | Name | 名称
done | Add | 添加
down | Move maker down | 下移 maker
takes | The template takes these fields | 模板接受这些字段
maker | Maker | 生产企业
title | Name | 产品名称
refused | is refused | 个字段不被接受
added | Added | 新增
moved | Moved | 移动
year | 1 year | 1 年
"""
"""A word's key, and what it is in English and in Chinese."""
ROWS = [line.split(" | ") for line in SAID.strip().splitlines()]
WORDS = {"en": {key: said for key, said, _ in ROWS}, "zh": {key: said for key, _, said in ROWS}}
LANGUAGES = pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"prefixes-{name}.png"), full_page=True)


def sign_in(at: Any, node: RunningNode) -> None:
    """A session by the API."""
    signed_in = at.context.request.post(
        f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
    )
    assert signed_in.ok


def take(at: Any, label: str, comment: tuple[str, str] | None = None) -> None:
    """One step that is a button of the page, confirmed."""
    at.get_by_role("button", name=label, exact=True).first.click()
    box = at.get_by_role("dialog")
    if comment:
        box.get_by_label(comment[0]).fill(comment[1])
    box.get_by_test_id("take-step").click()
    box.wait_for(state="hidden")


@LANGUAGES
@pytest.mark.timeout(240)
def test_a_prefix_from_its_application_to_a_filing(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    node.administrator().close()
    with page(chromium, node.url, language, size, refused=(400, 409, 422)) as at:
        sign_in(at, node)
        at.goto("/prefixes")
        at.get_by_text(w["empty"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-empty")

        # While it is typed it is said at which character it is wrong.
        at.get_by_role("button", name=w["apply"]).first.click()
        box = at.get_by_role("dialog")
        box.get_by_label(w["prefix"], exact=True).fill("88.1 8.8")
        check = box.get_by_test_id("prefix-check")
        check.get_by_text(w["wrong"]).wait_for()
        shot(at, tmp_path, f"{size}-2-wrong")
        box.get_by_label(w["prefix"], exact=True).fill("88.118.8")
        check.get_by_text(w["free"]).wait_for()
        shot(at, tmp_path, f"{size}-3-form")
        box.get_by_role("button", name=w["draft"]).click()

        # Incomplete, it is not submitted; completed, and with a document, it is.
        at.locator('[data-state="draft"]').wait_for()
        shot(at, tmp_path, f"{size}-4-draft")
        at.get_by_role("button", name=w["submit"], exact=True).click()
        at.get_by_test_id("take-step").click()
        at.locator(".ant-notification-notice").wait_for()
        at.keyboard.press("Escape")
        at.get_by_role("button", name=w["edit"], exact=True).click()
        box = at.get_by_role("dialog").last
        for label, value in (
            ("code", CODE),
            ("name", "李工"),
            ("telephone", "0591 1"),
            ("industry", "C34"),
            ("use", "水泵"),
        ):
            box.get_by_label(w[label]).fill(value)
        box.get_by_role("button", name=w["save"], exact=True).click()
        at.get_by_text("李工").wait_for()
        at.locator('input[type="file"]').first.set_input_files(
            {"name": "说明.txt", "mimeType": "text/plain", "buffer": "泵房用途说明".encode("gb18030")}
        )
        at.get_by_role("button", name=f"{w['preview']} 说明.txt").click()
        at.get_by_role("dialog").get_by_text("泵房用途说明").wait_for()
        at.keyboard.press("Escape")
        take(at, w["submit"], (w["comment"], "请审核"))
        at.locator('[data-state="submitted"]').wait_for()

        # Who decides takes it up, certifies, approves and puts it into force.
        take(at, w["review"])
        at.get_by_role("button", name=w["certify"], exact=True).click()
        at.get_by_role("dialog").get_by_label(w["by"]).fill("CAICT")
        at.get_by_role("dialog").get_by_role("button", name=w["save"], exact=True).click()
        at.get_by_test_id("certification").get_by_text("CAICT").wait_for()
        take(at, w["approve"])
        at.locator('[data-state="approved"]').wait_for()
        at.get_by_role("button", name=w["activate"], exact=True).click()
        at.get_by_role("dialog").get_by_role("button", name=w["year"], exact=True).click()
        shot(at, tmp_path, f"{size}-5-activate")
        at.get_by_test_id("take-step").click()
        at.locator('[data-state="active"]').wait_for()
        at.get_by_role("button", name=w["filing"], exact=True).click()
        at.get_by_role("dialog").get_by_label(w["node"]).fill("88.118")
        at.get_by_role("dialog").get_by_label(w["number"]).fill("B-7")
        at.get_by_role("dialog").get_by_role("button", name=w["save"], exact=True).click()
        at.get_by_text("B-7").first.wait_for()
        with at.expect_download() as taken:
            at.get_by_role("button", name="CSV").click()
        assert CODE in Path(taken.value.path()).read_text("utf-8-sig")
        steps = [each.get_attribute("data-step") for each in at.get_by_test_id("timeline").locator("li").all()]
        assert steps[::-1] == ["open", "submit", "review", "certify", "approve", "activate", "file"]
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-6-active")

        at.get_by_role("button", name=w["steps"]).click()
        at.get_by_role("menuitem", name=w["suspend"]).click()
        assert at.get_by_test_id("take-step").is_disabled()
        at.get_by_role("dialog").get_by_label(w["reason"]).fill("检查")
        at.get_by_test_id("take-step").click()
        at.locator('[data-state="suspended"]').wait_for()
        take(at, w["resume"])
        at.goto("/prefixes")
        at.locator('[data-state="active"]').wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-7-list")


@LANGUAGES
@pytest.mark.timeout(180)
def test_a_template_from_a_ready_one_to_two_versions(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    node.administrator().close()
    with page(chromium, node.url, language, size, refused=(400, 422)) as at:
        sign_in(at, node)
        at.goto("/identifier-templates")
        at.get_by_role("button", name=w["new"]).first.click()
        at.locator('[data-ready="product"]').click()
        shot(at, tmp_path, f"{size}-t1-ready")
        at.get_by_role("button", name=w["begin"]).click()
        at.locator('[data-name="maker"]').wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-t2-fields")

        # What it would refuse is said beside each field.
        at.get_by_role("tab", name=w["try"]).click()
        at.locator('[data-field="name"] input').fill("泵 7")
        at.get_by_test_id("try-result").get_by_text(w["refused"]).wait_for()
        at.locator('[data-field="maker"] input').fill("百工泵业")
        at.get_by_test_id("try-result").get_by_text(w["takes"]).wait_for()
        at.locator('[data-field="maker_credit_code"] input').fill("12")
        at.locator('[data-field="maker_credit_code"] [role=alert]').wait_for()
        shot(at, tmp_path, f"{size}-t3-try")
        at.get_by_role("tab", name=w["fields"], exact=True).click()
        at.get_by_role("button", name=w["publish"], exact=True).click()
        at.get_by_role("dialog").get_by_role("button", name=w["publish"], exact=True).click()
        at.locator(".page-head .ant-tag-success").wait_for()

        # A second version: a field more, and another order.
        at.get_by_role("button", name=w["add"]).first.click()
        drawer = at.get_by_role("dialog")
        drawer.get_by_label(w["field"], exact=True).fill("colour")
        shot(at, tmp_path, f"{size}-t4-field")
        drawer.get_by_role("button", name=w["done"], exact=True).click()
        at.locator('[data-name="colour"]').wait_for()
        at.get_by_role("button", name=w["down"], exact=True).click()
        if size == "desktop":
            row = at.locator('[data-name="maker"]')
            row.focus()
            row.press("Alt+ArrowUp")
            row.press("Alt+ArrowUp")
        names = [each.get_attribute("data-name") for each in at.locator("[data-name]").all()]
        assert names.index("maker") == (3 if size == "desktop" else 5)
        at.get_by_role("button", name=w["draft"], exact=True).click()
        at.get_by_role("tab", name=w["versions"]).click()
        found = at.get_by_test_id("differences")
        found.locator('[data-difference="added"]').get_by_text("colour").first.wait_for()
        assert found.locator('[data-difference="moved"]').count() >= 1
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-t5-versions")
        at.get_by_role("button", name=w["publish"], exact=True).click()
        at.get_by_role("dialog").get_by_role("button", name=w["publish"], exact=True).click()
        at.get_by_text("2").first.wait_for()
        at.goto("/identifier-templates")
        at.locator(".ant-tag-success").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-t6-list")
