"""The connector of DL/T 645 meters and its session."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.connectors.contract import (
    BAD,
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Point,
    Sample,
    Session,
    ValueType,
    Word,
)
from millwright.devices.connectors.dlt645.address import Address, parse
from millwright.devices.connectors.dlt645.frames import ANYBODY, BadReply, NoAnswer, Refused
from millwright.devices.connectors.dlt645.link import Link
from millwright.devices.connectors.dlt645.settings import Dlt645Settings
from millwright.devices.connectors.line import Line, open_serial, open_tcp
from millwright.devices.connectors.polling import Group, Outcome, follow

_UNKNOWN_AGAIN_S: Final = 300.0
"""How long an identifier that a meter does not know is left alone: a question takes a good part of a second."""


@dataclass(slots=True)
class _Item:
    key: str
    address: Address
    deadband: float = 0.0
    last: Sample | None = None


@dataclass(slots=True)
class _Block:
    """One identifier of one meter, and the values that are wanted of its answer."""

    meter: str
    identifier: str
    items: list[_Item] = field(default_factory=list)
    not_before: float = 0.0

    def samples(self, data: bytes) -> list[Sample]:
        out = []
        for item in self.items:
            try:
                out.append(Sample(item.key, item.address.value(data)))
            except ValueError as error:
                out.append(Sample(item.key, None, None, BAD, str(error)))
        return out

    def bad(self, note: str) -> list[Sample]:
        return [Sample(item.key, None, None, BAD, note) for item in self.items]


class Dlt645Session(Session):
    """An open line with its meters."""

    def __init__(self, link: Link, settings: Dlt645Settings) -> None:
        self._link, self._settings = link, settings

    def _plan(self, items: Sequence[_Item]) -> dict[str, list[_Block]]:
        blocks: dict[tuple[str, str], _Block] = {}
        for item in items:
            key = (item.address.meter or self._settings.meter.upper(), item.address.identifier)
            blocks.setdefault(key, _Block(*key)).items.append(item)
        meters: dict[str, list[_Block]] = {}
        for block in blocks.values():
            meters.setdefault(block.meter, []).append(block)
        return meters

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says."""
        begin = time.monotonic()
        by_interval: dict[int, list[_Item]] = {}
        for point in points:
            by_interval.setdefault(point.interval_ms, []).append(_Item(point.id, parse(point.address), point.deadband))
        meters: dict[str, list[Group[_Block]]] = {}
        for interval_ms, items in by_interval.items():
            for meter, blocks in self._plan(items).items():
                meters.setdefault(meter, []).append(Group(interval_ms / 1000, blocks, begin))
        await follow([*meters.values()], self._ask, deliver, self._link.until_lost, self._settings.rest_s)

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says."""
        found: dict[str, Sample] = {}
        for blocks in self._plan([_Item(each, parse(each)) for each in dict.fromkeys(addresses)]).values():
            silent = ""
            for block in blocks:
                outcome = Outcome[_Block](block.bad(silent)) if silent else await self._ask(block)
                silent = silent or outcome.silent
                found.update((sample.point_id, sample) for sample in outcome.samples)
        return [found[address] for address in addresses]

    async def _ask(self, block: _Block) -> Outcome[_Block]:
        try:
            return Outcome(block.samples(await self._link.read(block.meter, block.identifier)))
        except Refused as error:
            return Outcome(block.bad(str(error)), again_s=_UNKNOWN_AGAIN_S if error.no_such_data else 0.0)
        except NoAnswer as error:
            return Outcome(block.bad(str(error)), silent=str(error))
        except BadReply as error:
            return Outcome(block.bad(str(error)), broken=str(error))

    async def identify(self) -> Identity:
        """As the contract says: the address of the meter, and of its texts what it tells."""
        meter = self._settings.meter.upper()
        try:
            number = await self._link.read_address() if meter == ANYBODY else meter
        except (Refused, NoAnswer, BadReply) as error:
            return Identity(note=f"no meter says its address: {error}")
        told = []
        for identifier in ("04800003", "0400040B", "04800001", "04000402"):
            (sample,) = await self.read([f"{number}:{identifier}"])
            told.append(str(sample.value or ""))
            if sample.note.startswith("no answer"):
                return Identity(serial=number, note=sample.note)
        vendor, product, version, serial = told
        return Identity(
            vendor=vendor,
            product=product,
            version=version,
            serial=serial or number,
            fingerprint=hashlib.sha256("|".join(told).encode()).hexdigest()[:16],
            note=f"meter {number}",
        )

    async def close(self) -> None:
        """As the contract says."""
        self._link.close()


class Dlt645Connector(Connector[Dlt645Settings]):
    """Electricity meters by DL/T 645-2007."""

    settings = Dlt645Settings
    kind = ConnectorKind(
        key="dlt645",
        title=Word("Electricity meters (DL/T 645)", "电能表（DL/T 645）"),
        summary=Word(
            "Meters by DL/T 645-2007 on RS-485 lines or behind serial-to-TCP converters.",
            "通过 RS-485 或串口转 TCP 设备读取符合 DL/T 645-2007 的电能表。",
        ),
        capabilities=frozenset(),
        address_hint=Word(
            "meter:identifier, as 000000000001:00010000; of a block 0201FF00.1; others with format, 0E010203:NNN.NN",
            "表号:数据标识，如 000000000001:00010000；数据块如 0201FF00.1；其他标识带格式，如 0E010203:NNN.NN",
        ),
        does_not=Word(
            "No DL/T 645-1997, no writing, freezing, clearing or relays, no load profiles, no DL/T 698.45.",
            "不支持 DL/T 645-1997、写入、冻结、清零、拉合闸、负荷曲线和 DL/T 698.45。",
        ),
        standard="DL/T 645-2007",
    )

    async def open(self, settings: Dlt645Settings) -> Dlt645Session:
        """As the contract says."""
        line: Line
        if settings.transport == "serial":
            line = await open_serial(settings.serial_port, settings.baud_rate, settings.parity, settings.stop_bits)
        else:
            line = await open_tcp(settings.host, settings.port, settings.timeout_s)
        return Dlt645Session(Link(line, settings.timeout_s, settings.wake_up, settings.pause_ms / 1000), settings)

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says."""
        return parse(address).value_type
