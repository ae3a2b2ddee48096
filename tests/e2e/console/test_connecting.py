"""What the console tells about connecting works as it stands: tokens of an import, commands with the real port."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import chromium_path, page
from support.node import NAME, PASSWORD, RunningNode
from support.ports import free_port
from support.tls import certificate, needs_openssl

WORDS = {
    "en": {"import": "Import", "once": "shown this once", "save": "Download tokens (CSV)", "done": "Done"},
    "zh": {"import": "导入", "once": "只显示这一次", "save": "下载令牌 (CSV)", "done": "完成"},
}
LEAVE = {"en": ("Leave without the tokens?", "Go back"), "zh": ("不保存令牌就离开？", "返回")}


def enter(at: Any, node: RunningNode, name: str, path: str) -> None:
    login = {"name": name, "password": PASSWORD}
    assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok
    at.goto(path)


def latest(api: httpx.Client, device: str) -> Any:
    found = api.get("/devices", params={"q": device}).json()["items"]
    rows = api.get("/readings/latest", params={"device_id": found[0]["id"]}).json()["items"]
    return [(row["property"], row["value"]) for row in rows]


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_an_import_hands_out_tokens_once(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    words, (leave, stay) = WORDS[language], LEAVE[language]
    api = node.administrator()
    (tmp_path / "new.csv").write_text("name,title\nline-1,Line 1\nline-2,Line 2\n,nameless\n")
    with page(chromium, node.url, language, size) as at:
        enter(at, node, NAME, "/devices?import=1")
        at.locator("input[type=file]").set_input_files(str(tmp_path / "new.csv"))
        box = at.get_by_role("dialog").first
        box.get_by_role("button", name=words["import"], exact=True).click()
        box.get_by_test_id("issued").get_by_text(words["once"]).wait_for()
        box.get_by_role("button", name=words["done"]).click()
        asked = at.get_by_role("dialog").filter(has_text=leave)
        asked.get_by_role("button", name=stay).click()
        asked.wait_for(state="hidden")
        with at.expect_download() as saved:
            box.get_by_role("button", name=words["save"]).click()
        saved.value.save_as(tmp_path / "tokens.csv")
        box.get_by_role("button", name=words["done"]).click()
        box.wait_for(state="hidden")
    with (tmp_path / "tokens.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["line-1", "line-2"]
    for row in rows:
        send_by_python(node.mqtt_port, row["token"])
        node.wait_for("its value", lambda name=row["name"]: latest(api, name) == [("temperature", 21.5)])
    api.close()


def send_by_python(port: int, token: str) -> None:
    import paho.mqtt.publish as publish

    publish.single(
        "millwright/v1/telemetry",
        '{"temperature": 21.5}',
        qos=1,
        hostname="127.0.0.1",
        port=port,
        auth={"username": token},
    )


@needs_openssl
def test_an_engineer_is_shown_commands_that_work(chromium: Any, tmp_path: Path) -> None:
    chromium_path()
    chain, key = certificate(tmp_path / "tls", "IP:127.0.0.1")
    secure = free_port()
    settings = {"mqtt": {"tls_port": secure, "certificate": str(chain), "key": str(key)}}
    with RunningNode(tmp_path, settings) as node:
        api = node.administrator()
        eve = {"name": "eve", "password": PASSWORD, "roles": ["engineer"]}
        assert api.post("/people", json=eve).status_code == 201
        commands: dict[str, str] = {}
        with page(chromium, node.url, "en") as at:
            enter(at, node, "eve", "/devices?new=1")
            box = at.get_by_role("dialog")
            box.get_by_label("Name", exact=True).fill("kettle-1")
            box.get_by_role("button", name="Create and show token").click()
            box.get_by_text(f"127.0.0.1:{node.mqtt_port}").wait_for()
            for way, port in (("plain", node.mqtt_port), ("TLS", secure)):
                if way == "TLS":
                    box.get_by_text(f"TLS · {secure}").click()
                box.get_by_role("tab", name="mosquitto_pub").click()
                commands[f"mosquitto {way}"] = box.locator(".snippet:visible").inner_text()
                box.get_by_role("tab", name="Python").click()
                commands[f"python {way}"] = box.locator(".snippet:visible").inner_text()
                assert all(str(port) in commands[f"{kind} {way}"] for kind in ("mosquitto", "python"))
        environ = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(chain)}
        for number, (name, command) in enumerate(commands.items()):
            command = command.replace("21.5", f"{number}.5")
            if name.startswith("mosquitto"):
                if shutil.which("mosquitto_pub") is None:
                    continue
                arguments = ["sh", "-c", command]
            else:
                arguments = [sys.executable, "-c", command]
            done = subprocess.run(arguments, env=environ, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, (name, command, done.stderr)
            node.wait_for(name, lambda value=number + 0.5: latest(api, "kettle-1") == [("temperature", value)])
        api.close()
    assert re.search(r"--tls", commands["mosquitto TLS"])
