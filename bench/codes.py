"""How fast identifiers are parsed, checked and converted, one core.

    python bench/codes.py [--seconds 1] [--profile]

A hundred different codes of each form, over and over. CPU seconds count, not wall time, so that a busy machine does not
change the figures.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable

from millwright.identity.codes import Code, epc, gs1
from millwright.identity.codes.gs1.check_digits import check_digit

GTINS = [digits + check_digit(digits) for digits in (f"09521234{number:05}" for number in range(100))]
BRACKETED = [f"(01){gtin}(10)LOT{gtin[-6:]}(17)271231(21)S{gtin[-4:]}" for gtin in GTINS]
TRANSMITTED = [f"]C101{gtin}1727123110LOT{gtin[-6:]}\x1d21S{gtin[-4:]}" for gtin in GTINS]
LINKS = [f"https://id.gs1.org/01/{gtin}/10/LOT{gtin[-6:]}/21/S{gtin[-4:]}?17=271231" for gtin in GTINS]
PLAIN_LINKS = [f"https://id.gs1.org/01/{gtin}" for gtin in GTINS]
SGTINS = [f"urn:epc:id:sgtin:0614141.8{number:05}.{number * 7}" for number in range(100)]


def per_second(work: Callable[[str], object], texts: list[str], seconds: float) -> float:
    """How many of ``texts`` are worked on in a second of CPU time."""
    for text in texts:
        work(text)
    started, done = time.process_time(), 0
    while (spent := time.process_time() - started) < seconds:
        for text in texts:
            work(text)
        done += len(texts)
    return done / spent


def converted(parse: Callable[[str], Code], write: Callable[[Code], str], texts: list[str]) -> list[str]:
    return [write(parse(text)) for text in texts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    tag = epc.SYSTEM.conversions["epc_hex"]
    compressed = gs1.SYSTEM.conversions["digital_link_compressed"]
    cases: tuple[tuple[str, Callable[[str], object], list[str]], ...] = (
        ("GTIN-14 by itself", gs1.parse, GTINS),
        ("element string, four elements", gs1.parse, BRACKETED),
        ("GS1-128 scan, four elements", gs1.parse, TRANSMITTED),
        ("Digital Link, GTIN", gs1.parse, PLAIN_LINKS),
        ("Digital Link, four elements", gs1.parse, LINKS),
        ("compressed Digital Link, four elements", gs1.parse, converted(gs1.parse, compressed, LINKS)),
        ("EPC pure identity (SGTIN)", epc.parse, SGTINS),
        ("EPC in hexadecimal (SGTIN-96)", epc.parse, converted(epc.parse, tag, SGTINS)),
        ("EPC pure identity to hexadecimal", lambda text: tag(epc.parse(text)), SGTINS),
    )
    for name, work, texts in cases:
        rate = per_second(work, texts, options.seconds)
        print(f"{name:40} {rate:10,.0f} /s a core   {1e6 / rate:6.1f} us")
    if options.profile:
        profile = cProfile.Profile()
        profile.enable()
        per_second(gs1.parse, LINKS, options.seconds)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
