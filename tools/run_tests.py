"""Run every test: first, several at a time, those that stand company; then one after the other those marked ``alone``.

With arguments it is pytest with these arguments. Prints the sum of both parts last.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

MOST_WORKERS = 4
"""More would start more servers, browsers and nodes at a time than their time-outs allow for."""

WORKERS = str(min(os.cpu_count() or 1, MOST_WORKERS))
PARTS = (
    # In the order of collection: it is of use, see tests/conftest.py.
    ("not alone", ("-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")),
    ("alone", ()),
)
NO_TESTS = 5
"""What pytest ends with when it found no test."""


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest, showing what it prints; returns its exit code and its closing line."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    closing = ""
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
            line = ""
    return process.returncode, closing


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 when nothing failed and something ran."""
    if arguments:
        return run(arguments)[0]
    began_s = time.monotonic()
    counts: Counter[str] = Counter()
    codes = []
    for marked, options in PARTS:
        code, closing = run(["-m", marked, *options])
        codes.append(code)
        for count, what in re.findall(r"(\d+) (passed|failed|skipped|error)", closing):
            counts[what] += int(count)
    failed = counts["failed"] + counts["error"]
    took_s = time.monotonic() - began_s
    print(f"{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped in {took_s:.2f}s")
    if counts["passed"] == 0:
        return NO_TESTS
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
