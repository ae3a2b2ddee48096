"""The ledger: entries appended durably a second, proofs among 100 million entries. Aims: 20,000/s, 5 ms.

    python bench/ledger.py [--entries 200000] [--size 100000000] [--algorithm sha256]

Appends go to a fresh log, in batches, each forced to the disk before the next; `from_stream` takes them the whole way,
from JetStream through the writer into log and index. For the proofs a log of `--size` entries is filled synthetically:
its tiles of hashes are real and their upper levels fit them, but the 390,625 files of the lowest level are names of
1,024 different ones, which are read like any other. Everything is removed afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from millwright.engines.nats import NatsConnection
from millwright.kernel import SystemClock
from millwright.kernel.files import write_whole
from millwright.ledger import (
    Act,
    Actor,
    Draft,
    KeyFile,
    LedgerServer,
    LedgerSettings,
    LedgerStore,
    LedgerWriter,
    Log,
    LogInfo,
    LogReader,
    Recorder,
    Target,
    entries_of,
)
from millwright.ledger.merkle import Hasher, TileId, consistent, hash_path, included, root_hash
from millwright.ledger.merkle.tiles import split
from millwright.ledger.notes import Checkpoint, Signer, sign
from support.nats import RunningNats
from support.web import open_records

_KINDS = 1024


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--streamed", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--size", type=int, default=100_000_000)
    parser.add_argument("--algorithm", choices=["sha256", "sm3"], default="sha256")
    parser.add_argument("--folder", type=Path, help="Where to write; the system's temporary folder otherwise.")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ledger-", dir=chosen.folder))
    try:
        figures = {
            "algorithm": chosen.algorithm,
            "append": append(folder / "append", chosen.entries, chosen.batch, chosen.algorithm),
            "from_stream": asyncio.run(from_stream(folder / "stream", chosen.streamed)),
            "proofs": proofs(folder / "large", chosen.size, chosen.algorithm),
            "load": psutil.getloadavg()[0],
        }
        print(json.dumps(figures, indent=2))
    finally:
        shutil.rmtree(folder)


def append(folder: Path, count: int, batch: int, algorithm: str) -> dict[str, float]:
    """Entries of 600 bytes: first durable, then in tiles under a signed tree head."""
    log = Log(folder / "log", LogInfo("bench", algorithm, 0), KeyFile(folder / "key"))  # type: ignore[arg-type]
    entries = [json.dumps({"index": number}).encode().ljust(600) for number in range(batch)]
    times = []
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(count // batch):
        start = time.perf_counter()
        log.append(entries)
        times.append(time.perf_counter() - start)
        log.publish()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    log.close()
    return {
        "entries": count,
        "batch": batch,
        "durable_and_published_per_s": round(count / took),
        "cpu_us_an_entry": round(cpu / count * 1e6, 1),
        "durable_per_s": round(count / sum(times)),
        "append_ms_p50": round(statistics.median(times) * 1000, 2),
        "append_ms_p99": round(sorted(times)[int(len(times) * 0.99)] * 1000, 2),
    }


async def from_stream(folder: Path, count: int) -> dict[str, float]:
    """From JetStream into log and index."""
    records = open_records(folder / "records")
    async with RunningNats(folder / "nats") as nats:
        bus = NatsConnection(nats.url, name="bench")
        await bus.start()
        recorder = Recorder(bus)
        await recorder.start()
        sealed = [
            entries_of(
                Act(),
                Draft(
                    id=f"led_{number}",
                    at_ms=number,
                    actor=Actor("person", "per_1", "Anna"),
                    action="devices.change",
                    target=Target("device", f"dev_{number}", f"pump {number}"),
                    outcome="done",
                    address="192.0.2.1",
                ),
            )[0]
            for number in range(count)
        ]
        start = time.perf_counter()
        for first in range(0, count, 2000):
            parts = [sealed[at : at + 100] for at in range(first, min(first + 2000, count), 100)]
            await asyncio.gather(*(recorder.record(part) for part in parts))
        recorded = time.perf_counter() - start
        store, clock = LedgerStore(records), SystemClock()
        server, home = LedgerServer(bus), folder / "log"
        writer = LedgerWriter(
            bus, store, server, clock, LedgerSettings(), folder=home, key_file=folder / "key", node="bench"
        )
        start = time.perf_counter()
        await writer.start()
        while store.size() < count:  # noqa: ASYNC110 - only the records tell
            await asyncio.sleep(0.01)
        written = time.perf_counter() - start
        await writer.stop()
        await bus.stop()
    records.close()
    return {"entries": count, "recorded_per_s": round(count / recorded), "written_per_s": round(count / written)}


def proofs(folder: Path, size: int, algorithm: str) -> dict[str, float]:
    """Proofs of random entries, and between random sizes, each verified."""
    hasher = Hasher(algorithm)  # type: ignore[arg-type]
    start = time.perf_counter()
    fill(folder, size, hasher)
    filled = time.perf_counter() - start
    dice = random.Random(1)
    timed: dict[str, list[float]] = {"inclusion": [], "inclusion_cpu": [], "consistency": [], "consistency_cpu": []}
    for _ in range(500):
        reader = LogReader.in_folder(hasher, folder)  # nothing kept from the proof before
        head = reader.checkpoint()
        index, old = dice.randrange(size), dice.randrange(1, size)
        start, cpu = time.perf_counter(), time.thread_time()
        path = reader.inclusion(index, size)
        timed["inclusion"].append(time.perf_counter() - start)
        timed["inclusion_cpu"].append(time.thread_time() - cpu)
        leaf = reader.hashes(size)(0, index)
        assert included(hasher, leaf, index, size, path, head.root)
        start, cpu = time.perf_counter(), time.thread_time()
        proof = reader.consistency(old, size)
        timed["consistency"].append(time.perf_counter() - start)
        timed["consistency_cpu"].append(time.thread_time() - cpu)
        assert consistent(hasher, old, reader.root(old), size, head.root, proof)
    figures: dict[str, float] = {"entries": size, "filled_s": round(filled, 1)}
    for name, times in timed.items():
        figures[f"{name}_ms_p50"] = round(statistics.median(times) * 1000, 2)
        figures[f"{name}_ms_p99"] = round(sorted(times)[int(len(times) * 0.99)] * 1000, 2)
        figures[f"{name}_ms_max"] = round(max(times) * 1000, 2)
    return figures


def fill(folder: Path, size: int, hasher: Hasher) -> None:
    """Make the tiles of hashes of a log with ``size`` entries."""
    count, rest = divmod(size, 256)
    kinds = [os.urandom(8192) for _ in range(min(_KINDS, max(count, 1)))]
    roots = [hasher.subtree(split(kind)) for kind in kinds]
    row = [roots[index % len(kinds)] for index in range(count)]
    for index in range(count):
        path = folder / hash_path(TileId(0, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        original = folder / hash_path(TileId(0, index % len(kinds)))
        if index < len(kinds):
            path.write_bytes(kinds[index])
        else:
            path.hardlink_to(original)
    if rest:
        write_whole(folder / hash_path(TileId(0, count, rest)), os.urandom(32 * rest))
    level = 1
    while row:
        count, rest = divmod(len(row), 256)
        above = []
        for index in range(count):
            part = row[index * 256 : (index + 1) * 256]
            write_whole(folder / hash_path(TileId(level, index)), b"".join(part))
            above.append(hasher.subtree(part))
        if rest:
            write_whole(folder / hash_path(TileId(level, count, rest)), b"".join(row[-rest:]))
        row, level = above, level + 1
    reader = LogReader.in_folder(hasher, folder)
    root = root_hash(hasher, size, reader.hashes(size, size))
    write_whole(
        folder / "checkpoint", str(sign(Checkpoint("bench", size, root).text(), [Signer.generate("bench")])).encode()
    )


if __name__ == "__main__":
    main()
