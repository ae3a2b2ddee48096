"""Names that platforms log in with: a guess at another organisation's password is answered like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from millwright.kernel import ROOT
from support.web import running_web

PATH = "/api/v1/vehicles"


async def test_nobody_learns_whether_a_password_was_guessed(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        client = await web.set_up()
        below = {"parent_id": ROOT, "kind": "department", "name": "North"}
        north = {"X-Organisation": (await client.post("/api/v1/organisations", json=below)).json()["id"]}

        async def platform(name: str, username: str, password: str, **headers: str) -> tuple[int, dict[str, Any]]:
            wanted = {"name": name, "username": username, "password": password}
            answer = await client.post(f"{PATH}/platforms", json=wanted, headers=headers)
            return answer.status_code, answer.json()

        assert (await platform("a", "city", "right"))[0] == 201
        answers = [await platform("b", "city", password, **north) for password in ("right", "wrong")]
        assert [(status, found["code"], found["detail"]) for status, found in answers] == [
            (409, "devices.username_taken", answers[0][1]["detail"])
        ] * 2
        gateway = await platform("b", "north", "right", **north)
        assert gateway[0] == 201, "what was refused left nothing behind"
        guess = {"username": "city", "password": "right"}
        path = f"/api/v1/devices/{gateway[1]['id']}/credentials"
        assert (await client.post(path, json=guess, headers=north)).json()["code"] == "devices.username_taken"
        assert (await platform("c", "city", "another"))[0] == 201, "its own organisation may"
        for headers, iccid in (({}, "1"), (north, "2")):
            vehicle = [{"vin": "LSVAM4187C2184847", "iccid": iccid}]
            report = (await client.post(PATH, json=vehicle, headers=headers)).json()
            assert len(report["registered"]) == 1, report
