"""The rehearsal of a failover: copies of the running node lose their primary, and one of them takes over.

The *stand-in* joins the node as any mirror does, is cut from it and takes over in isolation; the *mirror* follows the
stand-in. Identifiers of the drill are registered at the stand-in and asked for at both, until it is killed with its
broker. The node itself is read and not changed.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from millwright.app.drills.recording import Recording
from millwright.app.drills.scratch import ScratchNode, wait_for
from millwright.app.drills.wire import Asking, resolve_all
from millwright.app.identifiers import keys_of
from millwright.app.registers import index_of, take_over
from millwright.app.sections import nats_url
from millwright.app.settings import NodeSettings
from millwright.identity.drills.errors import no_room
from millwright.identity.handle import HandleValue
from millwright.identity.records import Prefix, Records
from millwright.identity.records.snapshots import Manifest, read_snapshot, write_snapshot
from millwright.kernel import MillwrightError, SystemClock, Unavailable

PREFIX: Final = b"0.DRILL"
"""Names of drills stand below it; it is never delegated (RFC 3651, 3.1: prefixes of numbers are)."""
SAMPLE: Final = 200
_COPIES: Final = 4
_BATCHES_PER_S: Final = 10
_KNOWN: Final = b"known"


def probe(number: int) -> tuple[bytes, tuple[HandleValue, ...]]:
    """A record of a drill."""
    value = HandleValue(
        index=1, type=b"URL", data=b"https://example.com/drill/%d" % number, timestamp_s=int(time.time())
    )
    return PREFIX + b"/%d" % number, (value,)


@dataclass
class Probes:
    """Registers identifiers of the drill one batch after another, in a thread; ``acknowledged`` are position, records
    and when of each batch."""

    records: Records
    batch: int
    acknowledged: list[tuple[int, int, float]] = field(default_factory=list)
    lost_s: float = 0.0
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Register no more."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(90)

    def _run(self) -> None:
        number, following_s = 0, time.perf_counter()
        while not self._ends.is_set():
            try:
                self.records.put_many([probe(number + each) for each in range(self.batch)], who="drill")
                self.acknowledged.append((self.records.position, self.batch, time.perf_counter()))
            except MillwrightError:
                self.lost_s = time.perf_counter()
                return
            number += self.batch
            following_s += 1 / _BATCHES_PER_S
            self._ends.wait(max(0.0, following_s - time.perf_counter()))


def rehearse(settings: NodeSettings, recording: Recording, scratch: Path, *, rate: int, seconds: float) -> None:
    """Run the rehearsal in a folder that is there and empty; ``rate`` records a second are registered for ``seconds``
    before the loss. Raises the families of the node; nothing is left running."""
    nodes: list[ScratchNode] = []
    try:
        _rehearse(settings, recording, scratch, nodes, rate=rate, seconds=seconds)
    finally:
        for each in nodes:
            each.kill()


def check_room(settings: NodeSettings, folder: Path, copies: int) -> None:
    """Raises ``LimitExceeded`` (``drills.no_room``) unless so many copies of the index fit."""
    with index_of(settings) as index:
        wanted = index.stats()["bytes_used"] * copies + settings.node.disk_stop_mb * 1_000_000
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise no_room(free / 1e6, wanted / 1e6)


def snapshot_of(settings: NodeSettings, file: Path) -> Manifest:
    """A snapshot of the node's index as it is now."""
    with index_of(settings) as index:
        return write_snapshot(index, file, keys_of(settings), settings.node.name, SystemClock().now_ms())


def mirroring(settings: NodeSettings) -> dict[str, Any]:
    """What a mirror of the node has to be told of its NATS."""
    nats = settings.nats
    told = {"mirror_of": nats_url(settings), "mirror_ca": nats.ca, "mirror_certificate": nats.certificate}
    return {key: value for key, value in (told | {"mirror_key": nats.key}).items() if value}


def _rehearse(
    settings: NodeSettings, recording: Recording, scratch: Path, nodes: list[ScratchNode], *, rate: int, seconds: float
) -> None:
    check_room(settings, scratch, _COPIES)
    file = scratch / "node.snapshot"
    with recording.step("snapshot") as said:
        made = snapshot_of(settings, file)
        said.update(handles=made.handles, batch=made.position, mb=round(made.bytes / 1e6, 1))
    trusted = [str(keys_of(settings).signer().verifier), *settings.identity.trusted_keys]
    primary, mirror = ScratchNode("stand-in", scratch / "primary"), ScratchNode("mirror", scratch / "mirror")
    nodes += [primary, mirror]

    with recording.step("join") as said:
        primary.configure(**mirroring(settings), trusted_keys=trusted)
        read_snapshot(file, primary.data.identifiers, keys_of(primary.settings))
        with index_of(settings) as index:
            target = index.state().position
        primary.start_broker()
        primary.start_resolver()
        wait_for("the stand-in to have what the node has", lambda: primary.state().position >= target)
        at = primary.state()
        with index_of(settings) as index, index.view() as view:
            digest, behind = view.digest_at(at.position), view.state.position - at.position
        same = digest == at.digest if digest is not None else None
        said.update(batch=at.position, behind=max(0, behind), equal=same)
    if same is False:
        recording.measured(equal=False)
        raise Unavailable(
            "The stand-in says something else than the node.",
            code="records.differs",
            hint="`millwright identifiers drill restore` says more; compare the digests of other mirrors.",
        )

    with recording.step("isolate") as said:
        primary.stop_resolver()
        own = primary.settings
        said.update(batch=take_over(own, force=True).position)
        primary.configure(trusted_keys=trusted)
        with primary.records() as records:
            records.put_prefix(Prefix(prefix=PREFIX.decode(), organisation_id="drill", state="active"), who="drill")
            records.put_many([(PREFIX + b"/" + _KNOWN, probe(0)[1])], who="drill")
        primary.start_resolver()
    with recording.step("mirror") as said:
        mirror.configure(mirror_of=primary.url, trusted_keys=[*trusted, primary.key()])
        read_snapshot(file, mirror.data.identifiers, keys_of(mirror.settings))
        file.unlink()
        mirror.start_broker()
        mirror.start_resolver()
        wait_for("the mirror to follow", lambda: mirror.state().position >= primary.state().position)
        equal = mirror.state().digest == primary.state().digest
        said.update(batch=mirror.state().position, equal=equal)

    names = [PREFIX + b"/" + _KNOWN]
    with primary.records() as records, Asking([primary.site, mirror.site], names) as asking:
        probes = Probes(records, max(1, rate // _BATCHES_PER_S))
        with recording.step("probe") as said:
            probes.start()
            time.sleep(seconds)
            wait_for("a batch to be acknowledged", lambda: bool(probes.acknowledged))
            said.update(
                batches=len(probes.acknowledged),
                records=sum(count for _, count, _ in probes.acknowledged),
                answers=len(asking.answers),
            )
        cut_s = time.perf_counter()
        with recording.step("cut"):
            primary.kill()
        dead_s = time.perf_counter()
        wait_for("the loss to be noticed", lambda: bool(asking.first_silent_s))
        recording.note("notice", cut_s, asking.first_silent_s, {})
        with recording.step("take_over") as said:
            done = take_over(mirror.settings, force=False)
            said.update(batch=done.position)
        with recording.step("restart"):
            mirror.stop_resolver()
            mirror.configure(trusted_keys=[*trusted, primary.key()])
            mirror.start_resolver()
        with recording.step("first_write"), mirror.records() as successor:
            successor.put_many([(PREFIX + b"/after", probe(0)[1])], who="drill")
            written_s = time.perf_counter()
        wait_for("the first write to be resolved", lambda: bool(resolve_all(mirror.site, [PREFIX + b"/after"])[0]))
        first_answer_s, gap_s = asking.after(dead_s)
        # What waits for the lost broker has kept nobody waiting.
        probes.end()
    # The entry of taking over stands where the mirror's index ended.
    _check(recording, primary, mirror, probes, done.position - 1, rto_s=written_s - cut_s)
    recording.measured(
        first_answer_s=None if first_answer_s is None else round(first_answer_s, 3), longest_gap_s=round(gap_s, 3)
    )


def _check(
    recording: Recording, primary: ScratchNode, mirror: ScratchNode, probes: Probes, ended: int, *, rto_s: float
) -> None:
    """What is missing at the mirror, and whether all else is the same."""
    with recording.step("check") as said:
        missing = [each for each in probes.acknowledged if each[0] > ended]
        had = [each for each in probes.acknowledged if each[0] <= ended]
        with primary.index() as index, index.view() as view:
            index.verify()
            digest = view.digest_at(ended)
        with mirror.index() as index, index.view() as view:
            handles = index.verify()
            equal = digest is not None and view.digest_at(ended) == digest
            position, now = view.state.position, view.state.digest
        numbers = range(sum(count for _, count, _ in had))
        sample = [probe(each)[0] for each in random.sample(numbers, min(SAMPLE, len(numbers)))]
        wrong = sum(found is None for found in resolve_all(mirror.site, sample))
        said.update(compared=len(sample), wrong=wrong, equal=equal)
    recording.measured(
        rto_s=round(rto_s, 3),
        rpo_batches=len(missing),
        rpo_records=sum(count for _, count, _ in missing),
        rpo_s=round(missing[-1][2] - had[-1][2], 3) if missing and had else 0.0,
        equal=equal,
        position=position,
        digest=now.hex(),
        handles=handles,
        compared=len(sample),
        wrong=wrong,
    )
