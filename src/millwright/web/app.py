"""The HTTP application: every domain's routes, one way to say what went wrong, one document that describes it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from copy import copy
from functools import cache, partial
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.events import SimpleEventEmitter
from litestar.types import ASGIApp, Receive, Scope, Send

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

_GIVEN: ContextVar[dict[str, Any]] = ContextVar("given")
"""What the handlers of this request may ask for, by name."""


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

    given = _given(services, board, hub)
    app = _of_its_own(_routes(tuple(given), services.version), lifespan)
    app.state.gate = gate
    router = _Giving(app.asgi_handler, given)
    gate.learn(app)
    again = Audit(router, services.recorder, services.denials, services.clock)
    services.approvals.carry_out_by("http", Execution(app, again, services.parties))
    once = Idempotency(router, AnswerStore(services.records, services.clock))
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


@cache
def _routes(given: tuple[str, ...], version: str) -> Litestar:
    """Every route, with handlers that may ask for ``given`` by name: half a second's work, done once in a process.

    It knows no node: what a handler is given, the application that asks it says.
    """
    dependencies = {name: _provide(name) for name in given}
    dependencies["session"] = Provide(_session, sync_to_thread=False)
    dependencies["authority"] = Provide(_authority, sync_to_thread=False)
    return Litestar(
        route_handlers=[
            _Whole(
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
        dependencies=dependencies,
        before_request=pass_gate,
        exception_handlers={Exception: problems.handle},
        openapi_config=document(version),
        request_max_body_size=None,  # the edge limits it
        logging_config=None,
        debug=False,
    )


def _of_its_own(routes: Litestar, lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]]) -> Litestar:
    """An application with these routes, and a state and a life of its own."""
    app = copy(routes)
    app.state = State()
    app.event_emitter = SimpleEventEmitter(listeners=[])
    app._lifespan_managers = [lifespan]
    return app


def _given(services: Services, board: StatsBoard, hub: Hub) -> dict[str, Any]:
    """What routes may ask for, by name."""
    return {
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


class _Whole(Router):
    """Is not copied when it is registered: it is made for one application, and its handlers are copies already."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Whole:
        return self


async def pass_gate(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """Before every handler: through the gate of the application that is asked."""
    answer: Response[Any] | None = await request.app.state.gate(request)
    return answer


def _provide(name: str) -> Provide:
    def given() -> Any:  # to ask for the request would take the router longer than this takes
        return _GIVEN.get()[name]

    return _Given(given, sync_to_thread=False)


class _Given(Provide):
    """Compared by what it is: the router compares each with each of the others, for every route."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _Giving:
    """Before the router: says what handlers are given while they answer this request."""

    def __init__(self, app: ASGIApp, given: dict[str, Any]) -> None:
        self._app, self._given = app, given

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _GIVEN.set(self._given)
        await self._app(scope, receive, send)


def _session(request: Request[Any, Any, Any]) -> Session | None:
    session: Session | None = request.scope["auth"]
    return session


def _authority(request: Request[Any, Any, Any]) -> Authority:
    return authority_of(request)
