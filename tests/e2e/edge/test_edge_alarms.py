"""Alarms of devices at an edge: judged there, also while it is cut off, and at the parent once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.commanded import MODEL, OWN, Device, registered
from support.edge import EdgeNode, Parent, enrol


@pytest.mark.timeout(300)
def test_an_edge_judges_while_it_is_cut_off_and_nothing_is_doubled(tmp_path: Path) -> None:
    with Parent(tmp_path / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        edge_id = made["edge"]["id"]
        model_id = api.post("/models", json=MODEL).json()["id"]
        device_id, token = registered(api, "pump", model_id, edge_id=edge_id)
        rule = {
            "name": "too fast",
            "scope": {"model_id": model_id},
            "property": "speed",
            "condition": {"kind": "limit", "high": 50},
            "priority": "high",
        }
        assert api.post("/rules", json=rule).status_code == 201
        edge = EdgeNode(tmp_path / "edge", parent)
        assert edge.join(made["enrolment"]["code"]).returncode == 0

        def alarms() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = api.get("/alarms", params={"device_id": device_id}).json()["items"]
            return found

        def section() -> dict[str, Any]:
            said = (api.get(f"/edges/{edge_id}").json()["status"] or {}).get("sections", [])
            return next((each for each in said if each["name"] == "rules"), {})

        with edge:
            parent.wait_for("the rule is in force there", lambda: section().get("in_force") == 1, 60)
            # The parent's historian has to have taken up that it does not judge, or it would raise what it sees, too.
            parent.kill("historian")
            parent.wait_for("it is back", lambda: parent.find_process("historian") is not None, 30)
            with Device(edge.mqtt_port, token) as device:
                device.join(OWN)
                device.values(speed=60)
                parent.wait_for("the alarm", lambda: [each["active"] for each in alarms()] == [True], 30)
                first = alarms()[0]
                assert (first["edge_id"], first["trigger_value"], first["unit"]) == (edge_id, 60, "Hz")
                device.values(speed=10)
                parent.wait_for("it ended", lambda: not alarms()[0]["active"], 30)
                acknowledged = api.post("/alarms/acknowledge", json={"ids": [first["id"]]})
                assert acknowledged.status_code == 200, acknowledged.text

                edge.line.cut()
                # It begins and ends again and again while nobody above can see it, and whoever judges dies in between.
                device.values(speed=70)
                edge.kill("edge")
                device.values(speed=10)
                device.values(speed=80)
                edge.wait_for("it is judged there", lambda: untold(edge) >= 3, 30)
                edge.kill("historian")
                edge.line.join()
                parent.kill("edges")
                parent.wait_for("what began meanwhile", lambda: any(each["active"] for each in alarms()), 60)
                parent.wait_for("the newest value", lambda: alarms()[0]["trigger_value"] == 80, 30)
                edge.wait_for("nothing is left to tell", lambda: untold(edge) == 0, 30)
                device.values(speed=10)
                parent.wait_for("it ended", lambda: not any(each["active"] for each in alarms()), 60)
            found = alarms()
            # The first was closed by a person; the two that began while the link was cut are one alarm, not four.
            assert [each["occurrences"] for each in found] == [2, 1], found
            assert {each["edge_id"] for each in found} == {edge_id}
            edge.line.cut()
        api.close()


def untold(edge: EdgeNode) -> int:
    """How many beginnings and ends wait at the edge."""
    with closing(sqlite3.connect(f"file:{edge.data / 'records.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("select count(*) from operations_untold").fetchone()[0])
