"""The machine itself: values as functions of time, and what was written to it."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.simulator.address import Tag


@dataclass(slots=True)
class Machine:
    """Lives as long as the process; values depend on the wall clock, so that a restart goes on where it was."""

    name: str
    setpoints: dict[int, float] = field(default_factory=dict)
    walks: dict[int, float] = field(default_factory=dict)
    program: int = 1
    epoch: int = 0
    off_until_s: float = 0.0
    counted_from_s: float = 0.0

    @property
    def is_on(self) -> bool:
        """Whether anybody answers."""
        return time.monotonic() >= self.off_until_s

    def switch_off(self, for_s: float) -> None:
        """Off for a while: whoever is connected is cut off."""
        self.off_until_s = time.monotonic() + for_s
        self.epoch += 1

    def switch_on(self) -> None:
        """On again at once."""
        self.off_until_s = 0.0

    def load_program(self, number: int) -> None:
        """Start another program: the machine restarts."""
        self.program = number
        self.epoch += 1

    def reset(self, to: int) -> None:
        """Let the counters begin again at ``to``."""
        self.counted_from_s = time.time() - to

    def value(self, tag: Tag, now_s: float, period_s: float, noise: float) -> Value:
        """The value of a tag at a time (UTC seconds)."""
        signal, number = tag
        turn = (now_s / period_s + number * 0.137) % 1.0
        if signal == "sine":
            return round(50 + 30 * math.sin(2 * math.pi * turn) + random.gauss(0, 60 * noise), 3)
        if signal == "ramp":
            return round(600 * turn + random.gauss(0, 600 * noise), 3)
        if signal == "walk":
            value = self.walks.get(number, 10.0)
            self.walks[number] = value = value + random.gauss(0, 0.1) - (value - 10.0) * 0.01
            return round(value, 3)
        if signal == "square":
            return turn < 0.5
        if signal == "counter":
            return int(now_s - self.counted_from_s) + number
        if signal == "setpoint":
            return self.setpoints.get(number, 50.0)
        if signal == "state":
            return "running" if turn < 0.9 else "changing tool"
        return self.program if signal == "program" else True


_machines: dict[str, Machine] = {}


def machine(name: str) -> Machine:
    """The machine of a name."""
    return _machines.setdefault(name, Machine(name))
