"""Identifiers in a node: the register that every process opens, and native changes as entries of the ledger."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from millwright.app.node import Node
from millwright.app.readiness import die_with_parent
from millwright.app.sections import folder_of
from millwright.app.stats import Figures, figures
from millwright.engines.nats import NatsConnection, NatsSettings, tls_context
from millwright.identity.handle import HandleSettings, HandleValue, RecordsView, Reference, StoredRecord, value_to_json
from millwright.identity.handle.attempts import client_address
from millwright.identity.handle.records import Change, HandleRecords
from millwright.identity.operation.watch import Watch
from millwright.identity.records import Archive, ChangeLog, Records, SigningKeys, StreamLog
from millwright.kernel import Bus, Clock, Denied, Invalid, MillwrightError, new_id
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Act, Actor, Denials, Draft, Recorder, Target, acting, entries_of, note, seal

if TYPE_CHECKING:
    from millwright.app.settings import NodeSettings
    from millwright.engines.secrets import Secrets
    from millwright.identity.filing import NodeSigner, Outbox, Receiving, SentStore
    from millwright.identity.handle.trust.signing import Signers
    from millwright.identity.recursion import Recursor
    from millwright.identity.registration import Registration
    from millwright.identity.search import SearchFollower
    from millwright.parties import Parties

_WAIT_S = 30.0
_KEYS = (b"HS_PUBKEY", b"HS_SECKEY")


def register_of(node: Node) -> Records:
    """The register of identifiers, as any process of the node may read and write it. A part that is to be started."""
    chosen = node.settings.identity
    return Records(
        node.folder.identifiers,
        _log_of(node),
        node.clock,
        origin=node.settings.node.name,
        keys=keys_of(node.settings),
        mirror=chosen.follows,
        signers=_signers_of(node.settings.handle),
        archive=archive_of(node.settings, node.clock),
    )


def keys_of(settings: NodeSettings) -> SigningKeys:
    """The key of the node and those that it trusts."""
    return SigningKeys(folder_of(settings).identifiers_key, settings.node.name, settings.identity.trusted_keys)


def archive_of(settings: NodeSettings, clock: Clock) -> Archive:
    """The node's own snapshots; what is to be left of the disk is what the node needs to go on."""
    return Archive(
        folder_of(settings).identifier_snapshots,
        keys_of(settings),
        clock,
        node=settings.node.name,
        spare_bytes=settings.node.disk_stop_mb * 1_000_000,
    )


def _signers_of(settings: HandleSettings) -> Signers | None:
    """Who signs records, if anybody. Raises ``Invalid`` (``handle.signer_invalid``, ``handle.signing_key``)."""
    if not settings.signers:
        return None
    from millwright.identity.handle.trust.signing import read_signers

    return read_signers(settings.signers, settings.signature_days)


@dataclass(frozen=True, slots=True)
class FilingParts:
    """What filing is made of in the role ``web``. ``outbox`` is told of changes of prefixes, in their transactions."""

    outbox: Outbox
    signer: NodeSigner
    receiving: Receiving
    store: SentStore

    def services(self, parties: Parties, secrets: Secrets, node: Node) -> dict[str, Any]:
        """What the routes ask for."""
        from millwright.identity.filing import Filers, Filings, Uppers

        chosen = node.settings.filing
        return {
            "filings": Filings(self.store, self.receiving, self.signer, node.clock),
            "filers": Filers(self.receiving.register, parties, self.signer, node.clock),
            "uppers": Uppers(self.store, self.outbox, secrets, self.signer, node.clock, chosen),
        }


def filing_of(node: Node) -> FilingParts:
    """Filing with nodes above, and receiving from nodes below."""
    from millwright.identity.filing import NodeSigner, Outbox, Receiving, SentStore
    from millwright.parties import AuthorityStore

    everything, chosen = node.records.scoped(EVERYTHING), node.settings
    keys = keys_of(chosen)
    signer, outbox = NodeSigner(keys, chosen.node.name), Outbox(node.clock)
    receiving = Receiving(everything, AuthorityStore(everything), signer, outbox, node.clock, chosen.filing)
    return FilingParts(outbox, signer, receiving, SentStore(everything))


def _log_of(node: Node) -> ChangeLog:
    """The log in this node's streams, or in those of the primary that it is a mirror of."""
    if not node.settings.identity.mirror_of:
        return StreamLog(node.bus)
    from millwright.identity.records.mirroring import MirrorLog

    # One process of a node tells the others of what is new; it is the one that follows.
    return MirrorLog(
        primary_of(node.settings, node.role),
        node.bus,
        tells=node.role == "resolver",
        is_own=keys_of(node.settings).is_own,
    )


def primary_of(settings: NodeSettings, role: str) -> NatsConnection:
    """A connection to the NATS of the primary. Raises ``Invalid`` (``engines.nats_certificate_unusable``)."""
    chosen = settings.identity
    secured = NatsSettings(
        url=chosen.mirror_of, ca=chosen.mirror_ca, certificate=chosen.mirror_certificate, key=chosen.mirror_key
    )
    name = f"{settings.node.name}/{role} (mirror)"
    return NatsConnection(chosen.mirror_of, name=name, tls=tls_context(secured))


def registration_of(node: Node, register: Records, secrets: Secrets) -> Registration:
    """Registering by templates of the scope at hand, with what seals values."""
    from millwright.identity.registration import Registration, ValueSeals
    from millwright.identity.registration.serials import SerialStore
    from millwright.identity.templates import Templates

    everything = node.records.scoped(EVERYTHING)
    seals = ValueSeals(everything, secrets, node.clock, node.settings.secrets.cipher)
    templates = Templates(node.records, node.clock)
    return Registration(register, templates, SerialStore(node.records), everything, seals, node.clock)


def follower_of(node: Node, register: Records, *, spawn: Any = None, ends: bool = False) -> SearchFollower:
    """What brings the search index up to the register's log."""
    from millwright.identity.search import SearchFollower, SearchIndex
    from millwright.identity.search.documents import DocumentMaker
    from millwright.identity.templates.store import TemplateStore

    index = SearchIndex(node.folder.identifier_search)
    maker = DocumentMaker(TemplateStore(node.records.scoped(EVERYTHING)))
    return SearchFollower(index, register, maker, node.bus, node.clock, spawn=spawn, ends=ends)


async def start_on_demand(node: Node, role: str) -> asyncio.subprocess.Process:
    """Start a role that ends by itself on this machine; it ends with this process, too. Raises ``OSError``."""
    return await start_command(node, ["run", role], role)


async def start_command(node: Node, arguments: list[str], name: str) -> asyncio.subprocess.Process:
    """Start the command line for this node; what it says is in the log folder as ``<name>.out``. Raises ``OSError``."""
    config = ["--config", str(node.config)] if node.config else []
    command = [sys.executable, "-X", "faulthandler", "-m", "millwright", *config, *arguments]
    with (node.folder.logs / f"{name}.out").open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def primary_bus_of(node: Node, register: Records) -> Bus:
    """The bus of the primary of a mirror."""
    from millwright.identity.records.mirroring import MirrorLog

    return register.log.primary if isinstance(register.log, MirrorLog) else node.bus


def watch_of(node: Node, register: Records) -> Watch:
    """What counts resolutions in this process."""

    def exists(name: bytes) -> bool:
        with register.view() as view:
            return view.find(name) is not None

    watch = Watch(node.settings.monitoring, node.clock, node.role, exists)
    node.stats.sources.append(lambda: Figures(watch.counters()))
    return watch


def recursor_of(node: Node, records: HandleRecords, watch: Watch, port: int | None = None) -> Recursor | None:
    """Who asks other servers for names that are not kept here, where the settings want that; ``port`` is that of this
    node's Handle server. A part. Raises ``Invalid`` (``recursion.root_invalid``, ``recursion.network_invalid``)."""
    if not node.settings.recursion.enabled:
        return None
    import psutil

    from millwright.identity.recursion import Recursor

    own = {each.address.partition("%")[0] for found in psutil.net_if_addrs().values() for each in found}
    own.add(node.settings.handle.address)
    listened = port or node.settings.handle.port
    recursor = Recursor(
        records,
        node.settings.recursion,
        node.clock,
        lambda host, asked: asked == listened and host in own,
        node.bus,
        watch,
    )
    node.stats.sources.append(lambda: figures(recursor.counters(), recursor.gauges(), recursor.problems()))
    return recursor


def administrators_of(settings: HandleSettings) -> tuple[Reference, ...]:
    """Who may do everything to handles. Raises ``Invalid`` (``handle.administrator_invalid``)."""
    return tuple(map(_administrator, settings.administrators))


def _administrator(text: str) -> Reference:
    """``300:0.NA/88.118.8``. Raises ``Invalid`` (``handle.administrator_invalid``)."""
    index, colon, handle = text.partition(":")
    if not (colon and index.isdigit() and handle):
        raise Invalid(
            f"{text!r} names no value of a handle.",
            code="handle.administrator_invalid",
            hint="Write index, colon and handle, as in 300:0.NA/88.118.8; index 0 stands for all of its values.",
        )
    return Reference(handle.encode(), int(index))


class RecordedHandles:
    """The register as the Handle server changes it (:class:`.HandleRecords`): each change is an entry of the ledger.

    As for a request to the API, the intent is durable before the change begins and the entry before it is answered. Who
    acts is the value of a handle that the administrator has authenticated as; whose entry it is, the prefix's owner. A
    :class:`millwright.kernel.Part`.
    """

    def __init__(self, records: Records, recorder: Recorder, denials: Denials, clock: Clock) -> None:
        self._records, self._recorder, self._denials, self._clock = records, recorder, denials, clock
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Remember the loop that records."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Nothing to release."""

    def view(self) -> AbstractContextManager[RecordsView]:
        """A consistent view for the length of a block."""
        return self._records.view()

    def change(self, handle: bytes, change: Change, administrator: Reference) -> None:
        """Change one handle, and record it. Raises as :meth:`.Records.change_many`, and ``Unavailable``
        (``ledger.unavailable``): before the change nothing was changed, after it the intent tells of it."""
        draft = self._draft(handle, administrator)
        act = Act()

        def noted(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...] | None:
            values = change(view, before)
            act.notes.clear()
            act.action = _action(before, values)
            was = None if before is None else _shown(before.values)
            with acting(act):
                note("identifier", draft.target.id, before=was, after=_shown(values))
            return values

        self._wait(self._recorder.begin(seal(structs.replace(draft, outcome="failed", error="ledger.interrupted"))))
        try:
            self._records.change(handle, noted, administrator)
        except MillwrightError as error:
            self._wait(self._refused(draft, error))
            raise
        self._wait(self._recorder.record(entries_of(act, draft)))

    def _draft(self, handle: bytes, administrator: Reference) -> Draft:
        with self._records.view() as view:
            owner = view.authority(handle)
        return Draft(
            id=new_id("led"),
            at_ms=self._clock.now_ms(),
            actor=Actor("token", str(administrator), via="handle"),
            action="identifiers.change",
            target=Target("identifier", handle.decode(errors="replace")),
            outcome="done",
            address=client_address()[:64],
            organisation=owner.organisation_id if owner is not None else "",
        )

    def failed(self, claimed: Reference, address: str) -> None:
        """Offer to the ledger that somebody named an administrator and did not prove to be it
        (:data:`millwright.identity.handle.attempts.FailedAttempt`).

        Only an administrator that there is becomes the entry's target: names that somebody makes up are of one kind,
        and neither they nor what came with them are noted.
        """
        name, owner = "", None
        try:
            with self._records.view() as view:
                record = view.find(claimed.handle)
                if record is not None and any(each.is_type(*_KEYS) for each in record.values):
                    name, owner = claimed.handle.decode(errors="replace"), view.authority(claimed.handle)
        except MillwrightError:
            pass  # it is told all the same
        self._denials.offer(
            Draft(
                id=new_id("led"),
                at_ms=self._clock.now_ms(),
                actor=Actor("unknown", via="handle"),
                action="handle.sign_in",
                target=Target("identifier", name),
                outcome="denied",
                error="handle.wrong_key" if name else "handle.unknown_key",
                address=address[:64],
                organisation=owner.organisation_id if owner is not None else "",
            )
        )

    async def _refused(self, draft: Draft, error: MillwrightError) -> None:
        if isinstance(error, Denied):
            told = structs.replace(draft, outcome="denied", error=error.code)
            if self._denials.admit(told):
                await self._recorder.record([seal(told)])
                return
        await self._recorder.settle(draft.id)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)


def _action(before: StoredRecord | None, after: tuple[HandleValue, ...] | None) -> str:
    if before is None:
        return "identifiers.add"
    return "identifiers.remove" if after is None else "identifiers.change"


def _shown(values: tuple[HandleValue, ...] | None) -> dict[str, Any] | None:
    """The values by index; of one that the public may not read, what it is and not what it says."""
    if values is None:
        return None
    shown = {}
    for value in values:
        told = value_to_json(value)
        if not value.public:
            told.pop("data", None)
        shown[str(value.index)] = told
    return shown
