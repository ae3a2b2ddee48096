"""The page of codes in a real Chromium: an example taken apart, an error marked, a carrier taken away and read again by
picture and by camera, a sheet of labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

WORDS = {
    "en": {
        "input": "Identifier", "examples": "What can be read", "enterprise": "Enterprise", "wrong": "Character 12",
        "camera": "Camera", "list": "List (CSV)", "pdf": "Make a PDF", "kind": "Kind of carrier",
        "why": "not allowed in an identifier", "matrix": "Data Matrix", "unknown": "No code system takes this text",
    },
    "zh": {
        "input": "标识", "examples": "可以解析的编码体系", "enterprise": "企业", "wrong": "第 12 个字符",
        "camera": "摄像头", "list": "列表（CSV）", "pdf": "生成 PDF", "kind": "载体类型",
        "why": "标识部分不允许的字符", "matrix": "Data Matrix 码", "unknown": "没有编码体系接受这段文本",
    },
}  # fmt: skip

# A camera that looks at a picture: what getUserMedia gives is a canvas with it.
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


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"codes-{name}.png"), full_page=True)


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_a_code_is_taken_apart_drawn_and_read_again(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    words = WORDS[language]
    node.administrator().close()
    with page(chromium, node.url, language, size, refused=(400, 422)) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/codes")
        field = at.get_by_role("textbox", name=words["input"], exact=True)
        at.get_by_text(words["examples"]).wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-examples")

        # An example of a handle: its parts are coloured in place, its other forms can be copied.
        at.get_by_role("button", name="88.118.8/pump-7").click()
        at.locator('[data-code="88.118.8/pump-7"] .code-part').nth(3).wait_for()
        at.get_by_role("cell", name=words["enterprise"], exact=True).wait_for()
        at.locator('[data-form="https"]').get_by_text("https://hdl.handle.net/88.118.8/pump-7").wait_for()
        at.get_by_role("img", name="88.118.8/pump-7").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-2-handle")

        # It is taken away as a Data Matrix, and read again from that picture.
        at.get_by_role("combobox", name=words["kind"]).first.click()
        at.locator(".ant-select-item-option", has_text=words["matrix"]).first.click()
        with at.expect_download() as taken:
            at.get_by_role("button", name="PNG", exact=True).click()
        picture = tmp_path / taken.value.suggested_filename
        taken.value.save_as(picture)
        assert picture.name == "data_matrix.png"
        field.fill("did:web:exa mple.com")
        at.get_by_text(words["wrong"]).first.wait_for()
        at.get_by_text(words["why"]).first.wait_for()
        assert at.locator(".code-wrong").inner_text() == " "
        shot(at, tmp_path, f"{size}-3-wrong")
        at.locator('input[type="file"][accept*="image/png"]').set_input_files(picture)
        at.locator('[data-code="88.118.8/pump-7"]').wait_for()
        assert field.input_value() == "88.118.8/pump-7"

        # What is nothing says what was tried; Code 128 says why it cannot hold Chinese.
        field.fill("泵房")
        at.get_by_text(words["unknown"]).wait_for()
        at.get_by_role("combobox", name=words["kind"]).first.click()
        at.locator(".ant-select-item-option", has_text="Code 128").first.click()
        at.locator(".carrier-picture", has_text="ASCII").wait_for()
        assert widest(at) <= 0

        # By camera.
        at.evaluate(CAMERA, "/api/v1/carriers/qr?format=png&text=urn:oid:1.2.156.10197")
        at.get_by_role("button", name=words["camera"]).click()
        at.locator('[data-code="1.2.156.10197"]').wait_for()
        at.get_by_role("dialog").wait_for(state="hidden")

        # A sheet of labels; a wrong row is named.
        at.get_by_role("textbox", name=words["list"]).fill("text,caption,copies\n88.118.8/a,冷却泵,30\n")
        with at.expect_download() as taken:
            at.get_by_role("button", name=words["pdf"]).click()
        assert Path(taken.value.path()).read_bytes().startswith(b"%PDF")
        at.get_by_role("textbox", name=words["list"]).fill('"unended')
        at.get_by_role("button", name=words["pdf"]).click()
        at.locator(".ant-alert-error").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-4-sheet")
