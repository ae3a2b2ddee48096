"""The system page: processes, streams, problems, settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from litestar import get
from litestar.di import NamedDependency
from msgspec import Struct

from millwright.kernel import ROOT, MillwrightError
from millwright.parties import Authority, permit
from millwright.web.rights import SYSTEM_READ, SYSTEM_SETTINGS
from millwright.web.services import Services, SettingView
from millwright.web.stats import RoleProblem, RoleView, StatsBoard


class StreamView(Struct, frozen=True):
    """A durable stream: what it holds, in messages and bytes."""

    name: str
    messages: int
    bytes: int
    first_sequence: int
    last_sequence: int


class System(Struct, frozen=True):
    """The node from inside. ``settings`` are shown to administrators only."""

    version: str
    at_ms: int
    roles: Sequence[RoleView]
    streams: Sequence[StreamView]
    problems: Sequence[RoleProblem]
    settings: Sequence[SettingView]


async def _streams(services: NamedDependency[Services]) -> tuple[list[StreamView], list[RoleProblem]]:
    async def one(name: str) -> StreamView | None:
        try:
            state = await asyncio.wait_for(services.bus.state(name), 2)
        except (MillwrightError, TimeoutError):
            return None
        return StreamView(name, state.messages, state.bytes, state.first_sequence, state.last_sequence)

    found = await asyncio.gather(*(one(name) for name in services.streams))
    problems = []
    if not services.bus.connected:
        problems.append(
            RoleProblem(
                "web.broker_lost",
                "The message broker does not answer.",
                "It is started again by itself; nats-server.log in the data folder says why it stopped.",
            )
        )
    return [stream for stream in found if stream is not None], problems


@get(
    "/system",
    summary="The node from inside",
    operation_id="getSystem",
    tags=["Operation"],
    guards=[permit(SYSTEM_READ)],
)
async def system(
    services: NamedDependency[Services], board: NamedDependency[StatsBoard], authority: NamedDependency[Authority]
) -> System:
    """Processes with their figures, streams, problems with what to do, and (to administrators) settings."""
    streams, problems = await _streams(services)
    shown = services.describe_settings() if authority.may(SYSTEM_SETTINGS.name, ROOT) else ()
    return System(
        services.version,
        services.clock.now_ms(),
        board.roles(),
        streams,
        [*problems, *board.problems()],
        shown,
    )


ROUTES = [system]
"""What the web host mounts."""
