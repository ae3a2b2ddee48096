"""Run every test: several at a time, first those of parts, then of whole nodes; then one by one those marked ``alone``.

Few failures are tried once more by themselves, and told: see docs/decisions/0051. With arguments it is pytest with
these arguments. Prints the sum of it all last.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

MOST_WORKERS = 4
"""More would start more servers, browsers and nodes at a time than their time-outs allow for."""

MOST_AGAIN = 3
"""So many failures may be the machine's doing; more are the code's."""

CORES = os.cpu_count() or 1
TOGETHER = ("-m", "not alone", "--dist", "loadfile")
# Parts wait a third of their time, so there is one worker more than there are cores; a node is five processes and more.
PART_WORKERS, NODE_WORKERS = (("-n", str(min(most, MOST_WORKERS))) for most in (CORES + 1, CORES))
PARTS = (
    # In the order of collection: it is of use, see tests/conftest.py.
    ("--cache-clear", "--ignore=tests/e2e", *TOGETHER, *PART_WORKERS, "--no-loadscope-reorder"),
    ("tests/e2e", *TOGETHER, *NODE_WORKERS),
)
AGAIN = ("--last-failed", "--last-failed-no-failures", "none")
NO_TESTS = 5
"""What pytest ends with when it found no test."""
FAILURES = 1
"""What pytest ends with when tests failed and nothing else went wrong."""


def alone() -> list[str]:
    """Options for those to run one by one, with their files: to collect all tests takes longer than most of these."""
    files = [path for path in sorted(Path("tests").rglob("test_*.py")) if "mark.alone" in path.read_text("utf-8")]
    return ["-m", "alone", *map(str, files)]


def run(arguments: Sequence[str]) -> tuple[int, str, list[str]]:
    """Run pytest, showing what it prints; returns its exit code, its closing line and the tests that failed."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    closing, failed = "", []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=0) as process:
        assert process.stdout is not None
        line = ""
        while char := process.stdout.read(1):
            sys.stdout.write(char)
            sys.stdout.flush()
            if char != "\n":
                line += char
                continue
            if re.search(r"\d+ (passed|failed|error|skipped).* in [\d.]+s", line):
                closing = line
            elif found := re.match(r"(?:FAILED|ERROR) (tests/.+?)(?: - |$)", line):
                failed.append(found[1])
            line = ""
    return process.returncode, closing, failed


def count(closing: str) -> Counter[str]:
    """What a closing line counts; an error in setting a test up is a failure."""
    found: Counter[str] = Counter()
    for number, what in re.findall(r"(\d+) (passed|failed|skipped|error)", closing):
        found["failed" if what == "error" else what] += int(number)
    return found


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 when nothing failed, or not again, and something ran."""
    if arguments:
        return run(arguments)[0]
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    codes, failed = [], []
    for options in (*PARTS, alone()):
        code, closing, names = run(options)
        codes.append(code)
        counts += count(closing)
        failed += names
    steady = ""
    if FAILURES in codes and set(codes) <= {0, FAILURES} and counts["failed"] <= MOST_AGAIN:
        print(f"\n{counts['failed']} failed and are tried once more by themselves.", flush=True)
        code, closing, again = run(AGAIN)
        codes = [code]
        counts["failed"] = count(closing)["failed"]
        passed = count(closing)["passed"]
        counts["passed"] += passed
        steady = f", {passed} of these only when tried again"
        print("\nNOT STEADY, passed only when tried again, each of them to be mended:")
        for name in sorted(set(failed) - set(again)):
            print(f"  {name}")
    took_s = time.monotonic() - began_s
    print(f"{counts['passed']} passed{steady}, {counts['failed']} failed, {counts['skipped']} skipped in {took_s:.2f}s")
    if counts["passed"] == 0:
        return NO_TESTS
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
