"""GS1 keys, element strings, scans and Digital Links: what is read, what is refused and where."""

from __future__ import annotations

import pytest

from millwright.identity.codes import Code, gs1
from millwright.identity.codes.gs1.check_digits import check_digit, check_pair, has_check_digit
from millwright.identity.codes.gs1.checks import year_of
from millwright.identity.codes.gs1.compression import compress
from millwright.identity.codes.gs1.table import table
from millwright.kernel import Invalid, Unsupported

PLUS = "F70795211411234538566CB0AFC4"
LINK = "https://id.gs1.org/01/09521234543213/10/ABC?17=271231"


def refused(text: str) -> tuple[int, str, str]:
    with pytest.raises(Invalid) as caught:
        gs1.parse(text)
    assert caught.value.code == "identity.code_invalid"
    return caught.value.detail["at"], caught.value.detail["why"], caught.value.detail["why_zh"]


def meaning(text: str, ai: str) -> str:
    return next(part.meaning for part in gs1.parse(text).parts if part.name == ai)


@pytest.mark.parametrize(
    "text",
    [
        "(01)09521234543213(10)ABC(17)271231",
        "(10)ABC(17)271231(01)09521234543213",
        "^010952123454321310ABC^17271231",
        "\x1d0109521234543213\x1d10ABC\x1d17271231",
        "010952123454321310ABC\x1d17271231",
        "]C1010952123454321310ABC\x1d17271231",
        "]d2010952123454321317271231" + "10ABC",
        "]Q317271231010952123454321310ABC",
        "]e0010952123454321310ABC\x1d17271231",
        LINK,
        "https://example.com/shop/gtin/09521234543213/lot/ABC?linkType=gs1:pip&17=271231#part",
        "HTTP://EXAMPLE.COM/01/9521234543213/10/%41%42C?17=271231",
        "]Q1" + LINK,
        "https://id.gs1.org/CxFRq5sE2odXguhG_g",
    ],
)
def test_one_thing_in_every_form(text: str) -> None:
    code = gs1.parse(text)
    assert (code.system, code.kind, code.canonical, code.text) == ("gs1", "gtin", LINK, text)


def test_a_link_whose_key_is_left_readable() -> None:
    text = f"https://example.com/a/01/09521234543213/{compress({'10': 'ABC', '17': '271231'})}"
    assert gs1.parse(text).canonical == LINK


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [
        ("95212340", "gtin", None),
        ("012345678905", "gtin", "01/00012345678905"),
        ("9521234543213", "gtin", "01/09521234543213"),
        ("09521234543213", "gtin", "01/09521234543213"),
        ("095212345432100003", "sscc", "00/095212345432100003"),
        ("]E09521234543213", "gtin", "01/09521234543213"),
        ("(414)9521234543213(254)A/1", "gln", "414/9521234543213/254/A%2F1"),
        ("(417)9521234543213", "pgln", "417/9521234543213"),
        ("(8013)1987654Ad4X4bL5ttr2310c2K", "gmn", "8013/1987654Ad4X4bL5ttr2310c2K"),
        ("(8006)095212345432130102(21)7", "itip", "8006/095212345432130102/21/7"),
        ("(02)09521234543213(37)12(00)095212345432100003", "sscc", "00/095212345432100003?02=09521234543213&37=12"),
    ],
)
def test_keys(text: str, kind: str, canonical: str | None) -> None:
    if canonical is None:
        text = text[:-1] + check_digit(text[:-1])
        canonical = f"01/{text:0>14}"
    code = gs1.parse(text)
    assert (code.kind, code.canonical) == (kind, f"https://id.gs1.org/{canonical}")


def test_what_no_digital_link_can_say() -> None:
    code = gs1.parse("(91)x(90)y")
    assert (code.kind, code.canonical) == ("element_string", "(90)y(91)x")
    with pytest.raises(Unsupported) as caught:
        gs1.SYSTEM.conversions["digital_link"](code)
    assert caught.value.code == "identity.no_such_form"


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("(01)09521234543214", 17, "is 4 but should be 3"),
        ("9521234543214", 12, "is 4 but should be 3"),
        ("(01)0952123454321A", 17, "where a digit should be"),
        ("(01)0952123454321", 17, "ends too early"),
        ("(01)095212345432133", 18, "is too long"),
        ("(01)09521234543213(10)", 22, "ends too early"),
        ("(01)09521234543213(10)AB#", 24, "set 82"),
        ("(01)09521234543213(10)A\\(B#", 26, "set 82"),
        ("(01)09521234543213(05)1", 19, "no Application Identifier (05)"),
        ("(01)09521234543213 (10)A", 18, "is too long"),
        ("(01", 3, "not closed"),
        ("(10)ABC", 1, "needs one of these beside it"),
        ("(01)09521234543213(37)5", 1, "may not stand together with (37)"),
        ("(01)09521234543213(10)A(10)B", 24, "a second time with another value"),
        ("(01)09521234543213(17)271301", 24, "01 to 12"),
        ("(01)09521234543213(17)270229", 26, "only 28 days"),
        ("(01)09521234543213(7006)270200", 28, "may not be 00"),
        ("(01)09521234543213(422)999", 23, "no country"),
        ("(415)9521234543213(8020)X(8007)DE88370400440532013000", 33, "88 but should be 89"),
        ("(8013)1987654Ad4X4bL5ttr2310c2L", 29, "are 2L but should be 2K"),
        ("(8006)095212345432130302", 20, "beyond the 2 there are"),
        ("(00)095212345432100003(4309)18000000013600000001", 28, "latitude"),
        ("(00)095212345432100003(8030)QUIAB=", 33, "group of four"),
        ("(253)9521234543213(8030)QUJD", 18, "needs its serial number"),
        ("https://id.gs1.org/01/09521234543214", 35, "is 4 but should be 3"),
        ("https://id.gs1.org/01/09521234543213/10/A%2FB%23", 45, "set 82"),
        ("https://id.gs1.org/01/09521234543213/21/A/10/B", 42, "22/10/21 or 235"),
        ("https://id.gs1.org/01/09521234543213?10=A", 37, "belongs in the path"),
        ("https://id.gs1.org/01/09521234543213/10/A?8020=A", 42, "may not stand in a Digital Link's query"),
        ("https://id.gs1.org/01/09521234543213?17=271231&17=271231", 47, "a second time"),
        ("https://id.gs1.org/10/ABC", 18, "no primary key"),
        ("https://id.gs1.org/01/09521234543213/10/%4", 40, "RFC 3986"),
        ("https:///01/09521234543213", 8, "domain name"),
        ("]A001", 0, "symbology identifier"),
        ("", 0, "nothing"),
        ("^", 1, "nothing after the separator"),
    ],
)
def test_what_is_wrong_and_where(text: str, at: int, why: str) -> None:
    found_at, found_why, found_zh = refused(text)
    assert found_at == at
    assert why in found_why
    assert any("\u4e00" <= character <= "\u9fff" for character in found_zh)


def test_parts_say_where_they_stand_and_what_they_mean() -> None:
    text = "https://example.com/gtin/9521234543213/lot/A%2FB?3103=001250&422=156"
    parts = {part.name: part for part in gs1.parse(text).parts}
    assert (parts["10"].value, text[parts["10"].at :][:5]) == ("A/B", "A%2FB")
    assert (parts["3103"].meaning, parts["422"].meaning) == ("1.250 kg", "CN")
    assert parts["gs1_prefix"].value == "952"
    assert text[parts["gs1_prefix"].at :].startswith("952")
    china = {part.name: part for part in gs1.parse("6901234567892").parts}["gs1_prefix"]
    assert (china.meaning, china.meaning_zh, china.at) == ("GS1 China", "中国物品编码中心", 0)


@pytest.mark.parametrize(
    ("ai", "value", "what"),
    [
        ("17", "280200", "2028-02-29"),
        ("11", "991231", "1999-12-31"),
        ("7003", "2712312359", "2027-12-31T23:59"),
        ("8008", "271231235958", "2027-12-31T23:59:58"),
        ("7007", "271201271231", "2027-12-01/2027-12-31"),
        ("423", "156276", "CN DE"),
        ("4324", "2712319999", None),
    ],
)
def test_meanings(ai: str, value: str, what: str | None) -> None:
    if what is None:
        # 99:99 was once "no time"; the standard's check of hours and minutes knows no such exception.
        assert refused(f"(00)095212345432100003({ai}){value}")[0] == 34
    else:
        assert meaning(f"(01)09521234543213({ai}){value}", ai) == what


def test_where_on_earth() -> None:
    text = "(00)095212345432100003(4309)02790858483015297971"
    assert meaning(text, "4309") == "-62.0914152, -58.4702029"


def test_two_digits_of_a_year_are_near_the_current_one() -> None:
    assert [year_of(digits, now=2026) for digits in (26, 76, 77, 99, 0)] == [2026, 2076, 1977, 1999, 2000]
    assert year_of(40, now=2091) == 2140
    assert year_of(42, now=2091) == 2042


def test_notes_say_what_is_unusual() -> None:
    assert "may also be a GLN" in gs1.parse("9521234543213").notes[0]
    assert "linkType=x" in gs1.parse("https://a.cn/01/09521234543213?linkType=x").notes[0]


def test_other_words_of_a_query_are_compressed_too() -> None:
    link = gs1.compress_link("https://a.cn/01/09521234543213?17=271231&k=v1&w=%20")
    assert link.startswith("https://a.cn/")
    assert link.endswith("?w=%20")
    code = gs1.parse(link)
    assert code.canonical == "https://id.gs1.org/01/09521234543213?17=271231"
    assert any("k=v1" in note for note in code.notes)


def test_conversions() -> None:
    code = gs1.parse("(01)09521234543213(10)A(B(21)1/2".replace("A(B", "A\\(B"))
    write = {name: function(code) for name, function in gs1.SYSTEM.conversions.items() if not name.startswith("epc")}
    assert write["element_string"] == "(01)09521234543213(10)A\\(B(21)1/2"
    assert write["gs1_128"] == "]C1010952123454321310A(B\x1d211/2"
    assert write["digital_link"] == "https://id.gs1.org/01/09521234543213/10/A%28B/21/1%2F2"
    for text in write.values():
        assert gs1.parse(text).canonical == code.canonical
    for name in ("epc_uri", "epc_tag_uri"):
        with pytest.raises(Unsupported, match="how long its GS1 Company Prefix is"):
            gs1.SYSTEM.conversions[name](code)
    assert gs1.SYSTEM.conversions["epc_hex"](gs1.parse("(01)79521141123453(21)32a/b")) == PLUS


def test_the_example_is_read_and_likely() -> None:
    code = gs1.SYSTEM.parse(gs1.SYSTEM.example)
    assert isinstance(code, Code)
    for text in (gs1.SYSTEM.example, code.canonical, "9521234543213", "]C10109521234543213", "0109521234543213"):
        assert gs1.SYSTEM.likely(text)
    for text in ("hello", "https://example.com/a", "86.1000/1", "1.2.156", "urn:epc:id:sgtin:0614141.812345.6789", ""):
        assert not gs1.SYSTEM.likely(text)


def test_check_digits() -> None:
    assert check_digit("0952123454321") == "3"
    assert check_digit("1" * 40) == str(-(20 * 3 + 20) % 10)
    assert has_check_digit("09521234543213")
    assert not has_check_digit("09521234543231")
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"


def test_table_is_whole_and_has_titles_in_both_languages() -> None:
    known = table().by_ai
    assert len(known) == 541
    assert all(entry.title and entry.title_zh for entry in known.values())
    keys = sorted(ai for ai, entry in known.items() if entry.key)
    assert " ".join(keys) == "00 01 253 255 401 402 414 415 417 8003 8004 8006 8010 8013 8017 8018"
