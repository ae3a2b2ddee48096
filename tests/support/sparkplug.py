"""An edge node in a few lines, for tests of the host; payloads are written with our own protobuf classes."""

from __future__ import annotations

from typing import Any

from millwright.devices.intake import Frame, Run, encode_frame
from millwright.devices.sparkplug import DataType, Payload, SparkplugHost
from millwright.devices.telemetry import (
    Collector,
    Decoded,
    Decoder,
    JsonDecoder,
    KnownDevice,
    Outgoing,
    TelemetrySettings,
)
from support.telemetry import NOW_MS, Plant

GROUP, EDGE = "plant", "edge1"
EDGE_ID, CHILD_ID = "dev_edge", "dev_mixer"


def metric(name: str = "", datatype: int = DataType.DOUBLE, alias: int | None = None, **value: Any) -> dict[str, Any]:
    """A metric's fields; ``timestamp`` is one millisecond before now unless given."""
    fields: dict[str, Any] = {"datatype": int(datatype), "timestamp": NOW_MS - 1} | value
    if name:
        fields["name"] = name
    if alias is not None:
        fields["alias"] = alias
    return {key: item for key, item in fields.items() if item is not None}


def payload(*metrics: dict[str, Any], seq: int | None = None, timestamp: int = NOW_MS) -> bytes:
    """A payload of these metrics."""
    message = Payload(timestamp=timestamp)
    if seq is not None:
        message.seq = seq
    for fields in metrics:
        message.metrics.add(**fields)
    return bytes(message.SerializeToString())


def bd_seq(number: int) -> dict[str, Any]:
    return metric("bdSeq", DataType.INT64, long_value=number)


class HostBench:
    """A host with one registered edge node and, below it, one registered device ``mixer``."""

    def __init__(self, settings: TelemetrySettings | None = None) -> None:
        self.plant = Plant(KnownDevice(EDGE_ID, {}, GROUP, EDGE), KnownDevice(CHILD_ID))
        self.plant.children[EDGE_ID, "mixer"] = CHILD_ID
        settings = settings or TelemetrySettings()
        collector = Collector(settings)
        self.host = SparkplugHost(self.plant, collector, settings)
        self.decoder = Decoder(self.plant, collector, JsonDecoder(collector, settings), self.host)
        self.sequence = 0

    def send(self, kind: str, data: bytes, *, device: str = "", received_ms: int = NOW_MS, flags: int = 0) -> Decoded:
        topic = f"spBv1.0/{GROUP}/{kind}/{EDGE}" + (f"/{device}" if device else "")
        self.sequence += 1
        run = Run(EDGE_ID, topic, received_ms, flags, [data])
        self.decoder.decode(encode_frame(Frame(1, "test", [run])), self.sequence)
        return self.decoder.take()

    def born(self, *metrics: dict[str, Any], bd: int = 0) -> Decoded:
        """The edge node's birth with these metrics, payload number 0."""
        return self.send("NBIRTH", payload(bd_seq(bd), *metrics, seq=0))


def is_rebirth_request(outgoing: Outgoing) -> bool:
    message = Payload.FromString(outgoing.payload)
    return outgoing.topic == f"spBv1.0/{GROUP}/NCMD/{EDGE}" and [
        (m.name, m.datatype, m.boolean_value) for m in message.metrics
    ] == [("Node Control/Rebirth", 11, True)]
