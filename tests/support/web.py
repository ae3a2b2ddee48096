"""A web host on a free port, over a real nats-server and a real records database."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from millwright import (
    approvals,
    cases,
    certificates,
    devices,
    historian,
    identity,
    ledger,
    metering,
    operations,
    parties,
    web,
)
from millwright.approvals import Approvals, ApprovalsSettings
from millwright.certificates import CertificateAuthority, CertificatesSettings
from millwright.devices import (
    Access,
    ArrivalService,
    ArrivalStore,
    Changes,
    DevicesService,
    DevicesSettings,
    DeviceStore,
)
from millwright.devices.certificates import DeviceCertificates
from millwright.devices.commands import CommandsSettings, commands_service
from millwright.devices.connectors import (
    Catalogue,
    ConnectionStore,
    Connectors,
    ConnectorsSettings,
    Delivery,
    Desk,
    Host,
    HostClient,
    Things,
    Vault,
)
from millwright.devices.connectors.webhook.deliveries import DeliveryStore
from millwright.devices.credentials import CredentialStore
from millwright.devices.dead_letters import DeadLetters
from millwright.devices.device_http import DeviceHttp, DeviceHttpSettings, IntakeDesk
from millwright.devices.edge import EdgeDoor, Edges, EdgeStore
from millwright.devices.edge.upgrade.service import Releases
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore
from millwright.devices.history_export import (
    ReadingExportFiles,
    ReadingExportKeeper,
    ReadingExports,
    ReadingExportWorker,
)
from millwright.devices.history_import import (
    ReadingImportFiles,
    ReadingImportKeeper,
    ReadingImports,
    ReadingImportWorker,
)
from millwright.devices.location import FeedbackStore, Location, LocationStore, LookStore
from millwright.devices.mqtt import JetStreamIntake, MqttSettings
from millwright.devices.network import Networks, NetworkStore
from millwright.devices.vehicles.links import LinkClient
from millwright.devices.vehicles.service import Vehicles
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.devices.vehicles.store import FleetStore
from millwright.engines import secrets
from millwright.engines.nats import NatsConnection
from millwright.engines.secrets import Secrets, SecretsSettings, open_secrets
from millwright.engines.sql import Records
from millwright.historian import Historian, HistorianClient, HistorianServer, PolicyStore, Retention
from millwright.identity.drills import DrillBook, Drills
from millwright.identity.filing import (
    Filers,
    FilingAgent,
    Filings,
    FilingSettings,
    NodeSigner,
    Outbox,
    Receiving,
    Reporter,
    SentStore,
    Uppers,
)
from millwright.identity.measures import Measures
from millwright.identity.operation.board import Board
from millwright.identity.operation.mirrors import Mirrors
from millwright.identity.operation.service import Operation
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.store import OperationStore
from millwright.identity.prefixes import Prefixes, PrefixesSettings
from millwright.identity.prefixes.handle_keys import HandleKeys, HolderIndex
from millwright.identity.records import Records as Register
from millwright.identity.records import SigningKeys, StreamLog
from millwright.identity.registration import Registration, ValueSeals
from millwright.identity.registration.bulk import Imports, ImportWorker
from millwright.identity.registration.bulk.store import ImportFiles
from millwright.identity.registration.serials import SerialStore
from millwright.identity.search import Search, SearchFollower, SearchIndex
from millwright.identity.search.documents import DocumentMaker
from millwright.identity.search.export import Export
from millwright.identity.snms import Snms
from millwright.identity.templates import Templates
from millwright.identity.templates.store import TemplateStore
from millwright.kernel import Clock, Lifecycle, SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import (
    Denials,
    KeyFile,
    Ledger,
    LedgerClient,
    LedgerServer,
    LedgerSettings,
    LedgerStore,
    LedgerWriter,
    Recorder,
)
from millwright.metering import Calendar, CountStore, LimitWatch, Metering, Tally
from millwright.operations import Alarms, Rules, RuleStore
from millwright.operations.directory import RegistryDirectory
from millwright.parties import AuthorityStore, Parties, SignInSettings, Standing
from millwright.web import Connection, Services, WebServer, WebSettings, create_app
from millwright.web.calls import Calls
from support.historian import open_engine
from support.nats import RunningNats
from support.ports import free_port
from support.sqlite import migrated

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
    historian: Historian | None = None

    def client(self, *, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A browser of its own: cookies are kept, ``Origin`` is sent as the console does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": self.url}
        options.setdefault("verify", _authorities())
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


@cache
def _authorities() -> ssl.SSLContext:
    """What clients trust; to read the files takes longer than most questions a test asks."""
    return httpx.create_ssl_context(trust_env=False)


async def send_raw(web: RunningWeb, request: bytes, *, answered: bool = True) -> bytes:
    """The answer to bytes that no client library would send; or send them and leave."""
    address = urlsplit(web.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(65536), 5) if answered else b""
    finally:
        writer.close()


def open_records(folder: Path) -> Records:
    """A migrated SQLite database."""
    domains = (secrets, ledger, parties, metering, cases, historian, certificates, approvals, devices)
    domains += (identity, operations, web)
    homes = [Path(domain.__file__).parent for domain in domains]
    return migrated(folder, [home / "migrations" for home in homes if (home / "migrations").is_dir()])


@asynccontextmanager
async def running_web(
    folder: Path,
    *,
    console: Path | None = None,
    history: bool = False,
    written: bool = False,
    metered: bool = False,
    sign_in: SignInSettings | None = None,
    approving: ApprovalsSettings | None = None,
    public: Any = None,
    senders: bool = False,
    snms: bool = False,
    filing: FilingSettings | None = None,
    name: str = "test",
    **settings: Any,
) -> AsyncIterator[RunningWeb]:
    """The whole web role; with ``history`` a historian over chDB answers it, with ``written`` the ledger is,
    with ``metered`` calls are counted and limits hold."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(RunningNats(folder / "nats"))
        bus = NatsConnection(nats.url, name="web")
        await bus.start()
        stack.push_async_callback(bus.stop)
        records = open_records(folder / "records")
        stack.callback(records.close)
        clock = SystemClock()
        kept: Historian | None = None
        if history:
            engine = await stack.enter_async_context(open_engine("chdb", folder / "history"))
            kept = Historian(engine, clock)
            server = HistorianServer(kept, Retention(engine, PolicyStore(records), clock), bus)
            await stack.enter_async_context(Lifecycle(kept, server))
        if written:
            await stack.enter_async_context(Lifecycle(open_writer(records, bus, clock, folder)))
        chosen = WebSettings(**{"port": free_port(), **settings})
        app = create_app(
            compose(records, bus, clock, chosen, folder, sign_in, approving, filing, name),
            console=console or folder / "no-console",
            public=public,
            snms_at_root=snms,
            devices=await _senders(stack, records.scoped(EVERYTHING), bus, clock) if senders else None,
        )
        host = WebServer(app, chosen)
        running = RunningWeb(host.url, app.state.services, host, bus, nats, historian=kept)
        meters = [app.state.services.more[name] for name in ("tally", "limit_watch") if metered]
        register = app.state.services.more["register"]
        following = app.state.services.more["search_follower"]
        # Field devices are asked where the whole node is looked at.
        field = [app.state.services.more["field_host"]] if history and written else []
        parts = [app.state.services.dead_letters, register, following, *meters, *field, host]
        await stack.enter_async_context(Lifecycle(*parts))
        try:
            yield running
        finally:
            for client in running.clients:
                await client.aclose()


async def _senders(stack: AsyncExitStack, records: Records, bus: NatsConnection, clock: Clock) -> DeviceHttp:
    """What answers devices over HTTP."""
    settings, stream = DeviceHttpSettings(max_body_bytes=64 * 1024, timeout_s=5), JetStreamIntake(bus, "test-http")
    access = Access(CredentialStore(records), DeviceStore(records), Changes(records, bus), bus, clock)
    desk = IntakeDesk(stream, "test-http", settings, MqttSettings(), clock)
    await stack.enter_async_context(Lifecycle(stream, access, desk))
    return DeviceHttp(access, desk, HistorianClient(bus), settings)


class RunningWriter:
    """The ledger's writer with the server of its proofs."""

    def __init__(self, writer: LedgerWriter, server: LedgerServer) -> None:
        self.writer, self.server = writer, server

    async def start(self) -> None:
        await self.writer.start()
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()
        await self.writer.stop()


def open_writer(records: Records, bus: NatsConnection, clock: Clock, folder: Path, **settings: Any) -> RunningWriter:
    """The one writer over ``folder/ledger``."""
    server = LedgerServer(bus)
    chosen = LedgerSettings(**settings)
    store, home = LedgerStore(records.scoped(EVERYTHING)), folder / "ledger"
    writer = LedgerWriter(bus, store, server, clock, chosen, folder=home, key_file=folder / "ledger.key", node="test")
    return RunningWriter(writer, server)


def compose(
    records: Records,
    bus: NatsConnection,
    clock: Clock,
    chosen: WebSettings,
    folder: Path,
    sign_in: SignInSettings | None = None,
    approving: ApprovalsSettings | None = None,
    filing: FilingSettings | None = None,
    name: str = "test",
) -> Services:
    """Every domain's service over one database."""
    alarms = Alarms(records, bus, clock)
    things = DevicesService(
        records, bus, clock, count_alarms=alarms.active_by_device, everybody=records.scoped(EVERYTHING)
    )
    recorder = Recorder(bus)
    sealed = open_secrets(SecretsSettings(), records, folder, clock)
    sealed.prepare()
    known = Parties(records, clock, session_hours=chosen.session_hours, settings=sign_in, secrets=sealed)
    things.follow(known.organisations)
    everything = records.scoped(EVERYTHING)
    every_alarm = Alarms(everything, bus, clock)
    commands, guards = commands_service(
        records, everything, HistorianClient(bus), every_alarm.active_by_priority, bus, clock, CommandsSettings()
    )
    everybody = DeviceStore(everything)
    authority = CertificateAuthority(everything, sealed, clock, CertificatesSettings(), confined=records)
    directory = RegistryDirectory(things.device_store, things.model_store, things.changes)
    tally = Tally(CountStore(everything), clock, "web", 0.1)
    limits = LimitWatch(everything, Calendar(), clock, 0.1)
    usage = Metering(records, everything, Calendar(), clock, lambda: limits.ceilings)
    usage.follow(known.organisations)
    keys = SigningKeys(folder / "identifiers.key", name)
    register = Register(folder / "identifiers", StreamLog(bus), clock, origin="test", keys=keys, durable=False)
    templates = Templates(records, clock)
    seals = ValueSeals(everything, sealed, clock)
    files = ImportFiles(folder / "identifier-imports")
    past = ReadingImportFiles(folder / "reading-imports")
    taken = ReadingExportFiles(folder / "reading-exports")
    maker = DocumentMaker(TemplateStore(everything))
    following = SearchFollower(SearchIndex(folder / "search" / "index.sqlite"), register, maker, bus, clock)
    registration = Registration(register, templates, SerialStore(records), everything, seals, clock)
    filing, signer, outbox = filing or FilingSettings(), NodeSigner(keys, name), Outbox(clock)
    receiving = Receiving(everything, AuthorityStore(everything), signer, outbox, clock, filing)
    limited = PrefixesSettings(max_document_kb=8)
    granted = Prefixes(everything, known, clock, limited, HolderIndex(register), told=outbox)
    filed = SentStore(everything)
    reporter = Reporter(everything, register, signer, clock)
    known.organisations.store.leaving.append(outbox.left)
    watching, monitoring = OperationStore(everything), MonitoringSettings()
    board = Board(watching, bus, clock, "test", monitoring)
    mirrors = Mirrors(watching, register, bus, clock)
    return Services(
        parties=known,
        approvals=Approvals(everything, sealed, known, clock, approving or ApprovalsSettings()),
        devices=things,
        arrivals=ArrivalService(
            ArrivalStore(records), things.device_store, things.changes, bus, clock, DevicesSettings()
        ),
        historian=HistorianClient(bus),
        alarms=alarms,
        rules=Rules(RuleStore(records), directory, bus, clock),
        dead_letters=DeadLetters(bus, things.registry.known),
        ledger=Ledger(LedgerStore(records), LedgerClient(bus)),
        recorder=recorder,
        denials=Denials(recorder, clock, interval_s=1.0),
        retention=PolicyStore(records),
        owners=lambda device_ids: asyncio.to_thread(everybody.known, device_ids),
        bus=bus,
        records=records,
        clock=clock,
        settings=chosen,
        version="0",
        data_folder=folder,
        connection=Connection(18830, None),
        calls=Calls(tally, lambda: limits.ceilings, clock),
        more={
            "certificate_authority": authority,
            **_field(records, everything, things, sealed, bus, clock, folder / "outbox"),
            "metering": usage,
            "prefixes": granted,
            "filings": Filings(filed, receiving, signer, clock),
            "filers": Filers(receiving.register, known, signer, clock),
            "uppers": Uppers(filed, outbox, sealed, signer, clock, filing),
            "filing_agent": FilingAgent(
                filed, granted, AuthorityStore(everything), sealed, signer, reporter, recorder, clock, filing
            ),
            "handle_keys": HandleKeys(everything, register, clock),
            "templates": templates,
            "commands": commands,
            "location": Location(LocationStore(records), LookStore(records), FeedbackStore(records), clock),
            "guards": guards,
            "register": register,
            "registration": registration,
            "drills": Drills(DrillBook(folder / "identifier-drills"), _no_node),
            "snms": Snms(registration, templates, known),
            "measures": Measures(register, everything, clock),
            "reading_imports": ReadingImports(records, past, clock),
            "reading_import_worker": ReadingImportWorker(everything, HistorianClient(bus), past, clock, ends=False),
            "reading_import_keeper": ReadingImportKeeper(everything, past, recorder, clock, _no_process),
            "reading_exports": ReadingExports(records, taken, clock),
            "reading_export_keeper": ReadingExportKeeper(everything, taken, recorder, clock, _no_process),
            "reading_export_worker": ReadingExportWorker(
                everything, Standing(everything, clock), HistorianClient(bus), taken, clock, ends=False
            ),
            "imports": Imports(records, register, templates, SerialStore(records), files, clock),
            "search": Search(following.index, register, registration, clock),
            "search_follower": following,
            "operation": Operation(watching, board, mirrors, register, clock, monitoring),
            "export": Export(following.index, register, registration),
            "import_worker": ImportWorker(everything, register, registration, seals, files, clock, ends=False),
            "tally": tally,
            "limit_watch": limits,
            "device_certificates": DeviceCertificates(authority, records, everything, things.changes, clock),
            "edges": Edges(
                EdgeStore(records),
                EdgeStore(everything),
                things.changes,
                clock,
                EdgeDoor(7422, "", "", False, 3_600_000, lambda: ""),
            ),
            "networks": Networks(
                NetworkStore(records), ConnectionStore(records), things.registry, clock, "millwright", 1024
            ),
            "releases": Releases(
                UpgradeStore(everything),
                Shelf(folder / "releases"),
                lambda: KeyFile(folder / "releases.key").load("test"),
                clock,
            ),
        },
    )


async def _no_process() -> Any:
    """Whose work is done by a worker in this process, where it is started."""
    return None


async def _no_node(_arguments: list[str]) -> Any:
    """Drills are of nodes that are processes (``tests/e2e/identifiers``)."""
    raise FileNotFoundError("there is no node to copy")


def _field(
    records: Records,
    everything: Records,
    devices: DevicesService,
    sealed: Secrets,
    bus: NatsConnection,
    clock: Clock,
    outbox: Path,
) -> dict[str, Any]:
    """Connectors, and the host that speaks to field devices: in this process, where it is started."""
    store, vault, catalogue, chosen = (
        ConnectionStore(records),
        Vault(sealed),
        Catalogue(),
        ConnectorsSettings(enterprises=True),
    )
    client = HostClient(bus, "test", patience_s=0.0)
    made = Connectors(store, vault, catalogue, devices.device_store, client, bus, clock, chosen)
    stream = JetStreamIntake(bus, "test-connectors")
    documents = JetStreamIntake(bus, "test-connectors-documents")
    delivery = Delivery(
        stream, stream.newest, documents, bus, clock, chosen, listener_id="test-connectors", folder=outbox
    )
    desk = Desk(catalogue, clock, chosen.cancel_s)
    host = Host(
        ConnectionStore(everything), vault, catalogue, delivery, desk, bus, clock, chosen, node="test",
        size_mb=lambda: 0.0,
    )  # fmt: skip
    return {
        "connectors": made,
        "things": Things(made, devices),
        "webhook_deliveries": DeliveryStore(records),
        "vehicles": Vehicles(devices, VehiclesSettings(port=32960), LinkClient(bus, "test"), FleetStore(records)),
        "field_host": Lifecycle(stream, delivery, desk, host),
    }
