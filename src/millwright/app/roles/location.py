"""The role ``location``: follows tags, tells who comes and goes, and closes the loop."""

from __future__ import annotations

from millwright.app.node import Composition, Node
from millwright.app.stats import figures
from millwright.devices.commands import commands_service
from millwright.devices.location import FeedbackStore, LocationStore, LocationWorker, Reactor, TrackStore
from millwright.historian import HistorianClient
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from millwright.operations import Alarms
from millwright.parties import Standing


def compose(node: Node) -> Composition:
    """The tracker, and what asks for commands."""
    everything = node.records.scoped(EVERYTHING)
    settings = node.settings.location
    feedback = FeedbackStore(everything)
    worker = LocationWorker(node.bus, LocationStore(everything), TrackStore(everything), feedback, node.clock, settings)
    commands, _ = commands_service(
        everything,
        everything,
        HistorianClient(node.bus),
        Alarms(everything, node.bus, node.clock).active_by_priority,
        node.bus,
        node.clock,
        node.settings.commands,
    )
    recorder = Recorder(node.bus)
    reactor = Reactor(feedback, commands, Standing(everything, node.clock), recorder, node.clock, settings.stale_s)
    node.stats.sources.append(
        lambda: figures(worker.counters() | reactor.counters(), worker.gauges(), worker.problems())
    )
    return Composition([recorder, worker, reactor])
