"""Who is connected now and how forwarding does, as the role that has the connections tells it over the bus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe

logger = logging.getLogger(__name__)

_ASK_S: Final = 2.0
MOST_ASKED: Final = 1000


class Link(Struct, frozen=True, kw_only=True):
    """A connection of a terminal or a platform that is logged in."""

    device_id: str
    kind: Literal["vehicle", "platform"]
    name: Annotated[str, Meta(description="The VIN, or the platform's user name.")]
    peer: str
    edition: Annotated[int, Meta(description="Of the standard: 2016 or 2025.")]
    since_ms: int
    heard_ms: int
    messages: int


class ForwardTarget(Struct, frozen=True, kw_only=True):
    """A public platform that this node forwards to; ``code``, ``message`` and ``hint`` say what is wrong now."""

    name: str
    secured: bool
    connected: bool
    since_ms: int | None = None
    forwarded: int = 0
    reissued: int = 0
    given_up: int = 0
    code: str | None = None
    message: str = ""
    hint: str = ""
    problem_ms: int | None = None


class Links(Struct, kw_only=True):
    """``links`` of the devices that were asked about, and of all platforms; ``refused``: messages since the start."""

    links: list[Link] = []
    vehicles: int = 0
    platforms: int = 0
    refused: dict[str, int] = {}
    forwards: list[ForwardTarget] = []


class _Asked(Struct, frozen=True):
    device_ids: Sequence[str] = ()


def subject_of(node: str) -> str:
    """Where the role ``vehicles`` of a node is asked."""
    return f"vehicles.links.{node}"


class LinkDesk:
    """Answers for the role that has the connections. A :class:`millwright.kernel.Part`."""

    def __init__(self, bus: Bus, node: str, links: Callable[[Sequence[str]], Links]) -> None:
        self._bus, self._subject, self._links = bus, subject_of(node), links
        self._served: Unsubscribe | None = None

    async def start(self) -> None:
        """Listen."""
        self._served = await self._bus.serve(self._subject, self._answer)

    async def stop(self) -> None:
        """Listen no more."""
        if self._served is not None:
            await self._served()
            self._served = None

    async def _answer(self, payload: bytes) -> bytes:
        asked = msgspec.msgpack.decode(payload, type=_Asked)
        return msgspec.msgpack.encode(self._links(asked.device_ids[:MOST_ASKED]))


class LinkClient:
    """Asks that role."""

    def __init__(self, bus: Bus, node: str) -> None:
        self._bus, self._subject = bus, subject_of(node)

    async def find(self, device_ids: Sequence[str] = ()) -> Links | None:
        """What it says; ``None`` when it does not run, or is silent."""
        body = msgspec.msgpack.encode(_Asked(list(device_ids)))
        try:
            return msgspec.msgpack.decode(await self._bus.request(self._subject, body, timeout_s=_ASK_S), type=Links)
        except (MillwrightError, msgspec.MsgspecError) as error:
            logger.debug("the connections of vehicles are not known: %s", error)
            return None


def forward_of(name: str, *, secured: bool, clock: Clock, found: dict[str, Any]) -> ForwardTarget:
    """A target out of a forwarder's figures; of its problems the first is told."""
    problems: list[dict[str, Any]] = found["problems"]
    first = problems[0] if problems else None
    return ForwardTarget(
        name=name,
        secured=secured,
        connected=found["connected"],
        since_ms=min(found["up_ms"], clock.now_ms()) if found["connected"] else None,
        forwarded=found["forwarded"],
        reissued=found["reissued"],
        given_up=found["given_up"],
        code=first["code"] if first else None,
        message=first["message"] if first else "",
        hint=first["hint"] if first else "",
        problem_ms=first["since_ms"] if first else None,
    )
