"""EPC identities, tag URIs and tag memory, by the Tag Data Standard's own examples where it has them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from millwright.identity.codes import epc, gs1
from millwright.kernel import Invalid, Unsupported

WRITE = epc.SYSTEM.conversions

# As in Tag Data Standard 1.13, appendix E.3, from memory and confirmed by epcpy: filter value 3.
EXAMPLES = [
    ("sgtin-96:3.0614141.812345.6789", "3074257BF7194E4000001A85", "(01)80614141123458(21)6789"),
    ("sgtin-198:3.0614141.712345.32a%2Fb", "3674257BF6B7A659B2C2BF10" + "0" * 28, "(01)70614141123451(21)32a/b"),
    ("sscc-96:3.0614141.1234567890", "3174257BF4499602D2000000", "(00)106141412345678908"),
    ("sgln-96:3.0614141.12345.400", "3274257BF460720000000190", "(414)0614141123452(254)400"),
    (
        "sgln-195:3.0614141.12345.32a%2Fb",
        "3974257BF46072CD9615F8800000000000000000000000000000",
        "(414)0614141123452(254)32a/b",
    ),
    ("grai-96:3.0614141.12345.400", "3374257BF40C0E4000000190", "(8003)00614141123452400"),
    ("grai-170:3.0614141.12345.32a%2Fb", "3774257BF40C0E59B2C2BF1000000000000000000000", "(8003)0061414112345232a/b"),
    ("giai-96:3.0614141.5678", "3474257BF40000000000162E", "(8004)06141415678"),
    ("giai-202:3.0614141.32a%2Fb", "3874257BF59B2C2BF1000000000000000000000000000000000000", None),
    ("gsrn-96:3.0614141.1234567890", "2D74257BF4499602D2000000", "(8018)061414112345678902"),
    ("gsrnp-96:3.0614141.1234567890", "2E74257BF4499602D2000000", "(8017)061414112345678902"),
    ("gdti-96:3.0614141.12345.400", "2C74257BF460720000000190", "(253)0614141123452400"),
    (
        "gdti-174:3.4012345.98765.ABCDefgh012345678",
        "3E74F4E4E7039B061438997367D0C18B266D1AB66EE0",
        "(253)4012345987652ABCDefgh012345678",
    ),
    ("cpi-96:3.0614141.98765.12345", "3C74257BF400C0E680003039", "(8010)061414198765(8011)12345"),
    ("cpi-var:3.0614141.5PQ7%2FZ43.12345", "3D74257BF75411DEF6B4CC00000003039000", "(8010)06141415PQ7/Z43(8011)12345"),
    ("sgcn-96:3.4012345.67890.04711", "3F74F4E4E612640000019907", "(255)401234567890104711"),
    ("gid-96:31415.271828.1414", "350007AB70425D4000000586", None),
    ("usdod-96:3.CAGEY.5678", "2F320434147455900000162E", None),
    ("adi-var:3.35962.PQ7VZ4.M37GXB92", "3B0E0CF5E76C9047759AD00373DC7602E7200000", None),
    ("itip-110:3.4012345.012345.01.02.981", "4074F4E4E40C0E40820000000F54", "(8006)040123451234560102(21)981"),
]


@pytest.mark.parametrize(("uri", "digits", "elements"), EXAMPLES, ids=[one[0].split(":")[0] for one in EXAMPLES])
def test_examples_of_the_standard(uri: str, digits: str, elements: str | None) -> None:
    uri = f"urn:epc:tag:{uri}"
    code = epc.parse(uri)
    written = WRITE["epc_hex"](code)
    assert written.rstrip("0") == digits.rstrip("0")
    assert len(written) % 4 == 0
    assert WRITE["epc_tag_uri"](epc.parse(written)) == uri
    assert epc.parse(written).canonical == code.canonical
    if elements is not None:
        assert WRITE["element_string"](code) == elements
        link = WRITE["digital_link"](code)
        assert gs1.parse(link).canonical == gs1.parse(elements).canonical
        assert WRITE["digital_link_compressed"](code) == gs1.SYSTEM.conversions["digital_link_compressed"](
            gs1.parse(link)
        )
        length = len(next(part.value for part in code.parts if part.name == "company_prefix"))
        assert epc.epc_of(gs1.parse(elements), length).canonical == code.canonical


@pytest.mark.parametrize(
    ("uri", "elements"),
    [
        ("urn:epc:id:sgln:0614141.12345.0", "(414)0614141123452"),
        ("urn:epc:id:sgln:061414112345..0", "(414)0614141123452"),
        ("urn:epc:id:ginc:0614141.xyz47%2F11", "(401)0614141xyz47/11"),
        ("urn:epc:id:gsin:0614141.123456789", "(402)06141411234567890"),
        ("urn:epc:id:upui:1234567.089456.51qIgY)%3C%26Jp3*j7'SDB", "(01)01234567894560(235)51qIgY)<&Jp3*j7'SDB"),
        ("urn:epc:id:pgln:1234567.89012", "(417)1234567890128"),
        ("urn:epc:class:lgtin:4012345.012345.998877", "(01)04012345123456(10)998877"),
        ("urn:epc:idpat:sgtin:4012345.012345.*", "(01)04012345123456"),
        ("urn:epc:idpat:grai:4012345.99999.*", None),
        ("urn:epc:id:sgtin:0614141.812345.*", "(01)80614141123458(21)*"),
        ("urn:epc:id:bic:CSQU3054383", None),
        ("urn:epc:id:imovn:9176187", None),
        ("urn:epc:idpat:sscc:*.*", None),
        ("urn:epc:idpat:sgtin:4012345.*.*", None),
        ("urn:epc:idpat:itip:4012345.012345.01.02.*", "(8006)040123451234560102"),
        ("urn:epc:idpat:gid:31415.*.*", None),
        ("urn:epc:idpat:usdod:CAGEY.*", None),
        ("urn:epc:idpat:bic:*", None),
        ("urn:epc:idpat:cpi:4012345.AB%2FC.*", "(8010)4012345AB/C"),
    ],
)
def test_identities_without_a_tag(uri: str, elements: str | None) -> None:
    code = epc.parse(uri)
    assert code.canonical == WRITE["epc_uri"](code) == uri
    if elements is not None:
        assert WRITE["element_string"](code) == elements
        if ":idpat:" not in uri:
            length = len(code.parts[0].value)
            assert epc.epc_of(gs1.parse(elements), length).canonical == uri


@pytest.mark.parametrize(
    "uri",
    [f"urn:epc:idpat:itip:{open_}" for open_ in ("4012345.012345.01.*.*", "4012345.012345.*.*.*", "4012345.*.*.*.*")],
)
def test_a_pattern_that_leaves_the_key_open_has_no_elements(uri: str) -> None:
    code = epc.parse(uri)
    assert code.canonical == uri
    for form in ("element_string", "digital_link"):
        with pytest.raises(Unsupported, match="leaves the key open"):
            WRITE[form](code)


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("urn:epc:id:sgtn:0614141.812345.6789", 11, "no EPC scheme"),
        ("urn:epc:id:sgtin:0614141.81234.6789", 25, "13 digits together, here 12"),
        ("urn:epc:id:sgtin:0614141.812345", 31, "is missing"),
        ("urn:epc:id:sgtin:0614141.812345.ab/", 34, "wrong from here on: '/'"),
        ("urn:epc:id:sgtin:06141A1.812345.6", 22, "wrong from here on"),
        ("urn:epc:id:gid:31415.16777216.1", 21, "at most 16777215"),
        ("urn:epc:id:bic:CSQU3054384", 25, "should be 3"),
        ("urn:epc:id:imovn:9176188", 23, "should be 7"),
        ("urn:epc:id:itip:4012345.012345.03.02.9", 31, "piece 3 of 2"),
        ("urn:epc:idpat:sgtin:*.812345.*", 22, "only * may follow"),
        ("urn:epc:idpat:itip:4012345.012345.03.02.*", 34, "piece 3 of 2"),
        ("urn:epc:idpat:itip:4012345.012345.00.*.*", 34, "piece 0 of"),
        ("urn:epc:idpat:itip:4012345.01234.*.*.*", 27, "13 digits together, here 12"),
        ("urn:epc:idpat:gid:31415.16777216.*", 24, "at most 16777215"),
        ("urn:epc:idpat:gid:268435456.*.*", 18, "at most 268435455"),
        ("urn:epc:tag:sgtin-96:8.0614141.812345.6789", 21, "0 to 7"),
        ("urn:epc:tag:sgtin-96:3.0614141.812345.06789", 38, "without leading zeros"),
        ("urn:epc:tag:sgtin-95:3.0614141.812345.6789", 12, "no such binary encoding"),
        ("urn:isbn:1", 0, "an EPC begins with"),
        ("FF74257BF7194E4000001A85", 0, "no EPC begins with the header FF"),
        ("3074257BF7194E4000001A8500FF", 26, "only zeros may follow"),
        ("3074257BF7194E4000", 18, "ends too early"),
        ("307C257BF7194E4000001A85", 2, "partition value"),
        ("hello", 0, "neither an EPC URI"),
    ],
)
def test_what_is_wrong_and_where(text: str, at: int, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        epc.parse(text)
    assert caught.value.code == "identity.code_invalid"
    assert (caught.value.detail["at"], why in caught.value.detail["why"]) == (at, True), caught.value
    assert caught.value.detail["why_zh"]


def test_what_an_encoding_cannot_hold() -> None:
    with pytest.raises(Unsupported, match="no such binary encoding"):
        WRITE["epc_hex"](epc.parse("urn:epc:id:bic:CSQU3054383"))
    with pytest.raises(Unsupported, match="leading zeros"):
        WRITE["epc_hex"](
            replace(
                epc.parse("urn:epc:tag:sgtin-96:3.0614141.812345.6789"),
                canonical="urn:epc:id:sgtin:0614141.812345.06789",
            )
        )


@pytest.mark.parametrize(
    ("digits", "kind", "elements"),
    [
        # After examples of Tag Data Standard 2.3, appendix E.3, as quoted in a list of its errata.
        ("F73795211411234538566CB0AFC4", "sgtin+", "(01)79521141123453(21)32a/b"),
        ("FB342CDE795211411234538566CB0AFC4000", "dsgtin+", "(01)79521141123453(21)32a/b(17)220630"),
        ("F90095201234567891235000", "sscc+", "(00)095201234567891235"),
    ],
)
def test_plus_schemes(digits: str, kind: str, elements: str) -> None:
    code = epc.parse(digits)
    assert (code.kind, WRITE["element_string"](code)) == (kind, elements)
    assert (code.canonical, code.certainty) == (gs1.parse(elements).canonical, "verified")
    assert WRITE["epc_hex"](code).rstrip("0") == digits.rstrip("0")
    with pytest.raises(Unsupported, match="how long its GS1 Company Prefix is"):
        WRITE["epc_uri"](code)


def test_a_scheme_known_by_its_tables_alone_says_so() -> None:
    code = epc.parse(gs1.SYSTEM.conversions["epc_hex"](gs1.parse("(8004)9521234AB")))
    assert (code.kind, code.certainty) == ("giai+", "recalled")


def test_epc_of_needs_a_fitting_prefix() -> None:
    code = gs1.parse("(01)80614141123458(21)6789")
    with pytest.raises(Unsupported, match="6 to 12"):
        epc.epc_of(code, 5)
    with pytest.raises(Unsupported, match="none of its identifiers"):
        epc.epc_of(gs1.parse("(90)x"), 7)
    with pytest.raises(Unsupported, match="does not begin with a company prefix"):
        epc.epc_of(gs1.parse("(8004)0614AB"), 7)


def test_the_example_is_read_and_likely() -> None:
    assert epc.SYSTEM.parse(epc.SYSTEM.example).canonical == epc.SYSTEM.example
    for text in (epc.SYSTEM.example, "3074257BF7194E4000001A85", "F73795211411234538566CB0AFC4"):
        assert epc.SYSTEM.likely(text)
    for text in ("hello", "9521234543213", "(01)09521234543213", "00" * 12, "urn:oid:1.2", ""):
        assert not epc.SYSTEM.likely(text)
