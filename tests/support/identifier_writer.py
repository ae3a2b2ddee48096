"""A process that writes identifiers: ``python identifier_writer.py URL FOLDER NAME COUNT [die [measure]]``.

Adds one to a number in a record that all such processes share, and registers a record of its own, ``COUNT`` times; it
prints each number that was acknowledged. With ``die`` it is killed between the log's last acknowledgement and the
commit; with ``measure`` that is of a suspension of ``10.1/<NAME>-1``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from millwright.identity.handle import HandleValue
from support.handle import value
from support.identifiers import records_over
from support.measures import take

COUNTER = b"10.1/counter"


def count_of(record: Any) -> int:
    return int(record.find_value(1).data) if record is not None else 0


def one_more(_view: Any, before: Any) -> tuple[HandleValue, ...]:
    return (value(1, b"COUNT", b"%d" % (count_of(before) + 1)),)


def main(url: str, folder: str, name: str, count: str, die: str = "", measure: str = "") -> None:
    with records_over(url, Path(folder)) as records:
        for number in range(1, int(count) + 1):
            if die and number == int(count):
                append = records._log.append

                def acknowledged(message: bytes, after: int, append: Any = append) -> int:
                    append(message, after)
                    os.kill(os.getpid(), signal.SIGKILL)
                    return after + 1

                records._log.append = acknowledged
            if measure and number == int(count):
                take(records, "suspend", "identifier", "10.1", f"10.1/{name}-1", id=f"mea_{name}")
            own = f"10.1/{name}-{number}".encode()
            changes = [(COUNTER, one_more), (own, lambda _view, _before: (value(1),))]
            records.change_many(changes, who=name)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
