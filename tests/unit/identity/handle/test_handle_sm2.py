"""Keys of SM2: the standard's own example, the form in HS_PUBKEY, and challenges answered by them."""

from __future__ import annotations

import base64
import os

import pytest
from msgspec.structs import replace

from millwright.identity.handle import HandleValue, KeyCredentials, Reference, sm2
from millwright.identity.handle.authentication import answer_by_key, verify_answer
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import SM2, SM3, decode_public_key, encode_public_key, sign, verifies
from millwright.identity.handle.sm2 import Sm2PrivateKey, Sm2PublicKey
from millwright.identity.handle.wire.reader import Reader, write_bytes
from millwright.kernel import Denied

KEY = sm2.generate()
WHO = Reference(b"0.NA/88.118.8", 300)
LATEST = (2, 11)

# GB/T 32918.5-2017, A.2.
SECRET = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
X = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
Y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"


def test_the_example_of_the_standard() -> None:
    key = Sm2PrivateKey(bytes.fromhex(SECRET))
    assert key.public_key() == Sm2PublicKey(bytes.fromhex(X + Y))
    assert sm2.verifies(key.public_key(), b"message digest", bytes.fromhex(R + S))
    assert not sm2.verifies(key.public_key(), b"message digesT", bytes.fromhex(R + S))
    assert not sm2.verifies(key.public_key(), b"message digest", bytes.fromhex(R + S), b"somebody else")
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_signatures_are_of_their_message_user_and_key() -> None:
    signature = sm2.sign(KEY, b"x", b"me")
    assert sm2.verifies(KEY.public_key(), b"x", signature, b"me")
    for message, user, key in ((b"y", b"me", KEY), (b"x", b"you", KEY), (b"x", b"me", sm2.generate())):
        assert not sm2.verifies(key.public_key(), message, signature, user)
    for bad in (b"", b"x", bytes(64), b"\xff" * 64, signature[:-1], b"\x30\x06\x02\x01\x00\x02\x01\x00"):
        assert not sm2.verifies(KEY.public_key(), b"x", bad, b"me")


def test_a_key_has_its_form_in_hs_pubkey() -> None:
    data = encode_public_key(KEY.public_key())
    assert Reader(data).array() == SM2
    assert decode_public_key(data) == KEY.public_key()
    # As id-pointer-sdk writes it: the same as PEM.
    text = base64.encodebytes(sm2.encode_info(KEY.public_key()))
    pem = b"-----BEGIN PUBLIC KEY-----\r\n" + text.replace(b"\n", b"\r\n") + b"-----END PUBLIC KEY-----\r\n"
    assert decode_public_key(write_bytes(SM2) + b"\0\0" + write_bytes(pem)) == KEY.public_key()


def test_keys_that_are_none_are_refused() -> None:
    info = sm2.encode_info(KEY.public_key())
    wrong_curve = info.replace(bytes.fromhex("2a811ccf5501822d"), bytes.fromhex("2a8648ce3d030107"))
    off_curve = info[:-1] + bytes((info[-1] ^ 1,))
    for bad in (b"", info[:-1], info + b"x", wrong_curve, off_curve, b"-----BEGIN PUBLIC KEY-----\nAA\n", bytes(91)):
        with pytest.raises(MessageError):
            decode_public_key(write_bytes(SM2) + b"\0\0" + write_bytes(bad))
    with pytest.raises(MessageError):
        sm2.public_key_of(bytes(64))


def test_a_challenge_is_answered_by_the_holder_of_the_key_only() -> None:
    nonce, digest = os.urandom(16), b"\x03" + os.urandom(32)
    kept = HandleValue(index=300, type=b"HS_PUBKEY", data=encode_public_key(KEY.public_key()))
    answer = answer_by_key(WHO, KEY, nonce, digest, LATEST)
    assert Reader(answer.response).array() == SM3
    assert verify_answer(answer, nonce, digest, LATEST, lambda _: [kept]) == WHO
    assert KeyCredentials(WHO, KEY).answer(nonce, digest, LATEST).kind == b"HS_PUBKEY"
    other = answer_by_key(WHO, sm2.generate(), nonce, digest, LATEST)
    moved = replace(answer, handle=b"0.NA/88.118.9")  # the handle is part of what is signed
    for bad in (other, moved, replace(answer, response=answer.response[:-1])):
        with pytest.raises(Denied):
            verify_answer(bad, nonce, digest, LATEST, lambda _: [kept])
    with pytest.raises(Denied):
        verify_answer(answer, os.urandom(16), digest, LATEST, lambda _: [kept])


def test_sm2_goes_with_sm3_only() -> None:
    signature = sign(KEY, SM3, b"x")
    assert verifies(KEY.public_key(), SM3, signature, b"x")
    for name in (b"SHA256", b"MD5", b"", b"sm3"):
        assert not verifies(KEY.public_key(), name, signature, b"x")
