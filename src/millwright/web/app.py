"""The HTTP application: every domain's routes, one way to say what went wrong, one document that describes it all."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide

from millwright.kernel import Lifecycle
from millwright.parties import Session
from millwright.parties import api as parties_api
from millwright.web import health, overview, problems, system
from millwright.web.console_files import ConsoleFiles
from millwright.web.edge import Edge
from millwright.web.live import Hub
from millwright.web.live import api as live_api
from millwright.web.openapi import document, openapi_json
from millwright.web.services import Services
from millwright.web.stats import StatsBoard

CONSOLE = Path(__file__).parent / "console"
"""Where Vite puts the built console."""

_DOMAINS = (
    "millwright.devices.api",
    "millwright.devices.dead_letters.api",
    "millwright.historian.api",
    "millwright.operations.api",
)


def create_app(services: Services, *, console: Path = CONSOLE, routes: Sequence[Any] | None = None) -> Litestar:
    """The application; its lifespan subscribes to the bus, so the bus must be started before.

    ``routes`` are mounted below ``/api/v1`` in place of every domain's.

    ``app.state.edge`` counts requests, ``app.state.hub`` holds the live streams (stop it before the server).
    """
    board = StatsBoard(services.bus, services.clock)
    hub = Hub(services.bus, most=services.settings.max_streams)
    desk = overview.OverviewDesk(services, board)
    probe = health.ReadinessProbe(services.bus, services.records, services.historian.storage, board)
    given: dict[str, Any] = {
        "parties": services.parties,
        "devices": services.devices,
        "arrivals": services.arrivals,
        "historian": services.historian,
        "alarms": services.alarms,
        "rules": services.rules,
        "dead_letters": services.dead_letters,
        "bus": services.bus,
        "clock": services.clock,
        "services": services,
        "board": board,
        "hub": hub,
        "desk": desk,
        "probe": probe,
        **services.more,
    }

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with Lifecycle(board, hub):
            yield

    app = Litestar(
        route_handlers=[
            Router(
                "/api/v1",
                route_handlers=[
                    *(_domain_routes() if routes is None else routes),
                    *parties_api.ROUTES,
                    *overview.ROUTES,
                    *system.ROUTES,
                    *live_api.ROUTES,
                ],
            ),
            *health.ROUTES,
            openapi_json,
        ],
        dependencies={name: _provide(value) for name, value in given.items()}
        | {"session": Provide(_session, sync_to_thread=False)},
        exception_handlers={Exception: problems.handle},
        openapi_config=document(services.version),
        lifespan=[lifespan],
        request_max_body_size=None,  # the edge limits it
        logging_config=None,
        debug=False,
    )
    edge = Edge(app.asgi_handler, services.parties, services.settings, ConsoleFiles(console))
    app.asgi_handler = edge
    app.state.edge = edge
    app.state.hub = hub
    app.state.board = board
    return app


def _domain_routes() -> Sequence[Any]:
    found: list[Any] = []
    for name in _DOMAINS:
        try:
            found += importlib.import_module(name).ROUTES
        except (ModuleNotFoundError, AttributeError):
            continue
    return found


def _own_routes() -> Sequence[Any]:
    return [*parties_api.ROUTES, *overview.ROUTES, *system.ROUTES, *live_api.ROUTES]


def _provide(value: Any) -> Provide:
    def given() -> Any:
        return value

    return Provide(given, sync_to_thread=False)


def _session(request: Request[Any, Any, Any]) -> Session | None:
    session: Session | None = request.scope["auth"]
    return session
