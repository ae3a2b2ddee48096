"""The HTTP application: every domain's routes, one way to say what went wrong, one document that describes it all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide

from millwright.approvals import api as approvals_api
from millwright.certificates import api as certificates_api
from millwright.devices import api as devices_api
from millwright.devices.connectors import api as connectors_api
from millwright.devices.dead_letters import api as dead_letters_api
from millwright.historian import History
from millwright.historian import api as historian_api
from millwright.identity import api as identity_api
from millwright.identity.snms import Door
from millwright.kernel import Lifecycle
from millwright.ledger import api as ledger_api
from millwright.metering import api as metering_api
from millwright.operations import api as operations_api
from millwright.parties import Authority, Session, authority_of, permit
from millwright.parties import api as parties_api
from millwright.web import connection, health, overview, problems, system
from millwright.web.audit import Audit
from millwright.web.console_files import ConsoleFiles
from millwright.web.edge import Edge
from millwright.web.holding import Execution, Gate
from millwright.web.idempotency import AnswerStore, Idempotency
from millwright.web.live import Hub
from millwright.web.live import api as live_api
from millwright.web.openapi import document, openapi_json
from millwright.web.public import DeviceApplication, PublicApplication
from millwright.web.rights import LEDGER_ERASE, LEDGER_FILES, LEDGER_READ, look_into_history
from millwright.web.services import Services
from millwright.web.stats import StatsBoard

CONSOLE = Path(__file__).parent / "console"
"""Where Vite puts the built console."""


def create_app(
    services: Services,
    *,
    console: Path = CONSOLE,
    public: PublicApplication | None = None,
    snms_at_root: bool = False,
    devices: DeviceApplication | None = None,
) -> Litestar:
    """The application; its lifespan subscribes to the bus, so the bus must be started before.

    ``public`` answers everybody at addresses of its own, ``devices`` devices that show their token; ``snms_at_root``
    puts the interface of secondary nodes where programs written for those look for it. ``app.state.edge`` counts
    requests, ``app.state.hub`` holds the live streams (stop it before the server).
    """
    board = StatsBoard(services.bus, services.clock)
    gate = Gate(services.approvals, services.records)
    hub = Hub(services.bus, services.owners, most=services.settings.max_streams)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with Lifecycle(services.recorder, services.denials, board, hub):
            yield

    app = Litestar(
        route_handlers=[
            Router(
                "/api/v1",
                route_handlers=[
                    *approvals_api.ROUTES,
                    *certificates_api.ROUTES,
                    *devices_api.ROUTES,
                    *historian_api.ROUTES,
                    *identity_api.ROUTES,
                    *operations_api.ROUTES,
                    *connectors_api.ROUTES,
                    *dead_letters_api.ROUTES,
                    *metering_api.ROUTES,
                    *parties_api.ROUTES,
                    *overview.ROUTES,
                    *system.ROUTES,
                    *connection.ROUTES,
                    *live_api.ROUTES,
                    *ledger_api.routes(
                        [permit(LEDGER_READ)], [look_into_history()], [permit(LEDGER_FILES)], [permit(LEDGER_ERASE)]
                    ),
                ],
            ),
            *devices_api.WELL_KNOWN,
            *health.ROUTES,
            openapi_json,
        ],
        dependencies=_dependencies(services, board, hub),
        before_request=gate,
        exception_handlers={Exception: problems.handle},
        openapi_config=document(services.version),
        lifespan=[lifespan],
        request_max_body_size=None,  # the edge limits it
        logging_config=None,
        debug=False,
    )
    gate.learn(app)
    again = Audit(app.asgi_handler, services.recorder, services.denials, services.clock)
    services.approvals.carry_out_by("http", Execution(app, again, services.parties))
    once = Idempotency(app.asgi_handler, AnswerStore(services.records, services.clock))
    edge = Edge(
        Audit(once, services.recorder, services.denials, services.clock),
        services.parties,
        services.settings,
        ConsoleFiles(console),
        partial(problems.methods_of, app),
        services.calls,
        public,
        devices,
    )
    app.asgi_handler = Door(edge, at_root=snms_at_root)
    app.state.edge = edge
    app.state.answers_devices = devices is not None and devices.answers_devices
    app.state.hub = hub
    app.state.services = services
    app.state.board = board
    return app


def _dependencies(services: Services, board: StatsBoard, hub: Hub) -> dict[str, Provide]:
    """What routes may ask for, by name."""
    given: dict[str, Any] = {
        "parties": services.parties,
        "devices": services.devices,
        "arrivals": services.arrivals,
        "historian": services.historian,
        "history": History(services.historian, services.devices.registry),
        "retention": services.retention,
        "approvals": services.approvals,
        "alarms": services.alarms,
        "rules": services.rules,
        "dead_letters": services.dead_letters,
        "ledger": services.ledger,
        "bus": services.bus,
        "clock": services.clock,
        "services": services,
        "board": board,
        "hub": hub,
        "desk": overview.OverviewDesk(services, board),
        "probe": health.ReadinessProbe(services.bus, services.records, services.historian.storage),
        **services.more,
    }
    found = {name: _provide(value) for name, value in given.items()}
    found["session"] = Provide(_session, sync_to_thread=False)
    found["authority"] = Provide(_authority, sync_to_thread=False)
    return found


def _provide(value: Any) -> Provide:
    def given() -> Any:
        return value

    return Provide(given, sync_to_thread=False)


def _session(request: Request[Any, Any, Any]) -> Session | None:
    session: Session | None = request.scope["auth"]
    return session


def _authority(request: Request[Any, Any, Any]) -> Authority:
    return authority_of(request)
