"""The registry as the decoder sees it: in memory, read on demand, dropped when something changed.

Asked on the hot path, so it answers from memory; a device met for the first time costs one short read. Staleness is
bounded as everywhere: an event drops the device at once, the polled counter drops everything within two seconds.
"""

from __future__ import annotations

from millwright.devices.changes import EVERY
from millwright.devices.models.store import ModelStore
from millwright.devices.registry.model import SparkplugBinding
from millwright.devices.registry.store import DeviceStore
from millwright.devices.telemetry.model import DeclaredProperty, KnownDevice

MOST = 200_000
"""Devices kept in memory; beyond that everything is read afresh."""


class DeviceDirectory:
    """Implements the decoder's ``Directory`` over the records. Used from one thread."""

    def __init__(self, devices: DeviceStore, models: ModelStore) -> None:
        self._devices = devices
        self._models = models
        self._known: dict[str, KnownDevice | None] = {}
        self._below: dict[tuple[str, str], str | None] = {}
        self._children: dict[tuple[str, str, str, str], str | None] = {}
        self._declared: dict[tuple[str, int], dict[str, DeclaredProperty]] = {}

    def find_device(self, device_id: str) -> KnownDevice | None:
        """The device, or ``None`` when no such device is registered. A disabled one is known still."""
        if device_id in self._known:
            return self._known[device_id]
        return self._keep(device_id)

    def find_sparkplug_device(self, edge_id: str, name: str) -> str | None:
        """The id of the Sparkplug device called ``name`` below the edge node ``edge_id``, or ``None``."""
        key = (edge_id, name)
        if key not in self._below:
            edge = self.find_device(edge_id)
            found = None
            if edge is not None and edge.group_id is not None and edge.edge_node_id is not None:
                binding = SparkplugBinding(group_id=edge.group_id, edge_node_id=edge.edge_node_id, device_id=name)
                found = self._devices.find_sparkplug(binding)
            if len(self._below) >= MOST:
                self._below.clear()
            self._below[key] = found.id if found else None
        return self._below[key]

    def find_child(self, gateway: KnownDevice, dialect: str, realm: str, name: str) -> str | None:
        """The id of the device below ``gateway`` with this address, or ``None``."""
        key = (gateway.device_id, dialect, realm, name)
        if key not in self._children:
            found = self._devices.find_foreign(gateway.organisation_id, dialect, realm, name)
            if len(self._children) >= MOST:
                self._children.clear()
            self._children[key] = found[0] if found is not None and found[1] == gateway.device_id else None
        return self._children[key]

    def drop(self, device_id: str) -> None:
        """Forget a device (``*``: all), because it changed."""
        if device_id == EVERY:
            self._known.clear()
            self._declared.clear()
        else:
            self._known.pop(device_id, None)
        self._below.clear()
        self._children.clear()

    def _keep(self, device_id: str) -> KnownDevice | None:
        if len(self._known) >= MOST:
            self.drop(EVERY)
        self._known[device_id] = found = self._read(device_id)
        return found

    def _read(self, device_id: str) -> KnownDevice | None:
        profile = self._devices.find_profile(device_id)
        if profile is None:
            return None
        return KnownDevice(
            device_id=device_id,
            properties=self._properties(profile.model_id, profile.model_version),
            group_id=profile.group_id,
            edge_node_id=profile.edge_node_id,
            organisation_id=profile.organisation_id,
            kind=profile.kind,
            registers=profile.registers,
            dialect=profile.dialect,
            realm=profile.realm,
            foreign_name=profile.foreign_name,
            disabled=profile.disabled,
        )

    def _properties(self, model_id: str | None, version: int | None) -> dict[str, DeclaredProperty]:
        if model_id is None or version is None:
            return {}
        key = (model_id, version)
        if key not in self._declared:
            model = self._models.find(model_id, version)
            self._declared[key] = {
                spec.name: DeclaredProperty(spec.name, spec.type, spec.unit, spec.minimum, spec.maximum)
                for spec in (model.properties if model else ())
            }
        return self._declared[key]
