"""Running a drill from its beginning to its report."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from millwright.app.drills.recording import Recording, Tell, begin, record
from millwright.app.sections import folder_of
from millwright.app.settings import NodeSettings
from millwright.identity.drills import Aims, Drill, DrillBook, DrillKind
from millwright.identity.drills.errors import interrupted
from millwright.kernel import MillwrightError, SystemClock

logger = logging.getLogger(__name__)

Work = Callable[[Recording, Path], None]


def run_drill(
    settings: NodeSettings,
    kind: DrillKind,
    aims: Aims,
    work: Work,
    *,
    tell: Tell,
    drill_id: str = "",
    who: str = "",
    into: Path | None = None,
    keep: bool = False,
    live: bool = False,
) -> Drill:
    """Run ``work`` in a folder of its own, which goes afterwards unless it is to be kept, and return the report.

    What goes wrong in it is in the report. Raises ``Conflict`` (``drills.running``).
    """
    folder = folder_of(settings)
    folder.make()
    book, clock = DrillBook(folder.identifier_drills), SystemClock()
    with book.alone():
        for left in book.folder.glob("scratch-*"):
            shutil.rmtree(left, ignore_errors=True)
        drill = begin(settings, kind, aims, clock, drill_id=drill_id, who=who, live=live)
        recording = Recording(drill, book, clock, tell)
        scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=into or book.folder))
        try:
            work(recording, scratch)
            done = recording.end()
        except MillwrightError as error:
            done = recording.fail(error)
        except BaseException:
            recording.fail(interrupted())
            raise
        finally:
            if not keep:
                shutil.rmtree(scratch, ignore_errors=True)
        try:
            record(settings, done)
        except MillwrightError as error:
            logger.warning("the drill is not in the ledger: %s", error.message)
        return done
