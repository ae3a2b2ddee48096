"""Bringing history in: files of readings (CSV, Excel, Arrow, Parquet) into history, by a process of its own.

Vocabulary: an *import* has a file, *settings* (which column is what) and *progress*. The *long* form has a row for each
reading (time, device, property, value); the *wide* form a time and a column for each property. A row, or a cell of it,
that is no reading is *refused* and told in the *report*.

Invariants: a reading is named by device, property and time, so one that is imported twice is there once; it replaces
one that was there. All readings of an import carry the time it was begun as their time of reception, so an import that
was killed and goes on writes the same rows again. Progress is recorded after history has the part. What is imported
raises no alarm. The process is niced, holds one part in memory, and waits for history to have each.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.history_import.keeper import ReadingImportKeeper
    from millwright.devices.history_import.service import ReadingImports
    from millwright.devices.history_import.store import ReadingImportFiles
    from millwright.devices.history_import.worker import ReadingImportWorker

__getattr__ = exports(__name__)

__all__ = ["ReadingImportFiles", "ReadingImportKeeper", "ReadingImportWorker", "ReadingImports"]
