"""Two machines with the same data folder: a copy of an edge, or the disk of one in another.

Both would speak with one key of one stream that was the same until it was copied, and from then on each has other
frames under the same numbers: of two frames the parent would keep one, and both would believe theirs was stored. So the
edge says which running machine and folder it is, and the parent hears one at a time; who came first goes on, the other
is refused until that one has been silent for a while, and both are told.
"""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Final

from millwright.devices.edge.joining import FILE
from millwright.kernel import Conflict

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
SILENT_S: Final = 10.0
"""After so long another machine may take over; an edge speaks every two seconds."""
_TOLD_S: Final = 30.0


def machine_of(folder: Path) -> str:
    """A name for this start of this machine and this folder; a copy of the folder has another."""
    boot = _BOOT.read_text() if _BOOT.exists() else str(uuid.getnode())
    found = (folder / FILE).stat()
    return hashlib.sha256(f"{boot.strip()} {found.st_dev} {found.st_ino}".encode()).hexdigest()[:16]


class Machines:
    """At the parent: which machine speaks for each edge."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[str, float]] = {}
        self._refused: dict[str, float] = {}

    def hear(self, edge_id: str, machine: str, now_s: float) -> None:
        """Raises ``Conflict`` (``devices.edge_cloned``) for a second machine. Versions that say none are let be."""
        if not machine:
            return
        before, at_s = self._heard.get(edge_id, (machine, now_s))
        if before != machine and now_s - at_s < SILENT_S:
            self._refused[edge_id] = now_s
            raise Conflict(
                "Another machine speaks as this edge.",
                code="devices.edge_cloned",
                hint="This folder is a copy of that of an edge that runs. Remove edge.json and the folder nats from "
                "the copy, and let it join as an edge of its own.",
            )
        self._heard[edge_id] = machine, now_s

    def is_cloned(self, edge_id: str, now_s: float) -> bool:
        """Whether a second machine was refused a short while ago."""
        return now_s - self._refused.get(edge_id, float("-inf")) < _TOLD_S
