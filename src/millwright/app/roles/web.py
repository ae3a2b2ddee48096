"""The role ``web``: HTTP API, live streams, console."""

from __future__ import annotations

from millwright import __version__
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.settings import describe
from millwright.app.stats import Figures
from millwright.app.tls import NodeTls, listening
from millwright.certificates import CertificateAuthority
from millwright.devices import ArrivalService, ArrivalStore, DevicesService
from millwright.devices.certificates import DeviceCertificates
from millwright.devices.dead_letters import DeadLetters
from millwright.engines.secrets import Rotation, RotationKeeper
from millwright.historian import HistorianClient
from millwright.operations import Alarms, Rules, RuleStore
from millwright.operations.directory import RegistryDirectory
from millwright.parties import Parties
from millwright.web import Services, SettingView, WebServer, create_app


def compose(node: Node) -> Composition:
    """The services that the routes ask for, and the server."""
    settings = node.settings
    chosen, _ = listening(settings, node.folder)
    alarms = Alarms(node.records, node.bus, node.clock)
    devices = DevicesService(node.records, node.bus, node.clock, settings.devices, count_alarms=alarms.active_by_device)
    directory = RegistryDirectory(devices.device_store, devices.model_store, devices.changes)
    dead_letters = DeadLetters(node.bus)
    secrets = secrets_of(node)
    authority = CertificateAuthority(node.records, secrets, node.clock, settings.certificates)
    services = Services(
        parties=Parties(node.records, node.clock, session_hours=settings.web.session_hours),
        devices=devices,
        arrivals=ArrivalService(
            ArrivalStore(node.records), devices.device_store, devices.changes, node.bus, node.clock, settings.devices
        ),
        historian=HistorianClient(node.bus),
        alarms=alarms,
        rules=Rules(RuleStore(node.records), directory, node.bus, node.clock, settings.operations),
        dead_letters=dead_letters,
        bus=node.bus,
        records=node.records,
        clock=node.clock,
        settings=chosen,
        version=__version__,
        data_folder=node.folder.root,
        describe_settings=lambda: [
            SettingView(each.key, each.value, each.default, each.origin, each.description)
            for each in describe(settings, node.config)
        ],
        more={
            "authority": authority,
            "device_certificates": DeviceCertificates(authority, node.records, devices.changes, node.clock),
        },
    )
    server = WebServer(create_app(services), chosen)
    own = NodeTls(node, authority, chosen.certificate, chosen.key, server.renew)
    rotation = RotationKeeper(Rotation(node.records, secrets, node.clock))
    node.stats.sources += [lambda: Figures(server.counters(), server.gauges()), own.figures]
    return Composition([own, dead_letters, rotation, server], server.url)
