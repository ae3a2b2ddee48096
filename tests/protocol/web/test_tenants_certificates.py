"""Certificates of two enterprises on one node: a device's own enrolment stays in its enterprise, and ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import make_request, openssl
from support.tenants import Tenant, plant, remove
from support.web import RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


async def certificates(client: httpx.AsyncClient) -> set[str]:
    answer = await client.get("/api/v1/certificates", params={"kind": "device"})
    assert answer.status_code == 200, answer.text
    return {each["subject_id"] for each in answer.json()["items"]}


async def token_of(tenant: Tenant) -> str:
    answer = await tenant.client.post(f"/api/v1/devices/{tenant.ids['device_id']}/credentials", json={})
    return str(answer.json()["token"])


async def enrol(web: RunningWeb, token: str, folder: Path, name: str) -> httpx.Response:
    body = {"request": make_request(folder, name)}
    return await web.client().post("/api/v1/enrolment", json=body, headers={"Authorization": f"Bearer {token}"})


async def revoked(web: RunningWeb, authority_id: str) -> str:
    answer = await web.client().get(f"/api/v1/certificates/crl/{authority_id}")
    return openssl("crl", "-inform", "DER", "-noout", "-text", stdin=answer.content).replace(":", "").lower()


async def test_a_device_enrols_into_its_own_enterprise(web: RunningWeb, tmp_path: Path) -> None:
    root = await web.set_up()
    red, blue = await plant(web, None, root, "vermilion"), await plant(web, None, root, "cerulean")
    made = await enrol(web, await token_of(red), tmp_path, "own")
    assert made.status_code == 201, made.text
    assert await certificates(red.client) == {red.ids["device_id"]}
    assert await certificates(blue.client) == {blue.ids["device_id"]}
    assert await certificates(root) == set()
    path = f"/api/v1/devices/{red.ids['device_id']}/certificates"
    assert len((await red.client.get(path)).json()) == 2
    foreign = f"{path}/{made.json()['issued']['id']}"
    for client in (blue.client, root):
        assert (await client.get(path)).status_code == 404
        assert (await client.get(f"{foreign}/pem")).status_code == 404
        assert (await client.post(f"{foreign}/revocation", json={})).status_code == 404
        assert (await client.post(f"{path}/code", json={})).status_code == 404
    # A certificate of one's own device is not found below another's either.
    mixed = f"/api/v1/devices/{blue.ids['device_id']}/certificates/{made.json()['issued']['id']}/pem"
    assert (await blue.client.get(mixed)).status_code == 404
    # The authority is the node's: an enterprise's administrator neither sees nor replaces it.
    assert (await red.client.get("/api/v1/certificates/authorities")).status_code == 403
    assert (await red.client.post("/api/v1/certificates/authorities")).status_code == 403
    assert len((await root.get("/api/v1/certificates/authorities")).json()) == 2


async def test_certificates_end_with_their_enterprise(web: RunningWeb, tmp_path: Path) -> None:
    root = await web.set_up()
    red = await plant(web, None, root, "vermilion")
    token = await token_of(red)
    code = (await red.client.post(f"/api/v1/devices/{red.ids['device_id']}/certificates/code", json={})).json()["code"]
    made: dict[str, Any] = (await enrol(web, token, tmp_path, "own")).json()["issued"]
    organisation = f"/api/v1/organisations/{red.id}"
    assert (await root.patch(organisation, json={"suspended": True})).status_code == 200
    for secret in (token, code):
        refused = await enrol(web, secret, tmp_path, "late")
        assert (refused.status_code, refused.json()["code"]) == (401, "devices.credential_wrong")
    assert made["serial"] not in await revoked(web, made["authority_id"])
    await remove(root, red)
    assert made["serial"] in await revoked(web, made["authority_id"])
