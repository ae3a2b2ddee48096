"""Write the demo plant's recordings from the published data sets.

    python tools/make_recordings.py TEP_FOLDER STEEL_CSV

``TEP_FOLDER`` holds ``d00_te.dat`` and ``d06_te.dat``; ``STEEL_CSV`` is "Steel Industry Energy Consumption" (UCI 851).
The result is the same for the same input, so it can be checked.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterable
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src" / "millwright" / "plant" / "recordings"
TEP = [f"xmeas_{n}" for n in range(1, 42)] + [f"xmv_{n}" for n in range(1, 12)]
STEEL = (
    "active_energy",
    "reactive_energy_lagging",
    "reactive_energy_leading",
    "co2",
    "power_factor_lagging",
    "power_factor_leading",
)


def main(tep: Path, steel: Path) -> None:
    """Write all three."""
    for name in ("d00_te", "d06_te"):
        rows = [line.split() for line in (tep / f"{name}.dat").read_text().splitlines() if line.strip()]
        _write(TARGET / f"tep_{name}.csv.gz", TEP, ([_short(v) for v in row] for row in rows))
    with steel.open(newline="", encoding="utf-8-sig") as file:
        table = csv.reader(file)
        next(table)
        rows = [[_short(v) for v in row[1:7]] + [row[10]] for row in table]
    _write(TARGET / "steel.csv.gz", [*STEEL, "load_type"], rows)


def _short(text: str) -> str:
    return f"{float(text):.7g}"


def _write(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
