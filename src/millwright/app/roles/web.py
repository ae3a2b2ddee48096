"""The role ``web``: HTTP API, live streams, console."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from millwright import __version__
from millwright.app.connectors import connectors_of
from millwright.app.disk import DiskWatch
from millwright.app.identifiers import (
    RecordedHandles,
    administrators_of,
    filing_of,
    follower_of,
    primary_bus_of,
    recursor_of,
    register_of,
    registration_of,
    start_command,
    start_on_demand,
    watch_of,
)
from millwright.app.intake import guarded
from millwright.app.limits import QuotaDoor, QuotaProblems, RatePacer
from millwright.app.location import places_of
from millwright.app.network import networks_of
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.refusals import RecordedAuthenticator
from millwright.app.settings import describe
from millwright.app.stats import Figures, figures
from millwright.app.tls import NodeTls, is_own, listening
from millwright.approvals import Approvals, ApprovalsKeeper
from millwright.certificates import CertificateAuthority
from millwright.devices import Access, ArrivalService, ArrivalStore, Changes, DevicesService, DeviceStore
from millwright.devices.certificates import DeviceCertificates
from millwright.devices.commands import commands_service
from millwright.devices.connectors.webhook.receiving import Webhooks
from millwright.devices.credentials import CredentialStore
from millwright.devices.dead_letters import DeadLetters
from millwright.devices.device_http import DeviceHttp, IntakeDesk
from millwright.devices.edge import EdgeDoor, Edges, EdgeStore
from millwright.devices.edge.upgrade.service import Releases
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore
from millwright.devices.history_export import ReadingExportFiles, ReadingExportKeeper, ReadingExports
from millwright.devices.history_import import ReadingImportFiles, ReadingImportKeeper, ReadingImports
from millwright.devices.mqtt import JetStreamIntake, MqttSettings
from millwright.devices.vehicles.links import LinkClient
from millwright.devices.vehicles.service import Vehicles
from millwright.devices.vehicles.store import FleetStore
from millwright.engines.secrets import Rotation, RotationKeeper
from millwright.historian import HistorianClient, PolicyStore
from millwright.identity.drills import DrillBook, Drills
from millwright.identity.filing import FilingAgent, Reporter
from millwright.identity.measures import Measures
from millwright.identity.operation.board import Board
from millwright.identity.operation.charging import Charging, Counts
from millwright.identity.operation.mirror_usage import MirrorUsage, MirrorUsageDesk
from millwright.identity.operation.mirrors import Mirrors
from millwright.identity.operation.service import Operation
from millwright.identity.operation.store import OperationStore
from millwright.identity.operation.telling import Teller
from millwright.identity.prefixes import Prefixes, PrefixKeeper
from millwright.identity.prefixes.handle_keys import HandleKeys, HolderIndex
from millwright.identity.registration.bulk import ImportKeeper, Imports
from millwright.identity.registration.bulk.store import ImportFiles
from millwright.identity.registration.serials import SerialStore
from millwright.identity.resolution import resolution_app
from millwright.identity.search import Search
from millwright.identity.search.export import Export
from millwright.identity.snms import Snms
from millwright.identity.templates import PublicLabels, Templates
from millwright.kernel import Part
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Denials, KeyFile, Ledger, LedgerClient, LedgerStore, Recorder, Signer
from millwright.metering import Calendar, CountStore, DepartedKeeper, LimitWatch, Metering, Tally
from millwright.operations import Alarms, Rules, RuleStore
from millwright.operations.directory import RegistryDirectory
from millwright.parties import AuthorityStore, Parties
from millwright.web import Connection, Services, SettingView, WebServer, create_app
from millwright.web.calls import Calls


def compose(node: Node) -> Composition:
    """The services that the routes ask for, and the server."""
    settings = node.settings
    chosen, mqtt = listening(settings, node.folder)
    alarms = Alarms(node.records, node.bus, node.clock)
    everything = node.records.scoped(EVERYTHING)
    devices = DevicesService(
        node.records,
        node.bus,
        node.clock,
        settings.devices,
        count_alarms=alarms.active_by_device,
        everybody=everything,
    )
    directory = RegistryDirectory(devices.device_store, devices.model_store, devices.changes)
    dead_letters = DeadLetters(node.bus, devices.registry.known)
    recorder = Recorder(node.bus)
    denials = Denials(recorder, node.clock, interval_s=settings.ledger.repeats_every_s)
    secrets = secrets_of(node)
    parties = Parties(
        node.records,
        node.clock,
        session_hours=settings.web.session_hours,
        settings=settings.sign_in,
        secrets=secrets,
    )
    devices.follow(parties.organisations)
    everybody = DeviceStore(everything)
    authority = CertificateAuthority(everything, secrets, node.clock, settings.certificates, confined=node.records)
    held = DeviceCertificates(authority, node.records, everything, devices.changes, node.clock)
    approvals = Approvals(everything, secrets, parties, node.clock, settings.approvals)
    register = register_of(node)
    # A mirror follows what its primary decides of prefixes.
    index = None if settings.identity.follows else HolderIndex(register)
    filing, public_url = filing_of(node), settings.resolution.public_url
    prefixes = Prefixes(everything, parties, node.clock, settings.prefixes, index, public_url, filing.outbox)
    parties.organisations.store.leaving.append(filing.outbox.left)
    templates = Templates(node.records, node.clock)
    registration = registration_of(node, register, secrets)
    files = ImportFiles(node.folder.identifier_imports)
    importing = ImportKeeper(everything, files, recorder, node.clock, partial(start_on_demand, node, "importer"))
    imports = Imports(
        node.records,
        register,
        templates,
        SerialStore(node.records),
        files,
        node.clock,
        look_now=importing.look_now,
    )
    following = follower_of(node, register, spawn=partial(start_on_demand, node, "indexer"))
    past = ReadingImportFiles(node.folder.reading_imports)
    bringing = ReadingImportKeeper(
        everything, past, recorder, node.clock, partial(start_on_demand, node, "history_importer")
    )
    taken = ReadingExportFiles(node.folder.reading_exports)
    exporting = ReadingExportKeeper(
        everything, taken, recorder, node.clock, partial(start_on_demand, node, "history_exporter")
    )
    section = settings.node
    disk = DiskWatch(node.folder.root, low_mb=section.disk_low_mb, stop_mb=section.disk_stop_mb, clock=node.clock)
    reading_imports = ReadingImports(
        node.records, past, node.clock, look_now=bringing.look_now, is_full=lambda: disk.full
    )
    search = Search(following.index, register, registration, node.clock)
    watch, kept = watch_of(node, register), OperationStore(everything)
    calendar = Calendar(settings.metering.utc_offset_h)
    tally = Tally(CountStore(everything), node.clock, "web", settings.metering.flush_s)
    counts: list[Part] = []
    answered: Counts = tally
    if settings.identity.follows:  # whose names a mirror has, its own records do not know
        answered = told = MirrorUsage(node.folder.mirror_usage, primary_bus_of(node, register))
        counts.append(told)
    else:
        counts.append(MirrorUsageDesk(CountStore(everything), node.bus, node.clock))
    charging = Charging(register, answered)
    board = Board(kept, node.bus, node.clock, settings.node.name, settings.monitoring, charging=charging)
    mirrors = Mirrors(kept, register, node.bus, node.clock)
    limits = LimitWatch(everything, calendar, node.clock, settings.metering.watch_s)
    metering = Metering(node.records, everything, calendar, node.clock, lambda: limits.ceilings)
    metering.follow(parties.organisations)
    historian = HistorianClient(node.bus)
    every_alarm = Alarms(everything, node.bus, node.clock)
    commands, guards = commands_service(
        node.records,
        everything,
        historian,
        every_alarm.active_by_priority,
        node.bus,
        node.clock,
        settings.commands,
    )
    start_drill = partial(_start_drill, node)
    pacer = RatePacer(lambda: limits.ceilings, node.clock)
    field = connectors_of(node, devices, secrets, pacer.take_all)
    networks, network_keeper = networks_of(node, devices)
    places = places_of(node)
    services = Services(
        parties=parties,
        approvals=approvals,
        devices=devices,
        arrivals=ArrivalService(
            ArrivalStore(node.records), devices.device_store, devices.changes, node.bus, node.clock, settings.devices
        ),
        historian=historian,
        alarms=alarms,
        rules=Rules(RuleStore(node.records), directory, node.bus, node.clock, settings.operations),
        dead_letters=dead_letters,
        ledger=Ledger(LedgerStore(node.records), LedgerClient(node.bus)),
        recorder=recorder,
        denials=denials,
        retention=PolicyStore(node.records),
        owners=lambda device_ids: asyncio.to_thread(everybody.known, device_ids),
        bus=node.bus,
        records=node.records,
        clock=node.clock,
        settings=chosen,
        version=__version__,
        data_folder=node.folder.root,
        connection=Connection(mqtt.port or None, mqtt.tls_port or None, is_own(mqtt.certificate, node.folder)),
        calls=Calls(tally, lambda: limits.ceilings, node.clock),
        describe_settings=lambda: [
            SettingView(each.key, each.value, each.default, each.origin, each.description)
            for each in describe(settings, node.config)
        ],
        more={
            "certificate_authority": authority,
            "edges": Edges(
                EdgeStore(node.records), EdgeStore(everything), devices.changes, node.clock, _edge_door(node, authority)
            ),
            "releases": Releases(
                UpgradeStore(everything), Shelf(node.folder.releases), lambda: _signers(node), node.clock
            ),
            "device_certificates": held,
            "vehicles": Vehicles(
                devices, settings.vehicles, LinkClient(node.bus, settings.node.name), FleetStore(node.records)
            ),
            "metering": metering,
            "prefixes": prefixes,
            "handle_keys": HandleKeys(everything, register, node.clock),
            **filing.services(parties, secrets, node),
            "templates": templates,
            "commands": commands,
            "location": places.location,
            "guards": guards,
            "registration": registration,
            "drills": Drills(DrillBook(node.folder.identifier_drills), start_drill),
            "snms": Snms(registration, templates, parties),
            "measures": Measures(register, everything, node.clock, settings.resolution.public_url),
            "imports": imports,
            "reading_imports": reading_imports,
            "reading_exports": ReadingExports(node.records, taken, node.clock, look_now=exporting.look_now),
            "search": search,
            **field.services,
            "networks": networks,
            "operation": Operation(kept, board, mirrors, register, node.clock, settings.monitoring),
            "export": Export(following.index, register, registration),
        },
    )
    identifiers = RecordedHandles(register, recorder, denials, node.clock)
    recursor = recursor_of(node, identifiers, watch)
    public = resolution_app(
        identifiers,
        settings.resolution,
        node.clock,
        administrators=administrators_of(settings.handle),
        name_of_organisation=parties.name_of_organisation,
        labels_of=PublicLabels(Templates(everything, node.clock)).of,
        recursion=recursor,
        failed=identifiers.failed,
        watch=watch,
    )
    senders, sending = _device_http(node, mqtt, denials, limits, disk)
    app = create_app(
        services, public=public, snms_at_root=settings.identity.snms, devices=Senders(senders, field.webhooks)
    )
    server = WebServer(app, chosen)
    own = NodeTls(node, authority, recorder, chosen.certificate, chosen.key, server.renew)
    keeper = ApprovalsKeeper(approvals, recorder, node.clock)
    prefix_keeper = PrefixKeeper(
        prefixes, AuthorityStore(everything), recorder, node.clock, every_s=settings.prefixes.watch_s
    )
    reporter = Reporter(everything, register, filing.signer, node.clock)
    agent = FilingAgent(
        filing.store, prefixes, AuthorityStore(everything), secrets, filing.signer, reporter, recorder, node.clock,
        settings.filing,
    )  # fmt: skip
    rotation = RotationKeeper(Rotation(everything, secrets, node.clock))
    node.stats.sources += [
        lambda: Figures(
            server.counters() | recorder.counters() | {"calls_refused": services.calls.refused}, server.gauges()
        ),
        lambda: Figures(public.counters()),
        lambda: Figures(field.webhooks.figures()),
        own.figures,
        lambda: figures(agent.counters(), agent.gauges(), agent.problems()),
        lambda: Figures({"search_indexed": following.indexed}, following.gauges()),
        QuotaProblems(lambda: limits.ceilings, node.clock).figures,
    ]
    departed = DepartedKeeper(everything, node.clock)
    before: list[Part] = [disk, own, dead_letters, register, identifiers, rotation, keeper, departed, prefix_keeper]
    if recursor is not None:
        before.append(recursor)
    before += [agent, field.keeper, network_keeper, places.keeper]
    watching: list[Part] = [*counts, board, mirrors, Teller(watch, node.bus, settings.node.name)]
    return Composition(
        [*before, importing, bringing, exporting, following, tally, limits, *sending, *watching, server], server.url
    )


def _device_http(
    node: Node, mqtt: MqttSettings, denials: Denials, limits: LimitWatch, disk: DiskWatch
) -> tuple[DeviceHttp, list[Part]]:
    """What answers devices over HTTP, and the parts it stands on."""
    chosen, everything = node.settings.device_http, node.records.scoped(EVERYTHING)
    name = f"{node.settings.node.name}-http"
    access = Access(
        CredentialStore(everything), DeviceStore(everything), Changes(everything, node.bus), node.bus, node.clock
    )
    door = RecordedAuthenticator(QuotaDoor(access, lambda: limits.ceilings), denials, node.clock)
    stream = JetStreamIntake(node.bus, name)
    pacer = RatePacer(lambda: limits.ceilings, node.clock)
    intake, stamps = guarded(node, stream, disk, name)
    desk = IntakeDesk(intake, name, chosen, mqtt, node.clock, pacer)
    app = DeviceHttp(door, desk, HistorianClient(node.bus), chosen)
    node.stats.sources.append(lambda: Figures({"device_requests": app.requests, "device_messages": desk.messages}))
    return app, [stream, *stamps, access, desk] if chosen.enabled else []


def _edge_door(node: Node, authority: CertificateAuthority) -> EdgeDoor:
    """Where edges come in: below the name that people reach this node by, unless the settings say another."""
    chosen, web = node.settings.edges, node.settings.web
    public = urlsplit(web.public_url)
    secured = bool(listening(node.settings, node.folder)[0].certificate)
    return EdgeDoor(
        chosen.port,
        chosen.public_host or public.hostname or "",
        web.public_url.rstrip("/"),
        secured,
        round(chosen.code_hours * 3_600_000),
        lambda: (
            "".join(authority.trusted())
            if is_own(listening(node.settings, node.folder)[0].certificate, node.folder)
            else ""
        ),
        lambda: [str(each.verifier) for each in _signers(node)],
    )


class Senders:
    """Those who send with a secret of their own: devices over HTTP, and webhooks."""

    def __init__(self, *applications: DeviceHttp | Webhooks) -> None:
        self._applications = applications

    @property
    def answers_devices(self) -> bool:
        """Whether devices are answered."""
        return any(isinstance(each, DeviceHttp) and each.answers_devices for each in self._applications)

    def takes(self, path: str) -> bool:
        """Whether an address is of one of them."""
        return any(each.takes(path) for each in self._applications)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        await next(each for each in self._applications if each.takes(scope["path"]))(scope, receive, send)


def _signers(node: Node) -> Sequence[Signer]:
    """The keys of the node's ledger, which sign what its edges are to run."""
    chosen = node.settings.ledger
    path = Path(chosen.key_file) if chosen.key_file else node.folder.ledger_key
    return KeyFile(path, chosen.kinds).load(chosen.origin or f"millwright/{node.settings.node.name}")


async def _start_drill(node: Node, arguments: list[str]) -> asyncio.subprocess.Process:
    return await start_command(node, ["--data", str(node.folder.root), *arguments], "drill")
