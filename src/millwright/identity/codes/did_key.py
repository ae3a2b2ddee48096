"""``did:key``: a public key in multibase and multicodec (did:key Method Specification, section 3)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from millwright.identity import base64url
from millwright.identity.codes.base58 import decode
from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.model import Certainty
from millwright.identity.codes.tables import by_key

_CURVES: dict[str, tuple[type[ec.EllipticCurve], str]] = {
    "p256-pub": (ec.SECP256R1, "P-256"),
    "p384-pub": (ec.SECP384R1, "P-384"),
    "p521-pub": (ec.SECP521R1, "P-521"),
    "secp256k1-pub": (ec.SECP256K1, "secp256k1"),
}
_OCTET_CURVES = {"ed25519-pub": "Ed25519", "x25519-pub": "X25519"}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as its multicodec holds it: points are compressed (SEC 1, section 2.3.3)."""

    name: str
    octets: bytes
    certainty: Certainty
    notes: tuple[str, ...] = ()

    def jwk(self) -> str:
        """The key as JSON Web Key (RFC 7517, RFC 8037). Raises ``Unsupported``."""
        if self.name in _OCTET_CURVES:
            found = {"kty": "OKP", "crv": _OCTET_CURVES[self.name], "x": base64url.encode(self.octets)}
        elif self.name in _CURVES:
            curve, crv = _CURVES[self.name]
            numbers = ec.EllipticCurvePublicKey.from_encoded_point(curve(), self.octets).public_numbers()
            size = (curve().key_size + 7) // 8
            x, y = (base64url.encode(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y))
            found = {"kty": "EC", "crv": crv, "x": x, "y": y}
        else:
            raise no_such_form("a JWK", f"of {self.name} keys none is known here.")
        return json.dumps(found)


def read_key(text: str, start: int, finish: int) -> Key:
    """The key of ``text[start:finish]``. Raises ``Invalid``."""
    if text[start] != "z":
        raise bad_code(
            text,
            start,
            "the multibase is not z (base58btc)",
            "did:key takes base58btc.",
            why_zh="multibase 前缀应为 z（base58btc）",
        )
    octets = decode(text, start + 1, finish)
    number, size = _varint(octets)
    row = by_key("did", "codec", "code").get(number)
    if row is None:
        raise bad_code(
            text,
            start + 1,
            f"the multicodec 0x{number:x} is no public key known here",
            why_zh=f"未知的公钥 multicodec 0x{number:x}",
        )
    name, key = str(row["name"]), octets[size:]
    if "size" in row and len(key) != row["size"]:
        raise bad_code(
            text, start + 1, f"a key of {name} has {row['size']} octets and this one {len(key)}",
            why_zh=f"{name} 公钥应为 {row['size']} 字节，实为 {len(key)} 字节",
        )  # fmt: skip
    if name in _CURVES:
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[name][0](), key)
        except ValueError:
            raise bad_code(text, start + 1, f"no point of {name}'s curve", why_zh="不是曲线上的点") from None
    notes = () if row["certainty"] == "verified" else (f"The multicodec of {name} is known from use only.",)
    return Key(name, key, row["certainty"], notes)


def _varint(octets: bytes) -> tuple[int, int]:
    """An unsigned varint (multiformats): its value and its size; 0 octets give 0."""
    number = 0
    for index, octet in enumerate(octets[:9]):
        number |= (octet & 0x7F) << 7 * index
        if not octet & 0x80:
            return number, index + 1
    return number, min(len(octets), 9)
