"""Routes of the ledger. Who may use them is said by the floors above: the web host passes its guards in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from litestar import Controller, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, Parameter, QueryParameter
from litestar.response import Stream
from litestar.types import Guard
from msgspec import Struct

from millwright.ledger.model import DisclosurePage, Entry, EntryPage, Outcome, Proof, Query
from millwright.ledger.record import note
from millwright.ledger.service import Ledger

_MOST_MS = 4_102_444_800_000
_Text = Annotated[str | None, QueryParameter(max_length=255)]
_Time = Annotated[
    int | None, QueryParameter(ge=0, le=_MOST_MS, description="UTC milliseconds; bounds the entry's time.")
]
_Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=20)]
_Id = Annotated[str, Parameter(description="The entry.", max_length=64)]


class Erased(Struct, frozen=True):
    """In how many entries personal values of the subject stood."""

    entries: int


class Consistency(Struct, frozen=True):
    """The proof that the log of ``size`` begins with that of ``old``, in hex."""

    old: int
    size: int
    path: Sequence[str]


def _query(
    object_kind: str | None,
    object_id: str | None,
    actor_id: str | None,
    action: str | None,
    outcome: Outcome | None,
    from_ms: int | None,
    to_ms: int | None,
    text: str | None,
) -> Query:
    return Query(
        object_kind=object_kind,
        object_id=object_id,
        actor_id=actor_id,
        action=action,
        outcome=outcome,
        from_ms=from_ms,
        to_ms=to_ms,
        text=text,
    )


def routes(
    audit: Sequence[Guard], look: Sequence[Guard], whole: Sequence[Guard], erase: Sequence[Guard]
) -> list[type[Controller]]:
    """The controllers: with ``audit`` one searches what the scope contains, with ``look`` one sees the history of one
    object of it (the guard finds the object's kind in the path), with ``whole`` one reads the files of the whole log,
    with ``erase`` one erases personal data in it."""

    class LedgerController(Controller):
        """Who did what."""

        path = "/ledger"
        tags = ("Ledger",)
        guards = audit

        @get("/entries", summary="Search the ledger", operation_id="listLedgerEntries")
        async def page(
            self,
            ledger: NamedDependency[Ledger],
            object_kind: _Text = None,
            object_id: _Text = None,
            actor_id: _Text = None,
            action: Annotated[
                str | None, QueryParameter(description="Whole, or a beginning and `*`: `devices.*`.", max_length=128)
            ] = None,
            outcome: FromQuery[Outcome | None] = None,
            from_ms: _Time = None,
            to_ms: _Time = None,
            text: Annotated[
                str | None, QueryParameter(name="q", description="Words, any case.", max_length=200)
            ] = None,
            cursor: _Cursor = None,
            limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        ) -> EntryPage:
            """Entries that match, newest first."""
            query = _query(object_kind, object_id, actor_id, action, outcome, from_ms, to_ms, text)
            return await ledger.page(query, cursor=cursor, limit=limit)

        @get(
            "/export",
            summary="The ledger as CSV",
            operation_id="exportLedger",
            media_type="text/csv",
            opt={"told": True},
        )
        async def export(
            self,
            ledger: NamedDependency[Ledger],
            object_kind: _Text = None,
            object_id: _Text = None,
            actor_id: _Text = None,
            action: _Text = None,
            outcome: FromQuery[Outcome | None] = None,
            from_ms: _Time = None,
            to_ms: _Time = None,
            text: Annotated[str | None, QueryParameter(name="q", max_length=200)] = None,
        ) -> Stream:
            """The entries that match, newest first. Cells that a spreadsheet would run as a formula are quoted."""
            query = _query(object_kind, object_id, actor_id, action, outcome, from_ms, to_ms, text)
            return Stream(
                _encoded(ledger, query),
                media_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": 'attachment; filename="ledger.csv"'},
            )

        @get("/entries/{entry_id:str}", summary="An entry", operation_id="getLedgerEntry")
        async def entry(self, entry_id: _Id, ledger: NamedDependency[Ledger]) -> Entry:
            """One entry, with those personal values that were not erased."""
            return await ledger.get(entry_id)

        @get("/entries/{entry_id:str}/proof", summary="The proof of an entry", operation_id="getLedgerProof")
        async def proof(self, entry_id: _Id, ledger: NamedDependency[Ledger]) -> Proof:
            """The hashed text, the path to the root (RFC 9162), and the signed tree head."""
            return await ledger.prove(entry_id)

    class ObjectHistoryController(Controller):
        """What one object went through."""

        path = "/ledger/objects"
        tags = ("Ledger",)
        guards = look

        @get("/{kind:str}/{object_id:str}", summary="The history of an object", operation_id="listObjectHistory")
        async def history(
            self,
            kind: Annotated[str, Parameter(description="`device`, `rule`, …", max_length=64)],
            object_id: Annotated[str, Parameter(description="The object.", max_length=255)],
            ledger: NamedDependency[Ledger],
            cursor: _Cursor = None,
            limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
        ) -> EntryPage:
            """Who changed it and how, newest first; without addresses and agents. Of people, sessions, grants and
            whatever else is no thing of the plant it takes `ledger:read`."""
            return await ledger.history(kind, object_id, cursor=cursor, limit=limit)

    class LogController(Controller):
        """The log itself, which is one for all organisations of the node."""

        path = "/ledger"
        tags = ("Ledger",)
        guards = whole

        @get("/consistency", summary="That the log only grew", operation_id="getLedgerConsistency")
        async def consistency(
            self,
            ledger: NamedDependency[Ledger],
            old: Annotated[int, QueryParameter(ge=0, le=2**62, description="The smaller size.")],
            size: Annotated[int, QueryParameter(ge=0, le=2**62, description="The larger size.")],
        ) -> Consistency:
            """The proof that the log of `size` begins with that of `old` (RFC 9162)."""
            return Consistency(old, size, await ledger.client.consistency(old, size))

        @get(
            "/files/{path:path}",
            summary="A file of the log",
            operation_id="getLedgerFile",
            media_type="application/octet-stream",
        )
        async def file(
            self,
            path: Annotated[
                str, Parameter(description="`checkpoint`, or a tile as C2SP tlog-tiles names it.", max_length=80)
            ],
            ledger: NamedDependency[Ledger],
        ) -> Response[bytes]:
            """`checkpoint`, `log.vkey`, `log.json`, `witnessed`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`."""
            name = path.lstrip("/")
            data = await ledger.client.file(name)
            tile = name.startswith("tile/")
            return Response(
                data,
                media_type="application/octet-stream" if tile else "text/plain; charset=utf-8",
                headers={"Cache-Control": "private, max-age=86400, immutable" if tile else "no-cache"},
            )

        @get("/disclosures", summary="Personal values", operation_id="listLedgerDisclosures", opt={"told": True})
        async def disclosures(
            self,
            ledger: NamedDependency[Ledger],
            cursor: Annotated[
                str | None, QueryParameter(description="`next` of the page before.", max_length=64)
            ] = None,
            limit: Annotated[int, QueryParameter(ge=1, le=5000)] = 1000,
        ) -> DisclosurePage:
            """All personal values with the salts of their commitments, by entry; what was erased is not there."""
            return await ledger.disclosures(cursor=cursor, limit=limit)

    class PersonalDataController(Controller):
        """What a person may have erased."""

        path = "/ledger"
        tags = ("Ledger",)
        guards = erase

        @delete(
            "/personal/{subject:str}",
            summary="Erase personal data",
            operation_id="erasePersonalData",
            status_code=200,
        )
        async def erase_personal(
            self,
            subject: Annotated[
                str, Parameter(description="The person, device or entry the values are about.", max_length=255)
            ],
            ledger: NamedDependency[Ledger],
        ) -> Erased:
            """Delete names, addresses and agents of a subject from every entry, for good. Entries and proofs stay."""
            done = await ledger.erase(subject)
            note("personal_data", subject, after={"entries": done})
            return Erased(done)

    return [LedgerController, ObjectHistoryController, LogController, PersonalDataController]


async def _encoded(ledger: Ledger, query: Query) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf"
    async for part in ledger.iter_csv(query):
        yield part.encode()
