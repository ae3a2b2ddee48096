"""Commands as Sparkplug NCMD and DCMD (Sparkplug 3.0, sections 5.13, 6.4.20 and 6.4.21).

The metric is named as the birth announced it: by its alias alone when the birth gave one, else by its name; its
datatype is the birth's. There is no answer in Sparkplug: the NDATA or DDATA that carries the value confirms it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from millwright.devices.commands.model import Outcome, Value
from millwright.devices.commands.routes.contract import Delivery, Reach
from millwright.devices.commands.routes.mqtt import deliver
from millwright.devices.commands.store import Addressed
from millwright.devices.mqtt.delivery import Ask
from millwright.devices.sparkplug import DataType, EdgeSession, Payload
from millwright.kernel import Bus, Clock

_WIDTHS: Final = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
    DataType.DATE_TIME: (64, False),
}
_TEXTS: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})


class NotWritable(Exception):
    """The metric cannot take the value; says why."""


def put_value(metric: Any, datatype: int, value: Value) -> None:
    """Put ``value`` into a metric in the way its datatype travels. Raises :class:`NotWritable`."""
    if datatype in _WIDTHS and isinstance(value, int | float):
        bits, signed = _WIDTHS[DataType(datatype)]
        whole = int(value) if math.isfinite(value) else 0
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if whole != value or not low <= whole <= high:
            raise NotWritable(f"{value} does not go into the metric's datatype {DataType(datatype).name}")
        field = "long_value" if bits == 64 else "int_value"
        setattr(metric, field, whole & ((1 << (64 if bits == 64 else 32)) - 1))
    elif datatype == DataType.FLOAT and isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > 3.4028234663852886e38:
            raise NotWritable(f"{value} does not go into 32 bits")
        metric.float_value = float(value)
    elif datatype == DataType.DOUBLE and isinstance(value, int | float):
        metric.double_value = float(value)
    elif datatype == DataType.BOOLEAN and value in (0, 1):
        metric.boolean_value = bool(value)
    elif datatype in _TEXTS and isinstance(value, str):
        metric.string_value = value
    else:
        known = DataType(datatype).name if datatype in list(DataType) else str(datatype)
        raise NotWritable(f"a metric of datatype {known} cannot take {value!r}")


class SparkplugRoute:
    """Knows the births of edge nodes as the host has them in this process."""

    name = "sparkplug"

    def __init__(self, bus: Bus, clock: Clock, sessions: Mapping[str, EdgeSession]) -> None:
        self._bus, self._clock, self._sessions = bus, clock, sessions

    def edge_of(self, each: Addressed) -> str:
        """The device id of the edge node whose connection carries the command."""
        return each.command.device_id if each.device_kind == "sparkplug_edge" else str(each.parent_id)

    def _topic(self, each: Addressed) -> str:
        kind = "NCMD" if each.sparkplug_device is None else "DCMD"
        below = "" if each.sparkplug_device is None else f"/{each.sparkplug_device}"
        return f"spBv1.0/{each.group_id}/{kind}/{each.edge_node_id}{below}"

    def find_type(self, each: Addressed) -> int | None:
        """The datatype that the birth announced; ``None`` while there is no birth that names the metric."""
        session = self._sessions.get(self.edge_of(each))
        metrics = session.set_of(each.sparkplug_device) if session is not None else None
        if metrics is None or not metrics.online:
            return None
        return metrics.types.get(each.command.name)

    def is_born(self, each: Addressed) -> bool:
        """Whether the node or device is between birth and death."""
        session = self._sessions.get(self.edge_of(each))
        metrics = session.set_of(each.sparkplug_device) if session is not None else None
        return metrics is not None and metrics.online

    def ask_of(self, each: Addressed) -> Ask:
        """What listeners are asked: whether the edge node listens for commands."""
        return Ask(each.command.id, self.edge_of(each), [self._topic(each)])

    def reach_of(self, each: Addressed, listener: str, boot: str) -> Reach:
        """The way through the listener that has the edge node."""
        token = {"listener": listener, "boot": boot, "topic": self._topic(each), "edge": self.edge_of(each)}
        return Reach(route="sparkplug", token=token)

    def encode(self, each: Addressed) -> bytes:
        """The payload. Raises :class:`NotWritable`."""
        datatype = self.find_type(each)
        command = each.command
        if datatype is None or command.value is None:
            raise NotWritable(f"the birth does not name the metric {command.name!r}")
        session = self._sessions[self.edge_of(each)]
        now_ms = self._clock.now_ms()
        payload = Payload(timestamp=now_ms)
        metric = payload.metrics.add(timestamp=now_ms, datatype=datatype)
        whose = (each.sparkplug_device or "", command.name)
        alias = next((number for number, owner in session.aliases.items() if owner == whose), None)
        if alias is None:
            metric.name = command.name
        else:
            metric.alias = alias
        put_value(metric, datatype, command.value)
        return bytes(payload.SerializeToString())

    def idempotent(self, each: Addressed) -> bool:
        """The same value twice is the same value."""
        return each.command.kind == "write"

    async def deliver(self, each: Addressed, reach: Reach) -> Delivery:
        """Send the NCMD or DCMD to the edge node."""
        try:
            payload = self.encode(each)
        except NotWritable as why:
            text = f"Sparkplug cannot carry it: {why}."
            return Delivery(status="failed", outcome=Outcome(code="commands.metric", text=text))
        return await self._deliver(each, reach, payload)

    async def recall(self, each: Addressed, reach: Reach) -> Delivery:
        """Ask the listener what became of it."""
        return await self._deliver(each, reach, None)

    async def _deliver(self, each: Addressed, reach: Reach, payload: bytes | None) -> Delivery:
        attempt_id = f"{each.command.id}.{each.command.attempts}"
        return await deliver(self._bus, reach.token["edge"], attempt_id, reach, payload)
