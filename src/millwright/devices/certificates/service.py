"""Use cases of a device's certificates."""

from __future__ import annotations

import asyncio
import base64
import binascii
import builtins
import hashlib
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from millwright.certificates import (
    Certificate,
    CertificateAuthority,
    check_request,
    device_uri,
    parse_request,
)
from millwright.certificates.errors import renewal_refused
from millwright.certificates.keys import spki, verify
from millwright.certificates.model import Origin
from millwright.certificates.store import certificate_of
from millwright.devices.certificates.model import EnrolmentCode, IssuedCertificate, Renewal
from millwright.devices.certificates.store import KIND, DeviceCertificateStore, Holder
from millwright.devices.changes import Changes
from millwright.devices.credentials.model import digest_of_code, digest_of_token
from millwright.devices.credentials.store import CredentialStore
from millwright.devices.errors import credential_wrong, not_found
from millwright.devices.names import key_of
from millwright.engines.sql import Records
from millwright.kernel import Clock, Scope, new_secret
from millwright.kernel.scope import within
from millwright.ledger import Actor, acted_by, note

_REPEATED_MS: Final = 3_600_000
"""A renewal for a key that got its certificate so recently is answered with that one: it is the same request again."""


class DeviceCertificates:
    """Issues, renews, lists and revokes the certificates of devices.

    ``everybody`` sees every organisation. It tells which device a secret or a certificate belongs to, and nothing else:
    what that device then does is done in the scope of its own organisation.
    """

    def __init__(
        self, authority: CertificateAuthority, records: Records, everybody: Records, changes: Changes, clock: Clock
    ) -> None:
        self.authority = authority
        self._store = DeviceCertificateStore(records)
        self._everybody = DeviceCertificateStore(everybody)
        self._credentials = CredentialStore(everybody)
        self._changes, self._clock = changes, clock

    async def list(self, device_id: str) -> builtins.list[Certificate]:
        """The newest hundred certificates of a device. Raises ``NotFound`` (``devices.device_unknown``)."""
        await self._need(device_id)
        page = await asyncio.to_thread(self.authority.page, KIND, device_id, None, cursor=None, limit=100)
        return page.items

    async def issue(self, device_id: str, request: bytes) -> IssuedCertificate:
        """A certificate that a person asked for. Raises ``NotFound``, ``Invalid``, ``Conflict``, ``LimitExceeded``."""
        return await self._issue(await self._need(device_id), request, "console")

    async def new_code(self, device_id: str, hours: float | None) -> EnrolmentCode:
        """A one-time code, shown this once; an unused one before it ends. Raises ``NotFound``."""
        holder = await self._need(device_id)
        code, now_ms = new_secret("mwe"), self._clock.now_ms()
        hours = self.authority.settings.code_hours if hours is None else hours
        expires_ms = now_ms + round(hours * 3_600_000)
        await asyncio.to_thread(self._store.add_code, holder, digest_of_code(code), now_ms, expires_ms)
        shown = {"enrolment_code": {"expires_ms": expires_ms}}
        note("device", device_id, holder.name, after=shown, organisation=holder.organisation_id)
        return EnrolmentCode(device_id=device_id, code=code, expires_ms=expires_ms)

    async def enrol(self, username: str, secret: str, request: bytes) -> IssuedCertificate:
        """A certificate for the device that has this token or one-time code.

        ``username`` is empty, or the device's name or id. A refused request does not use the code up. Raises
        ``NotSignedIn`` (``devices.credential_wrong``), and as :meth:`issue`.
        """
        device_id, code = await self._identify(secret)
        holder = await asyncio.to_thread(self._everybody.find, device_id) if device_id else None
        if holder is None or holder.disabled:
            raise credential_wrong()
        if username and username != device_id and key_of(username) != key_of(holder.name):
            raise credential_wrong()
        acted_by(Actor("device", holder.device_id, holder.name), holder.organisation_id)
        with within(_scope(holder)):
            return await self._issue(holder, request, "code" if code else "token", code)

    async def renew(self, renewal: Renewal) -> IssuedCertificate:
        """The next certificate of a device that proves it has a valid one, which stays valid.

        Raises ``Denied`` (``certificates.renewal_refused``), and as :meth:`issue`.
        """
        row = await asyncio.to_thread(self._prove, renewal)
        holder = await asyncio.to_thread(self._everybody.find, row["subject_id"])
        if holder is None or holder.disabled:
            raise renewal_refused("The device is disabled or was removed.")
        acted_by(Actor("device", holder.device_id, holder.name), holder.organisation_id)
        repeated = await asyncio.to_thread(self._repeated, renewal, row, holder.name)
        if repeated is not None:
            return repeated
        with within(_scope(holder)):
            return await self._issue(holder, renewal.request.encode(), "renewal")

    async def revoke(self, device_id: str, certificate_id: str, reason: str) -> None:
        """Make a certificate worthless; a connection made with it ends. Raises ``NotFound``."""
        holder = await self._need(device_id)
        now_ms = self._clock.now_ms()
        if await asyncio.to_thread(self._store.revoke, device_id, certificate_id, now_ms, reason):
            before = {"certificates": {certificate_id: {"revoked": False}}}
            after = {"certificates": {certificate_id: {"revoked": True, "reason": reason}}}
            note("device", device_id, holder.name, before=before, after=after, organisation=holder.organisation_id)
        await self._changes.announce(device_id)

    async def pem(self, device_id: str, certificate_id: str) -> str:
        """A certificate with the chain behind it. Raises ``NotFound``."""
        await self._need(device_id)
        row = await asyncio.to_thread(self.authority.shown.get, certificate_id)
        if row["kind"] != KIND or row["subject_id"] != device_id:
            raise not_found("certificate", certificate_id)
        authority = await asyncio.to_thread(self.authority.store.get_authority, row["authority_id"])
        return str(row["certificate"]) + self.authority.chain_of(authority)

    async def _need(self, device_id: str) -> Holder:
        holder = await asyncio.to_thread(self._store.find, device_id)
        if holder is None:
            raise not_found("device", device_id)
        return holder

    async def _identify(self, secret: str) -> tuple[str | None, bytes | None]:
        """The device behind a secret, and the digest of the code when it is one."""
        now_ms = self._clock.now_ms()
        code = digest_of_code(secret)
        device_id = await asyncio.to_thread(self._everybody.find_code, code, now_ms)
        if device_id is not None:
            return device_id, code
        digest = digest_of_token(secret)
        grant = (await asyncio.to_thread(self._credentials.grants, [digest])).get(digest)
        if grant is None or (grant.expires_ms is not None and grant.expires_ms <= now_ms):
            return None, None
        return grant.device_id, None

    async def _issue(
        self, holder: Holder, request: bytes, origin: Origin, code: bytes | None = None
    ) -> IssuedCertificate:
        device_id = holder.device_id

        def work() -> IssuedCertificate:
            uri = device_uri(device_id)
            key = check_request(parse_request(request), (device_id, holder.name), (uri,))
            names = [x509.UniformResourceIdentifier(uri)]
            signed = self.authority.sign(key, KIND, device_id, names, origin, holder.organisation_id)
            now_ms = self._clock.now_ms()
            self._store.insert(device_id, signed.row, self.authority.settings.per_device, code, now_ms)
            issued = certificate_of(signed.row, now_ms)
            return IssuedCertificate(issued=issued, certificate=signed.certificate, chain=signed.chain)

        made = await asyncio.to_thread(work)
        shown = {"origin": origin, "fingerprint": made.issued.fingerprint, "not_after_ms": made.issued.not_after_ms}
        kept = {"certificates": {made.issued.id: shown}}
        note("device", device_id, holder.name, after=kept, organisation=holder.organisation_id)
        await self._changes.announce(device_id)
        return made

    def _prove(self, renewal: Renewal) -> Any:
        """The row of the certificate that a renewal rests on."""
        try:
            certificate = x509.load_pem_x509_certificate(renewal.certificate.encode())
        except ValueError as error:
            raise renewal_refused("The certificate is none in PEM.") from error
        row = self.authority.store.find_by_fingerprint(certificate.fingerprint(hashes.SHA256()).hex())
        now_ms = self._clock.now_ms()
        if row is None or row["kind"] != KIND or row["revoked_ms"] is not None or row["not_after_ms"] <= now_ms:
            raise renewal_refused("The certificate is not a valid one of a device of this node.")
        try:
            verify(certificate, base64.b64decode("".join(renewal.signature.split())), renewal.request.encode())
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise renewal_refused("The request is not signed by the certificate's key.") from error
        return row

    def _repeated(self, renewal: Renewal, row: Any, name: str) -> IssuedCertificate | None:
        """What the same request got a moment ago."""
        device_id = row["subject_id"]
        key = check_request(parse_request(renewal.request.encode()), (device_id, name), (device_uri(device_id),))
        found = self.authority.store.find_by_key(hashlib.sha256(spki(key)).hexdigest(), KIND, device_id)
        now_ms = self._clock.now_ms()
        if found is None or found["id"] == row["id"] or found["created_ms"] < now_ms - _REPEATED_MS:
            return None
        authority = self.authority.store.get_authority(found["authority_id"])
        return IssuedCertificate(
            issued=certificate_of(found, now_ms),
            certificate=found["certificate"],
            chain=self.authority.chain_of(authority),
        )


def _scope(holder: Holder) -> Scope:
    return Scope(frozenset({holder.organisation_id}), holder.organisation_id)
