"""Errors of the devices domain: one function for each, so that code, words and hint are in one place."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound, Outdated, Unsupported
from millwright.parties import NotSignedIn


def not_found(what: str, key: str) -> NotFound:
    """There is no ``what`` (``device``, ``model``, ``place``, ``credential``, ``arrival``) with this id."""
    return NotFound(
        f"There is no {what} {key}.",
        code=f"devices.{what}_unknown",
        hint="It may have been deleted; list what there is.",
        detail={"id": key},
    )


def name_taken(what: str, name: str) -> Conflict:
    """Another ``what`` has the name (compared without case)."""
    return Conflict(
        f"Another {what} is named {name!r}.",
        code=f"devices.{what}_name_taken",
        hint="Choose another name; names are compared without case.",
        detail={"name": name},
    )


def in_use(what: str, key: str, users: dict[str, int]) -> Conflict:
    """``what`` cannot be deleted: ``users`` counts what still needs it."""
    said = " and ".join(f"{count} {noun}" for noun, count in users.items() if count)
    return Conflict(
        f"The {what} is still used by {said}.",
        code=f"devices.{what}_in_use",
        hint="Move or delete those first.",
        detail={"id": key, **users},
    )


def stale(key: str, current: int) -> Outdated:
    """The caller's revision of the device is not the current one."""
    return Outdated(
        "The device was changed meanwhile.",
        code="devices.revision_stale",
        hint="Read it again and repeat the change on what it says now.",
        detail={"id": key, "revision": current},
    )


def invalid(message: str, pointer: str, *, code: str = "devices.invalid", hint: str = "") -> Invalid:
    """A value is wrong; ``pointer`` (RFC 6901) says which one of the document sent."""
    return Invalid(message, code=code, hint=hint or f"Mend the value at {pointer}.", detail={"pointer": pointer})


def binding_taken(group_id: str, edge_node_id: str, device_id: str | None) -> Conflict:
    """Another device has this Sparkplug address."""
    address = "/".join(filter(None, (group_id, edge_node_id, device_id)))
    return Conflict(
        f"Another device is bound to the Sparkplug address {address}.",
        code="devices.sparkplug_taken",
        hint="Every group, edge node and device name belongs to one device.",
        detail={"group_id": group_id, "edge_node_id": edge_node_id, "device_id": device_id},
    )


def address_taken(product_key: str | None, name: str) -> Conflict:
    """Another device has this name on the platform it comes from."""
    return Conflict(
        f"Another device is called {'/'.join(filter(None, (product_key, name)))} in that dialect.",
        code="devices.address_taken",
        hint="A product key and device name, or a name below a gateway, belong to one device.",
        detail={"product_key": product_key, "name": name},
    )


def edge_revoked(key: str) -> Conflict:
    """The edge was revoked: nothing can be put there."""
    return Conflict(
        "The edge was revoked.",
        code="devices.edge_revoked",
        hint="Make a new edge and let the machine join again.",
        detail={"id": key},
    )


def edges_closed() -> Unsupported:
    """Nobody listens for edges at this node."""
    return Unsupported(
        "This node lets no edges in.",
        code="devices.edges_closed",
        hint="Set [edges] port (usually 7422) and start the node again; edges come in there.",
    )


def code_wrong() -> Denied:
    """A code for joining is unknown, used or expired; which of these is not said."""
    return Denied(
        "This code is wrong, or it was used before, or it has expired.",
        code="devices.edge_code_wrong",
        hint="Make a new code for the edge at the parent (Edges, New code) and type the command it shows.",
    )


def credential_wrong() -> NotSignedIn:
    """An enrolment's token or one-time code is unknown, used, expired, or of another device."""
    return NotSignedIn(
        "This token or one-time code does not open the door to a device.",
        code="devices.credential_wrong",
        hint="Send the device's token or a fresh one-time code as password, its name (or nothing) as user.",
    )


def device_token_wrong() -> NotSignedIn:
    """A request of a device carries no token, or one that opens no door."""
    return NotSignedIn(
        "This token does not open the door to a device.",
        code="devices.token_wrong",
        hint="Send the device's token in the address or as `Authorization: Bearer …`; its page issues one.",
    )


def too_many(what: str, limit: int, setting: str, *, section: str = "devices") -> LimitExceeded:
    """A count is used up; ``setting`` raises it."""
    return LimitExceeded(
        f"No more than {limit} {what}.",
        code="devices.limit",
        hint=f"Remove some, or raise [{section}] {setting}.",
        detail={"limit": limit, "setting": setting},
    )
