"""What is tried with JSON Web Tokens (RFC 8725), and what a provider must say."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from millwright.kernel import Denied
from millwright.parties.oidc.id_token import LOGOUT_EVENT, Expected, UnknownKey, verify, verify_logout

NOW = 1_750_000_000
EXPECTED = Expected("https://idp.example", "millwright", NOW, 60)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
KEYS: list[dict[str, Any]] = [key.as_dict(private=False) for key in (RSA, EC, ED)]
CLAIMS: dict[str, Any] = {
    "iss": "https://idp.example",
    "sub": "u-1",
    "aud": "millwright",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n-1",
}


def made(claims: dict[str, Any] | None = None, key: Any = RSA, alg: str = "RS256", **header: Any) -> str:
    head = {"alg": alg, "kid": key.kid, **header}
    return jwt.encode({k: v for k, v in head.items() if v is not None}, {**CLAIMS, **(claims or {})}, key, [alg])


def check(token: str, keys: list[dict[str, Any]] | None = None, access_token: str = "") -> dict[str, Any]:
    claims: dict[str, Any] = verify(token, keys or KEYS, EXPECTED, nonce="n-1", access_token=access_token)
    return claims


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def wrong(token: str, what: str, **more: Any) -> None:
    with pytest.raises(Denied) as caught:
        check(token, **more)
    assert caught.value.code == "parties.id_token_refused"
    assert caught.value.detail == {"wrong": what}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")])
def test_the_allowed_algorithms_are_accepted(key: Any, alg: str) -> None:
    assert check(made(key=key, alg=alg))["sub"] == "u-1"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "RS1", "PS256"])
def test_no_other_algorithm_is(alg: str) -> None:
    body = f"{part({'alg': alg, 'kid': 'rsa'})}.{part(CLAIMS)}."
    wrong(body, "alg")
    wrong(f"{part({'kid': 'rsa'})}.{part(CLAIMS)}.", "alg")
    wrong(f"{part({'alg': ['RS256'], 'kid': 'rsa'})}.{part(CLAIMS)}.", "alg")


def test_a_public_key_is_no_shared_secret() -> None:
    pem = RSA.as_pem(private=False)
    body = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, body.encode(), hashlib.sha256)).rstrip(b"=").decode()
    wrong(f"{body}.{mac}", "alg")
    # Even where a provider publishes a symmetric key by mistake.
    secret = OctKey.import_key("k" * 32, {"kid": "oct"})
    wrong(jwt.encode({"alg": "HS256", "kid": "oct"}, CLAIMS, secret, ["HS256"]), "alg", keys=[secret.as_dict()])


def test_a_key_of_another_kind_is_not_tried() -> None:
    with pytest.raises(UnknownKey):
        check(made(kid="ec"))
    with pytest.raises(UnknownKey):
        check(made(key=EC, alg="ES256", kid="rsa"))


@pytest.mark.parametrize("kid", ["../../etc/passwd", "rsa' OR '1'='1", "", "nobody", 7, ["rsa"], {"a": 1}])
def test_a_key_is_chosen_by_its_exact_name(kid: Any) -> None:
    body = f"{part({'alg': 'RS256', 'kid': kid})}.{made().split('.', 1)[1]}"
    with pytest.raises(UnknownKey):
        check(body)


def test_a_key_that_the_token_brings_along_is_not_believed() -> None:
    mine = RSAKey.generate_key(2048, {"kid": "rsa"})
    for header in (
        {"jwk": mine.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
    ):
        body = f"{part({'alg': 'RS256', 'kid': 'rsa', **header})}.{part(CLAIMS)}"
        signed = jwt.encode({"alg": "RS256", "kid": "rsa"}, CLAIMS, mine, ["RS256"]).rsplit(".", 1)[1]
        wrong(f"{body}.{signed}", "signature")


def test_without_a_name_the_key_must_be_the_only_one() -> None:
    token = made(kid=None)
    assert check(token)["sub"] == "u-1"
    other = RSAKey.generate_key(2048, {"kid": "other"}).as_dict(private=False)
    with pytest.raises(UnknownKey):
        check(token, [*KEYS, other])


def test_a_key_for_encryption_checks_no_signature() -> None:
    with pytest.raises(UnknownKey):
        check(made(), [{**KEYS[0], "use": "enc"}])
    with pytest.raises(UnknownKey):
        check(made(), [{**KEYS[0], "alg": "PS256"}])


def test_critical_header_fields_are_not_passed_over() -> None:
    body = made().split(".", 1)[1]
    wrong(f"{part({'alg': 'RS256', 'kid': 'rsa', 'crit': ['exp'], 'exp': 1})}.{body}", "header")
    wrong(f"{part({'alg': 'RS256', 'kid': 'rsa', 'b64': False})}.{body}", "header")


def test_a_changed_token_is_refused() -> None:
    head, body, signed = made().split(".")
    wrong(f"{head}.{part({**CLAIMS, 'sub': 'admin'})}.{signed}", "signature")
    wrong(f"{head}.{body}.{signed[:-4]}AAAA", "signature")
    wrong(f"{head}.{body}.", "signature")
    for odd in ("", "a", "a.b", "a.b.c.d", "\0.\0.\0", f"{'A' * 20_000}.b.c"):
        with pytest.raises(Denied):
            check(odd)
    nested = base64.urlsafe_b64encode(b"[" * 5000).decode()
    wrong(f"{nested}.{body}.{signed}", "header")


@pytest.mark.parametrize(
    ("claims", "what"),
    [
        ({"iss": "https://idp.example/"}, "iss"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["another"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["millwright", "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"exp": NOW - 60}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": NOW + 61}, "iat"),
        ({"iat": NOW - 661}, "iat"),
        ({"nbf": NOW + 61}, "nbf"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n-1"]}, "nonce"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"at_hash": "AAAA"}, "at_hash"),
    ],
)
def test_what_a_token_says_must_fit(claims: dict[str, Any], what: str) -> None:
    wrong(made(claims), what, access_token="t-1")


@pytest.mark.parametrize(
    "claims",
    [{"exp": NOW - 59}, {"iat": NOW + 60}, {"nbf": NOW + 60}, {"aud": ["x", "millwright"], "azp": "millwright"}],
)
def test_clocks_may_differ_a_little(claims: dict[str, Any]) -> None:
    assert check(made(claims))


@pytest.mark.parametrize(("key", "alg", "size"), [(RSA, "RS256", 16), (EC, "ES256", 16), (ED, "Ed25519", 32)])
def test_the_access_token_belongs_to_the_id_token(key: Any, alg: str, size: int) -> None:
    digest = (hashlib.sha512 if alg == "Ed25519" else hashlib.sha256)(b"t-1").digest()[:size]
    token = made({"at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}, key, alg)
    assert check(token, access_token="t-1")
    wrong(token, "at_hash", access_token="t-2")


LOGOUT = {"events": {LOGOUT_EVENT: {}}, "jti": "j-1", "nonce": None}


def test_a_logout_token_is_no_id_token_and_the_other_way_round() -> None:
    claims = {k: v for k, v in {**CLAIMS, **LOGOUT}.items() if v is not None}
    token = jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, RSA, ["RS256"])
    assert verify_logout(token, KEYS, EXPECTED)["sub"] == "u-1"
    wrong(token, "nonce")
    for change in ({"events": None}, {"events": {}}, {"events": {LOGOUT_EVENT: "x"}}, {"jti": None}, {"nonce": "n-1"}):
        changed = {k: v for k, v in {**claims, **change}.items() if v is not None}
        with pytest.raises(Denied):
            verify_logout(jwt.encode({"alg": "RS256", "kid": "rsa"}, changed, RSA, ["RS256"]), KEYS, EXPECTED)
