"""Public keys as people have them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from millwright.identity.handle import sm2
from millwright.identity.handle.keys import decode_public_key, encode_public_key
from millwright.identity.prefixes.public_keys import key_kind, read_public_key
from millwright.kernel import Invalid

RSA = rsa.generate_private_key(65537, 2048)
SM2 = sm2.generate().public_key()
SM2_PEM = (
    "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(sm2.encode_info(SM2)).decode() + "-----END PUBLIC KEY-----\n"
)


def pem(key: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


def ssh(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (pem(RSA), ("RSA", 2048)),
        (pem(RSA, PublicFormat.PKCS1), ("RSA", 2048)),
        (f"  {ssh(RSA)} li@works\n", ("RSA", 2048)),
        (pem(ec.generate_private_key(ec.SECP256R1())), ("P-256", 256)),
        (ssh(ec.generate_private_key(ec.SECP256R1())), ("P-256", 256)),
        (pem(dsa.generate_private_key(2048)), ("DSA", 2048)),
        (SM2_PEM, ("SM2", 256)),
        (SM2.point.hex(), ("SM2", 256)),
        ("04 " + SM2.point.hex(" ", 16).upper() + "\n", ("SM2", 256)),
    ],
    ids=["rsa", "rsa_pkcs1", "rsa_ssh", "p256", "p256_ssh", "dsa", "sm2", "sm2_hex", "sm2_point"],
)
def test_a_key_is_read(text: str, kind: tuple[str, int]) -> None:
    key = read_public_key(text)
    assert key_kind(key) == kind
    assert key_kind(decode_public_key(encode_public_key(key))) == kind


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no public key"),
        ("00" * 64, "no point"),
        ("ssh-rsa AAAA", "no public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key"),
        ("十", "no public key"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "none of RSA"),
        (ssh(ed25519.Ed25519PrivateKey.generate()), "none of RSA"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), "private key"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(), "private key"),
    ],
    ids=["empty", "off_the_curve", "cut", "no_key", "words", "short", "p384", "ed25519", "private", "private_ssh"],
)
def test_what_is_no_key_to_take_is_refused_without_repeating_it(text: str, why: str) -> None:
    with pytest.raises(Invalid) as raised:
        read_public_key(text)
    error = raised.value
    assert (error.code, error.detail["pointer"]) == ("prefixes.key_invalid", "/public_key")
    assert why in error.message
    assert error.detail["why_zh"]
    assert not text or text.strip() not in f"{error.message} {error.hint} {error.detail}"
