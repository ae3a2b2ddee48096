"""Prefixes, changes and versions: frozen data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from millwright.identity.handle.records import StoredRecord

PrefixState = Literal["active", "suspended", "expired"]
Op = Literal["put", "delete"]

FORM = 1
"""Version of the batches' form."""


class Prefix(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who owns the names below a prefix, and where they are kept.

    ``prefix`` is that of handles (``88.118.8``), or of names of another code system: ``GS1:950600`` (the digits of a
    company prefix), ``OID:1.2.156.3``, ``DID:did:bid:…``, ``MA:156.1000``, ``ECODE:…``, spelt as in names.
    ``site`` is the HS_SITE of the node that it is delegated to, empty for here. ``until_ms`` is when it expires; who
    runs the register then sets the state.
    """

    prefix: str
    organisation_id: str
    state: PrefixState
    until_ms: int | None = None
    site: bytes = b""

    @property
    def here(self) -> bool:
        """Whether its names are resolved here."""
        return self.state == "active" and not self.site


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
