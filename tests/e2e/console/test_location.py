"""Tags and zones in a real Chromium: what to do on an empty page; a zone drawn on a plan with a picture; who is in it,
the trail and the events; in Chinese on a phone as well."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.browser import page, widest
from support.commanded import Device
from support.node import NAME, PASSWORD, RunningNode


@pytest.mark.timeout(240)
def test_a_zone_is_drawn_and_somebody_enters(chromium: Any, node: RunningNode, tmp_path: Path) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    api = node.administrator()
    url = str(api.base_url).removesuffix("/api/v1/").removesuffix("/api/v1")
    picture = io.BytesIO()
    Image.new("RGB", (80, 40), "#eef").save(picture, "PNG")
    with page(chromium, url, "en", "desktop") as at:
        done = at.context.request.post(
            f"{url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": url}
        )
        assert done.ok
        at.goto("/location")
        at.get_by_text("Nothing is followed yet").wait_for()
        at.get_by_role("button", name="Add a plan").click()
        box = at.get_by_role("dialog")
        box.get_by_label("Name").fill("Hall 3")
        box.get_by_label("Width in metres").fill("40")
        box.get_by_label("Height in metres").fill("20")
        box.get_by_label("Choose a picture").set_input_files(
            {"name": "hall.png", "mimeType": "image/png", "buffer": picture.getvalue()}
        )
        box.get_by_role("button", name="Save").click()
        drawing = at.get_by_role("img", name="Hall 3")
        drawing.wait_for()
        at.locator("svg image").wait_for(state="attached")
        at.get_by_role("button", name="Draw a zone").click()
        bounds = drawing.bounding_box()
        for x, y in ((10, 5), (30, 5), (30, 15), (10, 15)):
            drawing.click(position={"x": bounds["width"] * x / 40, "y": bounds["height"] * (20 - y) / 20})
        at.get_by_role("button", name="Finish").click()
        box = at.get_by_role("dialog")
        box.get_by_label("Name").fill("Assembly")
        box.get_by_role("button", name="Save").click()
        at.locator('[data-zone="Assembly"]').wait_for()

        (zone,) = api.get("/location/zones").json()
        (plan,) = api.get("/location/plans").json()
        assert plan["image_type"] == "image/png"
        drawn = [10, 5, 30, 5, 30, 15, 10, 15]
        assert [value for corner in zone["polygon"] for value in corner] == pytest.approx(drawn, abs=0.5)
        gateway = api.post("/devices", json={"name": "rtls"}).json()["id"]
        token = api.post(f"/devices/{gateway}/credentials", json={}).json()["token"]
        assert api.put(f"/location/readers/{gateway}", json={"plan_id": plan["id"]}).status_code == 200
        node.wait_for("the tracker", lambda: node.find_process("location") is not None)
        with Device(node.mqtt_port, token) as rtls:
            rtls.join("millwright/v1/commands/request")
            step = 0

            def moves() -> bool:
                nonlocal step
                step += 1
                sighting = {"tag": "agv-1", "x": 12 + step % 10, "y": 10, "ts": round(time.time() * 1000)}
                rtls.say("millwright/v1/sightings", json.loads(json.dumps({"sightings": [sighting]})))
                time.sleep(0.3)
                found = api.get("/location/events").json()["items"]
                return step > 12 and any(each["kind"] == "enter" for each in found)

            node.wait_for("an entry", moves, 60)
        at.locator('circle[data-tag="AGV-1"]').wait_for()
        at.get_by_text("Assembly · 1").wait_for()
        at.goto(f"/location?tag=AGV-1&plan={plan['id']}")
        at.locator("polyline[data-trail]").wait_for(state="attached")
        at.screenshot(path=str(folder / "location-plan-en.png"))
        at.get_by_role("tab", name="Events").click()
        at.get_by_text("came").first.wait_for()
    with page(chromium, url, "zh", "phone") as at:
        done = at.context.request.post(
            f"{url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": url}
        )
        assert done.ok
        at.goto("/location?tab=now")
        at.get_by_text("AGV-1").first.wait_for()
        at.get_by_text("Assembly").first.wait_for()
        assert widest(at) <= 0, "nothing is wider than the phone"
        at.screenshot(path=str(folder / "location-now-zh.png"))
    api.close()
