"""Signed records between CNRI's Java library and ours: what one signs the other believes, and neither what was changed.

The jars are those of :mod:`support.witnesses`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from millwright.identity.handle import HandleValue, sm2, value_from_json, value_to_json
from millwright.identity.handle.jwk import jwk_of, key_of
from millwright.identity.handle.trust.jws import decode_signature
from millwright.identity.handle.trust.verifying import RecordVerifier
from support.handle import admin_value
from support.trust import ROOT, Authorities, authority_of, certified
from support.witnesses import CNRI, ID_SDK, classpath, drive, write_sm2_key

HANDLE = b"88.118.8/Pump-1"
VALUES = (
    HandleValue(index=1, type=b"URL", data="https://example.com/泵".encode()),
    HandleValue(index=2, type=b"EMAIL", data=b"a@example.com", ttl=600, timestamp_s=1_700_000_000),
    admin_value(),
)
EXPECTED = {
    "valid": "valid", "spelled": "valid", "changed": "refused", "added": "refused", "moved": "refused",
    "ttl": "refused", "cut": "refused", "foreign": "refused", "expired": "refused", "unsigned": "refused",
    "elsewhere": "refused",
}  # fmt: skip


def shown(handle: bytes, values: tuple[HandleValue, ...]) -> dict[str, Any]:
    return {"handle": handle.decode(), "values": [value_to_json(each) for each in values]}


def read(told: dict[str, Any]) -> tuple[bytes, tuple[HandleValue, ...]]:
    return told["handle"].encode(), tuple(value_from_json(each) for each in told["values"])


def cases(authorities: Authorities, now_s: int) -> dict[str, tuple[bytes, tuple[HandleValue, ...]]]:
    good = authorities.signed(HANDLE, VALUES, now_s)
    stranger = certified(authorities.keys[ROOT], ("300:0.NA/88.118.8", "everything"), keys=_rsa, now_s=now_s)
    expired = replace(authorities.signer(), days=1)
    elsewhere = b"88.118.9/x"
    return {
        "valid": (HANDLE, good),
        "spelled": (b"88.118.8/Pump-1", good),
        "changed": (HANDLE, (replace(good[0], data=b"https://evil.example/"), *good[1:])),
        "added": (HANDLE, (*good, HandleValue(index=5, type=b"URL", data=b"https://evil.example/"))),
        "moved": (b"88.118.8/Pump-2", good),
        "ttl": (HANDLE, (replace(good[0], ttl=1), *good[1:])),
        "cut": (HANDLE, (*good[:-1], replace(good[-1], data=good[-1].data[:-40]))),
        "foreign": (HANDLE, stranger.signed(HANDLE, VALUES, now_s)),
        "expired": (HANDLE, (*VALUES, expired.signature(HANDLE, VALUES, now_s - 200_000, 400))),
        "unsigned": (HANDLE, good[:-1]),
        "elsewhere": (elsewhere, authorities.signed(elsewhere, VALUES, now_s)),
    }


def _rsa() -> Any:
    return rsa.generate_private_key(65537, 2048)


async def test_cnri_believes_what_we_sign_and_we_what_it_signs(tmp_path: Path) -> None:
    path = classpath(CNRI)
    now_s = int(time.time())
    above, own = "300:0.NA/88.118", "300:0.NA/88.118.8"
    authorities = certified(
        _rsa(), (above, "derivedPrefixes:0.NA/88.118"), (own, "handlesUnderThisPrefix:0.NA/88.118.8"),
        keys=_rsa, now_s=now_s - 300_000,
    )  # fmt: skip
    root = authorities.keys[ROOT]
    itself = authority_of(ROOT, "everything", ROOT, root, root, now_s=now_s - 300_000)
    certificates = {**authorities.records, b"0.0/0.0": (itself.value,)}
    (tmp_path / "certificates.json").write_text(json.dumps([shown(*each) for each in certificates.items()]))
    (tmp_path / "root.json").write_text(json.dumps(jwk_of(root.public_key())))
    for name, subject in (("root", ROOT), ("above", above), ("own", own)):
        data = authorities.keys[subject].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.der").write_bytes(data)
    tried = cases(authorities, now_s)
    for name, case in tried.items():
        (tmp_path / f"case-{name}.json").write_text(json.dumps(shown(*case)))
    told = await drive(tmp_path, "TrustWitness.java", path, str(tmp_path))
    assert {name: told[name].split(" ")[0] for name in EXPECTED} == EXPECTED
    # We say the same of each of them.
    verifier = RecordVerifier(authorities.roots)
    for name, case in tried.items():
        verdict = await verifier.verdict(*case, authorities.find, now_s)
        assert (verdict.state == "valid") == (EXPECTED[name] == "valid"), (name, verdict)

    listed = json.loads((tmp_path / "cnri-certificates.json").read_text())
    theirs = Authorities(authorities.roots, dict(map(read, listed)), [])
    handle, values = read(json.loads((tmp_path / "cnri.json").read_text()))
    now_s = int(time.time())
    found = await verifier.verdict(handle, values, theirs.find, now_s)
    assert (found.state, found.chain) == ("valid", (own, above, ROOT))
    changed = (replace(values[0], data=b"https://evil.example/"), *values[1:])
    assert (await verifier.verdict(handle, changed, theirs.find, now_s)).state == "broken"
    assert (await verifier.verdict(b"88.118.8/Cnri-2", values, theirs.find, now_s)).state == "broken"


async def test_what_id_sdk_signs_by_sm2_is_believed(tmp_path: Path) -> None:
    path = classpath(ID_SDK)
    while True:
        key = sm2.generate()
        # It leaves out a leading zero of a coordinate where it digests the key.
        if key.public_key().point[0] and key.public_key().point[32]:
            break
    write_sm2_key(tmp_path / "key.der", key)
    arguments = str(tmp_path / "key.der"), str(tmp_path / "key.der.pub")
    told = await drive(tmp_path, "CaictSignatureWitness.java", path, *arguments)
    signed = decode_signature(told["signed"].encode())
    assert (signed.algorithm, signed.claims.sub) == ("SM2SM3", "88.118.8/x")
    assert key_of(json.loads(told["key"])) == key.public_key()
    assert json.loads(told["key"]) == jwk_of(key.public_key())
    assert signed.signed_by(key.public_key())
    assert not replace(signed, payload=signed.payload[:-2] + "AA").signed_by(key.public_key())
    assert not signed.signed_by(sm2.generate().public_key())
