"""How sensing and place is joined in the processes of a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from millwright.app.node import Node
from millwright.devices.location import (
    FeedbackStore,
    Held,
    Location,
    LocationKeeper,
    LocationStore,
    LookStore,
    TrackStore,
)
from millwright.kernel.scope import EVERYTHING

MARKER = "location"
"""The role that follows tags, which runs only while there are readers."""

Hold = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Places:
    """What routes ask for, and what has the tracker started when it is needed."""

    location: Location
    keeper: LocationKeeper


def places_of(node: Node) -> Places:
    """The use cases of sensing and place."""
    records, settings = node.records, node.settings.location
    feedback = FeedbackStore(records, settings)
    location = Location(LocationStore(records, settings), LookStore(records), feedback, node.clock)
    keeper = LocationKeeper(LocationStore(records.scoped(EVERYTHING)), node.folder.wanted(MARKER))
    return Places(location, keeper)


def intake_hold(node: Node, others: Sequence[Hold]) -> Hold:
    """Up to which sequence the intake may be trimmed, as far as the tracker and ``others`` are concerned."""
    wanted = LocationStore(node.records.scoped(EVERYTHING)).wanted
    held = Held(node.bus, TrackStore(node.records), wanted, node.clock, node.settings.location.backlog_mb)

    async def hold() -> int:
        return min([await held.may_go(), *[await other() for other in others]])

    return hold
