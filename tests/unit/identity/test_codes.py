"""Codes are parsed as their standards' own examples say, and nothing but ``Invalid`` and ``Unsupported`` is raised."""

from __future__ import annotations

import contextlib
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from millwright.identity.codes import SYSTEMS, Code, convert, forms_of, parse_any, parse_as
from millwright.identity.codes.base58 import decode, encode
from millwright.identity.codes.oid import from_der, to_der
from millwright.identity.codes.tables import rows
from millwright.kernel import Invalid, Unsupported


def parsed(text: str) -> Code:
    return parse_any(text).code


def part(code: Code, name: str) -> str:
    return next(each.value for each in code.parts if each.name == name)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_example_of_each_system_is_its_own(system) -> None:
    code = parsed(system.example)
    assert code.system == system.name
    assert code.parts
    assert forms_of(code)
    for each in code.parts:
        assert each.label
        assert each.label_zh
        assert system.example.startswith(each.value, each.at), each


# --- Handle ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("20.500.12345/ABC-Def", "20.500.12345/abc-def"),
        ("hdl:20.500.12345/ABC-Def", "20.500.12345/abc-def"),
        ("HTTPS://hdl.handle.net/20.500.12345/abc%2Ddef", "20.500.12345/abc-def"),
        ("https://hdl.handle.net/api/handles/20.500.12345/abc-def?auth", "20.500.12345/abc-def"),
        ("info:hdl/20.500.12345/abc-def", "20.500.12345/abc-def"),
        ("88.118.8/泵Ä", "88.118.8/泵Ä"),  # only A to Z is folded (RFC 3651, section 2.1.3)
        ("hdl:88.118.8/%E6%B3%B5", "88.118.8/泵"),
        ("10.1000/182", "10.1000/182"),
        ("10.1000/https://a", "10.1000/https://a"),
        ("10/" + "x" * 2045, "10/" + "x" * 2045),
        ("https://doi.org/10.1000/a/b%3Fc", "10.1000/a/b?c"),
        ("0.NA/10.1000", "0.na/10.1000"),
    ],
)
def test_handles_are_equal_in_every_form(text: str, canonical: str) -> None:
    code = parsed(text)
    assert (code.system, code.canonical) == ("handle", canonical)
    for form in forms_of(code).values():
        assert parse_as(form, "handle").code.canonical == canonical


def test_a_vaa_name_has_its_levels_and_says_they_are_recalled() -> None:
    code = parsed("88.118.8/pump-7")
    assert (code.kind, code.certainty) == ("vaa", "recalled")
    assert [each.name for each in code.parts] == ["prefix_1", "secondary_node", "enterprise", "suffix"]
    assert "国家顶级节点" in code.parts[0].meaning_zh


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20.500", 6), ("20..5/a", 3), ("20.5/", 5), ("hdl:20.5/%zz", 9), ("hdl:20.5/%ff", 9), ("20.5/a\tb", 6),
        ("20. 5/a", 3), ("https://example.com/a", 0), ("hdl:doi:10/x", 4), ("hdl:hdl%3A10/x", 4), ("hdl:10/a%20", 7),
        ("hdl:info:hdl/10/x", 4), ("https://doi.org/10.1/a%E3%80%80?x", 21), ("hdl:a%3A//b", 4),
        ("10/" + "x" * 2046, 3), ("10/" + "泵" * 682, 3),
    ],
)  # fmt: skip
def test_a_broken_handle_says_where(text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse_as(text, "handle")
    assert raised.value.detail["at"] == at
    assert raised.value.detail["why_zh"]


_HANDLES = st.tuples(st.from_regex(r"[0-9]{1,4}(\.[0-9A-Za-z]{1,6}){0,3}", fullmatch=True),
                     st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))  # fmt: skip


@given(_HANDLES)
@example(("20", "%/?#[]"))
def test_any_handle_survives_its_forms(halves: tuple[str, str]) -> None:
    text = "/".join(halves)
    code = parse_as(text, "handle").code
    for form in ("handle", "hdl", "https", "info"):
        assert parse_as(convert(code, form), "handle").code.canonical == code.canonical
    assert convert(code, "handle") == text


# --- OID -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1.2.156.10197.1.401", "urn:oid:1.2.156.10197.1.401", "URN:OID:1.2.156.10197.1.401",
        "/ISO/Member-Body/156/10197/1/401", "/iso/member-body/cn/10197/1/sm3", "oid:/ISO/Member-Body/156/10197/1/401",
        "{iso(1) member-body(2) cn(156) 10197 1 401}", "{iso member-body 156 oscca(10197) sm-scheme 401}",
        "{ 1 2 156 10197 1 401 }",
    ],
)  # fmt: skip
def test_an_oid_is_the_same_in_every_notation(text: str) -> None:
    code = parsed(text)
    assert (code.system, code.canonical) == ("oid", "1.2.156.10197.1.401")
    assert forms_of(code)["der_hex"] == "06082a811ccf55018311"
    for form in ("dotted", "urn", "iri", "asn1"):
        assert parsed(convert(code, form)).canonical == code.canonical


def test_a_uuid_below_2_25_is_shown() -> None:
    # The example of ITU-T X.667.
    code = parsed("2.25.329800735698586629295641978511506172918")
    assert convert(code, "uuid") == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    with pytest.raises(Unsupported):
        convert(parsed("1.2.3"), "uuid")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("3.1", 0), ("1.40", 2), ("1", 1), ("1..2", 2), ("1.02", 2), ("1.2.x", 4), ("/iso/nowhere/1", 5), ("{}", 1),
        ("{iso(1) x(2}", 8), ("{iso(1) 2", 9), ("1.2.", 4),
    ],
)  # fmt: skip
def test_a_broken_oid_says_where(text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse_as(text, "oid")
    assert raised.value.detail["at"] == at


_ARCS = st.tuples(
    st.integers(0, 2),
    st.integers(0, 39),
    st.lists(st.one_of(st.integers(0, 300), st.integers(0, 1 << 140)), max_size=8),
)


@given(_ARCS)
def test_der_comes_back(arcs: tuple[int, int, list[int]]) -> None:
    dotted = ".".join(map(str, [arcs[0], arcs[1], *arcs[2]]))
    assert from_der(to_der(dotted)).canonical == dotted


@given(st.binary(max_size=40))
def test_any_octets_are_a_der_oid_or_refused(octets: bytes) -> None:
    for encoding in (octets, b"\x06" + bytes([len(octets)]) + octets):
        try:
            code = from_der(encoding)
        except Invalid:
            continue
        assert to_der(code.canonical) == encoding


@pytest.mark.parametrize(
    "octets", [b"\xff" * 2047 + b"\x7f", b"\xff" * 99_999 + b"\x7f", b"\x01" * 65_536, b"\x01" * 3_000]
)
def test_a_der_oid_without_end_is_refused(octets: bytes) -> None:
    size = len(octets).to_bytes((len(octets).bit_length() + 7) // 8, "big")
    with pytest.raises(Invalid):
        from_der(b"\x06" + bytes([0x80 | len(size)]) + size + octets)


@pytest.mark.parametrize(
    "text", ["MA.１５６.M0.100001.1ABCDEF8", "MA.１５６.1.1", "1.２.3", "{iso(１) 2}", "２0.500/a/"]
)
def test_digits_are_those_of_ascii(text: str) -> None:
    for system in ("idcode", "oid"):
        with pytest.raises(Invalid):
            parse_as(text, system)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("dotted", ["1.2.156.10197.1.501", "2.999.3", "2.25.329800735698586629295641978511506172918"])
def test_openssl_encodes_the_same(dotted: str, tmp_path) -> None:
    file = tmp_path / "oid.der"
    subprocess.run(["openssl", "asn1parse", "-genstr", f"OID:{dotted}", "-noout", "-out", file], check=True)
    assert file.read_bytes() == to_der(dotted)


def test_names_of_arcs_have_their_parents_rules() -> None:
    for row in rows("oid", "arc"):
        assert parsed(f"{row['oid']}.1").canonical
        assert row["certainty"] in ("verified", "recalled")


# --- DID -------------------------------------------------------------------------------------------------------------

# From the test vectors of the did:key Method Specification.
KEYS = {
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK": ("ed25519-pub", 32),
    "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc": ("x25519-pub", 32),
    "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme": ("secp256k1-pub", 33),
    "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169": ("p256-pub", 33),
    "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9": ("p384-pub", 49),
}


@pytest.mark.parametrize("text", KEYS)
def test_the_keys_of_did_key_are_decoded(text: str) -> None:
    name, size = KEYS[text]
    code = parsed(text)
    assert name in next(each.meaning for each in code.parts if each.name == "key")
    assert len(bytes.fromhex(convert(code, "key_hex"))) == size
    assert '"x"' in convert(code, "jwk")


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:example.com", "https://example.com/.well-known/did.json"),
        ("did:web:example.com:user:alice", "https://example.com/user/alice/did.json"),
        ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
    ],
)
def test_did_web_and_its_address_lead_to_each_other(did: str, url: str) -> None:
    # The examples of the did:web Method Specification.
    assert convert(parsed(did), "url") == url
    assert parsed(url).canonical == did
    assert parsed(did.replace("example.com", "EXAMPLE.com")).canonical == did


def test_the_parts_of_an_address_stand_one_behind_the_other() -> None:
    text = "https://a.example:443/443/a/did/did.json"
    code = parse_as(text, "did").code
    assert [(each.value, each.at) for each in code.parts] == [
        ("a.example", 8),
        ("443", 18),
        ("443", 22),
        ("a", 26),
        ("did", 28),
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("urn:epc:tag:sgtin-96:3.0614141.812345.6789", [12, 21, 23, 31, 38]),
        ("urn:epc:tag:gid-96:1.2.3", [12, 19, 21, 23]),
        ("3074257BF7194E4000001A85", [-1] * 5),
        ("MA.156.M0.100001.1ABCDEF8", [0, 3, 7, 10, 17, 18, 24]),
    ],
)
def test_parts_say_where_they_stand(text: str, places: list[int]) -> None:
    code = parsed(text)
    assert [each.at for each in code.parts] == places
    assert all(text.startswith(each.value, each.at) for each in code.parts if each.at >= 0)


def test_a_did_url_has_path_query_and_fragment() -> None:
    code = parsed("did:example:123/path/a?service=files&x=%20#key-1")
    assert [part(code, name) for name in ("id", "path", "query", "fragment")] == [
        "123", "/path/a", "service=files&x=%20", "key-1",
    ]  # fmt: skip


def test_the_parts_of_a_bid() -> None:
    # From the documentation of BIF.
    code = parsed("did:bid:by01:efnVUgqQFfYeu97ABf6sGm3WFtVXHZB2")
    assert [each.name for each in code.parts] == ["method", "chain", "key_type", "encoding", "hash"]
    assert [part(code, name) for name in ("chain", "key_type", "encoding")] == ["by01", "e", "f"]
    assert parsed("did:bid:byo1").notes


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("DID:web:a", 0), ("did::a", 4), ("did:Web:a", 4), ("did:web", 7), ("did:web:", 8), ("did:web:a b", 9),
        ("did:x:a:", 8), ("did:x:%2", 6), ("did:x:a?q|", 9), ("did:web:10.0.0.1", 8), ("did:web:a.b%3A99999", 14),
        ("did:web:a.b%3A0000801234567", 14),
        ("did:web:a.b:..", 12), ("did:key:m6Mk", 8), ("did:key:z6Mk0", 12), ("did:key:z6Mk", 9), ("did:bid:xf123", 8),
        ("did:bid:ef1", 10), ("did:bid:ABCD:ef", 8), ("https://a.b/did.json", 11), ("https://u@a.b/x/did.json", 8),
    ],
)  # fmt: skip
def test_a_broken_did_says_where(text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse_as(text, "did")
    assert raised.value.detail["at"] == at
    assert raised.value.detail["why_zh"]


@given(st.binary(max_size=60))
def test_base58_comes_back(octets: bytes) -> None:
    text = encode(octets)
    assert decode(text, 0, len(text)) == octets


# --- Ecode, MA -------------------------------------------------------------------------------------------------------


def test_an_ecode_has_three_parts_and_is_recalled() -> None:
    code = parsed("ecode:100641234567890")
    assert [each.value for each in code.parts] == ["1", "0064", "1234567890"]
    assert code.certainty == "recalled"
    assert code.notes
    assert parse_as("100641234567890", "ecode").code.canonical == code.canonical


@pytest.mark.parametrize(
    ("text", "at"), [("ecode:", 6), ("ecode:9", 6), ("ecode:1006", 10), ("ecode:10064", 11), ("ecode:10064x", 11),
                     ("ecode:10064" + "1" * 21, 31)]
)  # fmt: skip
def test_a_broken_ecode_says_where(text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse_as(text, "ecode")
    assert raised.value.detail["at"] == at


def test_a_udi_of_ma_is_taken_apart() -> None:
    code = parsed("MA.156.M0.100001.1ABCDEF8.L2408.M20240815.E270831.S0001")
    assert code.kind == "udi_ma"
    assert convert(code, "udi_di") == "MA.156.M0.100001.1ABCDEF8"
    found = {each.name: each for each in code.parts}
    assert (found["registrant"].value, found["batch"].value, found["serial"].value) == ("100001", "2408", "0001")
    assert (found["produced"].meaning, found["expires"].meaning) == ("2024-08-15", "2027-08-31")
    assert any("check character" in note for note in code.notes)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("MA.156.M0.10001.1ABCDEF8", 15), ("MA.156.M0.100001.1ABCDEF", 24), ("MA.156.M0.100001.1ABCDEF8L1", 25),
        ("MA.156.M0.100001.1ABCDEF8.X1", 26), ("MA.156.M0.100001.1ABCDEF8.E271332", 27),
        ("MA.156.M0.100001.1ABCDEF8.L1.L2", 29), ("MA.15.1", 3), ("MA.156", 6), ("MA.156..1", 7), ("AHM!", 3), ("X", 0),
    ],
)  # fmt: skip
def test_a_broken_ma_code_says_where(text: str, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse_as(text, "idcode")
    assert raised.value.detail["at"] == at


# --- whatever it is --------------------------------------------------------------------------------------------------


def test_who_takes_none_says_why() -> None:
    with pytest.raises(Invalid) as raised:
        parse_any("what is this?")
    assert raised.value.code == "identity.code_unknown"
    tried = raised.value.detail["tried"]
    assert {each["system"] for each in tried} == {system.name for system in SYSTEMS}
    assert all(each["why"] and each["why_zh"] for each in tried)


def test_the_likely_one_says_what_is_wrong() -> None:
    with pytest.raises(Invalid) as raised:
        parse_any("did:web:exa mple.com")
    assert raised.value.detail["system"] == "did"
    assert raised.value.detail["at"] == 11
    with pytest.raises(Invalid) as raised:
        parse_any("urn:oid:1.2.156.a")
    assert raised.value.detail["system"] == "oid"


_STARTS = [
    "", "did:", "did:web:", "did:key:z", "did:bid:ef", "urn:oid:", "1.2.", "{iso(1) ", "/iso/", "hdl:", "20.500/",
    "https://hdl.handle.net/", "hdl:doi:", "F7", "ecode:1", "MA.156.", "MA.156.M0.100001.1ABCDEF8.", "AHM", "https://a.b/",
]  # fmt: skip


@settings(max_examples=400)
@given(st.sampled_from(_STARTS), st.text(max_size=60))
def test_nothing_else_is_ever_raised(start: str, rest: str) -> None:
    for system in SYSTEMS:
        try:
            code = system.parse(start + rest)
        except Invalid as error:
            refused = error
        else:
            refused = None
        if refused is not None:
            assert refused.code == "identity.code_invalid"
            assert 0 <= refused.detail["at"] <= len(start + rest)
            assert refused.detail["why_zh"]
            continue
        assert code.text == start + rest
        assert all(-1 <= each.at < max(1, len(code.text)) for each in code.parts)
        for form in system.conversions:
            with contextlib.suppress(Unsupported):
                assert convert(code, form)


@settings(max_examples=200)
@given(st.sampled_from(_STARTS), st.text("0123456789abzMAZ.:/%-_{}()?# ", max_size=40))
def test_canonical_texts_are_parsed_to_themselves(start: str, rest: str) -> None:
    for system in SYSTEMS:
        try:
            code = system.parse(start + rest)
        except Invalid:
            continue
        if system.name == "epc" and code.kind.endswith("+"):
            # Its canonical text is a Digital Link, for there is no pure identity of it.
            assert parse_as(code.canonical, "gs1").code.canonical == code.canonical
            continue
        assert system.parse(code.canonical).canonical == code.canonical
