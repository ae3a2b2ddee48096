"""The way of a command to a field device: which point is behind a property, and writing it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.mapping import raw_value
from millwright.devices.connectors.rpc import HostClient
from millwright.devices.connectors.store import ConnectionStore


class ConnectorRoute:
    """Finds and writes points, through the host of connectors."""

    def __init__(self, store: ConnectionStore, host: HostClient) -> None:
        self._store, self._host = store, host

    async def find(self, device_id: str, name: str) -> tuple[str, str, bool] | None:
        """Connection, address and whether it may be written, of the point behind a property; ``None``: there is none,
        or its connection is disabled."""
        found = await asyncio.to_thread(self._store.find_target, device_id, name)
        return None if found is None else (found.connection_id, found.address, found.writable)

    async def write(self, connection_id: str, address: str, value: Value, timeout_s: float) -> None:
        """Set the value of the property that ``address`` feeds; returns when the other side confirmed it.

        A point with scale and offset is written with the raw value that becomes this one. Raises ``Unsupported``
        (``connectors.not_writable``) for a point that may not be written, what the connector raises, and
        ``Unavailable`` when the host or the device is away.
        """
        scale, offset = await asyncio.to_thread(self._store.scaling, connection_id, address)
        await self._host.write(connection_id, address, raw_value(value, scale, offset), timeout_s)

    async def call(
        self, connection_id: str, address: str, inputs: Mapping[str, Value], timeout_s: float
    ) -> Mapping[str, Value]:
        """Call a method of the field device; its outputs by name. Raises as :meth:`write`."""
        return await self._host.call(connection_id, address, inputs, timeout_s)
