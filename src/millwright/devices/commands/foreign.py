"""Commands as the platforms say them that a device comes from, to it or through the gateway it is below.

Alibaba Cloud (*Alink protocol*): ``/sys/<product>/<device>/thing/service/property/set`` and
``…/thing/service/<service>`` with ``{"id": "17", "version": "1.0", "method": …, "params": {…}}``, answered on the topic
+ ``_reply``; a gateway has the topics of the devices below it. JetLinks (*official MQTT protocol*):
``/<product>/<device>/properties/write`` and ``…/function/invoke``, answered on the topic + ``/reply``; below a gateway
``/<product>/<gateway>/child/<device>/…``. ThingsBoard (*MQTT Gateway API*): ``v1/gateway/rpc`` with
``{"device": …, "data": {"id": 17, "method": …, "params": …}}``, answered there, and ``v1/gateway/attributes`` with
``{"device": …, "data": {…}}``, which only the value confirms.

Terminals of vehicles (*GB/T 32960.3, annex B*) are asked through the server that has their connection.

The answers are read where all messages of a dialect are: :mod:`millwright.devices.dialects`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from millwright.devices.commands.model import Command
from millwright.devices.commands.store import Addressed
from millwright.devices.commands.wire import Dialect, dialects, encode
from millwright.devices.dialects.topics import GATEWAY
from millwright.devices.vehicles import downward
from millwright.devices.vehicles.parameters import is_for_vehicles
from millwright.devices.vehicles.topics import DOWN

BY_MQTT = frozenset({"device", "gateway", "gateway_device"})
"""The kinds of device that take commands as JSON; the others speak Sparkplug."""


def carrier_of(each: Addressed) -> str:
    """The id of the device whose connection carries the command."""
    return str(each.parent_id) if each.device_kind == "gateway_device" else each.command.device_id


def ways(each: Addressed) -> list[tuple[Dialect, str]]:
    """The topics that the device, or its gateway, may take the command on, best first; empty: there is none."""
    if each.device_kind == "gateway_device":
        return _below(each)
    own, *others = dialects(each.command)
    command = each.command
    terminal: list[tuple[Dialect, str]] = [("gbt32960", DOWN)] if is_for_vehicles(command.kind, command.name) else []
    return [own, *_addressed(each), *others, *terminal]


def _addressed(each: Addressed) -> list[tuple[Dialect, str]]:
    root, command = f"/{each.realm}/{each.foreign_name}", each.command
    if each.dialect == "alibaba":
        return [("alink", f"/sys{root}/{_alink(command)}")]
    return [("jetlinks", f"{root}/{_jetlinks(command)}")] if each.dialect == "jetlinks" else []


def _below(each: Addressed) -> list[tuple[Dialect, str]]:
    if each.dialect == "thingsboard":
        found: list[tuple[Dialect, str]] = [("tb_gateway_rpc", f"{GATEWAY}rpc")]
        if each.command.kind == "write":
            found.insert(0, ("tb_gateway_attr", f"{GATEWAY}attributes"))
        return found
    if each.dialect == "jetlinks":
        if each.gateway is None or each.gateway[0] != "jetlinks":
            return []
        return [
            ("jetlinks", f"/{each.gateway[1]}/{each.gateway[2]}/child/{each.foreign_name}/{_jetlinks(each.command)}")
        ]
    return _addressed(each)


def _alink(command: Command) -> str:
    return "thing/service/property/set" if command.kind == "write" else f"thing/service/{command.name}"


def _jetlinks(command: Command) -> str:
    return "properties/write" if command.kind == "write" else "function/invoke"


def message(each: Addressed, dialect: Dialect, now_ms: int) -> bytes:
    """The message that carries the command; devices answer with its number. Raises ``ValueError`` when the dialect has
    no place for what was asked."""
    command = each.command
    body: dict[str, Any]
    given: dict[str, Any] = {command.name: command.value} if command.kind == "write" else command.inputs
    if dialect == "alink":
        method = _alink(command).replace("/", ".")
        body = {"id": str(command.number), "version": "1.0", "method": method, "params": given}
    elif dialect == "jetlinks":
        body = {"timestamp": now_ms, "messageId": str(command.number), "deviceId": each.foreign_name}
        body |= {"properties": given} if command.kind == "write" else _invocation(command)
    elif dialect == "gbt32960":
        return downward.encode(command.kind, command.name, command.number, command.value, command.inputs)
    elif dialect == "tb_gateway_attr":
        body = {"device": each.foreign_name, "data": given}
    elif dialect == "tb_gateway_rpc":
        asked = msgspec.json.decode(encode(command, "tb_rpc"))
        body = {"device": each.foreign_name, "data": {"id": command.number, **asked}}
    else:
        return encode(command, dialect)
    return msgspec.json.encode(body)


def _invocation(command: Command) -> dict[str, Any]:
    return {
        "functionId": command.name,
        "inputs": [{"name": name, "value": value} for name, value in command.inputs.items()],
    }
