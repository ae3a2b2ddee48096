"""What an entry says."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from millwright.kernel import ROOT

Outcome: TypeAlias = Literal["done", "denied", "failed"]
"""How it ended: it was done, it was not allowed, or it could not be done."""

ActorKind: TypeAlias = Literal["person", "token", "device", "system", "unknown"]
"""Who acts: a person at the console, a program with a token, a device, the node itself, or nobody who is known."""

FORMAT = 1
"""Version of the entries' format."""


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it. ``via`` is the session or the token used; ``name`` is null once it was erased."""

    kind: ActorKind
    id: str = ""
    name: str | None = None
    via: str = ""


class Target(Struct, frozen=True, omit_defaults=True):
    """What it was done to; ``name`` is null when it has none or it was erased."""

    kind: str
    id: str = ""
    name: str | None = None


class Change(Struct, frozen=True, omit_defaults=True):
    """One value that changed: a JSON pointer (RFC 6901) and what was and is there, cut to 200 characters."""

    path: str
    before: Any = None
    after: Any = None


class Draft(Struct, frozen=True, kw_only=True):
    """What happened, before it is sealed.

    ``before`` and ``after`` are digests of the object's canonical JSON without secrets; ``changes`` says in words what
    differs. ``grant`` lists the ids of the grants under which it was permitted; ``organisation`` is whose entry it is
    (the object's, else the actor's; empty: the topmost one's). ``count`` is above 1 for an entry that stands for many
    equal ones. ``personal`` names the changed paths that hold personal data of the object.
    """

    id: str
    at_ms: int
    actor: Actor
    action: str
    target: Target
    outcome: Outcome
    error: str = ""
    before: str = ""
    after: str = ""
    changes: tuple[Change, ...] = ()
    address: str = ""
    agent: str = ""
    request_id: str = ""
    on_behalf: Actor | None = None
    approved_by: Actor | None = None
    grant: str = ""
    organisation: str = ""
    count: int = 1
    personal: tuple[str, ...] = ()


class Disclosure(Struct, frozen=True):
    """The personal values of one entry that belong to one subject, with the salt of their commitments (hex)."""

    entry_id: str
    subject: str
    salt: str
    values: dict[str, Any]


class DisclosurePage(Struct, frozen=True):
    """Personal values by entry, and the cursor of the next page (null: there is none)."""

    items: list[Disclosure]
    next: str | None = None


class Sealed(Struct, frozen=True):
    """An entry ready for the log: what is hashed (all but its position), and what is kept apart from it."""

    entry: dict[str, Any]
    disclosures: tuple[Disclosure, ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """An entry of the ledger as people read it. Times are UTC milliseconds; ``index`` is its place in the log.

    ``erased`` lists the values that were erased: the entry still proves that they were there.
    """

    index: int
    id: str
    at_ms: int
    actor: Actor
    action: str
    target: Target
    outcome: Outcome
    error: str = ""
    before: str = ""
    after: str = ""
    changes: list[Change] = []
    address: str | None = None
    agent: str | None = None
    request_id: str = ""
    on_behalf: Actor | None = None
    approved_by: Actor | None = None
    grant: str = ""
    organisation: str = ROOT
    count: int = 1
    erased: list[str] = []


class EntryPage(Struct, frozen=True):
    """Entries, newest first, and the cursor of the next page (null: there is none)."""

    items: list[Entry]
    next: str | None = None


class Query(Struct, frozen=True, kw_only=True):
    """Which entries; every given condition must hold. ``object_kind`` and ``action`` may end in ``*``."""

    object_kind: str | None = None
    object_id: str | None = None
    actor_id: str | None = None
    action: str | None = None
    outcome: Outcome | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    text: str | None = None


class Proof(Struct, frozen=True):
    """Why an entry is known to be in the log.

    ``entry`` is the hashed text; ``leaf``, ``root`` and ``path`` are hex; ``checkpoint`` is the signed tree head (a
    C2SP signed note) and ``keys`` are the verifier keys that sign this log.
    """

    index: int
    size: int
    algorithm: str
    entry: str
    leaf: str
    path: list[str]
    root: str
    checkpoint: str
    keys: list[str]
    disclosures: list[Disclosure] = []
