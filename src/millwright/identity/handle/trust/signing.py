"""Making signatures and certificates, and keeping those of a node's own records up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.jwk import jwk_of
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import fold, named_prefix, prefix_of
from millwright.identity.handle.records import StoredRecord
from millwright.identity.handle.special import HS_CERT, HS_SIGNATURE
from millwright.identity.handle.trust.claims import Claims, TrustPermission, covered, digests_of, read_reference
from millwright.identity.handle.trust.jws import decode_signature, encode_signature
from millwright.identity.handle.trust.roots import read_private_key
from millwright.kernel import Invalid

FIRST_SIGNATURE: Final = 400
"""Where signatures begin, as the national network has it."""
_DAY_S = 86_400


class Signer(Struct, frozen=True, kw_only=True):
    """Who signs records: ``issuer`` names the key as certificates do, ``days`` is how long a signature holds (0: as
    long as the certificate), ``chain`` the certificates up to the root (none: that in the issuer's own handle)."""

    issuer: Reference
    key: Any
    days: int = 0
    chain: tuple[str, ...] = ()

    @property
    def public_key(self) -> Any:
        """What belongs to the private key."""
        return self.key.public_key()

    def signature(self, handle: bytes, values: Iterable[HandleValue], now_s: int, index: int) -> HandleValue:
        """The HS_SIGNATURE over these values."""
        claims = signature_claims(handle, values, self.issuer, self.chain, now_s=now_s, days=self.days)
        data = encode_signature(claims, self.key)
        return HandleValue(index=index, type=HS_SIGNATURE, data=data, timestamp_s=now_s)


def signature_claims(
    handle: bytes,
    values: Iterable[HandleValue],
    issuer: Reference,
    chain: tuple[str, ...] = (),
    *,
    now_s: int,
    days: int = 0,
) -> Claims:
    """The claims of an HS_SIGNATURE over these values."""
    return Claims(
        iss=str(issuer),
        sub=handle.decode(),
        iat=now_s,
        nbf=now_s,
        exp=now_s + days * _DAY_S if days else None,
        chain=chain or None,
        digests=digests_of(values),
    )


def certificate(
    subject: Reference,
    public_key: Any,
    permissions: Sequence[TrustPermission],
    issuer: Reference,
    key: Any,
    *,
    now_s: int,
    days: int,
    chain: tuple[str, ...] = (),
) -> bytes:
    """Data of an HS_CERT: ``subject`` has ``public_key`` and may sign what ``permissions`` say, says ``issuer``, whose
    private ``key`` signs it. Raises ``Unsupported`` (``handle.unsupported``)."""
    claims = Claims(
        iss=str(issuer),
        sub=str(subject),
        iat=now_s,
        nbf=now_s,
        exp=now_s + days * _DAY_S,
        perms=tuple(permissions),
        chain=chain or None,
        public_key=jwk_of(public_key),
    )
    return encode_signature(claims, key)


def certificate_value(data: bytes, index: int, now_s: int) -> HandleValue:
    """An HS_CERT as a value of a handle."""
    return HandleValue(index=index, type=HS_CERT, data=data, timestamp_s=now_s)


def signed_values(
    handle: bytes, values: Sequence[HandleValue], before: Sequence[HandleValue], signer: Signer, now_s: int
) -> tuple[HandleValue, ...]:
    """Values with a signature by ``signer`` over all that are public.

    ``before`` is what was registered: a signature in it, or in ``values``, that still says just that stays, so that
    what did not change is not signed again. Signatures of others stay where nothing contradicts them.
    """
    wanted = [each for each in values if each.public and not each.is_type(HS_SIGNATURE)]
    kept = [each for each in values if not each.is_type(HS_SIGNATURE)]
    own: HandleValue | None = None
    for value in [each for each in values if each.is_type(HS_SIGNATURE)]:
        if _issuer(value) != fold(str(signer.issuer).encode()):
            if _agrees(value, wanted):
                kept.append(value)
        elif own is None and _still_says(value, handle, wanted, signer, now_s):
            own = value
    taken = {each.index for each in kept}
    if own is None:
        former = (each for each in before if each.is_type(HS_SIGNATURE) and each.index not in taken)
        own = next((each for each in former if _still_says(each, handle, wanted, signer, now_s)), None)
    if own is None:
        index = next(each for each in count(FIRST_SIGNATURE) if each not in taken)
        own = signer.signature(handle, wanted, now_s, index)
    return (*kept, own)


def _issuer(value: HandleValue) -> bytes:
    try:
        return fold(decode_signature(value.data).claims.iss.encode())
    except MessageError:
        return b""


def _agrees(value: HandleValue, wanted: Sequence[HandleValue]) -> bool:
    """Whether a signature contradicts nothing."""
    try:
        return not covered(decode_signature(value.data).claims, wanted)[1]
    except MessageError:
        return False


def _still_says(value: HandleValue, handle: bytes, wanted: Sequence[HandleValue], signer: Signer, now_s: int) -> bool:
    """Whether a signature is this signer's own over exactly these values, and holds long enough."""
    try:
        signed = decode_signature(value.data)
        good, _ = covered(signed.claims, wanted)
    except MessageError:
        return False
    claims = signed.claims
    listed = {each.index for each in claims.digests.digests} if claims.digests is not None else set()
    return (
        good == listed == {each.index for each in wanted}
        and claims.iss == str(signer.issuer)
        and claims.sub.encode() == handle
        and _holds_on(claims, signer, now_s)
        # By a former key of the same name it would be worth nothing.
        and signed.signed_by(signer.public_key)
    )


def _holds_on(claims: Claims, signer: Signer, now_s: int) -> bool:
    """Whether an old signature is good for at least half of the time that a new one would have."""
    if not signer.days:
        return claims.exp is None
    return claims.exp is not None and claims.exp - now_s >= signer.days * _DAY_S // 2


class Signers:
    """Whose records this node signs: by the prefix of their handles. Prefix handles are signed by who issues them."""

    def __init__(self, signers: Iterable[Signer] = ()) -> None:
        self._by_prefix: dict[bytes, Signer] = {}
        for each in signers:
            prefix = named_prefix(fold(each.issuer.handle))
            if prefix is not None:
                self._by_prefix[prefix] = each

    def __len__(self) -> int:
        return len(self._by_prefix)

    def find(self, handle: bytes) -> Signer | None:
        """Who signs a handle."""
        return self._by_prefix.get(fold(prefix_of(handle))) if self._by_prefix else None

    def signed(self, record: StoredRecord, now_s: int) -> StoredRecord:
        """A record with its signature, the same where nobody signs it or it is signed already."""
        signer = self.find(record.handle)
        if signer is None:
            return record
        values = record.values
        after = signed_values(record.handle, values, (), signer, now_s)
        return record if set(after) == set(values) else StoredRecord.build(record.handle, after)

    def values(
        self, handle: bytes, values: tuple[HandleValue, ...], before: StoredRecord | None, now_s: int
    ) -> tuple[HandleValue, ...]:
        """The new values of a record with their signature, the same where nobody signs it."""
        signer = self.find(handle)
        if signer is None:
            return values
        return signed_values(handle, values, () if before is None else before.values, signer, now_s)


def read_signers(listed: Iterable[str], days: int) -> Signers:
    """Signers from ``300:0.NA/88.118.8 = FILE``.

    Raises ``Invalid`` (``handle.signer_invalid``, ``handle.signing_key``).
    """
    found = []
    for text in listed:
        named, equals, path = (part.strip() for part in text.partition("="))
        try:
            issuer = read_reference(named)
        except MessageError:
            issuer = Reference(b"", 0)
        if not equals or not path or not issuer.index or named_prefix(fold(issuer.handle)) is None:
            raise Invalid(
                f"[handle] signers has {text!r}, which names no key of a prefix and its file.",
                code="handle.signer_invalid",
                hint="Write the key's index, the prefix handle and a PEM file, as in "
                "`300:0.NA/88.118.8 = /etc/millwright/88.118.8.pem`.",
                detail={"text": text},
            )
        found.append(Signer(issuer=issuer, key=read_private_key(path), days=days))
    return Signers(found)
