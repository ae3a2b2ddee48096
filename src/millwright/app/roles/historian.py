"""The role ``historian``: decode, judge, store, answer; presence and arrivals."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import msgspec

from millwright.app.connectors import points_of
from millwright.app.edge_rules import judges_of
from millwright.app.ledger import ledger_parts
from millwright.app.location import intake_hold
from millwright.app.node import Composition, Node
from millwright.app.pipeline import Pipeline
from millwright.app.snapshots import StoredBytes
from millwright.app.sparkplug import host_application
from millwright.app.stats import Figures, figures
from millwright.devices import (
    ArrivalService,
    ArrivalStore,
    ArrivalWorker,
    ChangeWatch,
    ChildContact,
    DeviceDirectory,
    DevicesService,
    PresenceWorker,
    SparkplugContact,
)
from millwright.devices.commands import AnswerDecoder, command_worker
from millwright.devices.dialects import AttributeAnswers, Children, DialectDecoder
from millwright.devices.edge.down.command_way import LinkWay
from millwright.devices.edge.joining import find_membership
from millwright.devices.edge.keeping import read_kept
from millwright.devices.edge.positions import EdgePositions
from millwright.devices.history_export import ArrivalsWanted
from millwright.devices.location import SightingDecoder
from millwright.devices.sparkplug import SparkplugHost, command_topic, publish, rebirth_request
from millwright.devices.telemetry import ChildHeard, Collector, Decoded, Outgoing, new_decoder
from millwright.devices.vehicles import VehicleRuns
from millwright.engines.clickhouse import open_engine
from millwright.historian import Historian, HistorianServer, LivePublisher, PolicyStore, Retention
from millwright.kernel import MillwrightError
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from millwright.metering import Calendar, CountStore, StreamTally
from millwright.operations import Alarms, AlarmWorker
from millwright.operations.at_edges import Outbox
from millwright.operations.directory import RegistryDirectory

logger = logging.getLogger(__name__)


class Watchers:
    """What looks at everything decoded, besides the rules: live readings, presence, arrivals."""

    def __init__(self, live: LivePublisher, presence: PresenceWorker, arrivals: ArrivalService) -> None:
        self._live, self._presence, self._arrivals = live, presence, arrivals

    def look(self, decoded: Decoded) -> None:
        """Hand on; does no I/O."""
        self._live.offer(decoded.batch, decoded.new_series)
        self._presence.touch(decoded.last_seen)
        for change in decoded.presence:
            self._presence.sparkplug_state(change.device_id, change.online, change.at_ms, change.reason)
        for arrival in decoded.arrivals:
            if isinstance(arrival, ChildHeard):
                self._arrivals.record(msgspec.convert(arrival, ChildContact, from_attributes=True))
            else:
                self._arrivals.record(msgspec.convert(arrival, SparkplugContact, from_attributes=True))


class Newcomers:
    """Announces the devices that gateways registered while their messages were read."""

    def __init__(self, children: Children, devices: DevicesService) -> None:
        self._children, self._devices = children, devices
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self, _decoded: Decoded) -> None:
        """A hook: announce in the background."""
        found = self._children.take_registered()
        if found:
            task = asyncio.create_task(self._announce(found))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _announce(self, device_ids: list[str]) -> None:
        for device_id in device_ids:
            await self._devices.changes.announce(device_id)


class Rebirths:
    """Asks the edge node of a Sparkplug device that was just registered for its births, which name its metrics."""

    def __init__(self, node: Node, devices: DevicesService) -> None:
        self._node, self._devices = node, devices
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, device_ids: list[str]) -> None:
        """Ask in the background, once for each edge node."""
        task = asyncio.create_task(self._ask(device_ids))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, device_ids: list[str]) -> None:
        try:
            bindings = {(await self._devices.registry.get(device_id)).sparkplug for device_id in device_ids}
            nodes = {(each.group_id, each.edge_node_id) for each in bindings if each is not None}
            payload = rebirth_request(self._node.clock.now_ms())
            for group_id, edge_node_id in sorted(nodes):
                topic = command_topic(group_id, edge_node_id)
                await publish(self._node.bus, Outgoing(topic, payload))
        except MillwrightError as error:
            logger.warning("an edge node could not be asked for its births: %s", error.message)


def compose(node: Node) -> Composition:
    """Everything from the intake stream to history, alarms and answers."""
    settings = node.settings
    devices = DevicesService(node.records, node.bus, node.clock, settings.devices)
    arrivals = ArrivalService(
        ArrivalStore(node.records), devices.device_store, devices.changes, node.bus, node.clock, settings.devices
    )
    engine = open_engine(settings.clickhouse, node.folder.history)
    historian = Historian(engine, node.clock, settings.historian)
    retention = Retention(
        engine,
        PolicyStore(node.records),
        node.clock,
        owners=devices.device_store.owners,
        gone=devices.device_store.orphans,
        interval_s=settings.historian.retention_interval_s,
    )
    server = HistorianServer(historian, retention, node.bus)
    ledger = ledger_parts(node)
    live = LivePublisher(node.bus, historian, node.clock)
    presence = PresenceWorker(devices.presence_store, node.bus, node.clock)

    directory = DeviceDirectory(devices.device_store, devices.model_store)
    collector = Collector(settings.telemetry)
    sparkplug = SparkplugHost(directory, collector, settings.telemetry)
    children = Children(node.records, devices.device_store, directory, node.clock, settings.devices)
    answers = AttributeAnswers(historian, partial(publish, node.bus))
    watchers = Watchers(live, presence, arrivals)
    positions = EdgePositions(node.bus)
    is_edge = find_membership(node.folder.root) is not None
    alarms = AlarmWorker(
        node.records,
        node.bus,
        historian,
        RegistryDirectory(
            devices.device_store,
            devices.model_store,
            devices.changes,
            *([judges_of(node)] if settings.edges.port else ()),
        ),
        node.clock,
        settings.operations,
        lag_s=lambda: pipeline.lag_s(),
        keep=Outbox().keep if is_edge else None,
        has_edges=bool(settings.edges.port),
    )
    recorder = Recorder(node.bus)
    commands = command_worker(
        node.records,
        historian,
        sparkplug,
        recorder,
        Alarms(node.records, node.bus, node.clock).active_by_priority,
        node.bus,
        node.clock,
        settings.commands,
        lag_s=lambda: pipeline.lag_s(),
        edges=LinkWay(node.bus) if settings.edges.port else None,
    )
    commands.use_connectors(points_of(node))
    pipeline = Pipeline(
        node.bus,
        new_decoder(
            directory,
            settings.telemetry,
            collector,
            sparkplug,
            AnswerDecoder(collector),
            partial(DialectDecoder, children, collector),
            SightingDecoder(collector),
            partial(VehicleRuns, children, collector),
        ),
        historian,
        sparkplug,
        node.clock,
        settings.telemetry,
        hooks=[
            ("rules", lambda decoded: alarms.evaluate(decoded.batch)),
            ("watchers", watchers.look),
            ("commands", commands.look),
            ("newcomers", Newcomers(children, devices).look),
            ("attributes", answers.look),
        ],
        note_series=devices.properties.note,
        before_acknowledge=[("alarms", alarms.flush), ("commands", commands.settle), ("edges", positions.settle)],
        tally=StreamTally(CountStore(node.records), node.clock),
        see=positions.see,
        hold=intake_hold(node, [partial(read_kept, node.bus)] if is_edge else []),
    )
    node.stats.sources += [
        pipeline.figures,
        lambda: figures(historian.counters(), historian.gauges(), historian.problems()),
        lambda: figures(alarms.counters(), alarms.gauges(), alarms.problems()),
        lambda: Figures(commands.counters(), commands.gauges()),
        lambda: Figures({"requests": server.requests}, {"devices_online": presence.online}),
        ledger.figures,
    ]
    return Composition(
        [
            *ledger.parts,
            historian,
            ArrivalsWanted(node.records.scoped(EVERYTHING), historian.follow_arrivals, node.clock),
            retention,
            server,
            live,
            presence,
            ChangeWatch(node.bus, devices.changes, directory.drop),
            ArrivalWorker(arrivals, node.bus, Rebirths(node, devices).ask),
            alarms,
            positions,
            *host_application(node, sparkplug, devices.device_store),
            recorder,
            commands,
            answers,
            pipeline,
            StoredBytes(
                historian.bytes_by_device,
                devices.device_store.known,
                CountStore(node.records),
                Calendar(settings.metering.utc_offset_h),
                node.clock,
            ),
        ]
    )
