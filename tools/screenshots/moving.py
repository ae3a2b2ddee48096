"""A fleet of ThingsBoard switches: a device knocks and is adopted, a gateway brings its devices."""

from __future__ import annotations

import httpx
import paho.mqtt.client as paho
from tools.screenshots.stage import Stage

from support.commanded import Device  # isort: skip


def thingsboard(stage: Stage) -> None:
    """An old token arrives and is adopted; a gateway registers what is below it."""
    at, api, node = stage.at, stage.api, stage.node
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="oven-12")
    client.username_pw_set("A1_TEST_TOKEN_OF_OVEN")
    client.connect("127.0.0.1", node.mqtt_port)
    client.loop_start()
    try:
        node.wait_for("it knocked", lambda: api.get("/arrivals").json())
    finally:
        client.loop_stop()
        client.disconnect()
    at.goto("/devices")
    at.get_by_role("tab", name="Arrivals").click()
    at.get_by_role("button", name="Adopt").first.wait_for()
    stage.shot("thingsboard-arrivals", height=520)
    at.get_by_role("button", name="Adopt").first.click()
    box = at.get_by_role("dialog")
    box.get_by_label("Name here").fill("oven-12")
    stage.shot("thingsboard-adopt")
    stage.press("Adopt", within=box)
    at.get_by_text("oven-12").first.wait_for()
    sent = {"temperature": 181.5, "setpoint": 180}
    node.wait_for(
        "its token holds",
        lambda: (
            httpx.post(f"{node.url}/api/v1/A1_TEST_TOKEN_OF_OVEN/telemetry", json=sent, trust_env=False).status_code
            == 200
        ),
    )
    at.goto("/devices?new=1")
    box = at.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill("gateway-hall-3")
    box.get_by_text("Speaks for devices below it").click()
    stage.shot("thingsboard-gateway")
    stage.press("Create and show token", within=box)
    box.get_by_text("127.0.0.1", exact=False).first.wait_for()
    gateway = api.get("/devices", params={"q": "gateway-hall-3"}).json()["items"][0]["id"]
    token = api.post(f"/devices/{gateway}/credentials", json={}).json()["token"]
    with Device(node.mqtt_port, token).join("v1/gateway/rpc") as speaker:
        for name in ("meter-1", "meter-2", "meter-3"):
            speaker.say("v1/gateway/connect", {"device": name, "type": "default"})
            speaker.say("v1/gateway/telemetry", {name: [{"power": 12.5, "energy": 1042.1}]})
        node.wait_for("its devices", lambda: len(api.get("/devices", params={"q": "meter"}).json()["items"]) == 3, 60)
        at.goto(f"/devices/{gateway}?tab=about")
        at.get_by_text("meter-3").first.wait_for()
        stage.shot("thingsboard-below", height=900)
