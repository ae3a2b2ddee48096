"""The role ``web``: HTTP API, live streams, console."""

from __future__ import annotations

import asyncio
from pathlib import Path

from millwright import __version__
from millwright.app.node import Composition, Node
from millwright.app.settings import describe
from millwright.app.stats import Figures
from millwright.devices import ArrivalService, ArrivalStore, DevicesService, DeviceStore
from millwright.devices.dead_letters import DeadLetters
from millwright.historian import HistorianClient, PolicyStore
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Denials, Ledger, LedgerClient, LedgerStore, Recorder
from millwright.operations import Alarms, Rules, RuleStore
from millwright.operations.directory import RegistryDirectory
from millwright.parties import Parties, Sealer
from millwright.web import Connection, Services, SettingView, WebServer, create_app


def compose(node: Node) -> Composition:
    """The services that the routes ask for, and the server."""
    settings = node.settings
    alarms = Alarms(node.records, node.bus, node.clock)
    devices = DevicesService(node.records, node.bus, node.clock, settings.devices, count_alarms=alarms.active_by_device)
    directory = RegistryDirectory(devices.device_store, devices.model_store, devices.changes)
    dead_letters = DeadLetters(node.bus, devices.registry.known)
    recorder = Recorder(node.bus)
    denials = Denials(recorder, node.clock, interval_s=settings.ledger.repeats_every_s)
    parties = Parties(
        node.records,
        node.clock,
        session_hours=settings.web.session_hours,
        settings=settings.sign_in,
        sealer=Sealer.from_file(Path(settings.sign_in.key_file or node.folder.root / "sign_in.key")),
    )
    devices.follow(parties.organisations)
    everybody = DeviceStore(node.records.scoped(EVERYTHING))
    services = Services(
        parties=parties,
        devices=devices,
        arrivals=ArrivalService(
            ArrivalStore(node.records), devices.device_store, devices.changes, node.bus, node.clock, settings.devices
        ),
        historian=HistorianClient(node.bus),
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
        settings=settings.web,
        version=__version__,
        data_folder=node.folder.root,
        connection=Connection(settings.mqtt.port or None, settings.mqtt.tls_port or None),
        describe_settings=lambda: [
            SettingView(each.key, each.value, each.default, each.origin, each.description)
            for each in describe(settings, node.config)
        ],
    )
    server = WebServer(create_app(services), settings.web)
    node.stats.sources.append(lambda: Figures(server.counters() | recorder.counters(), server.gauges()))
    return Composition([dead_letters, server], server.url)
