"""Values and their typed data: there and back again, as bytes and as JSON."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.json_form import data_from_json, data_to_json, value_from_json, value_to_json
from millwright.identity.handle.keys import DhPublicKey, decode_public_key, encode_public_key, sign, verifies
from millwright.identity.handle.model import (
    HandleValue,
    Reference,
    decode_value,
    encode_value,
    skip_value,
    type_matcher,
)
from millwright.identity.handle.records import StoredRecord
from millwright.identity.handle.site import Interface, Server, Site, decode_site, encode_site, hash_of
from millwright.identity.handle.special import (
    Admin,
    Namespace,
    decode_admin,
    decode_namespace,
    decode_references,
    encode_admin,
    encode_namespace,
    encode_references,
    hashed_secret,
)

RSA = rsa.generate_private_key(65537, 2048)
DSA = dsa.generate_private_key(2048)
EC = ec.generate_private_key(ec.SECP256R1())

words = st.binary(max_size=60)
references = st.builds(Reference, handle=words, index=st.integers(0, 0xFFFFFFFF))
values = st.builds(
    HandleValue,
    index=st.integers(0, 0xFFFFFFFF),
    type=words,
    data=st.binary(max_size=300),
    permissions=st.integers(0, 15),
    ttl_type=st.integers(0, 1),
    ttl=st.integers(0, 0xFFFFFFFF),
    timestamp_s=st.integers(0, 0xFFFFFFFF),
    references=st.lists(references, max_size=3).map(tuple),
)
addresses = st.one_of(st.ip_addresses(v=4), st.integers(1 << 100, (1 << 128) - 1).map(IPv6Address))
servers = st.builds(
    Server,
    id=st.integers(0, 0xFFFFFFFF),
    address=addresses,
    public_key=words,
    interfaces=st.lists(
        st.builds(
            Interface, service=st.integers(0, 3), transport=st.integers(0, 3), port=st.integers(0, 65535)
        ),
        max_size=3,
    ).map(tuple),
)  # fmt: skip
sites = st.builds(
    Site,
    servers=st.lists(servers, max_size=3).map(tuple),
    protocol_version=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    serial=st.integers(0, 65535),
    primary=st.booleans(),
    multi_primary=st.booleans(),
    hash_option=st.integers(0, 2),
    hash_filter=words,
    attributes=st.lists(st.tuples(words, words), max_size=3).map(tuple),
)


@given(values)
def test_a_value_survives_encoding(value: HandleValue) -> None:
    encoded = encode_value(value)
    assert decode_value(encoded) == value
    assert skip_value(b"xx" + encoded + b"yy", 2) == 2 + len(encoded)


@given(values, st.data())
def test_a_shortened_value_is_refused(value: HandleValue, data: Any) -> None:
    encoded = encode_value(value)
    with pytest.raises(MessageError):
        decode_value(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


def test_a_value_has_the_form_of_the_standard() -> None:
    # RFC 3651, 3.1 and RFC 3652, 2.1.4, by hand.
    value = HandleValue(index=1, type=b"URL", data=b"a", timestamp_s=2, ttl=3, references=(Reference(b"h", 4),))
    assert encode_value(value).hex() == (
        "00000001" "00000002" "00" "00000003" "0e" "00000003" "55524c"
        "00000001" "61" "00000001" "00000001" "68" "00000004"
    )  # fmt: skip


@given(sites)
def test_a_site_survives_encoding(site: Site) -> None:
    assert decode_site(encode_site(site)) == site


@given(references, st.integers(0, 0x0FFF), st.booleans())
def test_an_administrator_survives_encoding(who: Reference, permissions: int, legacy: bool) -> None:
    admin = Admin(who, permissions, legacy)
    assert decode_admin(encode_admin(admin)) == admin


@given(st.lists(references, max_size=10).map(tuple))
def test_a_list_of_values_survives_encoding(listed: tuple[Reference, ...]) -> None:
    assert decode_references(encode_references(listed)) == listed


@pytest.mark.parametrize("key", [RSA, DSA, EC])
def test_a_public_key_survives_encoding_and_verifies(key: Any) -> None:
    public = decode_public_key(encode_public_key(key.public_key()))
    for name in (b"SHA1", b"SHA256", b"\x03"):
        assert verifies(public, name, sign(key, name, b"data"), b"data")
        assert not verifies(public, name, sign(key, name, b"data"), b"other")
    assert not verifies(public, b"SHA3", b"", b"data")


def test_a_key_for_sessions_survives_encoding() -> None:
    key = DhPublicKey(y=5, p=1 << 1023 | 1, g=2)
    assert decode_public_key(encode_public_key(key)) == key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00\x00\x0bRSA_PUB_KEY",
        encode_public_key(RSA.public_key())[:-1],
        encode_public_key(EC.public_key()) * 2,
    ],
)
def test_a_broken_key_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_public_key(data)


def test_a_namespace_survives_encoding_and_may_not_declare_entities() -> None:
    namespace = Namespace(status="inactive", contact="a@example.com", locations=("10/1",), template_delimiter="@")
    assert decode_namespace(encode_namespace(namespace)) == namespace
    for bad in (b"<", b'<!DOCTYPE x [<!ENTITY a "b">]><namespace>&a;</namespace>', b"\xff"):
        with pytest.raises(MessageError):
            decode_namespace(bad)


def test_a_hashed_secret_is_that_of_handle_net() -> None:
    assert hashed_secret(b"abc") == b"a9993e364706816aba3e25717850c26c9cd0d89d"


def test_types_match_without_case_and_below_a_dot() -> None:
    assert type_matcher((b"HS_SITE.", b"URL"))(b"hs_site.6")
    assert type_matcher((b"hs_site.",))(b"HS_SITE")
    assert not type_matcher((b"HS_SITE",))(b"HS_SITE.6")
    assert not type_matcher((b"HS_SITE.",))(b"HS_SITES")


def test_what_is_asked_is_looked_through_once() -> None:
    class Counted(bytes):
        seen = 0

        def upper(self) -> bytes:
            Counted.seen += 1
            return super().upper()

    record = StoredRecord.build(b"10/1", [HandleValue(index=each + 1, type=b"URL", data=b"") for each in range(50)])
    assert record.select((), tuple(Counted(b"type.%d." % each) for each in range(50))) == []
    assert Counted.seen == 50


def test_handles_are_spread_over_servers_without_regard_to_case() -> None:
    for option in (0, 1, 2):
        assert hash_of(b"10.A/b", option) == hash_of(b"10.a/B", option)
    assert hash_of(b"10.A/b", 0) == hash_of(b"10.A/c", 0) != hash_of(b"10.A/b", 1)


# --- JSON --------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@settings(max_examples=60)
@given(texts.map(str.encode), st.binary(max_size=40), st.integers(0, 15), st.integers(0, 1), st.integers(0, 1 << 31))
def test_a_value_survives_json(kind: bytes, data: bytes, permissions: int, ttl_type: int, ttl: int) -> None:
    value = HandleValue(
        index=7, type=kind, data=data, permissions=permissions, ttl_type=ttl_type, ttl=ttl, timestamp_s=1000,
        references=(Reference(b"10/1", 2),),
    )  # fmt: skip
    assert value_from_json(value_to_json(value)) == value


def test_typed_data_is_shown_as_the_rest_api_does() -> None:
    admin = encode_admin(Admin(Reference(b"0.NA/10", 300), 0b000011110010))
    assert data_to_json(b"HS_ADMIN", admin) == {
        "format": "admin",
        "value": {"handle": "0.NA/10", "index": 300, "permissions": "000011110010"},
    }
    site = encode_site(
        Site(
            servers=(Server(1, IPv4Address("10.0.0.1"), encode_public_key(RSA.public_key()), (Interface(3, 1, 2641),)),)
        )
    )
    shown = data_to_json(b"HS_SITE", site)
    assert shown["format"] == "site"
    assert shown["value"]["servers"][0]["interfaces"] == [
        {"query": True, "admin": True, "protocol": "TCP", "port": 2641}
    ]
    for kind, data in (
        (b"HS_ADMIN", admin),
        (b"HS_SITE", site),
        (b"HS_VLIST", encode_references((Reference(b"10/1", 1),))),
        (b"HS_PUBKEY", encode_public_key(RSA.public_key())),
        (b"HS_PUBKEY", encode_public_key(DSA.public_key())),
    ):
        form = data_to_json(kind, data)
        assert form["format"] not in ("string", "base64")
        assert data_from_json(form) == data
    assert data_to_json(b"HS_ADMIN", b"\x00")["format"] == "base64"
    assert data_from_json({"format": "hex", "value": "00ff"}) == b"\x00\xff"
    assert data_from_json("plain") == b"plain"


def nested(member: str = "") -> Any:
    found: Any = "x"
    for _ in range(100_000):
        found = {"format": "string", member: found} if member else [found]
    return found


@pytest.mark.parametrize(
    "shown",
    [{}, [], None, {"index": 0, "type": "URL"}, {"index": 1, "type": "URL", "data": {"format": "x", "value": 1}},
     {"index": 1, "type": "URL", "permissions": "12"}, {"index": 1, "type": "URL", "ttl": "never"},
     {"index": 1, "type": "HS_ADMIN", "data": {"format": "admin", "value": {}}},
     {"index": 1, "type": "x", "data": {"format": "key", "value": {"kty": "RSA", "n": "AA", "e": "AA"}}},
     {"index": 1, "type": "x", "data": {"format": "site", "value": {"servers": [{"address": "x"}]}}},
     {"index": True, "type": "URL"}, {"index": 1, "type": None}, {"index": 1, "type": nested()},
     {"index": 1, "type": "URL", "data": "\ud800"}, {"index": 1, "type": "URL", "data": nested("value")},
     {"index": 1, "type": "URL", "permissions": nested()},
     *({"index": 1, "type": "URL", "ttl": ttl} for ttl in (-1, 1 << 32, 1.5, True, None, "2026-01-01T00:00:00")),
     *({"index": 1, "type": "URL", "ttl": ttl} for ttl in ("2026-01-01", "1900-01-01T00:00:00Z", "2200-01-01T00:00Z")),
     {"index": 1, "type": "URL", "timestamp": "2026-01-01T00:00:00"},
     {"index": 1, "type": "URL", "timestamp": "1969-12-31T23:59:59Z"},
     *({"index": 1, "type": "URL", "references": [{"handle": "10/1", "index": each}]} for each in (-1, "1", 1 << 32))],
)  # fmt: skip
def test_wrong_json_is_refused(shown: Any) -> None:
    with pytest.raises(MessageError):
        value_from_json(shown)
