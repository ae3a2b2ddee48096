"""Who may connect: the listener's authenticator over the registry's credentials.

A device presents either a token as user name and no password, or its name (or id) as user name and a token as
password, or a user name and password it brought along and was adopted with, or a certificate. What was looked up is
kept in memory under its digest; the lookups of one moment are answered by one query, so ten thousand devices that come
back at once cost a few hundred queries. Changes arrive as events, and by the polled counter when an event was lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from millwright.devices.arrivals.model import RefusedContact
from millwright.devices.arrivals.worker import SUBJECT
from millwright.devices.changes import EVERY, Changes
from millwright.devices.credentials.model import (
    Grant,
    digest_of_certificate,
    digest_of_pair,
    digest_of_token,
    mask,
)
from millwright.devices.credentials.store import CredentialStore
from millwright.devices.mqtt.ports import Refusal
from millwright.devices.names import key_of
from millwright.devices.permissions import Principal
from millwright.devices.registry.store import DeviceStore
from millwright.devices.watch import ChangeWatch
from millwright.kernel import Bus, Clock, MillwrightError, Unavailable, end

MOST_KEPT: Final = 200_000
MOST_ASKED: Final = 500
REPORTS_PER_S: Final = 20
USED_S: Final = 10.0

_ATTEMPTS: Final = 5
_BAD_CREDENTIAL, _NOT_AUTHORISED = 4, 5

logger = logging.getLogger(__name__)


class Access:
    """Implements the listener's ``Authenticator``. A :class:`millwright.kernel.Part`.

    ``on_change`` is called with a device's id, or ``*``, after what was known of it was dropped: the listener then asks
    again about that device's connections. That ends the connections of what was revoked, disabled, deleted or expired.
    """

    def __init__(
        self,
        credentials: CredentialStore,
        devices: DeviceStore,
        changes: Changes,
        bus: Bus,
        clock: Clock,
        on_change: Callable[[str], None] | None = None,
    ) -> None:
        self._credentials = credentials
        self._devices = devices
        self._bus = bus
        self._clock = clock
        self._watch = ChangeWatch(bus, changes, self._changed)
        self._grants: OrderedDict[bytes, tuple[Grant, Principal]] = OrderedDict()
        self._by_device: dict[str, set[bytes]] = {}
        self._expiring: dict[str, int] = {}
        self._on_change = on_change
        self._generation = 0
        self._asked: dict[bytes, asyncio.Future[Grant | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._used: dict[str, int] = {}
        self._reports_left = float(REPORTS_PER_S)
        self._reported_s = clock.monotonic_s()
        self._reports: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Watch for changes."""
        await self._watch.start()
        self._task = asyncio.create_task(self._note_used())

    async def stop(self) -> None:
        """Stop watching and write when credentials were last used."""
        await self._watch.stop()
        await end(self._task, self._asking)
        self._task = self._asking = None
        await self.flush_used()

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        """The device behind a CONNECT, or why not. Raises ``Unavailable`` when the records are away.

        An unknown credential is reported on ``arrivals.refused`` (its digest, never the secret), at a bounded rate;
        the refusals say ``arrival=False`` for that reason.
        """
        if not username:
            return Refusal(_BAD_CREDENTIAL, "no_credential", arrival=False)
        try:
            secret = (password or b"").decode()
        except UnicodeDecodeError:
            return Refusal(_BAD_CREDENTIAL, "password_not_text", arrival=False)
        if not secret:
            digest = digest_of_token(username)
            found = await self._find(digest)
            if found is None:
                return self._refuse(digest, mask(username), client_id, peer, "credential_unknown", None)
            return self._admit(found)
        token = await self._find(digest_of_token(secret))
        if token is not None and _is_named(token[0], username):
            return self._admit(token)
        digest = digest_of_pair(username, secret)
        pair = await self._find(digest)
        if pair is not None:
            return self._admit(pair)
        known = await asyncio.to_thread(self._devices.find_by_name, username) if self._may_report() else None
        reason = "password_wrong" if known else "credential_unknown"
        return self._refuse(digest, username, client_id, peer, reason, known.id if known else None)

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        """The device whose certificate has this SHA-256, or why not. Raises ``Unavailable`` like :meth:`authenticate`.

        One that nobody registered is refused, whoever signed it: there must be a record, and it must not be revoked.
        Empty: none was shown where one is required.
        """
        if not fingerprint:
            return Refusal(_NOT_AUTHORISED, "certificate_required", arrival=False)
        found = await self._find(digest_of_certificate(fingerprint))
        if found is None:
            if self._take_report():
                logger.info("a certificate without a device was shown by %s as %r", peer, client_id[:64])
            return Refusal(_NOT_AUTHORISED, "certificate_unknown", arrival=False)
        return self._admit(found)

    def drop(self, device_id: str) -> None:
        """Forget what is known of a device (``*``: of all), because it changed."""
        self._generation += 1
        if device_id == EVERY:
            self._grants.clear()
            self._by_device.clear()
            return
        for digest in self._by_device.pop(device_id, ()):
            self._grants.pop(digest, None)

    def expire(self) -> None:
        """Drop the devices one of whose credentials has expired; called every ten seconds."""
        now_ms = self._clock.now_ms()
        for device_id in [known for known, at_ms in self._expiring.items() if at_ms <= now_ms]:
            del self._expiring[device_id]
            self._changed(device_id)

    async def flush_used(self) -> None:
        """Write when credentials were last used; what cannot be written is kept."""
        used, self._used = self._used, {}
        try:
            await asyncio.to_thread(self._credentials.mark_used, used)
        except MillwrightError as error:
            self._used = used | self._used
            logger.warning("the last use of credentials cannot be written: %s", error.message)

    def _changed(self, device_id: str) -> None:
        self.drop(device_id)
        if self._on_change is not None:
            self._on_change(device_id)

    def _admit(self, found: tuple[Grant, Principal]) -> Principal | Refusal:
        grant, principal = found
        now_ms = self._clock.now_ms()
        if grant.disabled:
            return Refusal(_NOT_AUTHORISED, "device_disabled", arrival=False, device_id=grant.device_id)
        if grant.expires_ms is not None and grant.expires_ms <= now_ms:
            return Refusal(_BAD_CREDENTIAL, "credential_expired", arrival=False, device_id=grant.device_id)
        self._used[grant.credential_id] = now_ms
        return principal

    async def _find(self, digest: bytes) -> tuple[Grant, Principal] | None:
        known = self._grants.get(digest)
        if known is not None:
            self._grants.move_to_end(digest)
            return known
        for _ in range(_ATTEMPTS):
            generation = self._generation
            grant = await self._ask(digest)
            if grant is None:
                return None
            if generation == self._generation:
                found = (grant, _principal(grant))
                self._keep(digest, found)
                return found
        raise Unavailable(
            "Credentials change faster than they can be read.", code="devices.access_busy", hint="Try again."
        )

    def _keep(self, digest: bytes, found: tuple[Grant, Principal]) -> None:
        self._grants[digest] = found
        grant = found[0]
        self._by_device.setdefault(grant.device_id, set()).add(digest)
        if grant.expires_ms is not None:
            earliest = self._expiring.get(grant.device_id, grant.expires_ms)
            self._expiring[grant.device_id] = min(earliest, grant.expires_ms)
        if len(self._grants) > MOST_KEPT:
            oldest, (left, _) = self._grants.popitem(last=False)
            held = self._by_device.get(left.device_id, set())
            held.discard(oldest)
            if not held:
                self._by_device.pop(left.device_id, None)

    async def _ask(self, digest: bytes) -> Grant | None:
        """Look the digest up together with the others asked for at the moment."""
        future = self._asked.get(digest)
        if future is None:
            future = self._asked[digest] = asyncio.get_running_loop().create_future()
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._answer())
        return await asyncio.shield(future)

    async def _answer(self) -> None:
        while self._asked:
            wave = dict(list(self._asked.items())[:MOST_ASKED])
            for digest in wave:
                del self._asked[digest]
            try:
                grants = await asyncio.to_thread(self._credentials.grants, list(wave))
            except BaseException as error:
                for future in wave.values():
                    if not future.done():
                        future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
                        future.exception()
                if not isinstance(error, Exception):
                    raise
                continue
            for digest, future in wave.items():
                if not future.done():
                    future.set_result(grants.get(digest))

    def _refuse(
        self, digest: bytes, username: str, client_id: str, peer: str, reason: str, device_id: str | None
    ) -> Refusal:
        if self._take_report():
            contact = RefusedContact(
                digest=digest,
                username=username[:128],
                client_id=client_id[:128],
                peer=peer[:64],
                at_ms=self._clock.now_ms(),
                reason=reason,
                device_id=device_id,
            )
            task = asyncio.create_task(self._report(contact))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        return Refusal(_BAD_CREDENTIAL, reason, arrival=False, device_id=device_id)

    def _may_report(self) -> bool:
        now_s = self._clock.monotonic_s()
        self._reports_left = min(REPORTS_PER_S, self._reports_left + (now_s - self._reported_s) * REPORTS_PER_S)
        self._reported_s = now_s
        return self._reports_left >= 1

    def _take_report(self) -> bool:
        if not self._may_report():
            return False
        self._reports_left -= 1
        return True

    async def _report(self, contact: RefusedContact) -> None:
        try:
            await self._bus.publish(SUBJECT, msgspec.msgpack.encode(contact))
        except MillwrightError as error:
            logger.debug("a refused contact was not told: %s", error.message)

    async def _note_used(self) -> None:
        while True:
            await asyncio.sleep(USED_S)
            try:
                self.expire()
                await self.flush_used()
            except Exception:
                logger.exception("credentials could not be looked through")


def _is_named(grant: Grant, username: str) -> bool:
    """Whether a user name is the device's own: its name or id, or as the platform it comes from has it sign in."""
    if username == grant.device_id or key_of(username) == key_of(grant.name):
        return True
    return grant.foreign_name is not None and username in (grant.foreign_name, f"{grant.foreign_name}&{grant.realm}")


def _principal(grant: Grant) -> Principal:
    edge = grant.kind == "sparkplug_edge"
    return Principal(
        grant.device_id,
        grant.name,
        grant.revision,
        group_id=grant.group_id if edge else None,
        edge_node_id=grant.edge_node_id if edge else None,
        expires_ms=grant.expires_ms,
        organisation_id=grant.organisation_id,
        gateway=grant.kind == "gateway",
        address=(grant.dialect, grant.realm, grant.foreign_name)
        if grant.dialect and grant.realm and grant.foreign_name
        else None,
    )
