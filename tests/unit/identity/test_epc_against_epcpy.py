"""EPC encodings against epcpy, an independent implementation: tag URIs, tag memory, GS1 element strings.

``MILLWRIGHT_TEST_EPCPY`` names a folder into which it was installed: ``pip install --target FOLDER epcpy``.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from millwright.identity.codes.epc.conversion import elements_from, pairs_of
from millwright.identity.codes.epc.tags import ENCODINGS, read_hex, read_tag_uri, tag_of
from millwright.identity.codes.gs1.elements import write_bracketed
from millwright.kernel import Unsupported
from support.epc_samples import every_scheme, identity

VARIABLE = "MILLWRIGHT_TEST_EPCPY"
EACH = int(os.environ.get("MILLWRIGHT_TEST_EPC_CASES", "300"))


@pytest.fixture(scope="module")
def schemes() -> dict[str, Any]:
    """Their class and its filter values, by the scheme's name."""
    folder = os.environ.get(VARIABLE, "")
    if not (Path(folder) / "epcpy").is_dir():
        pytest.skip(f"{VARIABLE} does not name a folder that holds epcpy")
    sys.path.append(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = {}
            for scheme in every_scheme():
                module = importlib.import_module(f"epcpy.epc_schemes.{scheme.name}")
                upper = scheme.name.upper()
                found[scheme.name] = (getattr(module, upper), getattr(module, f"{upper}FilterValue", None))
            return found
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize("scheme", every_scheme(), ids=lambda scheme: scheme.name)
def test_same_tags_and_element_strings(schemes: dict[str, Any], scheme: Any) -> None:
    theirs_of, filters = schemes[scheme.name]
    rng, counts = random.Random(scheme.name), Counter[str]()
    encodings = [one for one in ENCODINGS.values() if one.scheme is scheme]
    for _ in range(EACH):
        mine = identity(rng, scheme)
        theirs = they_read(theirs_of, mine.uri())
        body = mine.uri().split(":", 4)[4]
        if theirs is None or ":" in body:
            # They end a serial number at a colon, refuse some escapes and count an escape as three characters.
            assert ":" in body or "%" in body, mine.uri()
            counts["their faults"] += 1
            continue
        counts["identities"] += 1
        if hasattr(theirs, "gs1_element_string") and scheme.key:
            written = write_bracketed(elements_from(pairs_of(mine))).replace("\\(", "(")
            if scheme.name == "sgln" and mine.values[2] == "0":
                # Clause 7.4: the extension 0 says that there is none.
                written += "(254)0"
            assert theirs.gs1_element_string() == written
            counts["element strings"] += 1
        for encoding in encodings:
            if scheme.name == "itip" and "99" in mine.values[2:4]:
                counts["their faults"] += 1  # They take two digits to be less than 99.
                continue
            value = rng.randrange(8)
            arguments: dict[str, Any] = {
                "binary_coding_scheme": theirs_of.BinaryCodingScheme(encoding.name),
                **({"filter_value": filters(str(value))} if filters else {}),
            }
            try:
                tag = tag_of(mine, encoding.name, value)
            except Unsupported:
                assert not they_encode(theirs, arguments), f"{mine.uri()} as {encoding.name}"
                counts["encodings both refuse"] += 1
                continue
            assert theirs.tag_uri(**arguments) == tag.uri()
            assert theirs.binary(**arguments).rstrip("0") == tag.bits().rstrip("0")
            assert read_hex(tag.hex()).uri() == read_tag_uri(tag.uri()).uri() == tag.uri()
            counts["encodings"] += 1
    sys.stdout.write(f"{scheme.name}: {dict(counts)}\n")
    assert counts["identities"] > EACH / 2


def they_encode(theirs: Any, arguments: dict[str, Any]) -> bool:
    try:
        theirs.tag_uri(**arguments)
        return len(theirs.binary(**arguments)) > 0
    except Exception:
        return False


def they_read(theirs_of: Any, uri: str) -> Any:
    try:
        return theirs_of(uri)
    except Exception:
        return None
