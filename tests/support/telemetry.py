"""A small plant for tests of decoding: devices in memory, decoders wired as the node wires them."""

from __future__ import annotations

import orjson

from millwright.devices.intake import FLAG_ACKNOWLEDGED, Frame, Run, encode_frame
from millwright.devices.telemetry import (
    Collector,
    DeclaredProperty,
    Decoded,
    Decoder,
    JsonDecoder,
    KnownDevice,
    TelemetrySettings,
)
from millwright.historian import Value, series_id

NOW_MS = 1_750_000_000_000
TOPIC = "v1/devices/me/telemetry"


class Plant:
    """A directory of devices that a test fills."""

    def __init__(self, *devices: KnownDevice) -> None:
        self.devices = {device.device_id: device for device in devices}
        self.children: dict[tuple[str, str], str] = {}

    def declare(self, device_id: str, *properties: DeclaredProperty) -> None:
        self.devices[device_id] = KnownDevice(device_id, {p.name: p for p in properties})

    def find_device(self, device_id: str) -> KnownDevice | None:
        return self.devices.get(device_id)

    def find_sparkplug_device(self, edge_id: str, name: str) -> str | None:
        return self.children.get((edge_id, name))


class NoSparkplug:
    """For tests without Sparkplug."""

    def prepare(self, run: Run, device: KnownDevice) -> None: ...

    def decode(self, run: Run, device: KnownDevice, sequence: int) -> None:
        raise AssertionError(run.topic)


class Bench:
    """A decoder over a plant with one device ``pump``; decodes and takes in one go."""

    def __init__(self, plant: Plant | None = None, settings: TelemetrySettings | None = None) -> None:
        self.plant = plant or Plant(KnownDevice("pump"))
        settings = settings or TelemetrySettings()
        collector = Collector(settings)
        self.decoder = Decoder(self.plant, collector, JsonDecoder(collector, settings), NoSparkplug())
        self.sequence = 0

    def decode(self, *runs: Run) -> Decoded:
        self.sequence += 1
        self.decoder.decode(encode_frame(Frame(1, "test", list(runs))), self.sequence)
        return self.decoder.take()

    def send(self, *messages: object, received_ms: int = NOW_MS, flags: int = FLAG_ACKNOWLEDGED) -> Decoded:
        """Messages of ``pump`` in one run; ``bytes`` go as they are, all else as JSON."""
        return self.decode(run_of(*messages, received_ms=received_ms, flags=flags))


def run_of(
    *messages: object,
    device: str = "pump",
    topic: str = TOPIC,
    received_ms: int = NOW_MS,
    flags: int = FLAG_ACKNOWLEDGED,
    first_packet: int = 1,
) -> Run:
    payloads = [m if isinstance(m, bytes) else orjson.dumps(m) for m in messages]
    packet_ids = list(range(first_packet, first_packet + len(payloads))) if flags & FLAG_ACKNOWLEDGED else []
    return Run(device, topic, received_ms, flags, payloads, packet_ids)


def readings(decoded: Decoded, names: tuple[str, ...], device: str = "pump") -> list[tuple[str, int, Value, int]]:
    """(name, source time, value, quality) of each reading, in the batch's order; fails on a series not in ``names``."""
    by_series = {series_id(device, name): name for name in names}
    batch = decoded.batch
    return [
        (by_series[int(batch.series[row])], int(batch.time_ms[row]), batch.value(row), int(batch.quality[row]))
        for row in range(len(batch))
    ]


def reasons(decoded: Decoded) -> list[str]:
    return [letter.reason for letter in decoded.dead_letters]
