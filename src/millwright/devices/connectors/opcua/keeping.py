"""Sessions whose connection broke, kept until the next one with the same settings takes them up."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from millwright.devices.connectors.opcua.settings import OpcUaSettings

if TYPE_CHECKING:
    from millwright.devices.connectors.opcua.follower import Follower

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that the server may still have, and what was followed in it."""

    follower: Follower
    until: float


_kept: dict[OpcUaSettings, list[Kept]] = {}


def keep(settings: OpcUaSettings, follower: Follower, until: float | None = None) -> None:
    """Keep it for as long as the server promised to."""
    _forget()
    if sum(map(len, _kept.values())) < _MOST:
        _kept.setdefault(settings, []).append(Kept(follower, until or monotonic() + settings.keep_s))


def take(settings: OpcUaSettings) -> Kept | None:
    """The one that waited longest, which is then kept no more."""
    _forget()
    waiting = _kept.get(settings)
    found = waiting.pop(0) if waiting else None
    if not waiting:
        _kept.pop(settings, None)
    return found


def _forget() -> None:
    now = monotonic()
    for settings, waiting in list(_kept.items()):
        waiting[:] = [one for one in waiting if one.until > now]
        if not waiting:
            del _kept[settings]
