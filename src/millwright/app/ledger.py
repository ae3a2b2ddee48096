"""The ledger in a node: its one writer with its witnesses, and what the node records of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright import __version__
from millwright.app.node import Node, open_records
from millwright.app.settings import NodeSettings, describe
from millwright.app.stats import Figures, figures
from millwright.engines.secrets.keys import DataKeyStore
from millwright.kernel import Part, Repeat
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import (
    Act,
    Actor,
    LedgerServer,
    LedgerStore,
    LedgerWriter,
    OwnActs,
    Recorder,
    Sealed,
    Target,
    WitnessFeed,
    WitnessLink,
    acting,
    note,
)

logger = logging.getLogger(__name__)

_LOOK_S = 10.0
_ROTATED = ("secrets.rotate", "secrets")


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """The parts of the writer's role, in the order they start."""

    parts: Sequence[Part]
    writer: LedgerWriter
    feed: WitnessFeed

    def figures(self) -> Figures:
        """What they count, and what is wrong."""
        problems = [*self.writer.problems(), *self.feed.problems()]
        return figures(self.writer.counters(), self.writer.gauges(), problems)


def ledger_parts(node: Node) -> LedgerParts:
    """The writer, the server of proofs, the witnesses, and the record of this node's own life."""
    settings = node.settings.ledger
    server = LedgerServer(node.bus)
    writer = LedgerWriter(
        node.bus,
        LedgerStore(node.records),
        server,
        node.clock,
        settings,
        folder=node.folder.ledger,
        key_file=Path(settings.key_file) if settings.key_file else node.folder.ledger_key,
        node=node.settings.node.name,
    )
    links = [WitnessLink.parse(text) for text in settings.witnesses]
    feed = WitnessFeed(links, lambda: writer.log.reader, writer.attach, node.clock, every_s=settings.witness_every_s)
    return LedgerParts([writer, server, NodeRecord(node), feed], writer, feed)


def forget_index(settings: NodeSettings) -> None:
    """Forget the index over the log; the writer makes it anew when it starts."""
    records = open_records(settings, EVERYTHING)
    try:
        LedgerStore(records).clear_index()
    finally:
        records.close()


class _Known(msgspec.Struct, frozen=True):
    """What this node was when it last started, and what it was about to tell of itself."""

    version: str = ""
    schema: list[str] = []
    settings: dict[str, Any] = {}
    keys: dict[str, str] = {}
    untold: list[list[Sealed]] = []


class NodeRecord:
    """Records the start and the stop of the node, and what changed between: version, schema, settings.

    That the keys of secrets were rotated is recorded too, at any time: `millwright secrets rotate` works on the records
    alone, whether the node runs or not. A :class:`millwright.kernel.Part`. Secret settings are hidden before they get
    here, and of a key there is only its id.

    What is about to be told is written down first, with the ids of its entries. A process that ends before it knows
    whether the ledger has them leaves them to the next one, which tells the same again instead of another time.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._name = node.settings.node.name
        self._acts = OwnActs(Recorder(node.bus), node.clock, Actor("system", self._name, self._name))
        self._known = _Known()
        self._file = node.folder.ledger / "node.json"
        self._started = False
        self._watch = Repeat(
            self.look,
            _LOOK_S,
            first_s=_LOOK_S,
            name="rotation of keys, for the ledger",
            lost="whether keys were rotated cannot be told",
            back="it can be told again whether keys were rotated",
            log=logger,
        )

    async def start(self) -> None:
        """Record the start. Raises ``Unavailable`` (``ledger.unavailable``)."""
        known = await asyncio.to_thread(self._read)
        now = await asyncio.to_thread(self._now)
        acts: list[tuple[str, str, Any, Any]] = []
        if known is not None:
            self._acts.take_up(known.untold)
        if not any(each.entry["action"] == "node.start" for act in self._acts.untold for each in act):
            acts.append(("node.start", "node", None, {"version": now.version}))
        if known is not None and known.schema != now.schema:
            acts.append(("records.migrate", "records", {"schema": known.schema}, {"schema": now.schema}))
        if known is not None and known.settings != now.settings:
            acts.append(("settings.change", "settings", known.settings, now.settings))
        if known is not None and known.keys and known.keys != now.keys:
            acts.append((*_ROTATED, known.keys, now.keys))
        for each in acts:
            self._keep(*each)
        self._known = now
        await self._tell()
        self._started = True
        await self._watch.start()

    async def stop(self) -> None:
        """Record the stop; it is written at the next start."""
        await self._watch.stop()
        if self._started:
            self._started = False
            self._keep("node.stop", "node", None, None)
            await self._tell()

    async def look(self) -> None:
        """Record a rotation of keys, soon after it was done by whatever process."""
        keys = await asyncio.to_thread(self._keys)
        if keys != self._known.keys:
            self._keep(*_ROTATED, self._known.keys, keys)
            self._known = msgspec.structs.replace(self._known, keys=keys)
        await self._tell()

    async def _tell(self) -> None:
        if self._acts.untold:
            await asyncio.to_thread(self._write, msgspec.structs.replace(self._known, untold=self._acts.untold))
            await self._acts.tell()
            await asyncio.to_thread(self._write, self._known)

    def _keep(self, action: str, kind: str, before: Any, after: Any) -> None:
        act = Act()
        with acting(act):
            note(kind, self._name, self._name, before=before, after=after)
        self._acts.keep(act, action, Target(kind, self._name, self._name))

    def _keys(self) -> dict[str, str]:
        """The ids of the data key in use and of the master key that wraps it."""
        current = next((key for key in DataKeyStore(self._node.records).list() if key.retired_ms is None), None)
        return {"data_key": current.id, "master_key": current.wrapped_by} if current else {}

    def _now(self) -> _Known:
        shown = {each.key: each.value for each in describe(self._node.settings, self._node.config)}
        with self._node.records.read() as connection:
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version ORDER BY 1")).scalars()
            # As they will be read again: a tuple that became a list is no change.
            settings = msgspec.json.decode(msgspec.json.encode(shown))
            return _Known(__version__, sorted(found), settings, self._keys())

    def _read(self) -> _Known | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Known)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _write(self, known: _Known) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(known))
        partial.replace(self._file)
