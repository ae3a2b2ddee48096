"""An edge from its code to its devices; and the network of a site."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tools.screenshots.stage import Stage

from support.commanded import Device  # isort: skip
from support.edge import EdgeNode, Parent  # isort: skip


def edge(stage: Stage) -> None:
    """Enrolled, joined, given a device, looked at."""
    at, parent = stage.at, stage.node
    assert isinstance(parent, Parent)
    at.goto("/edges")
    at.get_by_role("button", name="Enrol an edge").first.wait_for()
    at.get_by_role("button", name="Enrol an edge").first.click()
    at.get_by_label("Name").fill("hall 3")
    at.locator(".ant-modal-footer .ant-btn-primary").click()
    snippet = at.locator(".snippet").first
    snippet.wait_for()
    shown = re.search(r"millwright edge join (\S+) (mwe_[\w-]+)", snippet.inner_text())
    assert shown is not None
    stage.shot("edge-code")
    at.locator(".ant-modal-footer").get_by_role("button").click()
    with tempfile.TemporaryDirectory() as folder:
        node = EdgeNode(Path(folder), parent)
        assert node.join(shown[2]).returncode == 0
        try:
            with node:
                at.locator('[data-state="connected"]').first.wait_for(timeout=60_000)
                at.goto("/devices?new=1")
                box = at.get_by_role("dialog")
                box.get_by_label("Name", exact=True).fill("press-3")
                box.get_by_label("Connects at").click()
                at.get_by_title("hall 3", exact=True).click()
                stage.shot("edge-device")
                stage.press("Create and show token", within=box)
                box.get_by_text("It connects at the edge hall 3").wait_for()
                stage.shot("edge-token")
                device = stage.api.get("/devices", params={"q": "press-3"}).json()["items"][0]["id"]
                token = stage.api.post(f"/devices/{device}/credentials", json={}).json()["token"]

                def in_force() -> bool:
                    try:
                        with Device(node.mqtt_port, token).join("millwright/v1/commands/request") as press:
                            press.values(force=812.5, stroke=40.1)
                            at.wait_for_timeout(1_000)
                        return True
                    except AssertionError:
                        return False

                parent.wait_for("the edge knows the device", in_force, 90)
                at.goto("/edges")
                at.wait_for_timeout(4_000)
                stage.shot("edge-list", height=520)
                at.get_by_text("hall 3").first.click()
                at.locator(".ant-drawer").get_by_text("in force since").wait_for()
                stage.shot("edge-detail", height=1100)
        finally:
            node.line.cut()
    at.goto("/edges")
    at.locator('[data-state="cut"]').first.wait_for(timeout=60_000)
    stage.shot("edge-cut", height=520)


def network(stage: Stage) -> None:
    """From an unseen node to its network, and a scan."""
    at = stage.at
    at.goto("/networks")
    at.get_by_role("link", name="millwright", exact=True).click()
    at.get_by_text("Nothing is seen yet").wait_for()
    stage.shot("network-unseen", height=560)
    at.get_by_role("button", name="Watch").first.click()
    at.get_by_role("heading", name="IPv6 readiness").wait_for(timeout=60_000)
    at.locator("[data-topology]").wait_for()
    at.wait_for_timeout(5_000)
    stage.shot("network-seen", height=1100)
    at.get_by_role("button", name="Scan a subnet").click()
    at.get_by_role("textbox", name="Subnet").fill("169.254.77.0/30")
    stage.shot("network-scan")
    with stage.elsewhere("zh", "phone") as phone:
        phone.goto("/networks")
        phone.locator("a.card").first.click()
        phone.get_by_role("heading", name="IPv6 就绪度").wait_for()
        stage.shot("network-phone", at=phone)
