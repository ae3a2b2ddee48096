"""Devices over HTTP: ThingsBoard's device API and our own route, on a real web host, broker and records."""

import asyncio
import json

import httpx
import pytest

from millwright.devices import NewCredential, NewDevice
from millwright.devices.arrivals.worker import SUBJECT
from millwright.devices.intake import INTAKE, decode_frame
from millwright.historian import Reading, ReadingBatch, SeriesInfo, series_id
from millwright.kernel.scope import EVERYTHING, within
from support.historian import T0
from support.pipeline import eventually
from support.web import running_web


@pytest.fixture
async def web(tmp_path):
    async with running_web(tmp_path, history=True, senders=True) as running:
        yield running


async def register(web, name="pump", **more):
    with within(EVERYTHING):
        device = await web.services.devices.registry.create(NewDevice(name=name, **more))
        issued = await web.services.devices.credentials.issue(device.id, NewCredential())
    return device, issued


async def runs(web):
    """Everything in the intake."""
    state = await web.bus.state(INTAKE.name)
    found = []
    async for message in web.bus.scan(INTAKE.name, first=state.first_sequence, last=state.last_sequence):
        found += decode_frame(message.data).runs
    return found


async def test_what_was_answered_200_is_in_the_intake(web):
    device, issued = await register(web)
    client = web.client()
    message = {"ts": T0, "values": {"speed": 1.5}}
    for answer in await asyncio.gather(
        client.post(f"/api/v1/{issued.token}/telemetry", json=message),
        client.post(f"/api/v1/{issued.token}/telemetry", json=[message, message]),
        client.post(f"/api/v1/{issued.token}/attributes", content=b'{"firmware":"2"}'),
        client.post(f"/api/v1/devices/{device.id}/telemetry", json=message, headers={"X-Device-Token": issued.token}),
        web.client(token=issued.token).post(f"/api/v1/devices/{device.id}/telemetry", json=message),
    ):
        assert (answer.status_code, answer.content) == (200, b""), answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
    found = await runs(web)
    assert {run.device_id for run in found} == {device.id}
    assert sorted((run.topic, json.loads(run.payloads[0])) == ("v1/devices/me/attributes", {"firmware": "2"})
                  for run in found) == [False] * 4 + [True]  # fmt: skip


async def test_a_wrong_token_is_refused_alike_and_becomes_an_arrival(web):
    device, issued = await register(web)
    other, _ = await register(web, "other")
    heard = []

    async def hear(_subject, payload):
        heard.append(payload)

    await web.bus.subscribe(SUBJECT, hear)
    client = web.client()
    disabled, shut = await register(web, "shut", disabled=True)
    answers = [
        await client.post("/api/v1/not-a-token/telemetry", json={"a": 1}),
        await client.post(f"/api/v1/{shut.token}/telemetry", json={"a": 1}),
        await client.get("/api/v1/not-a-token/attributes"),
        await client.post(
            f"/api/v1/devices/{other.id}/telemetry", json={"a": 1}, headers={"X-Device-Token": issued.token}
        ),
        await client.post(f"/api/v1/devices/{device.id}/telemetry", json={"a": 1}),
    ]
    told = {(each.status_code, each.json()["code"], each.json()["detail"]) for each in answers}
    assert told == {(401, "devices.token_wrong", "This token does not open the door to a device.")}

    async def reported():
        return len(heard) >= 2

    await eventually(reported)
    assert b"not-a-token" not in b"".join(heard)
    assert not await runs(web)
    assert disabled.id not in "".join(each.text for each in answers)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "devices.telemetry_unreadable"),
        (b"{", 400, "devices.telemetry_unreadable"),
        (b"[1]", 400, "devices.telemetry_unreadable"),
        (b'"text"', 400, "devices.telemetry_unreadable"),
        (b'{"a": NaN}', 400, "devices.telemetry_unreadable"),
        (b"\xff\xfe", 400, "devices.telemetry_unreadable"),
        (b'{"a":"' + b"x" * 70_000 + b'"}', 413, "devices.body_too_large"),
    ],
)
async def test_what_cannot_be_read_is_told(web, content, status, code):
    _, issued = await register(web)
    answer = await web.client().post(f"/api/v1/{issued.token}/telemetry", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not await runs(web)


async def test_methods_and_neighbouring_addresses(web):
    _, issued = await register(web)
    client = web.client()
    answer = await client.get(f"/api/v1/{issued.token}/telemetry")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    for path in (f"/api/v1/{issued.token}/rpc", f"/api/v1/{issued.token}/attributes/updates", "/api/v1//telemetry"):
        assert (await client.post(path, json={})).status_code in (401, 404, 405), path
    assert (await client.post(f"/api/v1/{issued.token}/telemetry", content=b"{}",
                              headers={"Content-Encoding": "gzip"})).status_code == 422  # fmt: skip


async def test_attributes_are_the_newest_known(web):
    device, issued = await register(web)
    names = {"speed": 2.5, "firmware": "3.1"}
    batch = ReadingBatch.of([Reading(series_id(device.id, name), T0, value) for name, value in names.items()])
    await web.historian.append(batch, [SeriesInfo.of(device.id, name) for name in names])
    await web.historian.flush()
    client = web.client()
    path = f"/api/v1/{issued.token}/attributes"
    assert (await client.get(path)).json() == {"client": names, "shared": names}
    asked = await client.get(path, params={"clientKeys": "speed,none", "sharedKeys": "firmware"})
    assert asked.json() == {"client": {"speed": 2.5}, "shared": {"firmware": "3.1"}}
    assert asked.headers["content-type"] == "application/json"


async def test_a_stream_that_is_away_is_said(web):
    _, issued = await register(web)
    client = web.client()
    path = f"/api/v1/{issued.token}/telemetry"
    assert (await client.post(path, json={"a": 1})).status_code == 200
    await web.nats.kill()
    try:
        answer = await client.post(path, json={"a": 2}, timeout=httpx.Timeout(20))
    finally:
        await web.nats.start()
    assert (answer.status_code, answer.json()["code"]) == (503, "devices.intake_unavailable")
    assert answer.headers["retry-after"]
