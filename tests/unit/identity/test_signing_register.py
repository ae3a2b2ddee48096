"""A register that signs: whoever changes a record of its prefix, and whichever way."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from millwright.identity.handle import HandleValue, Reference, StoredRecord
from millwright.identity.handle.trust.signing import Signer, Signers
from millwright.identity.handle.trust.verifying import RecordVerifier
from millwright.kernel import SystemClock
from support.handle import value
from support.identifiers import home, open_records, put
from support.trust import certified

NAME = b"88.118.8/Pump-1"


async def test_every_way_to_write_signs(tmp_path: Path) -> None:
    now_s = SystemClock().now_ms() // 1000
    authorities = certified(
        ec.generate_private_key(ec.SECP256R1()), ("300:0.NA/88.118.8", "handlesUnderThisPrefix:0.NA/88.118.8"),
        now_s=now_s - 10,
    )  # fmt: skip
    signers = Signers([Signer(issuer=Reference(b"0.NA/88.118.8", 300), key=authorities.keys["300:0.NA/88.118.8"])])
    records = open_records(tmp_path, signers=signers)
    home(records, b"88.118.8", b"88.118.9")
    verifier = RecordVerifier(authorities.roots)

    async def state(name: bytes = NAME) -> str:
        with records.view() as view:
            found = view.find(name)
        assert found is not None
        return (await verifier.verdict(name, found.values, authorities.find, now_s + 5)).state

    put(records, (NAME, (value(1),)), (b"88.118.9/other", (value(1),)))
    assert await state() == "valid"
    assert await state(b"88.118.9/other") == "unsigned"
    with records.view() as view:
        first = view.find(NAME)
        assert view.version(NAME) == 1
    # What a Handle client changes, with or without giving the signature back.
    who = Reference(b"0.NA/88.118.8", 300)
    records.change(NAME, lambda _view, _before: (value(1, data=b"new"),), who)
    assert await state() == "valid"
    records.change(NAME, lambda _view, before: (*before.values, value(2)) if before is not None else (), who)
    assert await state() == "valid"
    secret = HandleValue(index=9, type=b"HS_SECKEY", data=b"x", permissions=0x0C)
    records.change(NAME, lambda _view, before: (*before.values, secret) if before is not None else (), who)
    assert await state() == "valid"
    # The same values are no change.
    records.change(NAME, lambda _view, before: before.values if before is not None else (), who)
    with records.view() as view:
        assert view.version(NAME) == 4
        assert view.find(NAME) != first
    # Records that were prepared before.
    prepared = records.signed(StoredRecord.build(b"88.118.8/Pump-2", (value(1),)))
    records.batch(lambda pending: pending.put(prepared, 0, signed=True), who="test")
    records.batch(lambda pending: pending.put(StoredRecord.build(b"88.118.8/Pump-3", (value(1),)), 0), who="test")
    assert await state(b"88.118.8/Pump-2") == await state(b"88.118.8/Pump-3") == "valid"
    with records.view() as view:
        kept = view.find(b"88.118.8/Pump-2")
        assert kept is not None
        assert kept.data == prepared.data
    records.change(NAME, lambda _view, _before: None, who)
    with records.view() as view:
        assert view.find(NAME) is None
    records.close()
