"""Errors of sensing and place: one function for each."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound, Outdated


def unknown(what: str, key: str) -> NotFound:
    """There is no ``what`` (``plan``, ``zone``, ``reader``, ``tag``, ``rule``) with this id."""
    return NotFound(
        f"There is no {what} {key}.",
        code=f"location.{what}_unknown",
        hint="It may have been deleted; list what there is.",
        detail={"id": key},
    )


def name_taken(what: str, name: str) -> Conflict:
    """Another ``what`` has the name."""
    return Conflict(
        f"Another {what} is named {name!r}.",
        code=f"location.{what}_name_taken",
        hint="Choose another name; names are compared without case.",
        detail={"name": name},
    )


def plan_in_use(key: str, zones: int, readers: int) -> Conflict:
    """Zones or readers are on the plan."""
    return Conflict(
        f"{zones} zones and {readers} readers are on the plan.",
        code="location.plan_in_use",
        hint="Move or delete those first.",
        detail={"id": key, "zones": zones, "readers": readers},
    )


def stale(what: str, current: int) -> Outdated:
    """The caller's revision is not the current one."""
    return Outdated(
        f"The {what} was changed meanwhile.",
        code="location.revision_stale",
        hint="Read it again and repeat the change on what it says now.",
        detail={"revision": current},
    )


def zone_invalid(message: str, pointer: str) -> Invalid:
    """A zone that nobody could enter, or that cannot be drawn."""
    return Invalid(message, code="location.zone_invalid", hint=f"Mend {pointer}.", detail={"pointer": pointer})


def image_invalid(why: str) -> Invalid:
    """A picture that is none, or too large."""
    return Invalid(
        f"The picture cannot be used: {why}",
        code="location.image_invalid",
        hint="Send a PNG, JPEG or WebP of at most 5 MB and 40 megapixels as the body.",
    )


def reader_invalid(message: str, pointer: str) -> Invalid:
    """A reader whose positions are half told."""
    return Invalid(message, code="location.reader_invalid", hint=f"Mend {pointer}.", detail={"pointer": pointer})


def tag_invalid(why: str) -> Invalid:
    """A name that no tag can have."""
    return Invalid(why, code="location.tag_invalid", hint="Write it as the reader sends it.")


def feedback_invalid(message: str, pointer: str) -> Invalid:
    """A rule that could not ask for anything."""
    return Invalid(message, code="location.rule_invalid", hint=f"Mend {pointer}.", detail={"pointer": pointer})


def command_denied(permission: str) -> Denied:
    """Who makes a rule must be allowed to give its command."""
    return Denied(
        f"The rule gives a command, which takes the permission {permission}.",
        code="location.command_denied",
        hint="Ask somebody who may command the device to make the rule.",
        detail={"permission": permission},
    )


def maker_gone(name: str, permission: str) -> Denied:
    """Who made the rule may not give its command any more, or is gone."""
    return Denied(
        f"{name} made the rule, and may not give its command any more: it takes the permission {permission}.",
        code="location.maker_gone",
        hint="Somebody who may command the device must save the rule once; it is in their name then.",
        detail={"permission": permission},
    )


def too_many(what: str, most: int) -> LimitExceeded:
    """The organisation has as many ``what`` (``zones``, ``rules``, ``tags``) as it may."""
    return LimitExceeded(
        f"An organisation may have {most} {what} of sensing and place.",
        code=f"location.{what}_too_many",
        hint=f"Remove what is not needed; the operator may raise [location] most_{what}.",
        detail={"most": most},
    )
