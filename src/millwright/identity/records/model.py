"""Prefixes, changes and versions: frozen data."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from millwright.identity.handle.records import StoredRecord

PrefixState = Literal["active", "suspended", "expired"]
Op = Literal["put", "delete"]
Former = Literal["", "discard", "pass_on"]
"""What becomes of names that a former holder has left: they are removed, or what is public of them is kept."""


MeasureKind = Literal["suspend", "redirect", "announce"]
MeasureScope = Literal["identifier", "beginning", "prefix"]
MeasureSide = Literal["holder", "registrar"]
Severity = Literal["info", "warning", "danger"]

FORM: Final = 1
"""Version of the batches' form."""

FORM_WITH_MEASURES: Final = 2
"""That of a batch with measures: a node that does not know of them stops there and says so, rather than pass over what
was suspended."""


class Prefix(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who owns the names below a prefix, and where they are kept.

    ``prefix`` is that of handles (``88.118.8``), or of names of another code system: ``GS1:950600`` (the digits of a
    company prefix), ``OID:1.2.156.3``, ``DID:did:bid:…``, ``MA:156.1000``, ``ECODE:…``, spelt as in names.
    ``site`` is the HS_SITE of the node that it is delegated to, empty for here; ``resolver`` is where that node answers
    over HTTP. ``until_ms`` is when it expires; who runs the register then sets the state. Of one that was granted anew
    after its holder was gone, ``since_ms`` is since when, and ``former`` what became of the names that were left:
    nothing of what was registered before is the present holder's to see.
    """

    prefix: str
    organisation_id: str
    state: PrefixState
    until_ms: int | None = None
    site: bytes = b""
    resolver: str = ""
    since_ms: int = 0
    former: Former = ""

    @property
    def here(self) -> bool:
        """Whether its names are resolved here."""
        return self.state == "active" and not self.site


class Measure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was ordered for names in an emergency; the records themselves stay as they are.

    ``prefix`` is the entry under which the names stand; ``scope`` says which of them: all (``prefix``), those that
    begin with ``on`` (``beginning``), or the one that is ``on`` with what is an instance of it in GS1
    (``identifier``). Names of a longer prefix that has an entry of its own are never touched. ``since_ms`` and
    ``until_ms`` bound it; ``lifted_ms`` is when somebody ended it before. ``side``: who may lift it, the holder of the
    prefix or the organisation that decides on it. ``text`` is for everybody, ``reason`` for who sees the measure.
    """

    id: str
    kind: MeasureKind
    scope: MeasureScope
    prefix: str
    on: str
    organisation_id: str
    side: MeasureSide = "holder"
    who: str
    reason: str
    taken_ms: int
    since_ms: int
    until_ms: int | None = None
    text: str = ""
    text_zh: str = ""
    severity: Severity = "warning"
    href: str = ""
    link_type: str = ""
    touched: int = 0
    lifted_ms: int | None = None
    lifted_by: str = ""
    lifted_why: str = ""

    def in_force(self, now_ms: int) -> bool:
        """Whether it holds at a moment."""
        return self.lifted_ms is None and self.since_ms <= now_ms and (self.until_ms is None or now_ms < self.until_ms)

    def over(self, now_ms: int) -> bool:
        """Whether it has ended, by itself or because it was lifted."""
        return self.lifted_ms is not None or (self.until_ms is not None and self.until_ms <= now_ms)


class RecordChange(Struct, frozen=True, array_like=True):
    """One record that was put or deleted.

    ``version`` counts the changes of a name from 1 and goes on after a deletion; ``data`` is a :class:`.StoredRecord`.
    """

    name: bytes
    op: Op
    version: int
    data: bytes | None = None
    reason: str = ""


class Batch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of the log: changes that are made together or not at all.

    ``origin`` is the node that wrote it, ``who`` the person or administrator; ``previous`` is the SHA-256 of the
    message before, 32 zeros for the first.
    """

    v: int = FORM
    at_ms: int
    origin: str
    who: str
    previous: bytes
    changes: tuple[RecordChange, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    measures: tuple[Measure, ...] = ()


class Written(Struct, frozen=True):
    """What became of one change; ``same`` changed nothing and made no version."""

    name: bytes
    op: Literal["put", "delete", "same"]
    version: int


class Version(Struct, frozen=True, kw_only=True):
    """One version of a record; ``record`` is ``None`` for a deletion. ``position`` is the batch's in the log."""

    version: int
    op: Op
    at_ms: int
    who: str
    origin: str
    reason: str
    position: int
    record: StoredRecord | None
