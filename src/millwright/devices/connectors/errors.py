"""Errors of connectors: one function for each."""

from __future__ import annotations

from collections.abc import Iterable

from millwright.kernel import Conflict, Denied, Invalid, NotFound, Unavailable, Unsupported


def kind_unknown(kind: str, known: Iterable[str]) -> NotFound:
    """No installed package speaks this protocol."""
    return NotFound(
        f"No connector is called {kind!r}.",
        code="connectors.kind_unknown",
        hint=f"Installed are {', '.join(sorted(known)) or 'none'}; install the package that brings it.",
        detail={"kind": kind},
    )


def kind_broken(kind: str, why: str) -> Unavailable:
    """The package of this protocol cannot be loaded."""
    return Unavailable(
        f"The connector {kind!r} cannot be loaded: {why}",
        code="connectors.kind_broken",
        hint="Install its package and what that needs again, in the version for this Millwright.",
        detail={"kind": kind},
    )


def enterprises_closed(kind: str) -> Denied:
    """Connections from this node are for the organisation that runs it."""
    return Denied(
        f"From this node only the organisation that runs it connects machines by {kind!r}.",
        code="connectors.enterprises_closed",
        hint="Connect the machine by an edge of your own, or ask the node's operator to set [connectors] enterprises.",
        detail={"kind": kind},
    )


def node_only(kind: str) -> Denied:
    """The connector could use files or serial ports of the node's machine."""
    return Denied(
        f"This connection by {kind!r} would use files or serial ports of the machine that the node runs on.",
        code="connectors.node_only",
        hint="Only the organisation that runs the node may do that; ask its engineers to make the connection.",
        detail={"kind": kind},
    )


def node_data(name: str) -> Denied:
    """The connector would read or write what the node itself keeps."""
    return Denied(
        f"The setting {name!r} names something in the node's own data folder.",
        code="connectors.node_data",
        hint="Choose a folder or file elsewhere.",
        detail={"pointer": f"/settings/{name}"},
    )


def secrets_needed(names: Iterable[str]) -> Invalid:
    """Secrets given for one peer are not sent to another."""
    listed = sorted(names)
    return Invalid(
        f"Other settings than before may mean another machine: give {', '.join(listed)} again.",
        code="connectors.secrets_needed",
        hint="What was kept sealed for one machine is not sent to another.",
        detail={"secrets": listed},
    )


def settings_invalid(kind: str, why: str, pointer: str) -> Invalid:
    """The settings do not fit the protocol; ``pointer`` (RFC 6901) says which one."""
    return Invalid(
        f"The settings do not fit {kind}: {why}",
        code="connectors.settings_invalid",
        hint=f"Mend {pointer or 'them'}; GET /api/v1/connectors/kinds describes every field.",
        detail={"pointer": f"/settings{pointer}"},
    )


def points_taken(taken: Iterable[str]) -> Conflict:
    """These properties are fed by other points."""
    names = sorted(taken)
    return Conflict(
        f"Another point feeds {', '.join(names[:5])}{' …' if len(names) > 5 else ''} already.",
        code="connectors.property_taken",
        hint="A property of a device has one source; remove that point first, or choose another property.",
        detail={"properties": names[:100]},
    )


def too_slow(what: str, timeout_s: float) -> Unavailable:
    """The other side, or its connector, took too long."""
    return Unavailable(
        f"{what} took longer than {timeout_s:g} s.",
        code="connectors.timeout",
        hint="Look whether the device is on, reachable from this node and not busy; raise timeout_s if it is slow.",
    )


def ended() -> Unavailable:
    """A session ended by itself without saying why."""
    return Unavailable(
        "The session ended by itself.", code="connectors.session_ended", hint="It is opened again; look at the device."
    )


def silent(for_s: float) -> Unavailable:
    """A session neither delivers nor answers."""
    return Unavailable(
        f"Nothing was delivered for {for_s:.0f} s, and a question was not answered.",
        code="connectors.silent",
        hint="The session is opened again. If that repeats, look at the network and the device's log.",
    )


def failed(error: BaseException) -> Unavailable:
    """A connector raised what it should not."""
    return Unavailable(
        f"The connector failed: {error!r}"[:500],
        code="connectors.failed",
        hint="This is a mistake in the connector; report it with the log of the role connectors.",
    )


def not_running() -> Unavailable:
    """The process that speaks field protocols does not answer."""
    return Unavailable(
        "The process that speaks field protocols does not answer.",
        code="connectors.host_away",
        hint="It starts by itself within seconds; on a node spread over machines run `millwright run connectors`.",
    )


def scale_ambiguous(address: str) -> Conflict:
    """Writable points at one address have different scales: which of them is meant cannot be told."""
    return Conflict(
        f"Writable points with different scales stand at {address}, so nothing is written there.",
        code="connectors.scale_ambiguous",
        hint="Leave one of them writable, or give all of them the same scale and offset.",
    )


def not_writable(address: str) -> Unsupported:
    """The point was not made writable."""
    return Unsupported(
        f"The point {address} may not be written.",
        code="connectors.not_writable",
        hint="Make the point writable first, if the device allows it.",
    )
