"""Registered identifiers in a real Chromium: registered by template, changed and brought back, imported from a file,
seen through a camera."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

PREFIX = "88.118.8"
SAID = """
register | Register | 注册
template | Template | 模板
begins | Begins with | 开头
digits | Characters | 字符数
made | Make one below a prefix | 在前缀下生成
whole | I have the identifier | 已有完整标识
identifier | Identifier | 标识
free | It is free | 可以注册
noprefix | It stands under no prefix of yours | 不在您的任何前缀之下
correct | 2 fields are to be corrected | 有 2 个字段需要更正
edit | Change | 修改
save | Save | 保存
model | Model | 规格型号
restore | Restore this version | 恢复到此版本
more | More | 更多
remove | Remove | 删除
removed | It was removed | 该标识已删除
sealed | Sealed | 已加密
show | Show what is sealed | 查看加密字段
why | Why do you need to see it? | 查看的原因
kind | Kind of carrier | 载体类型
openit | open it | 打开
search | Search | 搜索
all | All that I may see | 可查看的全部
unknown | Nothing is registered here under this identifier | 本节点没有登记这个标识
try | Try it | 试运行
target | Is: 颜色 | 对应: 颜色
category | Category | 产品类别
report | Refused rows | 被拒绝的行
yours | Under way | 进行中
start | Use the camera | 使用摄像头
again | Scan the next one | 扫描下一个
refused | The camera was refused | 摄像头未获允许
absent | There is no camera here | 没有摄像头
resolved | Registered as | 登记为
"""
"""A word's key, and what it is in English and in Chinese."""
ROWS = [line.split(" | ") for line in SAID.strip().splitlines()]
WORDS = {"en": {key: said for key, said, _ in ROWS}, "zh": {key: said for key, _, said in ROWS}}
LANGUAGES = pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])

CAMERA = """async (address) => {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 640; canvas.height = 480;
  const draw = () => {
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#ddd"; pen.fillRect(0, 0, 640, 480); pen.drawImage(picture, 180, 100, 280, 280);
  };
  draw();
  setInterval(draw, 100);
  navigator.mediaDevices.getUserMedia = () => Promise.resolve(canvas.captureStream(10));
}"""
"""A camera that looks at a picture: what getUserMedia gives is a canvas with it."""

NO_CAMERA = """(name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
}"""


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"identifiers-{name}.png"), full_page=True)


def send(api: httpx.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    assert answer.status_code in (200, 201), (path, answer.text)
    return answer.json()


def prepare(node: RunningNode) -> str:
    """A prefix in force and the ready template of products, published; its id."""
    api = node.administrator()
    form = {"system": "handle", "prefix": PREFIX, "credit_code": "91350100M000100Y43", "industry": "C34", "use": "水泵",
            "contact": {"name": "李工", "telephone": "1", "email": "li@example.cn"}}  # fmt: skip
    prefix = send(api, "POST", "/prefixes", json=form)["id"]
    for step in ("submit", "review", "approve"):
        send(api, "POST", f"/prefixes/{prefix}/{step}", json={})
    send(api, "PUT", f"/prefixes/{prefix}/certification", json={"certified_by": "CAICT"})
    send(api, "POST", f"/prefixes/{prefix}/activate", json={})
    ready = send(api, "GET", "/identifier-templates/ready")
    product = next(each["document"] for each in ready if each["key"] == "product")
    template = str(send(api, "POST", "/identifier-templates", json=product)["id"])
    send(api, "POST", f"/identifier-templates/{template}/publish", json={})
    api.close()
    return template


def sign_in(at: Any, node: RunningNode) -> None:
    """A session by the API."""
    signed_in = at.context.request.post(
        f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
    )
    assert signed_in.ok


@LANGUAGES
@pytest.mark.timeout(240)
def test_an_identifier_is_registered_changed_removed_and_brought_back(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    prepare(node)
    with page(chromium, node.url, language, size, refused=(400, 404, 422)) as at:
        sign_in(at, node)
        at.goto("/identifiers")
        new = at.locator('.page-head a[href="/identifiers/register"]')
        new.wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-none")
        new.click()

        # A whole identifier is looked at while it is typed; one is made below the prefix.
        at.get_by_text(w["whole"]).click()
        field = at.get_by_role("textbox", name=w["identifier"], exact=True)
        field.fill("88.9/other")
        at.get_by_text(w["noprefix"]).wait_for()
        field.fill(f"{PREFIX}/pump-7")
        at.get_by_text(w["free"]).wait_for()
        at.get_by_text(w["made"]).click()
        at.get_by_label(w["begins"]).fill("pump-")
        at.get_by_label(w["digits"]).fill("4")
        at.get_by_role("combobox", name=w["template"]).click()
        at.locator(".ant-select-item-option").first.click()

        # Every field that the template refuses is named, and nothing is registered.
        at.locator('[data-field="maker"]').wait_for()
        at.get_by_role("button", name=w["register"], exact=True).click()
        at.get_by_text(w["correct"]).wait_for()
        at.locator('[data-field="name"] input').fill("冷却泵")
        at.locator('[data-field="maker"] input').fill("百工泵业")
        at.locator('[data-field="net_weight"] input').first.fill("12.5")
        at.locator('[data-field="formula"] textarea').fill('{"secret": 1}')
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-2-form")
        at.locator(".ant-alert-warning").wait_for(state="hidden")
        at.get_by_role("button", name=w["register"], exact=True).click()
        at.locator('[data-value="net_weight"]').get_by_text("12.5 kg").wait_for()
        assert at.locator("h1").inner_text() == f"{PREFIX}/pump-0001"
        at.locator('[data-value="formula"]').get_by_text(w["sealed"]).wait_for()
        at.get_by_role("img", name=f"{PREFIX}/pump-0001").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-3-record")

        # Sealed fields are shown for a reason.
        at.get_by_role("button", name=w["show"]).click()
        at.get_by_role("dialog").get_by_label(w["why"]).fill("复核")
        at.get_by_role("dialog").get_by_role("button", name=w["show"]).click()
        at.locator('[data-value="formula"]').get_by_text("secret").wait_for()

        # Everybody finds it on its public page.
        public = at.context.request.get(f"{node.url}/id/{PREFIX}/pump-0001?format=json").json()
        assert public["registered"]
        assert "secret" not in str(public)

        # Changed, it has a second version, and the first can be restored.
        at.get_by_role("button", name=w["edit"], exact=True).click()
        at.locator('[data-field="model"] input').fill("CP-7")
        assert at.locator('[data-field="name"] input').input_value() == "冷却泵"
        at.get_by_role("button", name=w["save"], exact=True).click()
        at.locator('[data-value="model"]').get_by_text("CP-7").wait_for()
        at.locator('[data-version="2"] ins').get_by_text("CP-7").wait_for()
        at.locator('[data-version="1"]').get_by_role("button", name=w["restore"]).click()
        at.get_by_role("dialog").get_by_role("button", name=w["restore"]).click()
        at.locator('[data-version="3"]').wait_for()
        at.locator('[data-value="model"]').wait_for(state="detached")
        shot(at, tmp_path, f"{size}-4-versions")

        # Removed, it says so, and comes back.
        at.get_by_role("button", name=w["more"]).click()
        at.get_by_role("menuitem", name=w["remove"]).click()
        at.get_by_role("dialog").get_by_role("button", name=w["remove"], exact=True).click()
        at.get_by_text(w["removed"]).wait_for()
        shot(at, tmp_path, f"{size}-5-removed")
        at.locator('[data-version="3"]').get_by_role("button", name=w["restore"]).click()
        at.get_by_role("dialog").get_by_role("button", name=w["restore"]).click()
        at.locator('[data-value="name"]').get_by_text("冷却泵").wait_for()

        # It is found by words; what is not here says what else can be done.
        at.goto("/identifiers")
        at.get_by_test_id("total").wait_for()
        field = at.get_by_role("searchbox", name=w["identifier"])
        field.fill("冷却 泵业")
        field.press("Enter")
        at.get_by_role("button", name="pump-0001").wait_for()
        at.get_by_text(w["all"]).click()
        at.get_by_role("button", name="pump-0001").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-6-found")
        field.fill(f"{PREFIX}/nothing")
        at.get_by_test_id("is-code").get_by_role("link", name=w["openit"]).click()
        at.get_by_text(w["unknown"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-7-unknown")


@LANGUAGES
@pytest.mark.timeout(180)
def test_a_file_is_tried_and_imported(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    prepare(node)
    rows = "".join(f"{PREFIX}/p-{at:04},泵 {at},百工泵业,红\r\n" for at in range(300))
    content = f"标识,产品名称,生产企业,颜色\r\n{rows}{PREFIX}/p-x,,百工泵业,红\r\nnonsense,泵,百工泵业,红\r\n"
    with page(chromium, node.url, language, size, refused=(400, 404)) as at:
        sign_in(at, node)
        at.goto("/identifiers/imports")
        at.locator('input[type="file"]').set_input_files(
            {"name": "pumps.csv", "mimeType": "text/csv", "buffer": content.encode("gb18030")}
        )
        # Columns are known by their Chinese labels; one that is not is said by hand.
        at.locator('[data-column="颜色"]').wait_for()
        at.get_by_role("combobox", name=w["target"]).click()
        at.locator(".ant-select-item-option", has_text=w["category"]).click()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-i1-columns")
        at.get_by_role("button", name=w["try"], exact=True).click()
        at.locator('[data-import="done"]').wait_for(timeout=40_000)
        assert at.locator('[data-count="registered"] .tile-value').inner_text() == "300"
        at.get_by_text(w["report"]).wait_for()
        at.get_by_text("nonsense").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-i2-tried")
        with at.expect_download() as taken:
            at.locator("section", has_text=w["report"]).last.get_by_role("button").first.click()
        assert "nonsense" in Path(taken.value.path()).read_text("utf-8-sig")

        # Only now is anything registered.
        shown = at.context.request.get(f"{node.url}/id/{PREFIX}/p-0299?format=json").json()
        assert not shown.get("registered")
        at.get_by_role("button", name=w["register"], exact=True).click()
        at.locator(".page-head .ant-tag").nth(1).wait_for(state="detached")
        at.locator('[data-import="done"]').wait_for(timeout=40_000)
        shot(at, tmp_path, f"{size}-i3-done")
        shown = at.context.request.get(f"{node.url}/id/{PREFIX}/p-0299?format=json").json()
        assert shown["registered"]
        at.goto("/identifiers/imports")
        at.locator('[data-import="done"]').wait_for()
        assert widest(at) <= 0


@LANGUAGES
@pytest.mark.timeout(180)
def test_what_the_camera_sees_is_resolved(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    w = WORDS[language]
    template = prepare(node)
    with contextlib.closing(node.administrator()) as api:
        fields = {"name": "冷却泵", "maker": "百工泵业"}
        new = {"identifier": f"{PREFIX}/pump-7", "template_id": template, "fields": fields}
        send(api, "POST", "/identifiers", json=new)
    with page(chromium, node.url, language, size, refused=(404,)) as at:
        sign_in(at, node)
        at.goto("/scan")
        start = at.get_by_role("button", name=w["start"])
        start.wait_for()
        for name, problem, word in (
            ("NotAllowedError", "refused", "refused"), ("NotFoundError", "absent", "absent"),
        ):  # fmt: skip
            at.evaluate(NO_CAMERA, name)
            start.click()
            at.locator(f'[data-problem="{problem}"]').get_by_text(w[word]).wait_for()
            shot(at, tmp_path, f"{size}-s1-{problem}")
            at.goto("/scan")
        # A label that names the public page says which identifier it is.
        at.evaluate(CAMERA, f"/api/v1/carriers/qr?format=png&text={node.url}/id/{PREFIX}/pump-7")
        at.get_by_role("button", name=w["start"]).click()
        seen = at.get_by_test_id("seen")
        seen.get_by_text(w["resolved"]).wait_for()
        seen.get_by_text("冷却泵").wait_for()
        assert seen.get_attribute("data-code") == f"{PREFIX}/pump-7"
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-s2-seen")
        # A picture instead.
        picture = at.context.request.get(
            f"{node.url}/api/v1/carriers/data_matrix?format=png&text=urn:oid:1.2.156.10197"
        )
        at.locator('input[type="file"]').set_input_files(
            {"name": "label.png", "mimeType": "image/png", "buffer": picture.body()}
        )
        at.locator('[data-code="1.2.156.10197"]').wait_for()
        assert widest(at) <= 0
