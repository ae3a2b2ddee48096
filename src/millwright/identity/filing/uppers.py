"""Use cases of nodes above: keeping how they are reached, testing it, and filing everything anew."""

from __future__ import annotations

import asyncio
import builtins
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from millwright.engines.secrets import Secrets, purpose_of
from millwright.identity.filing import errors
from millwright.identity.filing.client import UpperClient, check_address, check_authorities
from millwright.identity.filing.documents import NodeSigner, bare_digest
from millwright.identity.filing.model import FilingDesk
from millwright.identity.filing.outbox import Outbox
from millwright.identity.filing.settings import FilingSettings
from millwright.identity.filing.store import Row, SentStore
from millwright.identity.filing.tables import TOKENS
from millwright.identity.filing.views import FilingProblem, NewUpperNode, ReportSent, UpperCheck, UpperNode
from millwright.identity.prefixes.systems import PrefixSystem, read_prefix
from millwright.kernel import ROOT, Clock, Invalid, MillwrightError, new_id
from millwright.ledger import note

_SYSTEMS: tuple[PrefixSystem, ...] = ("handle", "gs1", "oid", "did", "ma", "ecode")
_NOTED = ("name", "url", "public_key", "systems", "prefixes", "enabled", "report_every_h")


class Uppers:
    """The node's own: routes take permissions that count on the root alone."""

    def __init__(
        self,
        store: SentStore,
        outbox: Outbox,
        secrets: Secrets,
        node: NodeSigner,
        clock: Clock,
        settings: FilingSettings,
    ) -> None:
        self._store, self._outbox, self._secrets, self._node = store, outbox, secrets, node
        self._clock, self._settings = clock, settings

    async def list(self) -> list[UpperNode]:
        """Every node above, by name; no token is ever shown."""
        rows = await asyncio.to_thread(self._store.uppers)
        figures = await asyncio.to_thread(self._store.figures, [row.id for row in rows])
        return [_view(row, figures[row.id]) for row in rows]

    async def get(self, upper_id: str) -> UpperNode:
        """One of them. Raises ``NotFound`` (``filing.unknown``)."""
        row = await asyncio.to_thread(self._store.upper, upper_id)
        return _view(row, (await asyncio.to_thread(self._store.figures, [upper_id]))[upper_id])

    async def add(self, new: NewUpperNode) -> UpperNode:
        """Connect a node above; all prefixes in force that it is for are prepared to be filed.

        Raises ``Invalid`` (``filing.address_invalid``, ``filing.ca_invalid``, ``filing.token_needed``,
        ``ledger.key_invalid``), ``Conflict`` (``filing.name_taken``, ``filing.own_key``).
        """
        values = self._checked(new)
        if not new.token:
            raise errors.token_needed()
        now_ms, upper_id = self._clock.now_ms(), new_id("upn")
        row: dict[str, Any] = {
            "id": upper_id, "attempts": 0, "next_ms": 0, "answered_ms": None,
            "problem": None, "created_ms": now_ms, "changed_ms": now_ms, "revision": 1, **values,
        }  # fmt: skip

        def work() -> None:
            row["token"] = self._secrets.seal(purpose_of(TOKENS, upper_id), new.token.encode())
            with self._store.records.begin() as connection:
                self._store.insert_upper(connection, row)
                self._outbox.register(connection, upper_id)

        await asyncio.to_thread(work)
        note("upper_node", upper_id, new.name, after={name: row[name] for name in _NOTED}, organisation=ROOT)
        return await self.get(upper_id)

    async def change(self, upper_id: str, new: NewUpperNode) -> UpperNode:
        """Change how a node above is reached. Raises as :meth:`add`, ``NotFound``."""
        values = self._checked(new)
        row = await asyncio.to_thread(self._store.upper, upper_id)
        if not new.token and _origin(values["url"]) != _origin(row.url):
            raise errors.token_needed()
        values |= {"attempts": 0, "next_ms": 0, "problem": None, "changed_ms": self._clock.now_ms()}
        values["revision"] = row.revision + 1

        def work() -> None:
            if new.token:
                values["token"] = self._secrets.seal(purpose_of(TOKENS, upper_id), new.token.encode())
            with self._store.records.begin() as connection:
                self._store.update_upper(connection, upper_id, values)
                wider = not row.enabled and new.enabled
                if wider or (row.systems, row.prefixes) != (values["systems"], values["prefixes"]):
                    self._outbox.register(connection, upper_id)

        await asyncio.to_thread(work)
        before = {name: getattr(row, name) for name in _NOTED}
        note("upper_node", upper_id, new.name, before=before, after=before | {n: values[n] for n in _NOTED},
             organisation=ROOT)  # fmt: skip
        return await self.get(upper_id)

    async def remove(self, upper_id: str) -> None:
        """File with it no more; what was filed is kept. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._store.upper, upper_id)
        await asyncio.to_thread(self._store.delete_upper, upper_id)
        note("upper_node", upper_id, row.name, before={name: getattr(row, name) for name in _NOTED}, organisation=ROOT)

    async def file_all(self, upper_id: str) -> UpperNode:
        """File every prefix in force anew, as it is now. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._store.upper, upper_id)

        def work() -> int:
            with self._store.records.begin() as connection:
                return self._outbox.register(connection, upper_id)

        count = await asyncio.to_thread(work)
        note("upper_node", upper_id, row.name, after={"filed_anew": count}, organisation=ROOT)
        return await self.get(upper_id)

    async def check(self, upper_id: str) -> UpperCheck:
        """Ask a node above now: whether it answers, knows the token, and has the key that is known; takes the key
        where none is. What waits is tried again at once when all is well. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._store.upper, upper_id)
        token = await asyncio.to_thread(self._secrets.open, purpose_of(TOKENS, upper_id), row.token)
        client = UpperClient(row.url, token.decode(), row.ca, self._settings.answer_s)
        began_s = time.perf_counter()
        try:
            desk = await client.desk()
        except MillwrightError as failed:
            return UpperCheck(ok=False, milliseconds=_since(began_s), desk=None, clock_ahead_ms=None,
                              problem=problem_of(failed, self._clock.now_ms()))  # fmt: skip
        took, ahead_ms = _since(began_s), self._clock.now_ms() - desk.now_ms
        error = self._fault(desk, row, ahead_ms)
        if error is None:
            if row.public_key is None:
                await asyncio.to_thread(self._store.pin, upper_id, desk.key)
                note("upper_node", upper_id, row.name, after={"public_key": desk.key}, organisation=ROOT)
            await asyncio.to_thread(lambda: self._store.note_upper(upper_id, attempts=0, next_ms=0, problem=None))
        return UpperCheck(
            ok=error is None, milliseconds=took, desk=desk, clock_ahead_ms=ahead_ms,
            problem=None if error is None else problem_of(error, self._clock.now_ms()),
        )  # fmt: skip

    def _fault(self, desk: FilingDesk, row: Row, ahead_ms: int) -> MillwrightError | None:
        """What keeps this node from filing with one that answers."""
        try:
            if self._node.is_own(desk.key):
                return errors.own_key()
            if row.public_key is not None and bare_digest(desk.key) != bare_digest(row.public_key):
                return errors.answer_unverified(f"it shows the key {desk.key}, which is not the one that is known")
        except Invalid as error:
            return errors.upper_strange(error.message, "密钥格式不正确")
        if not desk.admitted:
            return errors.upper_refuses("filing.no_filer", "the token is no node's", "令牌不属于已准入的下级节点")
        if ahead_ms > self._settings.clock_ahead_s * 1000:
            return errors.clock_wrong(ahead_ms, self._clock.now_ms())
        return None

    async def reports(self, upper_id: str) -> builtins.list[ReportSent]:
        """Reports to a node above, newest first. Raises ``NotFound``."""
        await asyncio.to_thread(self._store.upper, upper_id)
        return [
            ReportSent(
                id=row.id, from_ms=row.from_ms, to_ms=row.to_ms, state=row.state, reason=row.reason,
                made_ms=row.made_ms, answered_ms=row.answered_ms, identifiers=row.facts.get("identifiers", 0),
                prefixes=row.facts.get("prefixes", 0),
            )
            for row in await asyncio.to_thread(self._store.reports, upper_id)
        ]  # fmt: skip

    def _checked(self, new: NewUpperNode) -> dict[str, Any]:
        url = check_address(new.url)
        check_authorities(new.ca)
        key = new.public_key.strip()
        if key and self._node.is_own(key):
            raise errors.own_key()
        return {
            "name": new.name.strip(), "url": url, "ca": new.ca.strip(), "public_key": key or None,
            "systems": list(new.systems), "prefixes": [_known(text, new.systems) for text in new.prefixes],
            "enabled": new.enabled, "report_every_h": new.report_every_h,
        }  # fmt: skip


def _known(text: str, systems: Any) -> str:
    """A prefix of one of these systems. Raises ``Invalid`` (``prefixes.prefix_invalid``)."""
    failed: Invalid | None = None
    for system in systems or _SYSTEMS:
        try:
            return read_prefix(system, text).prefix
        except Invalid as error:
            failed = failed or error
    assert failed is not None
    raise failed


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _since(began_s: float) -> int:
    return round((time.perf_counter() - began_s) * 1000)


def problem_of(error: MillwrightError, now_ms: int) -> FilingProblem:
    """An error as it is shown beside what it keeps from working."""
    zh = str(error.detail.get("why_zh", ""))
    return FilingProblem(code=error.code, message=error.message, hint=error.hint, why_zh=zh, since_ms=now_ms)


def _view(row: Row, figures: tuple[int, int, int | None]) -> UpperNode:
    names = ("id", "name", "url", "ca", "public_key", "systems", "prefixes", "enabled", "report_every_h")
    plain = {name: getattr(row, name) for name in (*names, "answered_ms", "attempts", "revision")}
    waiting, undecided, reported_ms = figures
    problem = msgspec.convert(row.problem, FilingProblem) if row.problem else None
    return UpperNode(
        **plain, encrypted=row.url.startswith("https://"), problem=problem, waiting=waiting, undecided=undecided,
        next_ms=row.next_ms if row.problem else None, reported_ms=reported_ms,
    )  # fmt: skip
