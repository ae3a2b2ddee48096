"""Verifying the proof of a filing, with nothing but the file and the keys that one trusts. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from millwright.identity.filing import errors
from millwright.identity.filing.believing import chain_of
from millwright.identity.filing.documents import MOST_BYTES, digest_of, read
from millwright.identity.filing.model import Filing
from millwright.identity.filing.views import FilingProof, SignedStep
from millwright.kernel import MillwrightError
from millwright.ledger import Verifier


class Verified(Struct, frozen=True, kw_only=True):
    """What a proof says and whether it holds. ``valid``: every signature is right and each document belongs to the one
    before it; ``trusted``: every key is one of those given, or vouched for by one of them. ``outcome`` is that of the
    first node above."""

    valid: bool
    trusted: bool
    prefix: str
    holder: str
    outcome: str
    number: str
    digest: str
    chain: list[SignedStep]


def verify(content: bytes, keys: Sequence[str]) -> Verified:
    """Check a proof as it was downloaded. ``keys`` are public keys, as ``millwright identifiers key`` prints them.

    Raises ``Invalid`` (``filing.document_invalid``, ``ledger.key_invalid``), ``LimitExceeded`` (``filing.too_large``).
    """
    if len(content) > 80 * MOST_BYTES:
        raise errors.too_large(80 * MOST_BYTES)
    for key in keys:
        Verifier.parse(key)
    try:
        proof = msgspec.json.decode(content, type=FilingProof)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise errors.document_invalid(f"it is no proof of a filing: {error}"[:200]) from error
    chain = chain_of(proof.filing, proof.receipts, proof.relays, keys)
    prefix = holder = ""
    with suppress(MillwrightError):  # then the chain says that it is wrong
        filing = read(proof.filing, Filing)
        prefix, holder = filing.prefix, filing.holder
    answers = [each for each in chain if each.kind == "receipt"][: len(proof.receipts)]
    decided = next((each for each in reversed(answers) if each.state != "received"), answers[-1] if answers else None)
    return Verified(
        valid=bool(proof.receipts) and all(each.signature == "valid" for each in chain),
        trusted=all(each.trusted for each in chain),
        prefix=prefix,
        holder=holder,
        outcome="" if decided is None else decided.state,
        number="" if decided is None else decided.number,
        digest=digest_of(proof.filing),
        chain=chain,
    )
