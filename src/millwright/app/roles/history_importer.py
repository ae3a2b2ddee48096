"""The role ``history_importer``: brings the files of readings that wait into history, and ends."""

from __future__ import annotations

import os

from millwright.app.node import Composition, Node
from millwright.devices.history_import import ReadingImportFiles, ReadingImportWorker
from millwright.historian import HistorianClient
from millwright.kernel.scope import EVERYTHING

_NICENESS = 15
"""Pages and devices go first."""


def compose(node: Node) -> Composition:
    """The worker alone: history is written by who owns it."""
    os.nice(_NICENESS)
    files = ReadingImportFiles(node.folder.reading_imports)
    worker = ReadingImportWorker(node.records.scoped(EVERYTHING), HistorianClient(node.bus), files, node.clock)
    return Composition([worker])
