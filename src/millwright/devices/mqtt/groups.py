"""Shared subscriptions (MQTT 5.0, 4.8.2): each message goes to one of the clients that share a filter under a name."""

from __future__ import annotations

from millwright.devices.mqtt.packets import IDENTIFIER_SHIFT, QOS, RETAIN_AS_PUBLISHED
from millwright.devices.mqtt.session import Session


class Group:
    """The clients of one device that share a filter.

    Messages go round among those that can take one at once, then among those that are connected, then to one that is
    away: its session keeps it.
    """

    __slots__ = ("_next", "members")

    def __init__(self) -> None:
        self.members: dict[Session, int] = {}
        self._next = 0

    def choose(self, qos: int) -> tuple[Session, int] | None:
        """Who gets the next message, and what it was granted; ``None`` when nobody can have it."""
        members = list(self.members.items())
        count = len(members)
        second: tuple[Session, int] | None = None
        third: tuple[Session, int] | None = None
        for step in range(count):
            session, grant = members[(self._next + step) % count]
            if session.has_window():
                self._next = (self._next + step + 1) % count
                return session, grant
            if session.connection is not None:
                second = second or (session, grant)
            elif qos and grant & QOS:
                third = third or (session, grant)
        self._next = (self._next + 1) % max(1, count)
        return second or third


def options_of(grant: int) -> tuple[int, bool, tuple[int, ...]]:
    """QoS, whether retain is as published, and identifiers of one subscription."""
    identifier = grant >> IDENTIFIER_SHIFT
    return grant & QOS, bool(grant & RETAIN_AS_PUBLISHED), (identifier,) if identifier else ()
