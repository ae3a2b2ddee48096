"""Fleets of other platforms on a real node's parts: broker, listener, access, records, pipeline, historian; paho and
httpx speak as those devices do."""

import asyncio

import pytest

from millwright.devices import DeviceQuery, ForeignAddress
from support.fleets import Client, running_node
from support.pipeline import eventually


@pytest.fixture
async def node(tmp_path):
    async with running_node(tmp_path) as running:
        yield running


async def test_a_thingsboard_gateway_brings_its_devices(node):
    gateway, token = await node.register("gw", kind="gateway")
    async with Client(node.listener.port, token) as client:
        await client.subscribe("v1/gateway/attributes/response")
        await client.subscribe("v1/devices/me/attributes/response/+")
        await client.publish("v1/gateway/connect", {"device": "Meter 1", "type": "meter"})
        await client.publish("v1/gateway/telemetry", {"Meter 1": [{"kwh": 7.5}], "Meter 2": [{"kwh": 9}]})
        await client.publish("v1/gateway/attributes", {"Meter 1": {"firmware": "2.0"}})
        await client.publish("v1/devices/me/attributes", {"site": "north"})
        request = {"id": 4, "device": "Meter 1", "client": True, "key": "firmware"}
        await client.publish("v1/gateway/attributes/request", request)
        await client.publish("v1/devices/me/attributes/request/9", {"clientKeys": "site,none"})

        async def answers():
            return len(client.received) == 2

        await eventually(answers)
        assert sorted(client.received) == [
            ("v1/devices/me/attributes/response/9", {"client": {"site": "north"}}),
            ("v1/gateway/attributes/response", {"id": 4, "device": "Meter 1", "value": "2.0"}),
        ]
    below = {each.name: each.id for each in (await node.devices.page(DeviceQuery(parent_id=gateway.id))).items}
    assert sorted(below) == ["Meter 1", "Meter 2"]
    assert await node.latest(below["Meter 1"]) == {"kwh": 7.5, "firmware": "2.0"}
    assert await node.latest(below["Meter 2"]) == {"kwh": 9.0}
    assert [letter for each in node.seen for letter in each.dead_letters] == []


async def test_an_alibaba_device_is_answered_and_stays_with_its_own(node):
    address = ForeignAddress(dialect="alibaba", product_key="a1Xy", name="pump7")
    device, token = await node.register("pump-7", address=address)
    post = "/sys/a1Xy/pump7/thing/event/property/post"
    async with Client(node.listener.port, "pump7&a1Xy", token, "pump7|securemode=3,signmethod=hmacsha1|") as client:
        assert await client.subscribe(f"{post}_reply") == 1
        assert await client.subscribe("/sys/a1Xy/pump8/#") == 0x80
        message = {"id": "77", "version": "1.0", "params": {"speed": {"value": 3.5, "time": 1_700_000_000_000}}}
        await client.publish(post, message)
        await client.publish(post, b'{"id":"78","params":3}')

        async def answers():
            return len(client.received) == 2

        await eventually(answers)
        assert [(topic, each["id"], each["code"]) for topic, each in client.received] == [
            (f"{post}_reply", "77", 200), (f"{post}_reply", "78", 460),
        ]  # fmt: skip
        assert await node.latest(device.id) == {"speed": 3.5}
        client.client.publish("/sys/a1Xy/pump8/thing/event/property/post", "{}", qos=1)
        assert await asyncio.to_thread(client.left.wait, 10)


async def test_a_jetlinks_device_reports(node):
    address = ForeignAddress(dialect="jetlinks", product_key="prod", name="m1")
    device, token = await node.register("meter", address=address)
    async with Client(node.listener.port, "m1", token, "m1") as client:
        await client.publish("/prod/m1/online", {"timestamp": 1_700_000_000_000})
        report = {"timestamp": 1_700_000_000_000, "properties": {"kwh": 5}}
        await client.publish("/prod/m1/properties/report", report)

        async def stored():
            return await node.latest(device.id) == {"kwh": 5.0}

        await eventually(stored)
