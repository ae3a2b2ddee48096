"""Errors of commands: one function for each, so that code, words and hint are in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from millwright.devices.commands.model import BatchRefusal, Command, Lock, Outcome
from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound, Outdated


def no_model(device: str) -> Invalid:
    """The device has no thing model, so nobody knows what of it may be written."""
    return Invalid(
        f"The device {device} has no thing model, so nothing of it may be commanded.",
        code="commands.no_model",
        hint="Give it a model that names its writable properties and its services.",
    )


def property_unknown(name: str, known: Iterable[str]) -> Invalid:
    """The model declares no property of this name."""
    near = get_close_matches(name, list(known), 1)
    return Invalid(
        f"The device's model has no property {name!r}.",
        code="commands.property_unknown",
        hint=f"Did you mean {near[0]!r}?" if near else "GET /api/v1/devices/{id}/properties lists them.",
        detail={"pointer": "/property"},
    )


def not_writable(name: str) -> Invalid:
    """The model says that the property may not be written."""
    return Invalid(
        f"The property {name!r} is not writable.",
        code="commands.not_writable",
        hint="Mark it as writable in the thing model, if the device takes it.",
        detail={"pointer": "/property"},
    )


def service_unknown(name: str, known: Iterable[str]) -> Invalid:
    """The model declares no service of this name."""
    near = get_close_matches(name, list(known), 1)
    return Invalid(
        f"The device's model has no service {name!r}.",
        code="commands.service_unknown",
        hint=f"Did you mean {near[0]!r}?" if near else "The thing model lists the services.",
        detail={"pointer": "/service"},
    )


def value_invalid(message: str, pointer: str) -> Invalid:
    """A value is of another type, or outside its range."""
    return Invalid(message, code="commands.value_invalid", hint=f"Mend {pointer}.", detail={"pointer": pointer})


def reason_required() -> Invalid:
    """The node asks for the reason of every command."""
    return Invalid(
        "A reason is needed.",
        code="commands.reason_required",
        hint="Say in `reason` why; this node asks for it ([commands] reason).",
        detail={"pointer": "/reason"},
    )


def device_disabled(device: str) -> Conflict:
    """A disabled device is not commanded."""
    return Conflict(
        f"The device {device} is disabled.", code="commands.device_disabled", hint="Enable it, then ask again."
    )


def locked(lock: Lock) -> Conflict:
    """A person has locked the device."""
    outcome = locked_outcome(lock)
    return Conflict(outcome.text, code=outcome.code, hint=outcome.hint, detail=outcome.detail)


def locked_outcome(lock: Lock) -> Outcome:
    """The same, as what became of a command."""
    return Outcome(
        code="commands.locked",
        text=f"{lock.by_name} has locked the device: {lock.reason}",
        hint="Ask them to release the lock when their work is done.",
        detail={"lock_id": lock.id, "by": lock.by_name, "placed_ms": lock.placed_ms},
    )


def interlocked(outcome: Outcome) -> Conflict:
    """An interlock stands against the command at the time of asking."""
    return Conflict(outcome.text, code="commands.interlocked", hint=outcome.hint, detail=outcome.detail)


def queue_full(limit: int) -> LimitExceeded:
    """Too many commands wait for the device."""
    return LimitExceeded(
        f"{limit} commands wait for the device already.",
        code="commands.queue_full",
        hint="Cancel some, or raise [commands] queue_per_device.",
        detail={"limit": limit},
    )


def unknown(command_id: str) -> NotFound:
    """There is no such command."""
    return NotFound(
        f"There is no command {command_id}.", code="commands.unknown", hint="GET /api/v1/commands lists them."
    )


def batch_unknown(batch_id: str) -> NotFound:
    """There is no such batch."""
    return NotFound(
        f"There is no batch {batch_id}.", code="commands.batch_unknown", hint="It may be of another organisation."
    )


def none_asked(refused: Sequence[BatchRefusal]) -> Conflict:
    """Not one of the devices could be asked."""
    return Conflict(
        f"None of {len(refused)} devices could be asked; the first: {refused[0].message}",
        code="commands.none_asked",
        hint="Mend what is said of each device in `refused`.",
        detail={"refused": [{"device_id": each.device_id, "code": each.code} for each in refused]},
    )


def under_way(command: Command) -> Conflict:
    """What was sent cannot be called back."""
    return Conflict(
        f"The command is {command.state}, so it cannot be cancelled.",
        code="commands.not_waiting",
        hint="Only what waits can be cancelled; send the opposite command instead.",
        detail={"state": command.state},
    )


def too_late(command: Command) -> Conflict:
    """The edge was asked, and has sent it already."""
    return Conflict(
        "It is too late: the edge that has the command has sent it to the device.",
        code="commands.too_late",
        hint="Look at the command's course for what became of it; send the opposite command instead.",
        detail={"state": command.state},
    )


def key_used() -> Conflict:
    """The idempotency key belongs to another command of the person."""
    return Conflict(
        "This Idempotency-Key was used for another command.",
        code="commands.key_used",
        hint="Use a new key for a new command.",
    )


def interlock_unknown(interlock_id: str) -> NotFound:
    """There is no such interlock."""
    return NotFound(
        f"There is no interlock {interlock_id}.",
        code="commands.interlock_unknown",
        hint="GET /api/v1/interlocks lists them.",
    )


def interlock_stale(interlock_id: str, current: int) -> Outdated:
    """Somebody changed it meanwhile."""
    return Outdated(
        "The interlock was changed meanwhile.",
        code="commands.interlock_stale",
        hint="Read it again and repeat the change.",
        detail={"id": interlock_id, "revision": current},
    )


def too_many_interlocks(limit: int) -> LimitExceeded:
    """The organisation has as many as it may have."""
    return LimitExceeded(
        f"No more than {limit} interlocks.",
        code="commands.interlock_limit",
        hint="Remove some, or raise [commands] interlocks.",
        detail={"limit": limit},
    )


def lock_unknown(lock_id: str) -> NotFound:
    """There is no such lock on the device, or it is released."""
    return NotFound(
        f"There is no lock {lock_id} on the device.",
        code="commands.lock_unknown",
        hint="It may have been released; the device's page shows those in force.",
    )


def lock_of_another(lock: Lock) -> Denied:
    """A lock is released by who placed it."""
    return Denied(
        f"The lock is {lock.by_name}'s.",
        code="commands.lock_of_another",
        hint="Whoever placed a lock releases it; an administrator may in their place.",
    )
