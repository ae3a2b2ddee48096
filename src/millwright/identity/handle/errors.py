"""Errors of the Handle protocol."""

from __future__ import annotations

from typing import Any

from millwright.kernel import Conflict, Corrupt, Denied, Invalid, NotFound, Unavailable, Unsupported


class MessageError(Invalid):
    """A message, or a value in it, is not what the protocol says (RFC 3652, 2)."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"A Handle message is malformed: {why}",
            code="handle.malformed",
            hint="Correct the sender; see RFC 3652, section 2.",
        )


def _shown(handle: bytes) -> str:
    return handle[:200].decode(errors="replace")


def invalid_handle(handle: bytes, why: str) -> Invalid:
    """The text cannot be a handle."""
    return Invalid(
        f"{_shown(handle)!r} is no handle: {why}.",
        code="handle.invalid",
        hint="A handle is a prefix, a slash and a suffix, in UTF-8.",
        detail={"handle": _shown(handle), "why": why},
    )


def invalid_value(why: str) -> Invalid:
    """A handle value breaks a rule."""
    return Invalid(
        f"A handle value is refused: {why}.",
        code="handle.value_invalid",
        hint="Indexes are positive and each is used once; data of types such as HS_ADMIN has a form of its own.",
        detail={"why": why},
    )


def handle_exists(handle: bytes) -> Conflict:
    """The handle to be created is there."""
    return Conflict(
        f"The handle {_shown(handle)} exists already.",
        code="handle.exists",
        hint="Add or modify its values, or choose another suffix.",
        detail={"handle": _shown(handle)},
    )


def value_exists(index: int) -> Conflict:
    """The value to be added is there."""
    return Conflict(
        f"There is a value with index {index} already.",
        code="handle.value_exists",
        hint="Modify it, or choose another index.",
        detail={"index": index},
    )


def handle_unknown(handle: bytes) -> NotFound:
    """Nobody has registered the handle."""
    return NotFound(
        f"The handle {_shown(handle)} is not registered.",
        code="handle.unknown",
        hint="Compare it with the source, character by character.",
        detail={"handle": _shown(handle)},
    )


def values_unknown(handle: bytes) -> NotFound:
    """The handle is there, and none of the values asked for."""
    return NotFound(
        f"The handle {_shown(handle)} has none of these values.",
        code="handle.values_unknown",
        hint="Ask without indexes and types to see what it has.",
        detail={"handle": _shown(handle)},
    )


def not_responsible(handle: bytes, why: str) -> NotFound:
    """Another service answers for this handle, or none does."""
    return NotFound(
        f"No service answers for the handle {_shown(handle)}: {why}.",
        code="handle.not_responsible",
        hint="Ask the service that its prefix handle names.",
        detail={"handle": _shown(handle), "why": why},
    )


def denied(why: str, response_code: int) -> Denied:
    """Authentication or permission is missing; ``response_code`` is what the protocol says."""
    return Denied(
        f"This needs an administrator of the handle: {why}.",
        code="handle.denied",
        hint="Authenticate as a value that an HS_ADMIN of the handle (or of its prefix) refers to.",
        detail={"why": why, "response_code": response_code},
    )


def broken_record(handle: bytes, why: str) -> Corrupt:
    """What is stored for a handle does not match its checksum."""
    return Corrupt(
        f"The stored record of {_shown(handle)} is broken: {why}.",
        code="handle.record_broken",
        hint="Restore the index from a backup or build it anew from the change log.",
        detail={"handle": _shown(handle), "why": why},
    )


def no_answer(handle: bytes, why: str, **detail: Any) -> Unavailable:
    """No server gave an answer that could be used."""
    return Unavailable(
        f"The handle {_shown(handle)} could not be resolved: {why}.",
        code="handle.no_answer",
        hint="Look whether the service of its prefix is up and reachable over UDP and TCP port 2641.",
        detail={"handle": _shown(handle), "why": why, **detail},
    )


def port_taken(host: str, port: int, why: str) -> Unavailable:
    """Something else listens there."""
    return Unavailable(
        f"The Handle server cannot open port {port} on {host} for TCP and UDP: {why}",
        code="handle.port_taken",
        hint="Stop the program that holds the port, or set [handle] port to another one.",
        detail={"host": host, "port": port},
    )


def unsupported(what: str) -> Unsupported:
    """Something that this implementation does not do."""
    return Unsupported(
        f"{what} is not supported here.",
        code="handle.unsupported",
        hint="See the explanation of the Handle protocol for what is.",
    )
