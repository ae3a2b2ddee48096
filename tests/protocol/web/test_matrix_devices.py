"""The matrix of rights for those routes of the document that take a device's token: nobody signs in there.

Each of them × {own device, neighbour's device, every person and program, nobody}, on a node with two enterprises.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.tenants import Tenant, plant
from support.web import RunningWeb, running_web

sys.path.insert(0, str(Path(__file__).parents[3]))
from tools.reference.permissions_page import RouteRight, route_rights

RED, BLUE = "vermilion", "cerulean"


@dataclass
class Fleet:
    """A node with two enterprises, and what it says of its routes."""

    web: RunningWeb
    red: Tenant
    blue: Tenant
    rights: list[RouteRight]


def leaks(answer: httpx.Response, other: Tenant) -> list[str]:
    everything = answer.text + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return [word for word in {other.marker, *other.ids.values()} - {other.ids["sequence"]} if word in everything]


def plain(answer: httpx.Response) -> str:
    return re.sub(r'"request_id":"[^"]*"', "", answer.text)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with running_web(tmp_path, history=True, senders=True) as web:
        root = await web.set_up()
        red = await plant(web, web.historian, root, RED)
        blue = await plant(web, web.historian, root, BLUE)
        yield Fleet(web, red, blue, list(route_rights(web.server._app)))


async def test_routes_of_devices_open_to_the_device_alone(fleet: Fleet) -> None:
    web, red, blue = fleet.web, fleet.red, fleet.blue
    document = (await web.client().get("/openapi.json")).json()
    schemes = {"deviceToken", "deviceHeader"}
    assert schemes <= document["components"]["securitySchemes"].keys()
    routes = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["tags"] == ["Device HTTP"]
    ]
    assert {(method, path) for method, path, _ in routes} == {
        ("POST", "/api/v1/{token}/telemetry"),
        ("POST", "/api/v1/{token}/attributes"),
        ("GET", "/api/v1/{token}/attributes"),
        ("POST", "/api/v1/devices/{device_id}/telemetry"),
    }
    tokens = {}
    for tenant in (red, blue):
        issued = await tenant.client.post(f"/api/v1/devices/{tenant.ids['device_id']}/credentials", json={})
        assert issued.status_code == 201, issued.text
        tokens[tenant.marker] = issued.json()["token"]
    person = await red.client.post("/api/v1/tokens", json={"name": "t", "roles": ["administrator"]})
    assert person.status_code == 201, person.text
    program = person.json()["token"]

    async def device(
        method: str, path: str, token: str, client: httpx.AsyncClient, how: str = "bearer"
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if how == "bearer" else {"X-Device-Token": token}
        where = path.replace("{token}", token or "-").replace("{device_id}", red.ids["device_id"])
        more: dict[str, Any] = {"json": {f"{RED}_property": 1.0}} if method == "POST" else {}
        return await client.request(method, where, headers=headers if "{device_id}" in path and token else {}, **more)

    for method, path, operation in routes:
        named = "{device_id}" in path
        assert operation["security"] == ([{"deviceToken": []}, {"deviceHeader": []}] if named else [{}])
        for how in ("bearer", "header") if named else ("bearer",):
            own = await device(method, path, tokens[RED], web.client(), how)
            assert own.status_code == 200, (path, own.text)
        # A neighbour's device is a stranger here, as nobody and as everybody who is signed in is.
        refused = [await device(method, path, "no-such-token", web.client())]
        refused.append(await device(method, path, program, web.client()))
        refused += [await device(method, path, "no-such-token", client) for client in red.clients.values()]
        if named:
            refused += [await device(method, path, tokens[BLUE], web.client(), how) for how in ("bearer", "header")]
            refused.append(await device(method, path, "", web.client()))
            refused += [await device(method, path, "", client) for client in red.clients.values()]
        assert {each.status_code for each in refused} == {401}, [each.text for each in refused]
        assert len({plain(each) for each in refused}) == 1, "all is answered alike"
        assert not any(leaks(each, red) for each in refused)
    # What is read is the device's own, and nobody's of the neighbour.
    for tenant, other in ((red, blue), (blue, red)):
        found = await web.client().get(f"/api/v1/{tokens[tenant.marker]}/attributes")
        assert found.status_code == 200
        assert not leaks(found, other)
    # A device's token opens nothing of people.
    for right in fleet.rights:
        if right.takes == "public" or right.method != "GET":
            continue
        where = re.sub(r"\{(\w+)\}", lambda match: red.ids.get(match[1], "x"), right.path)
        answer = await web.client(token=tokens[RED]).get(where)
        assert answer.status_code == 401, (right, answer.text)
