"""Taking history out: files of readings, on a schedule or by hand, by a process of its own.

Vocabulary: an *export* says what (devices, properties, readings or buckets), of which *window*, as which file, and
when. A *run* of it makes one file. A window is the hour, day, week or month before the run, so many hours before it, a
fixed stretch, or *new*: what came since the run before, by arrival (:class:`millwright.historian.Arrivals`).

Invariants: a run has its owner's rights at the time it runs, and a file is given to nobody who may not read all that is
in it. A file is there whole or not at all: it is written aside, and has its name when its manifest is there. A run that
was killed is made anew with the same window. What was new is done with when the run is; a run that failed or was
cancelled leaves it to the next. Runs that were missed are made up once, over all that they would have held. One run of
an export at a time. The process is niced and holds some pages in memory.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.history_export.following import ArrivalsWanted
    from millwright.devices.history_export.keeper import ReadingExportKeeper
    from millwright.devices.history_export.service import ReadingExports
    from millwright.devices.history_export.store import ReadingExportFiles
    from millwright.devices.history_export.worker import ReadingExportWorker

__getattr__ = exports(__name__)

__all__ = ["ArrivalsWanted", "ReadingExportFiles", "ReadingExportKeeper", "ReadingExportWorker", "ReadingExports"]
