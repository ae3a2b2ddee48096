"""Who the devices are, from the registry."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from millwright.devices import Changes, Device, DeviceQuery, DeviceStore, ModelStore
from millwright.kernel import ROOT, NotFound, current_scope
from millwright.operations.model import Judges, Nobody, PropertyFact, Scope, Subject


class RegistryDirectory:
    """Implements :class:`millwright.operations.model.Directory`. Synchronous: called in a thread.

    ``elsewhere``: who judges instead of this node.
    """

    def __init__(
        self,
        devices: DeviceStore,
        models: ModelStore,
        changes: Changes,
        elsewhere: Callable[[], Judges] = Nobody,
    ) -> None:
        self._devices = devices
        self._models = models
        self._changes = changes
        self._elsewhere = elsewhere

    def revision(self) -> int:
        """The registry's counter, moved by who judges elsewhere, too."""
        token = self._elsewhere().token
        return self._changes.revision() + (zlib.crc32(token.encode()) << 40 if token else 0)

    def subjects(self, model_ids: set[str], device_ids: set[str]) -> list[Subject]:
        """The enabled devices of these models, and those of these ids, each once."""
        units: dict[tuple[str, int | None], dict[str, str | None]] = {}
        found: dict[str, Subject] = {}
        paths: dict[str, tuple[str, ...]] = {}
        for device in self._read(model_ids, device_ids):
            if device.disabled or device.id in found:
                continue
            model_id, owner = device.model_id, device.organisation_id
            if owner not in paths:
                paths[owner] = self._devices.organisations_above(owner)
            if model_id is None:
                found[device.id] = Subject(device.id, device.title or device.name, organisations=paths[owner])
                continue
            version = (model_id, device.model_version)
            if version not in units:
                model = self._models.find(*version)
                units[version] = {p.name: p.unit for p in model.properties} if model else {}
            found[device.id] = Subject(device.id, device.title or device.name, model_id, units[version], paths[owner])
        return list(found.values())

    def elsewhere(self) -> Judges:
        """Who judges instead of this node."""
        return self._elsewhere()

    def owner(self, scope: Scope) -> str:
        """Whose the rule of this scope is: its device's organisation; a model's is the home of the work at hand."""
        if scope.device_id is not None:
            return self._devices.get(scope.device_id).organisation_id
        return current_scope().home or ROOT

    def find_property(self, scope: Scope, name: str) -> PropertyFact:
        """What the model in scope declares of a property. Raises ``NotFound`` for an unknown device or model."""
        model_id, version = scope.model_id, None
        if scope.device_id is not None:
            device = self._devices.get(scope.device_id)
            model_id, version = device.model_id, device.model_version
            if model_id is None:
                return PropertyFact(None)
        model = self._models.find(model_id, version) if model_id is not None else None
        if model is None:
            raise NotFound(
                f"There is no model {model_id}.", code="devices.model_unknown", hint="GET /api/v1/models lists them."
            )
        types = {each.name: each.type for each in model.properties}
        return PropertyFact(types.get(name), tuple(types))

    def _read(self, model_ids: set[str], device_ids: set[str]) -> Iterator[Device]:
        for model_id in sorted(model_ids):
            yield from self._devices.iter(DeviceQuery(model_id=model_id))
        for device_id in sorted(device_ids):
            try:
                yield self._devices.get(device_id)
            except NotFound:
                continue  # deleted; its rules watch nothing until they are deleted too
