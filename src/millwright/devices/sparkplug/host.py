"""The host application: certificates and data of edge nodes become readings, presence and rebirth requests.

Sparkplug 3.0, sections 5 (operational behaviour) and 6.4 (payloads). Decisions where the specification leaves room:

- Payload numbers with a gap: what is missing may be late, and the data is read meanwhile; names and aliases are those
  of the last birth, so it is not wrong, only incomplete. When it does not come, a rebirth is asked for once
  (:meth:`SparkplugHost.overdue`).
- Data before the birth: a rebirth is asked for, the payload is kept as a dead letter that can be replayed afterwards.
- On a death every metric of the node or device gets one *bad* reading without a value at that moment: what it is now,
  nobody knows. That moment is the payload's for a device, and that of reception for an edge node, whose will was
  written when it connected.
- ``is_transient`` metrics are not stored; ``bdSeq`` and ``Node Control/…`` are the protocol's own, not readings.
- The members of a template instance are read as ``name.member``; a definition has no values and is passed over.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from millwright.devices.intake import FLAG_DUPLICATE, FLAG_REPLAYED, Run
from millwright.devices.sparkplug.payload import Payload, find_payload
from millwright.devices.sparkplug.session import MOST_DEVICES, MOST_METRICS, EdgeSession, MetricSet
from millwright.devices.sparkplug.topics import Topic, command_topic, find_topic
from millwright.devices.sparkplug.values import DataType, Scalar, iter_members, iter_values, kind_of
from millwright.devices.telemetry import (
    Arrival,
    Collector,
    Directory,
    KnownDevice,
    Outgoing,
    PresenceChange,
    TelemetrySettings,
    Unreadable,
)
from millwright.devices.telemetry.properties import NAME_BYTES, DeviceProperties
from millwright.devices.telemetry.times import find_time_ms
from millwright.historian import BAD, GOOD, UNCERTAIN

logger = logging.getLogger(__name__)

_BIRTHS: Final = frozenset({"NBIRTH", "DBIRTH"})
_DEATHS: Final = frozenset({"NDEATH", "DDEATH"})
_BD_SEQ: Final = "bdSeq"
_OWN: Final = ("Node Control/", "Device Control/")
_UNITS: Final = frozenset({"engunit", "engineeringunit", "unit", "units"})
_STALE: Final = 500
"""Value of the property ``Quality`` for "the last value known, no longer current"."""


class SparkplugHost:
    """Follows every edge node; decodes runs of ``spBv1.0/#`` into a :class:`Collector`."""

    def __init__(self, directory: Directory, collector: Collector, settings: TelemetrySettings | None = None) -> None:
        self._directory = directory
        self._collector = collector
        self._settings = settings or TelemetrySettings()
        self.sessions: dict[str, EdgeSession] = {}
        """Edge device id → its session."""
        self.changed: set[str] = set()
        """Edge nodes born or dead since this set was last cleared: what must be written down."""
        self.gaps: dict[str, Gap] = {}
        """Edge device id → its payloads that were passed over and may still come."""

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Have the directory look up whom :meth:`decode` will ask it for. Raises ``Unavailable``."""
        topic = find_topic(run.topic)
        if topic is None:
            return
        names: Iterable[str] = (topic.device,) if topic.device is not None else ()
        if topic.type == "NDEATH" and device.device_id in self.sessions:
            names = self.sessions[device.device_id].devices
        for name in names:
            found = self._directory.find_sparkplug_device(device.device_id, name)
            if found is not None:
                self._directory.find_device(found)

    def overdue(self, now_s: float, now_ms: int, patience_s: float) -> list[Outgoing]:
        """Requests to the edge nodes whose missing payloads did not come within ``patience_s``; to be called often.

        A gap is old enough ``patience_s`` after it was first seen here, not after its payloads were received: the rest
        of a backlog is read in that time.
        """
        requests = []
        for edge_id, gap in list(self.gaps.items()):
            if gap.since_s is None:
                gap.since_s = now_s
            if now_s - gap.since_s < patience_s:
                continue
            del self.gaps[edge_id]
            session = self.sessions[edge_id]
            session.awaited = set()
            if session.node.online and session.may_ask(now_ms):
                self._collector.counts["sparkplug_rebirths_asked"] += 1
                requests.append(Outgoing(gap.topic, rebirth_request(now_ms)))
        return requests

    def decode(self, run: Run, device: KnownDevice, sequence: int) -> None:
        """Decode a run of the edge node ``device``; raises nothing."""
        for payload in run.payloads:
            try:
                self._take(run, device, payload, sequence)
            except Unreadable as why:
                self._collector.reject(run, payload, why)
            except Exception as error:  # one message must never stop the intake of all
                logger.exception("decoding a Sparkplug message of %s failed", run.device_id)
                self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]))

    def _take(self, run: Run, device: KnownDevice, data: bytes, sequence: int) -> None:
        topic = find_topic(run.topic)
        if topic is None:
            raise Unreadable("sparkplug.topic", f"{run.topic[:200]!r} is no topic an edge node publishes to.")
        if (topic.group_id, topic.edge_node_id) != (device.group_id, device.edge_node_id):
            raise Unreadable(
                "sparkplug.foreign_edge",
                f"The device is not bound to group {topic.group_id[:80]!r}, edge node {topic.edge_node_id[:80]!r}.",
            )
        payload = find_payload(data)
        if payload is None:
            raise Unreadable("sparkplug.not_protobuf", "The payload is no Sparkplug B payload.")
        _Message(self, run, device, topic, payload, data, sequence).take()


@dataclass(slots=True)
class Gap:
    """Payloads of an edge node are missing: where it is asked for births, and since when it was waited."""

    topic: str
    since_s: float | None = None


class _Message:
    """One payload on its way through the session."""

    def __init__(
        self,
        host: SparkplugHost,
        run: Run,
        edge: KnownDevice,
        topic: Topic,
        payload: Any,
        data: bytes,
        sequence: int,
    ) -> None:
        self._host, self._run, self._edge, self._topic = host, run, edge, topic
        self._payload, self._data, self._sequence = payload, data, sequence
        self._collector, self._directory = host._collector, host._directory
        session = host.sessions.get(edge.device_id)
        self._session = host.sessions.setdefault(edge.device_id, EdgeSession.new()) if session is None else session
        self._replayed = bool(run.flags & FLAG_REPLAYED)
        self._seq = payload.seq if payload.HasField("seq") else None

    def take(self) -> None:
        topic, session = self._topic, self._session
        if topic.type in _DEATHS:
            self._die()
            return
        if topic.type == "NBIRTH":
            if not self._replayed:
                session.begin(self._bd_seq(), self._seq, self._sequence, self._run.received_ms)
                self._host.gaps.pop(self._edge.device_id, None)
                self._host.changed.add(self._edge.device_id)
        elif not session.node.online:
            self._ask_for_rebirth()
            raise Unreadable("sparkplug.before_birth", f"{topic.type} came before the edge node's birth.")
        else:
            self._follow()
        if topic.type == "DBIRTH" and not self._replayed:
            if not session.begin_device(topic.device or "", self._sequence, self._run.received_ms):
                raise _too_many("devices", MOST_DEVICES)
            self._host.changed.add(self._edge.device_id)
        metrics = session.set_of(topic.device)
        if metrics is None or not metrics.online:
            self._ask_for_rebirth()
            raise Unreadable("sparkplug.before_birth", f"{topic.type} came before the birth of {topic.device!r}.")
        named = [(self._learn(metric, metrics), metric) for metric in self._payload.metrics]
        target = self._target()
        if topic.type in _BIRTHS and not self._replayed:
            self._say(target.device.device_id, True, topic.type)
        self._read(named, metrics, target)

    def _learn(self, metric: Any, metrics: MetricSet) -> str:
        """The name of ``metric``; a birth announces names, types and aliases."""
        if metric.name and self._topic.type in _BIRTHS and not self._replayed:
            if len(metric.name.encode()) > NAME_BYTES:
                raise Unreadable("telemetry.property_name", f"The name {metric.name[:40]!r}… is too long.")
            if not self._session.announce(metrics.types, metric.name, metric.datatype):
                raise _too_many("metrics", MOST_METRICS)
            if metric.HasField("alias"):
                self._session.aliases[metric.alias] = (self._topic.device or "", metric.name)
        if metric.name:
            return str(metric.name)
        owner, name = self._session.aliases.get(metric.alias, (None, ""))
        if not metric.HasField("alias"):
            raise Unreadable("sparkplug.metric", "A metric has neither name nor alias.")
        if owner != (self._topic.device or ""):
            self._ask_for_rebirth()
            raise Unreadable("sparkplug.alias_unknown", f"The alias {metric.alias} was not announced by the birth.")
        return name

    def _read(self, named: list[tuple[str, Any]], metrics: MetricSet, target: DeviceProperties) -> None:
        rows: list[tuple[str, int, Scalar | None, int, int]] = []
        for name, metric in self._spread(named, metrics):
            if name == _BD_SEQ or name.startswith(_OWN):
                continue
            datatype = metric.datatype or metrics.types.get(name) or metrics.members.get(name, DataType.UNKNOWN)
            if metric.is_transient:
                self._collector.counts["points_transient"] += 1
                continue
            unit, quality = _described(metric)
            if unit:
                target.describe(name, unit)
            time_ms, ceiling = self._time_of(metric)
            quality = min(quality, ceiling)
            values: Iterator[tuple[str, Scalar | None]]
            values = iter([(name, None)]) if metric.is_null else iter_values(name, datatype, metric)
            rows += [(flat, time_ms, value, quality, datatype) for flat, value in values]
            if len(rows) > self._host._settings.message_properties:
                raise Unreadable("telemetry.too_many_properties", "The payload holds too many values.")
        self._add(rows, target)

    def _spread(self, named: list[tuple[str, Any]], metrics: MetricSet) -> Iterator[tuple[str, Any]]:
        """The metrics, and in place of a template its members; a birth announces them."""
        announces = self._topic.type in _BIRTHS and not self._replayed
        for name, metric in named:
            if (metric.datatype or metrics.types.get(name)) != DataType.TEMPLATE:
                yield name, metric
                continue
            for flat, member in iter_members(name, metric):
                if len(flat.encode()) > NAME_BYTES:
                    raise Unreadable("telemetry.property_name", f"The name {flat[:40]!r}… is too long.")
                if announces and not self._session.announce(metrics.members, flat, member.datatype):
                    raise _too_many("metrics", MOST_METRICS)
                yield flat, member

    def _add(self, rows: list[tuple[str, int, Scalar | None, int, int]], target: DeviceProperties) -> None:
        ready = []
        for name, time_ms, value, quality, datatype in rows:
            found = target.find(name)
            target.announce(found, kind_of(datatype) if value is None else found.kind_of(value))
            ready.append((found.series, time_ms, value, BAD if value is None else found.quality(value, quality)))
        for series, time_ms, value, quality in ready:
            self._collector.rows.add(series, time_ms, self._run.received_ms, value, quality)

    def _time_of(self, metric: Any) -> tuple[int, int]:
        """The metric's time, else the payload's, else (uncertain) the time of reception."""
        for carrier in (metric, self._payload):
            if carrier.HasField("timestamp"):
                time_ms = find_time_ms(carrier.timestamp, self._run.received_ms)
                if time_ms is not None:
                    return time_ms, GOOD
                self._collector.counts["times_replaced"] += 1
                return self._run.received_ms, UNCERTAIN
        return self._run.received_ms, GOOD

    def _follow(self) -> None:
        """Keep count of payload numbers; a gap asks for a rebirth."""
        if self._replayed:
            return
        session, seq = self._session, self._seq
        repeated = self._run.flags & FLAG_DUPLICATE and seq is not None and seq != session.next_seq
        if repeated:
            return
        edge_id, gaps = self._edge.device_id, self._host.gaps
        if not session.follow(seq):
            self._collector.counts["sparkplug_gaps"] += 1
            gaps.setdefault(edge_id, Gap(command_topic(self._topic.group_id, self._topic.edge_node_id)))
        elif gaps and not session.awaited:
            gaps.pop(edge_id, None)

    def _die(self) -> None:
        session, topic = self._session, self._topic
        if self._replayed or (topic.type == "NDEATH" and not session.ends_with(self._bd_seq())):
            self._collector.counts["sparkplug_late_deaths"] += 1
            return
        if topic.type == "DDEATH":
            self._follow()
            device = session.set_of(topic.device)
            if device is not None:
                device.online = False
                session.sequence = self._sequence
                self._mark(topic.device, device, self._time_of(self._payload)[0])
        else:
            for name, device in session.devices.items():
                if device.online:
                    self._mark(name, device)
            if session.node.online:
                self._mark(None, session.node)
            session.end(self._sequence)
            self._host.gaps.pop(self._edge.device_id, None)
        self._host.changed.add(self._edge.device_id)

    def _mark(self, device: str | None, metrics: MetricSet, at_ms: int | None = None) -> None:
        """Everything the node or device announced is unknown from ``at_ms`` on (``None``: from now on)."""
        at_ms = self._run.received_ms if at_ms is None else at_ms
        device_id = self._device_id(device)
        known = self._directory.find_device(device_id) if device_id else None
        if known is None:
            return
        target = self._collector.properties_of(known)
        for name, datatype in (metrics.types | metrics.members).items():
            if name == _BD_SEQ or name.startswith(_OWN) or datatype not in _SINGLE:
                continue
            with contextlib.suppress(Unreadable):  # beyond the device's limit: it has no readings that could end
                self._add([(name, at_ms, None, int(BAD), datatype)], target)
        # Not before its birth, which the edge node's clock may say.
        self._say(known.device_id, False, self._topic.type, min(max(at_ms, metrics.born_ms), self._run.received_ms))

    def _target(self) -> DeviceProperties:
        """Whose readings these are. Raises :class:`Unreadable` for a device that nobody registered."""
        device_id = self._device_id(self._topic.device)
        known = self._directory.find_device(device_id) if device_id else None
        if known is None:
            name = self._topic.device or ""
            self._collector.arrivals.append(
                Arrival(
                    self._edge.device_id, self._topic.group_id, self._topic.edge_node_id, name, self._run.received_ms
                )
            )
            raise Unreadable(
                "sparkplug.device_unknown",
                f"The device {name[:80]!r} below {self._topic.edge_node_id[:80]!r} is not registered; adopt it, "
                "then replay.",
            )
        if known.disabled and known.device_id != self._edge.device_id:
            raise Unreadable("sparkplug.device_disabled", f"The device {known.device_id} is disabled.")
        if known.device_id != self._edge.device_id:
            self._collector.last_seen[known.device_id] = self._run.received_ms
        return self._collector.properties_of(known)

    def _device_id(self, device: str | None) -> str | None:
        if device is None:
            return self._edge.device_id
        return self._directory.find_sparkplug_device(self._edge.device_id, device)

    def _say(self, device_id: str, online: bool, reason: str, at_ms: int | None = None) -> None:
        at_ms = self._run.received_ms if at_ms is None else at_ms
        self._collector.presence.append(PresenceChange(device_id, online, at_ms, reason))

    def _bd_seq(self) -> int | None:
        for metric in self._payload.metrics:
            if metric.name == _BD_SEQ:
                return int(metric.long_value or metric.int_value)
        return None

    def _ask_for_rebirth(self) -> None:
        if self._replayed or not self._session.may_ask(self._run.received_ms):
            return
        self._collector.counts["sparkplug_rebirths_asked"] += 1
        self._collector.outgoing.append(
            Outgoing(
                command_topic(self._topic.group_id, self._topic.edge_node_id), rebirth_request(self._run.received_ms)
            )
        )


_SINGLE: Final = frozenset(
    kind for kind in DataType if DataType.INT8 <= kind <= DataType.UUID or kind in (DataType.BYTES, DataType.FILE)
)


def _too_many(what: str, most: int) -> Unreadable:
    return Unreadable("telemetry.device_property_limit", f"An edge node may announce {most} {what} at most.")


def rebirth_request(now_ms: int) -> bytes:
    """The payload of the command that asks an edge node for its birth certificates (section 6.4.20, NCMD)."""
    payload = Payload(timestamp=now_ms)
    payload.metrics.add(name="Node Control/Rebirth", timestamp=now_ms, datatype=DataType.BOOLEAN, boolean_value=True)
    return bytes(payload.SerializeToString())


def _described(metric: Any) -> tuple[str | None, int]:
    """Unit and quality from the metric's property set."""
    unit, quality = None, int(GOOD)
    if metric.HasField("properties"):
        for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
            if key.lower() in _UNITS and value.string_value:
                unit = str(value.string_value)
            elif key == "Quality" and value.WhichOneof("value") in ("int_value", "long_value"):
                code = int(value.int_value or value.long_value)
                quality = UNCERTAIN if code == _STALE or UNCERTAIN <= code < GOOD else GOOD if code >= GOOD else BAD
    return unit, int(quality)
