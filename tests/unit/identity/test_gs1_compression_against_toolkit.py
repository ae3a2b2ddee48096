"""Compressed Digital Links against GS1's own toolkit in JavaScript, which is the reference of the standard's text.

``MILLWRIGHT_TEST_GS1_DIGITAL_LINK_TOOLKIT`` names ``src/GS1DigitalLinkToolkit.js`` of gs1/GS1DigitalLinkToolkit.js.

The toolkit computes with floating-point numbers and loses digits beyond the fifteenth and leading zeros of numeric
serials; it reads an absent number as a zero, and writes the bits before a second component twice. What meets these is
not compared.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from millwright.identity.codes import gs1
from millwright.identity.codes.gs1.compression import OPTIMISATIONS, compress, fields_of
from millwright.identity.codes.gs1.digital_link import write_link
from millwright.identity.codes.gs1.elements import write_bracketed
from support.gs1_samples import Samples

VARIABLE = "MILLWRIGHT_TEST_GS1_DIGITAL_LINK_TOOLKIT"
CASES = int(os.environ.get("MILLWRIGHT_TEST_GS1_CASES", "8000")) // 2
PROGRAM = """
const Toolkit = require(process.argv[1]);
const toolkit = new Toolkit();
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const told = asked.map(([link, compressed]) => {
  const answer = {};
  try { answer.compressed = toolkit.compressGS1DigitalLink(link, false, "https://id.gs1.org", false, true, false); }
  catch (error) { answer.refused = String(error); }
  try { answer.pairs = toolkit.extractFromCompressedGS1digitalLink(compressed).GS1; }
  catch (error) { answer.unread = String(error); }
  return answer;
});
console.log(JSON.stringify(told));
"""
_TOGETHER = (
    "01|01 21|01 10|01 22|01 22 10 21|01 17|01 11|01 15|01 16|01 10 15|01 10 17 21|01 7003|01 30|01 91|01 3103|01 3202"
    "|01 3922 3103|8010 8011|414 254|414|255 3901|01 10 21 17 3105 240 251|01 21 7003 422|01 10 98 99"
)
TOGETHER = _TOGETHER.split("|")


def plain(ai: str, value: str) -> bool:
    """Whether their numbers can hold it: no more than fifteen digits, none lost in front."""
    at = 0
    for field in fields_of(ai):
        piece = value[at : at + field.most]
        at += field.most
        if field.digits and not piece:
            return False
        if piece.isdigit() and not (field.fixed and field.digits) and (len(piece) > 15 or piece[0] == "0"):
            return False
    return True


def test_both_read_what_the_other_writes() -> None:
    path = os.environ.get(VARIABLE, "")
    node = shutil.which("node")
    if not Path(path).is_file() or node is None:
        pytest.skip(f"{VARIABLE} does not name the toolkit, or there is no node to run it")
    samples, asked, mine = Samples(3, wrong=0), [], []
    while len(asked) < CASES:
        ais = samples.rng.choice(TOGETHER).split()
        pairs = {ai: samples.value(samples.by_ai[ai]) for ai in ais}
        if not all(plain(ai, value) for ai, value in pairs.items()):
            continue
        elements = gs1.read("".join(f"({ai})" + value.replace("(", "\\(") for ai, value in pairs.items()))[0]
        link = write_link(elements)
        assert link is not None
        compressed = f"https://id.gs1.org/{compress(pairs)}"
        asked.append((link, compressed))
        mine.append(pairs)
    done = subprocess.run(
        [node, "-e", PROGRAM, path], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=100
    )
    counts = Counter[str]()
    for (link, compressed), pairs, answer in zip(asked, mine, json.loads(done.stdout), strict=True):
        assert answer.get("pairs") == pairs, f"{link} {compressed} {answer}"
        counts["ours, read by them"] += 1
        if "compressed" not in answer:
            counts["they refuse the link"] += 1
            continue
        elements, _ = gs1.read(answer["compressed"])
        assert {one.entry.ai: one.value for one in elements} == pairs, f"{write_bracketed(elements)} {answer}"
        counts["theirs, read by us"] += 1
        counts["the same text" if answer["compressed"] == compressed else "another text"] += 1
    sys.stdout.write(f"{dict(counts)}\n")
    assert counts["the same text"] > CASES / 2
    assert counts["they refuse the link"] < CASES / 4


def test_optimisation_codes_name_known_identifiers() -> None:
    known = Samples(0).by_ai
    assert all(ai in known for ais in OPTIMISATIONS.values() for ai in ais)
