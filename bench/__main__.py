"""Runs benchmarks one after another: ``python -m bench [NAME …]``; without names, all that need no other software.

Each is also a program of its own with options: ``python bench/NAME.py --help``. The figures are of this machine while
nothing else runs on it.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_BY_THEMSELVES = {"__main__", "generator", "peers", "peers_mqtt", "processes"}
"""The load generator and the starting of processes belong to others; the peers must be installed first."""


def main() -> int:
    """Run them; returns 1 when one failed."""
    found = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem not in NOT_BY_THEMSELVES}
    listed = "\n".join(f"  {name:<18} {_first_line(path)}" for name, path in found.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__}\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *found], metavar="NAME")
    failed = []
    for name in parser.parse_args().names or found:
        print(f"=== {name}: {_first_line(found[name])}", flush=True)
        if subprocess.run([sys.executable, found[name]], cwd=FOLDER.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n", 1)[0]


if __name__ == "__main__":
    sys.exit(main())
