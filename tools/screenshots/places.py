"""Who is where: an RFID reader, a positioning system, a plan with zones, and what follows from coming."""

from __future__ import annotations

import io
import time

from PIL import Image, ImageDraw
from tools.screenshots.connecting import connected
from tools.screenshots.stage import Stage

from support.commanded import MODEL, OWN, Device, obey, registered  # isort: skip

HALL = (40, 20)
AREA = ((22, 4), (36, 4), (36, 16), (22, 16))


def floor() -> bytes:
    """A drawing of a hall: walls, a gate, two rows of racks."""
    image = Image.new("RGB", (1600, 800), "#ffffff")
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 1591, 791), outline="#9aa7ad", width=8)
    draw.rectangle((0, 330, 24, 470), fill="#ffffff")
    for row in (160, 600):
        for rack in range(5):
            draw.rectangle((180 + rack * 130, row, 280 + rack * 130, row + 60), outline="#c5ced2", width=4)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def tags_and_zones(stage: Stage) -> None:
    """A reader at the gate becomes a zone; a lift moves through an area; a rule slows a machine down."""
    at, api = stage.at, stage.api
    with connected(stage, "rfid"):
        stage.press("Done")
        at.goto("/location")
        at.get_by_text("Nothing is followed yet").wait_for()
        stage.press("plus Add a reader")
        box = at.get_by_role("dialog")
        box.get_by_label("Device", exact=True).fill("Gate")
        at.locator(".ant-select-item-option", has_text="Gate reader").click()
        stage.shot("zones-reader")
        stage.press("Save", within=box)
        box.wait_for(state="hidden")
        stage.press("Add a zone")
        box = at.get_by_role("dialog")
        box.get_by_label("Name").fill("Gate")
        box.get_by_label("Reader", exact=True).fill("Gate")
        at.locator(".ant-select-item-option", has_text="Gate reader").click()
        box.get_by_label("Antenna; empty: all").fill("1")
        stage.shot("zones-antennas")
        stage.press("Save", within=box)
        box.wait_for(state="hidden")
        at.goto("/location?tab=now")
        at.locator(".ant-tag", has_text="Gate").nth(1).wait_for(timeout=60_000)
        at.wait_for_timeout(4_000)
        stage.shot("zones-now", height=560)
    at.goto("/location")
    stage.press("Add a plan")
    box = at.get_by_role("dialog")
    box.get_by_label("Name").fill("Hall 3")
    box.get_by_label("Width in metres").fill(str(HALL[0]))
    box.get_by_label("Height in metres").fill(str(HALL[1]))
    box.get_by_label("Choose a picture").set_input_files(
        {"name": "hall.png", "mimeType": "image/png", "buffer": floor()}
    )
    stage.press("Save", within=box)
    drawing = at.get_by_role("img", name="Hall 3")
    drawing.wait_for()
    at.locator("svg image").wait_for(state="attached")
    at.get_by_role("button", name="Draw a zone").click()
    bounds = drawing.bounding_box()
    for x, y in AREA:
        drawing.click(position={"x": bounds["width"] * x / HALL[0], "y": bounds["height"] * (HALL[1] - y) / HALL[1]})
    stage.shot("zones-draw")
    at.get_by_role("button", name="Finish").click()
    box = at.get_by_role("dialog")
    box.get_by_label("Name").fill("Assembly")
    stage.press("Save", within=box)
    at.locator('[data-zone="Assembly"]').wait_for()
    (plan,) = api.get("/location/plans").json()
    gateway = api.post("/devices", json={"name": "positioning"}).json()["id"]
    token = api.post(f"/devices/{gateway}/credentials", json={}).json()["token"]
    assert api.put(f"/location/readers/{gateway}", json={"plan_id": plan["id"]}).status_code == 200
    with Device(stage.node.mqtt_port, token) as lift:
        lift.join("millwright/v1/commands/request")
        for step in range(40):
            where = {"tag": "lift-1", "x": 4 + step * 0.7, "y": 10 + (step % 8) / 4, "ts": round(time.time() * 1000)}
            lift.say("millwright/v1/sightings", {"sightings": [where]})
            time.sleep(0.3)
        at.goto(f"/location?tag=LIFT-1&plan={plan['id']}")
        at.locator("polyline[data-trail]").wait_for(state="attached")
        at.get_by_text("Assembly · 1").wait_for()
        stage.shot("zones-plan")
    _, token = registered(api, "conveyor", api.post("/models", json=MODEL).json()["id"])
    with Device(stage.node.mqtt_port, token, obey).join(OWN) as conveyor:
        conveyor.values(setpoint=20, speed=0, mode="auto", count=3)
        at.goto("/location?tab=rules")
        at.get_by_role("button", name="Add a rule").first.click()
        box = at.get_by_role("dialog")
        box.get_by_label("Name").fill("Slow down for lifts")
        box.get_by_label("Zone").click()
        at.locator('.ant-select-item-option[title="Assembly"]').click()
        box.get_by_label("Device").fill("conv")
        at.locator(".ant-select-item-option", has_text="conveyor").click()
        box.get_by_label("Property or service").fill("setpoint")
        box.get_by_label("Value", exact=True).fill("5")
        stage.shot("zones-rule")
        stage.press("Save", within=box)
        box.wait_for(state="hidden")
        at.goto("/location?tab=events")
        at.get_by_text("came").first.wait_for()
        stage.shot("zones-events", height=560)
    with stage.elsewhere("zh", "phone") as phone:
        phone.goto("/location?tab=now")
        phone.get_by_text("LIFT-1").first.wait_for()
        stage.shot("zones-phone", at=phone)
