"""Checks tokens that a provider signed: ID tokens (OpenID Connect Core §3.1.3.7) and logout tokens (Back-Channel Logout
§2.6), by the advice of RFC 8725."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from millwright.kernel import Denied

ALGORITHMS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),  # the name of RFC 9864 for the same
}
"""What a provider may sign with, and the kind of key that goes with it: a public key can never serve as a secret."""

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_LONGEST = 16_384
_OLDEST_S = 600
_HASHES = {"RS256": hashlib.sha256, "ES256": hashlib.sha256, "EdDSA": hashlib.sha512, "Ed25519": hashlib.sha512}


class UnknownKey(Exception):
    """No key of the provider has this name: it may have changed its keys."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. ``now_s`` and ``skew_s`` are seconds."""

    issuer: str
    client_id: str
    now_s: int
    skew_s: int


def verify(token: str, keys: Sequence[dict[str, Any]], expected: Expected, *, nonce: str, access_token: str) -> Any:
    """The claims of an ID token. Raises ``Denied`` (``parties.id_token_refused``), :class:`UnknownKey`."""
    algorithm, claims = _signed(token, keys)
    _check_common(claims, expected)
    if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise refused("nonce")
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise refused("sub")
    if _seconds(claims, "exp") <= expected.now_s - expected.skew_s:
        raise refused("exp")
    if "at_hash" in claims:
        half = _HASHES[algorithm](access_token.encode()).digest()
        wanted = base64.urlsafe_b64encode(half[: len(half) // 2]).rstrip(b"=")
        if not hmac.compare_digest(str(claims["at_hash"]).encode(), wanted):
            raise refused("at_hash")
    return claims


def verify_logout(token: str, keys: Sequence[dict[str, Any]], expected: Expected) -> Any:
    """The claims of a logout token. Raises ``Denied`` (``parties.id_token_refused``), :class:`UnknownKey`."""
    _, claims = _signed(token, keys)
    _check_common(claims, expected)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise refused("events")
    if "nonce" in claims or not isinstance(claims.get("jti"), str):
        raise refused("jti")
    if not isinstance(claims.get("sub"), str):
        raise refused("sub")
    return claims


def refused(what: str) -> Denied:
    """The error for a token that is not believed; ``what`` names the part that is wrong."""
    return Denied(
        "The provider's answer is not what it should be.",
        code="parties.id_token_refused",
        hint="Try again; if it stays so, compare the provider's settings and clocks.",
        detail={"wrong": what},
    )


def _signed(token: str, keys: Sequence[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """The algorithm and the claims of a token whose signature is right."""
    if len(token) > _LONGEST or token.count(".") != 2:
        raise refused("form")
    try:
        head = token.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError) as error:
        raise refused("header") from error
    if not isinstance(header, dict) or "crit" in header or header.get("b64") is False:
        raise refused("header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise refused("alg")
    key = _choose(keys, algorithm, header.get("kid"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # "EdDSA is deprecated": its name is, not what it does
            decoded = jwt.decode(token, key, algorithms=[algorithm], registry=_registry(algorithm))
    except (JoseError, ValueError) as error:
        raise refused("signature") from error
    return algorithm, decoded.claims


def _registry(algorithm: str) -> JWSRegistry:
    # Header fields that are not ours (jku, x5u, …) are not read, so they need not be refused.
    return JWSRegistry(algorithms=[algorithm], strict_check_header=False)


def _choose(keys: Sequence[dict[str, Any]], algorithm: str, kid: object) -> RSAKey | ECKey | OKPKey:
    """The provider's key of this name that fits the algorithm; without a name there must be one only."""
    kind, curve = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise UnknownKey
    public: dict[str, str | list[str]] = {}
    for part in ("kty", "crv", "x", "y", "n", "e"):
        if part in fitting[0]:
            public[part] = str(fitting[0][part])
    try:
        made = import_key(public)
    except (JoseError, ValueError) as error:
        raise refused("key") from error
    assert isinstance(made, RSAKey | ECKey | OKPKey)
    return made


def _check_common(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise refused("iss")
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in several:
        raise refused("aud")
    if claims.get("azp", expected.client_id) != expected.client_id or (len(several) > 1 and "azp" not in claims):
        raise refused("azp")
    issued = _seconds(claims, "iat")
    if not expected.now_s - _OLDEST_S - expected.skew_s <= issued <= expected.now_s + expected.skew_s:
        raise refused("iat")
    if "nbf" in claims and _seconds(claims, "nbf") > expected.now_s + expected.skew_s:
        raise refused("nbf")
    if "exp" in claims and _seconds(claims, "exp") <= expected.now_s - expected.skew_s:
        raise refused("exp")


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(name)
    return float(value)
