"""The topics of JetLinks: ``/{productId}/{deviceId}/properties/report`` and what else carries values or presence.

``/{productId}/{deviceId}/child/{childDeviceId}/…`` is said of a device below a gateway. What an event tells becomes the
properties ``<event>.<name>``; of a single value ``<event>``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from millwright.devices.dialects.model import Address, CommandAnswer, Part, Said, number_of
from millwright.devices.dialects.topics import Route
from millwright.devices.telemetry import Unreadable

_CHILD: Final = "child/"
_EVENT: Final = "event/"
_PRESENCE: Final = {
    "online": True, "connected": True, "connect": True, "offline": False, "disconnect": False, "disconnected": False,
    "unregister": False,
}  # fmt: skip


class _Report(msgspec.Struct, gc=False):
    properties: msgspec.Raw
    timestamp: int | None = None
    source_times: dict[str, int] | None = msgspec.field(default=None, name="propertySourceTimes")


class _Event(msgspec.Struct, gc=False):
    data: Any = None
    timestamp: int | None = None


class _Tags(msgspec.Struct, gc=False):
    tags: msgspec.Raw
    timestamp: int | None = None


class _Answer(msgspec.Struct, gc=False):
    message_id: str | int | None = msgspec.field(default=None, name="messageId")
    success: bool = True
    properties: dict[str, Any] | None = None
    output: Any = None
    code: str | int = ""
    message: str = ""


_report: Final = msgspec.json.Decoder(_Report)
_event: Final = msgspec.json.Decoder(_Event)
_tags: Final = msgspec.json.Decoder(_Tags)
_answer: Final = msgspec.json.Decoder(_Answer)
_ANSWERS: Final = frozenset({"properties/write/reply", "function/invoke/reply"})


def read(route: Route, payload: bytes) -> Said:
    """What a message says. Raises :class:`Unreadable`."""
    action, address = route.action, Address("jetlinks", route.product, route.name)
    below = action.startswith(_CHILD)
    if below:
        name, _, action = action[len(_CHILD) :].partition("/")
        address = Address("jetlinks", "", name)
    try:
        if action in _ANSWERS:
            return Said(answer=_answered(payload, address))
        return Said([_part(action, payload, address, below=below)])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("dialect.message", f"The message is none of JetLinks' {action[:80]}: {error}.") from None


def _answered(payload: bytes, address: Address) -> CommandAnswer:
    """What a device says of a command; of a write it may repeat the value."""
    found = _answer.decode(payload)
    values = list((found.properties or {}).values())
    value = values[0] if len(values) == 1 else None
    outputs = found.output if isinstance(found.output, dict) else None
    if found.output is not None and outputs is None:
        value = found.output
    text = "" if found.success else found.message or f"The device refused ({found.code})."
    return CommandAnswer(address, number_of(found.message_id), found.success, value, outputs, text)


def _part(action: str, payload: bytes, address: Address, *, below: bool) -> Part:
    if action == "properties/report":
        report = _report.decode(payload)
        if not report.source_times:
            return Part(address, [_timed(report.timestamp, bytes(report.properties))])
        return Part(address, _by_source_time(report, report.source_times))
    if action.startswith(_EVENT) and action.count("/") == 1:
        event = _event.decode(payload)
        told = True if event.data is None or event.data == {} else event.data
        return Part(address, [_timed(event.timestamp, orjson.dumps({action[len(_EVENT) :]: told}))])
    if action == "tags":
        tags = _tags.decode(payload)
        return Part(address, [_timed(tags.timestamp, bytes(tags.tags))])
    if action == "register":
        return Part(address)
    if action in _PRESENCE:
        return Part(address, online=_PRESENCE[action] if below else None)
    if action.endswith("/reply"):
        raise Unreadable("dialect.answer_unasked", "It answers a command that was not given here.")
    raise Unreadable("telemetry.topic_unknown", f"Nothing here reads {action[:200]!r}.")


def _timed(time_ms: int | None, values: bytes) -> bytes:
    return values if time_ms is None else b'{"ts":%d,"values":%b}' % (time_ms, values)


def _by_source_time(report: _Report, times: dict[str, int]) -> list[bytes]:
    by_time: dict[int | None, dict[str, Any]] = {}
    for name, value in msgspec.json.decode(bytes(report.properties), type=dict[str, Any]).items():
        by_time.setdefault(times.get(name, report.timestamp), {})[name] = value
    return [_timed(time_ms, orjson.dumps(values)) for time_ms, values in by_time.items()]
