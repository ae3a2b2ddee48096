"""The role ``history_exporter``: makes the files of history that are due, and ends."""

from __future__ import annotations

import os

from millwright.app.node import Composition, Node
from millwright.devices.history_export import ReadingExportFiles, ReadingExportWorker
from millwright.historian import HistorianClient
from millwright.kernel.scope import EVERYTHING
from millwright.parties import Standing

_NICENESS = 15
"""Pages and devices go first."""


def compose(node: Node) -> Composition:
    """The worker alone: history is read through who owns it."""
    os.nice(_NICENESS)
    files, everything = ReadingExportFiles(node.folder.reading_exports), node.records.scoped(EVERYTHING)
    stop_mb = node.settings.node.disk_stop_mb
    standing = Standing(everything, node.clock)
    worker = ReadingExportWorker(
        everything, standing, HistorianClient(node.bus), files, node.clock, disk_stop_mb=stop_mb
    )
    return Composition([worker])
