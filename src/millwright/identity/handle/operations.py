"""Each operation by its code (RFC 3652, 2.2.2.1): what is done at once, beside the loop, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from millwright.identity.handle.administration import Administration
from millwright.identity.handle.authentication import keys_named, secret_answer_holds
from millwright.identity.handle.dialogue import Dialogue, Outcome
from millwright.identity.handle.model import Reference
from millwright.identity.handle.naming import named_prefix, with_slash
from millwright.identity.handle.records import HandleRecords, RecordsView
from millwright.identity.handle.resolution import AuthenticationNeeded, Finding, refer, resolve
from millwright.identity.handle.settings import HandleSettings
from millwright.identity.handle.site import Site, encode_site
from millwright.identity.handle.special import HS_SECKEY
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.reader import write_bytes
from millwright.identity.handle.wire.requests import OfHandle, RemoveValues, Request, Resolve, Verify, WithValues
from millwright.identity.handle.wire.responses import encode_error, encode_handles

REFUSED: dict[int, str] = {
    Op.HOME_PREFIX: "Prefixes are taken on by this node's own administration, not by the protocol.",
    Op.UNHOME_PREFIX: "Prefixes are given up by this node's own administration, not by the protocol.",
    Op.LIST_DERIVED_PREFIXES: "Derived prefixes are not listed.",
    Op.GET_NEXT_TXN_ID: "Handle.Net's replication is not spoken here.",
    Op.RETRIEVE_TXN_LOG: "Handle.Net's replication is not spoken here.",
    Op.DUMP_HANDLES: "Handle.Net's replication is not spoken here.",
    Op.BACKUP_SERVER: "Backups are made by this node's own administration, not by the protocol.",
    Op.LOGIN: "A login by password would show it to the network; log in with a key.",
}
"""Operations that are known and not done, with the reason."""


def _found(finding: Finding) -> Outcome:
    code, body = finding
    return Outcome(code, [body])


class Operations:
    """The operations, over the records."""

    def __init__(
        self, records: HandleRecords, site: Site, administration: Administration, settings: HandleSettings
    ) -> None:
        self._records = records
        self._site = encode_site(site)
        self._administration = administration
        self._settings = settings

    def run_quickly(self, dialogue: Dialogue, request: Request, identity: Reference | None) -> Outcome | None:
        """What takes microseconds and no authentication; ``None`` for the rest.

        Raises :class:`.AuthenticationNeeded` when a resolution asks for what only an administrator may read.
        """
        op = (dialogue.original or dialogue.message).op
        refused = REFUSED.get(op)
        if refused is not None:
            return Outcome(Rc.OPERATION_DENIED, [encode_error(refused)])
        if op == Op.GET_SITE_INFO:
            return Outcome(Rc.SUCCESS, [self._site])
        if op == Op.LIST_HANDLES and dialogue.peer.transport != "tcp":
            return Outcome(Rc.OPERATION_DENIED, [encode_error("A list is too long for UDP; ask over TCP.")])
        if op == Op.LIST_HOMED_PREFIXES or isinstance(request, Verify):
            return None
        with self._records.view() as view:
            if isinstance(request, Resolve):
                try:
                    return _found(resolve(view, request, dialogue.flags, False))
                except AuthenticationNeeded:
                    if identity is None:
                        raise
                    return None
            return self._elsewhere(view, op, request, dialogue.flags)

    def _elsewhere(self, view: RecordsView, op: int, request: Request, flags: int) -> Outcome | None:
        if not isinstance(request, OfHandle | WithValues | RemoveValues):
            return None
        handle = with_slash(request.handle)
        prefix = named_prefix(handle)
        if op == Op.LIST_HANDLES and prefix is not None and view.responsible(prefix + b"/"):
            # A list of a prefix's handles is asked of the prefix handle, which may be kept elsewhere.
            return None
        referred = refer(view, handle, flags)
        return _found(referred) if referred is not None else None

    def run(self, dialogue: Dialogue, request: Request, who: Reference) -> Outcome:
        """What an authenticated administrator asks for; blocks. Raises the families of the node."""
        message = dialogue.original or dialogue.message
        administration, flags = self._administration, message.flags
        match request:
            case Resolve():
                return self._resolve_restricted(request, flags, who)
            case WithValues(handle, values) if message.op == Op.CREATE_HANDLE:
                made = administration.create(handle, values, flags, who)
                return Outcome(Rc.SUCCESS, [write_bytes(made)], flags=flags & Flag.MINT_SUFFIX)
            case WithValues(handle, values) if message.op == Op.ADD_VALUE:
                administration.add(with_slash(handle), values, flags, who)
            case WithValues(handle, values):
                administration.modify(with_slash(handle), values, who)
            case RemoveValues(handle, indexes):
                administration.remove(with_slash(handle), indexes, who)
            case OfHandle(handle) if message.op == Op.DELETE_HANDLE:
                administration.delete(with_slash(handle), who)
            case OfHandle(handle) if message.op == Op.LIST_HANDLES:
                prefix = named_prefix(with_slash(handle)) or handle
                first = administration.list_handles(prefix, who, b"", self._settings.listed_at_once)
                return Outcome(Rc.SUCCESS, self._pages(prefix, who, first), paged=True)
            case OfHandle() if message.op == Op.LIST_HOMED_PREFIXES:
                return self._listed(administration.list_prefixes(who))
            case Verify():
                return self._verified(request, dialogue.version)
            case _:
                return Outcome(Rc.OPERATION_DENIED, [encode_error("This is not done here.")])
        return Outcome(Rc.SUCCESS, [b""])

    def _resolve_restricted(self, request: Resolve, flags: int, who: Reference) -> Outcome:
        self._administration.check_may_read(with_slash(request.handle), who)
        with self._records.view() as view:
            return _found(resolve(view, request, flags, True))

    def _pages(self, prefix: bytes, who: Reference, page: list[bytes]) -> Iterator[bytes]:
        # Each part is read when the one before was taken: a list of millions is never held, nor is it of one moment.
        yield encode_handles(page)
        while page:
            page = self._administration.list_handles(prefix, who, page[-1], self._settings.listed_at_once)
            if page:
                yield encode_handles(page)

    def _listed(self, handles: list[bytes]) -> Outcome:
        step = self._settings.listed_at_once
        parts = [handles[start : start + step] for start in range(0, len(handles), step)] or [[]]
        return Outcome(Rc.SUCCESS, [encode_handles(part) for part in parts])

    def _verified(self, request: Verify, version: tuple[int, int]) -> Outcome:
        signed = request.nonce + request.digest
        with self._records.view() as view:
            record = view.find(request.handle)
        values = record.values if record is not None else ()
        holds = any(
            secret_answer_holds(key.data, request.response, signed, version)
            for key in keys_named(values, HS_SECKEY, request.index)
        )
        return Outcome(Rc.SUCCESS, [bytes((holds,))])
