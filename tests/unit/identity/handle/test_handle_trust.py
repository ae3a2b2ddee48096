"""Signed records: what is signed, who may, the chain up to the root, and every way to tamper with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from millwright.identity import base64url
from millwright.identity.handle import HandleValue, Reference, StoredRecord, sm2
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.jwk import fingerprint_of, jwk_of, key_of
from millwright.identity.handle.naming import fold
from millwright.identity.handle.trust.claims import (
    Claims,
    Digests,
    TrustPermission,
    covered,
    digest_of,
    read_reference,
)
from millwright.identity.handle.trust.jws import decode_signature, encode_signature
from millwright.identity.handle.trust.model import Verdict
from millwright.identity.handle.trust.permissions import permits
from millwright.identity.handle.trust.roots import Roots, read_keys, read_private_key, read_roots
from millwright.identity.handle.trust.signing import (
    Signer,
    Signers,
    read_signers,
    signature_claims,
    signed_values,
)
from millwright.identity.handle.trust.verifying import MAX_CHAIN, NotFetched, RecordVerifier
from millwright.kernel import Invalid, Unsupported
from support.trust import NOW_S, Authorities, authority_of, certified

RSA = rsa.generate_private_key(65537, 2048)
DSA = dsa.generate_private_key(2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SM2 = sm2.generate()
KEYS = {"rsa": RSA, "dsa": DSA, "p256": EC, "ed25519": ED, "sm2": SM2}
HANDLE = b"88.118.8/Pump-1"
VALUES = (
    HandleValue(index=1, type=b"URL", data=b"https://example.com/"),
    HandleValue(index=2, type=b"EMAIL", data=b"a@example.com"),
)


async def judged(
    authorities: Authorities, values: Sequence[HandleValue], handle: bytes = HANDLE, now_s: int = NOW_S
) -> Verdict:
    return await RecordVerifier(authorities.roots).verdict(handle, values, authorities.find, now_s)


def tree(**more: Any) -> Authorities:
    """Root, 88.118 and 88.118.8, each certified by the one above."""
    below = "300:0.NA/88.118.8", "handlesUnderThisPrefix:0.NA/88.118.8"
    return certified(EC, ("300:0.NA/88.118", "derivedPrefixes:0.NA/88.118"), below, **more)


# --- what is signed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_signed_claims_say_which_values_they_cover(name: str) -> None:
    key = KEYS[name]
    claims = signature_claims(b"10/1", VALUES, Reference(b"10/2", 300), now_s=100, days=1)
    signed = decode_signature(encode_signature(claims, key))
    assert signed.claims == claims
    for other, each in KEYS.items():
        assert signed.signed_by(each.public_key()) == (other == name)
    assert covered(signed.claims, VALUES) == ({1, 2}, set())
    changed = [VALUES[0], replace(VALUES[1], data=b"changed"), HandleValue(index=3, type=b"", data=b"")]
    assert covered(signed.claims, changed) == ({1}, {2})
    assert signed.claims.valid_at(150)
    assert not signed.claims.valid_at(100 + 86_401)
    assert not signed.claims.valid_at(99)


@pytest.mark.parametrize("name", ["rsa", "p256", "ed25519"])
def test_every_octet_of_a_signature_counts(name: str) -> None:
    key = KEYS[name]
    data = encode_signature(signature_claims(b"10/1", VALUES, Reference(b"10/2", 300), now_s=100), key)
    signature = decode_signature(data).signature
    for place in range(0, len(signature), 7):
        bad = bytearray(signature)
        bad[place] ^= 1
        assert not replace(decode_signature(data), signature=bytes(bad)).signed_by(key.public_key())


def test_an_algorithm_goes_with_its_own_kind_of_key_only() -> None:
    data = encode_signature(Claims(sub="10/1"), RSA)
    _, payload, signature = data.decode().split(".")
    for algorithm in ("none", "HS256", "PS256", "ES256", "EdDSA", "RS1", "DS160", "SM2SM3"):
        header = base64url.encode(json.dumps({"alg": algorithm}).encode())
        forged = decode_signature(f"{header}.{payload}.{signature}".encode())
        assert not any(forged.signed_by(each.public_key()) for each in KEYS.values())
    critical = base64url.encode(b'{"alg":"RS256","crit":["b64"],"b64":false}')
    with pytest.raises(MessageError):
        decode_signature(f"{critical}.{payload}.{signature}".encode())
    with pytest.raises(Unsupported):
        encode_signature(Claims(), ec.generate_private_key(ec.SECP384R1()))


def test_the_json_serialization_is_taken_too() -> None:
    header, payload, signature = encode_signature(Claims(sub="10/1"), EC).decode().split(".")
    whole = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
    assert decode_signature(json.dumps(whole).encode()).signed_by(EC.public_key())


def test_a_digest_leaves_out_index_and_timestamp_and_nothing_else() -> None:
    value = HandleValue(index=1, type=b"URL", data=b"x", timestamp_s=5)
    assert digest_of(value).digest == digest_of(replace(value, index=2, timestamp_s=9)).digest
    others = [
        replace(value, type=b"URI"), replace(value, data=b"y"), replace(value, ttl=1), replace(value, ttl_type=1),
        replace(value, permissions=2), replace(value, references=(Reference(b"10/1", 1),)),
    ]  # fmt: skip
    assert len({digest_of(each).digest for each in (value, *others)}) == 7
    for weak in ("MD5", "SHA-1", "CRC"):
        with pytest.raises(MessageError):
            digest_of(value, weak)


def test_the_digest_of_a_value_is_known() -> None:
    # TTL type and seconds, permissions, type, data, no references: as they stand in messages.
    data = bytes.fromhex("00000151800e00000003") + b"URL" + bytes.fromhex("00000001") + b"x" + bytes(4)
    import hashlib

    expected = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert digest_of(HandleValue(index=7, type=b"URL", data=b"x")).digest == expected


@pytest.mark.parametrize(
    "data",
    [
        b"", b"a.b", b"a.b.c", b"{}", b"[]", b"\xff", b"e30.e30.e30", b'{"payload":1,"signatures":[]}',
        b'{"payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"W10.e30.AA", b"x" * 300_000,
        b"eyJhbGciOiJSUzI1NiJ9.e30.", base64url.encode(b'{"alg":"RS256"}').encode() + b".bnVsbA.AA",
        base64url.encode(b'{"alg":"RS256"}').encode() + b"." + base64url.encode(b'{"exp":-1}').encode() + b".AA",
    ],
)  # fmt: skip
def test_broken_claims_are_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_signature(data)


def test_claims_without_digests_are_no_signature_of_a_record() -> None:
    with pytest.raises(MessageError):
        covered(Claims(sub="10/1"), [])
    assert covered(Claims(digests=Digests("SHA-256", ())), VALUES) == (set(), set())


def test_references_are_read() -> None:
    assert read_reference("300:0.NA/88") == Reference(b"0.NA/88", 300)
    assert read_reference("0.NA/88") == Reference(b"0.NA/88", 0)
    assert read_reference("a:b/c") == Reference(b"a:b/c", 0)
    for bad in ("", "1:", "99999999999:x/y", "4294967296:x/y"):
        with pytest.raises(MessageError):
            read_reference(bad)


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_a_key_survives_being_a_json_web_key(name: str) -> None:
    key = KEYS[name].public_key()
    assert fingerprint_of(key_of(json.loads(json.dumps(jwk_of(key))))) == fingerprint_of(key)


def test_sm2_keys_are_read_in_both_forms() -> None:
    key = SM2.public_key()
    other = {"kty": "SM2", "d": base64url.encode(sm2.encode_info(key))}
    assert key_of(other) == key_of(jwk_of(key)) == key
    # Java's numbers may have an octet for the sign.
    signed = jwk_of(key) | {"x": base64url.encode(b"\0" + key.point[:32])}
    assert key_of(signed) == key


def test_weak_strange_and_expensive_keys_are_refused() -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    jwk = jwk_of(RSA.public_key())
    bad: list[Any] = [
        None, [], {}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-521"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}, jwk_of(weak),
        jwk | {"e": base64url.encode(b"\xff" * 64)}, jwk | {"n": base64url.encode(b"\xff" * 2000)},
        jwk | {"n": 5}, {"kty": "SM2", "x": "AA", "y": "AA"}, {"kty": "SM2", "d": "AA"}, {"kty": "SM2"},
    ]  # fmt: skip
    for each in bad:
        with pytest.raises(MessageError):
            key_of(each)


def test_roots_are_read_from_pem_and_from_sets(tmp_path: Path) -> None:
    def pem(key: Any) -> str:
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    national = (
        b"-----BEGIN PUBLIC KEY-----\n%b\n-----END PUBLIC KEY-----\n"
        % base64.encodebytes(sm2.encode_info(SM2.public_key())).strip()
    )
    text = "# ours\n" + pem(RSA.public_key()) + pem(EC.public_key()) + national.decode()
    assert [type(each) for each in read_keys(text)] == [type(k.public_key()) for k in (RSA, EC, SM2)]
    file = tmp_path / "roots.json"
    for whole in (jwk_of(EC.public_key()), [jwk_of(EC.public_key())], {"keys": [jwk_of(EC.public_key())]}):
        file.write_text(json.dumps(whole))
        assert len(read_roots(str(file))) == 1
    for wrong in ("", "{", "[]", "{}", '{"keys":5}', pem(ec.generate_private_key(ec.SECP384R1()).public_key())):
        file.write_text(wrong)
        with pytest.raises(Invalid) as error:
            read_roots(str(file))
        assert error.value.code == "handle.trust_roots"
    with pytest.raises(Invalid):
        read_roots(str(tmp_path / "none"))


def test_signing_keys_are_read_and_never_repeated(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for key in (RSA, DSA, EC, ED):
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        assert fingerprint_of(read_private_key(str(file)).public_key()) == fingerprint_of(key.public_key())
    file.write_text(f"sm2:{SM2.secret.hex()}\n")
    assert read_private_key(str(file)) == SM2
    assert not len(read_signers([], 0))
    signers = read_signers([f" 300:0.NA/88.118.8 =  {file} "], 5)
    signer = signers.find(b"88.118.8/x")
    assert signer is not None
    assert (signer.key, signer.days, str(signer.issuer)) == (SM2, 5, "300:0.NA/88.118.8")
    for wrong in ("", "sm2:12", "secret-passphrase"):
        file.write_text(wrong)
        with pytest.raises(Invalid) as error:
            read_private_key(str(file))
        assert "passphrase" not in str(error.value.detail) + error.value.message
    for bad in ("", "300:0.NA/88", "0.NA/88 = x", "300:88/1 = x", f"300:0.NA/88 = {tmp_path / 'none'}"):
        with pytest.raises(Invalid):
            read_signers([bad], 0)


# --- who may ---------------------------------------------------------------------------------------------------------

PREFIX = "0.NA/88.118"


@pytest.mark.parametrize(
    ("perm", "handle", "may"),
    [
        (("everything", None), b"1/x", True),
        (("everything", "0.NA/2"), b"1/x", True),
        (("thisHandle", "88.118/a"), b"88.118/A", True),
        (("thisHandle", "88.118/a"), b"88.118/ab", False),
        (("thisHandle", PREFIX), b"0.na/88.118", True),
        (("thisHandle", PREFIX), b"88.118/a", True),
        (("thisHandle", PREFIX), b"88.118.8/a", False),
        (("handlesUnderThisPrefix", PREFIX), b"88.118/a", True),
        (("handlesUnderThisPrefix", PREFIX), b"88.118.8/a", False),
        (("handlesUnderThisPrefix", PREFIX), b"88.1189/a", False),
        (("handlesUnderThisPrefix", PREFIX), b"0.NA/88.118", False),
        (("handlesUnderThisPrefix", "88.118"), b"88.118/a", False),
        (("derivedPrefixes", PREFIX), b"88.118.8/a", True),
        (("derivedPrefixes", PREFIX), b"88.118.8.1/a", True),
        (("derivedPrefixes", PREFIX), b"0.NA/88.118.8", True),
        (("derivedPrefixes", PREFIX), b"88.118/a", False),
        (("derivedPrefixes", PREFIX), b"0.NA/88.118", False),
        (("derivedPrefixes", PREFIX), b"88.1189/a", False),
        (("derivedPrefixes", "88.118"), b"88.118.8/a", False),
        (("derivedPrefixes", None), b"88.118.8/a", False),
        (("thisHandle", ""), b"", False),
        (("Everything", None), b"1/x", False),
        (("", "1/x"), b"1/x", False),
        ((None, "1/x"), b"1/x", False),
    ],
)
def test_the_table_of_permissions(perm: tuple[str | None, str | None], handle: bytes, may: bool) -> None:
    assert permits([TrustPermission(perm[1], perm[0])], handle) is may
    assert permits([TrustPermission("9/9", "thisHandle"), TrustPermission(perm[1], perm[0])], handle) is may


def test_nothing_permits_nothing() -> None:
    assert not permits([], b"1/x")


# --- the chain -------------------------------------------------------------------------------------------------------


async def test_a_record_is_valid_up_to_the_root() -> None:
    authorities = tree()
    values = authorities.signed(HANDLE, VALUES)
    verdict = await judged(authorities, values)
    assert verdict.state == "valid"
    assert verdict.signer == "300:0.NA/88.118.8"
    assert verdict.chain == ("300:0.NA/88.118.8", "300:0.NA/88.118", "300:0.0/0.0")
    assert verdict.until_s == min(each.ends_s for each in authorities.certificates)
    # The handle is the same in capitals; a value that is not public is not looked at.
    secret = HandleValue(index=9, type=b"HS_SECKEY", data=b"x", permissions=0x0C)
    assert (await judged(authorities, (*values, secret), fold(HANDLE))).state == "valid"
    assert (await judged(authorities, VALUES)).reason == "no_signature"


@pytest.mark.parametrize("name", KEYS)
async def test_every_kind_of_key_makes_a_chain(name: str) -> None:
    authorities = certified(KEYS[name], ("300:0.NA/88.118.8", "everything"), keys=lambda: KEYS[name])
    assert (await judged(authorities, authorities.signed(HANDLE, VALUES))).state == "valid"


async def test_most_records_cost_one_verification() -> None:
    authorities = tree()
    verifier = RecordVerifier(authorities.roots)
    for number in range(5):
        handle = b"88.118.8/%d" % number
        verdict = await verifier.verdict(handle, authorities.signed(handle, VALUES), authorities.find, NOW_S)
        assert verdict.state == "valid"
    # Each record, and once the two certificates.
    assert verifier.verified == 5 + 2


TAMPERINGS: dict[str, tuple[Any, str, str]] = {
    "a value is changed": (lambda v: (replace(v[0], data=b"evil"), *v[1:]), "broken", "changed"),
    "all are changed": (lambda v: (replace(v[0], data=b"a"), replace(v[1], data=b"b"), v[2]), "broken", "changed"),
    "a time to live is changed": (lambda v: (replace(v[0], ttl=1), *v[1:]), "broken", "changed"),
    "a value is added": (lambda v: (*v, HandleValue(index=5, type=b"URL", data=b"evil")), "broken", "uncovered"),
    "two indexes are exchanged": (
        lambda v: (replace(v[0], index=2), replace(v[1], index=1), v[2]), "broken", "changed",
    ),
    "the signature is cut": (lambda v: (*v[:2], replace(v[2], data=v[2].data[:-40])), "broken", "wrong_signature"),
    "the signature is no JWS": (lambda v: (*v[:2], replace(v[2], data=b"x")), "broken", "malformed"),
    "the signature is gone": (lambda v: v[:2], "unsigned", "no_signature"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_every_tampering_is_seen(name: str) -> None:
    tamper, state, reason = TAMPERINGS[name]
    authorities = tree()
    verdict = await judged(authorities, tamper(authorities.signed(HANDLE, VALUES)))
    assert (verdict.state, verdict.reason) == (state, reason)


async def test_the_signature_of_one_handle_is_none_of_another() -> None:
    authorities = tree()
    verdict = await judged(authorities, authorities.signed(HANDLE, VALUES), b"88.118.8/Pump-2")
    assert (verdict.state, verdict.reason) == ("broken", "other_handle")


async def test_payloads_that_are_rewritten_are_seen() -> None:
    authorities = tree()
    values = authorities.signed(HANDLE, (replace(VALUES[0], data=b"evil"), VALUES[1]))
    header, _, signature = authorities.signed(HANDLE, VALUES)[2].data.split(b".")
    payload = values[2].data.split(b".")[1]
    forged = (*values[:2], replace(values[2], data=b".".join((header, payload, signature))))
    assert (await judged(authorities, forged)).reason == "wrong_signature"


async def test_times_are_kept() -> None:
    authorities = tree()
    values = signed_values(HANDLE, VALUES, (), replace(authorities.signer(), days=1), NOW_S)
    assert (await judged(authorities, values, now_s=NOW_S + 86_400)).state == "valid"
    for now_s, reason in ((NOW_S + 86_401, "expired"), (NOW_S - 1, "not_yet")):
        verdict = await judged(authorities, values, now_s=now_s)
        assert (verdict.state, verdict.reason) == ("untrusted", reason)
    ends_s = max(each.ends_s for each in authorities.certificates)
    old = signed_values(HANDLE, VALUES, (), authorities.signer(), NOW_S)
    assert (await judged(authorities, old, now_s=ends_s + 1)).reason == "expired"


async def test_who_may_not_sign_for_a_handle_is_not_trusted() -> None:
    authorities = tree()
    for handle, reason in ((b"88.119.8/x", "not_permitted"), (b"0.NA/88.118.8", "not_permitted")):
        verdict = await judged(authorities, authorities.signed(handle, VALUES), handle)
        assert (verdict.state, verdict.reason) == ("untrusted", reason)
    # Everybody on the way must be permitted, not only the one who signs.
    narrow = certified(EC, ("300:0.NA/88.118", "derivedPrefixes:0.NA/88.118"), ("300:0.NA/88.118.8", "everything"))
    assert (await judged(narrow, narrow.signed(b"9/x", VALUES), b"9/x")).reason == "not_permitted"


async def test_another_root_is_not_trusted() -> None:
    authorities = tree()
    stranger = Authorities(Roots([ED.public_key()]), authorities.records, authorities.certificates)
    verdict = await judged(stranger, authorities.signed(HANDLE, VALUES))
    assert (verdict.state, verdict.reason) == ("untrusted", "no_root")
    # Somebody who vouches for himself is none either, nor is a key of the root's under another name.
    self_made = certified(EC, ("300:0.NA/6", "everything"))
    own = authority_of(
        "300:0.NA/6", "everything", "300:0.NA/6", self_made.keys["300:0.NA/6"], self_made.keys["300:0.NA/6"]
    )
    self_made.records[b"0.NA/6"] = (own.value,)
    assert (await judged(self_made, self_made.signed(b"6/x", VALUES), b"6/x")).reason == "no_root"


async def test_certificates_that_are_missing_forged_or_of_others_are_seen() -> None:
    authorities = tree()
    values = authorities.signed(HANDLE, VALUES)
    own, above = b"0.NA/88.118.8", b"0.NA/88.118"
    records = dict(authorities.records)

    async def with_records(more: dict[bytes, Any]) -> Verdict:
        return await judged(Authorities(authorities.roots, records | more, authorities.certificates), values)

    assert (await with_records({own: ()})).reason == "no_certificate"
    assert (await with_records({above: ()})).reason == "no_certificate"
    assert (await with_records({own: (replace(records[own][0], data=b"x.y.z"),)})).reason == "no_certificate"
    assert (await with_records({own: (replace(records[own][0], permissions=0x0C),)})).reason == "no_certificate"
    evil = ec.generate_private_key(ec.SECP256R1())
    # A certificate for another key: the signature is not by it.
    other = authority_of(
        "300:0.NA/88.118.8", "everything", "300:0.NA/88.118", evil, authorities.keys["300:0.NA/88.118"]
    )
    assert (await with_records({own: (other.value,)})).reason == "wrong_signature"
    # Beside the right one it does no harm: keys are replaced in this way.
    assert (await with_records({own: (other.value, replace(records[own][0], index=401))})).state == "valid"
    # One that the issuer has not signed.
    forged = authority_of(
        "300:0.NA/88.118.8", "everything", "300:0.NA/88.118", authorities.keys["300:0.NA/88.118.8"], evil
    )
    verdict = await with_records({own: (forged.value,)})
    assert (verdict.state, verdict.reason) == ("broken", "forged_certificate")


async def test_nobody_who_answers_is_another_matter_than_no_certificate() -> None:
    authorities = tree()

    async def silent(_: bytes) -> None:
        raise NotFetched

    verdict = await RecordVerifier(authorities.roots).verdict(HANDLE, authorities.signed(HANDLE, VALUES), silent, NOW_S)
    assert (verdict.state, verdict.reason, verdict.lasting) == ("untrusted", "unreachable", False)


async def test_circles_and_long_chains_end() -> None:
    pair = certified(EC, ("300:0.NA/1", "everything"))
    key = pair.keys["300:0.NA/1"]
    pair.records[b"0.NA/1"] = (authority_of("300:0.NA/1", "everything", "300:0.NA/2", key, key).value,)
    pair.records[b"0.NA/2"] = (authority_of("300:0.NA/2", "everything", "300:0.NA/1", key, key).value,)
    assert (await judged(pair, pair.signed(b"1/x", VALUES), b"1/x")).reason == "loop"
    long = certified(EC, *((f"300:0.NA/{number}", "everything") for number in range(1, MAX_CHAIN + 1)))
    handle = b"%d/x" % MAX_CHAIN
    found = await judged(long, long.signed(handle, VALUES), handle)
    assert found.reason == "too_long"
    assert len(long.asked) <= MAX_CHAIN
    fitting = certified(EC, *((f"300:0.NA/{number}", "everything") for number in range(1, MAX_CHAIN)))
    handle = b"%d/x" % (MAX_CHAIN - 1)
    assert (await judged(fitting, fitting.signed(handle, VALUES), handle)).state == "valid"


async def test_a_chain_that_is_named_is_followed() -> None:
    authorities = tree()
    elsewhere = dict(authorities.records)
    elsewhere[b"77/certs"] = (replace(elsewhere.pop(b"0.NA/88.118.8")[0], index=7), elsewhere.pop(b"0.NA/88.118")[0])
    moved = Authorities(authorities.roots, elsewhere, authorities.certificates, authorities.keys)
    signer = replace(authorities.signer(), chain=("7:77/certs", "400:77/certs", "400:0.0/0.0"))
    values = signed_values(HANDLE, VALUES, (), signer, NOW_S)
    assert (await judged(moved, values)).state == "valid"
    wrong = signed_values(HANDLE, VALUES, (), replace(signer, chain=("8:77/certs",)), NOW_S)
    assert (await judged(moved, wrong)).reason == "no_certificate"


async def test_several_signatures_count_together_and_a_foreign_one_does_no_harm() -> None:
    authorities = tree()
    first = authorities.signer().signature(HANDLE, VALUES[:1], NOW_S, 400)
    second = authorities.signer().signature(HANDLE, VALUES[1:], NOW_S, 401)
    assert (await judged(authorities, (*VALUES, first))).reason == "uncovered"
    assert (await judged(authorities, (*VALUES, first, second))).state == "valid"
    stranger = Signer(issuer=Reference(b"0.NA/5", 300), key=ED)
    foreign = stranger.signature(HANDLE, VALUES, NOW_S, 402)
    assert (await judged(authorities, (*VALUES, foreign, first, second))).state == "valid"
    assert (await judged(authorities, (*VALUES, foreign))).reason == "no_certificate"
    flood = tuple(stranger.signature(HANDLE, VALUES, NOW_S, 500 + number) for number in range(50))
    verdict = await judged(authorities, (*VALUES, *flood))
    assert verdict.state == "untrusted"


async def test_a_signature_over_nothing_covers_nothing() -> None:
    authorities = tree()
    empty = authorities.signer().signature(HANDLE, (), NOW_S, 400)
    assert (await judged(authorities, (*VALUES, empty))).state == "broken"
    assert (await judged(authorities, (empty,))).state == "valid"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
async def test_a_mutated_signature_is_never_believed(data: st.DataObject) -> None:
    authorities = FUZZED
    values = FUZZED_VALUES
    original = values[2].data
    kind = data.draw(st.sampled_from(["octets", "text", "claims"]))
    if kind == "octets":
        mutated = bytearray(original)
        for _ in range(data.draw(st.integers(1, 4))):
            mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
        changed = bytes(mutated)
    elif kind == "text":
        changed = data.draw(st.binary(max_size=400))
    else:
        header, payload, signature = original.split(b".")
        told = msgspec.json.decode(base64url.decode(payload.decode()))
        name = data.draw(st.sampled_from([*told, "exp", "chain", "perms", "publicKey"]))
        told[name] = data.draw(
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(max_size=30),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
                max_leaves=8,
            )
        )
        changed = b".".join((header, base64url.encode(msgspec.json.encode(told)).encode(), signature))
    verdict = await judged(authorities, (*values[:2], replace(values[2], data=changed)))
    same = _same_signature(changed, original)
    assert verdict.state == "valid" if same else verdict.state in ("broken", "untrusted")


def _same_signature(left: bytes, right: bytes) -> bool:
    """Whether two serializations are one signature: the last character of Base64 has bits that nobody reads."""
    try:
        one, other = decode_signature(left), decode_signature(right)
    except MessageError:
        return False
    return (one.header, one.payload, one.signature) == (other.header, other.payload, other.signature)


FUZZED = tree()
FUZZED_VALUES = FUZZED.signed(HANDLE, VALUES)


# --- signing what is registered --------------------------------------------------------------------------------------


def test_what_did_not_change_is_not_signed_again() -> None:
    signer = Signer(issuer=Reference(b"0.NA/88.118.8", 300), key=EC, days=10)
    first = signed_values(HANDLE, VALUES, (), signer, NOW_S)
    assert [each.index for each in first] == [1, 2, 400]
    assert signed_values(HANDLE, first, first, signer, NOW_S + 5) == first
    # Also when who changed it did not give the signature back.
    assert signed_values(HANDLE, VALUES, first, signer, NOW_S + 5) == first
    late = signed_values(HANDLE, first, first, signer, NOW_S + 6 * 86_400)
    assert late[2] != first[2]
    changed = signed_values(HANDLE, (replace(first[0], data=b"new"), *first[1:]), first, signer, NOW_S + 5)
    assert changed[2] != first[2]
    assert [each.index for each in changed] == [1, 2, 400]
    fewer = signed_values(HANDLE, (first[0], first[2]), first, signer, NOW_S + 5)
    assert covered(decode_signature(fewer[1].data).claims, VALUES) == ({1}, set())
    # By a new key of the same name everything is signed anew.
    replaced = replace(signer, key=ec.generate_private_key(ec.SECP256R1()))
    assert signed_values(HANDLE, first, first, replaced, NOW_S + 5)[2] != first[2]


def test_signatures_of_others_stay_unless_they_are_contradicted() -> None:
    signer = Signer(issuer=Reference(b"0.NA/88.118.8", 300), key=EC)
    other = Signer(issuer=Reference(b"0.NA/5", 300), key=ED).signature(HANDLE, VALUES, NOW_S, 400)
    kept = signed_values(HANDLE, (*VALUES, other), (), signer, NOW_S)
    assert [each.index for each in kept] == [1, 2, 400, 401]
    changed = (replace(VALUES[0], data=b"new"), VALUES[1], other)
    assert [each.index for each in signed_values(HANDLE, changed, kept, signer, NOW_S)] == [1, 2, 400]
    garbage = HandleValue(index=450, type=b"HS_SIGNATURE", data=b"?")
    assert garbage not in signed_values(HANDLE, (*VALUES, garbage), (), signer, NOW_S)


def test_only_handles_of_the_prefix_are_signed() -> None:
    signers = Signers([Signer(issuer=Reference(b"0.NA/88.118.a", 300), key=EC)])
    assert signers.find(b"88.118.A/x") is not None
    for other in (b"88.118/x", b"88.118.a.1/x", b"0.NA/88.118.a", b"GS1/01/09506000134352"):
        assert signers.find(other) is None
    record = StoredRecord.build(b"88.118.a/x", VALUES)
    signed = signers.signed(record, NOW_S)
    assert [each.index for each in signed.values] == [1, 2, 400]
    assert signers.signed(signed, NOW_S) is signed
    elsewhere = StoredRecord.build(b"88/x", VALUES)
    assert signers.signed(elsewhere, NOW_S) is elsewhere
