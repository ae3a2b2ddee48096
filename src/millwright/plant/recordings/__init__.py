"""The recorded data, read from the compressed files beside this one; see ``README.md`` for sources and licences."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Recording:
    """Rows at an even spacing of ``step_s`` seconds."""

    columns: list[str]
    rows: list[list[str]]
    step_s: int

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> dict[str, str]:
        """Column → text of one row; the recording repeats for ever."""
        return dict(zip(self.columns, self.rows[index % len(self.rows)], strict=True))


def load(name: str, step_s: int) -> Recording:
    """The recording ``<name>.csv.gz``."""
    data = resources.files(__name__).joinpath(f"{name}.csv.gz").read_bytes()
    columns, *rows = csv.reader(io.StringIO(gzip.decompress(data).decode("utf-8")))
    return Recording(columns, rows, step_s)
