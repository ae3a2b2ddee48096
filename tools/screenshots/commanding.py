"""A pump is set and called, and an interlock stands in the way."""

from __future__ import annotations

from tools.screenshots.stage import Stage

from support.commanded import MODEL, OWN, Device, obey, registered  # isort: skip


def commands(stage: Stage) -> None:
    """Set a value, see it confirmed, add an interlock and be refused."""
    at, api = stage.at, stage.api
    model = api.post("/models", json=MODEL).json()["id"]
    _, token = registered(api, "pump-7", model)
    with Device(stage.node.mqtt_port, token, obey).join(OWN) as device:
        device.values(setpoint=20, speed=50, mode="auto", count=3)
        at.goto("/devices")
        at.get_by_text("pump-7").first.click()
        at.get_by_role("tab", name="Commands").click()
        line = at.locator('[data-property="setpoint"]')
        line.get_by_text("20 kPa").wait_for()
        stage.press("Set", within=line)
        box = at.get_by_role("dialog")
        box.get_by_label("New value").fill("42.5")
        box.get_by_label("Reason").fill("warm-up")
        stage.shot("commands-set")
        stage.press("Send", within=box)
        at.locator('[data-state="confirmed"]').wait_for()
        device.values(setpoint=42.5)
        stage.press("Call")
        box = at.get_by_role("dialog")
        box.get_by_label("delay_s").fill("5")
        stage.press("Send", within=box)
        at.locator('[data-state="confirmed"]').nth(1).wait_for()
        box.wait_for(state="hidden")
        stage.shot("commands-device", height=900)
        at.get_by_text("= 42.5 kPa").click()
        at.locator(".ant-drawer").get_by_text("warm-up").first.wait_for()
        stage.shot("commands-course")
        at.keyboard.press("Escape")
        at.get_by_role("button", name="Add an interlock").click()
        box = at.get_by_role("dialog")
        box.get_by_label("Name", exact=True).fill("only at standstill")
        box.get_by_label("Property", exact=True).click()
        at.locator(".ant-select-item-option", has_text="speed").click()
        box.get_by_label("Value").first.fill("10")
        stage.shot("commands-interlock")
        stage.press("Save", within=box)
        at.locator(".insets .mono", has_text="speed < 10").wait_for()
        stage.press("Set", within=at.locator('[data-property="setpoint"]'))
        box = at.get_by_role("dialog")
        box.get_by_label("New value").fill("5")
        stage.press("Send", within=box)
        at.get_by_text("speed is 50").first.wait_for()
        stage.shot("commands-refused", height=1000)
