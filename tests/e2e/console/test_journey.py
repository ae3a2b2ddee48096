"""From the first run to an acknowledged alarm, in both languages, in a real browser against a real node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import paho.mqtt.publish as publish
import pytest

from support.browser import page, widest
from support.node import RunningNode

NAME, PASSWORD = "Anna", "copper kettles whistle"


@dataclass(frozen=True)
class Words:
    """What the person reads and clicks."""

    user: str
    password: str
    repeat: str
    set_up: str
    overview: str
    new_device: str
    name: str
    make: str
    arrived: str
    open_device: str
    alarm_when: str
    high: str
    rule_name: str
    message: str
    save: str
    sentence: str
    acknowledge: str
    acknowledged: str
    calm: str


WORDS = {
    "en": Words(
        user="User name",
        password="Password",
        repeat="Repeat password",
        set_up="Create administrator",
        overview="Overview",
        new_device="New device",
        name="Name",
        make="Create and show token",
        arrived="The first message has arrived",
        open_device="Open the device",
        alarm_when="Alarm when… temperature",
        high="High limit",
        rule_name="Name",
        message="Message in English (optional)",
        save="Save",
        sentence="Raise a high-priority alarm when temperature rises above 80; clears once back inside.",
        acknowledge="Acknowledge",
        acknowledged="Acknowledged",
        calm="No active alarms",
    ),
    "zh": Words(
        user="用户名",
        password="密码",
        repeat="再次输入密码",
        set_up="创建管理员",
        overview="总览",
        new_device="新建设备",
        name="名称",
        make="创建并显示令牌",
        arrived="第一条消息已到达",
        open_device="打开设备",
        alarm_when="设置报警… temperature",
        high="上限",
        rule_name="名称",
        message="中文报警内容 (选填)",
        save="保存",
        sentence="当temperature高于 80时，发出高优先级报警；回到范围内即恢复。",
        acknowledge="确认",
        acknowledged="已确认",
        calm="没有活动报警",
    ),
}


def send(node: RunningNode, token: str, temperature: float) -> None:
    publish.single(
        "millwright/v1/telemetry",
        f'{{"temperature": {temperature}}}',
        qos=1,
        hostname="127.0.0.1",
        port=node.mqtt_port,
        auth={"username": token},
    )


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "desktop"), ("zh", "phone")])
def test_from_first_run_to_acknowledged_alarm(node: RunningNode, chromium: Any, language: str, size: str) -> None:
    words = WORDS[language]
    with page(chromium, node.url, language, size) as at:
        set_up(node, at, words)
        token = make_device(node, at, words)
        make_rule(at, words)
        raise_and_acknowledge(node, at, words, token)


def set_up(node: RunningNode, at: Any, words: Words) -> None:
    at.goto(f"/?code={node.setup_code()}")
    at.wait_for_url("**/setup*")
    at.goto(f"/setup?code={node.setup_code()}")
    at.get_by_label(words.user).fill(NAME)
    at.get_by_label(words.password, exact=True).fill(PASSWORD)
    at.get_by_label(words.repeat).fill(PASSWORD)
    assert widest(at) <= 0
    at.get_by_role("button", name=words.set_up).click()
    at.get_by_role("heading", name=words.overview, exact=True).wait_for()
    at.get_by_text(words.calm).wait_for()


def make_device(node: RunningNode, at: Any, words: Words) -> str:
    at.get_by_role("link", name=words.new_device).click()
    box = at.get_by_role("dialog")
    box.get_by_label(words.name, exact=True).fill("kettle-1")
    box.get_by_role("button", name=words.make).click()
    box.get_by_test_id("first-message").wait_for()
    box.get_by_text("-u '").first.wait_for()  # the command comes once the listener's ports are known
    found = re.search(r"-u '([^']+)'", box.inner_text())
    assert found is not None
    send(node, found[1], 21.5)
    box.get_by_text(words.arrived).wait_for()
    assert "temperature = 21.5" in box.get_by_test_id("first-message").inner_text()
    box.get_by_role("button", name=words.open_device).click()
    at.locator('[data-property="temperature"]').wait_for()
    assert "21.5" in at.locator('[data-property="temperature"]').inner_text()
    assert widest(at) <= 0
    return found[1]


def make_rule(at: Any, words: Words) -> None:
    at.get_by_role("button", name=words.alarm_when).click()
    form = at.get_by_role("dialog")
    form.get_by_label(words.high, exact=True).fill("80")
    form.locator("#on_delay_s").fill("0")
    form.get_by_label(words.message).fill("Kettle 1 boils over")
    assert form.get_by_test_id("sentence").inner_text() == words.sentence
    form.get_by_role("button", name=words.save).click()
    form.wait_for(state="hidden")


def raise_and_acknowledge(node: RunningNode, at: Any, words: Words, token: str) -> None:
    at.goto("/alarms")
    at.get_by_text(words.calm).wait_for()
    # A rule watches within two seconds of its making: a reading sent earlier may go by unwatched.
    deadline = 10
    for _ in range(deadline):
        send(node, token, 95.5)
        if at.get_by_text("Kettle 1 boils over").first.is_visible():
            break
        at.wait_for_timeout(1000)
    at.get_by_text("Kettle 1 boils over").first.click()
    detail = at.get_by_test_id("alarm-detail")
    detail.wait_for()
    detail.locator("canvas").wait_for()
    detail.get_by_role("button", name=words.acknowledge, exact=True).click()
    ask = at.get_by_role("dialog").filter(has=at.locator("textarea[maxlength='500']")).last
    ask.locator("textarea").fill("Turned the gas down")
    ask.get_by_role("button", name=words.acknowledge, exact=True).click()
    detail.get_by_text("Turned the gas down").wait_for()
    assert words.acknowledged in detail.inner_text()
    assert NAME in detail.inner_text()
    with node.client() as api:
        assert api.post("/session", json={"name": NAME, "password": PASSWORD}).status_code == 201
        [alarm] = api.get("/alarms").json()["items"]
    assert (alarm["state"], alarm["acknowledged_by"]) == ("acknowledged", NAME)


def test_signs_out_and_in_again_in_the_other_language(node: RunningNode, chromium: Any) -> None:
    node.administrator().close()
    with page(chromium, node.url, "en") as at:
        at.goto("/devices")
        at.wait_for_url("**/sign-in")
        at.get_by_test_id("language").click()
        at.get_by_label("用户名").fill("ada")
        at.get_by_label("密码").fill("not the password")
        at.get_by_role("button", name="登录", exact=True).click()
        at.get_by_text("用户名或密码不正确").wait_for()
        at.get_by_label("密码").fill("a long enough passphrase")
        at.get_by_role("button", name="登录", exact=True).click()
        # Where they wanted to go, in the language they chose, which the node keeps for them.
        at.get_by_role("heading", name="设备", exact=True).wait_for()
        assert at.url.endswith("/devices")
        assert at.evaluate("document.documentElement.lang") == "zh-CN"
        at.keyboard.press("g")
        at.keyboard.press("o")
        at.get_by_role("heading", name="总览", exact=True).wait_for()
        at.get_by_label("我的账户").click()
        at.get_by_text("退出登录").click()
        at.wait_for_url("**/sign-in")
