"""Commands reach devices of other platforms as those platforms say them, and their answers end the commands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from millwright.devices import DeviceQuery, ForeignAddress
from millwright.devices.commands.store import CommandStore
from millwright.kernel import SystemClock, new_id
from support.fleets import Client, running_node
from support.pipeline import eventually


@pytest.fixture
async def node(tmp_path):
    async with running_node(tmp_path) as running:
        yield running


def ask(node: Any, device_id: str, kind: str, name: str, value: Any = None, **inputs: Any) -> str:
    now = SystemClock().now_ms()
    row: dict[str, Any] = {
        "id": new_id("cmd"), "device_id": device_id, "kind": kind, "name": name, "value": value, "inputs": inputs,
        "unit": None, "tolerance": None, "confirm": "any", "reason": "", "by_id": "per_1", "by_name": "ada",
        "asked_ms": now, "expires_ms": now + 60_000, "timeout_s": 30.0, "batch_id": None,
    }  # fmt: skip
    return CommandStore(node.records).insert(row, key=None, most=99, supersede=False)[0].id


async def heard(client: Client, count: int = 1) -> list[tuple[str, Any]]:
    async def there() -> bool:
        return len(client.received) >= count

    await eventually(there)
    return client.received


async def ended(node: Any, command_id: str) -> Any:
    store = CommandStore(node.records)

    async def over() -> bool:
        found = await asyncio.to_thread(store.find, command_id)
        return found is not None and found.ended_ms is not None

    await eventually(over)
    return store.find(command_id)


async def test_a_device_of_alibaba_is_set_and_called(node):
    address = ForeignAddress(dialect="alibaba", product_key="a1Xy", name="pump7")
    device, token = await node.register("pump-7", address=address)
    async with Client(node.listener.port, "pump7&a1Xy", token) as client:
        await client.subscribe("/sys/a1Xy/pump7/thing/service/property/set")
        await client.subscribe("/sys/a1Xy/pump7/thing/service/start")
        write = ask(node, device.id, "write", "speed", 3.5)
        [(topic, message)] = await heard(client)
        assert topic == "/sys/a1Xy/pump7/thing/service/property/set"
        assert (message["params"], message["method"]) == ({"speed": 3.5}, "thing.service.property.set")
        await client.publish(f"{topic}_reply", {"id": message["id"], "code": 200, "data": {}})
        done = await ended(node, write)
        assert (done.state, done.route, done.attempts) == ("confirmed", "mqtt_alink", 1)
        call = ask(node, device.id, "call", "start", gear=2)
        topic, message = (await heard(client, 2))[1]
        assert (topic, message["params"]) == ("/sys/a1Xy/pump7/thing/service/start", {"gear": 2})
        await client.publish(f"{topic}_reply", {"id": message["id"], "code": 9201, "message": "door open"})
        refused = await ended(node, call)
        assert (refused.state, refused.outcome.code, refused.outcome.text) == (
            "failed", "commands.device_refused", "door open",
        )  # fmt: skip


async def test_a_device_of_jetlinks_is_set_and_called(node):
    address = ForeignAddress(dialect="jetlinks", product_key="prod", name="m1")
    device, token = await node.register("meter", address=address)
    async with Client(node.listener.port, "m1", token) as client:
        await client.subscribe("/prod/m1/#")
        write = ask(node, device.id, "write", "limit", 7)
        [(topic, message)] = await heard(client)
        assert (topic, message["properties"]) == ("/prod/m1/properties/write", {"limit": 7})
        # Another value than was asked for is no success.
        answer = {"messageId": message["messageId"], "properties": {"limit": 5}, "success": True}
        await client.publish(f"{topic}/reply", answer)
        assert (await ended(node, write)).outcome.code == "commands.other_value"
        call = ask(node, device.id, "call", "reset", soft=True)
        topic, message = (await heard(client, 2))[1]
        assert (topic, message["functionId"]) == ("/prod/m1/function/invoke", "reset")
        assert message["inputs"] == [{"name": "soft", "value": True}]
        await client.publish(f"{topic}/reply", {"messageId": message["messageId"], "output": {"took_s": 2}})
        done = await ended(node, call)
        assert (done.state, done.outputs) == ("confirmed", {"took_s": 2})


@pytest.mark.parametrize("subscribed", ["v1/gateway/rpc", "v1/gateway/attributes"])
async def test_a_device_below_a_gateway_of_thingsboard_is_reached_through_it(node, subscribed):
    gateway, token = await node.register("gw", kind="gateway")
    async with Client(node.listener.port, token) as client:
        await client.publish("v1/gateway/telemetry", {"Meter 1": [{"limit": 1}], "Meter 2": [{"limit": 1}]})

        async def registered() -> bool:
            return len((await node.devices.page(DeviceQuery(parent_id=gateway.id))).items) == 2

        await eventually(registered)
        below = {each.name: each.id for each in (await node.devices.page(DeviceQuery(parent_id=gateway.id))).items}
        await client.subscribe(subscribed)
        write = ask(node, below["Meter 1"], "write", "limit", 9)
        [(topic, message)] = await heard(client)
        assert (topic, message["device"]) == (subscribed, "Meter 1")
        if subscribed == "v1/gateway/rpc":
            assert message["data"]["params"] == {"property": "limit", "value": 9}
            # The answer of the other meter to the same number is none.
            for meter in ("Meter 2", "Meter 1"):
                data = {"error": "not mine"} if meter == "Meter 2" else {"success": True}
                await client.publish("v1/gateway/rpc", {"device": meter, "id": message["data"]["id"], "data": data})
        else:
            assert message["data"] == {"limit": 9}
            await client.publish("v1/gateway/telemetry", {"Meter 1": [{"limit": 9}]})
        assert (await ended(node, write)).state == "confirmed"


async def test_devices_below_gateways_of_alibaba_and_jetlinks(node):
    aliyun = ForeignAddress(dialect="alibaba", product_key="pk0", name="g0")
    gateway, token = await node.register("ali", kind="gateway", address=aliyun, registers=True)
    sub, _ = await node.register(
        "sub", kind="gateway_device", parent_id=gateway.id,
        address=ForeignAddress(dialect="alibaba", product_key="pk9", name="s1"),
    )  # fmt: skip
    async with Client(node.listener.port, "g0&pk0", token) as client:
        await client.subscribe("/sys/pk9/s1/thing/service/property/set")
        write = ask(node, sub.id, "write", "limit", 9)
        [(topic, message)] = await heard(client)
        assert topic == "/sys/pk9/s1/thing/service/property/set"
        await client.publish(f"{topic}_reply", {"id": message["id"], "code": 200})
        assert (await ended(node, write)).state == "confirmed"
    other = ForeignAddress(dialect="jetlinks", product_key="prod", name="g1")
    gateway, token = await node.register("jet", kind="gateway", address=other, registers=True)
    child, _ = await node.register(
        "child", kind="gateway_device", parent_id=gateway.id, address=ForeignAddress(dialect="jetlinks", name="c1")
    )
    async with Client(node.listener.port, "g1", token) as client:
        await client.subscribe("/prod/g1/child/c1/properties/write")
        write = ask(node, child.id, "write", "limit", 9)
        [(topic, message)] = await heard(client)
        answer = {"messageId": message["messageId"], "properties": {"limit": 9}}
        await client.publish(f"{topic}/reply", answer)
        assert (await ended(node, write)).state == "confirmed"
