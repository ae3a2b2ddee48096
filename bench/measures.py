"""What measures cost resolution: nothing without any, and how much with some.

``python bench/measures.py``: CPU time of the native fast path and of the quick way of the REST API, a question each,
at random among 100,000 handles; without a measure, with one on another prefix, and with one in the same prefix.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.identity.handle.fastpath import answer_quickly
from millwright.identity.handle.wire.codes import Flag, Op
from millwright.identity.handle.wire.message import Envelope, Message, encode_envelope, encode_message
from millwright.identity.resolution import ResolutionSettings, resolution_app
from support.handle import value
from support.identifiers import home, open_records, put
from support.measures import take

HANDLES, QUESTIONS, AT_ONCE, RUNS = 100_000, 40_000, 16, 7


def packet(name: bytes) -> bytes:
    """The common question over UDP."""
    body = len(name).to_bytes(4, "big") + name + bytes(8)
    message = Message(op=Op.RESOLUTION, response_code=0, flags=int(Flag.PUBLIC_ONLY), expires_s=0, body=body)
    encoded = encode_message(message, (2, 11))
    return encode_envelope(Envelope((2, 11), 0, (2, 11), 0, 1, 0, len(encoded))) + encoded


def main() -> None:
    """Print a line for each case."""
    with tempfile.TemporaryDirectory() as folder:
        records = open_records(Path(folder))
        home(records, b"88.1", b"88.2")
        for start in range(0, HANDLES, 5000):
            put(records, *((b"88.1/%d" % each, (value(1), value(2, b"EMAIL"))) for each in range(start, start + 5000)))
        chosen = random.Random(1)
        names = [b"88.1/%d" % chosen.randrange(HANDLES) for _ in range(QUESTIONS)]
        packets = [packet(name) for name in names]
        app = resolution_app(records, ResolutionSettings(requests_per_s=0, misses_per_min=0))

        def native() -> None:
            for start in range(0, QUESTIONS, AT_ONCE):
                with records.view() as view:
                    for each in packets[start : start + AT_ONCE]:
                        assert answer_quickly(view, each, 1, 1_700_000_000, primary=True) is not None

        def rest() -> None:
            async def ask() -> None:
                for start in range(0, QUESTIONS, AT_ONCE):
                    for each in names[start : start + AT_ONCE]:
                        assert app.handles.find_public(each, "") is not None
                    await asyncio.sleep(0)

            asyncio.run(ask())

        def best(work: Callable[[], None]) -> float:
            times = []
            for _ in range(RUNS):
                began_s = time.process_time()
                work()
                times.append(time.process_time() - began_s)
            return min(times) / QUESTIONS * 1e6

        def tell(what: str) -> None:
            print(f"{what:<32} native {best(native):5.2f} µs   REST, quick way {best(rest):5.2f} µs")

        tell("no measure")
        take(records, "suspend", "beginning", "88.2", "88.2/x")
        tell("one on another prefix")
        take(records, "suspend", "beginning", "88.1", "88.1/x")
        tell("one on a range of the prefix")
        records.close()


if __name__ == "__main__":
    main()
