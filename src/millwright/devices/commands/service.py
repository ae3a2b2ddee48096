"""Use cases of commands: asking, looking, cancelling; one device or many. No HTTP, no SQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from millwright.devices.commands import errors
from millwright.devices.commands.judging import Judge
from millwright.devices.commands.model import (
    OPEN,
    WAITING,
    Batch,
    BatchRefusal,
    BulkCall,
    BulkWrite,
    Call,
    Command,
    CommandDetail,
    CommandPage,
    Outcome,
    Withdrawal,
    Write,
)
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.subjects import EVENTS, WAKE
from millwright.devices.commands.values import check_inputs, check_value
from millwright.devices.commands.withdrawing import Wishes
from millwright.devices.models.model import Model
from millwright.devices.models.store import ModelStore
from millwright.devices.registry.model import Device
from millwright.devices.registry.store import DeviceStore
from millwright.kernel import Bus, Clock, MillwrightError, new_id
from millwright.ledger import Actor, note

logger = logging.getLogger(__name__)


_AT_ONCE_S: Final = 3.0
"""What is to be sent now or never may take this long to leave."""
_LOOK_S: Final = 0.1
_WITHDRAWN_S: Final = 4.0
"""How long an edge may take to say whether it could take a command back, before whoever asked is told to look again."""


class Commands:
    """Asks and looks, in the scope of the request at hand; sending is the worker's."""

    def __init__(
        self,
        store: CommandStore,
        devices: DeviceStore,
        models: ModelStore,
        judge: Judge,
        bus: Bus,
        clock: Clock,
        settings: CommandsSettings,
        wishes: Wishes,
    ) -> None:
        self.settings, self._wishes = settings, wishes
        self._store, self._devices, self._models, self._judge = store, devices, models, judge
        self._bus, self._clock = bus, clock

    # --- asking --------------------------------------------------------------------------------------------------

    async def write(
        self, device_id: str, asked: Write, by: Actor, *, key: str | None = None, batch_id: str | None = None
    ) -> Command:
        """Ask to set a property. Raises ``NotFound``, ``Invalid``, ``Conflict`` (a lock or an interlock),
        ``LimitExceeded``."""
        device, model = await self._modelled(device_id, asked.reason)
        specs = {spec.name: spec for spec in model.properties}
        spec = specs.get(asked.property)
        if spec is None:
            raise errors.property_unknown(asked.property, (each.name for each in model.properties if each.writable))
        if not spec.writable:
            raise errors.not_writable(asked.property)
        value = check_value(spec, asked.value, "/value")
        values: dict[str, Any] = {
            "name": spec.name,
            "value": value,
            "inputs": {},
            "unit": spec.unit,
            "tolerance": asked.tolerance,
        }
        return await self._ask(device, "write", values, asked, by, key, batch_id, supersede=asked.supersede)

    async def call(
        self, device_id: str, asked: Call, by: Actor, *, key: str | None = None, batch_id: str | None = None
    ) -> Command:
        """Ask to call a service. Raises what :meth:`write` raises."""
        device, model = await self._modelled(device_id, asked.reason)
        service = next((each for each in model.services if each.name == asked.service), None)
        if service is None:
            raise errors.service_unknown(asked.service, (each.name for each in model.services))
        inputs = check_inputs(service.inputs, asked.inputs)
        values = {"name": service.name, "value": None, "inputs": inputs, "unit": None, "tolerance": None}
        return await self._ask(device, "call", values, asked, by, key, batch_id, supersede=False)

    async def _modelled(self, device_id: str, reason: str) -> tuple[Device, Model]:
        device = await asyncio.to_thread(self._devices.get, device_id)
        if device.disabled:
            raise errors.device_disabled(device.name)
        if self.settings.reason == "required" and not reason.strip():
            raise errors.reason_required()
        if device.model_id is None:
            raise errors.no_model(device.name)
        model = await asyncio.to_thread(self._models.find, device.model_id, device.model_version)
        if model is None:
            raise errors.no_model(device.name)
        return device, model

    async def _ask(
        self,
        device: Device,
        kind: str,
        values: dict[str, Any],
        asked: Write | Call,
        by: Actor,
        key: str | None,
        batch_id: str | None,
        *,
        supersede: bool,
    ) -> Command:
        await self._check(device, str(values["name"]))
        now_ms = self._clock.now_ms()
        expires_s = self.settings.expires_s if asked.expires_s is None else asked.expires_s
        row = {
            **values,
            "id": new_id("cmd"),
            "device_id": device.id,
            "kind": kind,
            "confirm": asked.confirm,
            "reason": asked.reason.replace("\0", "").strip(),
            "by_id": by.id,
            "by_name": by.name or by.id,
            "asked_ms": now_ms,
            "expires_ms": now_ms + round(max(expires_s, _AT_ONCE_S) * 1000),
            "timeout_s": asked.timeout_s or self.settings.timeout_s,
            "batch_id": batch_id,
        }
        most = self.settings.queue_per_device
        command, ended = await asyncio.to_thread(
            lambda: self._store.insert(row, key=key, most=most, supersede=supersede)
        )
        after = {
            "state": command.state,
            "device": device.id,
            "name": command.name,
            "value": command.value,
            "inputs": command.inputs,
            "reason": command.reason,
        }
        note("command", command.id, f"{device.name} {command.name}", after=after, organisation=device.organisation_id)
        await announce(self._bus, [command, *ended])
        await self._tell()
        return command

    async def _check(self, device: Device, name: str) -> None:
        """Locks always; interlocks while the device is there. Both are judged again when it is sent."""
        if not device.presence.online:
            lock = await self._judge.find_lock(device.id)
            if lock is not None:
                raise errors.interlocked(lock)
            return
        against = await self._judge.find_against(device.id, device.model_id, name)
        if against is not None:
            raise errors.interlocked(against.outcome)

    async def _tell(self) -> None:
        try:
            await self._bus.publish(WAKE, b"")
        except MillwrightError as error:
            logger.debug("the command is found by the next look: %s", error.message)

    # --- many ----------------------------------------------------------------------------------------------------

    async def write_many(self, asked: BulkWrite, by: Actor) -> Batch:
        """Ask the same of many devices; who cannot be asked is told, and stops nobody else.

        Raises ``Conflict`` (``commands.none_asked``) when nobody could be asked.
        """
        one = Write(**{name: getattr(asked, name) for name in Write.__struct_fields__})
        return await self._many(asked.device_ids, one, by)

    async def call_many(self, asked: BulkCall, by: Actor) -> Batch:
        """The same for a service."""
        one = Call(**{name: getattr(asked, name) for name in Call.__struct_fields__})
        return await self._many(asked.device_ids, one, by)

    async def _many(self, device_ids: Sequence[str], asked: Write | Call, by: Actor) -> Batch:
        batch_id = new_id("bat")
        refused: list[BatchRefusal] = []
        for device_id in dict.fromkeys(device_ids):
            try:
                if isinstance(asked, Write):
                    await self.write(device_id, asked, by, batch_id=batch_id)
                else:
                    await self.call(device_id, asked, by, batch_id=batch_id)
            except MillwrightError as error:
                refused.append(BatchRefusal(device_id, error.code, error.message))
        states = await asyncio.to_thread(self._store.count_states, batch_id)
        if not states:
            raise errors.none_asked(refused)
        return _batch(batch_id, states, refused)

    async def batch(self, batch_id: str) -> Batch:
        """How far a batch is. Raises ``NotFound`` (``commands.batch_unknown``)."""
        states = await asyncio.to_thread(self._store.count_states, batch_id)
        if not states:
            raise errors.batch_unknown(batch_id)
        return _batch(batch_id, states, [])

    # --- looking -------------------------------------------------------------------------------------------------

    async def page(
        self,
        *,
        device_id: str | None = None,
        states: Sequence[str] = (),
        batch_id: str | None = None,
        edge_id: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> CommandPage:
        """Commands, newest first. Raises ``NotFound`` for a device that is not there."""
        if device_id is not None:
            await asyncio.to_thread(self._devices.get, device_id)
        before = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else None
        return await asyncio.to_thread(
            lambda: self._store.page(
                device_id=device_id, states=states, batch_id=batch_id, edge_id=edge_id, before=before, limit=limit
            )
        )

    async def get(self, command_id: str, wait_s: float = 0.0) -> CommandDetail:
        """A command with its history; ``wait_s``: when it has ended, or after that time. Raises ``NotFound``."""
        until_s = self._clock.monotonic_s() + wait_s
        while True:
            command = await asyncio.to_thread(self._store.find, command_id)
            if command is None:
                raise errors.unknown(command_id)
            if command.state not in OPEN or self._clock.monotonic_s() >= until_s:
                break
            await asyncio.sleep(_LOOK_S)
        history = await asyncio.to_thread(self._store.history, command_id)
        return CommandDetail(**msgspec.structs.asdict(command), history=history)

    async def cancel(self, command_id: str, by: Actor) -> Command:
        """Take back what waits, here or at an edge. An edge that does not answer within seconds is asked until it has;
        then the command has a ``withdrawal``.

        Raises ``NotFound``, ``Conflict`` (``commands.not_waiting``, ``commands.too_late``).
        """
        before = await asyncio.to_thread(self._store.find, command_id)
        if before is None:
            raise errors.unknown(command_id)
        outcome = Outcome(code="commands.cancelled", text=f"{by.name or by.id} cancelled it.")
        now_ms = self._clock.now_ms()
        command = await asyncio.to_thread(self._store.move, command_id, WAITING, "cancelled", now_ms, outcome)
        if command is None:
            return await self._withdraw(before, by)
        name = f"{command.device_name} {command.name}"
        states = ({"state": before.state}, {"state": command.state})
        note("command", command_id, name, before=states[0], after=states[1], organisation=command.organisation_id)
        await announce(self._bus, [command])
        await self._tell()
        return command

    async def _withdraw(self, before: Command, by: Actor) -> Command:
        wish = Withdrawal(by_id=by.id, by_name=by.name or by.id, asked_ms=self._clock.now_ms())
        command = await asyncio.to_thread(self._wishes.add, before.id, wish)
        if command is None:
            command = await asyncio.to_thread(self._store.find, before.id) or before
            if command.withdrawal is None:
                raise errors.under_way(command)
        else:
            name = f"{command.device_name} {command.name}"
            note(
                "command",
                command.id,
                name,
                before={"state": command.state},
                after={"state": command.state, "withdrawal": wish.by_name},
                organisation=command.organisation_id,
            )
            await announce(self._bus, [command])
            await self._tell()
        until_s = self._clock.monotonic_s() + _WITHDRAWN_S
        while command.withdrawal is not None and self._clock.monotonic_s() < until_s:
            await asyncio.sleep(_LOOK_S)
            command = await asyncio.to_thread(self._store.find, before.id) or command
        if command.withdrawal is None and command.state not in ("cancelled", "superseded"):
            raise errors.too_late(command)
        return command


def _batch(batch_id: str, states: dict[str, int], refused: list[BatchRefusal]) -> Batch:
    still_open = sum(count for state, count in states.items() if state in OPEN)
    return Batch(id=batch_id, total=sum(states.values()), open=still_open, states=states, refused=refused)


async def announce(bus: Bus, commands: Iterable[Command]) -> None:
    """Tell that these commands changed. Never raises: lists come from the records."""
    try:
        for command in commands:
            await bus.publish(EVENTS, msgspec.json.encode(command))
    except MillwrightError as error:
        logger.debug("changes of commands are not told: %s", error.message)
