"""A decoder of dialects over a plant in memory, and a gateway's devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from millwright.devices.dialects import DialectDecoder
from millwright.devices.dialects.model import Address
from millwright.devices.intake import FLAG_ACKNOWLEDGED
from millwright.devices.telemetry import Collector, Decoded, Decoder, JsonDecoder, KnownDevice, TelemetrySettings
from support.telemetry import NOW_MS, Bench, NoSparkplug, Plant, run_of

GATEWAY = KnownDevice("gw", kind="gateway", registers=True)
PUMP = KnownDevice("pump", dialect="alibaba", realm="pk1", foreign_name="pump7")
METER = KnownDevice("meter", dialect="jetlinks", realm="prod", foreign_name="m1")


class Family:
    """The devices below gateways, in memory; implements the decoder's ``Below``."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self.known: dict[tuple[str, Address], str] = {}
        self.met: list[tuple[Address, str]] = []

    def find(self, gateway: KnownDevice, address: Address) -> KnownDevice | None:
        device_id = self.known.get((gateway.device_id, address))
        return None if device_id is None else self._plant.find_device(device_id)

    def meet_all(self, gateway: KnownDevice, spoken_of: Sequence[tuple[Address, str]]) -> None:
        for address, kind in spoken_of:
            self.meet(gateway, address, kind)

    def meet(self, gateway: KnownDevice, address: Address, kind: str = "") -> None:
        if gateway.registers and (gateway.device_id, address) not in self.known:
            device_id = f"dev-{address.name}"
            self.met.append((address, kind))
            self.known[gateway.device_id, address] = device_id
            self._plant.devices[device_id] = KnownDevice(device_id)


class DialectBench(Bench):
    """A decoder over a gateway ``gw``, a device of Alibaba ``pump`` and one of JetLinks ``meter``."""

    def __init__(self, *, registers: bool = True) -> None:
        self.plant = Plant(replace(GATEWAY, registers=registers), PUMP, METER, KnownDevice("plain"))
        settings = TelemetrySettings()
        collector = Collector(settings)
        self.family = Family(self.plant)
        json = JsonDecoder(collector, settings)
        dialects = DialectDecoder(self.family, collector, json)
        self.decoder = Decoder(self.plant, collector, json, NoSparkplug(), dialects=dialects)
        self.sequence = 0

    def say(
        self, device: str, topic: str, *messages: object, flags: int = FLAG_ACKNOWLEDGED, received_ms: int = NOW_MS
    ) -> Decoded:
        """Messages of ``device`` on ``topic``."""
        return self.decode(run_of(*messages, device=device, topic=topic, flags=flags, received_ms=received_ms))


def replies(decoded: Decoded) -> list[tuple[str, dict]]:
    """Topics and documents that go out."""
    return [(each.topic, orjson.loads(each.payload)) for each in decoded.outgoing]
