"""The connector of simulated machines."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Mapping, Sequence
from typing import Final

from millwright.devices.connectors.contract import (
    BAD,
    Connector,
    ConnectorKind,
    Deliver,
    Found,
    Identity,
    Node,
    NodePage,
    Point,
    Sample,
    Session,
    Value,
    ValueType,
    Word,
)
from millwright.devices.connectors.simulator.address import METHODS, SIGNALS, SINGLE, Tag, parse
from millwright.devices.connectors.simulator.machine import Machine, machine
from millwright.devices.connectors.simulator.settings import SimulatorSettings
from millwright.kernel import Denied, Invalid, MillwrightError, Unavailable

_PAGE: Final = 100
_LOOK_S: Final = 0.2
_MOST_DELIVERED: Final = 5000


class SimulatorSession(Session):
    """A connection to a machine; ends when that is switched off."""

    def __init__(self, settings: SimulatorSettings, peer: Machine) -> None:
        self._settings, self._machine, self._epoch = settings, peer, peer.epoch

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Every point once, then each in its interval."""
        ways: list[tuple[Point, Tag | None, str]] = []
        for point in points:
            try:
                ways.append((point, self._tag(point.address), ""))
            except MillwrightError as error:
                ways.append((point, None, error.message))
        loop = asyncio.get_running_loop()
        due = [(loop.time(), number) for number in range(len(ways))]
        heapq.heapify(due)
        while True:
            self._need()
            now_s = loop.time()
            samples: list[Sample] = []
            while due and due[0][0] <= now_s and len(samples) < _MOST_DELIVERED:
                at_s, number = heapq.heappop(due)
                point, tag, why = ways[number]
                samples.append(self._sample(point.id, tag, why))
                interval_s = point.interval_ms / 1000
                heapq.heappush(due, (max(at_s + interval_s, now_s), number))
            if samples:
                await deliver(samples)
            wait_s = due[0][0] - loop.time() if due else _LOOK_S
            await asyncio.sleep(min(max(wait_s, 0.0), _LOOK_S))

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """The values now."""
        self._need()
        found = []
        for address in addresses:
            try:
                found.append(self._sample(address, self._tag(address), ""))
            except MillwrightError as error:
                found.append(self._sample(address, None, error.message))
        return found

    async def identify(self) -> Identity:
        """Name and program of the machine."""
        self._need()
        return Identity(
            vendor="Millwright",
            product="Simulated machine",
            version="1",
            serial=self._machine.name,
            fingerprint=f"program {self._machine.program}",
            note=f"{len(SIGNALS)} signals with {self._settings.tags} tags each",
        )

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """Signals at the top, tags below them."""
        self._need()
        if parent is None:
            items = [
                Node(address=name, name=name, kind="folder", has_children=True, description=text)
                for name, (_, _, text) in SIGNALS.items()
            ]
            items += [
                Node(address=name, name=name, kind="variable", type=kind, writable=writable, description=text,
                     value=self._value(Tag(name, 0)))
                for name, (kind, writable, text) in SINGLE.items()
            ]  # fmt: skip
            items += [Node(address=name, name=name, kind="method", description=text) for name, text in METHODS.items()]
            return NodePage(items=items)
        if parent not in SIGNALS:
            return NodePage(items=[])
        kind, unit, text = SIGNALS[parent]
        first = int(cursor) if cursor and cursor.isdigit() else 1
        last = min(first + _PAGE - 1, self._settings.tags)
        items = [
            Node(
                address=f"{parent}/{number}",
                name=f"{parent}_{number}",
                kind="variable",
                type=kind,
                unit=unit,
                writable=parent == "setpoint",
                description=text,
                value=self._value(Tag(parent, number)),
            )
            for number in range(first, last + 1)
        ]
        return NodePage(items=items, next=str(last + 1) if last < self._settings.tags else None)

    async def write(self, address: str, value: Value) -> None:
        """Set a set-point, the power or the program."""
        self._need()
        tag = self._tag(address)
        if tag.signal == "setpoint":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _unfit(address, "a number")
            self._machine.setpoints[tag.number] = float(value)
        elif tag.signal == "power":
            if not isinstance(value, bool):
                raise _unfit(address, "true or false")
            if not value:
                self._machine.switch_off(self._settings.outage_s)
        elif tag.signal == "program":
            if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
                raise _unfit(address, "a whole number")
            if int(value) != self._machine.program:
                self._machine.load_program(int(value))
        else:
            raise Denied(
                f"{address} cannot be written.",
                code="simulator.read_only",
                hint="Set-points (setpoint/1 …), power and program can.",
            )

    async def call(self, address: str, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Reset the counters."""
        self._need()
        if address not in METHODS:
            raise Invalid(
                f"{address[:80]!r} is no method.", code="simulator.method_unknown", hint=f"Call {', '.join(METHODS)}."
            )
        to = inputs.get("to", 0)
        if isinstance(to, bool) or not isinstance(to, int | float):
            raise _unfit("to", "a number")
        self._machine.reset(int(to))
        return {"count": int(to)}

    async def close(self) -> None:
        """Nothing is held."""

    def _need(self) -> None:
        if not self._machine.is_on or self._machine.epoch != self._epoch:
            raise _off(self._machine.name)

    def _tag(self, address: str) -> Tag:
        tag = parse(address)
        if tag.signal in METHODS:
            raise Invalid(f"{address} is a method.", code="simulator.address_invalid", hint="Call it instead.")
        if tag.number > self._settings.tags:
            raise Invalid(
                f"The machine has {self._settings.tags} tags of {tag.signal}, and no number {tag.number}.",
                code="simulator.address_invalid",
                hint="Choose a smaller number, or give the machine more tags.",
            )
        return tag

    def _value(self, tag: Tag) -> Value:
        return self._machine.value(tag, time.time(), self._settings.period_s, self._settings.noise)

    def _sample(self, point_id: str, tag: Tag | None, why: str) -> Sample:
        now_s = time.time()
        if tag is None:
            return Sample(point_id, None, int(now_s * 1000), BAD, why)
        value = self._machine.value(tag, now_s, self._settings.period_s, self._settings.noise)
        return Sample(point_id, value, int(now_s * 1000))


class SimulatorConnector(Connector[SimulatorSettings]):
    """Simulated machines."""

    kind = ConnectorKind(
        key="simulator",
        title=Word(en="Simulated machine", zh="模拟机器"),
        summary=Word(
            en="Signals to try things out with: sine, ramp, random walk, counter, and set-points to write.",
            zh="用于试用的信号：正弦、斜坡、随机游走、计数器，以及可写的设定值。",
        ),
        capabilities=frozenset({"browse", "discover", "write", "call"}),
        address_hint=Word(
            en="A signal and a number, such as sine/1, counter/3 or setpoint/2",
            zh="信号名和编号，如 sine/1、counter/3、setpoint/2",
        ),
        does_not=Word(
            en="Speaks no protocol and reaches no machine; values are made up.",
            zh="不使用任何协议，不连接真实机器，数值均为模拟。",
        ),
    )
    settings = SimulatorSettings

    async def open(self, settings: SimulatorSettings) -> SimulatorSession:
        """Connect. Raises ``Unavailable`` while the machine is off."""
        peer = machine(settings.machine)
        if not peer.is_on:
            raise _off(settings.machine)
        return SimulatorSession(settings, peer)

    def check_address(self, address: str) -> ValueType | None:
        """The type behind an address."""
        tag = parse(address)
        if tag.signal in METHODS:
            return None
        return SIGNALS[tag.signal][0] if tag.number else SINGLE[tag.signal][0]

    async def discover(self, timeout_s: float = 5.0) -> Sequence[Found]:
        """The one machine that is always there."""
        del timeout_s
        return [Found(title="press", settings={"machine": "press"}, detail="The simulated machine of this node")]


def _off(name: str) -> Unavailable:
    return Unavailable(
        f"The simulated machine {name} is off.",
        code="simulator.off",
        hint="It was switched off by writing to `power`; it comes back by itself.",
    )


def _unfit(address: str, wanted: str) -> Invalid:
    return Invalid(f"{address} takes {wanted}.", code="simulator.value_invalid", hint=f"Write {wanted}.")
