"""The devices below a gateway: found by the name it gives them, registered when it may do that.

Registering happens before a message is read, in the one thread that reads, so that the first message of a new device
is stored like any other. It is bounded: ``[devices] gateway_devices`` below one gateway, and so many in a second at
most; a message that names more waits with the frame that holds it, so that what else the process does is not held up.

All messages of the node wait with it, so what one gateway may make of that is bounded too. In a minute it registers so
many, and has so many names refused; then no further name of it is tried until the minute is over, nor is any for a
minute once it has as many devices as it may. Messages of such names become dead letters, to be replayed later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.exc import IntegrityError

from millwright.devices.dialects.model import Address
from millwright.devices.directory import DeviceDirectory
from millwright.devices.names import clean_name, key_of
from millwright.devices.registry.addresses import ForeignAddress
from millwright.devices.registry.below import insert_below, taken_names
from millwright.devices.registry.model import Device, NewDevice, check
from millwright.devices.registry.store import DeviceStore, insert_device
from millwright.devices.settings import DevicesSettings
from millwright.devices.store import bump, models
from millwright.devices.telemetry import KnownDevice
from millwright.engines.sql import Records
from millwright.kernel import Clock, Invalid, LimitExceeded, MillwrightError, Unavailable, new_id
from millwright.parties import organisation_path

logger = logging.getLogger(__name__)

_MINUTE_S: Final = 60.0
_A_SECOND: Final = 2_500
"""Registered in all. Together they cost a tenth of what each costs alone, a good hundred microseconds."""
_TOGETHER: Final = 500
_A_MINUTE: Final = 5_000
"""Registered below one gateway: no fewer than the devices of one message."""
_MOST_REFUSED: Final = 100
_MOST_GATEWAYS: Final = 10_000
_PROGRAM_NAMES: Final = ("dev_", "mwd_", "mwt_")


class _Minute:
    """What became of a gateway's new names in the minute that ends at ``until_s``; the refused ones by their hash."""

    __slots__ = ("full", "refused", "registered", "until_s")

    def __init__(self, until_s: float) -> None:
        self.until_s, self.registered, self.full = until_s, 0, False
        self.refused: set[int] = set()

    def takes(self, address: Address) -> bool:
        """Whether one more name may be tried."""
        over = self.full or self.registered >= _A_MINUTE or len(self.refused) >= _MOST_REFUSED
        return not over and hash(address) not in self.refused


class Children:
    """Used from the thread that decodes. :meth:`take_registered` tells whom it registered."""

    def __init__(
        self,
        records: Records,
        devices: DeviceStore,
        directory: DeviceDirectory,
        clock: Clock,
        settings: DevicesSettings,
    ) -> None:
        self._records, self._devices, self._directory = records, devices, directory
        self._clock, self._settings = clock, settings
        self._registered: list[str] = []
        self._minutes: dict[str, _Minute] = {}
        self._second_s, self._in_second = 0.0, 0

    def find(self, gateway: KnownDevice, address: Address) -> KnownDevice | None:
        """The device below the gateway, if it is registered. Raises ``Unavailable``."""
        device_id = self._directory.find_child(gateway, address.dialect, _realm(gateway, address), address.name)
        return None if device_id is None else self._directory.find_device(device_id)

    def meet_all(self, gateway: KnownDevice, spoken_of: Sequence[tuple[Address, str]]) -> None:
        """Register those that are not, many at a time. Raises ``Unavailable``.

        What cannot be registered among others, because its name is taken or is none, is tried by itself.
        """
        if not gateway.registers or gateway.kind != "gateway":
            return
        unknown: dict[Address, str] = {}
        for address, kind in spoken_of:
            if self.find(gateway, address) is None:
                unknown.setdefault(address, kind)  # what it was called first
        if len(unknown) > 1:
            self._meet_together(gateway, unknown)
        for address, kind in unknown.items():
            self.meet(gateway, address, kind)

    def _meet_together(self, gateway: KnownDevice, unknown: dict[Address, str]) -> None:
        """Register what can be together, and take it out of ``unknown``."""
        waiting = list(unknown.items())
        while waiting:
            now_s = self._clock.monotonic_s()
            minute = self._minute_of(gateway.device_id, now_s)
            waiting = [each for each in waiting if minute.takes(each[0])]
            if not waiting:
                return
            self._need_room(now_s)
            most = min(_TOGETHER, _A_SECOND - self._in_second, _A_MINUTE - minute.registered)
            part, waiting = waiting[:most], waiting[most:]
            try:
                registered = self._register_together(gateway, part)
            except Unavailable:
                raise
            except (MillwrightError, IntegrityError) as error:  # one of them: which, is found one by one
                logger.info("%d devices below %s are registered singly: %s", len(part), gateway.device_id, error)
                continue
            for address in registered:
                del unknown[address]
            self._in_second += len(registered)
            minute.registered += len(registered)
            self._registered += registered.values()
            if registered:
                self._directory.drop(next(iter(registered.values())))

    def _register_together(self, gateway: KnownDevice, part: Sequence[tuple[Address, str]]) -> dict[Address, str]:
        """The ids of those that were registered: all but those whose name is to be looked at more closely."""
        parent = self._devices.get(gateway.device_id)
        if self._devices.count_below(gateway.device_id) + len(part) > self._settings.gateway_devices:
            return {}
        chosen: dict[Address, tuple[str, NewDevice]] = {}
        with self._records.begin() as connection:
            taken = taken_names(connection, parent.organisation_id, {key_of(a.name.strip()) for a, _ in part})
            found: dict[str, str | None] = {"": None}
            for address, kind in part:
                if kind not in found:
                    found[kind] = _find_model(connection, kind, parent.organisation_id)
                new = _plain(address, parent, found[kind])
                if new is None or key_of(new.name) in taken:
                    continue
                taken.add(key_of(new.name))
                chosen[address] = new_id("dev"), new
            if chosen:
                insert_below(connection, parent, list(chosen.values()), self._clock.now_ms())
                bump(connection)
        return {address: device_id for address, (device_id, _) in chosen.items()}

    def meet(self, gateway: KnownDevice, address: Address, kind: str = "") -> None:
        """Register the device when it is not and the gateway may. Raises ``Unavailable``.

        ``kind``: the type that the gateway states; the model of that name is taken, if there is one.
        """
        if not gateway.registers or gateway.kind != "gateway" or self.find(gateway, address) is not None:
            return
        now_s = self._clock.monotonic_s()
        minute = self._minute_of(gateway.device_id, now_s)
        if not minute.takes(address):
            return
        self._need_room(now_s)
        try:
            device_id = self._register(gateway, address, kind)
        except Unavailable:
            raise
        except MillwrightError as error:
            logger.warning("%s below %s is not registered: %s", address.name[:80], gateway.device_id, error.message)
            if isinstance(error, LimitExceeded):
                minute.full, minute.until_s = True, now_s + _MINUTE_S
            minute.refused.add(hash(address))
            if len(minute.refused) == _MOST_REFUSED:
                logger.warning("no new name of %s is tried for a minute: too many were refused", gateway.device_id)
        else:
            self._in_second += 1
            minute.registered += 1
            self._registered.append(device_id)
            self._directory.drop(device_id)

    def _minute_of(self, gateway_id: str, now_s: float) -> _Minute:
        minute = self._minutes.get(gateway_id)
        if minute is None or minute.until_s <= now_s:
            if minute is None and len(self._minutes) >= _MOST_GATEWAYS:
                self._minutes.clear()
            minute = self._minutes[gateway_id] = _Minute(now_s + _MINUTE_S)
        return minute

    def _need_room(self, now_s: float) -> None:
        """Only what is registered counts: a name that is refused must not make the others wait."""
        if now_s - self._second_s >= 1:
            self._second_s, self._in_second = now_s, 0
        if self._in_second >= _A_SECOND:
            raise Unavailable(
                f"More than {_A_SECOND} devices of gateways are new in a second; messages wait for them.",
                code="devices.registering",
                hint="It goes on by itself.",
            )

    def take_registered(self) -> list[str]:
        """The devices that were registered since the last call, to be announced."""
        taken, self._registered = self._registered, []
        return taken

    def _register(self, gateway: KnownDevice, address: Address, kind: str) -> str:
        parent, most = self._devices.get(gateway.device_id), self._settings.gateway_devices
        if self._devices.count_below(gateway.device_id) >= most:
            raise LimitExceeded(
                f"There are {most} devices below the gateway.",
                code="devices.limit",
                hint="Remove some, or raise [devices] gateway_devices.",
            )
        device_id = new_id("dev")
        name = self._free_name(address.name, parent.name, parent.organisation_id, device_id)
        new = NewDevice(
            name=name,
            kind="gateway_device",
            parent_id=gateway.device_id,
            place_id=parent.place_id,
            address=ForeignAddress(dialect=address.dialect, product_key=address.product or None, name=address.name),
        )
        with self._records.begin() as connection:
            if kind:
                new = _with_model(connection, new, kind, parent.organisation_id)
            insert_device(connection, device_id, check(new), self._clock.now_ms())
            bump(connection)
        return device_id

    def _free_name(self, name: str, gateway: str, organisation_id: str, device_id: str) -> str:
        try:
            wanted = clean_name(name.strip(), most=100)
        except Invalid:
            wanted = device_id[-8:]
        if wanted.lower().startswith(_PROGRAM_NAMES):
            wanted = f"{gateway}/{wanted}"[:128]
        for each in (wanted, f"{gateway}/{wanted}"[:128]):
            if not self._devices.has_name(each, organisation_id):
                return each
        return f"{wanted} {device_id[-6:]}"


def _realm(gateway: KnownDevice, address: Address) -> str:
    return address.product or gateway.device_id


def _plain(address: Address, parent: Device, model_id: str | None) -> NewDevice | None:
    """A new device named as its gateway names it; ``None`` where that is no name here."""
    try:
        name = clean_name(address.name.strip(), most=100)
        if name.lower().startswith(_PROGRAM_NAMES):
            return None
        return check(
            NewDevice(
                name=name,
                kind="gateway_device",
                parent_id=parent.id,
                place_id=parent.place_id,
                model_id=model_id,
                address=ForeignAddress(dialect=address.dialect, product_key=address.product or None, name=address.name),
            )
        )
    except Invalid:
        return None


def _with_model(connection: sa.Connection, new: NewDevice, kind: str, organisation_id: str) -> NewDevice:
    found = _find_model(connection, kind, organisation_id)
    return new if found is None else structs.replace(new, model_id=found)


def _find_model(connection: sa.Connection, kind: str, organisation_id: str) -> str | None:
    """The model of this name, in the organisation or above it."""
    path = organisation_path(connection, organisation_id)
    found: str | None = connection.execute(
        sa.select(models.c.id).where(models.c.name_key == key_of(kind), models.c.organisation_id.in_(path)).limit(1)
    ).scalar_one_or_none()
    return found
