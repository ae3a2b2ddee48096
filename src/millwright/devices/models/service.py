"""Use cases of models."""

from __future__ import annotations

import asyncio
import builtins

from millwright.devices.changes import Changes
from millwright.devices.errors import not_found
from millwright.devices.models.model import Model, ModelDocument
from millwright.devices.models.store import ModelStore
from millwright.devices.models.validation import check
from millwright.kernel import Clock, new_id
from millwright.ledger import note


class ModelService:
    """Makes models and new versions of them; a version once made is never changed."""

    def __init__(self, store: ModelStore, changes: Changes, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock

    async def list(self) -> builtins.list[Model]:
        """The latest version of every model, by name."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, model_id: str, version: int | None = None) -> Model:
        """A version, or the latest. Raises ``NotFound`` (``devices.model_unknown``)."""
        found = await asyncio.to_thread(self._store.find, model_id, version)
        if found is None:
            raise not_found("model", model_id if version is None else f"{model_id} in version {version}")
        return found

    async def versions(self, model_id: str) -> builtins.list[Model]:
        """Every version, newest first. Raises ``NotFound``."""
        found = await asyncio.to_thread(self._store.versions, model_id)
        if not found:
            raise not_found("model", model_id)
        return found

    async def create(self, document: ModelDocument) -> Model:
        """Version 1 of a new model. Raises ``Invalid`` (with a pointer) or ``Conflict`` (name)."""
        made = await asyncio.to_thread(self._store.insert, new_id("mod"), check(document), self._clock.now_ms())
        note("model", made.id, made.name, after=made, ignore=("device_count",))
        return made

    async def add_version(self, model_id: str, document: ModelDocument, *, upgrade: bool = False) -> Model:
        """The next version; ``upgrade`` moves every device of the model to it.

        A document that says what the latest version says makes no new one: that version is the answer.

        Raises ``NotFound``, ``Invalid`` (with a pointer) or ``Conflict`` (name).
        """
        clean, now_ms = check(document), self._clock.now_ms()
        before = await self.get(model_id)
        made = await asyncio.to_thread(self._store.append, model_id, clean, now_ms, upgrade=upgrade)
        note("model", model_id, made.name, before=before, after=made, ignore=("device_count",))
        await self._changes.announce("*")
        return made

    async def delete(self, model_id: str) -> None:
        """Remove a model. Raises ``NotFound``, or ``Conflict`` (``devices.model_in_use``)."""
        before = await self.get(model_id)
        await asyncio.to_thread(self._store.delete, model_id)
        note("model", model_id, before.name, before=before, ignore=("device_count",))
        await self._changes.announce("*")
