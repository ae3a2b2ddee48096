"""What devices are answered over HTTP, for the OpenAPI document: the web host has no routes of these."""

from __future__ import annotations

from typing import Any, Final

TAG: Final = "Device HTTP"
SCHEMES: Final[dict[str, Any]] = {
    "deviceToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a device. It opens these routes alone, for that device alone; tokens of people "
        "and programs do not open them. ThingsBoard's routes take it in the path.",
    },
    "deviceHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Device-Token",
        "description": "The token of a device, for those that cannot set `Authorization`.",
    },
}
"""Security schemes of their own: a device is nobody who signs in."""

_MESSAGE: Final = {
    "type": "object",
    "additionalProperties": True,
    "description": "`{name: value}`, or `{ts: milliseconds, values: {name: value}}`.",
}
_MESSAGES: Final = {"oneOf": [_MESSAGE, {"type": "array", "items": _MESSAGE}]}
_TOKEN: Final = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The device's token, which is what lets it in.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 512},
}
_DEVICE: Final = {
    "name": "device_id",
    "in": "path",
    "required": True,
    "description": "The device that the token is of.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
}
_VALUES: Final = {"type": "object", "additionalProperties": True}


def paths(problem: dict[str, Any]) -> dict[str, Any]:
    """The routes; ``problem`` is the content of an answer that says how something failed."""
    by_token: list[Any] = [{}]
    by_header: list[Any] = [{"deviceToken": []}, {"deviceHeader": []}]
    read = {
        "operationId": "readDeviceAttributes",
        "summary": "The newest values that are known of the device that asks",
        "description": "As ThingsBoard has it. Client and shared attributes are both what is known of the property. "
        "Without keys everything is answered.",
        "parameters": [_TOKEN, _keys("clientKeys"), _keys("sharedKeys")],
        "responses": _responses(
            problem, {"type": "object", "properties": {"client": _VALUES, "shared": _VALUES}, "required": []}
        ),
    }
    return {
        "/api/v1/{token}/telemetry": {
            "post": _taking("sendTelemetryByToken", "Telemetry, as ThingsBoard has it", [_TOKEN], by_token, problem)
        },
        "/api/v1/{token}/attributes": {
            "get": {"tags": [TAG], "security": by_token, **read},
            "post": _taking("sendAttributesByToken", "Attributes, as ThingsBoard has it", [_TOKEN], by_token, problem),
        },
        "/api/v1/devices/{device_id}/telemetry": {
            "post": _taking("sendTelemetry", "Telemetry of a device", [_DEVICE], by_header, problem)
        },
    }


def _taking(name: str, summary: str, parameters: list[Any], security: list[Any], problem: dict[str, Any]) -> Any:
    return {
        "tags": [TAG],
        "operationId": name,
        "summary": summary,
        "description": "One message, or an array of them. Answered 200 when they are durable.",
        "parameters": parameters,
        "security": security,
        "requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGES}}},
        "responses": _responses(problem, None),
    }


def _responses(problem: dict[str, Any], document: dict[str, Any] | None) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "The messages are durable."}
    if document is not None:
        good = {"description": "What is known.", "content": {"application/json": {"schema": document}}}
    words = {
        "400": "The body cannot be read.",
        "401": "The token is none, or another device's; all is answered alike.",
        "429": "Faster than the rate, too large, or a quota is used up.",
        "503": "Nothing can be stored, or looked up, at the moment.",
        "default": "It failed; the code says how.",
    }
    return {"200": good, **{status: {"description": text, "content": problem} for status, text in words.items()}}


def _keys(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": "Names, separated by commas.",
        "schema": {"type": "string"},
    }
