"""What is written is read by another library than the one that wrote it: zbar for bars and QR Code, libdmtx for Data
Matrix; and it is read back by our own reader."""

from __future__ import annotations

import contextlib
import io
import random
import re
import time
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from millwright.identity.carriers import (
    Label,
    SheetLayout,
    Symbol,
    Symbology,
    encode,
    epc_bank,
    pdf_sheet,
    png_of,
    read_epc_bank,
    read_labels,
    read_picture,
    svg_of,
    svg_sheet,
    zpl_of,
)
from millwright.identity.carriers.tags import crc16
from millwright.identity.codes import gs1
from millwright.kernel import Corrupt, Invalid, LimitExceeded

GS1 = "(01)09506000134352(17)271231(10)A-7/b(21)12345"
GS1_OCTETS = b"0109506000134352" + b"17271231" + b"10A-7/b\x1d" + b"2112345"


def picture(symbol: Symbol, scale: int = 5) -> Image.Image:
    return Image.open(io.BytesIO(png_of(symbol, scale=scale))).convert("L")


def by_zbar(symbol: Symbol) -> list[tuple[str, bytes]]:
    zbar = pytest.importorskip("pyzbar.pyzbar", reason="libzbar is not installed", exc_type=ImportError)
    return [(each.type, each.data) for each in zbar.decode(picture(symbol))]


def by_libdmtx(symbol: Symbol) -> list[bytes]:
    dmtx = pytest.importorskip("pylibdmtx.pylibdmtx", reason="libdmtx is not installed", exc_type=ImportError)
    return [each.data for each in dmtx.decode(picture(symbol), timeout=5000, max_count=1)]


# --- another library reads what we write -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["hello", "0123456789" * 8, "https://id.example.com/01/09506000134352?x=1", "A1 $%*+-./:"]
)
def test_zbar_reads_our_qr_codes(text: str) -> None:
    assert by_zbar(encode(text, "qr")) == [("QRCODE", text.encode())]


@pytest.mark.parametrize("text", ["设备编码：泵 7 号, 88.118.8/泵-7", "日本", "×é", "😀"])
def test_zbar_reads_text_beyond_ascii_from_our_qr_codes(text: str) -> None:
    assert by_zbar(encode(text, "qr")) == [("QRCODE", text.encode())]


def test_zbar_reads_our_gs1_qr_codes() -> None:
    # zbar hands out FNC1 of the first position not at all, and separators as GS.
    assert by_zbar(encode(GS1, "gs1_qr")) == [("QRCODE", GS1_OCTETS)]


@pytest.mark.parametrize("text", ["hello", "0123456789", "0123ab4567CD~}", "x" * 40])
def test_zbar_reads_our_code_128(text: str) -> None:
    assert by_zbar(encode(text, "code_128")) == [("CODE128", text.encode())]


def test_zbar_reads_our_gs1_128() -> None:
    assert by_zbar(encode(GS1, "gs1_128")) == [("CODE128", GS1_OCTETS)]


@pytest.mark.parametrize("text", ["hello", "0123456789" * 6, "AIM-123 abc", "MA.156.M0.100001.1ABCDEF8.L2408.S0001"])
def test_libdmtx_reads_our_data_matrix(text: str) -> None:
    assert by_libdmtx(encode(text, "data_matrix")) == [text.encode()]


def test_libdmtx_reads_our_gs1_data_matrix() -> None:
    # libdmtx hands out no FNC1, neither the first nor the separators; where these are our reader and zbar say.
    assert by_libdmtx(encode(GS1, "gs1_data_matrix")) == [GS1_OCTETS.replace(b"\x1d", b"")]


def test_random_texts_are_read_by_the_other_libraries() -> None:
    rng = random.Random(7)
    letters = "".join(map(chr, range(33, 127)))
    for _ in range(25):
        text = "".join(rng.choices(letters, k=rng.randint(1, 40)))
        assert by_zbar(encode(text, "qr", level=rng.choice("LMQH"))) == [("QRCODE", text.encode())], text
        assert by_zbar(encode(text, "code_128")) == [("CODE128", text.encode())], text
    for _ in range(5):
        text = "".join(rng.choices(letters, k=rng.randint(1, 40)))
        assert by_libdmtx(encode(text, "data_matrix")) == [text.encode()], text


# --- our own reader --------------------------------------------------------------------------------------------------


def read_back(symbol: Symbol) -> str:
    found = read_picture(png_of(symbol))
    assert len(found) == 1
    return found[0].text


_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(_TEXTS, st.sampled_from(["qr", "data_matrix"]))
def test_any_text_comes_back(text: str, symbology: Symbology) -> None:
    assert read_back(encode(text, symbology)) == text


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(min_codepoint=0, max_codepoint=127), min_size=1, max_size=40))
def test_any_ascii_comes_back_from_code_128(text: str) -> None:
    assert read_back(encode(text, "code_128")) == text


_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz"


@settings(max_examples=60, deadline=None)
@given(st.text(_82, min_size=1, max_size=20), st.text(_82, min_size=1, max_size=20),
       st.sampled_from(["gs1_qr", "gs1_data_matrix", "gs1_128"]))  # fmt: skip
def test_element_strings_come_back(batch: str, serial: str, symbology: Symbology) -> None:
    symbol = encode(f"[01]09506000134352[10]{batch}[21]{serial}", symbology)
    found = read_picture(png_of(symbol))[0]
    assert found.gs1
    assert found.symbology_identifier == {"gs1_qr": "]Q3", "gs1_data_matrix": "]d2", "gs1_128": "]C1"}[symbology]
    assert bytes.fromhex(found.octets_hex) == f"010950600013435210{batch}\x1d21{serial}".encode()
    assert [(part.name, part.value) for part in gs1.parse(found.text).parts if part.name.isdigit()] == [
        ("01", "09506000134352"), ("10", batch), ("21", serial),
    ]  # fmt: skip
    again = encode(found.text, symbology)
    assert (again.elements, again.modules) == (symbol.elements, symbol.modules)


def test_a_bracket_in_the_data_begins_no_element() -> None:
    symbol = encode("(01)09506000134352(21)A\\(10)B", "gs1_data_matrix")
    assert symbol.elements == (("01", "09506000134352"), ("21", "A(10)B"))
    assert read_back(symbol) == symbol.text


def test_several_codes_are_found_in_one_turned_picture() -> None:
    page = Image.new("L", (900, 500), 255)
    page.paste(picture(encode("一号", "qr")), (20, 20))
    page.paste(picture(encode("two", "data_matrix")), (400, 40))
    page.paste(picture(encode("three-3", "code_128"), 3), (300, 300))
    out = io.BytesIO()
    page.rotate(90, expand=True).save(out, "JPEG", quality=80)
    found = read_picture(out.getvalue())
    assert {(each.format, each.text) for each in found} == {
        ("QRCode", "一号"), ("DataMatrix", "two"), ("Code128", "three-3"),
    }  # fmt: skip
    assert all(len(each.corners) == 4 for each in found)


# --- what cannot be carried ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "symbology", "at"),
    [
        ("编码", "code_128", 0),
        ("abc中", "code_128", 3),
        ("a\ud800", "qr", 1),
        ("", "qr", 0),
        ("0109506000134352", "gs1_qr", 0),
        ("(01)09506000134353", "gs1_128", 17),
        ("(01)0950600013435", "gs1_128", 17),
        ("(17)279931", "gs1_qr", 6),
        ("[01]09506000134352[17]270230", "gs1_qr", 26),
        ("[01]09506000134352[5]A", "gs1_qr", 19),
        ("[01]09506000134352]", "gs1_qr", 18),
        ("[01", "gs1_qr", 0),
        ("(8004)9", "gs1_128", 7),
        ("(10)ab~", "gs1_qr", 6),
        ("(10)", "gs1_data_matrix", 4),
    ],
)
def test_what_cannot_be_carried_is_named(text: str, symbology: Symbology, at: int) -> None:
    with pytest.raises(Invalid) as raised:
        encode(text, symbology)
    assert raised.value.code == "identity.carrier_content"
    assert raised.value.detail["at"] == at
    assert raised.value.detail["why_zh"]


@pytest.mark.parametrize(("size", "symbology"), [(2954, "qr"), (5000, "qr"), (2400, "data_matrix"), (200, "code_128")])
def test_too_much_is_refused(size: int, symbology: Symbology) -> None:
    with pytest.raises(Invalid, match="cannot hold"):
        encode("a" * size, symbology, level="L")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["qr", "data_matrix", "code_128", "gs1_qr", "gs1_data_matrix", "gs1_128"]))
def test_nothing_but_invalid_is_raised(text: str, symbology: Symbology) -> None:
    try:
        symbol = encode(text, symbology)
    except Invalid:
        return
    assert svg_of(symbol, hri=True).startswith(b"<svg")
    assert zpl_of(symbol).startswith(b"^XA")


# --- pictures from strangers -----------------------------------------------------------------------------------------


def bomb(side: int) -> bytes:
    """A small PNG file that says it is so wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    for side in (5_001, 60_000):  # beyond our bound; beyond the library's
        with pytest.raises(LimitExceeded, match="25,000,000"):
            read_picture(bomb(side))
    with pytest.raises(LimitExceeded, match="bytes"):
        read_picture(bytes(11 * 1024 * 1024))


def test_a_picture_full_of_finder_patterns_keeps_nobody_busy() -> None:
    ring = np.pad(np.pad(np.pad(np.zeros((3, 3), np.uint8), 1, constant_values=255), 1), 1, constant_values=255)
    out = io.BytesIO()
    Image.fromarray(np.tile(ring, (540, 540))).save(out, "PNG")
    began = time.monotonic()
    read_picture(out.getvalue())
    assert time.monotonic() - began < 40  # some 3 s; without the reduction 90 s


def test_a_code_in_a_large_picture_is_found_where_it_is() -> None:
    page = Image.new("L", (5000, 4900), 255)
    page.paste(picture(encode("大图", "qr"), 8), (3000, 2000))
    out = io.BytesIO()
    page.save(out, "PNG")
    (found,) = read_picture(out.getvalue())
    assert found.text == "大图"
    assert abs(found.corners[0][0] - 3032) < 12
    assert abs(found.corners[0][1] - 2032) < 12


def _as(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture(encode("x", "qr")).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_pictures_of_every_kind_are_read_and_broken_ones_refused(kind: str) -> None:
    whole = _as(kind)
    assert [each.text for each in read_picture(whole)] == ["x"]
    rng = random.Random(1)
    for _ in range(60):
        broken = bytearray(whole[: rng.randint(0, len(whole))])
        for _ in range(rng.randint(0, 8)):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        with contextlib.suppress(Invalid, LimitExceeded):
            read_picture(bytes(broken))


def test_other_kinds_of_files_are_refused() -> None:
    for content in (b"", b"hello", b"%PDF-1.7", _as("TIFF"), _as("PPM"), b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        with pytest.raises(Invalid):
            read_picture(content)


def test_a_code_on_nothing_is_read_as_on_white() -> None:
    grey = np.array(picture(encode("clear", "qr")))
    rgba = np.zeros((*grey.shape, 4), np.uint8)
    rgba[..., 3] = 255 - grey
    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "PNG")
    assert [each.text for each in read_picture(out.getvalue())] == ["clear"]


# --- ZPL -------------------------------------------------------------------------------------------------------------


def field(zpl: bytes) -> str:
    """The first field's data with its hexadecimal escapes undone."""
    data = zpl.decode().partition("^FD")[2].partition("^FS")[0]
    octets = re.sub(rb"\\([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), data.encode())
    return octets.decode()


def test_zpl_escapes_what_means_something_to_the_printer() -> None:
    zpl = zpl_of(encode("a^b~c\\d_é编", "qr", level="Q"), level="Q")
    assert field(zpl) == "QA,a^b~c\\d_é编"
    data = zpl.decode().partition("^FD")[2].partition("^FS")[0]
    assert "^" not in data
    assert "~" not in data
    assert data.isascii()
    assert b"^CI28" in zpl


def test_zpl_writes_fnc1_where_it_belongs() -> None:
    text = "[01]09506000134352[10]A_>b[17]271231[21]1"
    assert field(zpl_of(encode(text, "gs1_128"))) == ">:>8010950600013435210A_>0b>817271231211"
    assert field(zpl_of(encode(text, "gs1_data_matrix"))) == "_1010950600013435210A__>b_117271231211"


def test_zpl_sends_a_picture_where_no_command_holds_the_data() -> None:
    for symbol in (encode(GS1, "gs1_qr"), encode("编", "data_matrix"), encode("a\x01", "code_128")):
        zpl = zpl_of(symbol, dots=4).decode()
        size, row, data = re.search(r"\^GFA,(\d+),\1,(\d+),([0-9A-F]+)\^FS", zpl).groups()  # type: ignore[union-attr]
        assert len(data) == 2 * int(size)
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(data), np.uint8)).reshape(-1, 8 * int(row))
        framed = np.pad(1 - bits[:, : symbol.width * 4], 60, constant_values=1).astype(np.uint8) * 255
        out = io.BytesIO()
        Image.fromarray(framed).save(out, "PNG")
        assert [each.text for each in read_picture(out.getvalue())] == [symbol.text]


# --- sheets ----------------------------------------------------------------------------------------------------------


def test_a_sheet_of_a_csv_file_is_drawn_and_counts() -> None:
    rows = "text,caption,symbology,copies\n88.118.8/a,泵 & 阀,,2\n(01)09506000134352,,gs1_data_matrix,\n".encode()
    labels = read_labels(b"\xef\xbb\xbf" + rows)
    assert [label.caption for label in labels] == ["泵 & 阀", "泵 & 阀", ""]
    assert read_labels(rows.decode().encode("gb18030")) == labels
    seen: list[tuple[int, int]] = []
    layout = SheetLayout(columns=2, rows=1, frames=True)
    pdf = pdf_sheet(labels, layout, progress=lambda done, of: seen.append((done, of)))
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") == 2
    assert seen == [(1, 3), (2, 3), (3, 3)]
    svg = svg_sheet(labels, layout).decode()
    assert "泵 &amp; 阀" in svg
    assert 'height="594mm"' in svg


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"", None),
        (b"text\n", None),
        (b"text,symbology\na,aztec\n", 2),
        (b"text,copies\na,-1\n", 2),
        (b"text,copies\na,9999999999\n", 2),
        (b"text,copies\na,000001000000\n", 2),
        (b"text,copies\na,0000\n", 2),
        (b"text,copies\na,5001\n", 2),
        (b"text,caption\n,x\n", 2),
        (b"text,copies\na,5000\nb,2\n", 3),
        (b"\xff\xfe", None),
    ],
)
def test_a_list_that_cannot_be_printed_says_why(content: bytes, row: int | None) -> None:
    with pytest.raises(Invalid) as raised:
        read_labels(content)
    assert raised.value.code == "identity.labels_refused"
    assert raised.value.detail["row"] == row


def test_a_sheet_names_the_label_that_cannot_be_written() -> None:
    with pytest.raises(Invalid, match="Row 2"):
        pdf_sheet([Label(text="a"), Label(text="中", symbology="code_128")], SheetLayout())


def test_a_sheet_of_large_symbols_is_refused_before_it_takes_minutes() -> None:
    with pytest.raises(Invalid, match="several sheets"):
        svg_sheet([Label(text="y" * 2300)] * 5000, SheetLayout(columns=1, rows=1))


# --- RFID ------------------------------------------------------------------------------------------------------------


def test_the_crc_is_that_of_gen2() -> None:
    assert crc16(b"123456789") == 0xD64E  # the published check value of CRC-16/GENIBUS, which is Gen2's


def test_an_epc_is_laid_into_its_bank_and_read_back() -> None:
    bank = epc_bank("30 74 25 7B F7 19 4E 40 00 00 1A 85")
    assert bank.words == 6
    assert bank.pc_hex == "3000"  # what tags with 96-bit EPCs carry
    again = read_epc_bank(bank.dump_hex + "0000")
    assert again == bank
    iso = epc_bank("ABCDE", iso=True, attributes=0xA1, user_memory=True)
    assert (iso.epc_hex, iso.iso, iso.attributes, iso.user_memory) == ("ABCDE000", True, 0xA1, True)


@given(st.binary(min_size=1, max_size=62), st.booleans(), st.integers(0, 255), st.integers(0, 511))
def test_every_flipped_bit_of_a_bank_is_noticed(epc: bytes, iso: bool, attributes: int, bit: int) -> None:
    bank = epc_bank(epc.hex(), iso=iso, attributes=attributes)
    assert bank.epc_hex.startswith(epc.hex().upper())
    octets = bytearray.fromhex(bank.dump_hex)
    at = bit % (8 * len(octets))
    octets[at // 8] ^= 0x80 >> at % 8
    with pytest.raises(Corrupt):
        read_epc_bank(octets.hex())


@given(st.text(max_size=40))
def test_any_dump_is_read_or_refused(dump: str) -> None:
    with contextlib.suppress(Corrupt):
        read_epc_bank(dump)
    with contextlib.suppress(Invalid):
        epc_bank(dump)
