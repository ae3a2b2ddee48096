"""Element strings, scans and Digital Links against GS1's own syntax engine: same verdict, same data, same link."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from millwright.identity.codes.gs1.digital_link import write_link
from millwright.identity.codes.gs1.elements import check_together, write_bracketed
from millwright.identity.codes.gs1.system import read
from millwright.identity.codes.gs1.table import table
from millwright.kernel import Invalid
from support.gs1_engine import VARIABLE, SyntaxEngine, Verdict, syntax_engine
from support.gs1_samples import Samples

ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
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
    scheme = text.partition(":")[0]
    if theirs.data is None and scheme.lower().startswith("http") and scheme not in (scheme.lower(), scheme.upper()):
        return "a scheme in mixed case, which RFC 3986 calls the same"
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


def test_their_own_vectors(engine: SyntaxEngine) -> None:
    """Every text in the sources of the engine's own tests that looks like a code."""
    sources = sorted(Path(os.environ[VARIABLE]).resolve().parents[1].glob("*.c"))
    if not sources:
        pytest.skip("the engine's sources are not beside its library")
    literals = {text for path in sources for text in LITERAL.findall(path.read_text(encoding="utf-8"))}
    counts = Counter[str]()
    for literal in sorted(literals):
        text = ESCAPE.sub(lambda found: chr(int(found[1][1:], 16)) if len(found[1]) > 1 else found[1], literal)
        if (
            "|" in text
            or "\0" in text
            or not text.isascii()
            or re.search(r"https?://[^?#]*/(?:gtin|sscc|lot|ser)/", text)
        ):
            continue  # Composite symbols in one text are the engine's own notation; it no longer reads aliases.
        if text.startswith("("):
            compare(engine, text, engine.bracketed(text), counts)
        elif text.startswith("^") or text.lower().startswith("http"):
            compare(engine, text, engine.data(text), counts)
        elif re.match("](?:C1|e0|d2|Q3|J1)", text):
            compare(engine, text, engine.scan(text), counts)
    sys.stdout.write(f"{dict(counts)}\n")
    assert counts["accepted"] > 100
    assert counts["refused"] > 100


def test_table_is_that_of_their_dictionary() -> None:
    """Formats, flags, keys with qualifiers, and pairs of every identifier in the dictionary beside the engine."""
    path = Path(os.environ.get(VARIABLE, "-")).resolve().parents[0].parent / "gs1-syntax-dictionary.txt"
    if not path.is_file():
        pytest.skip(f"there is no gs1-syntax-dictionary.txt in the folder above the one of {VARIABLE}")
    known, seen = table().by_ai, set()
    names = {"gcppos1": "gcp", "gcppos2": "gcp1"}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line[:1].isdigit():
            continue
        ais, *words = line.partition("#")[0].split()
        first, _, last = ais.partition("-")
        flags = words[0] if words[0][0] in "*?" else ""
        formats = [re.fullmatch(r"(\[?)([NXYZ])(\.\.)?(\d+)\]?((?:,\w+)*)", word) for word in words]
        components = [
            (
                one[2],
                1 if one[3] else int(one[4]),
                int(one[4]),
                bool(one[1]),
                tuple(names.get(name, name) for name in one[5].split(",")[1:]),
            )
            for one in formats
            if one
        ]
        needs = [word[4:] for word in words if word.startswith("req=")]
        keys = [word[7:] for word in words if word.startswith("dlpkey=")]
        for number in range(int(first), int(last or first) + 1):
            entry = known[str(number).zfill(len(first))]
            seen.add(entry.ai)
            assert [tuple(one) for one in entry.components] == components, entry.ai
            assert (entry.fixed, entry.attribute) == ("*" in flags, "?" in flags), entry.ai
            assert entry.key == any(word.startswith("dlpkey") for word in words), entry.ai
            assert [need.text for need in entry.needs] == needs, entry.ai
            assert entry.qualifiers == {ai for key in keys for part in key.split("|") for ai in part.split(",")}, (
                entry.ai
            )
    assert seen == set(known)


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
