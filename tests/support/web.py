"""A web host on a free port, over a real nats-server and a real records database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from millwright import cases, certificates, devices, historian, operations, parties, web
from millwright.certificates import CertificateAuthority, CertificatesSettings
from millwright.devices import ArrivalService, ArrivalStore, DevicesService, DevicesSettings
from millwright.devices.certificates import DeviceCertificates
from millwright.devices.dead_letters import DeadLetters
from millwright.engines import secrets
from millwright.engines.nats import NatsConnection
from millwright.engines.secrets import SecretsSettings, open_secrets
from millwright.engines.sql import Migrations, Records
from millwright.historian import Historian, HistorianClient, HistorianServer, PolicyStore, Retention
from millwright.kernel import Clock, Lifecycle, SystemClock
from millwright.operations import Alarms, Rules, RuleStore
from millwright.operations.directory import RegistryDirectory
from millwright.parties import Parties
from millwright.web import Services, WebServer, WebSettings, create_app
from support.historian import open_engine
from support.nats import RunningNats, free_port

PASSWORD = "copper kettles whistle"


@dataclass
class RunningWeb:
    """What a test talks to."""

    url: str
    services: Services
    server: WebServer
    bus: NatsConnection
    nats: RunningNats
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, *, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A browser of its own: cookies are kept, ``Origin`` is sent as the console does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": self.url}
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=10, trust_env=False, **options)
        self.clients.append(client)
        return client

    async def set_up(self, name: str = "Anna") -> httpx.AsyncClient:
        """The first administrator's browser, signed in."""
        client = self.client()
        code = await self.services.parties.new_setup_code()
        answer = await client.post("/api/v1/setup", json={"name": name, "password": PASSWORD, "code": code})
        assert answer.status_code == 201, answer.text
        return client

    async def person(self, administrator: httpx.AsyncClient, name: str, *roles: str) -> httpx.AsyncClient:
        """Somebody else's browser, signed in."""
        person = {"name": name, "password": PASSWORD, "roles": list(roles)}
        answer = await administrator.post("/api/v1/people", json=person)
        assert answer.status_code == 201, answer.text
        client = self.client()
        answer = await client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return client


def open_records(folder: Path) -> Records:
    """A migrated SQLite database."""
    records = Records.in_folder(folder)
    domains = (secrets, parties, cases, historian, certificates, devices, operations, web)
    homes = [Path(domain.__file__).parent for domain in domains]
    Migrations(records, [home / "migrations" for home in homes if (home / "migrations").is_dir()]).upgrade()
    return records


@asynccontextmanager
async def running_web(
    folder: Path, *, console: Path | None = None, history: bool = False, **settings: Any
) -> AsyncIterator[RunningWeb]:
    """The whole web role; with ``history`` a historian over chDB answers it."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(RunningNats(folder / "nats"))
        bus = NatsConnection(nats.url, name="web")
        await bus.start()
        stack.push_async_callback(bus.stop)
        records = open_records(folder / "records")
        stack.callback(records.close)
        clock = SystemClock()
        if history:
            engine = await stack.enter_async_context(open_engine("chdb", folder / "history"))
            kept = Historian(engine, clock)
            server = HistorianServer(kept, Retention(engine, PolicyStore(records), clock), bus)
            await stack.enter_async_context(Lifecycle(kept, server))
        chosen = WebSettings(port=free_port(), **settings)
        app = create_app(compose(records, bus, clock, chosen, folder), console=console or folder / "no-console")
        host = WebServer(app, chosen)
        running = RunningWeb(host.url, app.state.services, host, bus, nats)
        await stack.enter_async_context(Lifecycle(app.state.services.dead_letters, host))
        yield running
        for client in running.clients:
            await client.aclose()


def compose(records: Records, bus: NatsConnection, clock: Clock, chosen: WebSettings, folder: Path) -> Services:
    """Every domain's service over one database."""
    alarms = Alarms(records, bus, clock)
    things = DevicesService(records, bus, clock, count_alarms=alarms.active_by_device)
    sealed = open_secrets(SecretsSettings(), records, folder, clock)
    sealed.prepare()
    authority = CertificateAuthority(records, sealed, clock, CertificatesSettings())
    directory = RegistryDirectory(things.device_store, things.model_store, things.changes)
    return Services(
        parties=Parties(records, clock, session_hours=chosen.session_hours),
        devices=things,
        arrivals=ArrivalService(
            ArrivalStore(records), things.device_store, things.changes, bus, clock, DevicesSettings()
        ),
        historian=HistorianClient(bus),
        alarms=alarms,
        rules=Rules(RuleStore(records), directory, bus, clock),
        dead_letters=DeadLetters(bus),
        bus=bus,
        records=records,
        clock=clock,
        settings=chosen,
        version="0",
        data_folder=folder,
        more={
            "authority": authority,
            "device_certificates": DeviceCertificates(authority, records, things.changes, clock),
        },
    )
