"""What the parent may reach from this edge's machine: judged here, by this machine's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millwright.devices.connectors.catalogue import Catalogue
from millwright.devices.connectors.errors import node_data
from millwright.devices.connectors.reach import SIMULATOR, is_below
from millwright.devices.edge.settings import EdgeSettings
from millwright.kernel import Denied


class EdgePolicy:
    """``owner``: the organisation that the edge belongs to; ``enterprises``: ``[connectors] enterprises`` at the edge;
    ``keep_out``: the edge's data folder."""

    def __init__(
        self, catalogue: Catalogue, settings: EdgeSettings, owner: str, keep_out: Path, *, enterprises: bool
    ) -> None:
        self._catalogue, self._settings, self._owner = catalogue, settings, owner
        self._keep_out, self._enterprises = keep_out.resolve(), enterprises

    def judge(self, kind: str, settings: Mapping[str, Any], organisation_id: str) -> None:
        """Raises ``Denied`` for what must not be reached from here, ``NotFound`` for a kind that is not installed."""
        if kind == SIMULATOR:
            return
        allowed = self._settings.parent_reaches
        if allowed == "nothing":
            raise _denied(
                "This edge runs no connections of its parent.",
                'Set [edge] parent_reaches = "network" or "machine" at the edge\'s machine, if its keeper agrees.',
            )
        reads_files = self._catalogue.get(kind).kind.reads_files
        local = reads_files or bool(settings.get("serial_port"))
        if organisation_id != self._owner:
            if not self._enterprises:
                raise _denied(
                    "At this edge only connections of the organisation that the edge belongs to are run.",
                    "Put it at an edge of its own organisation, or set [connectors] enterprises at the edge.",
                )
            allowed = "network"
        if local and allowed != "machine":
            raise _denied(
                f"A connection by {kind!r} would use files or serial ports of the edge's machine.",
                'Set [edge] parent_reaches = "machine" there; an edge serves files to its own organisation alone.',
            )
        if reads_files:
            for name, value in settings.items():
                if isinstance(value, str) and is_below(value, self._keep_out):
                    raise node_data(name)

    def judge_again(self, kind: str, settings: Mapping[str, Any]) -> None:
        """The same of a connection that was let in for its organisation: the keeper may have closed the edge since."""
        self.judge(kind, settings, self._owner)


def _denied(message: str, hint: str) -> Denied:
    return Denied(message, code="connectors.edge_policy", hint=hint)
