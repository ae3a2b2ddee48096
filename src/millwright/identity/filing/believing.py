"""Which signatures are believed, and the chain of what was signed for a filing. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from millwright.identity.filing import errors
from millwright.identity.filing.documents import digest_of, read
from millwright.identity.filing.model import Filing, FilingAnswer, Receipt, Relay
from millwright.identity.filing.views import SignedStep
from millwright.kernel import MillwrightError
from millwright.ledger import Verifier

_RANK = {"received": 0, "accepted": 1, "refused": 1}


def key_id_of(key: str) -> str:
    """The four bytes of a key, in hex; empty for what is none."""
    try:
        return Verifier.parse(key).id.hex()
    except MillwrightError:
        return ""


def check_receipt(text: str, document: str, filing_id: str, key: str) -> Receipt:
    """A receipt by ``key`` for exactly this document. Raises ``Unavailable`` (``filing.answer_unverified``)."""
    try:
        receipt = read(text, Receipt)
    except MillwrightError as error:
        raise errors.answer_unverified(error.message) from error
    if receipt.key != key:
        raise errors.answer_unverified("it is signed by another key than the one that is known")
    if receipt.filing_id != filing_id or receipt.digest != digest_of(document):
        raise errors.answer_unverified("it is a receipt for another document")
    return receipt


def check_answer(answer: FilingAnswer, document: str, filing_id: str, key: str) -> Receipt:
    """The deciding receipt of an answer, all of which was checked. Raises ``Unavailable``
    (``filing.answer_unverified``)."""
    if answer.filing_id != filing_id or not answer.receipts:
        raise errors.answer_unverified("it is about another filing, or holds no receipt")
    receipts = [check_receipt(each, document, filing_id, key) for each in answer.receipts]
    for each in answer.relays:
        read_relay(each, filing_id, key)
    last = max(receipts, key=lambda each: (_RANK[each.state], each.at_ms))
    if last.state != answer.state:
        raise errors.answer_unverified("its state is not what its receipt says")
    return last


def read_relay(text: str, filing_id: str, key: str) -> tuple[Relay, Filing, Receipt]:
    """A receipt from further above, handed down by the node of ``key``; for what was passed on of this filing.

    Raises ``Unavailable`` (``filing.answer_unverified``).
    """
    try:
        relay = read(text, Relay)
        passed = read(relay.filing, Filing)
        origins = _origins(passed)
    except MillwrightError as error:
        raise errors.answer_unverified(error.message) from error
    if relay.key != key or relay.filing_id != filing_id:
        raise errors.answer_unverified("a receipt handed down is not by the node above")
    if filing_id not in origins:
        raise errors.answer_unverified("a receipt handed down is for another filing")
    return relay, passed, check_receipt(relay.receipt, relay.filing, passed.filing_id, relay.upper_key)


def _origins(filing: Filing) -> list[str]:
    found: list[str] = []
    for _ in range(16):
        if not filing.origin:
            break
        filing = read(filing.origin, Filing)
        found.append(filing.filing_id)
    return found


def chain_of(
    document: str | None, receipts: Sequence[str], relays: Sequence[str], trusted: Sequence[str]
) -> list[SignedStep]:
    """Everything signed for a filing, each with whether its signature holds and its key is believed.

    ``trusted`` are public keys: of this node and its node above. A key that one of those vouches for in a relay is
    believed, too.
    """
    believed = set(trusted)
    steps: list[SignedStep] = []
    if document:
        steps += _origin_steps(document, believed)
    steps += [_receipt_step(each, document, believed) for each in receipts]
    for each in relays:
        try:
            relay = read(each, Relay)
        except MillwrightError:
            steps.append(_wrong("receipt"))
            continue
        if relay.key in believed:
            believed.add(relay.upper_key)
        steps.append(_receipt_step(relay.receipt, relay.filing, believed))
    return steps


def _origin_steps(document: str, believed: set[str]) -> list[SignedStep]:
    """The filing, before it those that it passes on with their receipts; the first is the oldest."""
    found: list[SignedStep] = []
    text, receipt = document, ""
    for _ in range(16):
        try:
            filing = read(text, Filing)
        except MillwrightError:
            found.insert(0, _wrong("filing"))
            break
        step = SignedStep(
            kind="filing", node=filing.node, key_id=key_id_of(filing.key), at_ms=filing.signed_ms, state=filing.state,
            number="", reason="", signature="valid", trusted=filing.key in believed,
        )  # fmt: skip
        found[:0] = [step, _receipt_step(receipt, text, believed)] if receipt else [step]
        if not filing.origin:
            break
        if filing.key in believed:  # who passes it on has checked it
            believed |= _keys_in(filing.origin)
        text, receipt = filing.origin, filing.origin_receipt
    return found


def _keys_in(text: str) -> set[str]:
    try:
        return {read(text, Filing).key}
    except MillwrightError:
        return set()


def _receipt_step(text: str, document: str | None, believed: set[str]) -> SignedStep:
    try:
        receipt = read(text, Receipt)
    except MillwrightError:
        return _wrong("receipt")
    fits = document is None or receipt.digest == digest_of(document)
    return SignedStep(
        kind="receipt", node=receipt.node, key_id=key_id_of(receipt.key), at_ms=receipt.at_ms, state=receipt.state,
        number=receipt.number, reason=receipt.reason, signature="valid" if fits else "wrong",
        trusted=fits and receipt.key in believed,
    )  # fmt: skip


def _wrong(kind: str) -> SignedStep:
    return SignedStep(
        kind=kind,  # type: ignore[arg-type]  # one of the two
        node="", key_id="", at_ms=0, state="", number="", reason="", signature="wrong", trusted=False,
    )  # fmt: skip
