"""ThingsBoard's gateway API, and requests for attributes (*MQTT Gateway API*, *MQTT Device API*)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from millwright.devices.dialects.model import Address, AttributeQuestion, CommandAnswer, Part, Said, number_of
from millwright.devices.dialects.topics import ATTRIBUTES_REQUEST, GATEWAY, Route
from millwright.devices.telemetry import Unreadable

_by_device: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entries: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Named(msgspec.Struct, gc=False):
    device: str
    type: str | None = None


class _Request(msgspec.Struct, gc=False):
    device: str
    id: int | str | None = None
    client: bool = False
    key: str | None = None
    keys: list[str] | None = None


class _Answer(msgspec.Struct, gc=False):
    device: str
    id: int | str
    data: msgspec.Raw = msgspec.Raw(b"{}")


_named: Final = msgspec.json.Decoder(_Named)
_request: Final = msgspec.json.Decoder(_Request)
_answer: Final = msgspec.json.Decoder(_Answer)


def read(route: Route, payload: bytes) -> Said:
    """What a message says. Raises :class:`Unreadable`."""
    action = route.action
    try:
        if action.startswith(ATTRIBUTES_REQUEST):
            return _own_question(action[len(ATTRIBUTES_REQUEST) :], payload)
        kind = action[len(GATEWAY) :]
        if kind in ("telemetry", "attributes"):
            return Said([_part(name, raw) for name, raw in _by_device.decode(payload).items()])
        if kind in ("connect", "disconnect"):
            named = _named.decode(payload)
            return Said([Part(_address(named.device), online=kind == "connect", type=named.type or "")])
        if kind == "attributes/request":
            return _question(_request.decode(payload))
        if kind == "rpc":
            said = _answer.decode(payload)
            return Said(answer=CommandAnswer(_address(said.device), number_of(said.id), raw=bytes(said.data)))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("dialect.message", f"The message is none of ThingsBoard's gateway API: {error}.") from None
    raise Unreadable("telemetry.topic_unknown", f"Nothing here reads the topic {action[:200]!r}.")


def _part(name: str, raw: msgspec.Raw) -> Part:
    data = bytes(raw)
    payloads = [bytes(each) for each in _entries.decode(data)] if data.startswith(b"[") else [data]
    return Part(_address(name), payloads, letter=b"{%b:%b}" % (orjson.dumps(name), data))


def _address(name: str) -> Address:
    if not name:
        raise Unreadable("dialect.message", "The name of a device is empty.")
    return Address("thingsboard", "", name)


def _own_question(request: str, payload: bytes) -> Said:
    wanted: dict[str, Any] = msgspec.json.decode(payload or b"{}", type=dict[str, Any])
    client, shared = (_keys(wanted.get(name)) for name in ("clientKeys", "sharedKeys"))
    if client is None and shared is not None:
        client = ()
    elif shared is None and client is not None:
        shared = ()
    topic = f"v1/devices/me/attributes/response/{request}"
    return Said(question=AttributeQuestion(topic, client, shared))


def _keys(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(key.strip() for key in value.split(",") if key.strip())
    return None


def _question(wanted: _Request) -> Said:
    keys = tuple(wanted.keys or ()) if wanted.key is None else (wanted.key,)
    return Said(
        question=AttributeQuestion(
            f"{GATEWAY}attributes/response",
            keys if wanted.client else (),
            () if wanted.client else keys,
            _address(wanted.device),
            wanted.id,
            single=wanted.key is not None,
        )
    )


def answer(question: AttributeQuestion, name: str, values: dict[str, Any]) -> bytes:
    """The answer to a question, by what is known of the device."""

    def chosen(keys: tuple[str, ...] | None) -> dict[str, Any]:
        return values if keys is None else {key: values[key] for key in keys if key in values}

    if question.address is None:
        found = {"client": chosen(question.client), "shared": chosen(question.shared)}
        return orjson.dumps({kind: known for kind, known in found.items() if known})
    keys = question.client or question.shared or ()
    head: dict[str, Any] = {"id": question.request_id, "device": name}
    if question.single:
        return orjson.dumps(head | ({"value": values[keys[0]]} if keys[0] in values else {}))
    return orjson.dumps(head | {"values": chosen(keys)})
