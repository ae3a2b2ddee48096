"""The way of a command to a field device: which point is behind a property, writing it, and reading it back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from millwright.devices.commands import ConnectorPoint, Written
from millwright.devices.connectors.contract import GOOD, Value
from millwright.devices.connectors.mapping import property_value, raw_value
from millwright.devices.connectors.rpc import Ask, HostClient
from millwright.devices.connectors.store import ConnectionStore
from millwright.kernel import MillwrightError


class ConnectorRoute:
    """Finds and writes points, through the host of connectors; implements the port of commands of the same name."""

    def __init__(self, store: ConnectionStore, host: HostClient) -> None:
        self._store, self._host = store, host

    async def find(self, device_id: str, name: str) -> ConnectorPoint | None:
        """The point behind a property; ``None``: there is none, or its connection is disabled."""
        found = await asyncio.to_thread(self._store.find_target, device_id, name)
        return None if found is None else ConnectorPoint(found.connection_id, found.address, found.writable)

    async def write(self, connection_id: str, address: str, value: Value, timeout_s: float) -> Written:
        """Set the value of the property that ``address`` feeds, and read it back where that can be done.

        A point with scale and offset is written with the raw value that becomes this one. Raises ``Unsupported``
        (``connectors.not_writable``) for a point that may not be written, ``Conflict`` (``connectors.scale_ambiguous``)
        where points at this address have different scales, what the connector raises, and ``Unavailable`` when the
        host or the device is away.
        """
        scale, offset = await asyncio.to_thread(self._store.scaling, connection_id, address)
        await self._host.write(connection_id, address, raw_value(value, scale, offset), timeout_s)
        try:
            found = await self._host.read(Ask(op="read", connection_id=connection_id, addresses=[address]))
        except MillwrightError:  # it was written; that it cannot be read makes nothing of this undone
            return Written(accepted=True)
        if len(found) != 1 or found[0].quality < GOOD:
            return Written(accepted=True)
        return Written(accepted=True, read_back=property_value(found[0].value, scale, offset))

    async def call(self, connection_id: str, address: str, inputs: Mapping[str, Value], timeout_s: float) -> Written:
        """Call a method of the field device. Raises as :meth:`write`."""
        outputs = await self._host.call(connection_id, address, inputs, timeout_s)
        return Written(accepted=True, outputs=dict(outputs))
