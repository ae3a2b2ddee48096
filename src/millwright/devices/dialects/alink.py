"""Alibaba Cloud's Alink JSON: ``{"id": …, "version": …, "params": …, "method": …}`` (*Alink protocol*).

A value is plain, or ``{"value": …, "time": …}`` with milliseconds. What an event tells becomes the properties
``<event>.<output>``; an event that tells nothing is ``<event>`` true. A property of a module is
``<module>:<property>``, as it stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
import orjson

from millwright.devices.dialects.model import Address, CommandAnswer, Part, Said, number_of
from millwright.devices.dialects.topics import Route
from millwright.devices.telemetry import Unreadable

_EVENT: Final = "thing/event/"
_SERVICE: Final = "thing/service/"
_DONE: Final = 200
_TIMED: Final = frozenset({"value", "time"})


class _Sys(msgspec.Struct, gc=False):
    ack: int | bool | None = None


class _Request(msgspec.Struct, gc=False):
    id: str | int | None = None
    params: msgspec.Raw = msgspec.Raw(b"null")
    method: str | None = None
    sys: _Sys | None = None


class _Answer(msgspec.Struct, gc=False):
    code: int
    id: str | int | None = None
    data: Any = None
    message: str = ""


_request: Final = msgspec.json.Decoder(_Request)
_answer: Final = msgspec.json.Decoder(_Answer)


def read(route: Route, payload: bytes, *, now_ms: int) -> Said:
    """What a message says. Raises :class:`Unreadable`; the sender is answered all the same, see :func:`refusal`."""
    action = route.action
    if action == "ext/ntp/request":
        return _ntp(route, payload, now_ms)
    if action.startswith(_SERVICE) and action.endswith("_reply"):
        return Said(answer=_answered(route, payload))
    if action.endswith("_reply"):
        raise Unreadable("dialect.answer_unasked", "It answers a command that was not given here.")
    reader, said = _reader(action), Said()
    request = _decode(payload)
    try:
        said.parts = reader(bytes(request.params), _address(route.product, route.name))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable(f"its params are not what {action} has: {error!r}"[:200]) from None
    if request.sys is None or request.sys.ack != 0:
        said.reply_topic = _reply_topic(route)
        said.reply = _reply(request.id, _method(action), 200, "success", _data(action, request))
    return said


def refusal(route: Route, payload: bytes, why: Unreadable) -> tuple[str, bytes] | None:
    """Topic and answer for a message that could not be read, or ``None`` when none is due."""
    if route.action.endswith("_reply") or route.action.startswith("ext/ntp"):
        return None
    try:
        request = _decode(payload)
    except Unreadable:
        request = _Request()
    known = why.reason == "dialect.device_unknown"
    return _reply_topic(route), _reply(request.id, _method(route.action), 520 if known else 460, why.text, {})


def _answered(route: Route, payload: bytes) -> CommandAnswer:
    """What a device, or the gateway for it, says of a command."""
    try:
        found = _answer.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    outputs = found.data if isinstance(found.data, dict) else None
    done = found.code == _DONE
    text = "" if done else found.message or f"The device answered with the code {found.code}."
    address = _address(route.product, route.name)
    return CommandAnswer(address, number_of(found.id), done, outputs=outputs, text=text)


def _decode(payload: bytes) -> _Request:
    try:
        return _request.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(str(error)) from None


def _unreadable(why: str) -> Unreadable:
    return Unreadable("dialect.message", f"The message is no Alink JSON: {why}.")


def _reply_topic(route: Route) -> str:
    own, action = f"{route.product}/{route.name}", route.action
    if action.startswith("ext/session/"):
        return f"/ext/session/{own}/{action[len('ext/session/') :]}_reply"
    return "" if action.startswith("ota/") else f"/sys/{own}/{action}_reply"


def _method(action: str) -> str:
    return action.removeprefix("ext/session/").replace("/", ".")


def _reply(request_id: str | int | None, method: str, code: int, message: str, data: Any) -> bytes:
    said = {"code": code, "data": data, "id": "" if request_id is None else str(request_id)}
    return orjson.dumps(said | {"message": message, "method": method, "version": "1.0"})


def _data(action: str, request: _Request) -> Any:
    if action == "ext/session/combine/login":
        params = orjson.loads(bytes(request.params))
        return {"productKey": params["productKey"], "deviceName": params["deviceName"]}
    if action == "thing/topo/add":
        return [
            {key: each[key] for key in ("productKey", "deviceName")} for each in orjson.loads(bytes(request.params))
        ]
    return {}


# --- what each action's params say ------------------------------------------------------------------------------------

Reader = Callable[[bytes, Address], list[Part]]


def _reader(action: str) -> Reader:
    found = _READERS.get(action)
    if found is not None:
        return found
    if action.startswith(_EVENT) and action.endswith("/post") and action.count("/") == 3:
        event = action[len(_EVENT) : -len("/post")]
        return lambda params, sender: [Part(sender, list(_event(event, orjson.loads(params))))]
    raise Unreadable("telemetry.topic_unknown", f"Nothing here reads {action[:200]!r}.")


def _properties(params: bytes, sender: Address) -> list[Part]:
    if b'"value"' not in params:  # plain values: as they are what the JSON decoder reads
        if not params.startswith(b"{"):
            raise ValueError("no object")
        return [Part(sender, [params])]
    return [Part(sender, list(_write(_iter_properties(orjson.loads(params)))))]


def _iter_properties(found: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    """Time (``None``: none is stated), name and value."""
    for name, value in found.items():
        if isinstance(value, dict) and "value" in value and _TIMED.issuperset(value):
            yield value.get("time"), name, value["value"]
        else:
            yield None, name, value


def _iter_event(event: str, found: Any) -> Iterator[tuple[Any, str, Any]]:
    timed = isinstance(found, dict) and "value" in found and _TIMED.issuperset(found)
    value = found["value"] if timed else found
    yield (found.get("time") if timed else None), event, True if value in ({}, None) else value


def _event(event: str, found: Any) -> Iterator[bytes]:
    return _write(_iter_event(event, found))


def _write(values: Iterable[tuple[Any, str, Any]]) -> Iterator[bytes]:
    """Telemetry: one message for each time that is stated, one for all values without."""
    by_time: dict[Any, dict[str, Any]] = {None: {}}  # first, for it takes the time of reception
    for time, name, value in values:
        by_time.setdefault(time, {})[name] = value
    for time, found in by_time.items():
        if found:
            yield orjson.dumps(found if time is None else {"ts": time, "values": found})


def _batch(params: bytes, sender: Address) -> list[Part]:
    return [Part(sender, list(_write(_iter_lists(orjson.loads(params)))))]


def _iter_lists(found: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    for name, values in (found.get("properties") or {}).items():
        for value in values:
            yield from _iter_properties({name: value})
    for event, told in (found.get("events") or {}).items():
        for each in told:
            yield from _iter_event(event, each)


def _iter_pack(found: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    yield from _iter_properties(found.get("properties") or {})
    for event, told in (found.get("events") or {}).items():
        yield from _iter_event(event, told)


def _pack(params: bytes, sender: Address) -> list[Part]:
    found = orjson.loads(params)
    parts = [Part(sender, list(_write(_iter_pack(found))))]
    for each in found.get("subDevices") or ():
        letter = orjson.dumps({"id": "", "params": {"subDevices": [each]}, "sys": {"ack": 0}})
        parts.append(Part(_identity(each["identity"]), list(_write(_iter_pack(each))), letter=letter))
    return [part for part in parts if part.payloads or part.address != sender]


def _history(params: bytes, _sender: Address) -> list[Part]:
    parts = []
    for each in orjson.loads(params):
        values: list[tuple[Any, str, Any]] = []
        for found in each.get("properties") or ():
            values += _iter_properties(found)
        for told in each.get("events") or ():
            for event, value in told.items():
                values += _iter_event(event, value)
        letter = orjson.dumps({"id": "", "params": [each], "sys": {"ack": 0}})
        parts.append(Part(_identity(each["identity"]), list(_write(values)), letter=letter))
    return parts


def _attributes(params: bytes, sender: Address) -> list[Part]:
    values = {str(each["attrKey"]): each["attrValue"] for each in orjson.loads(params)}
    return [Part(sender, [orjson.dumps(values)])]


def _version(params: bytes, sender: Address) -> list[Part]:
    found = orjson.loads(params)
    module = found.get("module") or "default"
    name = "firmware_version" if module == "default" else f"firmware_version.{module}"
    return [Part(sender, [orjson.dumps({name: str(found["version"])})])]


def _topology(params: bytes, _sender: Address) -> list[Part]:
    return [Part(_identity(each)) for each in orjson.loads(params)]


def _login(params: bytes, _sender: Address) -> list[Part]:
    return [Part(_identity(orjson.loads(params)), online=True)]


def _logins(params: bytes, _sender: Address) -> list[Part]:
    return [Part(_identity(each), online=True) for each in orjson.loads(params)["deviceList"]]


def _logout(params: bytes, _sender: Address) -> list[Part]:
    found = orjson.loads(params)
    return [Part(_identity(each), online=False) for each in (found if isinstance(found, list) else [found])]


_READERS: Final[dict[str, Reader]] = {
    "thing/event/property/post": _properties,
    "thing/event/property/batch/post": _batch,
    "thing/event/property/pack/post": _pack,
    "thing/event/property/history/post": _history,
    "thing/deviceinfo/update": _attributes,
    "thing/topo/add": _topology,
    "ext/session/combine/login": _login,
    "ext/session/combine/batch_login": _logins,
    "ext/session/combine/logout": _logout,
    "ext/session/combine/batch_logout": _logout,
    "ota/device/inform/": _version,
}


def _ntp(route: Route, payload: bytes, now_ms: int) -> Said:
    try:
        sent = orjson.loads(payload)["deviceSendTime"]
    except (ValueError, KeyError, TypeError):
        raise _unreadable("it has no deviceSendTime") from None
    times = {"deviceSendTime": sent, "serverRecvTime": str(now_ms), "serverSendTime": str(now_ms)}
    return Said(reply_topic=f"/ext/ntp/{route.product}/{route.name}/response", reply=orjson.dumps(times))


def _identity(found: dict[str, Any]) -> Address:
    return _address(found["productKey"], found["deviceName"])


def _address(product: Any, name: Any) -> Address:
    if not (isinstance(product, str) and isinstance(name, str) and product and name):
        raise ValueError("productKey and deviceName are texts")
    return Address("alibaba", product, name)
