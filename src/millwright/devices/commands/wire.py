"""What commands and their answers look like over MQTT: in our own dialect, and in that of ThingsBoard's device API.

Own topics. To the device on ``millwright/v1/commands/request``::

    {"id": "cmd_…", "kind": "write", "property": "setpoint", "value": 42.5, "expires_ms": 1790000000000}
    {"id": "cmd_…", "kind": "call", "service": "restart", "inputs": {"delay_s": 5}, "expires_ms": …}

and from it on ``millwright/v1/commands/response``::

    {"id": "cmd_…", "status": "ok" | "accepted" | "error", "value": 42.5, "outputs": {…}, "message": "…"}

ThingsBoard's (MQTT Device API, "RPC API" and "Attributes API"). To the device on ``v1/devices/me/rpc/request/<number>``
``{"method": …, "params": …}``, its answer on ``v1/devices/me/rpc/response/<number>``; a shared attribute on
``v1/devices/me/attributes`` as ``{"setpoint": 42.5}``. A write is the method ``setProperty`` with
``{"property": …, "value": …}``, since ThingsBoard names none; a service is a method with its inputs.
A device's own question comes on ``v1/devices/me/rpc/request/<number>`` and is answered on ``…/response/<number>``.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from millwright.devices.commands.model import Command
from millwright.devices.telemetry import Unreadable

OWN_REQUEST: Final = "millwright/v1/commands/request"
OWN_RESPONSE: Final = "millwright/v1/commands/response"
TB_REQUEST: Final = "v1/devices/me/rpc/request/"
TB_RESPONSE: Final = "v1/devices/me/rpc/response/"
TB_ATTRIBUTES: Final = "v1/devices/me/attributes"
MOST_BYTES: Final = 64 * 1024
"""Largest answer that is read."""

_MOST_TEXT: Final = 500
_LAST: Final = 2**53
_DEEPEST: Final = 64

Dialect = Literal[
    "own", "tb_rpc", "tb_attributes", "alink", "jetlinks", "tb_gateway_rpc", "tb_gateway_attr", "gbt32960"
]
Status = Literal["ok", "accepted", "error"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a device said about a command, named by ``command_id`` or ``number``; ``status`` ``None``: unreadable."""

    device_id: str
    received_ms: int
    command_id: str | None = None
    number: int | None = None
    status: Status | None = None
    value: Any = None
    outputs: Any = None
    text: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request by a device (client-side RPC)."""

    device_id: str
    number: int
    method: str
    received_ms: int


class _Own(msgspec.Struct, frozen=True):
    id: str
    status: Status
    value: Any = None
    outputs: dict[str, Any] | None = None
    message: str = ""


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Method(msgspec.Struct, frozen=True):
    method: str
    params: Any = None


_own = msgspec.json.Decoder(_Own)
_named = msgspec.json.Decoder(_Named)
_method = msgspec.json.Decoder(_Method)


def is_command_topic(topic: str) -> bool:
    """Whether devices publish answers or questions there."""
    return topic == OWN_RESPONSE or topic.startswith((TB_RESPONSE, TB_REQUEST))


def dialects(command: Command) -> list[tuple[Dialect, str]]:
    """The topics a device may take the command on, best first: our own, then as ThingsBoard's own server does it."""
    found: list[tuple[Dialect, str]] = [("own", OWN_REQUEST)]
    if command.kind == "write":
        found.append(("tb_attributes", TB_ATTRIBUTES))
    found.append(("tb_rpc", f"{TB_REQUEST}{command.number}"))
    return found


def encode(command: Command, dialect: Dialect) -> bytes:
    """The message that carries the command."""
    if dialect == "tb_attributes":
        return msgspec.json.encode({command.name: command.value})
    if dialect == "tb_rpc":
        if command.kind == "write":
            return msgspec.json.encode(
                {"method": "setProperty", "params": {"property": command.name, "value": command.value}}
            )
        return msgspec.json.encode({"method": command.name, "params": command.inputs})
    body: dict[str, Any] = {"id": command.id, "kind": command.kind}
    if command.kind == "write":
        body |= {"property": command.name, "value": command.value}
    else:
        body |= {"service": command.name, "inputs": command.inputs}
    return msgspec.json.encode(body | {"expires_ms": command.deadline_ms or command.expires_ms})


def read(device_id: str, topic: str, payload: bytes, received_ms: int) -> Answer | Question:
    """What a device said on a command topic.

    Raises :class:`Unreadable` for what names no command. What names one and says nothing that can be read is an answer
    with no status: it ends the command.
    """
    if topic == OWN_RESPONSE:
        return _read_own(device_id, payload, received_ms)
    asks = topic.startswith(TB_REQUEST)
    digits = topic.removeprefix(TB_REQUEST if asks else TB_RESPONSE)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 16 or int(digits) > _LAST:
        raise Unreadable("commands.topic", f"{topic[:100]!r} does not end in a number.")
    number = int(digits)
    if asks:
        try:
            found = _method.decode(payload)
        except (ValueError, RecursionError):
            return Question(device_id=device_id, number=number, method="", received_ms=received_ms)
        return Question(device_id=device_id, number=number, method=found.method[:100], received_ms=received_ms)
    return read_tb(device_id, number, payload, received_ms)


def answer_of(
    device_id: str, number: int, received_ms: int, *, ok: bool, value: Any = None, outputs: Any = None, text: str = ""
) -> Answer:
    """An answer in another platform's words, as it can be kept."""
    answer = Answer(device_id=device_id, received_ms=received_ms, number=number)
    try:
        value, outputs = _kept(value), _kept(outputs)
    except (ValueError, RecursionError) as error:
        return msgspec.structs.replace(answer, text=_text(str(error)[:200]))
    status: Status = "ok" if ok else "error"
    return msgspec.structs.replace(answer, status=status, value=value, outputs=outputs, text=_text(text[:_MOST_TEXT]))


def _read_own(device_id: str, payload: bytes, received_ms: int) -> Answer:
    try:
        _check_size(payload)
        found = _own.decode(payload)
        value, outputs = _kept(found.value), _kept(found.outputs)
    except (ValueError, RecursionError) as error:
        command_id = _find_id(payload)
        if command_id is None:
            raise Unreadable("commands.unreadable", f"This is no answer to a command: {str(error)[:200]}") from None
        return Answer(device_id=device_id, received_ms=received_ms, command_id=command_id, text=_text(str(error)[:200]))
    if "\0" in found.id:
        raise Unreadable("commands.unreadable", "This is no answer to a command: its id holds U+0000.")
    return Answer(
        device_id=device_id,
        received_ms=received_ms,
        command_id=found.id[:64],
        status=found.status,
        value=value,
        outputs=outputs,
        text=_text(found.message[:_MOST_TEXT]),
    )


def _find_id(payload: bytes) -> str | None:
    try:
        found = _named.decode(payload).id
    except (ValueError, RecursionError):
        return None
    return found[:64] if "\0" not in found else None


def read_tb(device_id: str, number: int, payload: bytes, received_ms: int) -> Answer:
    """ThingsBoard says nothing of what is in an answer: any JSON is one; what says ``error`` is a refusal."""
    answer = Answer(device_id=device_id, received_ms=received_ms, number=number)
    try:
        _check_size(payload)
        found = _kept(msgspec.json.decode(payload)) if payload.strip() else {}
    except (ValueError, RecursionError) as error:
        return msgspec.structs.replace(answer, text=_text(str(error)[:200]))
    if not isinstance(found, dict):
        return msgspec.structs.replace(answer, status="ok", value=found)
    failed = found.get("error") or found.get("success") is False or found.get("status") in ("error", "ERROR")
    if failed:
        said = found.get("error") or found.get("message") or "the device refused"
        return msgspec.structs.replace(answer, status="error", text=_text(str(said)[:_MOST_TEXT]))
    outputs = {key: value for key, value in found.items() if key not in ("success", "status")}
    return msgspec.structs.replace(answer, status="ok", value=found.get("value"), outputs=outputs)


def _check_size(payload: bytes) -> None:
    if len(payload) > MOST_BYTES:
        raise ValueError(f"it has {len(payload)} bytes, more than {MOST_BYTES}")


def _text(said: str) -> str:
    """Without U+0000, which no database keeps."""
    return said.replace("\0", "")


def _kept(value: Any, depth: int = 0) -> Any:
    """JSON as it can be kept: without U+0000, whole numbers beyond 64 bits as the nearest float, beyond that as text.

    Raises ``ValueError`` for what is nested too deeply.
    """
    if depth > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_kept(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {_text(key): _kept(each, depth + 1) for key, each in value.items()}
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        try:
            return float(value)
        except OverflowError:
            digits = str(value)
            return f"{digits[:20]}… ({len(digits)} digits)"
    return value


def encode_reply(question: Question, now_ms: int) -> tuple[str, bytes]:
    """The answer to a device's question: the topic and the message. Only the time can be asked for."""
    topic = f"{TB_RESPONSE}{question.number}"
    if question.method in ("getTime", "getCurrentTime"):
        return topic, msgspec.json.encode({"time": now_ms})
    said = f"This node does not know the method {question.method!r}." if question.method else "This is no request."
    return topic, msgspec.json.encode({"error": said, "hint": "Methods known: getTime."})
