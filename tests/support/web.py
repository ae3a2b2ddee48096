"""A web host on a free port, over a real nats-server and a real records database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Migrations, Records
from millwright.kernel import SystemClock
from millwright.parties import MIGRATIONS, Parties
from millwright.web import Services, WebServer, WebSettings, create_app
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


def open_records(folder: Path, migrations: list[Path] | None = None) -> Records:
    """A migrated SQLite database."""
    records = Records.in_folder(folder)
    Migrations(records, migrations or [MIGRATIONS]).upgrade()
    return records


@asynccontextmanager
async def running_web(folder: Path, *, console: Path | None = None, **settings: Any) -> AsyncIterator[RunningWeb]:
    """A host without domains: sign-in, people, live, health, console."""
    async with RunningNats(folder / "nats") as nats:
        bus = NatsConnection(nats.url, name="web")
        await bus.start()
        records = open_records(folder / "records")
        clock = SystemClock()
        web = WebSettings(port=free_port(), **settings)
        services = Services(
            parties=Parties(records, clock, session_hours=web.session_hours),
            devices=None,
            arrivals=None,
            historian=_NoHistorian(),
            alarms=None,
            rules=None,
            dead_letters=None,
            bus=bus,
            records=records,
            clock=clock,
            settings=web,
            version="0",
            data_folder=folder,
        )
        app = create_app(services, console=console or folder / "no-console", routes=[])
        server = WebServer(app, web)
        await server.start()
        running = RunningWeb(server.url, services, server, bus, nats)
        try:
            yield running
        finally:
            for client in running.clients:
                await client.aclose()
            await server.stop()
            await bus.stop()
            records.close()


class _NoHistorian:
    async def storage(self) -> None:
        from millwright.kernel import Unavailable

        raise Unavailable("There is no historian here.", code="historian.absent")
