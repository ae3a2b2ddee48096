"""Element strings, scans and Digital Links against GS1's own syntax engine: same verdict, same data, same link."""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter

import pytest

from millwright.identity.codes.gs1.digital_link import write_link
from millwright.identity.codes.gs1.elements import check_together, write_bracketed
from millwright.identity.codes.gs1.system import read
from millwright.kernel import Invalid
from support.gs1_engine import SyntaxEngine, Verdict, syntax_engine
from support.gs1_samples import Samples

CASES = int(os.environ.get("MILLWRIGHT_TEST_GS1_CASES", "8000"))


@pytest.fixture(scope="module")
def engine() -> SyntaxEngine:
    return syntax_engine()


def ours(text: str) -> Verdict:
    try:
        elements, _ = read(text)
        check_together(text, elements)
    except Invalid as error:
        return Verdict(None, None, str(error))
    return Verdict(write_bracketed(elements), write_link(elements), "")


def known_difference(engine: SyntaxEngine, text: str, theirs: Verdict, mine: Verdict) -> str:
    """Why the two differ where the standard is on our side; nothing where they should not differ."""
    if mine.data is None and "%" in text and "RFC 3986" in mine.why:
        return "a percent sign that no two hexadecimal digits follow, which RFC 3986 forbids"
    if theirs.data == mine.data and theirs.link is None and mine.link and engine.data(mine.link).data is not None:
        return "a Digital Link that leaves nothing out, found by another key or other qualifiers than the first"
    return ""


def compare(engine: SyntaxEngine, text: str, theirs: Verdict, counts: Counter[str]) -> None:
    mine = ours(text)
    counts["accepted" if theirs.data is not None else "refused"] += 1
    if theirs[:2] != mine[:2]:
        reason = known_difference(engine, text, theirs, mine)
        assert reason, f"{text}\n  theirs {theirs}\n  ours {mine}"
        counts[reason] += 1


@pytest.mark.parametrize("seed", range(3))
def test_generated_texts(engine: SyntaxEngine, seed: int) -> None:
    samples, counts = Samples(seed), Counter[str]()
    for _ in range(CASES):
        elements = samples.elements()
        text = samples.spoilt(samples.bracketed(elements))
        if text.startswith("(") and "|" not in text:
            compare(engine, text, engine.bracketed(text), counts)
        text = samples.spoilt(samples.transmitted(elements))
        if text.startswith("^") and "|" not in text:
            compare(engine, text, engine.data(text), counts)
        text = samples.spoilt(samples.link(elements))
        if text[:4].lower() == "http":
            compare(engine, text, engine.data(text), counts)
    summary = ", ".join(f"{count} {what}" for what, count in counts.items())
    sys.stdout.write(f"seed {seed}: {summary}\n")
    assert counts["accepted"] > CASES / 2
    assert counts["refused"] > CASES / 2


def test_scans(engine: SyntaxEngine) -> None:
    samples, counts = Samples(9), Counter[str]()
    for _ in range(CASES // 4):
        text = samples.spoilt(samples.transmitted(samples.elements())[1:].replace("^", "\x1d"))
        text = samples.rng.choice(("]C1", "]e0", "]d2", "]Q3", "]J1")) + text.replace("^", "!")
        compare(engine, text, engine.scan(text), counts)
        text = samples.rng.choice(("]Q1", "]d1")) + samples.link(samples.elements())
        compare(engine, text, engine.scan(text), counts)
    assert min(counts["accepted"], counts["refused"]) > CASES / 16


def test_every_code_of_the_lists(engine: SyntaxEngine) -> None:
    counts = Counter[str]()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    alphabet = letters + "0123456789"
    packages = ("".join(one) for length in (1, 2, 3) for one in itertools.product(alphabet, repeat=length))
    texts = itertools.chain(
        (f"(422){number:03}(01)09521234543213" for number in range(1000)),
        (f"(7030){number:03}X(01)09521234543213" for number in range(1000)),
        (f"(3910){number:03}1(415)9521234543213(8020)X" for number in range(1000)),
        (f"(7241){number:02}(8017)095212345432100003" for number in range(100)),
        (f"(4307){a}{b}(00)095212345432100003" for a in letters for b in letters),
        (f"(7041){one}(00)095212345432100003" for one in packages),
    )
    for text in texts:
        compare(engine, text, engine.bracketed(text), counts)
    assert counts.total() == 1000 * 3 + 100 + 26**2 + 36 + 36**2 + 36**3
    assert counts["accepted"] > 1000


def test_every_identifier_by_itself_and_in_pairs(engine: SyntaxEngine) -> None:
    samples, counts = Samples(5, wrong=0), Counter[str]()
    values = {ai: samples.value(entry) for ai, entry in samples.by_ai.items()}
    for ai in values:
        for other in ("", *samples.rng.sample(list(values), 50), "01", "00", "02", "255", "8020", "8006", "8018"):
            text = f"({ai}){values[ai]}" + (f"({other}){values[other]}" if other else "")
            compare(engine, text.replace("\\", ""), engine.bracketed(text), counts)
    assert counts["accepted"] > 900


def test_base64_padding_is_the_standards_not_the_engines(engine: SyntaxEngine) -> None:
    """RFC 4648 fills groups of four characters; the engine asks for a length that three divides."""
    key = "(00)095212345432100003"
    assert ours(f"{key}(8030)QUI=").data
    assert engine.bracketed(f"{key}(8030)QUI=").data is None
    assert ours(f"{key}(8030)QUIAB=").data is None
    assert engine.bracketed(f"{key}(8030)QUIAB=").data
