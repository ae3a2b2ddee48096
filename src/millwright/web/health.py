"""Whether the node lives, is ready, and how it does: for a supervisor, a load balancer, Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.kernel import MillwrightError
from millwright.parties import permit
from millwright.web.rights import SYSTEM_READ
from millwright.web.services import Services
from millwright.web.stats import StatsBoard

_PATIENCE_S = 2.0


class Health(Struct, frozen=True):
    """The process answers; ``at_ms`` is its clock, UTC milliseconds."""

    at_ms: int
    status: str = "ok"


class Readiness(Struct, frozen=True):
    """Which of the parts a request needs answer now."""

    ready: bool
    nats: bool
    records: bool
    historian: bool


class ReadinessProbe:
    """Asks the broker, the records and the historian, all at once, for two seconds at most."""

    def __init__(self, bus: NatsConnection, records: Records, storage: Callable[[], Awaitable[object]]) -> None:
        self._bus, self._records, self._storage = bus, records, storage

    async def look(self) -> Readiness:
        """What answers now."""
        nats = self._bus.connected
        records, historian = await asyncio.gather(
            _answers(asyncio.to_thread(self._select)), _answers(self._storage()) if nats else _no()
        )
        return Readiness(nats and records and historian, nats, records, historian)

    def _select(self) -> None:
        with self._records.read() as connection:
            connection.execute(sa.text("SELECT 1"))


async def _answers(question: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(question, _PATIENCE_S)
    except (MillwrightError, TimeoutError):
        return False
    return True


async def _no() -> bool:
    return False


@get("/healthz", summary="Whether this process lives", operation_id="getHealth", tags=["Operation"], security=[{}])
async def healthz(services: NamedDependency[Services]) -> Response[Health]:
    """Answers as long as the process does, and with its time. Public, and says nothing else."""
    return Response(Health(services.clock.now_ms()), headers={"Cache-Control": "no-store"})


@get("/readyz", summary="Whether the node can work", operation_id="getReadiness", tags=["Operation"], security=[{}])
async def readyz(probe: NamedDependency[ReadinessProbe]) -> Response[Readiness]:
    """200 when the broker, the records and the historian answer, 503 when one does not. Public."""
    found = await probe.look()
    return Response(found, status_code=200 if found.ready else 503, headers={"Cache-Control": "no-store"})


@get(
    "/metrics",
    summary="Every process's figures, for Prometheus",
    operation_id="getMetrics",
    tags=["Operation"],
    guards=[permit(SYSTEM_READ)],
    media_type="text/plain",
)
async def metrics(board: NamedDependency[StatsBoard]) -> Response[str]:
    """Prometheus text format 0.0.4, of all processes of the node. Scrape it with a token (`authorization` in the
    scrape configuration)."""
    return Response(
        board.prometheus(),
        media_type="text/plain; version=0.0.4; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


ROUTES = [healthz, readyz, metrics]
"""Not below ``/api/v1``."""
