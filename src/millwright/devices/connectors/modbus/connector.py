"""The Modbus connector and its session."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from millwright.devices.connectors.contract import (
    Connector,
    ConnectorKind,
    Deliver,
    Found,
    Identity,
    NodePage,
    Point,
    Sample,
    Session,
    Value,
    ValueType,
    Word,
)
from millwright.devices.connectors.line import Line, open_serial, open_tcp
from millwright.devices.connectors.modbus.address import parse
from millwright.devices.connectors.modbus.blocks import Block, Item, plan
from millwright.devices.connectors.modbus.browsing import browse
from millwright.devices.connectors.modbus.identity import BASIC, REGULAR, said_by
from millwright.devices.connectors.modbus.link import Link, RtuLink, TcpLink, silence_s
from millwright.devices.connectors.modbus.pdu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    NO_PATH,
    NO_TARGET,
    BadReply,
    NoAnswer,
    Refused,
    read_data,
)
from millwright.devices.connectors.modbus.seeking import device_at
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.devices.connectors.modbus.writing import Writer
from millwright.devices.connectors.polling import Group, Outcome, follow
from millwright.devices.connectors.seeking import seek

_REFUSED_AGAIN_S: Final = 30.0
"""How long what a device refuses by its address is left alone."""


class ModbusSession(Session):
    """An open line with its units."""

    def __init__(self, link: Link, settings: ModbusSettings) -> None:
        self._link, self._settings = link, settings
        self._writer = Writer(link, settings)

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says."""
        begin = time.monotonic()
        by_interval: dict[int, list[Item]] = {}
        for point in points:
            by_interval.setdefault(point.interval_ms, []).append(Item(point.id, parse(point.address), point.deadband))
        units: dict[int, list[Group[Block]]] = {}
        for interval_ms, items in by_interval.items():
            for unit, blocks in groupby(plan(items, self._settings), key=lambda block: block.unit):
                units.setdefault(unit, []).append(Group(interval_ms / 1000, list(blocks), begin))
        await follow([*units.values()], self._ask, deliver, self._link.until_lost, self._settings.rest_s)

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says."""
        found: dict[str, Sample] = {}
        waiting = plan([Item(address, parse(address)) for address in dict.fromkeys(addresses)], self._settings)
        silent: dict[int, str] = {}
        while waiting:
            block = waiting.pop(0)
            if block.unit in silent:
                samples: Sequence[Sample] = block.bad(silent[block.unit])
            else:
                outcome = await self._ask(block)
                waiting[:0] = outcome.parts
                samples = outcome.samples
                if outcome.silent:
                    silent[block.unit] = outcome.silent
            found.update((sample.point_id, sample) for sample in samples)
        return [found[address] for address in addresses]

    async def _ask(self, block: Block) -> Outcome[Block]:
        try:
            data = read_data(block.question, await self._link.ask(block.unit, block.question))
        except Refused as error:
            if error.code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
                if parts := block.halves():
                    return Outcome(parts=parts)
                return Outcome(block.bad(str(error)), again_s=_REFUSED_AGAIN_S)
            silent = str(error) if error.code in (NO_PATH, NO_TARGET) else ""
            return Outcome(block.bad(str(error)), silent=silent)
        except NoAnswer as error:
            return Outcome(block.bad(str(error)), silent=str(error))
        except BadReply as error:
            return Outcome(block.bad(str(error)), broken=str(error))
        return Outcome(block.samples(data))

    async def write(self, address: str, value: Value) -> None:
        """As the contract says."""
        await self._writer.write(address, value)

    async def identify(self) -> Identity:
        """As the contract says."""
        said, why = await said_by(self._link, self._settings.unit, BASIC, REGULAR)
        told = "|".join(f"{key}={text}" for key, text in sorted(said.items()))
        return Identity(
            vendor=said.get(0, ""),
            product=said.get(5) or said.get(4) or said.get(1, ""),
            version=said.get(2, ""),
            fingerprint=hashlib.sha256(told.encode()).hexdigest()[:16] if told else "",
            note=f"unit {self._settings.unit} does not say what it is: {why}" if why else said.get(6, ""),
        )

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Units that answer, their tables, ranges that can be read, and values; see :mod:`.browsing`."""
        return await browse(self._link, self._settings, self.read, parent, cursor)

    async def close(self) -> None:
        """As the contract says."""
        self._link.close()


class ModbusConnector(Connector[ModbusSettings]):
    """Modbus/TCP, RTU, and RTU over TCP."""

    settings = ModbusSettings
    kind = ConnectorKind(
        key="modbus",
        title=Word("Modbus", "Modbus"),
        summary=Word(
            "Controllers, meters and drives by Modbus/TCP, a serial line (RTU), or RTU frames over TCP.",
            "通过 Modbus/TCP、串口（RTU）或 TCP 上的 RTU 帧连接控制器、仪表和变频器。",
        ),
        capabilities=frozenset({"browse", "seek", "write"}),
        address_hint=Word(
            "unit:table:number:type:order, as 1:holding:100:float32:abcd; or a reference, as 1:40101:float32; coil:7",
            "单元:区:编号:类型:字节序，如 1:holding:100:float32:abcd；或引用号，如 1:40101:float32；coil:7",
        ),
        does_not=Word(
            "No ASCII framing, files, FIFO queues, broadcasts or Modbus/TCP Security; no source time. Having no "
            "list, it is browsed by trying.",
            "不支持 ASCII 帧、文件记录、FIFO 队列、广播和 Modbus/TCP Security；"
            "协议本身不带时间戳，也没有目录，浏览靠试读。",
        ),
        standard="MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02; MODBUS Messaging on TCP/IP V1.0b",
    )

    async def open(self, settings: ModbusSettings) -> ModbusSession:
        """As the contract says."""
        line: Line
        pause_s = settings.pause_ms / 1000
        if settings.transport == "rtu":
            line = await open_serial(settings.serial_port, settings.baud_rate, settings.parity, settings.stop_bits)
        else:
            line = await open_tcp(settings.host, settings.port, settings.timeout_s)
        if settings.transport == "tcp":
            return ModbusSession(TcpLink(line, settings.timeout_s, settings.at_once, pause_s), settings)
        silence = silence_s(settings.baud_rate, line)
        return ModbusSession(RtuLink(line, settings.timeout_s, silence, pause_s), settings)

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says."""
        return parse(address).value_type

    async def seek(self, at: str, timeout_s: float = 5.0) -> Sequence[Found]:
        """Modbus/TCP devices at an address or in a small network; as the contract says."""
        return await seek(at, timeout_s, device_at)
