"""What holds for every GS1 code and EPC: it is read as it was written, and any text is read or refused."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.codes import Code, epc, gs1
from millwright.identity.codes.epc.conversion import elements_from, from_elements, pairs_of
from millwright.identity.codes.epc.plus import read_plus, write_plus
from millwright.identity.codes.epc.schemes import Scheme
from millwright.identity.codes.epc.tags import ENCODINGS, read_hex, read_tag_uri, tag_of
from millwright.identity.codes.gs1.compression import compress, decompress
from millwright.identity.codes.gs1.elements import (
    check_together,
    read_bracketed,
    read_transmitted,
    write_bracketed,
    write_transmitted,
)
from millwright.identity.codes.model import System
from millwright.kernel import Invalid, Unsupported
from support.epc_samples import every_scheme, identity
from support.gs1_samples import Samples

SEEDS = st.integers(0, 2**32)
RIGHT = settings(max_examples=300, deadline=None)
PLUS = ("01 21", "01 21 17", "00", "414", "414 254", "8017", "8018", "8004", "8010 8011", "8006 21")
ALPHABET = "()^\x1d]\\/?&=#%.:*+-_0123456789ABCFabcdefghilnoprstuvz中é٣²"
STARTS = (
    "", "(", "(01)", "(01)09521234543213(", "^", "^01", "]C1", "]Q1", "]E0", "https://", "https://id.gs1.org/01/",
    "https://id.gs1.org/", "https://id.gs1.org/01/09521234543213?", "urn:epc:", "urn:epc:id:sgtin:0614141.",
    "urn:epc:idpat:", "urn:epc:class:lgtin:", "urn:epc:tag:sgtin-96:", "30", "36", "3B", "3D", "38", "3F", "41", "F7",
    "FB", "FA", "F0", "F2", "F8",
)  # fmt: skip


def valid_elements(seed: int) -> list[tuple[str, str]]:
    """Elements that may stand together."""
    samples = Samples(seed, wrong=0)
    while True:
        found = samples.elements()
        with contextlib.suppress(Invalid):
            elements = read_bracketed(samples.bracketed(found))
            check_together("", elements)
            return found


@RIGHT
@given(SEEDS)
def test_elements_are_read_as_written(seed: int) -> None:
    elements = read_bracketed(Samples(seed).bracketed(valid_elements(seed)))
    said = [one[:2] for one in elements]
    assert [one[:2] for one in read_bracketed(write_bracketed(elements))] == said
    assert [one[:2] for one in read_transmitted(write_transmitted(elements), 0)] == said


@RIGHT
@given(SEEDS)
def test_every_form_of_a_code_is_the_same_code(seed: int) -> None:
    code = gs1.parse(Samples(seed).bracketed(valid_elements(seed)))
    assert gs1.parse(code.canonical).canonical == code.canonical
    for name, write in gs1.SYSTEM.conversions.items():
        with contextlib.suppress(Unsupported):
            text = write(code)
            again = epc.parse(text) if name == "epc_hex" else gs1.parse(text)
            assert again.canonical == code.canonical, (name, text)


@RIGHT
@given(SEEDS)
def test_what_is_compressed_is_decompressed(seed: int) -> None:
    pairs = dict(valid_elements(seed))
    text = compress(pairs, {"k-1": "v/1", "n": "007"})
    assert decompress(text, 0, len(text)) == (pairs, {"k-1": "v/1", "n": "007"})


@RIGHT
@given(SEEDS, st.sampled_from(every_scheme()))
def test_identities_are_read_as_written(seed: int, scheme: Scheme) -> None:
    made = identity(random.Random(seed), scheme)
    code = epc.parse(made.uri())
    assert (code.kind, code.canonical) == (scheme.name, made.uri())
    assert tuple(part.value for part in code.parts) == made.values
    if scheme.key:
        assert from_elements(elements_from(pairs_of(made)), len(made.values[0])).uri() == made.uri()
    for encoding in ENCODINGS.values():
        if encoding.scheme is scheme:
            with contextlib.suppress(Unsupported):
                tag = tag_of(made, encoding.name, seed % 8)
                assert read_hex(tag.hex()).uri() == read_tag_uri(tag.uri()).uri() == tag.uri()
                assert epc.SYSTEM.conversions["epc_hex"](epc.parse(tag.uri())) == tag.hex()


@RIGHT
@given(SEEDS)
def test_plus_tags_are_read_as_written(seed: int) -> None:
    samples = Samples(seed, wrong=0)
    ais = samples.rng.choice(
        ("01 21", "01 21 17", "00", "414", "414 254", "8017", "8018", "8004", "8010 8011", "8006 21")
    )
    pairs = {ai: samples.value(samples.by_ai[ai]) for ai in ais.split()}
    tag = read_plus(write_plus(pairs, 5))
    expected = {ai: value for ai, value in pairs.items() if (ai, value) != ("254", "0")}
    assert (tag.pairs, tag.filter) == (expected, 5)


def read_or_refused(system: System, text: str) -> Code | None:
    code, refusal = None, None
    try:
        code = system.parse(text)
    except Invalid as error:
        refusal = error
    if refusal is not None:
        assert refusal.code == "identity.code_invalid"
        assert 0 <= refusal.detail["at"] <= len(text)
        assert refusal.detail["why_zh"]
    return code


@pytest.mark.parametrize("system", [gs1.SYSTEM, epc.SYSTEM], ids=lambda one: one.name)
@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(STARTS), st.text(ALPHABET, max_size=60) | st.text(max_size=30) | st.text("0123456789ABCDEF"))
def test_any_text_is_read_or_refused(system: System, start: str, rest: str) -> None:
    text = start + rest
    system.likely(text)
    code = read_or_refused(system, text)
    if code is None:
        return
    assert isinstance(code, Code)
    assert code.canonical
    for write in system.conversions.values():
        with contextlib.suppress(Unsupported):
            assert write(code)


@settings(max_examples=500, deadline=None)
@given(SEEDS, st.data())
def test_spoilt_codes_are_read_or_refused(seed: int, data: st.DataObject) -> None:
    samples = Samples(seed)
    elements = samples.elements()
    text = data.draw(
        st.sampled_from([samples.bracketed(elements), samples.transmitted(elements), samples.link(elements)])
    )
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.text(ALPHABET, max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        code = gs1.parse(text)
    except Invalid:
        return
    assert gs1.parse(code.canonical).canonical == code.canonical
