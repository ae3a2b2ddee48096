"""The drill of a restore: the register built from a snapshot and the log in an empty folder, and asked."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Final

from millwright.app.drills.failover import check_room
from millwright.app.drills.recording import Recording
from millwright.app.drills.scratch import ScratchNode
from millwright.app.drills.wire import resolve_all, site_at
from millwright.app.identifiers import archive_of, keys_of
from millwright.app.registers import in_a_loop, index_of
from millwright.app.sections import broker_of, folder_of
from millwright.app.settings import NodeSettings
from millwright.identity.handle import HandleValue
from millwright.identity.records import Records, StreamLog
from millwright.identity.records.index import RecordIndex
from millwright.identity.records.snapshots import read_snapshot
from millwright.kernel import MillwrightError, SystemClock, Unavailable

_COPIES: Final = 1
_NOBODY: Final = "nats://127.0.0.1:9"
"""Where no primary answers (the port of the discard protocol): a mirror of it serves what it has."""


def restore(
    settings: NodeSettings, recording: Recording, scratch: Path, *, snapshot: Path | None, log_only: bool, sample: int
) -> None:
    """Restore into a folder that is there and empty: from ``snapshot``, else the newest that is kept, else the log
    alone. Raises ``Corrupt`` that says what is broken, and the other families; nothing is left running."""
    node = ScratchNode("restored", scratch / "restored")
    try:
        _restore(settings, recording, node, snapshot=snapshot, log_only=log_only, sample=sample)
    finally:
        node.kill()


def _restore(
    settings: NodeSettings,
    recording: Recording,
    node: ScratchNode,
    *,
    snapshot: Path | None,
    log_only: bool,
    sample: int,
) -> None:
    began_s = time.perf_counter()
    keys, target = keys_of(settings), node.data.identifiers
    if snapshot is None and not log_only:
        archive = archive_of(settings, SystemClock())
        kept = archive.kept()
        snapshot = archive.path_of(kept[0]) if kept else None
    if (folder_of(settings).identifiers / "data.mdb").exists():
        check_room(settings, node.folder, _COPIES)
    if snapshot is not None:
        with recording.step("read") as said:
            said.update(file=snapshot.name)
            made = read_snapshot(snapshot, target, keys)
            said.update(handles=made.handles, batch=made.position, made_by=made.node)
    with recording.step("log") as said:
        said.update(_read_log(settings, target, alone=snapshot is None))
    with recording.step("verify") as said:
        index = RecordIndex(target, read_only=True)
        try:
            handles = index.verify()
            with index.view() as view:
                state, made_ms = view.state, view.made_ms(view.state.position)
                ordinals = sorted(random.sample(range(handles), min(sample, handles)))
                chosen = view.sample(ordinals)
        finally:
            index.close()
        built_s = time.perf_counter() - began_s
        said.update(handles=handles, batch=state.position, digest=state.digest.hex())
    with recording.step("resolver"):
        node.configure(mirror_of=_NOBODY, trusted_keys=[str(keys.signer().verifier), *settings.identity.trusted_keys])
        node.start_broker()
        node.start_resolver()
        if chosen:
            resolve_all(node.site, [chosen[0][0]])
        rto_s = time.perf_counter() - began_s
    recording.measured(
        rto_s=round(rto_s, 3),
        position=state.position,
        digest=state.digest.hex(),
        handles=handles,
        records_per_s=round(handles / built_s, 1),
    )
    with recording.step("compare") as said:
        names = [name for name, _, _ in chosen]
        restored = resolve_all(node.site, names)
        live, by = _live_answers(settings, names)
        equal, behind, missing, behind_s, newer = _beside(settings, state.position, state.digest, made_ms, names)
        wrong = sum(
            _shown(mine) != _shown(theirs)
            for name, mine, theirs in zip(names, restored, live, strict=True)
            if name not in newer
        )
        said.update(compared=len(names), wrong=wrong, asked=by, changed_since=len(newer))
    recording.measured(
        equal=equal, rpo_batches=behind, rpo_records=missing, rpo_s=behind_s, compared=len(names), wrong=wrong
    )


def _read_log(settings: NodeSettings, target: Path, *, alone: bool) -> dict[str, object]:
    """Bring the folder up to the node's log, each batch verified. Without a log there must be a snapshot."""
    with in_a_loop() as run:
        bus = broker_of(settings, "drill")
        try:
            run(bus.start())
        except Unavailable as error:
            if alone:
                raise
            return {"log": "away", "why": error.message}
        log = StreamLog(bus)

        async def attach() -> None:
            log.attach()

        run(attach())
        records = Records(
            target, log, SystemClock(), origin="drill", keys=keys_of(settings), mirror=True, durable=False
        )
        try:
            records.open()
            before = records.position
            while not records.catch_up():
                pass
            return {"batches": records.position - before, "changes": records.applied, "first": log.first()}
        finally:
            records.close()
            run(bus.stop())


def _live_answers(settings: NodeSettings, names: list[bytes]) -> tuple[list[tuple[HandleValue, ...] | None], str]:
    """What the node answers: over the wire when it runs here, else from its index."""
    address = (folder_of(settings).read_addresses() or {}).get("handle") or ""
    port = int(address.rpartition(":")[2] or 0) if address else settings.handle.port
    host = "127.0.0.1" if settings.handle.host in ("", "0.0.0.0", "::") else settings.handle.host
    if port:
        try:
            return resolve_all(site_at(host, port), names), f"{host}:{port}"
        except MillwrightError:
            pass  # it does not run
    try:
        with index_of(settings) as index, index.view() as view:
            found = [view.find(name) for name in names]
    except MillwrightError:
        return [None] * len(names), "nobody"
    public = [
        None if each is None else tuple(value for value in each.values if value.public)
        for each in found
    ]  # fmt: skip
    return public, "index"


def _beside(
    settings: NodeSettings, position: int, digest: bytes, made_ms: int, names: list[bytes]
) -> tuple[bool | None, int | None, int | None, float | None, set[bytes]]:
    """Whether the node said the same at that batch; batches, records and seconds that it is ahead; and which of the
    names it has changed since. All unknown where the node's own index is gone."""
    try:
        with index_of(settings) as index, index.view() as view:
            state, there = view.state, view.digest_at(position)
            ahead_ms = view.made_ms(state.position) - made_ms if state.position > position else 0
            newer = {name for name in names if (last := view.last(name)) is None or last[2] > made_ms}
            missing = view.changed_behind(position) if state.position > position else 0
    except MillwrightError:
        return None, None, None, None, set()
    equal = there == digest if there is not None else None
    return equal, max(0, state.position - position), missing, round(max(0, ahead_ms) / 1000, 3), newer


def _shown(values: tuple[HandleValue, ...] | None) -> list[tuple[int, bytes, bytes]] | None:
    return None if values is None else sorted((each.index, each.type, each.data) for each in values)
